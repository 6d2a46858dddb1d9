"""One lead deleted: all that counts it counts it no more, and nobody loses what was paid for."""

from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

import pytest
from django.urls import reverse

from buckets.services import recount
from common.db.clock import database_now
from enrichment.models import Run, RunItem
from enrichment.options import Canary, RunOptions
from enrichment.services import RunError, cancel_run, start_run
from enrichment.worker.lead_deletion import delete_lead
from integrations.models import Lookup
from leads.models import Activity, Lead
from leads.services import add_activity, change_status
from operations.reconcile import find_drift
from tests.api.client import Api, body_of, refused
from tests.leads.samples import counters, make_leads, together
from tests.support import billed, finish, make_bucket, make_user, start

pytestmark = pytest.mark.django_db(transaction=True)


def agrees() -> None:
    assert recount(mend=False) == {}
    assert find_drift() == []


@pytest.mark.long
def test_whatever_became_of_it_all_counters_follow(sandbox):
    ann = make_user("ann")
    bucket = make_bucket(sandbox, ann, 12)
    run = finish(start(bucket))
    leads = list(bucket.leads.order_by("pk"))
    change_status(lead=leads[0], by=ann, status="contacted")
    before, paid, answers = run, billed(sandbox), Lookup.objects.count()
    assert run.enriched > 1 and run.partial + run.failed > 0

    for lead in leads[:-1]:
        gone = Lead.objects.get(pk=lead.pk)
        body_of(Api(ann).delete(f"/api/leads/{lead.pk}"))
        agrees()
        refused(Api(ann).delete(f"/api/leads/{lead.pk}"), 404)
        after = Run.objects.get(pk=run.pk)
        assert (after.total, after.done) == (before.total - 1, before.done - 1)
        assert after.enriched == before.enriched - bool(gone.phone)
        before = after

    assert (before.status, before.resume_from, before.total) == ("completed", leads[-1].pk, 1)
    assert (billed(sandbox), Lookup.objects.count()) == (paid, answers)
    again = make_bucket(sandbox, ann, 12, name="Again")
    assert finish(start(again)).spent == 0


def test_a_waiting_lead_leaves_its_run_and_the_last_one_completes_it():
    bucket, (one, two, three) = make_leads(3)
    add_activity(lead=one, by=bucket.owner, kind="note", text="x")
    run, _ = start_run(bucket=bucket, by=bucket.owner, options=RunOptions())
    assert counters(bucket) == (3, 0, 3, 0)

    delete_lead(lead=three)
    agrees()
    run.refresh_from_db()
    assert (run.total, run.status, run.resume_from, counters(bucket)) == (2, "queued", two.pk, (2, 0, 2, 0))

    for lead in (one, two):
        delete_lead(lead=lead)
    agrees()
    run.refresh_from_db()
    assert (run.total, run.status, run.resume_from, counters(bucket)) == (0, "completed", None, (0, 0, 0, 0))
    assert run.finished_at is not None
    assert (Activity.objects.count(), RunItem.objects.count()) == (0, 0)
    bucket.refresh_from_db()
    assert bucket.enrichment_status == "completed"


def test_a_cancelled_runs_lead_goes_too():
    bucket, (one, _) = make_leads(2)
    run, _ = start_run(bucket=bucket, by=bucket.owner, options=RunOptions())
    cancel_run(run=run)

    delete_lead(lead=one)

    run.refresh_from_db()
    assert (run.total, run.skipped, run.status) == (1, 1, "cancelled")
    agrees()


def test_a_sample_keeps_its_size():
    bucket, leads = make_leads(5)
    canary = Canary(leads=2, min_hit_rate=Decimal("0.5"))
    run, _ = start_run(bucket=bucket, by=bucket.owner, options=RunOptions(canary=canary))
    first, second, third = run.items.order_by("pk")[:3]
    assert run.sample_until == second.pk

    delete_lead(lead=first.lead)

    run.refresh_from_db()
    assert run.sample_until == third.pk
    assert len(leads) == 5


def test_a_lead_with_a_request_out_stays():
    bucket, (one, _) = make_leads(2)
    run, _ = start_run(bucket=bucket, by=bucket.owner, options=RunOptions())
    run.items.filter(lead=one).update(token=uuid4(), lease_until=database_now())
    before = [list(model.objects.order_by("pk").values()) for model in (Lead, Run, RunItem)]

    answer = Api(bucket.owner).delete(f"/api/leads/{one.pk}")

    assert "billing check" in refused(answer, 409)
    assert answer.json()["error"]["code"] == "LEAD_BUSY"
    assert [list(model.objects.order_by("pk").values()) for model in (Lead, Run, RunItem)] == before
    assert counters(bucket) == (2, 0, 2, 0)


def test_two_at_once_and_a_run_that_starts_meanwhile():
    bucket, leads = make_leads(6)

    results = together(
        lambda: delete_lead(lead=leads[0]),
        lambda: delete_lead(lead=leads[0]),
        lambda: delete_lead(lead=leads[1]),
        lambda: start_run(bucket=bucket, by=bucket.owner, options=RunOptions()),
    )

    assert sorted(isinstance(result, RunError) for result in results) == [False, False, False, True]
    assert bucket.leads.count() == 4
    agrees()


def test_the_list_asks_before_it_deletes(client):
    bucket, (one, two) = make_leads(2)
    bucket.owner.is_staff = True
    bucket.owner.save()
    client.force_login(bucket.owner)
    address = reverse("admin:leads_lead_changelist")
    chosen = {"action": "delete", "_selected_action": [str(one.pk)]}

    page = client.post(address, chosen, follow=True)
    assert "Purchased data is kept" in page.content.decode()
    assert Lead.objects.count() == 2

    said = {**chosen, "confirmed": "yes", "expect": "1"}
    again = client.post(address, said, follow=True)
    assert ("Type the number of leads" in again.content.decode(), Lead.objects.count()) == (True, 2)
    refused = client.post(address, {**said, "again": "1", "typed": "2"})
    assert ("Type 1 to go on" in refused.content.decode(), Lead.objects.count()) == (True, 2)
    client.post(address, {**said, "again": "1", "typed": "1"})
    assert list(Lead.objects.values_list("pk", flat=True)) == [two.pk]
    assert counters(bucket) == (1, 0, 0, 0)
