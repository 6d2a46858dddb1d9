"""What a run is asked for: typed in Python, as JSON in `Run.options`, and the same after both ways."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enrichment.models import Run
from enrichment.options import Canary, Kind, RunOptions

SHARES = st.decimals(min_value=0, max_value=1, places=4)
CANARIES = st.builds(
    Canary,
    leads=st.integers(1, 10_000),
    min_hit_rate=SHARES,
    max_cost_per_lead=st.none() | st.decimals(min_value="0.0001", max_value=100, places=4),
)
COMMON: dict[str, Any] = {
    "limit": st.none() | st.integers(1, 10_000),
    "start_from": st.none() | st.uuids(),
    "only_failed": st.booleans(),
    "lead_ids": st.none() | st.lists(st.uuids(), min_size=1, max_size=3),
    "max_cost": st.none() | st.decimals(min_value="0.01", max_value=1000, places=2),
    "left_out": st.integers(0, 9),
}
PROPERTY = st.builds(
    RunOptions,
    **COMMON,
    kind=st.just(Kind.PROPERTY),
    skip_trace=st.booleans(),
    guard=st.dictionaries(st.sampled_from(["absenteeOwner", "state"]), st.sampled_from([True, "TX"])),
    fresh_after=st.none() | st.datetimes(timezones=st.just(UTC)),
    canary=st.none() | CANARIES,
)
APOLLO = st.builds(
    RunOptions,
    **COMMON,
    kind=st.just(Kind.APOLLO),
    type=st.just("people"),
    reveal_emails=st.booleans(),
    reveal_phones=st.booleans(),
    update_db=st.booleans(),
) | st.builds(RunOptions, **COMMON, kind=st.just(Kind.APOLLO), type=st.just("organizations"), update_db=st.booleans())


@pytest.mark.long
@given(PROPERTY | APOLLO)
def test_what_is_stored_is_read_back_whole(options: RunOptions) -> None:
    stored = json.loads(json.dumps(options.as_json()))
    read = RunOptions.from_json(stored, kind=options.kind, max_cost=options.max_cost)
    chosen = None if options.lead_ids is None else len(options.lead_ids)  # the leads themselves are the run's items
    assert read == replace(options, lead_ids=None, chosen=chosen)
    assert read.as_json() == stored


@pytest.mark.parametrize(
    ("kind", "stored"),
    [
        (
            "property",
            {"limit": 9, "startFrom": None, "onlyFailed": False, "chosenLeads": None, "skipTrace": True, "guard": {}},
        ),
        (
            "property",
            {
                "limit": None,
                "startFrom": "01890a5d-ac96-774b-bcce-b302099a8057",
                "onlyFailed": True,
                "chosenLeads": 3,
                "leftOut": 2,
                "freshAfter": "2026-11-01T00:00:00+00:00",
                "canary": {"leads": 20, "minHitRate": "0.25", "maxCostPerLead": None},
                "skipTrace": False,
                "guard": {"absenteeOwner": True},
            },
        ),
        (
            "apollo",
            {
                "limit": None,
                "startFrom": None,
                "onlyFailed": False,
                "chosenLeads": 1,
                "type": "people",
                "revealEmails": False,
                "revealPhones": True,
                "updateDb": False,
            },
        ),
    ],
)
def test_every_stored_shape_comes_out_as_it_went_in(kind: str, stored: dict[str, Any]) -> None:
    assert Run(kind=kind, options=stored).asked.as_json() == stored


@pytest.mark.parametrize("kind", ["property", "apollo"])
def test_an_older_release_left_options_out_and_they_have_their_defaults(kind: str) -> None:
    assert Run(kind=kind, options={}).asked == RunOptions(kind=kind)
    assert Run(kind=kind, options={"guard": None, "canary": None}).asked == RunOptions(kind=kind)


def test_kind_and_cap_come_from_their_own_columns() -> None:
    start_from = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
    run = Run(kind="apollo", max_cost=Decimal("7.50"), options={"startFrom": str(start_from), "revealPhones": True})
    assert run.asked == RunOptions(
        kind=Kind.APOLLO, max_cost=Decimal("7.50"), start_from=start_from, reveal_phones=True
    )


def test_the_same_request_has_the_same_fingerprint_and_another_has_another() -> None:
    bucket_id = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
    options = RunOptions(limit=5, max_cost=Decimal("1.00"), fresh_after=datetime(2026, 11, 1, tzinfo=UTC))
    assert options.fingerprint(bucket_id) == replace(options).fingerprint(bucket_id)
    others = [replace(options, max_cost=Decimal("2.00")), replace(options, limit=6), replace(options, kind=Kind.APOLLO)]
    assert len({one.fingerprint(bucket_id) for one in (options, *others)}) == 4
