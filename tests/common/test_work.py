"""Rows that workers take: who gets one, when it may be taken, how long to wait after a failure."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from buckets.models import Bucket, Fill
from common.db.clock import CLOCK, database_now
from common.db.work import due_sql
from common.values.backoff import backoff
from tests.support import make_user

SECOND = timedelta(seconds=1)


@pytest.fixture
def fill(db: None) -> Fill:
    return Fill.objects.create(bucket=Bucket.objects.create(owner=make_user(), name="Leads"))


def test_a_row_is_free_until_it_is_taken_and_again_when_its_lease_is_past(fill: Fill) -> None:
    assert Fill.objects.free().get() == fill
    assert Fill.objects.take(timedelta(minutes=1), error="taken") == 1
    assert Fill.objects.take(timedelta(minutes=1), error="twice") == 0
    fill.refresh_from_db()
    assert (fill.error, Fill.objects.taken().count(), Fill.objects.free().count()) == ("taken", 1, 0)
    assert fill.lease_until is not None
    assert Fill.objects.free(fill.lease_until - SECOND).count() == 0
    assert Fill.objects.free(fill.lease_until).count() == 1
    Fill.objects.update(lease_until=CLOCK)
    assert (Fill.objects.taken().count(), Fill.objects.take(SECOND)) == (0, 1)


@pytest.mark.parametrize(("wait", "due"), [(None, 1), (-SECOND, 1), (timedelta(hours=1), 0)])
def test_a_row_is_due_once_its_time_has_come_in_python_and_in_sql_alike(
    fill: Fill, wait: timedelta | None, due: int
) -> None:
    Fill.objects.update(not_before=wait and database_now() + wait)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM buckets_fill f WHERE {due_sql('f')}")  # our own words
        assert (cursor.fetchone(), Fill.objects.due().count()) == ((due,), due)
    assert Fill.objects.due(database_now() + timedelta(hours=2)).count() == 1


def test_the_wait_doubles_with_every_failure_up_to_the_longest() -> None:
    assert [backoff(failures) for failures in (1, 2, 3, 4)] == [SECOND, 2 * SECOND, 4 * SECOND, 8 * SECOND]
    longest = timedelta(minutes=15)
    waits = [backoff(failures, first=10 * SECOND, most=longest) for failures in (1, 2, 7, 8, 500)]
    assert waits == [10 * SECOND, 20 * SECOND, 640 * SECOND, longest, longest]
