"""Which of Apollo's companies answers which question. It names a company as it is called, not as it is registered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from integrations.vendors import normalise
from integrations.vendors.apollo import parse
from integrations.vendors.contract import Answer
from integrations.vendors.errors import Category
from integrations.vendors.owners import company_key

Record = Mapping[str, Any]


def count(listed: Sequence[Any]) -> int:
    """How many companies are listed; one that answers two questions is one."""
    named = {_identity(record) for record in listed if isinstance(record, dict) and record}
    return len(named) + sum(record is not None and not isinstance(record, dict) for record in listed)


def linked(listed: Sequence[Any], details: Sequence[Mapping[str, Any]]) -> list[Answer]:
    """An answer per question, by the surest sign there is: domain, name, the name without its legal form, the place.

    listed: whatever came. That the list is positional is nowhere said (docs/vendors/apollo.md 3.6), so the place counts
    only where nothing contradicts it. Where a company is left over or is no object, a question without one may be its
    own.
    """
    records = [normalise.mapping(record) for record in listed]
    strange = any(record is not None and not isinstance(record, dict) for record in listed)
    found: dict[int, int] = {}  # question -> record
    for sign in (_by_domain, _by_name, _by_bare_name):
        for asked, detail in enumerate(details):
            fitting = [at for at, record in enumerate(records) if record and sign(record, detail)]
            if asked not in found and len({_identity(records[at]) for at in fitting}) == 1:
                found[asked] = fitting[0]
    _by_beginning(records, details, found)
    _by_place(records, details, found)
    missing = Answer(category=Category.INVALID_DATA if strange or _left(records, found) else Category.NOT_FOUND)
    return [
        Answer(facts=parse.organization(records[found[asked]])) if asked in found else missing
        for asked in range(len(details))
    ]


def _left(records: Sequence[Record], found: Mapping[int, int]) -> list[int]:
    """The companies that answer no question yet, each once."""
    taken = {_identity(records[at]) for at in found.values()}
    left = {_identity(record): at for at, record in enumerate(records) if record and _identity(record) not in taken}
    return list(left.values())


def _by_domain(record: Record, detail: Mapping[str, Any]) -> bool:
    hosts = (parse.domain(record.get("primary_domain")), parse.domain(record.get("website_url")))
    return "domain" in detail and detail["domain"] in hosts


def _by_name(record: Record, detail: Mapping[str, Any]) -> bool:
    name = normalise.fold(detail.get("name"))
    return bool(name) and normalise.fold(record.get("name")) == name


def _by_bare_name(record: Record, detail: Mapping[str, Any]) -> bool:
    name = company_key(detail.get("name"))
    return bool(name) and company_key(record.get("name")).replace(" ", "") == name.replace(" ", "")


def _by_beginning(records: Sequence[Record], details: Sequence[Mapping[str, Any]], found: dict[int, int]) -> None:
    """One name is the beginning of the other, and of no other: "Acme" for "Acme Holdings LLC"."""
    waiting = [asked for asked in range(len(details)) if asked not in found]
    for at in _left(records, found):
        fitting = [asked for asked in waiting if _begins(records[at], details[asked])]
        if len(fitting) == 1 and sum(_begins(records[x], details[fitting[0]]) for x in _left(records, found)) == 1:
            found[fitting[0]] = at


def _begins(record: Record, detail: Mapping[str, Any]) -> bool:
    one, other = company_key(record.get("name")).split(), company_key(detail.get("name")).split()
    size = min(len(one), len(other))
    return size > 0 and one[:size] == other[:size]


def _by_place(records: Sequence[Record], details: Sequence[Mapping[str, Any]], found: dict[int, int]) -> None:
    """What no name links: by its place in the list, or because one question and one company are left."""
    left = _left(records, found)
    waiting = [asked for asked in range(len(details)) if asked not in found]
    if len(left) == len(waiting) == 1:
        found[waiting[0]] = left[0]
        return
    positional = len(records) == len(details) and (found or not all(records))
    if positional and all(_identity(records[asked]) == _identity(records[at]) for asked, at in found.items()):
        found.update({at: at for at in left if at in waiting})


def _identity(record: Record) -> str:
    return str(record.get("id") or parse.domain(record.get("primary_domain")) or normalise.fold(record.get("name")))
