"""What was kept long enough is dropped in pieces; the books agree, and dropped data is bought again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from buckets.models import Bucket, Import, ImportFailure, ImportPiece
from campaigns.models import Inbound
from integrations.models import Dropped, Lookup, UnreadableAnswer, VendorCall
from leads.models import Event
from operations import metrics, retention
from operations.reconcile import find_drift
from sandbox.server import Sandbox
from tests.command_line import run as run_command
from tests.support import billed, finish, make_bucket, make_user, start

pytestmark = pytest.mark.django_db(transaction=True)
LONG_AGO = timezone.now() - timedelta(days=100)


@pytest.fixture
def bucket(sandbox: Sandbox, settings: Any) -> Bucket:
    """Ten leads with contacts, all bought 100 days ago, and what files left."""
    settings.KEEP_INBOUND_DAYS = settings.KEEP_TOUCHES_DAYS = 0  # the rules that hold without a setting
    settings.KEEP_NOTIFICATIONS_DAYS = settings.KEEP_CHANGES_DAYS = 0
    bucket = make_bucket(sandbox, make_user(), 10)
    finish(start(bucket))
    Lookup.objects.update(fetched_at=LONG_AGO)
    VendorCall.objects.update(ended_at=LONG_AGO)
    job = Import.objects.create(
        bucket=bucket,
        file_name="a.csv",
        size=1,
        encoding="utf-8",
        delimiter=",",
        columns=["a"],
        total=1,
        status="failed",
    )
    ImportFailure.objects.create(job=job, line=2, reason="no", cells=["Ann"])
    ImportPiece.objects.create(job=job, number=0, first_line=2, content=b"x")
    Import.objects.update(updated_at=LONG_AGO)
    UnreadableAnswer.objects.create(
        call=VendorCall.objects.latest("pk"), raw=b"{", length=1, sha256=64 * "0", why="no", created_at=LONG_AGO
    )
    return bucket


def keep(settings: Any, days: int, *names: str) -> None:
    for name in names or ("LOOKUP", "RAW", "FAILED_ROWS", "UPLOADS", "CALLS"):
        setattr(settings, f"KEEP_{name}_DAYS", days)


@pytest.mark.long
def test_without_a_setting_everything_stays(bucket: Bucket) -> None:
    assert retention.due() == {}
    assert retention.apply() is False
    assert (Lookup.objects.filter(state="answered").exists(), Dropped.objects.count()) == (True, 0)


@pytest.mark.long
def test_the_dry_run_counts_and_changes_nothing(bucket: Bucket, settings: Any) -> None:
    keep(settings, 90)
    said = run_command("apply_retention", "--dry-run", "--json").json
    assert (said["rows"]["failed rows"], said["rows"]["uploaded files"], said["kept"]) == (
        1,
        1,
        [
            "posts of message vendors",
            "opens and clicks",
            "changes of leads",
            "guests of appointments",
            "notifications",
        ],
    )
    assert said["rows"]["purchased data"] == Lookup.objects.filter(state="answered").count()
    keep(settings, 101)
    assert set(retention.due().values()) == {0}


@pytest.mark.long
def test_what_is_due_is_dropped_in_pieces_and_the_books_agree(
    bucket: Bucket, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(settings, 90)
    monkeypatch.setattr(retention, "PIECE", 3)
    due = retention.due()
    said = run_command("apply_retention", "--json").json
    assert said["rows"] == due
    assert dict(Dropped.objects.values_list("kind", "rows")) == {kind: rows for kind, rows in due.items() if rows}
    assert (
        f'bucket_retention_rows_total{{kind="vendor requests"}} {due["vendor requests"]}.0'
        in metrics.exposition().decode()
    )
    assert (VendorCall.objects.count(), ImportFailure.objects.count(), ImportPiece.objects.count()) == (0, 0, 0)
    assert find_drift() == []


@pytest.mark.long
def test_a_dropped_answer_is_not_owned_and_is_bought_again(bucket: Bucket, sandbox: Sandbox, settings: Any) -> None:
    keep(settings, 90, "LOOKUP")
    assert retention.apply() is False
    assert set(Lookup.objects.values_list("state", flat=True)) == {"free"}
    before = billed(sandbox)
    finish(start(make_bucket(sandbox, make_user("bob"), 10)))
    assert billed(sandbox) > before
    assert find_drift() == []


def test_raw_answers_go_and_what_they_cost_stays(bucket: Bucket, settings: Any) -> None:
    keep(settings, 90, "RAW")
    retention.apply()
    assert UnreadableAnswer.objects.get().raw is None
    assert VendorCall.objects.exists()


def test_handled_posts_of_message_vendors_lose_their_bodies_after_thirty_days() -> None:
    now = timezone.now()
    for name, days in (("old", 31), ("new", 29), ("waits", None)):
        Inbound.objects.create(
            vendor="twilio", kind="message", dedupe=name, body=b"Body=Hi", received_at=now - timedelta(days=90),
            handled_at=None if days is None else now - timedelta(days=days),
        )  # fmt: skip
    assert retention.due() == {
        "posts of message vendors": 1,
        "opens and clicks": 0,
        "changes of leads": 0,
        "notifications": 0,
    }
    retention.apply()
    assert set(Inbound.objects.exclude(body=None).values_list("dedupe", flat=True)) == {"new", "waits"}
    assert Inbound.objects.count() == 3


def test_guests_go_after_their_appointment_and_those_to_come_stay(bucket: Bucket, settings: Any) -> None:
    keep(settings, 90, "GUESTS")
    said: dict[str, Any] = {
        "team_id": bucket.team_id, "owner": bucket.owner, "kind": "appointment", "guest_name": "Pat",
        "guest_email": "pat@example.com", "note": "Blue door", "changed_at": LONG_AGO,
    }  # fmt: skip
    hour = timedelta(hours=1)
    Event.objects.create(**said, starts_at=LONG_AGO, ends_at=LONG_AGO + hour)
    Event.objects.create(**said, starts_at=timezone.now(), ends_at=timezone.now() + hour)
    retention.apply()
    found = Event.objects.order_by("starts_at").values_list("guest_name", "guest_email", "note")
    assert list(found) == [(None, None, ""), ("Pat", "pat@example.com", "Blue door")]
