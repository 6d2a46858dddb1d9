"""A run's own page: live, its money and doubts, several decided together, and no retry that would ask for nothing."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import User
from buckets.models import Bucket
from enrichment.models import Run, RunItem
from enrichment.services import RunError, retry_failed
from enrichment.worker.billing_check import hold, let_go, waits_for_check
from enrichment.worker.failed_leads import failed_leads
from integrations.models import Budget, VendorCall
from leads.models import Lead
from tests.admin_site import act, address, member, staff, superuser, words
from tests.api.client import Api
from tests.integrations.doubtful import doubtful
from tests.operations.test_commands_reconcile import parked

pytestmark = pytest.mark.django_db


def text(response: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def failed_run(ann: User, leads: int = 3, **more: Any) -> Run:
    """Over; each of its leads failed."""
    bucket = Bucket.objects.create(owner=ann, name="Probate", total_leads=leads)
    facts = {"status": "completed", "total": leads, "failed": leads, "max_cost": Decimal(5)} | more
    run = Run.objects.create(bucket=bucket, bucket_name="Probate", owner=ann, **facts)
    for n in range(leads):
        lead = Lead.objects.create(bucket=bucket, owner=ann, property_id=str(n + 1), enrichment_status="failed")
        RunItem.objects.create(run=run, lead=lead, stage=0, outcome=3, category="NETWORK_ERROR")
    Budget.objects.create(scope=run.budget_scope, spent=Decimal("1.25"), reserved=Decimal("0.50"))
    return Run.objects.get(pk=run.pk)


def page(client: Any, run: Run) -> Any:
    return client.get(address(Run, "change", run.pk))


def test_it_shows_money_failures_in_words_and_the_buttons_that_fit():
    ann, client = staff("ann")
    run = failed_run(ann)

    shown = text(page(client, run))

    for said in ("$1.25", "$0.50", "$5.00", "$3.25 left under the limit", "No answer", "3 of 3 done", "Completed"):
        assert said in shown
    assert "Retry 3 failed leads …" in shown
    assert "Cancel …" not in shown
    Run.objects.filter(pk=run.pk).update(status="running", total=9)
    live = client.get(f"/admin/enrichment/run/{run.pk}/live/")
    assert 'hx-trigger="every 3s' in live.content.decode()
    assert "Pause" in text(live)
    assert "Retry" not in text(live)
    assert "<html" not in live.content.decode()


@pytest.mark.long
def test_a_failed_lead_that_a_later_job_completed_is_not_retried_and_without_one_left_there_is_no_button():
    ann, client = staff("ann")
    run = failed_run(ann)
    first, second, third = run.items.order_by("pk")
    later = Run.objects.create(bucket=run.bucket, bucket_name="Probate", owner=ann, status="completed", total=1)
    RunItem.objects.create(run=later, lead=first.lead, stage=0, outcome=1)
    second.lead.delete()

    found = failed_leads(run)

    assert (found.again, found.done, found.gone) == ([third.lead_id], 1, 1)
    assert found.words == "1 was completed by a later job; 1 is gone"
    assert "1 can be retried; 1 was completed by a later job; 1 is gone" in text(page(client, run))
    third.lead.delete()
    shown = page(client, run)
    assert "Nothing is left to retry: 1 was completed by a later job; 2 are gone." in text(shown)
    assert "/retry/" not in shown.content.decode()
    assert "/retry/" not in client.get(address(Bucket, "change", run.bucket_id)).content.decode().replace(
        f"/buckets/bucket/{run.bucket_id}/retry/", ""
    )
    with pytest.raises(RunError, match="nothing left to retry"):
        retry_failed(run=run, by=ann)
    answer = client.get(f"/admin/enrichment/run/{run.pk}/retry/")
    assert answer["Location"] == address(Run, "change", run.pk)


def test_a_retry_is_priced_by_get_its_button_names_the_lesser_of_price_and_limit_and_a_post_leads_away():
    ann, client = staff("ann")
    run = failed_run(ann)
    place = f"/admin/enrichment/run/{run.pk}/retry/"

    whole = client.get(place)
    capped = client.get(f"{place}?look=1&max_cost=0.20")

    assert "Retry 3 leads for up to $0.30" in text(whole)
    assert "Retry 3 leads for up to $0.20" in text(capped)
    assert Run.objects.count() == 1
    form = whole.context["form"]
    sent = {name: form[name].value() for name in ("quoted", "once", "max_cost")}
    answers = [client.post(place, {**sent, "confirmed": "yes"}) for _ in range(2)]  # pressed twice
    assert [answer.status_code for answer in answers] == [302, 302]
    again = Run.objects.exclude(pk=run.pk).get()
    assert (again.total, again.max_cost) == (3, Decimal(5))
    assert "3 are in a job in progress" in text(page(client, run))


def test_a_lead_whose_purchase_is_in_doubt_is_nowhere_a_failure():
    boss, client = superuser()
    run, call = parked(boss)
    lead = Lead.objects.order_by("pk")[0]
    Lead.objects.filter(pk=lead.pk).update(enrichment_status="failed", enrichment_error="NETWORK_ERROR: x")
    item = run.items.get(lead=lead)
    RunItem.objects.filter(pk=item.pk).update(token=None, lease_until=None)
    Run.objects.filter(pk=run.pk).update(in_doubt=1)
    hold(Run.objects.select_for_update().get(pk=run.pk), {call.pk: [item.pk]})

    lead = Lead.objects.annotate(needs_check=waits_for_check()).get(pk=lead.pk)

    assert (lead.enrichment_status, lead.enrichment_error, lead.data_label) == ("pending", None, "Needs billing check")
    assert "Needs billing check" in text(client.get(address(Lead, "changelist")))
    told = Api(boss).get(f"/api/runs/{run.pk}/items").json()["items"]
    assert [one["needsBillingCheck"] for one in told] == [True, True]
    listed = text(client.get(f"{address(RunItem, 'changelist')}?run={run.pk}"))
    assert "Needs billing check" in listed
    assert "needs a billing check: nothing is bought again" in text(client.get(address(Lead, "change", lead.pk)))


def test_several_are_decided_together_on_the_jobs_page_and_the_button_leads_back():
    boss, client = superuser()
    run, call = parked(boss)
    other = doubtful(boss, run.budget_scope, run_id=run.pk)
    left = doubtful(boss, run.budget_scope, run_id=run.pk)

    shown = page(client, run)
    sent = {
        "row": [f"request:{call.pk}", f"request:{other.pk}", "request:x"],
        "verdict": "billed",
        "reason": "invoice 9",
    }
    answer = client.post("/admin/integrations/vendorcall/decide/", {**sent, "back": address(Run, "change", run.pk)})

    assert "3 requests with 6 leads, $0.30 held" in text(shown)
    assert f"{call.sent_at:%S} " in text(shown)  # to the second
    assert "Key ending in" in text(shown)
    assert "RealEstateAPI: property detail" in text(shown)
    assert answer["Location"] == address(Run, "change", run.pk)
    assert words(answer) == ["2 requests with 4 leads marked as billed, $0.20."]
    states = dict(VendorCall.objects.values_list("pk", "state"))
    assert (states[call.pk], states[other.pk], states[left.pk]) == ("written_off", "written_off", "in_doubt")
    assert VendorCall.objects.get(pk=call.pk).decision == "invoice 9"
    let_go(run.pk)
    assert not run.items.filter(token=call.pk).exists()
    client.cookies.pop("messages", None)
    again = client.post("/admin/integrations/vendorcall/decide/", {**sent, "back": "https://evil.example/"})
    assert again["Location"] == "/admin/integrations/vendorcall/decide/"
    assert words(again) == ["Nothing was marked as billed: 2 were decided by somebody else meanwhile."]


def test_who_may_not_decide_sees_what_waits_and_no_button_and_another_teams_run_is_not_there():
    ann, client = staff("ann")
    run, call = parked(ann)
    team = ann.memberships.get().team
    _, reads = member(team, "reader", "rea")

    for one in (client, reads):
        shown = page(one, run)
        assert "An operator of this installation decides it" in text(shown)
        assert "Key ending in" not in text(shown)
        assert 'name="verdict"' not in shown.content.decode()
        answer = one.post("/admin/integrations/vendorcall/decide/", {"row": f"request:{call.pk}", "verdict": "billed"})
        assert answer.status_code == 403
    assert VendorCall.objects.get().state == "in_doubt"
    _, bobs = staff("bob")
    for route in ("live", "retry", "resume", "cancel"):
        assert bobs.get(f"/admin/enrichment/run/{run.pk}/{route}/").status_code == 404
        assert reads.get(f"/admin/enrichment/run/{run.pk}/{route}/").status_code == (200 if route == "live" else 403)


def test_a_question_has_an_address_and_only_its_button_acts():
    ann, client = staff("ann")
    bucket = Bucket.objects.create(owner=ann, name="Probate")
    asked = client.post(
        f"{address(Bucket, 'changelist')}?q=Pro", {"action": "delete", "_selected_action": [str(bucket.pk)]}
    )
    place = asked["Location"]

    assert place == f"{address(Bucket, 'changelist')}?q=Pro&ask=delete&row={bucket.pk}"
    for _ in range(2):  # Back and a reload bring it again
        shown = client.get(place)
        assert "Delete buckets with all their leads?" in text(shown)
        assert f'action="{address(Bucket, "changelist")}?q=Pro"' in shown.content.decode()
    client.get(f"{address(Bucket, 'changelist')}?ask=recount&row={bucket.pk}")  # acts at once: no GET runs it
    assert Bucket.objects.exists()
    for wrong in ("row=x", f"row={bucket.pk}0", "", "row=%00"):
        answer = client.get(f"{address(Bucket, 'changelist')}?ask=delete&{wrong}")
        assert (answer.status_code, answer["Location"]) == (302, address(Bucket, "changelist"))
    assert act(client, Bucket, "delete", [bucket], confirmed="yes").status_code == 302
    assert not Bucket.objects.exists()
