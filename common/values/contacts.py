"""Phones and e-mails within a text, however they are typed, with where they stand: to forget and to mask. Pure.

A text is read without accents, odd dashes, percent signs and entities of HTML, each letter with where it is typed.
Everything here takes time in proportion to the text, whatever stands in it.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache

import phonenumbers

from common.values.phones import e164, extension_at, phones

PHONE, EMAIL = 1, 2  # kinds
Value = tuple[int, str]  # (kind, value): E.164, an address in small letters
Span = tuple[int, int]
Found = tuple[int, int, Value]  # start, end

# Most texts hold neither ten digits nor an @, which costs a microsecond to see.
_DIGITS = re.compile(r"\d(?:\D*\d){9}")
_FEW_DIGITS = re.compile(r"\d(?:\D*\d){6}")  # of a local number
_APART = r"[\s().\[\]/\\_+~,|:;*#=-]"  # what may part the digits of a number, once dashes and spaces are ASCII's
_RUN = re.compile(rf"\d++(?:{_APART}{{1,5}}+\d++)*+")
_DIGIT_GROUP = re.compile(r"\d+")
_NANP = re.compile(r"(?=(1?[2-9]\d{2}[2-9]\d{6}))")
_MOST_DIGITS = 15  # of any country's number
_VANITY_MOST = 40  # characters
_MOST_ABROAD = 300  # that are looked up for one text; the next ones are taken for numbers
_NAME_MOST = 64  # of an address
_ADDRESS = re.compile(r"[A-Za-z0-9_.+'-]++(?P<at>@[A-Za-z0-9_-]{1,63}+(?:\.[A-Za-z0-9_-]{1,63}+)++)?")
_ESCAPES = re.compile(r"(?P<bytes>(?:%[0-9A-Fa-f]{2})++)|&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,8});")
_ODD = re.compile(r"[^\x00-\x7f]|%[0-9A-Fa-f]{2}|`|&[#A-Za-z][0-9A-Za-z]{1,8};")
_SPELLED = {"’": "'", "‘": "'", "ʼ": "'", "´": "'", "`": "'", "−": "-"}
_LETTERS_MOST = 4  # that one typed letter is read as

# What is masked besides: a number without its area code, and anything around an @.
_LOCAL = re.compile(r"(?<![\w.,+-])[2-9]\d\d[\s.-]\d{4}(?![\w-]|[.,]\d)", re.ASCII)
_AROUND = re.compile(r"[^\s@<>,;:()\[\]\"']++(?P<at>@[^\s@<>,;:()\[\]\"']++)?")
# What is no phone although its digits, with those beside it, may look like one.
_YEAR, _MONTH, _DAY = r"(?:19|20)\d\d", r"(?:0?[1-9]|1[0-2])", r"(?:0?[1-9]|[12]\d|3[01])"
_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_NO_PHONE = re.compile(
    r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b"
    rf"|(?<![\d.]){_OCTET}(?:\.{_OCTET}){{3}}(?![\d.])"
    rf"|(?<![\d./-])(?:{_YEAR}(?P<by>[-/.]){_MONTH}(?P=by){_DAY}|{_MONTH}(?P<sep>[-/.]){_DAY}(?P=sep){_YEAR})(?![\d/-]|\.\d)"
    r"(?:[T ]\s?\d\d?:\d\d(?::\d\d(?:\.\d{1,6})?)?)?"
    r"|(?<![\d.])-?\d{1,2}\.\d{3,8},\s?-?\d{1,3}\.\d{3,8}(?![\d.])"  # a place
    r"|\$\d{1,3}(?:,\d{3}){1,4}(?!\d|,\d)(?:\.\d\d(?!\d))?"  # a price
    r"|(?<![\d,])(?P<amount>\d{1,3}(?:,\d{3}){1,4}(?!\d|,\d)(?:\.\d\d(?!\d))?)",
    re.IGNORECASE | re.ASCII,
)


def contacts_in(text: str) -> Iterator[tuple[Value, Span]]:
    """Each phone and e-mail that these letters may be, and where it is typed. Some overlap: of 85702 206-555-0150 only
    the last three groups are one, of other digits both the first and the last.
    """
    if text.isascii() and not _may_hold(text, _DIGITS):
        return
    letters, spans = read(text)
    for value, (start, end) in _found(letters):
        yield value, typed(spans, start, end)


def with_contacts(text: str, told: Callable[[int, str], str]) -> str:
    """The text with each phone and e-mail in it as `told` says its kind and value.

    A phone without area code and all that stands around an @ too; not a date, an id, a place or an amount.
    """
    if text.isascii() and not _may_hold(text, _FEW_DIGITS):
        return _vanity(text, told)
    letters, spans = read(text)
    found = _phones_only(((start, end, value) for value, (start, end) in _found(letters)), letters)
    chosen = [
        (start, end if value[0] == EMAIL else extension_at(letters, end), value)
        for start, end, value in _apart(found, letters)
    ]
    more = [(*match.span(), (PHONE, re.sub(r"\D", "", match[0]))) for match in _LOCAL.finditer(letters)]
    if "@" in letters:
        more += [(*match.span(), (EMAIL, match[0])) for match in _AROUND.finditer(letters) if match["at"]]
    chosen = list(_apart([*chosen, *more], letters))
    if not chosen:
        said = _vanity(letters, told)
        return text if said == letters else said
    left, at = list[str](), 0
    for begins, ends, value in chosen:
        start, end = typed(spans, begins, ends)
        left += [text[at:start], told(*value)]
        at = end
    return "".join([*left, text[at:]])


def _phones_only(found: Iterable[Found], letters: str) -> Iterator[Found]:
    """Without the phones that hold a piece of what is none, or end within an amount: of 1,350,400, 2,300,000."""
    others = [(match.span(), match["amount"] is not None) for match in _NO_PHONE.finditer(letters)]
    at = 0
    for start, end, value in sorted(found):
        while at < len(others) and others[at][0][1] <= start:
            at += 1
        is_none, near = False, at
        while value[0] == PHONE and near < len(others) and others[near][0][0] < end:
            (begins, ends), is_amount = others[near]
            is_none = is_none or not is_amount or begins < start or end < ends
            near += 1
        if not is_none:
            yield start, end, value


def _apart(found: Iterable[Found], letters: str) -> Iterator[Found]:
    """One after the other: of those that overlap the first and longest; all as one where that leaves a piece of any."""
    cluster, reach = list[Found](), 0
    for one in sorted(found, key=lambda one: (one[0], -one[1])):
        if cluster and one[0] >= reach:
            yield from _of_cluster(cluster, letters)
            cluster = []
        cluster.append(one)
        reach = max(reach, one[1])
    yield from _of_cluster(cluster, letters)


def _of_cluster(cluster: Sequence[Found], letters: str) -> list[Found]:
    chosen, at, is_whole = list[Found](), 0, True
    for start, end, value in cluster:
        if not chosen or start >= at:
            is_whole = is_whole and not (chosen and _DIGIT_GROUP.search(letters, at, start))
            chosen.append((start, end, value))
            at = end
    last = max(cluster, key=lambda one: one[1], default=None)
    return chosen if last is None or (is_whole and at == last[1]) else [(cluster[0][0], *last[1:])]


def _vanity(text: str, told: Callable[[int, str], str]) -> str:
    """617-555-HOME, where the text is nothing else."""
    if len(text) > _VANITY_MOST or not (any(map(str.isdigit, text)) and any(map(str.isalpha, text))):
        return text
    if _NO_PHONE.fullmatch(text):  # of a hundred ids one has letters and digits that would dial somewhere
        return text
    found = phones(text)
    return told(PHONE, found[0][0]) if found else text


def _may_hold(text: str, digits: re.Pattern[str]) -> bool:
    return "@" in text or "%" in text or "&" in text or bool(digits.search(text))


# --- Reading ---------------------------------------------------------------------------------------------------------


def read(text: str) -> tuple[str, Sequence[Span] | None]:
    """The text in plain letters, and where each of them is typed; None: each at its own place."""
    if not _ODD.search(text):
        return text, None
    letters: list[str] = []
    spans: list[Span] = []
    for letter, span in _unescaped(text):
        plain = letter if letter.isascii() and letter != "`" else _plain(letter)
        letters.append(plain)
        spans += [span] * len(plain)
    return "".join(letters), spans


def typed(spans: Sequence[Span] | None, start: int, end: int) -> Span:
    """Where letters of `read` are typed."""
    return (start, end) if spans is None else (spans[start][0], spans[end - 1][1])


def _unescaped(text: str) -> Iterator[tuple[str, Span]]:
    """Each letter and where it is typed; %C3%A9 and &#233; are one."""
    at = 0
    for found in [*_ESCAPES.finditer(text), None]:
        end = found.start() if found else len(text)
        yield from ((letter, (place, place + 1)) for place, letter in enumerate(text[at:end], start=at))
        if found is None:
            return
        at = found.start()
        if not found["bytes"]:
            yield from ((letter, found.span()) for letter in html.unescape(found[0]))
            at = found.end()
            continue
        raw = bytes.fromhex(found[0].replace("%", ""))
        for letter in raw.decode(errors="surrogateescape"):  # a byte that is no UTF-8 stays one letter
            width = 3 * len(letter.encode(errors="surrogateescape"))
            yield letter, (at, at + width)
            at += width


