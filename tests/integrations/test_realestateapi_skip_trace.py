"""SkipTrace and SkipTraceBatchAwait: whose phone is whose, which comes first, and what is never kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st
from responses.matchers import json_params_matcher

from integrations.vendors import normalise, owners
from integrations.vendors.contract import Answer, Query, Reply
from integrations.vendors.errors import (
    Category,
    Evidence,
    HeldBack,
    InDoubt,
    Misconfigured,
    Rejected,
    ScopeRefused,
    UnprovenMiss,
    VendorFailure,
)
from integrations.vendors.facts import CONTACT_KEYS
from integrations.vendors.owners import is_company
from integrations.vendors.realestateapi import client, persons
from integrations.vendors.realestateapi.adapters import MATCH_REQUIREMENTS, SkipTrace
from integrations.vendors.realestateapi.queries import skip_trace_query
from integrations.vendors.skip_trace import contact_facts
from tests.integrations.samples import SAMPLES, a_few, assert_keeps_no_trait, json_values, nested, sample

BASE = "http://realestateapi.test"
SINGLE, BATCH = f"{BASE}/v2/SkipTrace", f"{BASE}/v2/SkipTraceBatchAwait"
EMPTY = Answer(category=Category.SKIP_TRACE_EMPTY)
JOHN = {"first_name": "John", "last_name": "Doe", "address": "100 19th Rd N", "city": "Arlington", "state": "VA"}


@pytest.fixture(autouse=True)
def vendor(settings: Any) -> None:
    settings.VENDORS = {"realestateapi": {"base_url": BASE, "key": "sesame"}}


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as simulated:
        yield simulated


def people(*last_names: str) -> list[Query]:
    return [skip_trace_query(**{**JOHN, "last_name": name}) for name in last_names]


def buy(*queries: Query) -> Reply:
    return SkipTrace(client.config()).call(queries, call_id="c1")


def contact(**known: Any) -> dict[str, Any]:
    return {**dict.fromkeys(CONTACT_KEYS), **known}


def phone(number: str, **more: Any) -> dict[str, Any]:
    return {"phone": number, **more}


def best(*phones: dict[str, Any]) -> tuple[Any, ...]:
    found = persons.trace({"persons": [{"lastName": "Doe", "phones": list(phones)}]}, asked={}).facts
    return found["phone"], found["secondary_phone"]


def test_the_v2_sample_parses_exactly(wire: responses.RequestsMock) -> None:
    query = skip_trace_query(**JOHN, zip="22205-1234")
    wire.post(
        SINGLE,
        json=sample("reapi_skiptrace_v2_resp_200.json"),
        match=[json_params_matcher({**JOHN, "zip": "22205", "match_requirements": dict(MATCH_REQUIREMENTS)})],
    )
    reply = buy(query)
    assert (reply.units, reply.status) == (Decimal(1), 200)
    assert reply.answers == {
        query.key: Answer(
            facts=contact(
                first_name="John",
                last_name="Doe",
                phone="+17035551234",
                phone_type="mobile",
                phone_do_not_call=False,
                email="john.doe@example.com",
                mailing_address="6806 19th Rd N",
                mailing_city="Arlington",
                mailing_state="VA",
                mailing_zip="22205",
                contact_name="John Doe",
                contact_is_other=False,
            )
        )
    }


def test_the_v1_sample_has_only_masked_numbers_and_is_a_match_that_brings_nothing(wire: responses.RequestsMock) -> None:
    wire.post(SINGLE, json=sample("reapi_skiptrace_v1_resp_200_responseobject.json"))
    (query,) = people("Doe")
    assert buy(query) == Reply(answers={query.key: EMPTY}, units=Decimal(1), claimed=Decimal(10))


def test_the_v1_shape_parses_exactly_once_its_masks_are_filled() -> None:
    text = json.dumps(sample("reapi_skiptrace_v1_resp_200_responseobject.json"))
    text = text.replace("703237****", "7032370164").replace("703538****", "7035380164")
    text = text.replace("*****@hotmail.com", "John@Hotmail.com").replace('"****"', '"Doe"')
    trace = persons.trace(json.loads(text), asked={})
    assert trace == persons.Trace(
        facts=contact(
            first_name="John",
            last_name="Doe",
            phone="+17035380164",
            phone_type="landline",
            phone_do_not_call=False,
            secondary_phone="+17032370164",
            secondary_phone_type="landline",
            secondary_phone_do_not_call=True,
            email="john@hotmail.com",
            mailing_address="100 E 3rd St",
            mailing_city="Englewood",
            mailing_state="FL",
            mailing_zip="34223",
            contact_name="John Doe",
        ),
        matched=True,
    )


@pytest.mark.parametrize(
    "name", ["reapi_skiptracebatchawait_resp_200_2026docs.json", "reapi_skiptracebatch_v2_webhook_item_2026docs.json"]
)
def test_the_samples_of_2026_parse_exactly(name: str) -> None:
    body = sample(name)
    item = body["data"][0] if isinstance(body["data"], list) else body
    assert persons.trace(item, asked={}) == persons.Trace(
        facts=contact(
            first_name="John",
            last_name="Smith",
            phone="+15125550100",
            phone_type="mobile",
            phone_do_not_call=False,
            email="john.smith@example.com",
            contact_name="John Smith",
        ),
        matched=True,
    )


def test_a_batch_sends_positions_as_keys_and_links_the_answers_by_them(wire: responses.RequestsMock) -> None:
    asked = people("Doe", "Roe", "Poe")
    skip = {**JOHN, "match_requirements": dict(MATCH_REQUIREMENTS)}
    wire.post(
        BATCH,
        json={
            "data": [
                {"input": {"key": 2}, "persons": [{"lastName": "Poe", "phones": [phone("5125550102")]}], "match": True},
                {"input": {"key": "0"}, "data": {"phones": [phone("5125550100")]}},
                {"input": {"key": "77"}, "data": {"phones": [phone("5125550177")]}},
                {"input": {"key": "0"}, "data": {"phones": [phone("5125550199")]}},
            ]
        },
        match=[
            json_params_matcher(
                {
                    "skips": [
                        {**skip, "last_name": "Doe", "key": "0"},
                        {**skip, "last_name": "Roe", "key": "1"},
                        {**skip, "last_name": "Poe", "key": "2"},
                    ]
                }
            )
        ],
    )
    reply = buy(*asked)
    assert [reply.answers[query.key].facts.get("phone") for query in asked] == ["+15125550100", None, "+15125550102"]
    assert reply.answers[asked[1].key] == EMPTY
    assert reply.units == Decimal(2)
    sent = wire.calls[0].request.body
    assert isinstance(sent, bytes)
    assert not any(query.key.encode() in sent for query in asked)


def test_without_any_key_a_whole_list_is_linked_by_position(wire: responses.RequestsMock) -> None:
    asked = people("Doe", "Roe")
    wire.post(BATCH, json={"data": [None, {"output": {"identity": {"phones": [phone("5125550101")]}}}]})
    answers = buy(*asked).answers
    assert answers[asked[0].key] == EMPTY
    assert answers[asked[1].key].facts["phone"] == "+15125550101"


def test_a_shorter_list_without_keys_is_charged_and_kept_without_what_must_not_be(wire: responses.RequestsMock) -> None:
    items = [{"persons": [{"lastName": "Doe", "ethnicityCode": "K", "phones": [phone("5125550100")]}]}]
    body = json.dumps({"data": items}).encode()
    wire.post(BATCH, body=body)
    with pytest.raises(Rejected) as caught:
        buy(*people("Doe", "Roe"))
    assert (caught.value.charged, caught.value.category) == (True, Category.INVALID_DATA)
    digest = hashlib.sha256(body).hexdigest()
    assert caught.value.evidence == Evidence(len(body), digest, "does not say which trace is whose", None)


TRAITS = '"persons": [{"lastName": "Doe", "ethnicityCode": "K", "maritalStatusCode": "M", "gender": "F", "age": 65'


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("{" + TRAITS, InDoubt),
        ("{" + TRAITS + "}], ", InDoubt),
        ('{"data": [{' + TRAITS, InDoubt),
        ("[{" + TRAITS + "}]}]", InDoubt),
        ("{" + TRAITS.replace('"persons"', '"people"') + "}]}", InDoubt),
        ("<html>{" + TRAITS, InDoubt),
        ('{"persons": {"ethnicityCode": "K", "age": 65}}', Rejected),
        ('{"data": "ethnicityCode K, age 65"}', Rejected),
    ],
)
@pytest.mark.parametrize("batch", [False, True])
def test_nothing_of_a_trace_that_cannot_be_used_is_kept_but_length_hash_and_where_it_breaks(
    wire: responses.RequestsMock, body: str, kind: type[VendorFailure], batch: bool
) -> None:
    wire.post(BATCH if batch else SINGLE, body=body)
    with pytest.raises(VendorFailure) as caught:
        buy(*people("Doe", "Roe") if batch else people("Doe"))
    failure = caught.value
    assert isinstance(failure, kind) or (batch and '"persons": {' in body)
    assert isinstance(failure, InDoubt | Rejected)
    evidence = failure.evidence
    assert evidence is not None
    assert (evidence.raw, evidence.length) == (None, len(body))
    for word in ("ethnicity", "marital", "gender", "65", "Doe"):
        assert word not in failure.reason.replace(str(len(body)), "")
        assert word not in evidence.why.replace(str(len(body)), "")


def test_an_item_nobody_can_read_is_billed_and_makes_the_missing_ones_invalid_and_not_empty(
    wire: responses.RequestsMock,
) -> None:
    asked = people("Doe", "Roe", "Poe")
    items = ["garbage", {"input": {"key": "1"}, "match": False}, {"input": {"key": "2"}, "persons": "x"}]
    body = json.dumps({"data": items}).encode()
    wire.post(BATCH, body=body)
    reply = buy(*asked)
    invalid = Answer(category=Category.INVALID_DATA)
    assert [reply.answers[query.key] for query in asked] == [invalid, EMPTY, invalid]
    assert reply.units == Decimal(2)
    assert reply.evidence == Evidence.of(body, "has 2 of 3 traces that cannot be used", personal=True)
    assert reply.evidence.raw is None


@pytest.mark.parametrize("batch", [False, True])
def test_the_documented_404_is_a_miss_for_everybody_where_the_vendor_is_known(
    wire: responses.RequestsMock, batch: bool
) -> None:
    asked = people("Doe", "Roe") if batch else people("Doe")
    body = {"statusCode": 404, "error": "Not Found", "message": "", "validation": {}}
    wire.post(BATCH if batch else SINGLE, status=404, json=body)
    with pytest.raises(UnprovenMiss) as caught:
        buy(*asked)
    assert caught.value.miss == Reply(answers={q.key: EMPTY for q in asked}, units=Decimal(0), status=404)


@pytest.mark.parametrize("body", [{"data": []}, {"data": [{"input": {"key": "0"}, "match": False}]}])
def test_a_batch_without_matches_is_empty_for_everybody_and_free(wire: responses.RequestsMock, body: Any) -> None:
    asked = people("Doe", "Roe")
    wire.post(BATCH, json=body)
    assert buy(*asked) == Reply(answers={query.key: EMPTY for query in asked}, units=Decimal(0))


def test_one_refused_item_does_not_spoil_its_neighbours(wire: responses.RequestsMock) -> None:
    asked = people("Doe", "Roe")
    wire.post(
        BATCH,
        json={
            "data": [
                {"input": {"key": "0"}, "statusCode": 400, "error": "Bad Request"},
                {"input": {"key": "1"}, "statusCode": 404, "persons": []},
            ]
        },
    )
    reply = buy(*asked)
    assert reply.answers[asked[0].key] == Answer(category=Category.INVALID_DATA)
    assert reply.answers[asked[1].key] == EMPTY
    assert reply.evidence is not None
    assert (reply.evidence.why, reply.evidence.raw) == ("has 1 of 2 traces that cannot be used", None)


@pytest.mark.parametrize("status", [200, 404])
@pytest.mark.parametrize(
    "body",
    [
        {"statusCode": 404, "persons": [], "match": False, "responseMessage": "No phones found for provided person."},
        {"statusCode": 200, "match": False},
        {"statusCode": 200, "data": {"error": True, "errorMessage": "nothing"}},
        {"statusCode": 200, "persons": []},
        {"statusCode": 200, "output": {}},
    ],
)
def test_nobody_found_is_an_empty_trace_and_free(wire: responses.RequestsMock, status: int, body: Any) -> None:
    (query,) = people("Doe")
    wire.post(SINGLE, status=status, json=body)
    assert buy(query) == Reply(answers={query.key: EMPTY}, units=Decimal(0), status=status)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("reapi_skiptrace_v2_resp_400.json", "age is mutually exclusive with age_range_min and age_range_max. Use"),
        ("reapi_skiptracebatch_resp_400_webhook.json", '"[0].webhook_url" must be a valid uri'),
    ],
)
def test_a_400_is_rejected_and_free(wire: responses.RequestsMock, name: str, reason: str) -> None:
    wire.post(BATCH, status=400, json=sample(name))
    with pytest.raises(Rejected) as caught:
        buy(*people("Doe", "Roe"))
    assert caught.value.reason.startswith(f"RealEstateAPI does not accept the request (400): {reason}")
    assert (caught.value.charged, caught.value.status) == (False, 400)


def test_403_and_429_mean_the_same_as_at_every_endpoint(wire: responses.RequestsMock) -> None:
    wire.post(BATCH, status=403)
    wire.post(SINGLE, status=403)
    wire.post(SINGLE, status=429)
    with pytest.raises(ScopeRefused):
        buy(*people("Doe", "Roe"))
    with pytest.raises(Misconfigured):
        buy(*people("Doe"))
    with pytest.raises(HeldBack):
        buy(*people("Doe"))


def test_a_batch_over_256_kb_is_not_sent() -> None:
    fat = Query(key="k", params={"address": "x" * 3000})
    with responses.RequestsMock() as wire, pytest.raises(Rejected, match="over 256 KB: lower BATCH_SKIP_TRACE"):
        buy(*[fat] * 100)
    assert len(wire.calls) == 0


def test_a_full_batch_of_the_longest_questions_fits() -> None:
    queries = [
        skip_trace_query(
            **dict.fromkeys(("first_name", "last_name", "address", "city", "mail_address", "mail_city"), "字" * 300)
            | {"state": "VA", "mail_state": "VA", "zip": "20171", "mail_zip": "20171"}
        )
    ] * 100
    with responses.RequestsMock() as wire:
        wire.post(BATCH, json={"data": []})
        buy(*queries)
        sent = wire.calls[0].request.body
        assert sent is not None
        assert len(sent) < client.TRACE_PAYLOAD_MAX


def test_an_owner_with_only_an_email_is_a_match_and_is_kept(wire: responses.RequestsMock) -> None:
    (query,) = people("Doe")
    wire.post(SINGLE, json={"persons": [{"lastName": "Doe", "emails": ["x", "A@Example.com"]}], "match": True})
    assert buy(query).answers[query.key].facts["email"] == "a@example.com"
    assert MATCH_REQUIREMENTS == {"phones": True, "emails": True, "operator": "or"}


def test_phones_are_allowed_before_not_mobile_before_others_recent_before_old() -> None:
    old = phone("5125550101", phoneType="W", phoneFtcDnc="N", phoneLastSeen="2020-01-01")
    recent = phone("5125550102", phoneType="W", phoneFtcDnc="N", phoneLastSeen="2025-01-01")
    fixed = phone("5125550103", phoneType="L", phoneFtcDnc="N", phoneLastSeen="2026-01-01")
    unknown = phone("5125550104", phoneType="W", phoneLastSeen="2026-01-01")
    listed = phone("5125550105", phoneType="W", phoneFtcDnc="Y", phoneLastSeen="2026-01-01")
    dead = phone("5125550106", phoneType="W", phoneFtcDnc="N", isConnected=False, phoneLastSeen="2026-02-01")
    assert best(listed, unknown, dead, fixed, old, recent) == ("+15125550102", "+15125550101")
    assert best(listed, unknown, dead, fixed) == ("+15125550103", "+15125550106")
    assert best(listed, unknown) == ("+15125550104", "+15125550105")
    assert best(phone("bad"), listed) == ("+15125550105", None)


def test_a_number_listed_twice_is_one_and_do_not_call_if_either_says_so() -> None:
    facts = persons.trace(
        {"persons": [{"phones": [phone("5125550101", phoneFtcDnc="N"), phone("(512) 555-0101", doNotCall=True)]}]},
        asked={},
    ).facts
    assert (facts["phone"], facts["phone_do_not_call"], facts["secondary_phone"]) == ("+15125550101", True, None)


def test_the_person_of_the_asked_name_comes_before_the_others() -> None:
    body = {
        "persons": [
            {"firstName": "Ann", "lastName": "Tenant", "phones": [phone("5125550101")]},
            {"firstName": "Bob", "lastName": "DOE", "phones": [phone("5125550102")]},
            {"firstName": "john", "lastName": "Doe", "phones": [phone("5125550103")]},
            {"firstName": "John", "lastName": "Doe", "phones": []},
        ]
    }
    asked = {"first_name": "John", "last_name": "Doe"}
    assert persons.trace(body, asked=asked).facts["phone"] == "+15125550103"
    assert persons.trace(body, asked={"first_name": "Zoe", "last_name": "Doe"}).facts["phone"] == "+15125550102"
    assert persons.trace(body, asked={}).facts["phone"] == "+15125550101"


def test_no_trait_survives_from_any_sample_of_any_vendor() -> None:
    if not SAMPLES.exists():
        pytest.skip("the vendors' samples are not beside this tree")
    checked = 0
    for path in sorted(SAMPLES.glob("*.json")):
        body = json.loads(path.read_text(encoding="utf-8"))
        items = [body, *(body.get("data") or [] if isinstance(body.get("data"), list) else [])]
        for item in filter(lambda item: isinstance(item, dict), items):
            facts = persons.trace(item, asked={}).facts
            assert_keeps_no_trait(facts)
            assert set(facts) <= set(CONTACT_KEYS)
            checked += 1
    assert checked > 50


# --- Whose phone it is ----------------------------------------------------------------------------------------------


def found(first: str, last: str) -> dict[str, Any]:
    return {"persons": [{"firstName": first, "lastName": last, "phones": [phone("5125550101")]}], "match": True}


@pytest.mark.parametrize(
    ("asked", "person", "is_other", "named"),
    [
        ({}, ("John", "Doe"), False, ("John", "Doe")),
        ({}, ("JON", "DOE"), False, ("JON", "DOE")),
        ({"first_name": "Robert"}, ("Bob", "Doe"), False, ("Bob", "Doe")),
        ({"first_name": "J"}, ("John", "Doe"), False, ("John", "Doe")),
        ({"last_name": "Doe-Smith"}, ("John", "Smith"), False, ("John", "Smith")),
        ({}, ("Doe", "John"), False, ("Doe", "John")),
        ({}, ("Jane", "Roe"), True, (None, None)),
        ({}, ("Mary", "Doe"), True, (None, None)),
        ({"owner_name": "DOE JOHN & MARY"}, ("Mary", "Doe"), False, ("Mary", "Doe")),
        ({}, ("", "Doe"), None, (None, "Doe")),
        ({"first_name": None, "last_name": None}, ("Tom", "Tenant"), None, ("Tom", "Tenant")),
        ({"first_name": None}, ("Bo", "Doe"), None, (None, "Doe")),
        ({"first_name": "Dan"}, ("Danielle", "Doe"), True, (None, None)),
        ({}, ("Bo", ""), None, (None, None)),
        ({}, ("", ""), None, (None, None)),
        ({"first_name": None, "last_name": None}, ("Bo", ""), None, (None, None)),
        (
            {"first_name": None, "last_name": None, "owner_name": "UNKNOWN OWNER"},
            ("Bo", "Roe"),
            None,
            (None, None),
        ),
    ],
)
def test_the_phone_of_another_person_is_marked_and_its_name_is_not_the_owners(
    wire: responses.RequestsMock,
    asked: dict[str, Any],
    person: tuple[str, str],
    is_other: bool | None,
    named: tuple[str | None, str | None],
) -> None:
    query = skip_trace_query(**{**JOHN, **asked})
    wire.post(SINGLE, json=found(*person))
    facts = buy(query).answers[query.key].facts
    assert (facts["contact_is_other"], facts["contact_name"]) == (is_other, " ".join(filter(None, person)) or None)
    assert (facts["first_name"], facts["last_name"], facts["phone"]) == (*named, "+15125550101")


@pytest.mark.parametrize(
    ("owner", "person", "is_other"),
    [
        ("19TH ROAD LLC", ("Tom", "Tenant"), True),
        ("City of Austin", ("Tom", "Tenant"), True),
        ("THE TENANT FAMILY TRUST", ("Tom", "Tenant"), None),
        ("Tenant Holdings LLC", ("Tom", "Tenant"), True),
        ("City of Tenant", ("Tom", "Tenant"), True),
    ],
)
@pytest.mark.parametrize("field", ["owner_name", "last_name"])
@pytest.mark.parametrize("batch", [False, True])
def test_a_tenant_in_a_companys_house_is_not_the_owner(
    wire: responses.RequestsMock, owner: str, person: tuple[str, str], is_other: bool | None, field: str, batch: bool
) -> None:
    query = skip_trace_query(address="1 A St", city="B", state="TX", **{field: owner})
    assert query.params == {"address": "1 A St", "city": "B", "state": "TX"}
    if batch:
        wire.post(BATCH, json={"data": [{"input": {"key": "0"}, **found(*person)}]})
    else:
        wire.post(SINGLE, json=found(*person))
    facts = buy(query, *people("Roe") if batch else ()).answers[query.key].facts
    assert (facts["contact_is_other"], facts["contact_name"]) == (is_other, "Tom Tenant")
    assert (facts["first_name"], facts["last_name"]) == (None, None)
    assert owner not in str(wire.calls[0].request.body)


# --- The question ---------------------------------------------------------------------------------------------------


def test_spelling_does_not_change_who_is_asked_about() -> None:
    one = skip_trace_query(
        first_name="John", last_name="O'Neil", address="100 19th Rd. N", city="Arlington", state="va"
    )
    other = skip_trace_query(
        first_name=" JOHN ", last_name="ONEIL", address="100  19th rd n", city="ARLINGTON ", state="VA", zip=""
    )
    assert one.key == other.key
    assert len(one.key) == 64
    assert (one.params["state"], one.weight) == ("VA", 1)


@pytest.mark.parametrize(
    ("given", "params"),
    [
        ({"address": "1 A St", "city": "B", "state": "TX"}, {"address": "1 A St", "city": "B", "state": "TX"}),
        (
            {"mail_address": "1 A St", "mail_city": "B", "mail_state": "TX", "mail_zip": "78701-1", "city": "C"},
            {"mail_address": "1 A St", "mail_city": "B", "mail_state": "TX"},
        ),
        (
            {"owner_name": "Ann Marie Lee", "address": "1 A St", "city": "B", "state": "TX"},
            {"first_name": "Ann", "last_name": "Lee", "address": "1 A St", "city": "B", "state": "TX"},
        ),
        (
            {"last_name": "Acme Llc", "owner_name": "Acme Llc", "address": "1 A St", "city": "B", "state": "TX"},
            {"address": "1 A St", "city": "B", "state": "TX"},
        ),
        (
            {"first_name": "Ann", "last_name": "Lee", "city": "B", "state": "TX", "zip": "78701"},
            {"first_name": "Ann", "last_name": "Lee", "city": "B", "state": "TX", "zip": "78701"},
        ),
    ],
)
def test_what_is_asked_is_what_the_vendor_takes(given: dict[str, str], params: dict[str, str]) -> None:
    assert skip_trace_query(**given).params == params


@pytest.mark.parametrize(
    ("line", "before"),
    [
        ("DOE, ANN", {"first_name": "DOE,", "last_name": "ANN"}),
        ("DOE ANN ETAL", {"first_name": "DOE", "last_name": "ETAL"}),
        ("SMITH JOHN & MARY", {}),
        ("DOE ANN TRUSTEE", {}),
    ],
)
def test_what_was_bought_by_the_rule_of_before_is_still_owned(line: str, before: dict[str, str]) -> None:
    home = {"address": "1 A St", "city": "B", "state": "TX"}
    first, last = owners.first_and_last(line) or (None, None)
    by_line = skip_trace_query(owner_name=line, **home)
    by_detail = skip_trace_query(owner_name=line, first_name=first, last_name=last, **home)
    asked = sorted({**home, **before}.items())
    spelled = "\x1f".join(["skip-trace-1", *(f"{name}={normalise.fold(part)}" for name, part in asked)])
    old = hashlib.sha256(spelled.encode()).hexdigest()
    assert by_line.key == by_detail.key != old
    assert old in by_line.names
    assert old in by_detail.names


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"address": "1 A St", "state": "TX"}, "A skip trace by address also needs: city."),
        ({"address": "1 A St", "city": "B", "state": "Texas"}, "A skip trace by address also needs: two-letter state."),
        (
            {"first_name": "Ann", "last_name": "Lee", "zip": "78701"},
            "A skip trace needs an address with city and state; by name alone it also needs: city, two-letter state.",
        ),
        (
            {},
            "A skip trace needs an address with city and state; by name alone it also needs: first name, last name, "
            "city, two-letter state, five-digit ZIP.",
        ),
    ],
)
def test_a_question_that_cannot_be_asked_says_what_is_missing(given: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        skip_trace_query(**given)
    assert str(caught.value) == said


def test_a_company_is_not_taken_for_a_person() -> None:
    for name in ("Acme Co", "19th Road Llc", "DOE FAMILY TRUST", "Smith & Co.", "City of Austin", "First Bank, N.A."):
        assert is_company(name), name
    for person in ("John Doe", "Ann Trustman", "Incent Cole", "CO MARIA", "DOE ANN TRUSTEE", "", None):
        assert not is_company(person), person


# --- Whatever comes -------------------------------------------------------------------------------------------------

_NAMES = (
    *[
        "persons",
        "output",
        "identity",
        "data",
        "phones",
        "emails",
        "names",
        "phone",
        "email",
        "firstName",
        "lastName",
        "match",
        "statusCode",
        "address",
    ],
    *[
        "ethnicityCode",
        "maritalStatusDescription",
        "gender",
        "age",
        "occupationCode",
        "key",
        "input",
        "phoneType",
        "phoneFtcDnc",
    ],
)


@a_few
@given(nested(*_NAMES))
def test_any_body_gives_only_allowed_facts(body: Any) -> None:
    trace = persons.trace(body if isinstance(body, dict) else {}, asked={"last_name": "Doe"})
    assert set(trace.facts) <= set(CONTACT_KEYS)
    assert json.dumps(trace.facts).encode()


@a_few
@given(json_values | st.fixed_dictionaries({"data": nested(*_NAMES)}) | nested(*_NAMES), st.booleans())
def test_any_answer_gives_a_reply_or_a_vendor_failure(body: Any, batch: bool) -> None:
    asked = people("Doe", "Roe") if batch else people("Doe")
    with responses.RequestsMock() as wire:
        wire.post(BATCH if batch else SINGLE, body=json.dumps(body))
        try:
            reply = buy(*asked)
        except VendorFailure as failure:
            evidence = getattr(failure, "evidence", None)
            assert evidence is None or evidence.raw is None
            return
    assert set(reply.answers) == {query.key for query in asked}
    assert 0 <= reply.units <= len(asked)


@a_few
@given(json_values, json_values, json_values)
def test_contact_facts_take_anything(name: Any, emails: Any, address: Any) -> None:
    facts = contact_facts(
        first_name=name, last_name=name, emails=emails if isinstance(emails, list) else [], address=address
    )
    assert tuple(facts) == CONTACT_KEYS
