"""Who a property's owner is, from the one line in which a county writes it: people, companies, trusts. Pure functions.

A county writes the family name first ("DOE ANN TRS"), a vendor often last ("Ann Doe"), and nothing says which. A name
is told apart rightly or not at all: a caller who asks for a wrong name has called a stranger.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import IntEnum
from functools import lru_cache

from integrations.vendors import normalise


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
_NICKNAMES = [
    frozenset(group.split())
    for group in (
        "ROBERT BOB ROB BOBBY", "WILLIAM BILL WILL BILLY LIAM", "RICHARD DICK RICK RICH", "JAMES JIM JIMMY JAMIE",
        "JOHN JACK JOHNNY JON", "EDWARD ED TED EDDIE", "THOMAS TOM TOMMY", "MICHAEL MIKE MICK", "JOSEPH JOE JOEY",
        "CHARLES CHUCK CHARLIE", "MARGARET PEGGY MEG MAGGIE", "ELIZABETH LIZ BETH BETTY BETSY ELIZA",
        "KATHERINE CATHERINE KATHRYN KATE KATIE KATHY CATHY", "PATRICIA PAT PATTY TRISH", "SUSAN SUE SUZY",
        "DEBORAH DEBRA DEB DEBBIE", "ANTHONY TONY", "HENRY HANK HARRY", "JENNIFER JEN JENNY", "STEVEN STEPHEN STEVE",
        "LAWRENCE LARRY", "RONALD RON", "DONALD DON", "KENNETH KEN", "DANIEL DAN", "DAVID DAVE", "THERESA TERESA TERRY",
        "REBECCA BECKY", "BARBARA BARB", "JACQUELINE JACKIE", "ALEXANDER ALEX", "SAMUEL SAM", "BENJAMIN BEN",
        "CHRISTOPHER CHRIS", "CHRISTINA CHRIS TINA", "CHRISTINE CHRIS", "MATTHEW MATT", "NICHOLAS NICK", "TIMOTHY TIM",
        "GREGORY GREG", "JEFFREY JEFF GEOFF", "ANDREW ANDY DREW", "FREDERICK FRED", "KIMBERLY KIM", "PETER PETE",
        "SAMANTHA SAM", "ALEXANDRA ALEX", "PHILIP PHILLIP PHIL", "RAYMOND RAY", "STEPHANIE STEPH", "VICTORIA VICKY",
        "NATHAN NATE", "NATHANIEL NATE NATHAN", "FRANCIS FRANK", "EUGENE GENE", "GERALD JERRY", "JOSHUA JOSH",
        "SANDRA SANDY", "VINCENT VINCE", "WALTER WALT", "ZACHARY ZACH ZACK", "BRADLEY BRAD", "DOUGLAS DOUG",
        "JONATHAN JON", "CYNTHIA CINDY", "ABIGAIL ABBY", "AMANDA MANDY", "PAMELA PAM", "VALERIE VAL", "VICTOR VIC",
        "LEONARD LEN LENNY", "STANLEY STAN", "TERRANCE TERRENCE TERRY", "DANIELLE DANI", "EDWIN ED",
        "THEODORE TED THEO",
    )
]  # fmt: skip
# Words that change how a line of letters alone is read: it names two people, has a role or a suffix, or may be no
# person's. Every other such line is one person's words as they stand.
_TURNS = (
    _NOBODY
    | _MARKS
    | _SUFFIX
    | _words(
        "AND ATTN ET ETUX ETVIR HUSBAND WIFE CO COTRS COTR COTTEE COTTEES COTRUSTEE COTRUSTEES JT TEN LIFE EST ESTATE "
        "DECD DECEASED ESQ MD DDS PHD L LLC LLP LP PLLC INC INCORPORATED CORP CORPORATION COMPANY LTD LIMITED "
        "PARTNERSHIP PARTNERS HOLDINGS PROPERTIES INVESTMENTS ENTERPRISES TRUST BOARD BANK ASSOCIATION ASSN HOA CHURCH "
        "UNITED AUTHORITY DISTRICT FOUNDATION"
    )
)
_FORMS = _words("LLC LLP LP PLLC PC INC INCORPORATED CORP CORPORATION CO COMPANY LTD LIMITED")


class Likeness(IntEnum):
    """How like the owner somebody is."""

    SAME = 0
    UNKNOWN = 1
    FAMILY = 2
    OTHER = 3


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


def bare_part(value: object, *, limit: int) -> str | None:
    """A field that should hold a first or a last name, without what a county writes behind one and the second person.

    None where nothing is left, or where a comma says that it holds more than that.
    """
    text = _ELSEWHERE.split(" " + (normalise.text(value, limit=limit) or ""))[0].strip()
    if is_company(text) or normalise.fold(text) == "MD":  # a company stands in the last name; Md is a given name
        return text or None
    text = _AND.split(_WIFE.sub(" & ", _COUPLE.sub("", " " + text)))[0]
    while (shorter := _ROLE.sub("", _COUNTY_ROLE.sub("", " " + text.strip()))) != " " + text.strip():
        text = shorter
    text = text.strip(" ,;")
    return None if "," in text or not normalise.fold(text) else text


def is_business(name: object, owner_type: object = "") -> bool:
    """Whether it trades under this name: a company, but no family's trust, nor somebody's estate."""
    folded = _bare(name)
    kinds = set(_COMPANY.findall(folded.replace("REAL ESTATE", ""))) - {"TRUST", "ESTATE", "TRUSTEE OF", "TRUSTEES OF"}
    if kinds or (_CO.fullmatch(folded) and is_company(folded)):
        return True
    return bool(folded) and normalise.text(owner_type) in ("llc", "corporation")


def _bare(name: object) -> str:
    """A name in capitals, without whose care its post goes to and what a county adds of a life estate."""
    text = _ELSEWHERE.split(" " + (normalise.text(name) or ""))[0]
    return normalise.fold(text).removesuffix(" LIFE ESTATE")


def company_key(name: object) -> str:
    """What two spellings of one company's name share: no punctuation, no AND, no THE before, no legal form behind."""
    words = re.sub(r"\b([A-Z]) (?=[A-Z]\b)", r"\1", normalise.fold(name)).split()
    words = [word for word in words if word != "AND"] or words
    words = words[1:] if len(words) > 1 and words[0] == "THE" else words
    while len(words) > 1 and words[-1] in _FORMS:
        if words[-1] in ("CO", "COMPANY") and words[-2] == "TRUST":  # a bank: "Northern Trust" may be a family's
            return " ".join([*words[:-1], "COMPANY"])
        words.pop()
    return " ".join(words)


