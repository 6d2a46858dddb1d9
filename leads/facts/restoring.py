"""Undoing what an import changed of leads that were there: fact by fact, where it still is as the import left it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from leads.facts import added
from leads.facts.names import rename
from leads.facts.sources import MAILING, NAMES, PHONES, SLOTS, Row, never_weaker
from leads.facts.updating import MARKS, WRITTEN, Change, count_changes, lock_as_json, write_leads
from leads.keys import contact_keys
from leads.privacy.filtering import cleaned

_BOOKS = ("fact_sources", "other_facts")
# Columns that are one fact, by what the books file it under.
_FACTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {  # columns, names in `fact_sources`
    "owner_name": (NAMES, ("owner_name",)),
    "mailing_address": (MAILING, ("mailing_address",)),
    "phone": (PHONES, SLOTS),
    "status": (("status", "status_label_id"), ("status",)),
}
_FACT_OF = {column: fact for fact, (columns, _) in _FACTS.items() for column in columns} | {"secondary_phone": "phone"}


def restore_leads(*, bucket_id: UUID, changes: Sequence[Change]) -> int:
    """Gives leads back what an import changed; what was changed since stays, and do-not-call marks do. Returns how many
    leads keep something for that. Must be inside a transaction.
    """
    by_lead = {change.lead_id: change for change in changes}
    keys = contact_keys.prepare({one: change.before for one, change in by_lead.items()})
    there = lock_as_json(list(by_lead), WRITTEN)
    kept = 0
    wanted: dict[UUID, dict[str, Any]] = {}
    for lead_id, lead in there.items():
        new, all_of_it = _restored(lead, by_lead[lead_id])
        kept += not all_of_it
        if new:
            wanted[lead_id] = {name: lead[name] for name in WRITTEN} | new
    after = write_leads(dict(zip(wanted, cleaned(list(wanted.values())), strict=True)))
    contact_keys.relink(after, keys)
    added.take_back({one: {k: list(v) for k, v in by_lead[one].after.items() if k.startswith("+")} for one in there})
    count_changes(bucket_id, there, after)
    rename(there, after)
    return kept


def _restored(lead: Row, change: Change) -> tuple[dict[str, Any], bool]:
    """The columns to write, and whether that is all that the import changed."""
    books = {book: dict(lead[book] or {}) for book in _BOOKS}
    new: dict[str, Any] = {}
    whole = True
    for fact in _facts_of(change):
        columns, names = _FACTS.get(fact, ((fact,), (fact,)))
        told = [column for column in columns if column in change.before]
        places = [*(("fact_sources", name) for name in names), ("other_facts", fact)]
        if any(lead[column] != change.after[column] for column in told) or any(
            books[book].get(name) != _of(change.after if book in change.after else lead, book, name)
            for book, name in places
        ):
            whole = False
            continue
        new |= {column: change.before[column] for column in told}
        for book, name in places:
            if book in change.before:
                _put(books[book], name, _of(change.before, book, name))
    new |= {book: books[book] or None for book in _BOOKS if books[book] != (lead[book] or {})}
    return _never_weaker(lead, new), whole


def _facts_of(change: Change) -> Iterator[str]:
    """The facts that the import changed, each once."""
    facts = [_FACT_OF.get(column, column) for column in change.before if column not in _BOOKS]
    for book in _BOOKS:
        before, after = change.before.get(book) or {}, change.after.get(book) or {}
        facts += [_FACT_OF.get(n, n) for n in {*before, *after} if before.get(n) != after.get(n)]
    yield from dict.fromkeys(facts)


def _of(row: Mapping[str, Any], book: str, name: str) -> Any:
    return (row.get(book) or {}).get(name)


def _put(book: dict[str, Any], name: str, value: Any) -> None:
    if value is None:
        book.pop(name, None)
    else:
        book[name] = value


def _never_weaker(lead: Row, new: dict[str, Any]) -> dict[str, Any]:
    """A number that is marked as do not call now, a litigator, who wants no mail: it stays so."""
    new |= {name: never_weaker(lead[name], new[name]) for name in MARKS if name in new}
    if "phone" not in new and "secondary_phone" not in new and "other_facts" not in new:
        new |= {f"{slot}_do_not_call": True for slot in SLOTS
                if f"{slot}_do_not_call" in new and lead[f"{slot}_do_not_call"]}  # fmt: skip
        return new
    listed = {lead[slot] for slot in SLOTS if lead[f"{slot}_do_not_call"]}
    listed |= {e["value"] for e in _of(lead, "other_facts", "phone") or () if e.get("do_not_call")}
    for slot in SLOTS:
        if new.get(slot, lead[slot]) in listed - {None}:
            new[f"{slot}_do_not_call"] = True
    if others := _of(new, "other_facts", "phone"):
        marked = [{**e, "do_not_call": True} if e["value"] in listed else e for e in others]
        new["other_facts"] = {**new["other_facts"], "phone": marked}
    return new
