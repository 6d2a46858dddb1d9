"""`reconcile`: our books beside what vendors say; what waits for a billing check agrees with its run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import responses
from django.utils import timezone

from accounts.models import User
from common.dates import day as shown_day
from common.db.ids import uuid7
from enrichment.models import Run, RunItem
from integrations.models import Budget, PhoneReveal, Vendor, VendorCall
from leads.models import Lead
from operations.reconcile import find_drift
from tests.command_line import run
from tests.integrations.doubtful import doubtful

pytestmark = pytest.mark.django_db(transaction=True)
USAGE = "http://127.0.0.1:9/apollo/api/v1/usage_stats/credit_usage_stats"
CREDIT = Decimal("0.02")


@pytest.fixture
def ann() -> User:
    return User.objects.create_superuser("ann")


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as simulated:
        yield simulated


def usage(lead: Any, dial: Any, *, inside: bool = False) -> dict[str, Any]:
    """Apollo's answer; its cycle began three days ago and stands where its example has it, or its schema."""
    now = timezone.now()
    cycle = {
        "start_date": f"{now - timedelta(days=3):%Y-%m-%dT%H:%M:%S.000Z}",
        "end_date": f"{now + timedelta(days=27):%Y-%m-%dT%H:%M:%S.000Z}",
    }
    stats: dict[str, Any] = {
        "lead_credit": {"limit": 10000, "consumed": lead, "left_over": 0},
        "direct_dial_credit": {"limit": 1000, "consumed": dial, "left_over": 0},
        "dialer": {"limit": 500, "consumed": 12, "left_over": 488},
    }
    if inside:
        return {"credit_usage_stats": stats | {"current_credit_cycle": cycle}}
    return {"credit_usage_stats": stats, "current_credit_cycle": cycle}


def apollo_call(by: User, scope: str, **more: Any) -> VendorCall:
    return doubtful(by, scope, operation="apollo_people", price=CREDIT, **more)


@pytest.fixture
def books(ann: User) -> None:
    """Apollo: 18 credits spent in this cycle and 4 before it, 5 in doubt, 8 for a phone still to come."""
    settled: dict[str, Any] = {"state": "settled", "category": ""}
    first = apollo_call(ann, "run:a", units=18, cost=18 * CREDIT, **settled)
    long_ago = timezone.now() - timedelta(days=9)
    apollo_call(ann, "run:b", units=4, cost=4 * CREDIT, at=long_ago, **settled)
    apollo_call(ann, "run:c")
    PhoneReveal.objects.create(
        call=first,
        state="waiting",
        reserved=8 * CREDIT,
        created_at=timezone.now(),
        ask_at=timezone.now(),
        deadline=timezone.now(),
    )


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize(
    ("lead", "dial", "difference", "told"),
    [
        (10, 8, "0", "they agree."),
        (20, 8, "0", "they agree."),  # within what is still to be decided or to come
        (30, 8, "7", "Apollo has 7 more. Other use of the account is in Apollo's number."),
        (9, 8, "-1", "Apollo has 1 fewer."),
    ],
)
def test_apollos_own_count_of_credits_is_compared_for_its_cycle(
    lead: int, dial: int, difference: str, told: str, inside: bool, books: None, wire: responses.RequestsMock
) -> None:
    wire.post(USAGE, json=usage(lead, dial, inside=inside))

    facts = run("reconcile", "--json").json["apolloCredits"]

    assert (facts["theirs"], facts["ours"], facts["held"]) == (str(lead + dial), "18", "13")
    assert Decimal(facts["difference"]) == Decimal(difference)
    assert facts["counters"]["dialer"] == "12"
    wire.post(USAGE, json=usage(lead, dial, inside=inside))
    assert told in run("reconcile").out
    assert wire.calls[0].request.headers["x-api-key"] == "test-apollo-key"


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_may_not_ask_is_said_so_and_pauses_nothing(
    status: int, books: None, wire: responses.RequestsMock
) -> None:
    wire.post(USAGE, status=status, body="Invalid API key.")

    ran = run("reconcile", "--json").json

    assert ran["apolloCredits"] == {
        "reason": f"This key may not ask Apollo for its credits ({status}): a master key may."
    }
    vendors = Vendor.objects.filter(name="apollo")
    assert [(vendor.paused_reason, vendor.failures, vendor.enabled) for vendor in vendors] == [("", 0, True)]