@lru_cache(maxsize=2**12)
def _plain(letter: str) -> str:
    """A letter without its accent; of digits, dashes, signs and apostrophes ASCII's; nothing of what is not seen."""
    if letter in _SPELLED:
        return _SPELLED[letter]
    kind = unicodedata.category(letter)
    if kind == "Pd":
        return "-"
    if kind in ("Cf", "Mn"):
        return ""
    if kind == "Nd":
        return str(unicodedata.decimal(letter))
    whole = unicodedata.normalize("NFKD", letter)
    if not whole.isascii():
        whole = "".join(map(_sign, (one for one in whole if not unicodedata.combining(one))))
    return whole[:_LETTERS_MOST]


def _sign(letter: str) -> str:
    """Signs that may part digits as a dash or a full stop does: 602·555•0123."""
    kind = unicodedata.category(letter)
    if letter.isascii() or not (kind[0] == "P" or kind in ("Sm", "Sk", "So")):
        return letter
    return "-" if kind == "Pd" else "."


# --- Phones and e-mails ----------------------------------------------------------------------------------------------


def _found(letters: str) -> Iterator[tuple[Value, Span]]:
    if _DIGITS.search(letters):
        abroad = dict[tuple[str, bool], str | None]()
        for run in _RUN.finditer(letters):
            for number, start, end in _numbers(letters, run, abroad):
                yield (PHONE, number), (_opening(letters, start), end)
    if "@" in letters:
        for found in _ADDRESS.finditer(letters):
            if found["at"]:
                start = max(found.start(), found.start("at") - _NAME_MOST)
                said = letters[start : found.end()].casefold()
                whole = said.strip(".'")
                start += len(said) - len(said.lstrip(".'"))
                yield (EMAIL, whole), (start, start + len(whole))


