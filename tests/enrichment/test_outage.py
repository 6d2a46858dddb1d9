"""An outage over a run: its leads wait, one decision settles all its requests, and the run goes on by itself."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from enrichment.models import Run
from enrichment.worker import purchase
from integrations.ledger import breaker
from integrations.models import VendorCall
from integrations.operating import doubts
from integrations.operating.doubts import Outage
from operations.reconcile import find_drift
from sandbox.server import Sandbox
from tests.command_line import run as run_command
from tests.support import billed, fail_with, finish, make_bucket, make_user, mostly_long, set_operations, start

pytestmark = pytest.mark.django_db(transaction=True)
VENDOR = ("in_doubt", "--vendor", "realestateapi")


@pytest.fixture
def run(sandbox: Sandbox, settings: Any) -> Run:
    """Six leads, two a request; the first two requests were cut after they were billed, which opened the breaker."""
    settings.VENDOR_IN_FLIGHT = 1
    set_operations(settings, pace=0, batch=2)
    fail_with(sandbox, "property_detail", "cut", count=2)
    return finish(start(make_bucket(sandbox, make_user(), 6)), seconds=2)


@pytest.mark.parametrize("flag", mostly_long(["--write-off", "--release"]))
def test_one_press_decides_it_and_the_run_goes_on(flag: str, sandbox: Sandbox, run: Run) -> None:
    held = doubts.tally(Outage("realestateapi"))
    assert (held.requests, held.leads, held.held) == (2, 3, Decimal("0.15"))  # the second asked for one lead alone
    assert (run.in_doubt, run.failed, find_drift()) == (3, 0, [])

    told = run_command(*VENDOR, flag, "--reason", "their status page", "--json").json

    assert (told["requests"], told["leads"], told["dollars"], told["left"]) == (2, 3, "0.1500", 0)
    assert find_drift() == []  # the leads wait for the next reaping
    breaker.reset("realestateapi")
    purchase.reap()
    done = finish(run)
    assert (done.status, done.in_doubt, done.failed, done.done) == ("completed", 0, 0, 6)
    unpaid = Decimal("0.15") if flag == "--release" else 0
    assert done.spent + unpaid == billed(sandbox)
    assert find_drift() == []
    assert set(VendorCall.objects.exclude(decision="").values_list("decision", flat=True)) == {"their status page"}