# --- One line ---------------------------------------------------------------------------------------------------------


def first_and_last(line: object) -> tuple[str, str] | None:
    """The given and the family name of the first person a line names, spelled as there; None where it may be either."""
    if words := one_person(normalise.text(line) or ""):
        words = [word for word in words if len(word) > 1] or words
        family_first = _order_by_names([word.upper() for word in words]) if len(words) > 1 else None
        return _ordered(words, family_first=family_first)
    owners, county = _owners(line)
    if not owners or any(_MARKS & set(normalise.fold(word).split()) for word in owners[0]):
        return None
    return _first(owners, county=county)


def people(line: object) -> list[frozenset[str]]:
    """The names of every person on a line, each as a set of words in capitals.

    "SMITH JOHN & MARY" is two people: a name that lacks its family borrows it.
    """
    owners, _ = _owners(line)
    named = [{word for word in normalise.fold(" ".join(owner)).split() if len(word) > 1} for owner in owners]
    whole = [words for words in named if len(words) > 1]
    lent = set().union(*whole) if whole else set()
    return [
        frozenset(words if len(words) > 1 else words | lent) for words in named if words and (len(words) > 1 or lent)
    ]


def each_person(line: object) -> list[frozenset[str]]:
    """As `people`, but who lacks a family borrows the family alone: "SMITH JOHN & MARY" is JOHN SMITH and MARY SMITH.

    The family stands first where the whole name comes first, and last where it comes last ("JOHN & MARY SMITH").
    """
    owners, _ = _owners(line)
    named = [[word for word in normalise.fold(" ".join(owner)).split() if len(word) > 1] for owner in owners]
    whole = [place for place, words in enumerate(named) if len(words) > 1]
    found = []
    for place, words in enumerate(named):
        if len(words) == 1 and whole:
            lender = max((other for other in whole if other < place), default=whole[0])
            told = first_and_last(" ".join(owners[lender]))
            family = normalise.fold(told[1]).split() if told else [named[lender][0 if lender < place else -1]]
            words = [*words, *family]
        if len(words) > 1:
            found.append(frozenset(words))
    return found