def _numbers(
    letters: str, run: re.Match[str], abroad: dict[tuple[str, bool], str | None]
) -> Iterator[tuple[str, int, int]]:
    """Each number that whole groups of these digits may be: of 85702 206-555-0150, the last three."""
    groups = list(_DIGIT_GROUP.finditer(letters, *run.span()))
    digits = "".join([group[0] for group in groups])
    starts, ends, at = dict[int, int](), dict[int, int](), 0
    for group in groups:
        starts[at] = group.start()
        at += group.end() - group.start()
        ends[at] = group.end()
    for found in _NANP.finditer(digits):
        start, end = starts.get(found.start()), ends.get(found.end(1))
        if start is not None and end is not None:
            yield f"+1{found[1][-10:]}", start, end
    for at, start in starts.items():
        skipped = 0 if letters[start - 1 : start] == "+" else _dialled(digits, at)
        if skipped is None or digits[at + skipped : at + skipped + 1] in ("", "0", "1"):
            continue
        for length in range(_MOST_DIGITS, 7, -1):
            end = ends.get(at + skipped + length)
            if end is None or "+" in letters[start:end]:
                continue
            if number := _abroad(f"+{digits[at + skipped : at + skipped + length]}", abroad, is_said=not skipped):
                yield number, start, end


def _dialled(digits: str, at: int) -> int | None:
    """How many digits dial a country, where these do."""
    return 3 if digits.startswith("011", at) else 2 if digits.startswith("00", at) else None


def _abroad(number: str, known: dict[tuple[str, bool], str | None], *, is_said: bool) -> str | None:
    """The number of another country; where no + says that it is one, only a valid one."""
    if (number, is_said) not in known:
        if len(known) >= _MOST_ABROAD:
            return number
        told = e164(number)
        is_one = told and (is_said or phonenumbers.is_valid_number(phonenumbers.parse(told)))
        known[number, is_said] = told if is_one else None
    return known[number, is_said]


def _opening(letters: str, start: int) -> int:
    """Where a number begins that is written (206) or +1."""
    first = start
    while first and first > start - 5 and letters[first - 1] in "(+":
        first -= 1
    return first
