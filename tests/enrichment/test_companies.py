"""Apollo is asked about companies by their names: never about a person by his, as if he were one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from enrichment.models import Run, RunItem
from enrichment.options import RunOptions
from enrichment.worker import stages
from enrichment.worker.questions import Waiting
from integrations.models import VendorCall
from leads.models import Lead
from sandbox.server import Sandbox, SandboxConfig
from tests.support import PRICES, billed, finish, make_bucket, make_user, point_at, set_operations, start

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sandbox(settings: Any) -> Iterator[Sandbox]:
    with Sandbox(SandboxConfig(generate=2000, prices=PRICES)) as server:
        point_at(server, settings)
        set_operations(settings, pace=0)
        yield server


@pytest.mark.parametrize(
    ("facts", "asked"),
    [
        ({"owner_name": "Cedar Abbott Holdings LLC", "owner_type": "llc"}, "Cedar Abbott Holdings LLC"),
        ({"owner_name": "CITY OF AUSTIN", "owner_type": "other"}, "CITY OF AUSTIN"),
        ({"owner_name": "Willow Grove", "owner_type": "corporation"}, "Willow Grove"),
        ({"owner_name": "Ann Lee", "owner_type": "individual", "apollo_company": "Acme"}, "Acme"),
        ({"owner_name": "Ann Lee", "owner_type": "individual"}, None),
        ({"owner_name": "DOE ANN TRS", "owner_type": "trust"}, None),
        ({"owner_name": "Doe Family Trust", "owner_type": "trust"}, None),
        ({"owner_name": None}, None),
    ],
)
def test_the_company_asked_about_is_the_owner_or_the_employer_and_else_nobody_is(
    sandbox: Sandbox, facts: dict[str, Any], asked: str | None
) -> None:
    bucket = make_bucket(sandbox, make_user(), 1)
    Lead.objects.update(**facts)
    options = RunOptions(kind=Run.Kind.APOLLO, type="organizations")
    (lead,) = bucket.leads.all()
    questions = stages.STAGES[RunItem.Stage.APOLLO].questions(options, [Waiting(1, lead.pk, 0)])
    if asked is None:
        assert (questions.queries, list(questions.unaskable)) == ({}, [1])
        assert "not a company" in questions.unaskable[1]
    else:
        assert questions.queries[1].params == {"details": {"name": asked}}
        assert questions.unaskable == {}


def test_a_run_about_companies_among_people_asks_nobody_and_costs_nothing(sandbox: Sandbox) -> None:
    bucket = make_bucket(sandbox, make_user(), 10)
    Lead.objects.update(owner_name="Ann Lee", first_name="Ann", last_name="Lee", owner_type="individual")
    leads = list(bucket.leads.values_list("pk", flat=True))
    run = finish(start(bucket, kind="apollo", type="organizations", lead_ids=leads))
    assert (run.status, run.partial, run.failed, run.spent, billed(sandbox)) == ("completed", 10, 0, 0, 0)
    assert not VendorCall.objects.exists()
