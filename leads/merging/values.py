"""What a lead shows once it stands for another of the same property, and how that is taken back. Pure: no query.

    names, mailing address, phones, e-mail   as `leads.facts.sources` weighs them; of two that persons gave, the older
                                             lead's stays
    the property                             typed, then bought, then a file's; of two bought ones the newer
    do-not-call, litigator, do-not-mail      the strictest of both
    status                                   the furthest, with its label; a callback: the earliest

What loses stays in `other_facts`. Nothing is lost: the hidden lead keeps all its values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from leads.facts import columns
from leads.facts.sources import (
    DETAIL,
    FILE,
    MAILING,
    NAMES,
    PERSONS,
    PHONES,
    SLOTS,
    STAMPS,
    TRACE,
    TRACED,
    TYPED,
    Entry,
    Row,
    Sheet,
    iso,
    mailing_of,
    name_of,
    never_weaker,
    same_name,
    source_of,
)
from leads.models import Lead

BOOKS = ("fact_sources", "other_facts")
PLAIN = ("data", "custom")  # JSON of both leads, by name: where both say something, the older's stays
STRICTEST = ("litigator", "do_not_mail")
LATEST = (*STAMPS.values(), "last_activity_at", "last_contact_at")
# How far a person has come: a closed deal is further than one that was lost.
_HOW_FAR = (Lead.Status.NEW, Lead.Status.CONTACTED, Lead.Status.QUALIFIED, Lead.Status.LOST, Lead.Status.CLOSED)
_HOW_ENRICHED = (Lead.Enrichment.PENDING, Lead.Enrichment.FAILED, Lead.Enrichment.PARTIAL, Lead.Enrichment.COMPLETED)
# What a lead is, not what is known of it: never taken from another. `property_id` is chosen by who merges.
OWN = (
    *("id", "bucket_id", "owner_id", "team_id", "source", "property_id", "merged_into_id"),
    *("created_at", "updated_at"),
)
# Columns that belong together: each is given back whole, or, where one of them was changed since, stays as it is.
_TOGETHER = (
    NAMES,
    MAILING,
    TRACED,
    (*PHONES, *columns.PERSON),
    ("status", "status_label_id"),
    ("enrichment_status", "enrichment_error"),
)


def row_of(lead: Lead) -> dict[str, Any]:
    """A lead in memory as a mapping of its columns."""
    return {field.attname: getattr(lead, field.attname) for field in Lead._meta.concrete_fields}


def merged(older: Row, younger: Row) -> dict[str, Any]:
    """The columns of the older lead that change when it stands for the younger one as well; their new values.

    1. The property, then names and addresses, phones and e-mail, each weighed by source and time.
    2. Values that the younger did not show are kept with those the older does not show.
    3. Everything else is filled in where the older has nothing.
    """
    sheet = Sheet(older)
    for column in _property_columns():
        _property(sheet, column, younger)
    _apollo(sheet, younger)
    for group in (NAMES, MAILING, TRACED):
        _group(sheet, group, younger)
    _email(sheet, younger)
    stamps = {column: _latest(older[column], younger[column]) for column in LATEST}
    _phones(sheet, younger, iso(stamps[STAMPS[TRACE]] or ""))
    _others(sheet, younger)
    changes = sheet.changes() | stamps | _work(older, younger)
    changes |= {column: never_weaker(older[column], younger[column]) for column in STRICTEST}
    for name in PLAIN:
        changes[name] = {**(younger[name] or {}), **(older[name] or {})} or None
    changes |= _enrichment({**older, **changes}, older, younger)
    handled = {*OWN, *changes, *BOOKS, *sheet.values, *_weighed()}
    changes |= {name: younger[name] for name in older if name not in handled and older[name] is None}
    return {name: value for name, value in changes.items() if value != older[name]}


def taken_back(now: Row, before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a lead to write when it no longer stands for another. now: what it holds; before, after: JSON of
    the columns that the merge changed.

    What was bought, typed or done since stays. A do-not-call mark that came to the lead stays too: listed is listed.
    """
    same = {name for name, value in after.items() if jsonable(now[name]) == value}
    for group in _TOGETHER:
        if not same.issuperset(name for name in group if name in after):
            same.difference_update(group)
    back = {name: _column(name, before[name]) for name in same if name not in ("activity_count", *BOOKS)}
    for book in BOOKS:
        if book in after:
            back[book] = _book(now[book] or {}, before[book] or {}, after[book] or {}) or None
    if not same.issuperset(name for name in PHONES if name in after):
        for book in BOOKS:
            if book in back:
                back[book] = _keeping(back[book], now[book], (*SLOTS, "email"))
    for name in STRICTEST:
        if name in back:
            back[name] = never_weaker(back[name], now[name])
    back = _keep_marks(now, back)
    whole = {**now, **back}
    if whole["enrichment_status"] == Lead.Enrichment.COMPLETED and not whole["phone"]:
        back["enrichment_status"] = Lead.Enrichment.PARTIAL.value
    return back


