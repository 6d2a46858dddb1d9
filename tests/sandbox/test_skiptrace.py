"""Skip traces: RealEstateAPI's two endpoints and SignalHouse's one."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox import Sandbox
from tests.sandbox.helpers import Client, differences, ledger, running, sample

PHONE = re.compile(r"[2-9]\d\d55501\d\d")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[tuple[Sandbox, Client, Client]]:
    with running(generate=2000) as (sandbox, session):
        yield sandbox, Client(sandbox, "realestateapi", session), Client(sandbox, "signalhouse", session)


@pytest.fixture(scope="module")
def estate(sandbox: tuple[Sandbox, Client, Client]) -> Client:
    return sandbox[1]


@pytest.fixture(scope="module")
def house(sandbox: tuple[Sandbox, Client, Client]) -> Client:
    return sandbox[2]


def people(count: int, **more: Any) -> list[dict[str, Any]]:
    return [
        {"key": str(n), "first_name": f"Ann{n}", "last_name": "Stone", "zip": "98103", **more} for n in range(count)
    ]


def trace_many(client: Client, count: int, **more: Any) -> list[dict[str, Any]]:
    found = []
    for start in range(0, count, 100):
        skips = people(count, **more)[start : start + 100]
        found += client.post("/v2/SkipTraceBatchAwait", {"skips": skips}).json()["data"]
    return found


def found_person(client: Client) -> dict[str, Any]:
    """The request of the first person who is found."""
    for person in people(20):
        if client.post("/v2/SkipTrace", person).status_code == 200:
            return person
    raise AssertionError("nobody of twenty was found")


def missing_person(client: Client) -> dict[str, Any]:
    """The request of the first person who is not."""
    for person in people(100):
        if client.post("/v2/SkipTrace", person).status_code == 404:
            return person
    raise AssertionError("everybody of a hundred was found")


def test_a_match_has_the_keys_and_types_of_the_vendors_sample(estate: Client) -> None:
    person = found_person(estate)
    answer = estate.post("/v2/SkipTrace", person).json()
    assert differences(sample("reapi_skiptrace_v2_resp_200"), answer) == []
    assert (answer["match"], type(answer["requestExecutionTimeMS"]), "data" in answer) == (True, int, False)
    assert answer["input"] == person
    first = answer["persons"][0]
    assert (first["fullName"], first["address"]["zip"]) == (f"{person['first_name']} Stone", "98103")
    assert first["phones"][0]["phoneFtcDnc"] in ("Y", "N")
    for never_kept in ("ethnicityCode", "maritalStatusCode", "gender", "age", "occupationCode"):
        assert first[never_kept]


def test_no_match_is_404_with_an_empty_list_of_persons(estate: Client) -> None:
    answer = estate.post("/v2/SkipTrace", missing_person(estate))
    body = answer.json()
    assert answer.status_code == 404
    assert (body["persons"], body["match"], body["statusCode"]) == ([], False, 404)
    assert body["responseMessage"] == "No phones found for provided person."


def test_about_eight_of_ten_have_a_phone_and_some_only_an_email(estate: Client) -> None:
    found = trace_many(estate, 1000)
    with_phone = [item for item in found if item["match"] and item["persons"][0]["phones"]]
    only_email = [item for item in found if item["match"] and not item["persons"][0]["phones"]]
    assert 770 <= len(with_phone) <= 830
    assert 60 <= len(only_email) <= 100
    assert all(item["persons"][0]["emails"] for item in only_email)


def test_phones_and_emails_come_only_from_ranges_reserved_for_fiction(estate: Client) -> None:
    persons = [person for item in trace_many(estate, 300) for person in item["persons"]]
    phones = [phone["phone"] for person in persons for phone in person["phones"]]
    emails = [email for person in persons for email in person["emails"]]
    assert len(phones) > 200 < len(emails)
    assert all(PHONE.fullmatch(phone) for phone in phones)
    assert {phone[:3] for phone in phones} <= {"206", "425", "253", "564", "360"}
    assert all(email.endswith("@example.com") for email in emails)


@pytest.mark.parametrize(
    "where",
    [
        {"zip": "98103"},
        {"address": "10 Alder St", "city": "Seattle", "state": "WA", "zip": "98103"},
        {"mail_address": "1 Box", "mail_city": "Seattle", "mail_state": "WA", "mail_zip": "98103"},
    ],
)
def test_the_same_name_in_the_same_zip_is_the_same_person(estate: Client, where: dict[str, str]) -> None:
    person = found_person(estate)
    names = {key: person[key] for key in ("first_name", "last_name")}
    phones = estate.post("/v2/SkipTrace", person).json()["persons"][0]["phones"]
    names["first_name"] = names["first_name"].upper()
    assert estate.post("/v2/SkipTrace", {**names, **where}).json()["persons"][0]["phones"] == phones


def test_a_company_is_nobody_and_a_trust_has_a_trustee(estate: Client) -> None:
    place = {"zip": "98103"}
    assert estate.post("/v2/SkipTrace", {"last_name": "Beacon Rivers Holdings LLC", **place}).status_code == 404
    names = [f"{name} Family Trust" for name in ("Webb", "Wolfe", "Vega", "Nash")]
    found = [estate.post("/v2/SkipTrace", {"last_name": name, **place}).json()["persons"] for name in names]
    assert next(persons[0]["lastName"] for persons in found if persons) in ("Webb", "Wolfe", "Vega", "Nash")


def test_a_phone_or_an_email_alone_finds_someone_who_has_it(estate: Client) -> None:
    numbers = [f"20655501{n:02d}" for n in range(20)]
    found = [estate.post("/v2/SkipTrace", {"phone": number}).json()["persons"] for number in numbers]
    assert any(
        persons and persons[0]["phones"][0]["phone"] == number for persons, number in zip(found, numbers, strict=True)
    )


def test_match_requirements_are_honoured(estate: Client) -> None:
    strict = trace_many(estate, 200, match_requirements={"phones": True})
    both = trace_many(estate, 200, match_requirements={"phones": True, "emails": True, "operator": "and"})
    either = trace_many(estate, 200, match_requirements={"phones": True, "emails": True, "operator": "or"})
    assert all(item["persons"][0]["phones"] for item in strict if item["match"])
    assert all(item["persons"][0]["phones"] and item["persons"][0]["emails"] for item in both if item["match"])
    counts = [sum(item["match"] for item in items) for items in (both, strict, either)]
    assert counts == sorted(counts)
    assert counts[0] < counts[2]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"first_name": "A", "last_name": "B"}, '"SkipTraceRequest" must contain at least one of'),
        ({"address": "1 A St", "city": "B"}, '"address" missing required peer "state"'),
        ({"mail_address": "1 A St", "mail_state": "WA"}, '"mail_address" missing required peer "mail_city"'),
        ({"unit": "5", "zip": "98103"}, '"unit" missing required peer "address"'),
        ({"last_name": "B", "city": "Seattle"}, '"last_name" missing required peers [city, state, zip]'),
        ({"phone": "206-555-0100"}, '"phone" length must be 10 digits'),
        ({"zip": "981"}, '"zip" length must be 5 characters long'),
        ({"zip": "98103", "foo": "1"}, '"foo" is not allowed'),
        ({"zip": 98103}, '"zip" must be a string'),
        ({"email": "a@example.com", "gender": "M"}, "demographic filters require zip or city and state"),
        ({"zip": "98103", "match_requirements": {"phones": True, "emails": True}}, "operator"),
    ],
)
def test_a_bad_skip_trace_is_refused(estate: Client, body: dict[str, Any], message: str) -> None:
    answer = estate.post("/v2/SkipTrace", body)
    assert answer.status_code == 400
    assert message in answer.json()["message"]


def test_an_age_and_an_age_range_are_refused_in_the_vendors_words(estate: Client) -> None:
    answer = estate.post("/v2/SkipTrace", {"zip": "98103", "age": 40, "age_range_min": 30}).json()
    assert answer["message"] == sample("reapi_skiptrace_v2_resp_400")["message"]


def test_await_answers_in_the_order_asked_and_echoes_the_key(estate: Client) -> None:
    skips = people(100)
    answer = estate.post("/v2/SkipTraceBatchAwait", {"skips": skips}).json()
    assert [item["input"] for item in answer["data"]] == skips
    for item in answer["data"]:
        assert item["match"] is bool(item["persons"])
        assert item["statusCode"] == (200 if item["match"] else 404)
    single = estate.post("/v2/SkipTrace", skips[3]).json()
    assert answer["data"][3]["persons"] == single["persons"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, '"skips" is required'),
        ({"skips": []}, '"skips" must contain at least 1 items'),
        ({"skips": [{"zip": "98103"}] * 101}, '"skips" must contain less than or equal to 100 items'),
        ({"skips": [{"zip": "98103"}, {"phone": "1"}]}, '"skips[1].phone" length must be 10 digits'),
        ({"skips": [{"zip": "98103", "last_name": "x" * 270_000}]}, "Payload content length greater than maximum"),
    ],
)
def test_a_bad_batch_is_refused_as_a_whole(estate: Client, body: dict[str, Any], message: str) -> None:
    answer = estate.post("/v2/SkipTraceBatchAwait", body)
    assert answer.status_code == 400
    assert message in answer.json()["message"]


def test_the_2026_await_has_the_keys_of_its_sample() -> None:
    with running(generate=100, envelope="2026") as (sandbox, session):
        skips = people(30, address="1 A St", city="Seattle", state="WA")
        answer = Client(sandbox, "realestateapi", session).post("/v2/SkipTraceBatchAwait", {"skips": skips}).json()
    wanted = sample("reapi_skiptracebatchawait_resp_200_2026docs")
    for item in answer["data"]:
        assert differences(wanted, {**answer, "data": [item]}) == []
    assert set(answer) == {"statusCode", "statusMessage", "data"}


def test_only_matches_are_billed_and_asking_again_is_billed_again(sandbox: tuple[Sandbox, Client, Client]) -> None:
    server, estate, _ = sandbox
    found, missing = found_person(estate), missing_person(estate)
    estate.session.post(f"{server.base_url}/sandbox/ledger/reset", timeout=60)
    for person in (found, missing, {**found, "key": "another"}):
        estate.post("/v2/SkipTrace", person)
    report = ledger(server, estate.session)
    assert report["operations"]["skip_trace"]["units"] == "2"
    assert report["billed_twice"]["skip_trace"] == 1
    assert report["operations"]["skip_trace"]["answered"] == 3


OWNER = {"address": "10 Alder St", "city": "Seattle", "state": "WA", "zip": "98103"}


def owners(count: int) -> list[dict[str, Any]]:
    return [{"first_name": f"Ann{n}", "last_name": "Stone", **OWNER} for n in range(count)]


def test_signalhouse_answers_with_contacts_or_null(house: Client) -> None:
    answers = [house.post("/skip-trace", owner).json() for owner in owners(60)]
    found = [answer["data"] for answer in answers if answer["data"]]
    assert all(answer["success"] is True for answer in answers)
    assert 0 < len(found) < 60
    first = found[0]
    assert set(first) == {"firstName", "lastName", "phones", "emails", "mailingAddress"}
    assert first["mailingAddress"] == {"address": "10 Alder St", "city": "Seattle", "state": "WA", "zip": "98103"}
    for phone in (phone for data in found for phone in data["phones"]):
        assert (PHONE.fullmatch(phone["number"]) is not None, type(phone["dnc"])) == (True, bool)
        assert phone["type"] in ("mobile", "landline", "voip")


def test_signalhouse_with_phones_required_finds_nobody_without(house: Client) -> None:
    answers = [
        house.post("/skip-trace", {**owner, "match_requirements": {"phones": True}}).json() for owner in owners(60)
    ]
    assert all(answer["data"]["phones"] for answer in answers if answer["data"])


def test_signalhouse_replays_an_idempotency_key_and_bills_once(sandbox: tuple[Sandbox, Client, Client]) -> None:
    server, _, house = sandbox
    owner = next(owner for owner in owners(60) if house.post("/skip-trace", owner).json()["data"])
    house.session.post(f"{server.base_url}/sandbox/ledger/reset", timeout=60)
    headers = {**house.key, "Idempotency-Key": "lead-1"}
    first, again = (house.post("/skip-trace", owner, headers=headers) for _ in range(2))
    other = house.post("/skip-trace", {**owner, "last_name": "Rivers"}, headers=headers)
    assert first.json() == again.json()
    assert (other.status_code, list(other.json())) == (422, ["message"])
    report = ledger(server, house.session)
    assert report["operations"]["signalhouse_skip_trace"]["units"] == "1"
    assert report["billed_twice"]["signalhouse_skip_trace"] == 0


def test_signalhouse_refuses_with_a_message(house: Client) -> None:
    assert house.post("/skip-trace", owners(1)[0], headers={}).json() == {"message": "Unauthorized"}
    assert house.post("/skip-trace", {}, headers={"Authorization": "Bearer wrong"}).status_code == 401
    answer = house.post("/skip-trace", {"first_name": "A"})
    assert (answer.status_code, answer.json()) == (400, {"message": "last_name is required"})
