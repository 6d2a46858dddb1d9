"""What is kept twice agrees after every way a run can go, and a planted difference is named."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db.models import F

from buckets.models import Bucket
from enrichment.models import Run, RunItem
from enrichment.services import cancel_run
from integrations.models import Budget, Lookup
from leads.models import Lead
from operations.reconcile import find_drift
from sandbox.server import Sandbox
from tests.support import fail_with, finish, make_bucket, make_user, start

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bucket(sandbox: Sandbox, settings: Any) -> Bucket:
    settings.VENDOR_IN_FLIGHT = 3
    return make_bucket(sandbox, make_user(), 20)


def test_everything_agrees_after_success_doubt_garbage_and_cancel(sandbox: Sandbox, bucket: Bucket) -> None:
    finish(start(bucket, limit=5))
    fail_with(sandbox, "skip_trace", "cut", count=1)
    finish(start(bucket, limit=5))
    fail_with(sandbox, "property_detail", "garbage", count=1)
    finish(start(bucket, limit=5))
    cancel_run(run=start(bucket))
    assert find_drift() == []


@pytest.mark.long
@pytest.mark.parametrize(
    ("check", "plant"),
    [
        ("purse", lambda: Budget.objects.filter(scope__startswith="run:").update(spent=F("spent") + Decimal("0.01"))),
        ("run counters", lambda: Run.objects.update(total=F("total") + 1)),
        ("look-up state", lambda: Lookup.objects.filter(pk=Lookup.objects.earliest("pk").pk).update(state="buying")),
        (
            "lead without ledger",
            lambda: Lead.objects.filter(pk=Lead.objects.earliest("pk").pk).update(property_id="42"),
        ),
        ("bucket counter", lambda: Bucket.objects.update(enriched_leads=0)),
    ],
)
def test_a_planted_difference_is_named(check: str, plant: Any, sandbox: Sandbox, bucket: Bucket) -> None:
    finish(start(bucket))
    plant()
    assert {drift.check for drift in find_drift()} == {check}


def test_an_item_whose_call_has_ended_is_named(sandbox: Sandbox, bucket: Bucket) -> None:
    run = finish(start(bucket))
    item = run.items.order_by("pk")[0]
    call = Lookup.objects.exclude(call=None)[0].call_id
    RunItem.objects.filter(pk=item.pk).update(token=call, lease_until=run.created_at)
    assert [(d.check, d.real) for d in find_drift()] == [("item lease", "its call is settled")]
