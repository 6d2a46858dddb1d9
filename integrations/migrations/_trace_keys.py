"""The keys "skip-trace-1" and "skip-trace-2" of one question, as the first became the second: frozen, with their rules."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from integrations.migrations import _frozen as normalise

_NAME_MAX = 60
_ADDRESS_MAX = 120
_COMPANY_BEFORE = re.compile(
    r"\b(LLC|L L C|LLP|LP|PLLC|INC|INCORPORATED|CORP|CORPORATION|CO|COMPANY|LTD|LIMITED|PARTNERSHIP|PARTNERS|HOLDINGS|"
    r"PROPERTIES|INVESTMENTS|ENTERPRISES|TRUST|TRUSTEE|TRUSTEES|ESTATE|BANK|ASSOCIATION|ASSN|HOA|CHURCH|CITY OF|"
    r"COUNTY OF|STATE OF|UNITED STATES|AUTHORITY|DISTRICT|FOUNDATION)\b"
)


def asked_by(detail: Mapping[str, Any]) -> dict[str, Any]:
    """What a run asked with, from the facts of a bought detail: the arguments of `skip_trace_query`."""
    return {
        "first_name": detail.get("first_name"),
        "last_name": detail.get("last_name"),
        "owner_name": detail.get("owner_name"),
        "address": detail.get("property_address"),
        "city": detail.get("property_city"),
        "state": detail.get("property_state"),
        "zip": detail.get("property_zip"),
        "mail_address": detail.get("mailing_address"),
        "mail_city": detail.get("mailing_city"),
        "mail_state": detail.get("mailing_state"),
        "mail_zip": detail.get("mailing_zip"),
    }


def former_key(asked: Mapping[str, Any]) -> str | None:
    """The key of a question, or None where it could not be asked."""
    given, family = _names_before(asked["first_name"], asked["last_name"], asked["owner_name"])
    parts: dict[str, str | None] = {"first_name": given, "last_name": family}
    home = _place("", asked)
    post = _place("mail_", asked)
    if home["address"]:
        parts.update(home)
    if post["mail_address"]:
        parts.update(post)
    if not (home["address"] or post["mail_address"]):
        if not (given and family and home["city"] and home["state"] and home["zip"]):
            return None
        parts.update(home)
    params = {name: part for name, part in parts.items() if part}
    spelled = "\x1f".join(f"{name}={normalise.fold(part)}" for name, part in sorted(params.items()))
    return hashlib.sha256(f"skip-trace-1\x1f{spelled}".encode()).hexdigest()


def _names_before(first: object, last: object, owner: object) -> tuple[str | None, str | None]:
    given = normalise.text(first, limit=_NAME_MAX)
    family = normalise.text(last, limit=_NAME_MAX)
    if family and not given and _is_company_before(family):
        return None, None
    if not given and not family and not _is_company_before(owner):
        words = (normalise.text(owner) or "").split()
        if len(words) in (2, 3) and all(len(word) <= _NAME_MAX for word in words):
            return words[0], words[-1]
    return given, family


def _is_company_before(name: object) -> bool:
    return bool(_COMPANY_BEFORE.search(normalise.fold(name)))


def _place(prefix: str, asked: Mapping[str, Any]) -> dict[str, str | None]:
    town = normalise.text(asked[f"{prefix}city"], limit=_NAME_MAX)
    code = normalise.state(asked[f"{prefix}state"])
    street = normalise.text(asked[f"{prefix}address"], limit=_ADDRESS_MAX) if town and code else None
    return {
        f"{prefix}address": street,
        f"{prefix}city": town,
        f"{prefix}state": code,
        f"{prefix}zip": normalise.zip5(asked[f"{prefix}zip"]),
    }


# --- skip-trace-2 -----------------------------------------------------------------------------------------------------


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_COMPANY = re.compile(
    r"\b(LLC|L L C|LLP|LP|PLLC|INC|INCORPORATED|CORP|CORPORATION|COMPANY|LTD|LIMITED|PARTNERSHIP|PARTNERS|HOLDINGS|"
    r"PROPERTIES|INVESTMENTS|ENTERPRISES|TRUST|TRUSTEES? OF|BOARD OF|ESTATE|BANK|ASSOCIATION|ASSN|HOA|CHURCH|CITY OF|"
    r"COUNTY OF|STATE OF|UNITED STATES|AUTHORITY|DISTRICT|FOUNDATION)\b"
)
# "Acme Co" is one and "Smith & Co"; "Co Maria" is a family, and "Maria Co" of it.
_CO = re.compile(r"(.+) CO$")
# More that is no person, without being a form a company is registered in.
_NOBODY = _words(
    "OF THE UNKNOWN OWNER OWNERS HEIRS UNIVERSITY COLLEGE SCHOOL SCHOOLS HOSPITAL MINISTRIES MINISTRY FUND MORTGAGE "
    "FINANCIAL SAVINGS UNION GROUP REALTY RENTALS RENTAL HOMES DEVELOPMENT DEVELOPERS VENTURES CAPITAL MANAGEMENT "
    "APARTMENTS SERVICES SOLUTIONS BUILDERS CONSTRUCTION FARMS RANCH CLUB CEMETERY DEPARTMENT DEPT TOWNSHIP VILLAGE "
    "TOWN COUNTY CITY STATE FAMILY REVOCABLE IRREVOCABLE LIVING NA USA"
)
_ELSEWHERE = re.compile(r"\s(?:C/O|ATTN:?)(?=\s)|%", re.IGNORECASE)
_WIFE = re.compile(r"[,\s]+(?:ET[\s-]?UX|ET[\s-]?VIR)\b\.?", re.IGNORECASE)
_AND = re.compile(r"\s*[&+;/]\s*|\s+AND\s+", re.IGNORECASE)
# What a county adds behind a name. Only there: LE is a life estate and a family, so it is left alone.
_COUNTY_ROLE = re.compile(
    r"[,\s(]+(?:ET[\s-]?ALS?|CO-?TRS|TRS|TR|TTEES?|JTRS|JTWROS|JT|TEN COM|L/E|LIFE EST(?:ATE)?|DECD)\b[.)]*$",
    re.IGNORECASE,
)
_COUPLE = re.compile(r"[,\s(]+(?:H\s?[&/]\s?W|W\s?[&/]\s?H|HUSBAND (?:AND|&) WIFE|WIFE (?:AND|&) HUSBAND)\b[.)]*", re.I)
_ROLE = re.compile(r"[,\s(]+(?:(?:CO-?|SUCCESSOR )?TRUSTEES?|DECEASED|ESQ|MD|DDS|PHD)\b[.)]*$", re.IGNORECASE)
_MARKS = _words("ETAL ETALS TRS TR TTEE TTEES JTRS JTWROS TRUSTEE TRUSTEES")  # amid a name they end no person's
_SUFFIX = frozenset({"JR", "SR", "II", "III", "IV"})
_PARTICLES = _words("DE DEL LA LAS LOS VAN VON DER DEN DOS DA DI MC MAC ST SAN SANTA O")
# Given names that are seldom family names: they tell the order of a line that says nothing else of it.
_GIVEN = _words(
    "AARON ABIGAIL ALAN ALEJANDRO ALEXIS ALFREDO ALICE ALICIA AMANDA AMBER AMY ANA ANDREA ANDREW ANGELA ANITA ANN "
    "ANNA ANNE ANNIE ANTONIO APRIL ASHLEY AUDREY BARBARA BEATRICE BENJAMIN BETH BETTY BEVERLY BILL BOB BONNIE BRANDON "
    "BRENDA BRIAN BRITTANY CARLA CARLOS CARMEN CAROL CAROLINE CAROLYN CATHERINE CATHY CHARLENE CHERYL CHRIS CHRISTINA "
    "CHRISTINE CHRISTOPHER CINDY CLARA CYNTHIA DAN DANIELLE DAVE DAWN DEBORAH DEBRA DENISE DIANA DIANE DONALD DONNA "
    "DORIS DOROTHY DWAYNE EDITH EDUARDO EDWARD EDWIN EILEEN ELAINE ELEANOR ELIZABETH ELLEN EMILY EMMA ENRIQUE ERIC "
    "ERICA ERIK ERNESTO ESTHER ETHEL EUGENE EVELYN FERNANDO FLORENCE FRANCES FRANCISCO FRED GARY GERALD GLADYS GLORIA "
    "GREG GUADALUPE GUILLERMO HANNAH HAROLD HEATHER HECTOR HELEN IDA IRENE JACOB JACQUELINE JAMAL JAMIE JANE JANET "
    "JANICE JASON JAVIER JEAN JEFF JEFFREY JENNIFER JEREMY JESSICA JESUS JILL JIM JOAN JOANN JOANNE JOE JOHN JONATHAN "
    "JORGE JOSE JOSEPHINE JOSHUA JOYCE JUAN JUDITH JUDY JULIA JULIE JUSTIN KAREN KATE KATHERINE KATHLEEN KATHRYN "
    "KATHY KATIE KATRINA KAYLA KEISHA KENNETH KEVIN KIMBERLY KRISTEN KYLE LAKISHA LARRY LATOYA LAURA LAUREN LILLIAN "
    "LINDA LISA LIZ LOIS LORI LORRAINE LOUISE LUCILLE LUIS LUZ LYDIA MANUEL MARCIA MARGARET MARIA MARIE MARILYN "
    "MARJORIE MARK MARTHA MARY MATT MATTHEW MAYRA MEGAN MELANIE MELISSA MICHAEL MICHELLE MIGUEL MIKE MILDRED MINNIE "
    "MONICA NANCY NATALIE NATHAN NICHOLAS NICOLE NORMA OLGA OLIVIA PAMELA PATRICIA PAULA PEDRO PEGGY PETER PHILIP "
    "PHILLIP PHYLLIS RACHEL RALPH RAUL RAYMOND REBECCA RHONDA RICARDO RICHARD RITA ROBERT ROBERTO ROBIN ROGER RONALD "
    "ROSA ROSARIO RUBY RUTH RYAN SALLY SAMANTHA SAMUEL SANDRA SARA SARAH SEAN SERGIO SHARON SHEILA SHIRLEY SOPHIA "
    "STACY STEPHANIE STEPHEN STEVE STEVEN SUE SUSAN SUZANNE SYLVIA TAMMY TANYA TERESA TERRANCE TERRY THELMA THERESA "
    "TIFFANY TIM TIMOTHY TINA TOM TRACY TYRONE VALERIE VANESSA VERONICA VICTORIA VIOLA VIRGINIA VIVIAN WALTER WANDA "
    "WAYNE WENDY WILLIAM YOLANDA YVONNE ZACHARY"
)
# As often a family's as a person's: alone they tell nothing.
_EITHER = _words(
    "ADAM ALBERT ALEXANDER ALLAN ALLEN ANTHONY ARNOLD ARTHUR AUSTIN BERNARD BLAKE BRUCE CAMERON CARL CARTER CHARLES "
    "CHRISTIAN CLARENCE CLAUDE COLE CRAIG CURTIS DANIEL DAVID DEAN DENNIS DICK DOUGLAS DREW DYLAN EARL ELLIS ERNEST "
    "EVAN FRANCIS FRANK FREDERICK GEORGE GILBERT GLENN GORDON GRACE GRANT GREGORY HARRY HARVEY HENRY HERBERT HOPE "
    "HOWARD HUNTER IAN JACK JAMES JAY JEROME JESSE JOEL JORDAN JOSEPH KEITH KELLY KIM LAWRENCE LEON LEROY LEWIS LLOYD "
    "LOGAN LOUIS LYNN MARIO MARSHALL MARTIN MASON MAURICE MELVIN MITCHELL MORGAN NEIL NORMAN OLIVER OSCAR PARKER "
    "PATRICK PAUL PERRY PRESTON RAMON RANDALL RAY REED REGINA REID ROSE ROSS ROY RUSSELL SALVADOR SANTIAGO SCOTT "
    "SHANNON SHERRY SIDNEY SIMON SPENCER STANLEY STEWART STUART TAYLOR THEODORE THOMAS TODD TRAVIS TRISTAN TYLER "
    "VERNON VICTOR VINCENT WALLACE WARREN WESLEY WILLIE ZANE"
)
_ANY_GIVEN = _GIVEN | _EITHER
# The commonest family names that nobody is given.
_FAMILIES = _words(
    "ADAMS ANDERSON BAKER BROWN CASTILLO CHAVEZ CLARK COLLINS COOPER CRUZ DAVIS DIAZ DOE EDWARDS EVANS FLORES GARCIA "
    "GOMEZ GONZALES GONZALEZ GREEN GUTIERREZ HALL HARRIS HERNANDEZ HILL JACKSON JENKINS JIMENEZ JOHNSON JONES KING "
    "LOPEZ MARTINEZ MENDOZA MILLER MOORE MORALES MURPHY NELSON NGUYEN ORTIZ PATEL PEREZ PETERSON PHILLIPS RAMIREZ "
    "RAMOS REYES RICHARDSON RIVERA ROBERTS ROBINSON RODRIGUEZ ROE ROGERS RUIZ SANCHEZ SANDERS SMITH STEVENS SULLIVAN "
    "THOMPSON TORRES TURNER VARGAS WATSON WHITE WILLIAMS WILSON WOOD WRIGHT YOUNG"
)


def trace_key(asked: Mapping[str, Any]) -> str | None:
    """The key "skip-trace-2" of a question, or None where it could not be asked."""
    names = _names(asked["first_name"], asked["last_name"], asked["owner_name"])
    params = _params(names, _place("", asked), _place("mail_", asked))
    return _key(_who(*names, asked["owner_name"], asked["last_name"]), params) if params else None


def _params(
    names: tuple[str | None, str | None], home: Mapping[str, str | None], post: Mapping[str, str | None]
) -> dict[str, str]:
    """What is asked; empty where it is too little."""
    parts: dict[str, str | None] = {"first_name": names[0], "last_name": names[1]}
    if home.get("address"):
        parts.update(home)
    if post.get("mail_address"):
        parts.update(post)
    if not (home.get("address") or post.get("mail_address")):
        if not (all(names) and home.get("city") and home.get("state") and home.get("zip")):
            return {}
        parts.update(home)
    return {name: part for name, part in parts.items() if part}


def _who(given: str | None, family: str | None, owner: object, last: object) -> str:
    """Whom the question is about: a person's name, else the company's although the vendor is not asked by it."""
    person = " ".join(filter(None, (given, family)))
    return normalise.fold(person) or normalise.fold(owner) or normalise.fold(last)


def _key(who: str, params: Mapping[str, str]) -> str:
    """A property's ZIP may be missing, its city and state may not. Only a question without a name needs the ZIP too."""
    prefix = "" if "address" in params or "mail_address" not in params else "mail_"
    place = [normalise.short_town(params[f"{prefix}city"]), params[f"{prefix}state"]]
    if f"{prefix}address" not in params or not who:
        place.append(params.get(f"{prefix}zip", ""))
    line = normalise.short_line(params.get(f"{prefix}address", ""))
    spelled = "\x1f".join(("skip-trace-2", who, prefix, line, *place))
    return hashlib.sha256(spelled.encode()).hexdigest()


