"""The pace: one limiter for all workers, by the database's clock."""

from __future__ import annotations

import threading
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection, transaction

from integrations.ledger import catalogue, pace
from integrations.ledger.reservation import lease

pytestmark = pytest.mark.django_db(transaction=True)


def test_slots_are_one_percent_further_apart_than_the_limit() -> None:
    operation = catalogue.operation("skip_trace")
    first, second = (pace.take_slot(operation.pk, Decimal(50)) for _ in range(2))
    assert second - first == timedelta(seconds=1.212)


def test_without_a_pace_every_slot_is_now() -> None:
    operation = catalogue.operation("skip_trace")
    first, second = (pace.take_slot(operation.pk, Decimal(0)) for _ in range(2))
    assert second - first < timedelta(seconds=0.1)


def test_eight_workers_never_get_the_same_slot() -> None:
    operation = catalogue.operation("property_detail")
    taken: list[Any] = []

    def take() -> None:
        for _ in range(20):
            with transaction.atomic():
                taken.append(pace.take_slot(operation.pk, Decimal(600)))
        connection.close()

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    slots = sorted(taken)
    assert len(slots) == 160
    assert min(later - earlier for earlier, later in pairwise(slots)) >= timedelta(seconds=0.100999)


def test_a_slot_is_not_promised_long_before_it_comes() -> None:
    now = pace.database_now()
    assert pace.wait_for_slot(None, now) == 0
    assert pace.wait_for_slot(now + timedelta(seconds=0.2), now) == 0
    assert pace.wait_for_slot(now + timedelta(seconds=1.3), now) == pytest.approx(1.0)


def test_holding_back_moves_the_next_slot_for_everybody_and_never_nearer() -> None:
    operation = catalogue.operation("skip_trace")
    pace.hold_back(operation.pk, 30)
    pace.hold_back(operation.pk, 10)
    slot = pace.take_slot(operation.pk, Decimal(50))
    assert timedelta(seconds=29) < slot - pace.database_now() <= timedelta(seconds=30)


def test_without_a_pace_a_request_is_late_only_once_its_worker_stood_still(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "STALE", 0.5)
    assert pace.late_after(Decimal(600)) == 0.5
    late = pace.late_after(Decimal(0))
    assert late == 4.0
    longest = settings.VENDOR_CONNECT_TIMEOUT + settings.VENDOR_DEADLINE
    assert late + longest < lease().total_seconds()  # else it could send what the reaper holds for lost
