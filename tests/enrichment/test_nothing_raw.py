"""Of a trace that cannot be used nothing stays, in no table: neither of one that was cut nor of one that was billed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import responses
from django.apps import apps

from integrations.models import UnreadableAnswer, VendorCall
from sandbox.faults import Fault
from sandbox.server import Sandbox, SandboxConfig
from tests.support import PRICES, finish, make_bucket, make_user, point_at, set_operations, start

pytestmark = pytest.mark.django_db(transaction=True)
TRAITS = (b"ethnicity", b"marital", b"occupation", b"gender", b"Western European", b"Divorced")


@pytest.fixture
def sandbox(settings: Any) -> Iterator[Sandbox]:
    with Sandbox(SandboxConfig(generate=2000, prices=PRICES)) as server:
        point_at(server, settings)
        set_operations(settings, pace=0)
        yield server


def everything() -> bytes:
    """Every row of every table of ours, as bytes."""
    ours = [
        model
        for model in apps.get_models()
        if model.__module__.split(".")[0] in ("integrations", "leads", "enrichment")
    ]
    rows = [row for model in ours for row in model._base_manager.values_list()]
    return b"\n".join(bytes(v) if isinstance(v, memoryview | bytes) else str(v).encode() for row in rows for v in row)


@pytest.mark.long
@pytest.mark.parametrize("batch", [1, 10])
def test_nothing_of_the_sandboxs_garbage_is_kept(sandbox: Sandbox, settings: Any, batch: int) -> None:
    set_operations(settings, pace=0, batch=batch)
    sandbox.faults.replace([Fault("skip_trace", "garbage")])
    finish(start(make_bucket(sandbox, make_user(), 10)), 20)
    spoilt = VendorCall.objects.filter(operation__name="skip_trace").exclude(reason="")
    assert spoilt.exists()
    for reason in spoilt.values_list("reason", flat=True):
        assert "breaks off as JSON at character" in reason
    kept = everything()
    assert [trait for trait in TRAITS if trait.lower() in kept.lower()] == []
    assert not UnreadableAnswer.objects.filter(raw__isnull=False, call__operation__name="skip_trace").exists()


@pytest.mark.long
@pytest.mark.parametrize(
    "body",
    [
        {"persons": {"lastName": "Doe", "ethnicityCode": "K", "gender": "F"}},
        {"data": "ethnicityCode K, gender F, maritalStatusCode M"},
        {"people": [{"ethnicityDescription": "Western European", "age": 65}]},
    ],
)
def test_nothing_of_a_trace_of_another_shape_is_kept(sandbox: Sandbox, settings: Any, body: Any) -> None:
    set_operations(settings, pace=0, batch=1)
    place = settings.VENDORS["realestateapi"]["base_url"]
    with responses.RequestsMock(assert_all_requests_are_fired=True) as wire:
        wire.add_passthru(f"{place}/v2/PropertyDetail")
        wire.post(f"{place}/v2/SkipTrace", body=json.dumps(body))
        finish(start(make_bucket(sandbox, make_user(), 1)), 20)
    assert VendorCall.objects.filter(operation__name="skip_trace").exclude(reason="").exists()
    kept = everything()
    assert [trait for trait in TRAITS if trait.lower() in kept.lower()] == []