def _names(first: str | None, last: str | None, owner: str | None) -> tuple[str | None, str | None]:
    """The name to ask with. A company has none: its vendor record carries the company as the last name."""
    given = normalise.text(first, limit=_NAME_MAX)
    family = normalise.text(last, limit=_NAME_MAX)
    if family and not given and is_company(family):
        return None, None
    if not given and not family:
        found = first_and_last(owner)
        if found and all(len(name) <= _NAME_MAX for name in found):
            return found
    return given, family


def is_company(name: object) -> bool:
    """Whether a name is that of a company, trust or office rather than of a person."""
    folded = _bare(name)
    words = folded.split()
    if len(words) == 2 and "BANK" in words and _GIVEN & set(words):
        return False  # "Tim Bank", of the family
    if _COMPANY.search(folded):
        return True
    co = _CO.fullmatch(folded)
    partners = re.search(r"(?:&|\bAND)\s*CO\b", normalise.text(name) or "", re.IGNORECASE)
    return co is not None and (partners is not None or not _GIVEN & set(co[1].split()))


def is_given(name: object) -> bool:
    """Whether a word is known as a given name, be it a family's too."""
    return normalise.fold(name) in _ANY_GIVEN


def _bare(name: object) -> str:
    """A name in capitals, without whose care its post goes to and what a county adds of a life estate."""
    text = _ELSEWHERE.split(" " + (normalise.text(name) or ""))[0]
    return normalise.fold(text).removesuffix(" LIFE ESTATE")