def one_person(line: str) -> list[str]:
    """The words of a clean line of letters alone that is one person's name as it stands, which most are; none of any
    other line.
    """
    return line.split() if line.replace(" ", "").isalpha() and is_plain(line) else []


def is_plain(line: str) -> bool:
    """Whether a clean line has letters and digits alone, and no word that changes how it is read: it is no company's,
    and a person's only where it has no digit.
    """
    return line.isascii() and line.replace(" ", "").isalnum() and _TURNS.isdisjoint(line.upper().split())


def _owners(line: object) -> tuple[Sequence[Sequence[str]], bool]:
    """The words of each person on a line, and whether a county wrote it; none where it is no line of people."""
    whole = normalise.text(line) or ""
    return ([words], False) if (words := one_person(whole)) else _parted(whole)


@lru_cache(maxsize=2**13)  # one row of a file asks who its owners are when it is read and for their keys
def _parted(whole: str) -> tuple[Sequence[Sequence[str]], bool]:
    text = re.sub(r"\s+(?:AND|&)\s*$", "", _ELSEWHERE.split(" " + whole)[0], flags=re.IGNORECASE).strip()
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


def _first(owners: Sequence[Sequence[str]], *, county: bool) -> tuple[str, str] | None:
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
        natural = len(lender) > 1 and is_given(words[0]) and not is_given(lender[-1]) and _first([lender], county=False)
        return (_clean(words[0]), natural[1]) if natural else None
    return _ordered(words, family_first=_is_family_first(words, others, county=county))


def _is_family_first(words: Sequence[str], others: Sequence[Sequence[str]], *, county: bool) -> bool | None:
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


def _ordered(words: list[str], *, family_first: bool | None) -> tuple[str, str] | None:
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


# --- Is it the owner? -------------------------------------------------------------------------------------------------


def likeness(first: object, last: object, *, asked_first: object, asked_last: object, owner: object = "") -> Likeness:
    """How like the owner somebody found is, by the name asked for and the line the county writes of the owner."""
    given, family = _name(first), _name(last)
    if not family:
        return Likeness.UNKNOWN
    wanted = [(_name(asked_first), _name(asked_last))] if _name(asked_last) else []
    found = [_like(given, family, *pair) for pair in wanted]
    found += [_like_words(given, family, words) for words in people(owner)]
    if found:
        return min(found)
    if not is_company(owner):
        return Likeness.UNKNOWN
    if normalise.fold(" ".join(given + family)) == normalise.fold(owner):
        return Likeness.UNKNOWN  # the company itself
    behind = not is_business(owner) and set(family) & set(_name(owner))
    return Likeness.UNKNOWN if behind else Likeness.OTHER  # the family of a trust or an estate may stand behind it


def _name(value: object) -> list[str]:
    return [word for word in normalise.fold(value).split() if word not in _SUFFIX]


def _like(given: list[str], family: list[str], asked_given: list[str], asked_family: list[str]) -> Likeness:
    if given and asked_given and (given, family) == (asked_family, asked_given):
        return Likeness.SAME
    if "".join(family) != "".join(asked_family) and not _shared(family, asked_family):
        return Likeness.OTHER
    if not given or not asked_given:
        return Likeness.UNKNOWN
    return Likeness.SAME if _same_given(given[0], asked_given[0]) else Likeness.FAMILY


def _like_words(given: list[str], family: list[str], words: frozenset[str]) -> Likeness:
    """Against a name whose order nobody knows: the family is one of its words, and the given name another."""
    held = set(family) & words
    if not held:
        return Likeness.OTHER
    if not given:
        return Likeness.UNKNOWN
    return Likeness.SAME if any(_same_given(given[0], word) for word in words - held) else Likeness.FAMILY


def _shared(one: list[str], other: list[str]) -> bool:
    """A name of two families is each of them: "Garcia-Lopez" is "Garcia" too."""
    return bool({word for word in one if len(word) > 2} & {word for word in other if len(word) > 2} - _PARTICLES)


def _same_given(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    if one == other or (len(short) == 1 and long.startswith(short)):
        return True
    return any(one in group and other in group for group in _NICKNAMES)
