"""The table of stages is whole: every stage has a row, and what a row names is there."""

from __future__ import annotations

import pytest
from django.conf import settings

from enrichment.models import Run, RunItem
from enrichment.options import RunOptions
from enrichment.worker.stages import STAGES, stages_of
from integrations.vendors import adapters

Stage = RunItem.Stage


def test_every_stage_but_the_last_word_has_one_row() -> None:
    assert set(STAGES) == set(Stage) - {Stage.DONE}
    assert [number for number, row in STAGES.items() if row.stage != number] == []


def test_every_kind_of_run_has_stages_and_each_leads_to_one_of_its_own() -> None:
    assert {kind: [row.stage for row in stages_of(kind)] for kind in Run.Kind} == {
        Run.Kind.PROPERTY: [Stage.DETAIL, Stage.SKIP_TRACE],
        Run.Kind.APOLLO: [Stage.APOLLO],
    }
    assert [row.stage for row in STAGES.values() if row.next and STAGES[row.next].kind != row.kind] == []


def test_every_operation_can_be_bought_and_belongs_to_one_stage() -> None:
    names = [name for row in STAGES.values() for name in row.operations.values()]
    assert sorted(names) == sorted(set(names))
    assert set(names) <= set(settings.OPERATIONS)
    assert [adapters.adapter_for(name).largest_batch > 0 for name in names] == [True] * len(names)


@pytest.mark.parametrize(
    ("options", "bought"),
    [
        (RunOptions(), [("property_detail", Stage.SKIP_TRACE), ("skip_trace", None)]),
        (RunOptions(skip_trace=False), [("property_detail", None), ("skip_trace", None)]),
        (RunOptions(kind=Run.Kind.APOLLO), [("apollo_people", None)]),
        (RunOptions(kind=Run.Kind.APOLLO, type="organizations"), [("apollo_organizations", None)]),
    ],
)
def test_a_run_says_what_it_buys_and_where_its_leads_go_on(
    options: RunOptions, bought: list[tuple[str, Stage | None]]
) -> None:
    assert [(row.operation_name(options), row.onward(options)) for row in stages_of(options.kind)] == bought
    assert [row.asked_for(options) for row in stages_of(options.kind)].count(False) == (not options.skip_trace)


def test_an_operation_says_whose_runs_it_serves() -> None:
    types = {name: row.type_of(name) for row in STAGES.values() for name in row.operations.values()}
    assert types == {
        "property_detail": None,
        "skip_trace": None,
        "apollo_people": "people",
        "apollo_organizations": "organizations",
    }
