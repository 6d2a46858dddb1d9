"""Answers are the JSON that DRF would write, and keep nothing of a request that is over."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.test import RequestFactory
from django.test.client import ClientHandler
from django.utils.functional import lazystr
from rest_framework import renderers
from rest_framework.response import Response

from accounts.models import User
from common.api.renderer import JSONRenderer
from leads.models import Lead
from tests.api.client import Api
from tests.leads.samples import make_leads

ANSWERS = {
    "texts": {"a": 'é – “•” \u2028 \u2029 \x7f \t \\ "', "b": "", "c": lazystr("later")},
    "numbers": {"n": [0, -1, 2.5, 1e22, 12345678.9, Decimal("0.0500"), True, None]},
    "moments": [
        datetime(2026, 12, 1, 21, 30, tzinfo=UTC),
        datetime(2026, 12, 1, 21, 30, 0, 5, tzinfo=UTC),
        datetime(2026, 12, 1, 21, 30, 0, 120_000, tzinfo=UTC),
        datetime(2026, 1, 1, tzinfo=ZoneInfo("Europe/London")),
        datetime(2026, 7, 1, 1, 2, 3, tzinfo=ZoneInfo("America/Phoenix")),
        datetime(2026, 7, 1, 1, 2, 3),  # noqa: DTZ001
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        date(2026, 12, 1),
        time(9, 5),
    ],
    "an id": {"id": UUID("0198c0de-0000-7000-8000-000000000001")},
    "a choice": {"status": Lead.Status.NEW, "pair": (1, 2)},
    "a number of more than 64 bits": {"n": 2**70, "a": "é"},
    "keys that are no texts": {1: "one", None: "none"},
    "nothing": None,
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_written_as_drf_writes_it(name: str) -> None:
    written = JSONRenderer().render(ANSWERS[name], "application/json", {})

    assert written == renderers.JSONRenderer().render(ANSWERS[name], "application/json", {})


def test_a_very_small_number_is_the_same_number() -> None:
    assert json.loads(JSONRenderer().render({"n": 1e-7})) == {"n": 1e-7}


def test_a_client_may_ask_for_indented_json() -> None:
    assert JSONRenderer().render({"a": [1]}, "application/json; indent=2", {}).splitlines()[1] == b'  "a": ['


@pytest.fixture
def uncollected() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def _left(kinds: tuple[type, ...]) -> list[Any]:
    return [one for one in gc.get_objects() if type(one) in kinds]


@pytest.mark.usefixtures("uncollected")
def test_an_answer_goes_with_its_rows_before_the_garbage_collector_looks(api: Api, ann: User) -> None:
    path = f"/api/property/bucket/leads?bucketId={make_leads(4, by=ann)[0].pk}"
    assert api.get(path).status_code == 200  # what a first request makes for good
    gc.collect()
    before = len(_left((Lead, Response)))  # other tests' failures may hold some

    answer: Any = ClientHandler()(RequestFactory().get(path, headers=api.headers).environ)
    assert (answer.status_code, len(json.loads(answer.content)["leads"])) == (200, 4)
    assert len(_left((Lead, Response))) == before + 1
    del answer

    assert len(_left((Lead, Response))) == before
