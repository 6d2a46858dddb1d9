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

from integrations.vendors.contract import Answer, Reply
from integrations.vendors.errors import Category, HeldBack, InDoubt, Misconfigured, NotSent, Rejected, VendorFailure
from integrations.vendors.facts import CONTACT_KEYS
from integrations.vendors.signalhouse import client
from integrations.vendors.signalhouse.adapters import SkipTrace
from integrations.vendors.skip_trace import skip_trace_query
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
            "contact_name": "Jane Roe",
            "contact_is_other": False,
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


@pytest.mark.parametrize("data", [None, {}, {"firstName": "Jane", "phones": [{"number": "5125550101"}]}])
def test_a_404_with_the_envelope_is_nobody_found(wire: responses.RequestsMock, data: Any) -> None:
    wire.post(URL, status=404, json={"success": False, "data": data, "message": "no match"})
    assert buy() == Reply(answers=EMPTY, units=Decimal(0), status=404)


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (400, Rejected, "SignalHouse does not accept the request (400): nope."),
        (401, Misconfigured, "SignalHouse refused the key (401): nope."),
        (402, Misconfigured, "SignalHouse wants to be paid first (402): nope."),
        (403, Misconfigured, "SignalHouse does not allow this to the key (403): nope."),
        (301, Misconfigured, "SignalHouse points elsewhere (301), not followed: check its base URL."),
        (404, Misconfigured, "SignalHouse has nothing at this address (404), check its base URL: nope."),
        (429, HeldBack, "SignalHouse is asked too often (429): nope."),
        (500, InDoubt, "SignalHouse did not finish its answer (500): nope."),
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


@pytest.mark.parametrize(
    ("body", "kind", "pauses"),
    [
        ("<html>", InDoubt, True),
        ("[]", InDoubt, False),
        ('{"success":true}', InDoubt, False),
        ('{"data":{"firstName":"Jane","ethnicity":"K"', InDoubt, False),
        ('{"data":"x"}', Rejected, False),
        ('{"data":[{"ethnicity":"K"}]}', Rejected, False),
    ],
)
def test_an_answer_that_cannot_be_used_is_in_doubt_or_paid_for_and_nothing_of_it_is_kept(
    wire: responses.RequestsMock, body: str, kind: type[VendorFailure], pauses: bool
) -> None:
    wire.post(URL, body=body)
    with pytest.raises(kind) as caught:
        buy()
    failure = caught.value
    assert isinstance(failure, InDoubt | Rejected)
    assert (getattr(failure, "charged", False), getattr(failure, "pauses", False)) == (kind is Rejected, pauses)
    assert failure.evidence is not None
    assert (failure.evidence.raw, failure.evidence.length) == (None, len(body))


def test_the_price_list_counts_a_match_whatever_the_answer_claims_and_another_person_is_marked(
    wire: responses.RequestsMock,
) -> None:
    person = {"firstName": "Tom", "lastName": "Tenant", "phones": [{"number": "5125550101"}]}
    wire.post(URL, json={"data": person, "credits": 4})
    reply = buy()
    facts = reply.answers[QUERY.key].facts
    assert (reply.units, reply.claimed) == (Decimal(1), Decimal(4))
    assert (facts["contact_name"], facts["contact_is_other"], facts["first_name"]) == ("Tom Tenant", True, None)


def test_it_takes_one_at_a_time() -> None:
    adapter = SkipTrace(client.config())
    assert (adapter.vendor, adapter.operation, adapter.largest_batch) == ("signalhouse", "skip_trace", 1)
    with pytest.raises(ValueError, match="holds 1 to 1 inputs, not 2"):
        adapter.call([QUERY, QUERY], call_id="c")


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


@pytest.mark.long
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