def first_and_last(line: object) -> tuple[str, str] | None:
    """The given and the family name of the first person a line names, spelled as there; None where it may be either."""
    owners, county = _owners(line)
    if not owners or any(_MARKS & set(normalise.fold(word).split()) for word in owners[0]):
        return None
    return _first(owners, county)


def _owners(line: object) -> tuple[list[list[str]], bool]:
    """The words of each person on a line, and whether a county wrote it; none where it is no line of people."""
    text = _ELSEWHERE.split(" " + (normalise.text(line) or ""))[0].strip()
    county = bool(_COUPLE.search(text) or _WIFE.search(text))
    parts = [part for part in _AND.split(_WIFE.sub(" & ", _COUPLE.sub("", text))) if part.strip()]
    owners = []
    for part in parts:
        bare, marked = _without_roles(part)
        county = county or marked
        if bare:
            owners.append(bare)
    whole = normalise.fold(" ".join(word for words in owners for word in words))
    if is_company(whole) or re.search(r"\d", whole) or _NOBODY & set(whole.split()):
        return [], False
    return owners, county


def _without_roles(part: str) -> tuple[list[str], bool]:
    """A person's words without what follows a name; a comma that parts family and given name stays with its word."""
    part, county = " " + part.strip(), False
    while True:
        shorter = _COUNTY_ROLE.sub("", part)
        county = county or shorter != part
        shorter = _ROLE.sub("", shorter)
        if shorter == part:
            break
        part = shorter
    words = [word for word in part.replace(",", ", ").split() if normalise.fold(word) not in _SUFFIX and word != ","]
    if words:
        words[-1] = words[-1].rstrip(",")
    return words, county


