"""Saving what a search finds: all of it, once, whatever the vendor does meanwhile. The sandbox is behind a socket."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.conf import settings

from buckets import services
from buckets.deleting.services import delete_bucket
from buckets.filling import fills
from buckets.models import Bucket, Fill
from common.db.clock import database_now
from integrations.models import Vendor, VendorCall
from leads.models import Lead
from sandbox.server import Sandbox
from tests.leads.samples import counters, together
from tests.support import fail_with, make_user, mostly_long, requests_of

pytestmark = pytest.mark.django_db(transaction=True)

FEW = 40  # ids a request here, on both sides of the socket, so that a few hundred parcels need many slices
PLACE = {"state": "NM"}


@pytest.fixture(autouse=True)
def few_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fills, "IDS_PER_REQUEST", FEW)
    monkeypatch.setattr("sandbox.realestateapi.MAX_IDS", FEW)


@pytest.fixture(scope="module")
def there(sandbox_server: Sandbox) -> set[str]:
    """The ids of all parcels in New Mexico."""
    source = sandbox_server.source
    parcels = (
        source.parcel(index) for group in source.groups if group.state == PLACE["state"] for index in group.indices
    )
    return {str(parcel.id) for parcel in parcels}


@pytest.fixture
def bucket() -> Bucket:
    return Bucket.objects.create(owner=make_user(), name="New Mexico")


def fill_of(bucket: Bucket, criteria: Any = PLACE, limit: int | None = None) -> Fill:
    return fills.start_fill(bucket=bucket, criteria=criteria, limit=limit)


def work(fill: Fill) -> Fill:
    """One worker's slices until it stops."""
    while fills.continue_fill(fill.pk):
        pass
    fill.refresh_from_db()
    return fill


def saved(bucket: Bucket) -> list[str]:
    return list(Lead.objects.filter(bucket=bucket).values_list("property_id", flat=True))


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A worker's time is over after each slice."""
    monkeypatch.setattr(settings, "PUMP_SECONDS", 0.02)
    yield


def test_everything_the_search_finds_is_saved_once_for_nothing(
    sandbox: Sandbox, bucket: Bucket, there: set[str]
) -> None:
    fill = work(fill_of(bucket))
    assert len(there) > 3 * FEW
    assert sorted(saved(bucket)) == sorted(there)
    assert (fill.status, fill.found, fill.saved, fill.error) == ("completed", len(there), len(there), "")
    assert (fill.pending_slices, fill.lease_until) == ([], None)
    assert counters(bucket) == (len(there), 0, 0, 0)
    assert sandbox.ledger.report()["billed"] in (0, "0", "0.00", "0.0000", 0.0)
    calls = VendorCall.objects.filter(operation__name="property_search")
    assert calls.count() == requests_of(sandbox)["property_search"]
    assert {(call.state, call.cost, call.user_id) for call in calls} == {("settled", 0, bucket.owner_id)}


@pytest.mark.long
def test_the_same_search_again_brings_nothing_new(sandbox: Sandbox, bucket: Bucket, there: set[str]) -> None:
    services.add_ids(bucket=bucket, property_ids=sorted(there)[:100])
    assert work(fill_of(bucket)).saved == len(there) - 100
    assert work(fill_of(bucket)).saved == 0
    assert counters(bucket) == (len(there), 0, 0, 0)


def test_a_search_that_finds_nothing_is_completed(sandbox: Sandbox, bucket: Bucket) -> None:
    fill = work(fill_of(bucket, {"state": "WA", "value_min": 2**31 - 1}))
    assert (fill.status, fill.found, fill.fetched, fill.saved) == ("completed", 0, 0, 0)


@pytest.mark.parametrize("limit", mostly_long([1, FEW + 1, 10_000]))
def test_a_limit_is_kept_to_the_id(sandbox: Sandbox, bucket: Bucket, there: set[str], limit: int) -> None:
    fill = work(fill_of(bucket, limit=limit))
    wanted = min(limit, len(there))
    assert (fill.status, fill.found, fill.fetched, fill.saved) == ("completed", len(there), wanted, wanted)
    assert len(saved(bucket)) == wanted


@pytest.mark.long
def test_a_worker_hands_on_after_its_time_and_the_next_goes_on(
    sandbox: Sandbox, bucket: Bucket, there: set[str], pages: None
) -> None:
    fill, turns = fill_of(bucket), 1
    while fills.continue_fill(fill.pk):
        turns += 1
        assert fills.open_fills() == [fill.pk]
    assert turns > 5
    assert fills.open_fills() == []
    assert sorted(saved(bucket)) == sorted(there)


@pytest.mark.long
def test_two_workers_ring_at_once_and_one_works(sandbox: Sandbox, bucket: Bucket, there: set[str]) -> None:
    fill = fill_of(bucket)
    together(partial(fills.continue_fill, fill.pk), partial(fills.continue_fill, fill.pk))
    fill.refresh_from_db()
    assert (fill.status, fill.fetched, fill.saved) == ("completed", len(there), len(there))


