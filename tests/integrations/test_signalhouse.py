"""SignalHouse's trace: our own contract, the same facts as anybody's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import responses
from hypothesis import given
from responses.matchers import header_matcher, json_params_matcher

from integrations.contact import CONTACT_KEYS
from integrations.contract import Answer, Reply
from integrations.errors import Category, InDoubt, Misconfigured, NotSent, Rejected, VendorFailure
from integrations.signalhouse import client
from integrations.signalhouse.doors import SkipTrace
from integrations.signalhouse.queries import skip_trace_query
from tests.integrations.samples import a_few, assert_keeps_no_trait, json_values, nested

URL = "http://signalhouse.test/skip-trace"
QUERY = skip_trace_query(
    first_name="Jane", last_name="Roe", address="1 Oak Ln", city="Austin", state="TX", zip="78701", mail_zip="1"
)
EMPTY = {QUERY.key: Answer(category=Category.SKIP_TRACE_EMPTY)}


@pytest.fixture(autouse=True)
def vendor(settings: Any) -> None:
    settings.VENDORS = {"signalhouse": {"base_url": "http://signalhouse.test", "key": "sesame"}}


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as simulated:
        yield simulated


def buy(*queries: Any) -> Reply:
    return SkipTrace(client.config()).call(queries or [QUERY], call_id="call-7")


def test_a_trace_is_asked_flat_with_an_idempotency_key_and_parses_exactly(wire: responses.RequestsMock) -> None:
    wire.post(
        URL,
        json={
            "success": True,
            "data": {
                "firstName": "Jane",
                "lastName": "Roe",
                "gender": "F",
                "age": 41,
                "phones": [
                    {"number": "5125550101", "type": "landline", "dnc": False},
                    {"number": "5125550100", "type": "mobile", "dnc": "N"},
                    {"number": "5125550102", "type": "mobile", "dnc": "Y"},
                ],
                "emails": ["nobody", "Jane@Example.com"],
                "mailingAddress": {"address": "9 Elm St", "city": "Waco", "state": "TX", "zip": "76701-0001"},
            },
        },
        match=[
            json_params_matcher(
                {
                    "first_name": "Jane",
                    "last_name": "Roe",
                    "address": "1 Oak Ln",
                    "city": "Austin",
                    "state": "TX",
                    "zip": "78701",
                    "match_requirements": {"phones": True},
                }
            ),
            header_matcher({"Authorization": "Bearer sesame", "Idempotency-Key": "call-7"}),
        ],
    )
    reply = buy()
    assert (reply.units, reply.status) == (Decimal(1), 200)
    assert reply.answers[QUERY.key] == Answer(
        facts={
            "first_name": "Jane",
            "last_name": "Roe",
            "phone": "+15125550100",
            "phone_type": "mobile",
            "phone_do_not_call": False,
            "secondary_phone": "+15125550101",
            "secondary_phone_type": "landline",
            "secondary_phone_do_not_call": False,
            "email": "jane@example.com",
            "mailing_address": "9 Elm St",
            "mailing_city": "Waco",
            "mailing_state": "TX",
            "mailing_zip": "76701",
        }
    )


def test_where_only_the_mailing_address_is_known_it_is_asked_about(wire: responses.RequestsMock) -> None:
    query = skip_trace_query(mail_address="9 Elm St", mail_city="Waco", mail_state="TX")
    wire.post(
        URL,
        json={"success": True, "data": None},
        match=[
            json_params_matcher(
                {"address": "9 Elm St", "city": "Waco", "state": "TX", "match_requirements": {"phones": True}}
            )
        ],
    )
    assert buy(query).answers == {query.key: Answer(category=Category.SKIP_TRACE_EMPTY)}


@pytest.mark.parametrize(
    ("data", "units"), [(None, 0), ({}, 0), ({"firstName": "Jane", "phones": [{"number": "1"}]}, 1)]
)
def test_nobody_found_is_free_and_an_unusable_match_is_not(wire: responses.RequestsMock, data: Any, units: int) -> None:
    wire.post(URL, json={"success": True, "data": data})
    assert buy() == Reply(answers=EMPTY, units=Decimal(units))


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (400, Rejected, "SignalHouse does not accept the request (400): nope."),
        (401, Misconfigured, "SignalHouse refused the key (401): nope."),
        (402, Misconfigured, "SignalHouse wants to be paid first (402): nope."),
        (403, Misconfigured, "SignalHouse does not allow this to the key (403): nope."),
        (404, Rejected, "SignalHouse knows nothing of this (404): nope."),
        (429, NotSent, "SignalHouse is asked too often (429): nope."),
        (503, NotSent, "SignalHouse is not working (503): nope."),
        (504, InDoubt, "SignalHouse did not finish its answer (504): nope."),
    ],
)
def test_errors_are_the_four_kinds(
    wire: responses.RequestsMock, status: int, kind: type[VendorFailure], reason: str
) -> None:
    wire.post(URL, status=status, json={"message": "nope"})
    with pytest.raises(VendorFailure) as caught:
        buy()
    assert (type(caught.value), caught.value.status, caught.value.reason) == (kind, status, reason)


@pytest.mark.parametrize("body", ["<html>", "[]", '{"success":true}', '{"data":"x"}', '{"data":[{"ethnicity":"K"}]}'])
def test_a_paid_answer_that_cannot_be_read_is_charged_and_kept_without_traits(
    wire: responses.RequestsMock, body: str
) -> None:
    wire.post(URL, body=body)
    with pytest.raises(Rejected) as caught:
        buy()
    assert caught.value.charged
    assert caught.value.raw
    assert b"ethnicity" not in caught.value.raw


def test_it_takes_one_at_a_time_and_may_be_repeated() -> None:
    door = SkipTrace(client.config())
    assert (door.vendor, door.operation, door.largest_batch, door.idempotent) == ("signalhouse", "skip_trace", 1, True)
    with pytest.raises(ValueError, match="holds 1 to 1 inputs, not 2"):
        door.call([QUERY, QUERY], call_id="c")


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ({"base_url": "", "key": "k"}, "SIGNALHOUSE_BASE_URL is not set: SignalHouse cannot be asked."),
        ({"base_url": "http://x", "key": ""}, "SIGNALHOUSE_API_KEY is not set: SignalHouse cannot be asked."),
    ],
)
def test_without_key_or_address_nothing_is_sent(settings: Any, place: Any, said: str) -> None:
    settings.VENDORS = {"signalhouse": place}
    with responses.RequestsMock() as wire, pytest.raises(Misconfigured) as caught:
        buy()
    assert (caught.value.reason, len(wire.calls)) == (said, 0)


@a_few
@given(json_values | nested("data", "phones", "emails", "number", "firstName", "mailingAddress", "gender", "age"))
def test_any_answer_gives_only_allowed_facts_or_a_vendor_failure(body: Any) -> None:
    with responses.RequestsMock() as wire:
        wire.post(URL, body=json.dumps(body))
        try:
            reply = buy()
        except VendorFailure:
            return
    (answer,) = reply.answers.values()
    assert set(answer.facts) <= set(CONTACT_KEYS)
    assert_keeps_no_trait(answer.facts)