def _first(owners: Sequence[Sequence[str]], county: bool) -> tuple[str, str] | None:
    words = list(owners[0])
    others = [list(owner) for owner in owners[1:]]
    comma = next((at for at, word in enumerate(words) if word.endswith(",")), None)
    if comma is not None:
        family, given = words[: comma + 1], _names_only(words[comma + 1 :])
        if not given or (len(family) > 1 and {normalise.fold(family[0]), normalise.fold(family[-1])} & _ANY_GIVEN):
            return None  # "SMITH JOHN, MARY" and "JOHN SMITH, MARY" may be two people
        return given[0], _joined(family)
    words = [word for word in _names_only(words) if normalise.fold(word)]
    if not words:
        return None
    if len(words) == 1:  # "JOHN & MARY SMITH"
        lender = _names_only(others[-1]) if others else []
        natural = len(lender) > 1 and is_given(words[0]) and not is_given(lender[-1]) and _first([lender], False)
        return (_clean(words[0]), natural[1]) if natural else None
    return _ordered(words, _is_family_first(words, others, county))


def _is_family_first(words: Sequence[str], others: Sequence[Sequence[str]], county: bool) -> bool | None:
    """Whether a family name comes first; None where nothing tells, or where one thing says so and another not."""
    folded = [normalise.fold(word) for word in words]
    second = [[normalise.fold(word) for word in _names_only(list(other))] for other in others]
    said = {True} if county else set()
    said |= {order for order in (_order_by_names(folded), _order_by_family(folded, second)) if order is not None}
    if not said and folded[0] not in _GIVEN and any(len(other) == 1 for other in second):
        return True  # "QUIXOTE ZELDA & OTTO"
    return said.pop() if len(said) == 1 else None


