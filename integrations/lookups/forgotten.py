"""What is bought passes here before it is stored: facts of people who asked to be forgotten are dropped.

Who they are, the room above knows: it registers how records are cleaned (`leads.privacy.filtering`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from integrations.vendors.contract import Query, Reply

Facts = Mapping[str, Any]
_cleaners: list[Callable[[Sequence[Facts]], list[Facts]]] = []
FORGOTTEN = "owner_forgotten"  # of a detail's facts: its owner asked to be forgotten, so nobody traces her
REFUSED = "The owner asked to be forgotten: no contacts are bought."


def clean_with(cleaner: Callable[[Sequence[Facts]], list[Facts]]) -> None:
    """Registers who gives records back without forgotten people; the very same object where nobody is in it."""
    _cleaners.append(cleaner)


def without_forgotten(records: Sequence[Facts]) -> list[Facts]:
    """These records, by a lead's columns, in their order. In the transaction that stores them."""
    cleaned = list(records)
    for clean in _cleaners:
        cleaned = clean(cleaned)
    return cleaned


def reply_without_forgotten(reply: Reply) -> Reply:
    """A vendor's answers, and the rows of a search, without them."""
    keys = list(reply.answers)
    facts = _clean_with_rows([reply.answers[key].facts for key in keys])
    changed = {
        key: replace(reply.answers[key], facts=after)
        for key, after in zip(keys, facts, strict=True)
        if after is not reply.answers[key].facts
    }
    return replace(reply, answers={**reply.answers, **changed}) if changed else reply


def _clean_with_rows(facts: Sequence[Facts]) -> list[Facts]:
    rows = [row for one in facts for row in one.get("rows") or () if isinstance(row, Mapping)]
    cleaned = without_forgotten([*facts, *rows])
    own, left = cleaned[: len(facts)], iter(cleaned[len(facts) :])
    if all(one is row for one, row in zip(cleaned[len(facts) :], rows, strict=True)):
        return own
    return [
        {**one, "rows": [next(left) if isinstance(row, Mapping) else row for row in one["rows"]]}
        if one.get("rows")
        else one
        for one in own
    ]


def asked_about(queries: Iterable[Query]) -> set[str]:
    """The keys of the questions that ask about a forgotten person: they are not bought."""
    asked = [(query.key, record) for query in queries if (record := _record_of(query))]
    cleaned = without_forgotten([record for _, record in asked])
    return {
        key
        for (key, record), after in zip(asked, cleaned, strict=True)
        if after is not record and (after.get(FORGOTTEN) or (record.get("email") and not after.get("email")))
    }


def _record_of(query: Query) -> dict[str, Any]:
    """A question about a person as a record by a lead's columns; empty where it is about none."""
    params = query.params
    who = {name: params.get(name) for name in ("first_name", "last_name", "email")}
    if not any(who.values()) and not query.owner:
        return {}
    return {
        **who,
        "owner_name": query.owner or None if not params.get("first_name") else None,
        "property_address": params.get("address"),
        "property_zip": params.get("zip"),
        "mailing_address": params.get("mail_address"),
        "mailing_zip": params.get("mail_zip"),
    }
