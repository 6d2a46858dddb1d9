"""The rule table as the rules read it."""

from __future__ import annotations

from datetime import date, time
from typing import Any

from django.db import connection

from campaigns.models import ContactRule, Emergency, RuleHoliday
from campaigns.rules.rule_set import Ban, Hours, Rule, RuleSet

_last: tuple[str, RuleSet] | None = None
# Of every column of every row, so that nothing has to say that it changed: 0.4 ms in PostgreSQL, where reading the rows
# and comparing them costs 3 ms of the asking process.
DIGEST = "md5(concat_ws('|', {}))".format(
    ", ".join(
        f"(SELECT string_agg(r::text, chr(10) ORDER BY r.id) FROM {model._meta.db_table} r)"  # noqa: S608  # our names
        for model in (ContactRule, RuleHoliday, Emergency)
    )
)


def load_rules(seen: str | None = None) -> RuleSet:
    """The whole table, in one statement where it is as this process has read it before, and then the same object: with
    what was computed of places. The caller keeps it for as long as its transaction lasts. seen: `DIGEST`, where a
    statement of the caller's has just asked for it; then none.
    """
    global _last  # one value, replaced whole: threads see the old one or the new one
    before = seen or _digest()
    if (last := _last) is not None and last[0] == before:
        return last[1]
    loaded = _read()
    if _digest() == before:  # else somebody has just changed it: it is read again next time
        _last = before, loaded
    return loaded


def _digest() -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {DIGEST}")
        row: Any = cursor.fetchone()
    return str(row[0])


def _read() -> RuleSet:
    """Three statements."""
    rows = (
        list(ContactRule.objects.order_by("jurisdiction", "channel", "from_date").values()),
        list(RuleHoliday.objects.order_by("jurisdiction", "date").values_list("jurisdiction", "date", "name")),
        list(
            Emergency.objects.order_by("jurisdiction", "from_at").values(
                "jurisdiction", "from_at", "until_at", "reason"
            )
        ),
    )
    holidays: dict[str, dict[date, str]] = {}
    for jurisdiction, day, name in rows[1]:
        holidays.setdefault(jurisdiction, {})[day] = name
    return RuleSet((rule_of(ContactRule(**row)) for row in rows[0]), holidays, (Ban(**row) for row in rows[2]))


def rule_of(row: ContactRule) -> Rule:
    """The row as a value, saved or not."""
    return Rule(
        row.jurisdiction,
        row.channel,
        weekdays=_hours(row.weekdays_open, row.weekdays_close),
        saturday=_hours(row.saturday_open, row.saturday_close),
        sunday=_hours(row.sunday_open, row.sunday_close),
        is_central=row.clock == ContactRule.Clock.CENTRAL,
        closes_on_holidays=row.holidays == ContactRule.Holidays.CLOSED,
        cap_24h=row.cap_24h,
        gap_minutes=row.gap_minutes,
        cold=row.cold,
        from_date=row.from_date,
        until_date=row.until_date,
    )


def _hours(opens: time | None, closes: time | None) -> Hours | None:
    return None if opens is None or closes is None else (opens, closes)