def _order_by_names(folded: Sequence[str]) -> bool | None:
    """Whether a family name comes first, by which words are known as given names and which as families."""
    first, last = folded[0], folded[-1]
    if first in _ANY_GIVEN:
        natural = last in _FAMILIES or (first in _GIVEN and last not in _ANY_GIVEN)
        return False if natural else None
    if first in _PARTICLES and len(folded) > 2:
        return True if last in _ANY_GIVEN else None
    if first in _FAMILIES:
        return True if folded[1] in _ANY_GIVEN and last not in _FAMILIES else None
    return True if folded[1] in _GIVEN and last in _GIVEN else None


def _order_by_family(folded: Sequence[str], others: Iterable[Sequence[str]]) -> bool | None:
    """Whether a family name comes first, by the word that two people share."""
    for other in others:
        if len(other) > 1 and (other[0] == folded[0]) != (other[-1] == folded[-1]):
            return other[0] == folded[0]
    return None


def _ordered(words: list[str], family_first: bool | None) -> tuple[str, str] | None:
    if family_first is None:
        return None
    if family_first:
        size = 1
        while size < len(words) - 1 and normalise.fold(words[size - 1]) in _PARTICLES:
            size += 1
        family, rest = words[:size], words[size:]
    else:
        size = len(words) - 1
        while size > 1 and normalise.fold(words[size - 1]) in _PARTICLES:
            size -= 1
        family, rest = words[size:], words[:size]
    # "MARIA GARCIA LOPEZ" and "GARCIA LOPEZ MARIA" have two families: a word between must be a given name.
    if len(rest) > 2 or (len(rest) == 2 and not is_given(rest[0 if family_first else 1])):
        return None
    return _clean(rest[0]), _joined(family)


def _names_only(words: Iterable[str]) -> list[str]:
    """Without initials, where a name is left without them."""
    kept = [_clean(word) for word in words if _clean(word)]
    return [word for word in kept if len(word) > 1] or kept


def _joined(words: Iterable[str]) -> str:
    return " ".join(_clean(word) for word in words)


def _clean(word: str) -> str:
    return word.strip(' .,;()"*')
