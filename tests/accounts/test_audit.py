"""The audit: written in the deed's transaction, changed by nobody, in partitions of a month."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.audit import make_months, record
from accounts.models import AuditEvent
from accounts.origin import Origin
from common.db.ids import uuid7_floor
from tests.support import make_user

pytestmark = pytest.mark.django_db


def partitions() -> dict[str, int]:
    """The audit's partitions, and how many rows each holds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'accounts_auditevent'::regclass"
        )
        names = [name for (name,) in cursor.fetchall()]
        counts = {}
        for name in names:
            cursor.execute(f"SELECT count(*) FROM {name}")
            counts[name] = cursor.fetchone()[0]
    return counts


def of(moment: datetime) -> UUID:
    return UUID(int=uuid7_floor(moment).int | 1 << 63 | 1)


def write(pk: UUID | None = None) -> AuditEvent:
    event = AuditEvent(at=datetime(2026, 11, 30, tzinfo=UTC), action="run.started")
    event.pk = pk or event.pk
    event.save(force_insert=True)
    return event


# What a library's triggers would let pass: all that there are, by name.
ANY_SETTING = """
SELECT set_config('pgtrigger.ignore', (SELECT array_agg(tgname)::text FROM pg_trigger WHERE NOT tgisinternal), true)
"""


def refused(sql: str) -> bool:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)
    except DatabaseError as error:
        assert "append-only" in str(error)
        return True
    return False


def test_an_event_says_who_what_where_from_and_what_was_before():
    ann = make_user("ann")

    record(
        "caps.changed",
        by=ann,
        team_id=7,
        about=ann,
        name="ann",
        before={"monthly_budget": "10"},
        after={"monthly_budget": "20"},
        came=Origin("192.0.2.1", "abc", "deadbeef"),
    )

    event = AuditEvent.objects.get()
    assert (event.user_id, event.user_name, event.team_id) == (ann.pk, "ann", 7)
    assert (event.address, event.request_id, event.token_key) == ("192.0.2.1", "abc", "deadbeef")
    assert (event.kind, event.object_id, event.object_name) == ("user", str(ann.pk), "ann")
    assert (event.before, event.after) == ({"monthly_budget": "10"}, {"monthly_budget": "20"})


def test_a_contact_in_a_name_or_a_value_is_masked_and_ids_money_and_users_are_not():
    pk, ann = "0190a2b4-2065-7501-8425-206555014277", make_user("ann.2065550142@example.com")
    said: dict[str, Any] = {
        "reason": "call John (206) 555-0142",
        "at": "2026-11-30T08:15:34Z",
        "run": pk,
        "cost": "900.0000",
    }
    said |= {"addresses": ["203.211.12.34"], "who": [{"email": "jo@example.com"}], "leads": 2065550142}

    record("bucket.created", by=ann, about=("bucket", pk), name="Call John 206-555-0142", before=said, after=said)
    record("member.added", by=ann, about=ann, name=ann.username)

    bucket, member = AuditEvent.objects.order_by("pk")
    assert (bucket.object_name, bucket.object_id, bucket.user_name) == ("Call John •••• 0142", pk, ann.username)
    masked = {"reason": "call John •••• 0142", "who": [{"email": "j••••@example.com"}]}
    assert bucket.before == bucket.after == said | masked
    assert member.object_name == ann.username


def test_an_event_goes_with_the_deed_that_is_undone():
    with transaction.atomic():
        record("run.started", by=None)
        transaction.set_rollback(True)
    assert not AuditEvent.objects.exists()


# --- Append-only ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["accounts_auditevent", "the month", "accounts_auditevent_rest"])
@pytest.mark.parametrize("change", ["UPDATE {} SET action = 'x'", "DELETE FROM {}", "TRUNCATE {}"])
def test_no_connection_changes_it_not_even_a_superusers(where, change):
    now = write()
    lost = write(of(datetime(2031, 5, 1, tzinfo=UTC)))
    month = next(name for name, rows in partitions().items() if rows and not name.endswith("rest"))
    with connection.cursor() as cursor:
        cursor.execute("SHOW is_superuser")
        assert cursor.fetchone() == ("on",)

    table = month if where == "the month" else where
    assert refused(change.format(table))
    assert refused(f"{ANY_SETTING}; {change.format(table)}")

    assert set(AuditEvent.objects.values_list("pk", "action")) == {(now.pk, "run.started"), (lost.pk, "run.started")}


# --- Months -----------------------------------------------------------------------------------------------------------


def test_the_months_are_there_ahead_and_made_once():
    assert len(partitions()) >= 5  # the rest, this month and three more
    assert make_months() == 0

    write()

    assert partitions()["accounts_auditevent_rest"] == 0


def test_events_of_a_month_that_was_missing_are_moved_into_it():
    late = [write(of(datetime(2019, month, 15, tzinfo=UTC))) for month in (2, 3)]
    assert partitions()["accounts_auditevent_rest"] == 2

    assert make_months() == 2

    after = partitions()
    assert (after["accounts_auditevent_rest"], after["accounts_auditevent_y2019m02"]) == (0, 1)
    assert after["accounts_auditevent_y2019m03"] == 1
    assert {event.pk for event in late} == set(AuditEvent.objects.values_list("pk", flat=True))
    for table in ("accounts_auditevent_y2019m02", "accounts_auditevent_rest"):
        assert refused(f"DELETE FROM {table}") or table.endswith("rest")  # nothing is in it: no row to refuse
        assert refused(f"TRUNCATE {table}")


# --- Lines for a log collector ----------------------------------------------------------------------------------------


def test_a_line_of_json_leaves_after_the_commit_and_only_then(caplog, django_capture_on_commit_callbacks):
    ann = make_user("ann")
    with caplog.at_level("INFO", "audit"):
        with django_capture_on_commit_callbacks(execute=True):
            record("run.started", by=ann, after={"leads": 3})
            assert not caplog.messages
        (line,) = caplog.messages
    told: dict[str, Any] = json.loads(line)
    assert (told["action"], told["userName"], told["after"]) == ("run.started", "ann", {"leads": 3})
    assert datetime.fromisoformat(told["at"]).utcoffset() == timedelta(0)
