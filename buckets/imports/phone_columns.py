"""Which column holds which phone, and which tells of it: type, do-not-call mark, litigator. By their names. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from buckets.imports.fields import NUMBERS
from buckets.imports.phone_cells import phones


def _words(text: str) -> list[str]:
    return text.split()


_MARKED = _words("dnc donotcall isdnc ondnc dncflag dncstatus dnclisted dncresult donotcallflag donotcallstatus")
_TYPED = _words("type linetype kind numbertype carriertype")
_FIRST_PHONE = _words("phone phonenumber bestphone primaryphone ownerphone mobile cell mobilephone cellphone")
_SECOND_PHONE = _words("phone2 phonenumber2 secondphone secondaryphone mobile2 cell2 otherphone altphone landline")
_LISTS = _words("federal national state internal company wireless ftc")
_NAMES = {
    "phone": _words(
        "phone phonenumber telephone mobile mobilephone cell cellphone bestphone primaryphone ownerphone homephone tel "
        "contactphone wireless"
    ),
    "secondaryPhone": _words(
        "secondphone secondaryphone phone2 phonenumber2 otherphone alternatephone altphone landline"
    ),
    "phoneType": [*(phone + core for phone in _FIRST_PHONE for core in _TYPED), "linetype", "typeofphone"],
    "secondaryPhoneType": [*(phone + core for phone in _SECOND_PHONE for core in _TYPED), "phonetype2", "linetype2"],
    "phoneDoNotCall": [phone + core for phone in _FIRST_PHONE for core in _MARKED],
    "secondaryPhoneDoNotCall": [
        *(phone + core for phone in _SECOND_PHONE for core in _MARKED),
        *(core + "2" for core in _MARKED),
    ],
    "doNotCall": [
        *_words("donotcall dnc"),
        *_MARKED,
        *(f"{of}{core}" for of in _LISTS for core in _MARKED),
        *_words(
            "optout optedout smsoptout textoptout phoneoptout calloptout unsubscribed "
            "dnclist dncregistry donotcalllist donotcallregistry donotcontact dncscrub ondnclist ondonotcalllist"
        ),
    ],
    "callable": _words("callable iscallable oktocall cancall okaytocall maycall"),
    "callStatus": _words(
        "disposition calldisposition callstatus callresult calloutcome lastdisposition phonestatus "
        "phoneflag phoneflags phonetags phonetag dialerstatus contactstatus"
    ),
    "litigator": _words(
        "litigator litigators islitigator knownlitigator tcpalitigator litigatorflag litigatorstatus tcpa tcpaflag"
    ),
    "phoneSource": ["phonesource"],
    "secondaryPhoneSource": ["secondphonesource"],
    **{f"phone{n}Source": [f"phone{n}source"] for n in (3, 4, 5)},
    "emailSource": ["emailsource"],
    **{f"email{n}Source": [f"email{n}source"] for n in (2, 3)},
    "ownerSource": ["ownersource"],
    "mailingSource": ["mailingsource"],
    "contactName": ["skiptracedperson"],
    "contactIsOther": ["anotherpersonscontacts"],
    "enrichedAt": ["enrichedat"],
    "skipTracedAt": ["skiptracedat"],
    "apolloEnrichedAt": ["apolloenrichedat"],
}
_NAMES["otherDoNotCall"] = _NAMES["doNotCall"]  # lists often have one column a register
_ABOUT = tuple(field for field in _NAMES if field not in NUMBERS)
_TYPE_OF_NAME = re.compile("(?P<mobile>mobile|cell|wireless)|(?P<landline>landline)|(?P<voip>voip)")

# A column of one number, and what a column that tells of one adds to its name.
_NUMBER = re.compile(
    r"(?:(?:owner(?P<person>[2-4])|(?:owner|contact|primary|home|work|other|alt|alternate|second|secondary)1?))?"
    r"(?:clean|callable|verified|valid)?"
    r"(?:mobile|cell|wireless|landline|voip|phone|telephone|tel)(?:phone)?(?:number|no|num)?s?"
    r"(?:mobile|cell|home|work|landline|wireless|voip)?(?P<place>[2-9]|1\d)?(?:clean|callable|verified|valid)?"
)
_WHERE = frozenset({"home", "work", "office", "daytime", "evening"})  # a column of numbers, if such stand in it
_STATUS = re.compile("status|tags?|flags?|disposition|result|outcome")
_MARK = re.compile(
    r"(?:is)?(?:on)?(?:the|federal|national|state|internal|company|wireless|ftc|dma|known|tcpa)?"
    r"(?:dnc|donotcall|donotcontact|litigator|tcpa)s?"
    r"(?:litigator|flag|flagged|status|listed|list|registry|result|scrub|indicator|check|mark)?"
)
_TYPE = re.compile("|".join(_TYPED))
_EXTENSION = re.compile("ext|extn|extension")


def guess_numbers(columns: Sequence[str], samples: Sequence[Sequence[str]] = ()) -> dict[str, int]:
    """The likely columns of phones, of what is said of them, and of our own export's sources: {field: column}.

    1. Columns called as a number is. 2. Of columns that say "DNC" those in which numbers stand, or marks. 3. Types,
    marks and extensions of each number, by their names; then by the column behind which they stand. 4. Of the row.

    samples: of each column, what the first rows have in it.
    """
    plain = [_plain(name) for name in columns]
    marked = {index for index, name in enumerate(columns) if _says_mark(name) and _has_numbers(samples, index)}
    plain = ["" if index in marked else name for index, name in enumerate(plain)]
    found: dict[str, int] = {}
    _guess_named(NUMBERS[:2], plain, found)
    wide = [name if name not in _WHERE or _has_numbers(samples, index) else "" for index, name in enumerate(plain)]
    _guess_more_numbers([f"{name}phone" if name in _WHERE else name for name in wide], found)
    _guess_marked_numbers(sorted(marked), columns, found)
    _guess_of_numbers(columns, found)
    _guess_behind_numbers(columns, samples, found)
    _guess_named(_ABOUT, plain, found)
    for index, name in enumerate(plain):
        if name and index not in found.values() and _MARK.fullmatch(name):
            wanted = ("litigator",) if name.startswith("litigator") else ("doNotCall", "otherDoNotCall")
            if free := next((field for field in wanted if field not in found), None):
                found[free] = index
    return found


def types_of(columns: Sequence[str], chosen: Mapping[str, int]) -> dict[str, str]:
    """The types that the numbers' columns say by their names, "Cell" or "Landline 2", where no column says them."""
    told: dict[str, str] = {}
    for number in NUMBERS:
        if number in chosen and f"{number}Type" not in chosen:
            kinds = [match.lastgroup or "" for match in _TYPE_OF_NAME.finditer(_letters(columns[chosen[number]]))]
            told |= {f"{number}Type": kinds[0]} if len(set(kinds)) == 1 else {}
    return told


