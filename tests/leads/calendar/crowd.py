"""Many events of many people, and the queries over them that must be quick. For tests/test_indexes.py."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.timezone import now

from accounts.access import own_access
from leads.calendar.reminding import remind
from leads.models import Event

SOME_DAY = datetime(2026, 11, 29, tzinfo=UTC)
# 20 a person, an hour apart; every other about a lead, the planned ones callbacks
ROWS = [
    """INSERT INTO leads_event (id, team_id, owner_id, lead_id, kind, title, note, starts_at, ends_at, zone, status,
           anyone, place, guest_zone, mail, sequence, remind_minutes, source, created_at, changed_at)
       SELECT uuidv7(), m.team_id, m.user_id, CASE WHEN n % 2 = 0 THEN l.id END,
              CASE WHEN n % 20 = 0 THEN 'callback' ELSE 'reminder' END, '', '', now() + (n % 20 - 10) * interval '1 h',
              now() + (n % 20 - 9) * interval '1 h', 'UTC', CASE WHEN n % 20 = 0 THEN 'planned' ELSE 'done' END,
              false, '', '', CASE WHEN n % 1000 = 1 THEN 'request' ELSE '' END, 0,
              CASE WHEN n % 40 = 0 THEN 10 END, 'person', now(), now() - n * interval '1 s'
         FROM generate_series(1, 20000) n
         JOIN (SELECT *, row_number() OVER (ORDER BY id) place FROM accounts_membership) m ON m.place = n / 20 + 1
         JOIN (SELECT id, row_number() OVER (ORDER BY id) place FROM leads_lead) l ON l.place = n""",
]


def _by(rows: Any) -> list[Any]:
    return list(rows)


def _calendar_of(owner: Any) -> Any:
    return Event.objects.seen_by(own_access(owner)).filter(
        owner=owner, starts_at__lt=SOME_DAY + timedelta(days=7), ends_at__gt=SOME_DAY
    )


# as CASES of tests/test_indexes.py
CASES: dict[str, tuple[Callable[[Any], Any], str, str]] = {
    "a week of a calendar": (lambda p: _by(_calendar_of(p.bucket.owner)), "leads_event", "event_by_owner"),
    "callbacks of a team that are due": (
        lambda p: _by(
            Event.objects.filter(team=p.bucket.team_id, kind="callback", status="planned", starts_at__lte=now())
        ),
        "leads_event",
        "event_planned_by_team",
    ),
    "events about a lead": (lambda p: _by(Event.objects.filter(lead=p.middle)), "leads_event", "event_by_lead"),
    "events whose owner is to be reminded": (lambda p: remind(), "leads_event", "event_to_remind"),
    "invitations that wait for the mail": (
        lambda p: _by(Event.objects.exclude(mail="").order_by("changed_at").values_list("pk", flat=True)[:50]),
        "leads_event",
        "event_to_mail",
    ),
}
