"""Apollo's own count of its credits, pushes around a lost answer, odd request ids, and companies asked for by name."""

import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import requests

from sandbox import Sandbox
from sandbox.faults import Fault
from tests.sandbox.helpers import Client, ledger, running, sample
from tests.sandbox.test_apollo import PEOPLE, eventually, receiver

__all__ = ["receiver"]
REVEAL = "/people/bulk_match?reveal_phone_number=true"
POLLED = f"{REVEAL}&poll_only=true"
USAGE = "/usage_stats/credit_usage_stats"


@pytest.fixture
def server() -> Iterator[tuple[Sandbox, Client]]:
    """One of the test's own: what an earlier one left under way, a push or a request given up, bills elsewhere."""
    with running(generate=100, webhook_delay_s=0.05, prices={"apollo_credit": Decimal("0.02")}) as (sandbox, session):
        yield sandbox, Client(sandbox, "apollo", session)


@pytest.fixture
def apollo(server: tuple[Sandbox, Client]) -> Client:
    return server[1]


def consumed(apollo: Client) -> tuple[int, int]:
    stats = apollo.post(USAGE).json()["credit_usage_stats"]
    return stats["lead_credit"]["consumed"], stats["direct_dial_credit"]["consumed"]


def units(server: tuple[Sandbox, Client]) -> int:
    report = ledger(server[0], server[1].session)["operations"]
    return int(report["apollo_people"]["units"]) + int(report["apollo_organizations"]["units"])


# --- Its own count ---------------------------------------------------------------------------------------------------


def test_the_credit_usage_has_the_keys_of_the_vendors_sample_and_the_running_month(apollo: Client) -> None:
    answer, wanted = apollo.post(USAGE).json(), sample("apollo_usage_credit_usage_stats_200_ok")
    assert set(answer["credit_usage_stats"]) == set(wanted["credit_usage_stats"])
    for name, stats in answer["credit_usage_stats"].items():
        assert set(stats) == set(wanted["credit_usage_stats"][name])
    cycle = answer["current_credit_cycle"]
    assert set(cycle) == set(wanted["current_credit_cycle"])
    assert cycle["start_date"][8:] == cycle["end_date"][8:] == "01T00:00:00.000Z"
    assert cycle["start_date"] < time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) < cycle["end_date"]


def test_the_credit_usage_is_the_ledgers_bill_mobiles_apart(server: tuple[Sandbox, Client], apollo: Client) -> None:
    assert consumed(apollo) == (0, 0)
    people = apollo.post(POLLED, {"details": PEOPLE}).json()
    eventually(lambda: apollo.get(f"/webhook_result/{people['request_id']}").ok)
    companies = apollo.post("/organizations/bulk_enrich", {"details": [{"domain": "a.example.com"}] * 2}).json()
    data = people["credits_consumed"] + companies["unique_enriched_records"]
    assert consumed(apollo)[0] == data
    assert consumed(apollo)[1] % 8 == 0
    assert sum(consumed(apollo)) == units(server) > data


def test_what_was_billed_and_never_answered_is_in_the_credit_usage(
    server: tuple[Sandbox, Client], apollo: Client
) -> None:
    server[0].faults.replace([Fault("apollo_people", "500", billed=True)])
    assert apollo.post("/people/bulk_match", {"details": PEOPLE}).status_code == 500
    assert consumed(apollo)[0] == units(server) > 0


@pytest.mark.parametrize("by", ["key", "fault"])
def test_a_key_that_is_no_master_key_may_not_ask_for_the_usage(
    server: tuple[Sandbox, Client], apollo: Client, by: str
) -> None:
    headers = {"x-api-key": "sandbox-apollo-key-test"} if by == "key" else None
    if by == "fault":
        server[0].faults.replace([Fault("usage", "403")])
    answer = apollo.post(USAGE, headers=headers)
    wanted = sample("apollo_usage_credit_usage_stats_403_need_master_api_key")
    assert (answer.status_code, answer.json()) == (403, wanted)
    assert apollo.get("/auth/health").status_code == 200


def test_the_fault_of_all_paid_doors_leaves_the_usage_alone(server: tuple[Sandbox, Client], apollo: Client) -> None:
    server[0].faults.replace([Fault("*", "500")])
    assert apollo.post(USAGE).status_code == 200
    server[0].faults.replace([Fault("probe", "500")])
    assert apollo.post(USAGE).status_code == 500


# --- What an answer and a push say -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "times"), [("credits_0", 0), ("credits_10", 10)])
def test_credits_consumed_may_lie(server: tuple[Sandbox, Client], apollo: Client, kind: str, times: int) -> None:
    server[0].faults.replace([Fault("apollo_people", kind)])
    said = apollo.post("/people/bulk_match", {"details": PEOPLE}).json()["credits_consumed"]
    assert said == times * units(server)
    assert units(server) > 0