def _says_mark(name: str) -> bool:
    return bool(re.search(r"dnc|donotcall", _letters(name))) and _is_number(_without_mark(name))


def _without_mark(name: str) -> str:
    return re.sub(r"donotcall|dnc", "", _letters(name), count=1)


def _is_number(name: str) -> bool:
    return bool(_NUMBER.fullmatch(re.sub(r"1$", "", name)))


def _has_numbers(samples: Sequence[Sequence[str]], index: int) -> bool:
    """Whether what stands in a column is numbers that could be called."""
    cells = [cell.strip() for cell in samples[index] if cell.strip()] if index < len(samples) else []
    return bool(cells) and 2 * sum(bool(phones(cell)) for cell in cells) > len(cells)


def _guess_marked_numbers(marked: Iterable[int], columns: Sequence[str], found: dict[str, int]) -> None:
    """The columns of numbers that must not be called: each is its own mark."""
    for index in marked:
        place = re.search(r"[1-5]$", _without_mark(columns[index]))
        wanted = NUMBERS[int(place[0]) - 1 : int(place[0])] if place else ()
        if number := next((field for field in (*wanted, *NUMBERS) if field not in found), None):
            found[number] = found[f"{number}DoNotCall"] = index


def _guess_behind_numbers(columns: Sequence[str], samples: Sequence[Sequence[str]], found: dict[str, int]) -> None:
    """Columns called "Type" or "Type-1" that are of a number: by its place, or that behind which they stand."""
    names = [_letters(name) for name in columns]
    at = {found[number]: number for number in NUMBERS if number in found}
    for index, name in enumerate(names):
        kind = re.fullmatch(rf"(?:{_TYPE.pattern}|phonetype)(?P<place>[1-5])?", name)
        if kind is None or index in found.values():
            continue
        number = NUMBERS[int(kind["place"]) - 1] if kind["place"] else at.get(index - 1)
        if number is None or number not in found or f"{number}Type" in found:
            continue
        cells = [cell for cell in samples[index] if cell.strip()] if index < len(samples) else []
        if kind["place"] or names.count(name) > 1 or (cells and all(_TYPE_CELL.search(cell) for cell in cells)):
            found[f"{number}Type"] = index


