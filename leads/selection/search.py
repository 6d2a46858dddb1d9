"""Reading what a person types to find leads.

What a lead is found by stands in its column `search` (migration 0012_search), which PostgreSQL keeps: words without
accents and apostrophes, and keys of whole values. A search is the same column's own language, one `tsquery` a rank.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import BooleanField, F, Func, Q, TextField, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.lookups import Regex

from accounts.access import Access
from common.contact_access import MAY_HOLD, PEOPLE
from common.values.phones import only_phones
from integrations.vendors import normalise
from leads.models import Lead
from leads.registries import buckets_of
from leads.selection.search_words import SPELLINGS, Said, meanings, without_label

SHORTEST, LONGEST = 2, 200  # characters of a search: with one letter, a tenth of all leads would match
PREFIX = 3  # letters from which on a word may be unfinished
LAST_DIGITS = 4  # of a phone: what people remember of a number
_CJK = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]")  # one says as much as a word
SAME_ID = 500  # leads of one property that one person has, each in another bucket
_PLACE = ("property_address", "property_city", "property_state", "property_zip", "property_county")
_MAILING = ("mailing_address", "mailing_city")
_IDS = ("property_id", "apn")
_OPEN = (*_IDS, *_PLACE)
# What a place that is shown with dots may hold: an e-mail, ten digits that are not far apart, or a local number.
CONTACT = "[@＠]|[0-9]([^0-9]{0,5}[0-9]){9}|(^|[^0-9])[2-9][0-9]{2}[ .-][0-9]{4}([^0-9]|$)|[٠-٩۰-۹０-９]"
_PHONE = re.compile(r"\+?[\d\s().\-\u2010-\u2015/]*(?:(?:x|ext\.?)\s*\d+)?", re.IGNORECASE)
_QUOTED = re.compile("'(?:[^'\\\\]|''|\\\\.)*'", re.DOTALL)  # a word, as `key_of` quotes it


class Finds(Func):
    """Whether a lead's `search` matches a tsquery."""

    output_field = BooleanField()

    def __init__(self, query: str) -> None:
        super().__init__(F("pk"))
        self.query = query

    def as_sql(self, compiler: Any, connection: Any, **_: Any) -> Any:  # type: ignore[override]  # noqa: ARG002
        """Beside the primary key, whose table goes by the same name in this statement."""
        key, _params = compiler.compile(self.source_expressions[0])
        return f"{key.rpartition('.')[0]}.search @@ %s::tsquery", (self.query,)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Finds) and other.query == self.query

    def __hash__(self) -> int:
        return hash(self.query)


@dataclass(frozen=True, slots=True)
class Sought:
    """A search that was read. ranks: a tsquery each, the best first ("": none); ids: leads meant by their own id or
    their property's; every: a tsquery of them all. told: which leads may be found so by who sees no contacts.
    """

    ids: Sequence[UUID] = ()
    ranks: Sequence[str] = ()
    every: str = ""
    told: Q = field(default_factory=Q)

    @property
    def found(self) -> Q:
        """The leads that the index finds."""
        found = Q(pk__in=self.ids)
        return found | Q(Finds(self.every)) if self.every else found

    @property
    def of_unknown_words(self) -> Q:
        """`found`, were each of its words one that no lead has."""
        return replace(self, every=_QUOTED.sub("'~'", self.every)).found

    @property
    def matches(self) -> Q:
        """The leads it finds, in any order."""
        return self.found & self.told


def sought(text: str, *, by: Access, contacts: bool) -> Sought:
    """Reads what a person typed. With `contacts` also as a phone or an e-mail; without, these find nothing, and change
    neither what else is found nor its order.
    """
    text = " ".join(text.replace("\x00", "").split())[:LONGEST]
    if len(text) < SHORTEST and not _CJK.match(text):
        return Sought()
    words = [word for word in re.split(r"[\s,;]+", without_label(text)) if word]
    if any("@" in word for word in words) and not contacts:
        return Sought(ids=_ids(text, by))
    whole, *spelled = plain([without_label(text), *words])
    said = meanings([(word, parts.split()) for word, parts in zip(words, spelled, strict=True)])
    read = [_Word(word, contacts) for word in said]
    read = [word for word in read if word.keys(unfinished=False)]
    exact, begins = _whole(text, whole.replace(" ", ""), contacts=contacts)
    finished = _all(word.keys(unfinished=False) for word in read)
    unfinished = _all(word.keys(unfinished=word is read[-1]) for word in read)
    begun = " | ".join(begins)
    both = f"({begun}) & ({finished})" if begun and finished else ""
    ranks = [" | ".join(exact), both, finished, begun, "" if unfinished == finished else unfinished]
    every = " | ".join(f"({rank})" for rank in ranks if rank and rank != both)
    told = Q() if contacts else _as_told(f"{text} {whole}".lower())
    return Sought(ids=_ids(text, by), ranks=ranks, every=every, told=told)


def _as_told(text: str) -> Q:
    """Which leads may be found by this text where phones and e-mails in names are behind dots: else one is found digit
    by digit, or letter by letter. A lead with such a name is found only by what its open columns say.
    """
    numbers, words = set(re.findall(r"\d+", text)), set(re.findall(r"[^\W\d_]+", text))
    told = Q()
    if numbers:
        told &= Q(~_in_names(MAY_HOLD), ~_in_places(CONTACT)) | _in_open_columns(
            "[^0-9]*".join(number) for number in sorted(numbers)
        )
    if words:
        told &= Q(~_in_names("@"), ~_in_places("[@＠]")) | _in_open_columns(sorted(words))
    return told


