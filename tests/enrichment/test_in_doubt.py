"""The operator's side of a purchase in doubt: seen with its evidence, decided once, and its leads bought after all."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from enrichment.models import Run
from enrichment.worker import purchase
from integrations.models import VendorCall
from operations.reconcile import find_drift
from sandbox.server import Sandbox
from tests.api.client import Api
from tests.command_line import run as run_command
from tests.support import billed, fail_with, finish, make_bucket, make_user, mostly_long, start

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run(sandbox: Sandbox, settings: Any) -> Run:
    """A run whose one detail request was cut after it was billed."""
    settings.VENDOR_IN_FLIGHT = 3
    fail_with(sandbox, "property_detail", "cut", count=1)
    return finish(start(make_bucket(sandbox, make_user(), 10)))


def test_it_is_listed_with_its_evidence(run: Run) -> None:
    ran = run_command("in_doubt", "--json")
    call = VendorCall.objects.get(state="in_doubt")
    (row,) = json.loads(ran.out)["inDoubt"]
    assert (row["id"], row["run"], row["inputs"], row["reserved"]) == (str(call.pk), str(run.pk), 10, "0.5000")
    assert row["reason"] == call.reason != ""


@pytest.mark.parametrize(
    ("flag", "state", "spent"), mostly_long([("--write-off", "written_off", "0.50"), ("--release", "released", "0")])
)
def test_it_is_decided_once_and_its_leads_can_be_bought_again(
    flag: str, state: str, spent: str, sandbox: Sandbox, run: Run
) -> None:
    call = VendorCall.objects.get(state="in_doubt")
    assert run_command("in_doubt", str(call.pk), flag).status == 0
    call.refresh_from_db()
    assert call.state == state
    first = Run.objects.with_money().get(pk=run.pk)
    assert (first.spent, first.reserved) == (Decimal(spent), 0)
    again = run_command("in_doubt", str(call.pk), flag)
    assert (again.status, "needs no billing check" in again.err) == (1, True)
    purchase.reap()
    after = finish(run)
    assert (after.status, after.in_doubt, after.failed, after.done) == ("completed", 0, 0, 10)
    assert after.spent == billed(sandbox) - (0 if spent == "0.50" else Decimal("0.50"))
    assert find_drift() == []


def test_without_a_word_nothing_is_decided(run: Run) -> None:
    call = VendorCall.objects.get(state="in_doubt")
    for arguments, words in [
        ((str(call.pk),), "--release"),
        (("--release",), "Which request?"),
        (("nonsense", "--release"), "is not the id"),
    ]:
        ran = run_command("in_doubt", *arguments)
        assert (ran.status, words in ran.err) == (1, True)
    call.refresh_from_db()
    assert call.state == "in_doubt"


def test_the_timeline_of_a_run_says_what_each_request_came_to(sandbox: Sandbox, run: Run) -> None:
    answer = Api(run.owner).get(f"/api/runs/{run.pk}/calls").json()
    (call,) = answer["calls"]
    assert (call["vendor"], call["operation"], call["state"], call["inputs"]) == (
        "realestateapi",
        "property_detail",
        "in_doubt",
        10,
    )
    assert (call["category"], call["cost"], call["reserved"]) == ("IN_DOUBT", 0, 0.5)
    assert call["waitedMs"] >= 0
    assert answer["nextCursor"] is None
