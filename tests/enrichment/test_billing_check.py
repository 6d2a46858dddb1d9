"""A run with requests in doubt says so, in the same words everywhere, and a retry leaves their leads out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache

from accounts.models import User
from buckets.models import Bucket
from enrichment import services
from enrichment.models import Run, RunItem
from enrichment.selectors import billing_check
from enrichment.services import RunError
from integrations.models import VendorCall
from leads.models import Lead
from tests.admin_site import act, address, superuser
from tests.api.client import Api
from tests.command_line import run as command
from tests.integrations.doubtful import doubtful
from tests.operations.test_commands_reconcile import parked

pytestmark = pytest.mark.django_db
WORDS = "2 need a billing check, $0.20 held"


@pytest.fixture
def boss() -> tuple[User, Any]:
    cache.clear()
    return superuser()


@pytest.fixture
def run(boss: tuple[User, Any]) -> Run:
    """Two leads wait for a decision, one has failed; another run's request in doubt is not its own."""
    row, _ = parked(boss[0])
    doubtful(boss[0], row.budget_scope, run_id=row.pk)
    doubtful(boss[0], "run:other")
    failed = Lead.objects.create(
        bucket=Bucket.objects.get(), owner=boss[0], property_id="9", enrichment_status="failed"
    )
    RunItem.objects.create(run=row, lead=failed, stage=0, outcome=3, category="NOT_FOUND")
    Run.objects.filter(pk=row.pk).update(total=3, failed=1)
    Bucket.objects.update(total_leads=3)
    return Run.objects.get(pk=row.pk)


@pytest.mark.long
def test_its_page_its_command_and_its_api_say_the_same(run: Run, boss: tuple[User, Any]) -> None:
    assert (billing_check(run).leads, billing_check(run).held) == (2, Decimal("0.20"))
    assert WORDS in boss[1].get(address(Run, "change", run.pk)).content.decode()
    assert f"  {WORDS}" in command("bucket_status", run.bucket_id).out.splitlines()
    facts = command("bucket_status", run.bucket_id, "--json").json["runs"][0]
    assert (facts["stats"]["inDoubt"], facts["heldInDoubt"]) == (2, "0.2000")
    told = Api(boss[0]).get(f"/api/runs/{run.pk}").json()["run"]
    assert told["counts"]["inDoubt"] == 2
    assert (told["billingCheck"]["leads"], float(told["billingCheck"]["held"])) == (2, 0.2)
    assert told["billingCheck"]["words"] == WORDS


def test_a_run_without_any_says_nothing(run: Run, boss: tuple[User, Any]) -> None:
    VendorCall.objects.update(state="settled")
    Run.objects.update(in_doubt=0)
    told = Api(boss[0]).get(f"/api/runs/{run.pk}").json()["run"]["billingCheck"]
    assert (told["leads"], float(told["held"]), told["words"]) == (0, 0, "")
    assert "billing check" not in command("bucket_status", run.bucket_id).out


def test_a_retry_leaves_them_out_and_says_so_everywhere(run: Run, boss: tuple[User, Any]) -> None:
    note = "2 leads need a billing check and are left out"

    assert note in act(boss[1], Run, "retry", [run]).content.decode()
    assert note in command("retry_failed", run.pk, "--quote-only").out
    answer = Api(boss[0]).post(f"/api/runs/{run.pk}/retry-failed", {}).json()

    assert answer["leftOut"] == f"{WORDS}: left out, until it is decided whether they were billed."
    again = Run.objects.get(pk=answer["run"]["id"])
    assert [item.lead.property_id for item in again.items.all()] == ["9"]


def test_where_all_wait_there_is_nothing_to_retry(run: Run) -> None:
    RunItem.objects.filter(outcome=3).delete()
    with pytest.raises(RunError, match=r"2 .*billing check"):
        services.retry_failed(run=run, by=run.owner)


def test_a_requests_page_says_how_many_leads_wait_for_it(run: Run, boss: tuple[User, Any]) -> None:
    token = run.items.exclude(token=None)[0].token
    assert token is not None
    call = VendorCall.objects.get(pk=token)
    page = boss[1].get(address(VendorCall, "change", call.pk)).content.decode()
    assert "2 leads wait for the decision" in page


def test_what_was_decided_is_told_at_once_though_no_worker_has_moved_yet(run: Run, boss: tuple[User, Any]) -> None:
    waits = "2 leads need a billing check: decide whether their requests were billed."
    Run.objects.filter(pk=run.pk).update(status="paused", paused_by="doubt", reason=waits)
    page = boss[1].get(address(Run, "change", run.pk)).content.decode()
    assert f"Paused: {waits}" in page and "every 3s[" not in page

    chosen = VendorCall.objects.filter(run_id=run.pk).values_list("pk", flat=True)
    decided = {"row": [f"request:{pk}" for pk in chosen], "verdict": "not-billed"}
    boss[1].post("/admin/integrations/vendorcall/decide/", decided)

    page = boss[1].get(address(Run, "change", run.pk)).content.decode()
    assert "The billing checks are decided; its leads continue in a moment." in page
    assert "every 3s[" in page  # and the page sees it when they do
    assert "Needs billing check" not in page and waits not in page
    home = boss[1].get("/admin/").content.decode()
    assert waits not in home and "need a billing check" not in home.replace("1 request needs a billing check", "")
    assert Api(boss[0]).get(f"/api/runs/{run.pk}").json()["run"]["billingCheck"]["words"] == ""