def jsonable(value: Any) -> Any:
    """A column's value as JSON keeps it, to be compared and read again without loss."""
    if isinstance(value, Decimal | UUID):
        return str(value)
    return value.isoformat() if isinstance(value, date | datetime) else value


def _column(name: str, stored: Any) -> Any:
    field = next(field for field in Lead._meta.concrete_fields if field.attname == name)
    return stored if name in (*BOOKS, *PLAIN, "apollo_data") else field.to_python(stored)


# --- One fact ---------------------------------------------------------------------------------------------------------


def _property_columns() -> Iterable[str]:
    weighed = {*NAMES, *MAILING, *TRACED, *PHONES, "email"}
    return dict.fromkeys(name for name in (*columns.PROPERTY, *columns.OF_FILE) if name not in weighed | _person())


def _person() -> set[str]:
    return {*columns.PERSON, *STRICTEST}


def _weighed() -> set[str]:
    return {*_property_columns(), *NAMES, *MAILING, *TRACED, *PHONES, *_person(), *columns.APOLLO, "email"}


def _property(sheet: Sheet, column: str, younger: Row) -> None:
    old, value = sheet.lead.get(column), younger.get(column)
    entry = source_of(sheet.lead, column)
    if old is not None and entry["source"] in PERSONS:  # a stamp of the younger's would say that it was bought
        sheet.sources.setdefault(column, dict(entry))
    if value is None or value == old:
        return
    new = source_of(younger, column)
    if old is None or _outranks(new, entry):
        sheet.values[column] = value
        _says(sheet, column, new, usual=DETAIL)
        sheet.wins(column, plain(value))
        if old is not None:
            sheet.loses(column, plain(old), entry)
    else:
        sheet.loses(column, plain(value), new)


def _outranks(new: Entry, entry: Entry) -> bool:
    """Of the property: typed, then bought, then a file's; the newer of two that were bought."""
    order = {FILE: 0, TYPED: 2}
    ranks = [order.get(one["source"], 1) for one in (new, entry)]
    return ranks[0] > ranks[1] or (ranks == [1, 1] and new["at"] > entry["at"])


def _says(sheet: Sheet, fact: str, entry: Entry, *, usual: str) -> None:
    if entry["source"] == usual:
        sheet.sources.pop(fact, None)
    else:
        sheet.sources[fact] = dict(entry)


def _apollo(sheet: Sheet, younger: Row) -> None:
    """A person or company of Apollo's, whole: the newer of two."""
    at, other = (row[STAMPS["apollo"]] for row in (sheet.lead, younger))
    if other is not None and (at is None or other > at):
        sheet.values |= {name: younger[name] for name in columns.APOLLO}


def _group(sheet: Sheet, group: Sequence[str], younger: Row) -> None:
    """A name or an address, whole. Of two that persons gave the older lead's stays."""
    facts = {column: younger[column] for column in group}
    first, tell = group[0], name_of if group is NAMES else lambda row: mailing_of(row, group)
    new = source_of(younger, first)
    if not tell(facts):
        sheet.weigh_group(group, {}, new)
        return
    entry, old = source_of(sheet.lead, first), tell(sheet.lead)
    if old and entry["source"] in PERSONS and entry["source"] == new["source"]:
        sheet.sources.setdefault(first, dict(entry))
        if group is NAMES and same_name(old, tell(facts)):
            sheet.values |= {c: part for c, part in facts.items() if part and not sheet.lead[c]}
        elif old != tell(facts):
            sheet.loses(first, tell(facts), new)
        return
    sheet.weigh_group(group, facts, new)


def _email(sheet: Sheet, younger: Row) -> None:
    value, new, entry = younger["email"], source_of(younger, "email"), source_of(sheet.lead, "email")
    if value and sheet.lead["email"] and entry["source"] in PERSONS and entry["source"] == new["source"]:
        sheet.sources.setdefault("email", dict(entry))
        if value != sheet.lead["email"]:
            sheet.loses("email", value, new)
    elif value:
        sheet.weigh_email(value, new)
    elif sheet.lead["email"] and entry["source"] in PERSONS:
        sheet.sources.setdefault("email", dict(entry))


