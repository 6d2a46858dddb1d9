"""Leads that there is nothing to ask about, claimed beside others: they end with the request, however it ends."""

from __future__ import annotations

from datetime import timedelta

import pytest

from common.db.clock import database_now
from enrichment.models import Run, RunItem
from enrichment.services import cancel_run
from enrichment.worker import purchase
from enrichment.worker.purchase import Bought
from enrichment.worker.questions import OWNER_FACTS
from integrations.models import Lookup, VendorCall
from operations.reconcile import find_drift
from sandbox.faults import Fault
from sandbox.server import Sandbox
from tests.support import finish, make_bucket, make_user, start

pytestmark = pytest.mark.django_db(transaction=True)
DETAIL, TRACE = RunItem.Stage.DETAIL, RunItem.Stage.SKIP_TRACE


@pytest.fixture
def claimed(sandbox: Sandbox) -> tuple[Run, Bought]:
    """A run whose first traces are reserved, and leads without an owner to trace beside them."""
    run = start(make_bucket(sandbox, make_user(), 40))
    while purchase.step(DETAIL, "property_detail").worked:
        pass
    for item in run.items.filter(stage=TRACE).order_by("pk").select_related("lead")[:3]:
        answer = Lookup.objects.get(key=item.lead.property_id)
        answer.facts = {name: fact for name, fact in (answer.facts or {}).items() if name not in OWNER_FACTS}
        answer.save()
    bought = purchase.claim(TRACE, "skip_trace").bought
    assert bought is not None
    assert len(bought.beside) == 3
    return run, bought


def beside(run: Run, bought: Bought) -> list[int]:
    """How those leads have ended."""
    ids = [ending.item_id for ending in bought.beside]
    return list(run.items.filter(pk__in=ids).order_by().values_list("outcome", flat=True).distinct())


def test_they_end_with_the_answer(sandbox: Sandbox, claimed: tuple[Run, Bought]) -> None:
    run, bought = claimed
    assert beside(run, bought) == [RunItem.Outcome.OPEN]
    assert purchase.claim(TRACE, "skip_trace").bought is None
    purchase.buy(TRACE, bought)
    assert beside(run, bought) == [RunItem.Outcome.PARTIAL]
    run = finish(run)
    assert (run.status, run.done, find_drift()) == ("completed", 40, [])


@pytest.mark.parametrize("kind", ["503", "429", "cut"])
def test_they_end_where_the_request_fails(sandbox: Sandbox, claimed: tuple[Run, Bought], kind: str) -> None:
    run, bought = claimed
    sandbox.faults.replace([Fault("skip_trace", kind, count=1)])
    purchase.buy(TRACE, bought)
    assert beside(run, bought) == [RunItem.Outcome.PARTIAL]
    waiting = run.items.exclude(stage=RunItem.Stage.DONE)
    assert waiting.count() == len(bought.plan.buying)


def test_they_end_in_a_run_that_was_cancelled_meanwhile(sandbox: Sandbox, claimed: tuple[Run, Bought]) -> None:
    run, bought = claimed
    cancel_run(run=run)
    purchase.buy(TRACE, bought)
    run = finish(run)
    assert (run.status, run.done, find_drift()) == ("cancelled", 40, [])


def test_a_dead_workers_go_back_when_their_lease_is_past(sandbox: Sandbox, claimed: tuple[Run, Bought]) -> None:
    run, bought = claimed
    purchase.reap()
    assert run.items.filter(token=bought.beside_id).count() == len(bought.beside)
    past = database_now() - timedelta(seconds=1)
    run.items.filter(token__isnull=False).update(lease_until=past)
    run_calls = VendorCall.objects.filter(run_id=run.pk, state="reserved")
    assert run_calls.update(lease_until=past) == 1
    purchase.reap()
    assert not run.items.filter(token__isnull=False).exists()
    purchase.buy(TRACE, bought)  # the worker was only late: nothing is its own any more
    assert beside(run, bought) == [RunItem.Outcome.OPEN]
    run = finish(run)
    assert (run.status, run.done, find_drift()) == ("completed", 40, [])


def test_who_comes_back_late_with_an_answer_ends_none_of_those_that_went_back(
    sandbox: Sandbox, claimed: tuple[Run, Bought]
) -> None:
    run, bought = claimed
    run.items.filter(token=bought.beside_id).update(lease_until=database_now() - timedelta(seconds=1))
    purchase.reap()
    purchase.buy(TRACE, bought)
    assert beside(run, bought) == [RunItem.Outcome.OPEN]
    run = finish(run)
    assert (run.status, run.done, find_drift()) == ("completed", 40, [])