@pytest.mark.parametrize(("kind", "times"), [("webhook_credits_0", 0), ("webhook_credits_10", 10)])
def test_a_push_may_lie_about_its_credits(
    server: tuple[Sandbox, Client], apollo: Client, receiver: Any, kind: str, times: int
) -> None:
    url, came = receiver
    server[0].faults.replace([Fault("apollo_people", kind)])
    answer = apollo.post(f"{REVEAL}&webhook_url={url}", {"details": PEOPLE}).json()
    _, push = eventually(lambda: came and came[0])
    mobiles = sum(bool(person["phone_numbers"]) for person in push["people"])
    assert push["credits_consumed"] == 8 * mobiles * times
    assert units(server) == answer["credits_consumed"] + 8 * mobiles


@pytest.mark.parametrize("fault", [("timeout", 0.4), ("cut", None), ("500", None)], ids=lambda fault: fault[0])
def test_a_push_comes_although_the_answer_was_lost(
    server: tuple[Sandbox, Client], apollo: Client, receiver: Any, fault: tuple[str, float | None]
) -> None:
    url, came = receiver
    kind, seconds = fault
    server[0].faults.replace([Fault("apollo_people", kind, seconds=seconds, billed=kind == "500")])
    ask = f"{REVEAL}&webhook_url={url}/lost"
    if kind == "500":
        assert apollo.post(ask, {"details": PEOPLE}).status_code == 500
    else:
        with pytest.raises(requests.ConnectionError):
            apollo.post(ask, {"details": PEOPLE})
    path, push = eventually(lambda: came and came[0])
    assert (path, push["status"]) == ("/lost", "success")
    assert units(server) > push["credits_consumed"] > 0


def test_a_push_may_come_before_the_answer(server: tuple[Sandbox, Client], apollo: Client, receiver: Any) -> None:
    url, came = receiver
    server[0].faults.replace(
        [Fault("apollo_people", "slow", seconds=0.5, billed=True), Fault("apollo_people", "webhook_early")]
    )
    before: list[int] = []
    answer = apollo.session.post(
        f"{apollo.url}{REVEAL}&webhook_url={url}",
        json={"details": PEOPLE},
        headers=apollo.key,
        timeout=60,
        hooks={"response": lambda *_, **__: before.append(len(came))},
    )
    assert answer.status_code == 200
    assert before == [1]


def test_phones_may_be_told_and_billed_with_the_answer_and_not_again_later(
    server: tuple[Sandbox, Client], apollo: Client, receiver: Any
) -> None:
    url, came = receiver
    server[0].faults.replace([Fault("apollo_people", "phones_in_answer")])
    answer = apollo.post(f"{REVEAL}&webhook_url={url}", {"details": PEOPLE}).json()
    phones = [phone for match in answer["matches"] if match for phone in match.get("phone_numbers", [])]
    assert phones
    assert all(phone["type"] == "mobile" and phone["sanitized_number"].startswith("+1") for phone in phones)
    assert answer["credits_consumed"] == answer["unique_enriched_records"] + 8 * len(phones)
    _, push = eventually(lambda: came and came[0])
    assert (push["credits_consumed"], [p for person in push["people"] for p in person["phone_numbers"]]) == (0, [])
    assert units(server) == answer["credits_consumed"]


@pytest.mark.parametrize(
    ("kind", "request_id"), [("request_id_text", "req_7Qe9-2026/11"), ("request_id_missing", None)]
)
def test_a_request_id_may_be_no_number(
    server: tuple[Sandbox, Client], apollo: Client, kind: str, request_id: str | None
) -> None:
    server[0].faults.replace([Fault("apollo_people", kind)])
    answer = apollo.post(POLLED, {"details": PEOPLE}).json()
    assert answer["request_id"] == request_id
    assert answer["matches"]
    polled = apollo.get("/webhook_result/req_7Qe9-2026%2F11")
    assert (polled.status_code, polled.json()) == (400, {"error_code": "invalid_request_id"})


# --- Companies by name -----------------------------------------------------------------------------------------------


def test_a_company_asked_for_by_name_is_called_by_its_brand(server: tuple[Sandbox, Client], apollo: Client) -> None:
    names = ["Alder Holdings LLC", "BIRCH HOMES, L.L.C.", "Cedar Lending Inc.", "Dogwood & Sons Co", "Elm Partners"]
    answer = apollo.post("/organizations/bulk_enrich", {"details": [{"name": name} for name in names]}).json()
    brands = ["Alder Holdings", "Birch Homes", "Cedar Lending", "Dogwood & Sons", "Elm Partners"]
    found = answer["organizations"]
    assert [company and company["name"] for company in found] == [
        company and brand for company, brand in zip(found, brands, strict=True)
    ]
    assert 0 < answer["unique_enriched_records"] == units(server)
    again = apollo.post("/organizations/bulk_enrich", {"details": [{"name": "alder holdings"}]}).json()
    assert (again["organizations"][0] or {}).get("id") == (found[0] or {}).get("id")


def test_a_company_may_be_asked_for_by_its_linkedin_address(apollo: Client) -> None:
    details = [{"linkedin_url": f"https://www.linkedin.com/company/maple-{n}"} for n in range(10)]
    answer = apollo.post("/organizations/bulk_enrich", {"details": details}).json()
    assert answer["total_requested_records"] == 10
    assert any(answer["organizations"])
