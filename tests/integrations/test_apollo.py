"""Apollo: people and organizations, matched by position or by evidence, and phones that come later."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import requests
import responses
from hypothesis import given
from responses.matchers import header_matcher, json_params_matcher, query_param_matcher

from integrations.vendors.apollo import client, parse, webhook
from integrations.vendors.apollo.adapters import OrganizationEnrich, PeopleMatch
from integrations.vendors.apollo.client import Health
from integrations.vendors.apollo.parse import (
    DATA_KEYS,
    DATA_ORGANIZATION_KEYS,
    Reveal,
    Window,
)
from integrations.vendors.apollo.queries import organization_query, people_query
from integrations.vendors.contract import Answer, Query, Reply
from integrations.vendors.errors import Category, HeldBack, InDoubt, Misconfigured, NotSent, Rejected, VendorFailure
from integrations.vendors.facts import ORGANIZATION_KEYS, PEOPLE_KEYS
from tests.integrations.samples import a_few, json_values, keys_of, nested, sample, sample_text

BASE = "http://apollo.test/api/v1"
PEOPLE, ORGANIZATIONS = f"{BASE}/people/bulk_match", f"{BASE}/organizations/bulk_enrich"
CALL = "01936f00-0000-7000-8000-000000000001"
NO_MATCH = Answer(category=Category.NOT_FOUND)
APOLLO = {
    "name": "Apollo.io",
    "website_url": "http://www.apollo.io",
    "primary_domain": "apollo.io",
    "industry": "information technology & services",
    "estimated_num_employees": 1600,
    "founded_year": 2015,
    "linkedin_url": "http://www.linkedin.com/company/apolloio",
}
MARCUS = {
    "apollo_person_id": "64a7ff0cc4dfae00013df1a5",
    "apollo_org_id": "5e66b6381e05b4008c8331b8",
    "apollo_title": "VP of Sales Operations",
    "apollo_company": "Apollo.io",
    "apollo_industry": "information technology & services",
    "apollo_linkedin_url": "http://www.linkedin.com/in/marcus-ellery-4c2b81de",
    "apollo_employee_count": 1600,
    "email": "marcus.ellery@apollo.io",
    "phone": None,
    "phone_type": None,
    "phone_do_not_call": None,
    "apollo_data": {
        "headline": "VP of Sales Operations at Apollo",
        "seniority": "founder",
        "departments": ["c_suite"],
        "city": "San Francisco",
        "state": "California",
        "country": "United States",
        "email_status": "verified",
        "organization": APOLLO,
    },
}


@pytest.fixture(autouse=True)
def vendor(settings: Any) -> None:
    settings.VENDORS = {"apollo": {"base_url": BASE, "key": "sesame"}}
    settings.APOLLO_WEBHOOK_URL = ""


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as simulated:
        yield simulated


def somebody(many: int, **flags: Any) -> list[Query]:
    return [people_query(email=f"p{index}@example.com", **flags) for index in range(many)]


def match(*queries: Query) -> Reply:
    return PeopleMatch(client.config()).call(queries, call_id=CALL)


def enrich(*queries: Query) -> Reply:
    return OrganizationEnrich(client.config()).call(queries, call_id=CALL)


# --- People ---------------------------------------------------------------------------------------------------------


def test_the_people_sample_parses_exactly(wire: responses.RequestsMock) -> None:
    queries = somebody(3)
    wire.post(
        PEOPLE,
        body=sample_text("apollo_people_bulk_match_200_result.json"),
        match=[
            json_params_matcher({"details": [{"email": f"p{index}@example.com"} for index in range(3)]}),
            query_param_matcher({"reveal_personal_emails": "true", "reveal_phone_number": "true", "poll_only": "true"}),
            header_matcher({"x-api-key": "sesame"}),
        ],
    )
    reply = match(*queries)
    assert (reply.units, reply.claimed, reply.status) == (Decimal(3), Decimal(3), 200)
    assert reply.request_id == "1039995589705121900"
    assert reply.later == 3 * 9 - 3
    facts = [reply.answers[query.key].facts for query in queries]
    assert facts[0] == MARCUS
    assert [person["email"] for person in facts] == [
        "marcus.ellery@apollo.io",
        "brian.calderwood@apollo.io",
        "nadia.calloway@apollo.io",
    ]


def test_the_legacy_sample_has_fractional_credits_and_a_phone(wire: responses.RequestsMock) -> None:
    queries = somebody(2, reveal_phones=False)
    wire.post(PEOPLE, json=sample("apollo_legacy_people_bulk_match_200.json"))
    reply = match(*queries)
    first, second = (reply.answers[query.key].facts for query in queries)
    assert (reply.units, reply.claimed, reply.request_id) == (Decimal(2), Decimal("1.01"), "")
    assert (first["phone"], first["phone_type"], first["email"]) == ("+14156409303", "", "person14@example.com")
    assert (second["phone"], second["email"]) == (None, "person15@example.com")


def test_the_waterfall_sample_names_no_credits_and_costs_what_the_list_says(
    wire: responses.RequestsMock,
) -> None:
    (query,) = somebody(1)
    wire.post(PEOPLE, json=sample("apollo_people_bulk_match_200_waterfall_enrichment_result.json"))
    reply = match(query)
    assert (reply.units, reply.claimed, reply.later) == (Decimal(1), None, Decimal(8))
    assert reply.request_id == "1039995589705121900"
    assert reply.answers[query.key].facts["apollo_title"] == "VP of Sales Operations"


def test_matches_are_positional_and_null_is_nobody(wire: responses.RequestsMock) -> None:
    queries = somebody(3)
    matches = [None, {"id": "b", "email": "B@Example.com"}, "garbage"]
    wire.post(PEOPLE, json={"matches": matches, "credits_consumed": 1, "request_id": -(2**63)})
    reply = match(*queries)
    assert reply.answers[queries[0].key] == NO_MATCH
    assert reply.answers[queries[1].key].facts["email"] == "b@example.com"
    assert reply.answers[queries[2].key] == Answer(category=Category.INVALID_DATA)
    assert reply.request_id == "-9223372036854775808"
    assert (reply.units, reply.claimed, reply.later) == (Decimal(2), Decimal(1), Decimal(16))  # garbage may be billed
    assert reply.evidence is not None
    assert (reply.evidence.why, reply.evidence.raw) == ("has a match that is no person", None)  # b's record is in it


@pytest.mark.parametrize(
    ("match_", "units"),
    [
        ({"id": "1", "email": "a@example.com"}, 1),
        ({"id": "1", "personal_emails": ["a@example.com"]}, 1),
        ({"id": "1", "first_name": "Ann", "last_name": "Lee", "title": "Owner"}, 1),
        ({"id": "1", "first_name": "Ann", "last_name": "Lee", "name": "Ann Lee", "email": None}, 0),
        ({"id": "1", "name": "Ann Lee", "email": "email_not_unlocked@domain.com"}, 0),
        ({}, 0),
        (None, 0),
    ],
)
@pytest.mark.parametrize("claimed", [0, 10, None])
def test_a_person_with_data_is_1_and_with_none_is_free_whatever_apollo_claims(
    wire: responses.RequestsMock, match_: Any, units: int, claimed: Any
) -> None:
    wire.post(PEOPLE, json={"matches": [match_], "credits_consumed": claimed})
    reply = match(*somebody(1, reveal_phones=False))
    assert (reply.units, reply.later) == (Decimal(units), None)
    assert reply.claimed == (None if claimed is None else Decimal(claimed))


@pytest.mark.parametrize(
    ("kind", "reveals", "units", "later"),
    [
        ("mobile", True, 9, None),
        ("other", True, 9, None),
        (None, True, 9, None),
        ("landline", True, 1, 8),
        ("mobile", False, 1, None),
    ],
)
def test_a_mobile_in_the_first_answer_is_8_more_where_it_was_asked_for_and_nothing_comes_later(
    wire: responses.RequestsMock, kind: str | None, reveals: bool, units: int, later: int | None
) -> None:
    person = {"id": "1", "email": "a@example.com", "phone_numbers": [{"raw_number": "+15125550100", "type": kind}]}
    wire.post(PEOPLE, json={"matches": [person]})
    (query,) = somebody(1, reveal_phones=reveals)
    reply = match(query)
    assert (reply.units, reply.later) == (Decimal(units), None if later is None else Decimal(later))
    assert reply.answers[query.key].facts["phone"] == "+15125550100"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (2**63 - 1, str(2**63 - 1)),
        ("0f8fad5b-d9cb-469f-a165-70867728950e", "0f8fad5b-d9cb-469f-a165-70867728950e"),
        (10**39, str(10**39)),
        ("x" * 65, ""),
        (10**80, ""),
        (1.5, ""),
        (True, ""),
        (None, ""),
        ("", ""),
        ({}, ""),
    ],
)
def test_a_request_id_is_kept_whole_or_not_at_all(wire: responses.RequestsMock, given: Any, kept: str) -> None:
    wire.post(PEOPLE, json={"matches": [None], "request_id": given})
    assert match(*somebody(1)).request_id == kept


@pytest.mark.parametrize("matches", [[None], [None, None, None], None, {}])
def test_matches_that_cannot_be_counted_off_are_charged_and_kept(wire: responses.RequestsMock, matches: Any) -> None:
    wire.post(PEOPLE, json={"status": "success", "matches": matches})
    with pytest.raises(Rejected) as caught:
        match(*somebody(2))
    assert (caught.value.charged, caught.value.units) == (True, Decimal(2))  # of 18 reserved
    assert caught.value.evidence is not None
    assert json.loads(caught.value.evidence.raw or b"")["matches"] == matches


def test_companies_that_are_no_list_are_charged_one_each_and_kept(wire: responses.RequestsMock) -> None:
    wire.post(ORGANIZATIONS, json={"organizations": "many"})
    with pytest.raises(Rejected) as caught:
        enrich(*(organization_query(name=name) for name in ("A LLC", "B LLC", "C LLC")))
    assert (caught.value.charged, caught.value.units) == (True, Decimal(3))
    assert caught.value.evidence is not None
    assert caught.value.evidence.why == "has no list of companies"


def test_a_phone_is_revealed_to_our_webhook_where_there_is_one(wire: responses.RequestsMock, settings: Any) -> None:
    settings.APOLLO_WEBHOOK_URL = "https://us.example.com/hook/"
    address = webhook.address("https://us.example.com/hook", CALL)
    wire.post(
        PEOPLE,
        json={"matches": [None]},
        match=[
            query_param_matcher(
                {
                    "reveal_personal_emails": "false",
                    "reveal_phone_number": "true",
                    "webhook_url": address,
                }
            )
        ],
    )
    match(*somebody(1, reveal_emails=False))


def test_without_phones_there_is_no_webhook_and_the_weight_is_1(wire: responses.RequestsMock, settings: Any) -> None:
    settings.APOLLO_WEBHOOK_URL = "https://us.example.com/hook"
    wire.post(
        PEOPLE,
        json={"matches": [None]},
        match=[query_param_matcher({"reveal_personal_emails": "true", "reveal_phone_number": "false"})],
    )
    (query,) = somebody(1, reveal_phones=False)
    assert (match(query).units, query.weight, somebody(1)[0].weight) == (Decimal(0), 1, 9)


def test_people_of_one_request_share_their_flags_and_are_at_most_10() -> None:
    with pytest.raises(ValueError, match="same reveal flags"):
        match(*somebody(1), *somebody(1, reveal_phones=False))
    with pytest.raises(ValueError, match="1 to 10 inputs, not 11"):
        match(*somebody(11))


@pytest.mark.parametrize(
    ("status", "name", "kind", "reason"),
    [
        (
            400,
            "apollo_people_bulk_match_400_add_people_to_enrich.json",
            Rejected,
            "Apollo does not accept the request (400): invalid request, missing details.",
        ),
        (
            400,
            "apollo_people_bulk_match_400_more_than_10_people.json",
            Rejected,
            "Apollo does not accept the request (400): cannot enrich more than 10 in a single request.",
        ),
        (
            401,
            "apollo_people_match_401_check_api_key.txt",
            Misconfigured,
            "Apollo refused the key (401): Invalid API key. See https://docs.apollo.io/reference/authentication for "
            "how to authenticate.",
        ),
        (
            403,
            "apollo_organizations_bulk_enrich_403_insufficient_api_scope.json",
            Misconfigured,
            "Apollo does not allow this to the key (403): This API key is not authorized to access "
            "api/v1/organizations/bulk_enrich. Request an API key from your administrator that includes this "
            "endpoint in its config….",
        ),
        (
            422,
            "apollo_organizations_enrich_422_add_a_company_to_enrich.json",
            Rejected,
            "Apollo does not accept the request (422): Required parameter 'domain' missing.",
        ),
        (
            429,
            "apollo_people_bulk_match_429_too_many_requests.json",
            HeldBack,
            "Apollo is asked too often (429): The maximum number of api calls allowed for api/v1/people/bulk_match is "
            "600 times per hour. Please upgrade your plan from https://app.apollo.io/#/settings/plan….",
        ),
    ],
)
def test_each_error_of_the_vendors_page_is_one_of_the_four_kinds(
    wire: responses.RequestsMock, status: int, name: str, kind: type[VendorFailure], reason: str
) -> None:
    wire.post(PEOPLE, status=status, body=sample_text(name), headers={"retry-after": "27"})
    with pytest.raises(VendorFailure) as caught:
        match(*somebody(1))
    assert (type(caught.value), caught.value.status, caught.value.reason) == (kind, status, reason)
    assert getattr(caught.value, "retry_after", None) == (27.0 if status == 429 else None)


def test_no_credits_left_needs_an_operator_whatever_the_status(wire: responses.RequestsMock) -> None:
    for status in (402, 403, 422):
        wire.post(PEOPLE, status=status, json={"error": "You have insufficient credits"})
        with pytest.raises(Misconfigured) as caught:
            match(*somebody(1))
        assert caught.value.reason == f"Apollo wants to be paid first ({status}): You have insufficient credits."


@pytest.mark.parametrize(
    ("body", "pauses"),
    [
        ("<html>", True),
        ("closed", True),
        ("[]", False),
        ("7", False),
        ('{"matches": [', False),
        ('{"status":"ok"}', False),
    ],
)
def test_a_success_that_is_not_apollos_answer_is_in_doubt_and_not_charged(
    wire: responses.RequestsMock, body: str, pauses: bool
) -> None:
    wire.post(PEOPLE, body=body)
    wire.post(ORGANIZATIONS, body=body)
    for buy in (lambda: match(*somebody(1)), lambda: enrich(organization_query(domain="a.com"))):
        with pytest.raises(InDoubt) as caught:
            buy()
        assert (caught.value.pauses, caught.value.server_error) == (pauses, False)


@pytest.mark.parametrize(
    ("status", "body"),
    [(404, {"error_code": "request_id_unknown"}), (404, {"error": "x"}), (301, None), (410, {"error_code": "x"})],
)
def test_apollos_error_codes_belong_to_the_poll_alone(wire: responses.RequestsMock, status: int, body: Any) -> None:
    wire.post(PEOPLE, status=status, json=body)
    with pytest.raises(Misconfigured, match="check its base URL"):
        match(*somebody(1))


def test_what_apollo_data_keeps_is_listed_and_has_no_photo() -> None:
    person = sample("apollo_people_bulk_match_200_result.json")["matches"][0]
    kept = parse.person({**person, "photo_url": "https://x/y.jpg", "linkedin_url": "javascript:alert(1)"})
    assert tuple(kept) == PEOPLE_KEYS
    assert keys_of(kept["apollo_data"]) == {*DATA_KEYS, *DATA_ORGANIZATION_KEYS}
    assert kept["apollo_linkedin_url"] is None
    assert "photo" not in json.dumps(kept)


def test_a_locked_email_is_none_and_a_personal_one_is_taken_instead() -> None:
    person = {"email": "email_not_unlocked@domain.com", "personal_emails": ["Me@Example.com"]}
    assert parse.person(person)["email"] == "me@example.com"


# --- Phones that come later -----------------------------------------------------------------------------------------


def test_the_phone_callback_parses_exactly() -> None:
    assert parse.reveal(sample("apollo_webhook_push_phone.json")) == Reveal(
        ready=True,
        phones={"587cf802f65125cad923a266": {"phone": "+15555550164", "phone_type": "", "phone_do_not_call": False}},
        claimed=Decimal(1),
    )


@pytest.mark.parametrize(
    "name", ["apollo_webhook_push_waterfall.json", "apollo_webhook_result_200_waterfall_enrichment.json"]
)
def test_the_waterfall_result_parses_exactly_pushed_or_fetched(wire: responses.RequestsMock, name: str) -> None:
    wire.get(f"{BASE}/webhook_result/1039995589705121900", json=sample(name))
    assert client.reveal("1039995589705121900") == Reveal(
        ready=True,
        phones={"695f655dc46b8364aefc80c0": {"phone": "+19165550111", "phone_type": "", "phone_do_not_call": None}},
        claimed=Decimal(0),
    )


@pytest.mark.parametrize("body", [{}, {"people": "x"}, {"webhook_status": "failed", "webhook_result": None}])
def test_what_lists_no_people_is_no_result(body: Any) -> None:
    assert parse.reveal(body) == Reveal(ready=False)


def test_a_push_that_names_no_charge_claims_none() -> None:
    body = sample("apollo_webhook_push_phone.json")
    del body["credits_consumed"]
    assert parse.reveal(body).claimed is None


def test_an_address_names_its_call_and_no_other_is_known(settings: Any) -> None:
    address = webhook.address("https://us.example.com/hook/", CALL)
    token = address.removeprefix("https://us.example.com/hook/")
    assert str(webhook.call_of(token)) == CALL
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", [settings.SECRET_KEY]
    assert str(webhook.call_of(token)) == CALL
    settings.SECRET_KEY_FALLBACKS = []
    assert [webhook.call_of(wrong) for wrong in (token, "", "x:y", CALL)] == [None] * 4


def test_a_result_still_pending_says_when_to_ask_again(wire: responses.RequestsMock) -> None:
    wire.get(
        f"{BASE}/webhook_result/-5", status=404, json=sample("apollo_webhook_result_404_result_still_processing.json")
    )
    assert client.reveal("-5") == Reveal(ready=False, retry_after=10)


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "apollo_webhook_result_400_malformed_request_id.json"),
        (401, "apollo_webhook_result_401_unauthorized.txt"),
        (404, "apollo_webhook_result_404_request_id_not_recognized.json"),
        (410, "apollo_webhook_result_410_result_expired.json"),
    ],
)
def test_a_result_that_is_lost_is_a_failure_that_cost_nothing(
    wire: responses.RequestsMock, status: int, name: str
) -> None:
    wire.get(f"{BASE}/webhook_result/5", status=status, body=sample_text(name))
    with pytest.raises(Misconfigured if status == 401 else Rejected) as caught:
        client.reveal("5")
    assert caught.value.status == status
    assert not getattr(caught.value, "charged", False)


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_may_not_poll_is_said_to_be_one(wire: responses.RequestsMock, status: int) -> None:
    wire.get(f"{BASE}/webhook_result/5", status=status, json={"error": "no scope"})
    with pytest.raises(Misconfigured) as caught:
        client.reveal("5")
    assert caught.value.reason == f"Apollo: this key may not ask ({status}): no scope."


@pytest.mark.parametrize("status", [404, 410])
@pytest.mark.parametrize("body", ["<html>", "{}", '{"error":"Not Found"}', "null"])
def test_a_poll_that_lands_elsewhere_tells_nothing_of_the_request(
    wire: responses.RequestsMock, status: int, body: str
) -> None:
    wire.get(f"{BASE}/webhook_result/5", status=status, body=body)
    with pytest.raises(Misconfigured, match="check its base URL"):
        client.reveal("5")


@pytest.mark.parametrize("status", [500, 503, 504])
def test_a_poll_is_never_in_doubt(wire: responses.RequestsMock, status: int) -> None:
    wire.get(f"{BASE}/webhook_result/5", status=status)
    with pytest.raises(NotSent):
        client.reveal("5")


@pytest.mark.parametrize("request_id", ["", "..", "a/b", "1 2", "?x=1", "x" * 65, "é"])
def test_an_id_that_would_change_the_address_is_not_asked_for(request_id: str) -> None:
    with responses.RequestsMock() as wire:
        assert client.reveal(request_id) == Reveal(ready=False)
    assert len(wire.calls) == 0


def test_an_unusual_id_is_asked_for_as_it_is(wire: responses.RequestsMock) -> None:
    odd = "0f8fad5b-d9cb-469f-a165-70867728950e"
    wire.get(f"{BASE}/webhook_result/{odd}", status=400, json={"error_code": "invalid_request_id"})
    with pytest.raises(Rejected) as caught:
        client.reveal(odd)
    assert caught.value.status == 400


# --- Organizations --------------------------------------------------------------------------------------------------


def test_the_organization_sample_parses_exactly(wire: responses.RequestsMock) -> None:
    query = organization_query(domain="https://www.Apollo.io/about")
    wire.post(
        ORGANIZATIONS,
        json={
            "status": "success",
            "organizations": [sample("apollo_organizations_enrich_200_result.json")["organization"]],
        },
        match=[query_param_matcher({"domains[]": "apollo.io"})],
    )
    reply = enrich(query)
    assert reply.units == Decimal(1)
    assert reply.answers == {
        query.key: Answer(
            facts={
                "apollo_org_id": "5e66b6381e05b4008c8331b8",
                "apollo_company": "Apollo.io",
                "apollo_industry": "information technology & services",
                "apollo_linkedin_url": "http://www.linkedin.com/company/apolloio",
                "apollo_employee_count": 1600,
                "apollo_data": {"organization": APOLLO},
            }
        )
    }


def test_organizations_are_told_apart_by_domain_or_name_in_any_order(wire: responses.RequestsMock) -> None:
    queries = [
        organization_query(name="Acme, Inc."),
        organization_query(domain="b.com"),
        organization_query(domain="c.com"),
    ]
    wire.post(
        ORGANIZATIONS,
        json={
            "organizations": [
                None,
                {"id": "2", "primary_domain": "b.com", "name": "B"},
                {"id": "1", "name": "ACME Inc"},
            ],
            "credits_consumed": 2,
        },
        match=[json_params_matcher({"details": [{"name": "Acme, Inc."}, {"domain": "b.com"}, {"domain": "c.com"}]})],
    )
    reply = enrich(*queries)
    assert [reply.answers[query.key].facts.get("apollo_org_id") for query in queries] == ["1", "2", None]
    assert reply.answers[queries[2].key] == NO_MATCH
    assert reply.units == Decimal(2)


def test_one_question_with_one_company_in_answer_needs_no_link(wire: responses.RequestsMock) -> None:
    query = organization_query(domain="old-name.com")
    wire.post(ORGANIZATIONS, json={"organizations": [{"id": "1", "primary_domain": "new-name.com"}]})
    assert enrich(query).answers[query.key].facts["apollo_org_id"] == "1"


NAMED = [
    ("Acme, L.L.C.", "ACME"),
    ("ACME HOLDINGS LLC", "Acme Holdings"),
    ("Smith & Sons Co", "Smith and Sons"),
    ("THE WILLOW GROVE COMPANY, INC.", "Willow Grove"),
    ("O'Neil Bros Ltd", "ONEIL BROS."),
]


@pytest.mark.parametrize(("asked", "called"), NAMED)
@pytest.mark.parametrize("listed_first", [True, False])
def test_a_company_is_known_by_its_name_with_and_without_its_legal_form(
    wire: responses.RequestsMock, asked: str, called: str, listed_first: bool
) -> None:
    one, other = organization_query(name=asked), organization_query(name="Zebra Rentals LLC")
    companies = [{"id": "1", "name": called}, {"id": "2", "name": "Zebra Rentals"}]
    wire.post(ORGANIZATIONS, json={"organizations": companies if listed_first else companies[::-1]})
    reply = enrich(one, other)
    assert [reply.answers[query.key].facts.get("apollo_org_id") for query in (one, other)] == ["1", "2"]
    assert reply.units == Decimal(2)


@pytest.mark.parametrize(
    ("names", "listed", "ids", "units"),
    [
        (["Acme Holdings LLC", "B LLC"], [{"id": "1", "name": "Acme"}, None], ["1", None], 1),
        (["A LLC", "B LLC", "C LLC"], [None, {"id": "2", "name": "Something Else"}, None], [None, "2", None], 1),
        (["A LLC", "B LLC"], [{"id": "1", "name": "A"}, {"id": "2", "name": "Quite Another"}], ["1", "2"], 2),
        (["Acme LLC", "Acme Inc"], [{"id": "1", "name": "Acme"}], ["1", "1"], 1),
        (["A LLC", "B LLC"], [{"id": "1", "name": "X"}, {"id": "2", "name": "Y"}], ["?", "?"], 2),
        (["A LLC", "B LLC", "C LLC"], [{"id": "1", "name": "X"}], ["?", "?", "?"], 1),
        (["A LLC", "B LLC"], [{"id": "1", "name": "A"}, "garbage"], ["1", "?"], 2),
        (["A LLC", "B LLC"], [7, {"id": "2", "name": "B"}], ["?", "2"], 2),
        (["A LLC", "B LLC"], ["garbage", None], ["?", "?"], 1),
        (["A LLC", "B LLC"], [None, None], [None, None], 0),
        (["A LLC", "B LLC"], [], [None, None], 0),
    ],
)
def test_a_company_that_is_billed_is_linked_or_said_to_be_unreadable_and_never_lost(
    wire: responses.RequestsMock, names: list[str], listed: list[Any], ids: list[str | None], units: int
) -> None:
    queries = [organization_query(name=name) for name in names]
    wire.post(ORGANIZATIONS, json={"organizations": listed, "credits_consumed": 10})
    reply = enrich(*queries)
    unreadable = Answer(category=Category.INVALID_DATA)
    for query, told in zip(queries, ids, strict=True):
        answer = reply.answers[query.key]
        if told in (None, "?"):
            assert answer == (unreadable if told else NO_MATCH)
        else:
            assert answer.facts["apollo_org_id"] == told
    assert (reply.units, reply.claimed) == (Decimal(units), Decimal(10))
    why = reply.evidence and reply.evidence.why
    assert why == ("has a company that answers no question" if "?" in ids else None)
    if reply.evidence:
        assert json.loads(reply.evidence.raw or b"")["organizations"] == listed


@pytest.mark.parametrize("organizations", [[], [None], [{}]])
def test_no_company_is_no_match_and_free(wire: responses.RequestsMock, organizations: Any) -> None:
    query = organization_query(domain="a.com")
    wire.post(ORGANIZATIONS, json={"organizations": organizations})
    assert enrich(query) == Reply(answers={query.key: NO_MATCH}, units=Decimal(0))


@pytest.mark.parametrize(
    "name",
    [
        "apollo_organizations_bulk_enrich_400_add_domains.json",
        "apollo_organizations_bulk_enrich_400_more_than_10_companies.json",
    ],
)
def test_a_refused_organization_request_is_free(wire: responses.RequestsMock, name: str) -> None:
    wire.post(ORGANIZATIONS, status=400, json=sample(name))
    with pytest.raises(Rejected) as caught:
        enrich(organization_query(domain="a.com"))
    assert (caught.value.status, caught.value.charged) == (400, False)
    assert sample(name)["error_message"] in caught.value.reason


# --- Health ---------------------------------------------------------------------------------------------------------


def test_health_is_the_key_and_the_rate_windows_even_empty_ones(wire: responses.RequestsMock) -> None:
    wire.get(
        f"{BASE}/auth/health",
        json=sample("apollo_auth_health_200.json"),
        headers={
            "x-rate-limit-minute": "1000",
            "x-minute-usage": "3",
            "x-minute-requests-left": "997",
            "x-rate-limit-hourly": "",
        },
    )
    assert client.health() == Health(
        ok=True, reason="", rate={"minute": Window(1000, 3, 997), "hour": Window(None, None, None)}
    )


def test_health_tells_a_refused_key_and_never_raises(wire: responses.RequestsMock, settings: Any) -> None:
    wire.get(f"{BASE}/auth/health", status=401, body="Invalid API key.")
    assert client.health() == Health(ok=False, reason="Apollo refused the key (401): Invalid API key.")
    wire.get(f"{BASE}/auth/health", json={"is_logged_in": False})
    assert client.health() == Health(ok=False, reason="Apollo does not know the key.")
    wire.get(f"{BASE}/auth/health", body=requests.ConnectionError())
    assert client.health().ok is False
    settings.VENDORS = {"apollo": {"base_url": BASE, "key": ""}}
    assert client.health() == Health(ok=False, reason="APOLLO_API_KEY is not set: Apollo cannot be asked.")


# --- The question ---------------------------------------------------------------------------------------------------


def test_spelling_does_not_change_who_is_asked_about_but_the_flags_do() -> None:
    one = people_query(first_name="Tim", last_name="O'Neil", domain="https://www.Apollo.io/")
    other = people_query(first_name=" TIM", last_name="oneil ", domain="apollo.io")
    assert one.key == other.key
    assert one.params["details"] == {"first_name": "Tim", "last_name": "O'Neil", "domain": "apollo.io"}
    keys = {
        people_query(email="a@example.com", reveal_emails=emails, reveal_phones=phones).key
        for emails in (True, False)
        for phones in (True, False)
    }
    assert len(keys) == 4
    assert people_query(email="a.b@example.com").key != people_query(email="ab@example.com").key
    assert organization_query(domain="WWW.a.com").key == organization_query(domain="a.com", name="A").key


@pytest.mark.parametrize(
    ("given", "lacking"),
    [
        ({}, "a whole name with a company or domain"),
        ({"first_name": "Tim", "domain": "a.com"}, "a whole name"),
        ({"name": "Tim Z"}, "a company or domain"),
        ({"email": "not one"}, "a whole name with a company or domain"),
    ],
)
def test_a_question_that_would_find_a_namesake_says_what_is_missing(given: dict[str, Any], lacking: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        people_query(**given)
    assert str(caught.value) == f"An Apollo people match needs an e-mail, a LinkedIn address, or {lacking}."


@pytest.mark.parametrize("given", [{}, {"domain": "not a domain"}, {"name": " "}])
def test_an_organization_needs_a_domain_or_name(given: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="needs a domain or a name"):
        organization_query(**given)


# --- Whatever comes -------------------------------------------------------------------------------------------------

_NAMES = (
    *[
        "matches",
        "organizations",
        "id",
        "organization",
        "name",
        "primary_domain",
        "email",
        "personal_emails",
        "phone_numbers",
        "people",
    ],
    *[
        "sanitized_number",
        "departments",
        "photo_url",
        "credits_consumed",
        "request_id",
        "webhook_result",
        "is_logged_in",
    ],
)


@pytest.mark.long
@a_few
@given(json_values | nested(*_NAMES))
def test_any_answer_gives_only_allowed_facts_or_a_vendor_failure(body: Any) -> None:
    bodies = [body, {"matches": [body], "organizations": [body]}]
    for sent in bodies:
        with responses.RequestsMock(assert_all_requests_are_fired=False) as wire:
            for url in (PEOPLE, ORGANIZATIONS):
                wire.post(url, body=json.dumps(sent))
            wire.get(f"{BASE}/auth/health", body=json.dumps(sent))
            wire.get(f"{BASE}/webhook_result/1", body=json.dumps(sent))
            assert client.health().ok in (True, False)
            for call, allowed in (
                (lambda: match(*somebody(1)), PEOPLE_KEYS),
                (lambda: enrich(organization_query(domain="a.com")), ORGANIZATION_KEYS),
            ):
                try:
                    reply = call()
                except VendorFailure:
                    continue
                for answer in reply.answers.values():
                    assert set(answer.facts) <= set(allowed)
                    assert json.dumps(answer.facts).encode()
                assert reply.units >= 0
            try:
                client.reveal("1")
            except VendorFailure:
                continue
