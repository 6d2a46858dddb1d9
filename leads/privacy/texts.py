"""A person within a text: phones, e-mails and names however they are typed, and the text without her. Pure.

A text is read without accents, odd dashes and percent signs, each letter with where it stands: what goes is cut out of
the text as it was typed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl, urlencode

from common.values.contacts import Span, contacts_in, read, typed

Value = tuple[int, str]  # (kind, value), as `key_secrets.digest` takes it
GONE = "[forgotten]"

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d)?")  # no phone
_NEAR = re.compile(r"[\W_]{1,5}")  # between two words of one name


def values_in(text: str) -> Iterator[tuple[Value, str]]:
    """Phones and e-mails within a text, each with how it stands there."""
    for value, (start, end) in contacts_in(text):
        yield value, text[start:end]


def text_without(text: str, listed: Collection[Value], names: Iterable[str] = ()) -> str:
    """The text with "[forgotten]" in place of listed phones and e-mails, and of these names, spelled in any order."""
    gone = [span for value, span in contacts_in(text) if value in listed]
    wanted = [words for name in names if (words := name.split())]
    if wanted:
        letters, spans = read(text)
        gone += [typed(spans, start, end) for words in wanted for start, end in _named(letters, words)]
    return _cut(text, gone)


def query_values(query: str) -> set[Value]:
    """Phones and e-mails that the filters of a page's address look for."""
    return {value for _, said in parse_qsl(query, keep_blank_values=True) for value, _ in values_in(said)}


def query_without(query: str, listed: Collection[Value], names: Iterable[str] = ()) -> str:
    """The filters of a page's address without her, parameter by parameter; as it was where she is not in it."""
    names = tuple(names)
    said = parse_qsl(query, keep_blank_values=True)
    left = [(name, text_without(value, listed, names)) for name, value in said]
    return urlencode(left) if left != said else query


def json_without(value: Any, listed: Collection[Value], names: Iterable[str] = ()) -> Any:
    """The same of every text within; None where an element of a list names a person who is listed: others stay."""
    names = tuple(names)
    if isinstance(value, str):
        return value if _MOMENT.fullmatch(value) else text_without(value, listed, names)
    if isinstance(value, list):
        return [json_without(one, listed, names) for one in value if not _is_person(one, listed)]
    if isinstance(value, Mapping):
        return {
            name: None if _is_person(one, listed) else json_without(one, listed, names) for name, one in value.items()
        }
    return value


def json_values(value: Any) -> set[Value]:
    """Phones and e-mails in every text within."""
    return {found for text in _texts(value) for found, _ in values_in(text)}


def json_with(value: Any, among: Callable[[set[Value]], Collection[Value]]) -> list[Any]:
    """The parts of it that hold a phone or an e-mail that `among` knows: objects that name a person, else texts."""
    if isinstance(value, str | int) and not isinstance(value, bool):
        return [value] if among({found for found, _ in values_in(str(value))}) else []
    if isinstance(value, Mapping) and not _NAMED.isdisjoint(str(name).casefold() for name in value):
        inner = [part for one in value.values() if isinstance(one, list) for part in json_with(one, among)]
        if inner and all(isinstance(part, Mapping) for part in inner):
            return inner
        return [value] if among(json_values(value)) else []
    if isinstance(value, Mapping):
        return [part for one in value.values() for part in json_with(one, among)]
    return [part for one in value for part in json_with(one, among)] if isinstance(value, list) else []


_NAMED = {"name", "fullname", "firstname", "lastname", "first_name", "last_name", "full_name", "owner1fullname"}


def _is_person(value: Any, listed: Collection[Value]) -> bool:
    """Whether this is an object that names a person and holds a listed phone or e-mail."""
    if not isinstance(value, Mapping) or _NAMED.isdisjoint(str(name).casefold() for name in value):
        return False
    return any(found in listed for text in _texts(value) for found, _ in values_in(text))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str | int) and not isinstance(value, bool):
        if not _MOMENT.fullmatch(text := str(value)):
            yield text
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


def _cut(text: str, gone: Iterable[Span]) -> str:
    left, at = [], 0
    for start, end in sorted(gone):
        if start >= at:
            left += [text[at:start], GONE]
        at = max(at, end)
    return "".join([*left, text[at:]])


# --- Names -----------------------------------------------------------------------------------------------------------


def _named(letters: str, name: Sequence[str]) -> Iterator[Span]:
    """Where these words follow one another, in any order: O'Neil, Sean; of three, one may be an initial."""
    wanted = {word.casefold() for word in name}
    words = list(_WORD.finditer(letters))
    near = [bool(_NEAR.fullmatch(letters, one.end(), two.start())) for one, two in pairwise(words)]
    spoken = [_word(found[0], wanted) for found in words]
    for first, word in enumerate(spoken):
        if word in wanted and (last := _last_of(spoken[first:], near[first:], wanted)) is not None:
            yield words[first].start(), words[first + last].end()


def _word(said: str, wanted: Collection[str]) -> str:
    """As a name's key has it: without apostrophes, and of Ann's the Ann."""
    bare = said.casefold()
    word = bare.replace("'", "")
    return word if word in wanted or not bare.endswith("'s") else bare[:-2].replace("'", "")


def _last_of(spoken: Sequence[str], near: Sequence[bool], wanted: Collection[str]) -> int | None:
    """At which of these words the name ends that begins with the first."""
    left, initials, full = {*wanted}, list[str](), 0
    end = None
    for place, word in enumerate(spoken[: len(wanted) + 2]):
        if place and not near[place - 1]:
            break
        if word in left:
            left.remove(word)
            full += 1
        elif len(word) == 1:
            initials.append(word)
        else:
            break
        if full == len(wanted) or (full > 1 and all(any(one[0] == i for i in initials) for one in left)):
            end = place
    return end


def spelled_in(line: str, key: str) -> str:
    """How a line of several owners spells the one whose key this is: of "Tom and Sean O'Neil", Tom O'Neil."""
    left, told, follows = set(key.split()), list[str](), False
    for word in line.split():
        words = {part.replace("'", "").upper() for part in _WORD.findall(read(word)[0])}
        is_initial = follows and all(len(part) == 1 for part in words)
        follows = bool(words) and (words <= left or is_initial)
        if follows:
            left -= words
            told.append(word)
    return " ".join(told).strip(" ,;&") if not left else key
