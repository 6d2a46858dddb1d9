"""Every body that vendors publish, at every paid endpoint: an answer by the price list, or one of the failures."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import responses

from integrations.vendors.apollo import client as apollo
from integrations.vendors.apollo.adapters import OrganizationEnrich, PeopleMatch
from integrations.vendors.apollo.queries import organization_query, people_query
from integrations.vendors.contract import Reply
from integrations.vendors.errors import InDoubt, Misconfigured, Rejected, UnprovenMiss, VendorFailure
from integrations.vendors.normalise import parse_json
from integrations.vendors.realestateapi import client as realestateapi
from integrations.vendors.realestateapi.adapters import PropertyDetail, PropertySearchPage, SkipTrace
from integrations.vendors.realestateapi.queries import detail_query, search_query, skip_trace_query
from integrations.vendors.signalhouse import client as signalhouse
from integrations.vendors.signalhouse.adapters import SkipTrace as SignalHouseTrace
from tests.integrations.samples import SAMPLES

CALL = "01936f00-0000-7000-8000-000000000001"
PERSON = skip_trace_query(first_name="John", last_name="Doe", address="1 A St", city="B", state="TX")
SAMPLE_NAMES = [path.name for path in sorted(SAMPLES.glob("*.json"))] if SAMPLES.exists() else []


@pytest.fixture(autouse=True)
def vendors(settings: Any) -> None:
    place = {"base_url": "http://vendor.test", "key": "sesame"}
    settings.VENDORS = dict.fromkeys(("realestateapi", "signalhouse", "apollo"), place)
    settings.APOLLO_WEBHOOK_URL = ""


def ask(adapter: Any, *queries: Any) -> Callable[[], Reply]:
    return lambda: adapter.call(queries, call_id=CALL)


def adapters() -> dict[str, tuple[Callable[[], Reply], int]]:
    """What asks, and the most units its answer can cost."""
    people = [people_query(email=f"p{number}@example.com", reveal_phones=True) for number in range(2)]
    companies = [organization_query(name=name) for name in ("Acme LLC", "Apollo.io")]
    return {
        "detail": (ask(PropertyDetail(realestateapi.config()), detail_query(5)), 1),
        "details": (ask(PropertyDetail(realestateapi.config()), detail_query(5), detail_query(487291023)), 2),
        "rows": (ask(PropertySearchPage(realestateapi.config()), search_query({"state": "VA"})), 250),
        "trace": (ask(SkipTrace(realestateapi.config()), PERSON), 1),
        "SignalHouse": (ask(SignalHouseTrace(signalhouse.config()), PERSON), 1),
        "person": (ask(PeopleMatch(apollo.config()), people[0]), 9),
        "people": (ask(PeopleMatch(apollo.config()), *people), 18),
        "companies": (ask(OrganizationEnrich(apollo.config()), *companies), 2),
    }


@pytest.mark.parametrize("name", SAMPLE_NAMES)
@pytest.mark.parametrize("status", [200, 404])
def test_a_published_body_is_an_answer_by_the_list_or_one_of_the_failures(name: str, status: int) -> None:
    raw = (SAMPLES / name).read_bytes()
    body = parse_json(raw)
    with responses.RequestsMock(assert_all_requests_are_fired=False) as wire:
        wire.post("http://vendor.test/v2/PropertyDetail", body=raw, status=status)
        for path in ("PropertyDetailBulk", "PropertySearch", "SkipTrace"):
            wire.post(f"http://vendor.test/v2/{path}", body=raw, status=status)
        for path in ("skip-trace", "people/bulk_match", "organizations/bulk_enrich"):
            wire.post(f"http://vendor.test/{path}", body=raw, status=status)
        for label, (buy, most) in adapters().items():
            try:
                reply = buy()
            except VendorFailure as failure:
                assert failure.reason, label
                assert not (isinstance(failure, InDoubt) and failure.pauses), label  # it is JSON
                assert status == 200 or isinstance(failure, Misconfigured), label
                personal = "trace" in label or label == "SignalHouse"
                evidence = getattr(failure, "evidence", None)
                assert not (personal and evidence and evidence.raw), label
                assert not isinstance(failure, Rejected) or failure.charged or failure.status in (400, 422), label
                assert not isinstance(failure, UnprovenMiss) or set(body) >= {"statusCode", "error", "validation"}
                continue
            assert 0 <= reply.units <= most, label
            assert status == 200 or reply.units == 0, label
            json.dumps([dict(answer.facts) for answer in reply.answers.values()])