def _in_names(pattern: str) -> Q:
    """In any of the names, as one text: one look at each lead that the index finds."""
    others = (KeyTextTransform(name, "other_facts") for name in ("owner_name", "first_name", "last_name"))
    names = Func(Value(" "), *PEOPLE, *others, function="concat_ws", output_field=TextField())
    return Q(Regex(names, pattern))


def _in_places(pattern: str) -> Q:
    """An address or a city that holds such a thing."""
    return Q(*(Q(**{f"{name}__regex": pattern}) for name in (*_PLACE, *_MAILING)), _connector=Q.OR)


def _in_open_columns(patterns: Iterable[str]) -> Q:
    """Each in one of them. An address or a city that may hold a phone or an e-mail is behind dots itself."""
    open_ones = {name: ~Q(**{f"{name}__regex": CONTACT}) if name not in _IDS else Q() for name in _OPEN}
    each = (
        Q(*(Q(**{f"{name}__iregex": one}) & is_open for name, is_open in open_ones.items()), _connector=Q.OR)
        for one in patterns
    )
    return Q(*each)


def _ids(text: str, by: Access) -> list[UUID]:
    """Leads meant by their own id, or by their property's in any of this person's buckets."""
    if " " in text or len(text) > 64:
        return []
    mine = Lead.objects.filter(bucket__in=buckets_of(by).values("pk"))
    try:
        return list(mine.filter(pk=UUID(text)).values_list("pk", flat=True))
    except ValueError:
        names = {text, normalise.property_id(text) or text}  # "0123" is 123
        return list(mine.filter(property_id__in=names).order_by().values_list("pk", flat=True)[:SAME_ID])


def plain(texts: Sequence[str]) -> list[str]:
    """Each as the column has it: by PostgreSQL's own function, so that both sides spell alike."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT public.leads_plain(said) FROM unnest(%s::text[]) WITH ORDINALITY AS t(said, n) ORDER BY n",
            [list(texts)],
        )
        return [said for (said,) in cursor.fetchall()]


def key_of(kind: str, text: str, *, begins: bool = False) -> str:
    """A key as a tsquery has it."""
    quoted = (kind + text).replace("\\", "\\\\").replace("'", "''")
    return f"'{quoted}'{':*' if begins else ''}"


def _all(words: Iterable[list[str]]) -> str:
    """All words, each by any of its keys."""
    return " & ".join(f"({' | '.join(keys)})" for keys in words)


def _together(words: Sequence[str], *, unfinished: bool) -> str:
    """All these words, the last in any of its spellings."""
    *first, last = words
    may_go_on = unfinished and (len(last) >= PREFIX or _CJK.match(last) is not None)
    ends = [
        key_of("", last, begins=may_go_on),
        *(key_of("", one) for one in sorted(SPELLINGS.get(last, set()) - {last})),
    ]
    return f"({_all([*([key_of('', part)] for part in first), ends])})"


@dataclass(frozen=True, slots=True)
class _Word:
    """A word of a search, in all its spellings."""

    word: Said
    contacts: bool

    def keys(self, *, unfinished: bool) -> list[str]:
        """Any of these keys is a match. unfinished: its end may be missing."""
        if "@" in self.word.text:
            return self._email()
        if not self.word.parts:
            return []
        keys = [_together(words, unfinished=unfinished) for words in (self.word.parts, *self.word.also)]
        whole = "".join(self.word.parts)
        if len(whole) > PREFIX and any(map(str.isdigit, whole)):
            keys.append(key_of("a:", whole, begins=unfinished))
        return keys + (self._contacts(unfinished=unfinished) if self.contacts else [])

    def _email(self) -> list[str]:
        name, _, domain = self.word.text.lower().partition("@")
        if name:
            return [key_of("e:", self.word.text.lower(), begins=True)]
        return [key_of("d:", domain, begins=True)] if domain else []

    def _contacts(self, *, unfinished: bool) -> list[str]:
        digits = re.sub(r"\D", "", self.word.text)
        if len(digits) >= LAST_DIGITS and _PHONE.fullmatch(self.word.text):
            return [key_of("r:", digits[::-1], begins=True)]
        said = self.word.text.lower()
        if len(said) < PREFIX or digits == said:
            return []
        return (
            [key_of("e:", said, begins=True), key_of("d:", said, begins=True)] if unfinished else [key_of("d:", said)]
        )


def _whole(text: str, squeezed: str, *, contacts: bool) -> tuple[list[str], list[str]]:
    """The keys of the whole text: of values that are equal to it, and of values that begin with it."""
    exact, begins = [], []
    if squeezed:
        exact += [key_of(kind, squeezed) for kind in ("a:", "w:")]
        long = len(squeezed) >= PREFIX
        begins += [key_of(kind, squeezed, begins=long) for kind in ("a:", "w:", "n:")]
    if contacts and "@" in text and " " not in text:
        exact += [key_of("e:", text.lower())]
    digits = re.sub(r"\D", "", text)
    numbers = only_phones(text) if contacts else []
    exact += [key_of("p:", number[1:]) for number, _extension in numbers]
    if contacts and _PHONE.fullmatch(text) and len(digits) >= LAST_DIGITS:
        if not numbers and text.startswith("+"):
            begins += [key_of("p:", digits, begins=True)]
        begins += [key_of("r:", digits[::-1], begins=True)]
    return exact, begins
