from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from buckets.models import Bucket
from common.db.ids import uuid7
from enrichment.models import Run
from enrichment.options import RunOptions
from enrichment.quoting.quotes import quote
from enrichment.quoting.reach_estimate import Reachable, latest_with_facts, reachable_in_words
from enrichment.rules import share_between
from integrations.ledger import catalogue
from integrations.models import Lookup, VendorCall
from leads.models import Lead
from tests.support import finish, make_bucket, make_user, start

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("hits", "samples", "low", "high"),
    [  # by hand from Wilson's formula, z = 1.6449
        (150, 200, 0.6965, 0.7968),
        (0, 200, 0.0, 0.0133),
        (200, 200, 0.9867, 1.0),
        (1, 2, 0.1209, 0.8791),
        (5000, 10000, 0.4918, 0.5082),
        (0, 0, 0.0, 1.0),
    ],
)
def test_a_share_lies_between_wilsons_bounds(hits, samples, low, high):
    found = share_between(hits, samples)

    assert (round(found[0], 4), round(found[1], 4)) == (low, high)


@pytest.mark.parametrize(
    ("reachable", "words"),
    [
        (Reachable(41, 49, "so"), "Expected with a phone: 41 to 49 leads (so)"),
        (Reachable(1_000, 1_000, "so"), "Expected with a phone: 1,000 leads (so)"),
        (Reachable(None, None, "unknown yet: no history"), "Expected with a phone: unknown yet: no history"),
    ],
)
def test_a_range_in_words(reachable, words):
    assert reachable_in_words(reachable) == words


@pytest.fixture
def ann() -> Any:
    return make_user("ann")


@pytest.fixture
def bucket(sandbox, ann) -> Bucket:
    return make_bucket(sandbox, ann, 100)


def answered(by: Any, phones: int, without: int, *, run: Run | None = None, operation: str = "skip_trace") -> None:
    """A settled request of as many traces, the first of which had a phone."""
    trace, now = catalogue.operation(operation), timezone.now()
    count = phones + without
    call = VendorCall.objects.create(
        id=uuid7(), operation=trace, user=by, run_id=run.pk if run else None, state="settled", inputs=count, reserved=0,
        created_at=now, slot_at=now, sent_at=now, lease_until=now,
    )  # fmt: skip
    rows = [
        Lookup(operation=trace, key=f"{call.pk} {n}", state="answered", call=call, fetched_at=now,
               facts={"phone": "+12065550100" if n < phones else None, "email": "a@example.com"})
        for n in range(count)
    ]  # fmt: skip
    Lookup.objects.bulk_create(rows)


def reachable(bucket: Bucket, **options: Any) -> Reachable | None:
    return quote(bucket=bucket, by=bucket.owner, options=RunOptions(**options)).reachable


def test_without_a_history_nothing_is_promised(bucket, ann):
    answered(ann, 150, 49)

    assert reachable(bucket) == Reachable(None, None, "unknown yet: no history")


def test_this_buckets_answers_come_first_then_ones_own_then_everybodys(bucket, ann):
    bob = make_user("bob")
    answered(bob, 20, 180)
    assert reachable(bucket) == Reachable(7, 15, "20 of the last 200 owners asked about by anybody here had a phone")
    answered(ann, 150, 50)
    assert reachable(bucket) == Reachable(69, 80, "150 of the last 200 owners asked about for ann had a phone")
    answered(bob, 40, 160, run=Run.objects.create(bucket=bucket, bucket_name="Leads", owner=bob, status="completed"))
    assert reachable(bucket) == Reachable(15, 26, "40 of the last 200 owners asked about for this bucket had a phone")


def test_another_vendors_hit_rate_says_nothing_of_this_one(bucket, ann, settings):
    answered(ann, 150, 50)
    trace = settings.OPERATIONS["skip_trace"]
    settings.OPERATIONS = settings.OPERATIONS | {"skip_trace": trace | {"vendor": "signalhouse"}}

    assert reachable(bucket) == Reachable(None, None, "unknown yet: no history")


def test_a_guard_narrows_what_is_expected_or_leaves_its_low_end_open(bucket, ann):
    answered(ann, 200, 0)
    open_ended = reachable(bucket, guard={"vacant": True})
    ids = [Lead(bucket=bucket, owner=ann, property_id=f"9{n}", vacant=n % 2 == 0, enrichment_status="partial",
                enriched_at=timezone.now()) for n in range(200)]  # fmt: skip
    Lead.objects.bulk_create(ids)

    narrowed = reachable(bucket, guard={"vacant": True})

    assert open_ended is not None
    assert narrowed is not None
    assert (open_ended.low, open_ended.high) == (0, 100)
    assert open_ended.basis.endswith("; how many pass the guard is unknown yet")
    assert (narrowed.low, narrowed.high) == (43, 56)
    assert narrowed.basis.endswith("; 100 of 200 known leads pass the guard")


def test_no_contacts_no_expectation(bucket):
    assert reachable(bucket, skip_trace=False) is None
    assert reachable(bucket, kind="apollo") is None


@pytest.mark.django_db(transaction=True)
def test_owned_ones_are_counted_as_they_are(sandbox):
    bucket = make_bucket(sandbox, make_user("ann"), 10)
    run = finish(start(bucket))
    assert run.status == "completed"
    ids = list(bucket.leads.values_list("pk", flat=True))

    expected = quote(bucket=bucket, by=bucket.owner, options=RunOptions(lead_ids=ids))

    assert (expected.price, expected.reachable) == (
        Decimal(0),
        Reachable(run.enriched, run.enriched, "all of it is owned"),
    )


def test_the_latest_leads_with_facts_come_newest_first_whatever_their_status(bucket):
    ids = list(bucket.leads.order_by("pk").values_list("pk", flat=True))
    Lead.objects.filter(pk__in=ids[::3]).update(enrichment_status="partial")
    Lead.objects.filter(pk__in=ids[1::3]).update(enrichment_status="completed", phone="+12065550100")

    assert latest_with_facts(bucket.pk, 3) == [ids[99], ids[97], ids[96]]
    assert len(latest_with_facts(bucket.pk, 500)) == 67


@pytest.mark.long
def test_the_latest_with_facts_pass_over_no_lead_that_waits(bucket: Bucket) -> None:
    """Where one bucket holds the table, most of it waits, and the planner guesses that a third of those has facts."""
    known = {
        "enrichment_status": "partial",
        "enriched_at": timezone.now(),
        "property_address": "1 Main St".ljust(200, "x"),
    }
    Lead.objects.bulk_create(
        Lead(bucket=bucket, owner=bucket.owner, property_id=f"w{n}", **({} if n % 3 else known)) for n in range(12_000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE leads_lead")
    with CaptureQueriesContext(connection) as asked:
        assert len(latest_with_facts(bucket.pk, 50)) == 50
    with connection.cursor() as cursor:
        for query in asked.captured_queries:
            cursor.execute("EXPLAIN (ANALYZE) " + query["sql"])
            plan = "\n".join(line for (line,) in cursor.fetchall())
            assert "lead_by_enrichment" in plan and "Rows Removed by Filter" not in plan, plan