@pytest.mark.long
def test_two_workers_that_both_believe_it_is_theirs_lose_and_double_nothing(
    sandbox: Sandbox, bucket: Bucket, there: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the first was held up for longer than its lease."""
    monkeypatch.setattr(fills, "FILL_LEASE", timedelta(0))
    fill = fill_of(bucket)
    for _ in range(200):
        together(*[partial(fills.continue_fill, fill.pk)] * 2)
        fill.refresh_from_db()
        if fill.status not in ("queued", "running"):
            break
    assert (fill.status, fill.error) == ("completed", "")
    assert (fill.fetched, fill.saved) == (len(there), len(there))
    assert sorted(saved(bucket)) == sorted(there)
    assert counters(bucket) == (len(there), 0, 0, 0)


@pytest.mark.long
def test_a_worker_that_wakes_up_after_another_has_finished_writes_nothing(
    sandbox: Sandbox, bucket: Bucket, there: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill = fill_of(bucket)
    asleep = fills._take(fill.pk)
    Fill.objects.update(lease_until=database_now())  # time passes
    assert work(fill).status == "completed"
    before = Fill.objects.values().get()
    monkeypatch.setattr(fills, "_take", lambda fill_id: asleep)
    assert fills.continue_fill(fill.pk) is False
    assert Fill.objects.values().get() == before
    assert counters(bucket) == (len(there), 0, 0, 0)


@pytest.mark.long
def test_a_short_outage_is_waited_out(sandbox: Sandbox, bucket: Bucket, there: set[str]) -> None:
    fail_with(sandbox, "property_search", "503", count=1, after=3)
    fill = work(fill_of(bucket))
    assert (fill.status, fill.saved, fill.attempts) == ("completed", len(there), 0)


@pytest.mark.long
def test_a_longer_outage_postpones_it_and_it_goes_on_where_it_stopped(
    sandbox: Sandbox, bucket: Bucket, there: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("integrations.services.TRIES", 1)
    fail_with(sandbox, "property_search", "503", count=2, after=12)
    fill = work(fill_of(bucket))
    assert (fill.status, fill.attempts, fill.lease_until) == ("running", 1, None)
    assert fill.error.startswith("NETWORK_ERROR: ")
    assert timedelta(seconds=1) < (fill.not_before or database_now()) - database_now() <= timedelta(seconds=2)
    assert fills.open_fills() == []
    assert fills.continue_fill(fill.pk) is False  # not before its time
    so_far = fill.fetched
    for attempts in (2, 0):
        Fill.objects.update(not_before=database_now())  # time passes
        assert work(fill).attempts == attempts
    assert 0 < so_far < fill.fetched == fill.saved == len(there)
    assert (fill.status, fill.error) == ("completed", "")


@pytest.mark.long
def test_a_vendor_that_stays_away_ends_it_in_words_and_a_person_may_go_on(
    sandbox: Sandbox, bucket: Bucket, there: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("integrations.services.TRIES", 1)
    monkeypatch.setattr(fills, "MAX_ATTEMPTS", 2)
    fail_with(sandbox, "property_search", "503", count=2, after=12)
    fill = work(fill_of(bucket))
    Fill.objects.update(not_before=database_now())
    assert work(fill).status == "failed"
    assert fill.error.startswith("NETWORK_ERROR: ")
    assert fills.retry_fill(fill=fill).status == "queued"
    assert (work(fill).status, fill.saved) == ("completed", len(there))
    assert fills.retry_fill(fill=fill).status == "completed"  # nothing to go on with


def test_a_refused_key_ends_it_in_words_at_once(sandbox: Sandbox, bucket: Bucket) -> None:
    fail_with(sandbox, "property_search", "401", after=3)
    fill = work(fill_of(bucket))
    assert (fill.status, fill.lease_until) == ("failed", None)
    assert fill.error.startswith("AUTH_ERROR: ")
    assert "sandbox-realestateapi-key" not in fill.error
    assert requests_of(sandbox)["property_search"] <= 4


def test_a_vendor_switched_off_ends_it_in_words(sandbox: Sandbox, bucket: Bucket) -> None:
    Vendor.objects.update_or_create(name="realestateapi", defaults={"enabled": False})
    fill = work(fill_of(bucket))
    assert (fill.status, fill.error) == ("failed", "AUTH_ERROR: RealEstateAPI is turned off")
    assert requests_of(sandbox) == {}


@pytest.mark.parametrize("criteria", [{}, {"county": "King"}, {"state": "WA", "no_such_filter": 1}])
def test_a_search_that_cannot_be_asked_ends_in_words(sandbox: Sandbox, bucket: Bucket, criteria: Any) -> None:
    fill = work(fill_of(bucket, criteria))
    assert (fill.status, fill.lease_until) == ("failed", None)
    assert fill.error
    assert fills.open_fills() == []


def test_parcels_too_much_alike_end_it_in_words(
    sandbox: Sandbox, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("buckets.rules.DIMENSIONS", ())
    fill = work(fill_of(bucket))
    assert fill.status == "failed"
    assert fill.error == "More than 10,000 properties are alike in value, size and age: narrow the search"


@pytest.mark.long
def test_a_bucket_deleted_meanwhile_is_nobodys_error(sandbox: Sandbox, bucket: Bucket, pages: None) -> None:
    fill = fill_of(bucket)
    assert fills.continue_fill(fill.pk)
    fail_with(sandbox, "property_search", "slow", seconds=2.0, count=1)

    def delete() -> None:
        time.sleep(0.15)
        delete_bucket(bucket=bucket)

    assert together(partial(fills.continue_fill, fill.pk), delete) == [False, None]
    assert (Bucket.objects.count(), Fill.objects.count(), Lead.objects.count()) == (0, 0, 0)
    assert fills.continue_fill(fill.pk) is False