_TYPE_CELL = re.compile(r"mobile|cell|wireless|land|voip|fixed", re.IGNORECASE)


def _guess_named(fields: Iterable[str], plain: Sequence[str], found: dict[str, int]) -> None:
    for field in fields:
        free = [(name, index) for index, name in enumerate(plain) if name and index not in found.values()]
        place = next((index for wanted in _NAMES.get(field, ()) for name, index in free if name == wanted), None)
        if place is not None:
            found.setdefault(field, place)


def _guess_more_numbers(plain: Sequence[str], found: dict[str, int]) -> None:
    """The other columns of a number, each at the place its name says if that is free, else at the next one."""
    for index, name in enumerate(plain):
        number = _NUMBER.fullmatch(name)
        if number is None or index in found.values():
            continue
        free = [field for field in NUMBERS if field not in found]
        place = int(number["place"] or 1)
        wanted = NUMBERS[place - 1 : place] if number["person"] is None else ()
        if field := next((field for field in (*wanted, *free) if field in free), None):
            found[field] = index


def _guess_of_numbers(columns: Sequence[str], found: dict[str, int]) -> None:
    """Types and marks: columns called as a number's column is, and a word more; then by the number they name."""
    numbers = {_plain(columns[found[field]]): field for field in reversed(NUMBERS) if field in found}
    for told in (numbers.get, _number_called):
        for index, name in enumerate(columns):
            if index not in found.values() and (field := _of_number(_letters(name), told, found)):
                found[field] = index


def _of_number(name: str, told: Callable[[str], str | None], found: Mapping[str, int]) -> str | None:
    """The free field of a column that tells of a number. told: the number that part of a name is called by."""
    for stem, word in _splits(name):
        number = told(_plain(stem))
        if number and _TYPE.fullmatch(word):
            return f"{number}Type" if f"{number}Type" not in found else None
        if number and _STATUS.fullmatch(word) and not (stem == "phone" and word == "status"):
            return f"{number}Status" if f"{number}Status" not in found else None
        if number and _EXTENSION.fullmatch(word):
            return f"{number}Extension" if f"{number}Extension" not in found else None
        if number and _MARK.fullmatch(word):
            free = [field for field in (f"{number}DoNotCall", f"{number}OtherDoNotCall") if field not in found]
            return free["litigator" in word and len(free) > 1] if free else None
    lone = re.fullmatch(r"(.+?)(\d)", name)  # DNC 1, beside the first phone
    if lone and _MARK.fullmatch(lone[1]) and 0 < int(lone[2]) <= len(NUMBERS):
        number = NUMBERS[int(lone[2]) - 1]
        return next((f for f in (f"{number}DoNotCall", f"{number}OtherDoNotCall") if f not in found), None)
    return None


def _number_called(name: str) -> str | None:
    """The number that a name without a column of its own means."""
    if name in _NAMES["secondaryPhone"]:
        return "secondaryPhone"
    number = _NUMBER.fullmatch(name)
    place = int(number["place"] or 1) if number and number["person"] is None else 0
    return NUMBERS[place - 1] if 0 < place <= len(NUMBERS) else None


def _splits(name: str) -> Iterator[tuple[str, str]]:
    """A name as what is told of and what is told, either of them first: phone1 and dnc, of phone1dnc and dncphone1."""
    for cut in range(1, len(name)):
        yield name[:cut], name[cut:]
        yield name[cut:], name[:cut]
    if end := re.fullmatch(r"(\D+)(\d+)", name):  # phonednc2
        for cut in range(1, len(end[1])):
            yield end[1][:cut] + end[2], end[1][cut:]


def looks_like_mark(name: str) -> bool:
    """Whether a column of this name may say who must not be called."""
    return bool(re.search(r"dnc|donotcall|donotcontact|litigat|optout|optedout|callable", _plain(name)))


def _plain(name: str) -> str:
    """A name without what people write differently: Owner 1 First Name and OWNER_FIRST_NAME are the same."""
    letters = re.sub(r"(?<!\d)1$", "", _letters(name))
    return re.sub(r"^(owner|contact|name|phone|email|mobile|address)1(?!\d)", r"\1", letters)


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower().replace("#", "number"))
