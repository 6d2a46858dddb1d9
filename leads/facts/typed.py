"""What a person types about a lead: it outranks what was bought, and can be taken back. Pure: no clock, no query."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from email_validator import EmailNotValidError, validate_email

from integrations.vendors import normalise, owners
from leads.facts.columns import HOUSE
from leads.facts.sources import (
    MAILING,
    NAMES,
    PERSONS,
    SLOTS,
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


class EditRefused(ValueError):
    """What was typed cannot be; `column`: of the lead."""

    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column = column


def email_of(text: object) -> str | None:
    """An address as it is kept, or None where no mail could reach it: a person who types it can type it again."""
    address = normalise.email(text)
    try:
        return address and validate_email(address, check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        return None


def typed(lead: Row, said: Mapping[str, Any], new: Entry) -> dict[str, Any]:
    """The columns to write when a person says this of a lead, by `columns.TYPED`.

    new: {"source", "at", "by"}. None takes a contact of one's own back, and what was bought shows again. Raises
    EditRefused: a bought contact cannot be emptied, and a do-not-call mark is never taken off a number.
    """
    sheet = Sheet(lead)
    if any(column.startswith(SLOTS) for column in said):
        _phones(sheet, said, new)
    if "email" in said:
        _email(sheet, said["email"], new)
    _group(sheet, NAMES, said, new)
    _group(sheet, MAILING, said, new)
    for column in HOUSE:
        if column in said:
            _property(sheet, column, said[column], new)
    return sheet.changes()


def _phones(sheet: Sheet, said: Mapping[str, Any], new: Entry) -> None:
    entries = sheet.phones()
    for slot in SLOTS:
        there = next((entry for entry in entries if entry.get("slot") == slot), None)
        if slot in said and said[slot] is None and there is not None:
            if there["source"] not in PERSONS:
                raise EditRefused(slot, "This number was bought: type another, or mark it as do not call.")
            entries.remove(there)
            there = None
        elif slot in said and said[slot] is not None:
            if there is not None and there["value"] != said[slot]:
                there.pop("slot")
            if there is None or there["value"] != said[slot]:
                there = {"value": said[slot], "type": "", "do_not_call": None}
                entries.insert(0, there)
            there |= {**new, "slot": slot}
            there.pop("person", None)
        _say_marks(there, slot, said)
    sheet.place_phones(entries, iso(sheet.lead["skip_traced_at"] or ""))
    for slot in SLOTS:  # a number may have brought its mark from elsewhere on the lead
        if said.get(f"{slot}_do_not_call") is False and sheet.values[f"{slot}_do_not_call"]:
            raise EditRefused(f"{slot}_do_not_call", "This number is marked as do not call: the mark stays.")
    if sheet.values["secondary_phone"] and not sheet.values["phone"]:
        sheet.place_phones([{**entry, "slot": "phone"} for entry in entries], "")


def _say_marks(there: Entry | None, slot: str, said: Mapping[str, Any]) -> None:
    kind, mark = said.get(f"{slot}_type"), said.get(f"{slot}_do_not_call")
    if there is None:
        if kind or mark is not None:
            raise EditRefused(slot, "There is no number that this could be said of.")
        return
    if kind:
        there["type"] = kind
    there["do_not_call"] = never_weaker(there.get("do_not_call"), mark)


def _email(sheet: Sheet, value: str | None, new: Entry) -> None:
    old, entry = sheet.lead["email"], source_of(sheet.lead, "email")
    if value is not None:
        sheet.values["email"] = value
        sheet.sources["email"] = dict(new)
        sheet.wins("email", value)
        if value != old:
            sheet.loses("email", old, entry)
        return
    if old and entry["source"] not in PERSONS:
        raise EditRefused("email", "This e-mail was bought: type another.")
    next_best = next(iter(sheet.others.get("email", [])), None)
    sheet.sources.pop("email", None)
    sheet.values["email"] = next_best and next_best["value"]
    if next_best:
        sheet.wins("email", next_best["value"])
        sheet.sources["email"] = {name: part for name, part in next_best.items() if name != "value"}


def _group(sheet: Sheet, columns: tuple[str, ...], said: Mapping[str, Any], new: Entry) -> None:
    """A name or a mailing address: the parts that are not said stay, and the whole is the person's from now on."""
    told = {column: said[column] for column in columns if column in said}
    if not told:
        return
    tell = name_of if columns is NAMES else mailing_of
    before, entry, group = tell(sheet.lead), source_of(sheet.lead, columns[0]), columns[0]
    sheet.values |= told
    after = tell({**{column: sheet.lead[column] for column in columns}, **told})
    sheet.sources[group] = dict(new)
    sheet.wins(group, after)
    if before != after:
        sheet.loses(group, before, entry)


def rest_of_name(lead: Row, told: Mapping[str, Any]) -> dict[str, Any]:
    """What follows of a name of which a part was typed: nobody is written to as Lillian whose name is Maria Lopez.

    The whole name makes the parts where it is another person's; a part makes the whole where that was made of both.
    """
    parts = {column: lead[column] for column in NAMES[1:]}
    whole = told.get("owner_name")
    if whole and told.keys().isdisjoint(parts):
        if same_name(whole, " ".join(filter(None, parts.values()))):
            return {}
        return dict(zip(parts, owners.first_and_last(whole) or (None, None), strict=True))
    old = " ".join(filter(None, parts.values()))
    if (
        "owner_name" in told
        or told.keys().isdisjoint(parts)
        or not old
        or not lead["owner_name"]
        or not same_name(lead["owner_name"], old)
    ):
        return {}
    new = " ".join(filter(None, (told.get(column, part) for column, part in parts.items())))
    return {"owner_name": new} if new and not same_name(lead["owner_name"], new) else {}


def _property(sheet: Sheet, column: str, value: object, new: Entry) -> None:
    old, entry = sheet.lead[column], source_of(sheet.lead, column)
    sheet.values[column] = value
    sheet.sources[column] = dict(new)
    sheet.wins(column, value)
    if old is not None and old != value:
        sheet.loses(column, str(old) if not isinstance(old, bool | int | str) else old, entry)
    if value is None:
        sheet.sources.pop(column)