@pytest.mark.parametrize(
    "answer", [{"body": "<html>"}, {"json": []}, {"json": {"credit_usage_stats": 3}}, {"status": 500}]
)
def test_an_answer_that_cannot_be_read_is_told(answer: dict[str, Any], ann: User, wire: responses.RequestsMock) -> None:
    wire.post(USAGE, **answer)
    assert run("reconcile", "--json").json["apolloCredits"]["reason"].startswith("Apollo's credits could not be asked")


def test_without_a_key_apollo_is_not_asked(ann: User, settings: Any) -> None:
    settings.VENDORS = settings.VENDORS | {"apollo": settings.VENDORS["apollo"] | {"key": ""}}
    assert "There is no key for Apollo" in run("reconcile").out


def test_a_bill_and_what_needs_a_check_stand_in_it(ann: User, tmp_path: Path) -> None:
    day = (timezone.now() - timedelta(days=1)).replace(hour=12)
    settled: dict[str, Any] = {"state": "settled", "category": "", "cost": Decimal("0.30"), "units": 6}
    doubtful(ann, "run:a", at=day, **settled)
    doubtful(ann, "run:b", at=day)
    file = tmp_path / "bill.csv"
    file.write_text(f"date,units,amount\n{day:%Y-%m-%d},10,0.50\n")
    assert run("vendors", "bill", "realestateapi", file, "--user", "ann").status == 0

    ran = run("reconcile")

    assert (
        f"realestateapi, {shown_day(day.date())}: billed $0.50, our books $0.30 and $0.10 held: the bill has $0.10 "
        "more than our books."
    ) in ran.out
    assert "realestateapi: 1 request needs a billing check, $0.10 held." in ran.out
    (row,) = run("reconcile", "--json").json["days"]
    assert (row["billed"], row["spent"], row["held"], row["difference"]) == ("0.5000", "0.3000", "0.1000", "0.1000")


# --- Leads that wait for a billing check ------------------------------------------------------------------------------


def parked(ann: User) -> tuple[Run, VendorCall]:
    """A run whose two leads wait until it is decided whether their request was billed."""
    from buckets.models import Bucket

    bucket = Bucket.objects.create(owner=ann, name="Leads", total_leads=2, queued_leads=2)
    run_id = uuid7()
    call = doubtful(ann, f"run:{run_id}", run_id=run_id)
    row = Run.objects.create(
        id=run_id, bucket=bucket, bucket_name="Leads", owner=ann, status="running", total=2, in_doubt=2
    )
    for number in range(2):
        lead = Lead.objects.create(bucket=bucket, owner=ann, property_id=f"{number + 1}")
        RunItem.objects.create(
            run=row, lead=lead, stage=1, token=call.pk, lease_until=timezone.now() + timedelta(days=99)
        )
    return row, call


def test_leads_that_wait_for_a_decision_are_no_drift(ann: User) -> None:
    _, call = parked(ann)
    assert find_drift() == []
    VendorCall.objects.filter(pk=call.pk).update(state="released")  # decided; a worker is about to put them back
    Budget.objects.update(reserved=0)
    assert {drift.check for drift in find_drift()} == {"look-up state"}  # its look-ups were left behind by hand


def test_a_run_that_counts_them_wrongly_is_named(ann: User) -> None:
    row, _ = parked(ann)
    Run.objects.filter(pk=row.pk).update(in_doubt=1)
    assert [(d.check, d.kept, d.real) for d in find_drift()] == [("run counters", "2/0/0/0/0/1", "2/0/0/0/0/2")]
