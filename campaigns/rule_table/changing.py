"""A new rule, a holiday, an emergency. They bind every team: only a superuser enters them, and the audit tells of it.

Raises BadRule with the field that is wrong; NotAllowed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from accounts.access import NotAllowed
from accounts.audit import record
from accounts.models import User
from campaigns.clock import now
from campaigns.gate.rule_rows import rule_of
from campaigns.models import ContactRule, Emergency, RuleHoliday
from campaigns.rules.area_codes import STATES
from campaigns.rules.looser import looser
from common.dates import day

JURISDICTIONS = ("US", *sorted({f"US-{state}" for state in STATES.values()}))
QUICKER = "Somebody has just entered a row for this state: look at it first."
DAYS = ("weekdays", "saturday", "sunday")
AHEAD = timedelta(days=366)  # a row of later, entered by a slip, would keep every row before it out for ever
CAP_MOST, GAP_MOST = 100, 7 * 24 * 60  # attempts in 24 hours; minutes
LABELS = {
    "cap_24h": "attempts in 24 hours",
    "gap_minutes": "minutes between attempts",
    "cold": "contact without consent",
}
TOLD = (
    "channel", *(f"{days}_{end}" for days in DAYS for end in ("open", "close")), "clock", "holidays", "cap_24h",
    "gap_minutes", "cold", "from_date",
)  # fmt: skip


class BadRule(ValueError):
    """What was entered cannot be. fields: by name, in words."""

    def __init__(self, **fields: str) -> None:
        super().__init__("; ".join(f"{name}: {words}" for name, words in fields.items()))
        self.fields: Mapping[str, str] = fields


def add_rule(row: ContactRule, *, by: User) -> ContactRule:
    """Saves a new row, and ends the one before on the day on which it begins.

    1. Its fields are possible: whole minutes, both ends or none, dated today or later by the campaigns' clock.
    2. No row of its state and channel begins on that day or later: it would be skipped.
    3. What is looser than the row that came with the product needs a reason.
    4. The row before gets its end, if it is still as it was read; else, or where two overlap, somebody was quicker.
    """
    _permit(by)
    _check_hours(row)
    with transaction.atomic():
        at = now()
        if row.from_date < at.date():
            raise BadRule(from_date="A rule is entered for today or later: what was decided before stays as it was.")
        if row.from_date > at.date() + AHEAD:
            raise BadRule(from_date="A rule is entered at most a year ahead: no other could be entered before it.")
        same = ContactRule.objects.filter(jurisdiction=row.jurisdiction, channel=row.channel)
        others = list(same.order_by("from_date"))
        if others and others[-1].from_date >= row.from_date:
            raise BadRule(from_date=f"There is a row from {day(others[-1].from_date)} already: choose a later day.")
        _check_reason(row, others)
        before = others[-1] if others else None
        if before is not None and (before.until_date is None or before.until_date > row.from_date):
            if before.until_date is not None:
                raise BadRule(from_date=f"The row before holds until {day(before.until_date)}: begin then.")
            if not same.filter(pk=before.pk, until_date=None).update(until_date=row.from_date):
                raise BadRule(from_date=QUICKER)
        row.until_date, row.by_id, row.created_at, row.checked_on = None, by.pk, at, at.date()
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError:  # entered by somebody else at the same moment
            raise BadRule(from_date=QUICKER) from None
        record("rule.added", by=by, about=row, name=str(row), before=_told(before), after=_told(row))
    return row


def add_holiday(jurisdiction: str, on: date, name: str, source: str, *, by: User) -> RuleHoliday:
    """A day on which a state is closed that closes on holidays."""
    _permit(by)
    _check_place(jurisdiction)
    for field, value in (("name", name), ("source", source)):
        if not value.strip():
            raise BadRule(**{field: "This field is required."})
    with transaction.atomic():
        today = now().date()
        if not today <= on <= today + 3 * AHEAD:
            raise BadRule(date="A holiday is entered for today or later, at most three years ahead.")
        row, is_new = RuleHoliday.objects.get_or_create(
            jurisdiction=jurisdiction, date=on, defaults={"name": name.strip(), "source": source.strip()}
        )
        if not is_new:
            raise BadRule(date=f"{row.name} is entered on that day already.")
        record("holiday.added", by=by, about=row, name=str(row))
    return row


def declare_emergency(
    jurisdiction: str, from_at: datetime, until_at: datetime | None, reason: str, source: str, *, by: User
) -> Emergency:
    """From then on nobody of this state is contacted, by any team; US: nobody at all."""
    _permit(by)
    _check_place(jurisdiction)
    if not reason.strip():
        raise BadRule(reason="This field is required.")
    if from_at > now() + AHEAD:
        raise BadRule(from_at="It begins within a year.")
    if until_at is not None and until_at <= from_at:
        raise BadRule(until_at="It ends after it begins.")
    with transaction.atomic():
        row = Emergency.objects.create(
            jurisdiction=jurisdiction,
            from_at=from_at,
            until_at=until_at,
            reason=reason.strip(),
            source=source.strip(),
            by_id=by.pk,
            created_at=now(),
        )
        record("emergency.declared", by=by, about=row, name=str(row), after={"from": from_at, "until": until_at})
    return row


def end_emergency(emergency: Emergency, until_at: datetime, *, by: User) -> Emergency:
    """It is over at that moment: now or later, never before."""
    _permit(by)
    with transaction.atomic():
        row, at = Emergency.objects.get(pk=emergency.pk), now()
        if row.until_at is not None and row.until_at <= at:
            raise BadRule(until_at="It is over already.")
        if until_at < at or until_at <= row.from_at:
            raise BadRule(until_at="It ends now or later, and after it began.")
        before, row.until_at = row.until_at, until_at
        if not Emergency.objects.filter(pk=row.pk, until_at=before).update(until_at=until_at):
            raise BadRule(until_at="Somebody has just changed its end: look at it first.")
        record("emergency.ended", by=by, about=row, name=str(row), before={"until": before}, after={"until": until_at})
    return row


def _permit(by: User) -> None:
    if not by.is_superuser:
        raise NotAllowed("Rules, holidays and emergencies bind every team: only a superuser enters them.")


def _check_place(jurisdiction: str) -> None:
    if jurisdiction not in JURISDICTIONS:
        raise BadRule(jurisdiction="Enter US, or a state as US-TX.")


def _check_hours(row: ContactRule) -> None:
    _check_place(row.jurisdiction)
    wrong = {}
    for days in DAYS:
        opens: time | None = getattr(row, f"{days}_open")
        closes: time | None = getattr(row, f"{days}_close")
        if (opens is None) is not (closes is None):
            wrong[f"{days}_{'open' if opens is None else 'close'}"] = "Enter both, or neither for a closed day."
        elif opens is not None and closes is not None and opens >= closes:
            wrong[f"{days}_close"] = "It closes after it opens, on the same day."
        elif any(clock and (clock.second or clock.microsecond) for clock in (opens, closes)):
            wrong[f"{days}_open"] = "Enter whole minutes."
    if not row.source.strip():
        wrong["source"] = "This field is required."
    if row.cap_24h is not None and not 1 <= row.cap_24h <= CAP_MOST:
        wrong["cap_24h"] = f"Enter 1 to {CAP_MOST}; a day without contact has no hours."
    if row.gap_minutes is not None and not 0 <= row.gap_minutes <= GAP_MOST:
        wrong["gap_minutes"] = f"Enter at most {GAP_MOST:,} minutes, a week."
    if wrong:
        raise BadRule(**wrong)


def _check_reason(row: ContactRule, others: list[ContactRule]) -> None:
    """Against the latest that came with the product, of the same state and channel."""
    shipped = [other for other in others if other.by_id is None]
    if not shipped or row.reason.strip():
        return
    fields = looser(rule_of(row), rule_of(shipped[-1]))
    if fields:
        words = ", ".join(LABELS.get(field, field.removesuffix("_open")) for field in fields)
        raise BadRule(reason=f"This allows more than the row that came with the product ({words}): say why.")


def _told(row: ContactRule | None) -> dict[str, Any] | None:
    return None if row is None else {field: getattr(row, field) for field in TOLD} | {"reason": row.reason}