def _phones(sheet: Sheet, younger: Row, stamp: str) -> None:
    """All numbers of both: those of persons keep their places, and every mark of a number counts."""
    theirs = Sheet(younger).phones()
    for entry in theirs:
        entry.pop("slot", None)
    if theirs:
        sheet.place_phones([*sheet.phones(), *theirs], stamp)
    at, other = (row[STAMPS[TRACE]] for row in (sheet.lead, younger))
    if other is not None and (at is None or other > at):
        sheet.values |= {name: younger[name] for name in columns.PERSON}


def _others(sheet: Sheet, younger: Row) -> None:
    for fact, entries in (younger["other_facts"] or {}).items():
        if fact == "phone":
            continue  # placed with the others
        shown = sheet.values.get(fact, sheet.lead.get(fact))
        for entry in entries:
            if entry["value"] != plain(shown):
                sheet.loses(fact, entry["value"], entry)


def _work(older: Row, younger: Row) -> dict[str, Any]:
    callbacks = [row["callback_at"] for row in (older, younger) if row["callback_at"]]
    status = max((Lead.Status(row["status"]) for row in (older, younger)), key=_HOW_FAR.index).value
    labels = (row["status_label_id"] for row in (older, younger) if row["status"] == status)
    return {
        "status": status,
        "status_label_id": next(filter(None, labels), None),
        "callback_at": min(callbacks, default=None),
        "activity_count": older["activity_count"] + younger["activity_count"],
    }


def _enrichment(whole: Row, older: Row, younger: Row) -> dict[str, Any]:
    """How far enrichment has come: who had a trace and has a phone now is complete."""
    furthest = max((Lead.Enrichment(row["enrichment_status"]) for row in (older, younger)), key=_HOW_ENRICHED.index)
    if furthest in (Lead.Enrichment.PARTIAL, Lead.Enrichment.COMPLETED):
        furthest = Lead.Enrichment.COMPLETED if whole["phone"] else Lead.Enrichment.PARTIAL
    error = next((r["enrichment_error"] for r in (older, younger) if r["enrichment_status"] == furthest), None)
    return {"enrichment_status": furthest.value, "enrichment_error": error}


def _latest(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(filter(None, (one, other)), default=None)


def plain(value: Any) -> Any:
    """A value as `other_facts` keeps it."""
    return value if value is None or isinstance(value, bool | int | str) else str(value)


# --- Taking back ------------------------------------------------------------------------------------------------------


def _book(now: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """A book entry by entry: what was written since stays."""
    names = {*now, *before}
    kept = {n: (before if now.get(n) == after.get(n) else now).get(n) for n in names}
    return {name: entry for name, entry in kept.items() if entry is not None}


def _keeping(book: Mapping[str, Any] | None, now: Mapping[str, Any] | None, facts: Iterable[str]) -> Any:
    """The book with these facts' entries as they are now."""
    kept = {name: entry for name, entry in (book or {}).items() if name not in facts}
    return kept | {name: entry for name, entry in (now or {}).items() if name in facts} or None


def _keep_marks(now: Row, back: dict[str, Any]) -> dict[str, Any]:
    """Numbers that are marked as do not call now stay so, wherever they go back to."""
    listed = listed_numbers(now)
    whole = {**now, **back}
    for slot in SLOTS:
        if whole[slot] in listed:
            back[f"{slot}_do_not_call"] = True
    if entries := (whole["other_facts"] or {}).get("phone"):
        marked = [{**e, "do_not_call": True} if e["value"] in listed else e for e in entries]
        back["other_facts"] = {**whole["other_facts"], "phone": marked}
    return back


def listed_numbers(lead: Row) -> set[str]:
    """The numbers of a lead that are on a do-not-call list."""
    entries = (lead["other_facts"] or {}).get("phone", ())
    numbers = {entry["value"] for entry in entries if entry.get("do_not_call")}
    return numbers | {lead[slot] for slot in SLOTS if lead[slot] and lead[f"{slot}_do_not_call"]}


def strict(lead: Row, other: Row) -> dict[str, Any]:
    """The columns of a lead to write so that it is no less strict than another of the same property."""
    listed = listed_numbers(other)
    changes: dict[str, Any] = {
        f"{slot}_do_not_call": True for slot in SLOTS if lead[slot] in listed and not lead[f"{slot}_do_not_call"]
    }
    if entries := (lead["other_facts"] or {}).get("phone"):
        marked = [{**e, "do_not_call": True} if e["value"] in listed else e for e in entries]
        if marked != entries:
            changes["other_facts"] = {**lead["other_facts"], "phone": marked}
    for name in STRICTEST:
        if other[name] and not lead[name]:
            changes[name] = True
    return changes
