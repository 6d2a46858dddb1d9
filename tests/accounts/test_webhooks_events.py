"""What happens in a team is told: each event once, in the transaction of its deed, with ids, states and amounts."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from django.utils import timezone

from accounts.access import own_access
from accounts.models import User, WebhookDelivery, WebhookEndpoint
from accounts.webhooks.registries import events
from accounts.webhooks.secrets import encrypted, new_secret
from buckets.filling.fills import continue_fill, start_fill
from buckets.imports.services import continue_import, start_import, upload
from buckets.services import create_bucket
from common.db.clock import database_now
from enrichment.models import Run
from enrichment.options import RunOptions
from enrichment.services import pause_run, resume_run, start_run
from enrichment.tasks import tell_limits
from enrichment.worker.events import tell_enriched
from enrichment.worker.pausing import pause
from integrations.ledger import breaker, catalogue, scopes
from integrations.models import Budget
from integrations.operating.vendors import pause_vendor, resume_vendor
from leads.bulk import working
from leads.models import BulkJob, Lead
from leads.services import add_activity, change_status
from leads.tasks import tell_callbacks
from tests.leads.bulk import world as bulk
from tests.support import finish, make_bucket, make_user, start

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann() -> User:
    """With a webhook for every event."""
    ann = make_user("ann")
    listen(ann)
    return ann


def listen(user: User) -> WebhookEndpoint:
    return WebhookEndpoint.objects.create(
        team=user.memberships.get().team,
        url="https://example.com/",
        events=list(events()),
        secret=encrypted(new_secret()),
    )


def told(*names: str) -> list[tuple[str, str, dict[str, Any]]]:
    rows = WebhookDelivery.objects.order_by("pk")
    rows = rows.filter(event__in=names) if names else rows
    return [(row.event, row.object_id, row.data) for row in rows]


@pytest.mark.django_db(transaction=True)
def test_a_run_tells_of_its_leads_and_its_end(sandbox, ann):
    bucket = make_bucket(sandbox, ann, 30)
    run = finish(start(bucket))

    *enriched, (event, about, data) = told("leads.enriched", "run.completed")
    assert (event, about) == ("run.completed", str(run.pk))
    assert data == {
        "runId": str(run.pk), "bucketId": str(bucket.pk), "status": "completed", "leads": 30,
        "enriched": run.enriched, "partial": run.partial, "failed": run.failed, "skipped": 0,
    }  # fmt: skip
    with_phone = [lead for _, _, batch in enriched for lead in batch["withPhone"]]
    without = [lead for _, _, batch in enriched for lead in batch["withoutPhone"]]
    assert (len(with_phone), len(without)) == (run.enriched, run.partial)
    assert set(with_phone + without) == {str(pk) for pk in bucket.leads.values_list("pk", flat=True)}
    sequences = list(WebhookDelivery.objects.filter(object_id=run.pk).order_by("pk").values_list("sequence", flat=True))
    assert sequences == list(range(1, len(enriched) + 2))
    for text in ("phone", "owner_name", "email"):
        values = Lead.objects.filter(bucket=bucket).values_list(text, flat=True)
        assert not [value for value in values if value and value in json.dumps([data for *_, data in told()])]


def test_more_than_five_hundred_leads_are_several_events(ann):
    bucket, _ = create_bucket(by=ann, name="x", property_ids=["1"])
    run, _ = start_run(bucket=bucket, by=ann, options=RunOptions())
    lead = bucket.leads.get().pk
    tell_enriched(run, [(lead, outcome) for outcome in [1, 2, 3, 4] * 251])  # type: ignore[misc]
    assert [(len(data["withPhone"]), len(data["withoutPhone"])) for *_, data in told("leads.enriched")] == [
        (250, 250), (1, 1),
    ]  # fmt: skip


def test_a_run_that_pauses_tells_why(ann):
    bucket, _ = create_bucket(by=ann, name="x", property_ids=["1", "2"])
    run, _ = start_run(bucket=bucket, by=ann, options=RunOptions())
    pause_run(run=run)
    pause_run(run=run)  # it is paused already
    resume_run(run=run, by=ann)
    run.refresh_from_db()
    pause(run, Run.Pause.CAP, "this month's budget ($5.00) of ann is used up")
    assert [data["pausedBy"] for *_, data in told("run.paused")] == ["person", "cap"]
    assert "ann" not in json.dumps(told())


def test_a_lead_that_moves_on_is_told_once(ann):
    bucket, _ = create_bucket(by=ann, name="x", property_ids=["1"])
    lead = bucket.leads.get()
    change_status(lead=lead, by=ann, status="contacted")
    change_status(lead=lead, by=ann, status="contacted")
    data = {"leadId": str(lead.pk), "bucketId": str(bucket.pk), "before": "new", "after": "contacted"}
    assert told() == [("lead.status_changed", str(lead.pk), data)]


def test_a_bulk_job_is_told_when_it_is_done_undone_and_stopped(ann, monkeypatch):
    bucket, _ = create_bucket(by=ann, name="x", property_ids=["1", "2"])
    job = bulk.start(own_access(ann), "tag", bucket.leads.all(), tag="Hot")
    bulk.undo(job)
    stopped = bulk.start(own_access(ann), "tag", bucket.leads.all(), tag="Warm")
    assert told("bulk.finished")[:2] == [
        ("bulk.finished", str(job.pk), {"bulkJobId": str(job.pk), "action": "tag", "status": status, "leads": 2,
                                        "done": 2, "changed": 2, "restored": restored})
        for status, restored in (("completed", 0), ("undone", 2))
    ]  # fmt: skip
    again = {"status": "running", "finished_at": None, "tries": working.TRIES, "lease_until": None}
    BulkJob.objects.filter(pk=stopped.pk).update(**again)
    working.continue_job(stopped.pk)
    assert told("bulk.finished")[-1][2]["status"] == "failed"
    assert "Hot" not in json.dumps(told())


def test_a_callback_that_is_due_is_told_once(ann):
    bucket, _ = create_bucket(by=ann, name="x", property_ids=["1", "2", "3"])
    for lead, hours in zip(bucket.leads.order_by("pk"), (1, 2, 3), strict=True):
        add_activity(lead=lead, by=ann, kind="callback", text="secret", due_at=timezone.now() + timedelta(hours=hours))
    due, _, old = bucket.leads.order_by("pk")
    Lead.objects.filter(pk=due.pk).update(callback_at=database_now() - timedelta(minutes=1), assigned_to=ann)
    Lead.objects.filter(pk=old.pk).update(callback_at=database_now() - timedelta(days=2))
    for _ in range(2):
        tell_callbacks()
    ((event, about, data),) = told()
    assert (event, about, data["assignedTo"]) == ("callback.due", str(due.pk), ann.pk)
    Lead.objects.filter(pk=due.pk).update(callback_at=database_now())  # another one
    tell_callbacks()
    assert list(WebhookDelivery.objects.order_by("pk").values_list("sequence", flat=True)) == [
        1,
        2,
    ]


def test_a_filled_bucket_and_an_imported_file_are_told(sandbox, ann):
    bucket, _ = create_bucket(by=ann, name="x", property_ids=["1"])
    fill = start_fill(bucket=bucket, criteria={"state": "WA", "zip": ["98101"]})
    while continue_fill(fill.pk):
        pass
    fill.refresh_from_db()
    job = upload(bucket=bucket, file=BytesIO(b"Address,Zip\n1 Main St,95757\n2 Main St,95757\n,\n"), name="secret.csv")
    start_import(job=job)
    while continue_import(job.pk):
        pass
    filled = {"bucketId": str(bucket.pk), "fillId": str(fill.pk), "found": fill.found, "saved": fill.saved}
    imported = {"importId": str(job.pk), "bucketId": str(bucket.pk), "rows": 3, "new": 2, "alreadyThere": 0}
    imported |= {"skipped": 1, "failed": 0}
    assert told() == [("bucket.filled", str(bucket.pk), filled), ("import.completed", str(job.pk), imported)]


def test_a_budget_is_told_at_eighty_and_at_a_hundred_percent_once_each(ann):
    team = ann.memberships.get().team
    team.monthly_budget = Decimal(50)
    team.save()
    User.objects.filter(pk=ann.pk).update(monthly_budget=Decimal(100))
    bucket, _ = create_bucket(by=ann, name="x", property_ids=["1"])
    run, _ = start_run(bucket=bucket, by=ann, options=RunOptions(max_cost=Decimal(10)))
    Run.objects.filter(pk=run.pk).update(beat_at=database_now())
    now = database_now()
    mine, ours = scopes.user_month(ann.pk, now), scopes.team_month(team.pk, now)
    for spent in ("7.99", "8", "41", "99", "100"):
        for scope in (mine, ours, run.budget_scope):
            Budget.objects.update_or_create(scope=scope, defaults={"spent": Decimal(spent)})
        tell_limits()
        tell_limits()
    assert [(data["of"], data["percent"], data["used"], data["limit"]) for *_, data in told()] == [
        ("run", 80, "8.00", "10.00"),
        ("team", 80, "41.00", "50.00"),
        ("run", 100, "41.00", "10.00"),
        ("team", 100, "99.00", "50.00"),
        ("person", 80, "99.00", "100.00"),
        ("person", 100, "100.00", "100.00"),
    ]
    assert {data["period"] for *_, data in told()} == {f"{now:%Y-%m}", None}


def test_a_vendor_that_pauses_is_told_to_every_team_once(ann, django_capture_on_commit_callbacks):
    listen(make_user("bob"))
    vendor = catalogue.vendor("apollo")
    breaker.pause("apollo", "401: the key was refused")
    breaker.pause("apollo", "401: the key was refused")
    pause_vendor(vendor=vendor, by=ann, reason="no credit")
    assert told() == [("vendor.paused", "apollo", {"vendor": "apollo", "status": "paused"})] * 2
    resume_vendor(vendor=vendor)
    pause_vendor(vendor=vendor, by=ann, reason="no credit")
    assert len(told()) == 4


def test_where_nobody_listens_nothing_is_written_or_looked_at(django_assert_max_num_queries):
    bob = make_user("bob")
    bucket, _ = create_bucket(by=bob, name="x", property_ids=["1"])
    Lead.objects.update(callback_at=database_now())
    with django_assert_max_num_queries(8):
        tell_callbacks()
        tell_limits()
    change_status(lead=bucket.leads.get(), by=bob, status="contacted")
    assert told() == []
