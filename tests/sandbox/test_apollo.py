"""Apollo of the sandbox: people, organizations, and phones that come later."""

import http.server
import json
import time
from collections.abc import Callable, Iterator
from threading import Thread
from typing import Any

import pytest
import requests

from sandbox import Sandbox
from sandbox.faults import Fault
from tests.sandbox.helpers import SAMPLES, Client, differences, ledger, running, sample

PEOPLE = [{"first_name": f"Ann{n}", "last_name": "Stone", "domain": "stone-homes.example.com"} for n in range(10)]


@pytest.fixture
def server() -> Iterator[tuple[Sandbox, Client]]:
    """One of the test's own: what an earlier one left under way, a push or a request given up, bills elsewhere."""
    with running(generate=100, webhook_delay_s=0.05) as (sandbox, session):
        yield sandbox, Client(sandbox, "apollo", session)


@pytest.fixture
def apollo(server: tuple[Sandbox, Client]) -> Client:
    return server[1]


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    """A webhook receiver: its URL, and the (path, body) of what came."""
    came: list[tuple[str, Any]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()
            came.append((self.path, json.loads(body)))

        def log_message(self, format: str, *args: Any) -> None:
            pass

    listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=listener.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.server_address[1]}", came
    listener.shutdown()
    listener.server_close()
    thread.join()


def eventually(check: Callable[[], Any]) -> Any:
    """The first true value of the check, in time."""
    deadline = time.monotonic() + 60
    while not (value := check()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)
    return value


def test_matches_stand_in_the_order_of_the_details_with_null_for_nobody(apollo: Client) -> None:
    details = [*PEOPLE[:9], {}]
    answer = apollo.post("/people/bulk_match", {"details": details}).json()
    assert len(answer["matches"]) == 10
    assert answer["matches"][9] is None
    for detail, match in zip(details, answer["matches"], strict=True):
        assert match is None or match["first_name"] == detail["first_name"]
    nobody = answer["matches"].count(None)
    assert (answer["total_requested_enrichments"], answer["missing_records"]) == (10, nobody)
    assert answer["credits_consumed"] == answer["unique_enriched_records"] <= 10 - nobody


def test_a_bulk_match_has_the_keys_and_types_of_the_vendors_sample(apollo: Client) -> None:
    wanted = sample("apollo_people_bulk_match_200_result")
    answer = apollo.post("/people/bulk_match", {"details": PEOPLE}).json()
    found = [match for match in answer["matches"] if match]
    account = frozenset({".matches[].account", ".matches[].account_id"})  # only of companies the team has saved
    for match in found:
        assert differences(wanted, {**answer, "matches": [match]}, account) == []
    assert type(answer["request_id"]) is int


def test_a_request_id_is_a_signed_64_bit_number_and_often_negative(apollo: Client) -> None:
    ids = [apollo.post("/people/bulk_match", {"details": PEOPLE[:1]}).json()["request_id"] for _ in range(20)]
    assert len(set(ids)) == 20
    assert min(ids) < 0
    assert all(-(2**63) <= one < 2**63 for one in ids)
    assert any(abs(one) > 2**53 for one in ids)


def test_personal_emails_are_told_only_when_asked_for_in_query_or_body(apollo: Client) -> None:
    def first(answer: requests.Response) -> Any:
        return next(match for match in answer.json()["matches"] if match)

    body = {"details": PEOPLE}
    assert "personal_emails" not in first(apollo.post("/people/bulk_match", body))
    by_query = first(apollo.post("/people/bulk_match?reveal_personal_emails=true", body))
    by_body = first(apollo.post("/people/bulk_match", {**body, "reveal_personal_emails": True}))
    assert by_query == by_body
    assert all(email.endswith("@example.com") for email in by_query["personal_emails"])


def test_one_credit_for_each_person_with_data_and_again_on_repeat(
    server: tuple[Sandbox, Client], apollo: Client
) -> None:
    credits = [apollo.post("/people/bulk_match", {"details": PEOPLE}).json()["credits_consumed"] for _ in range(2)]
    report = ledger(server[0], apollo.session)
    assert credits[0] == credits[1] > 0
    assert report["operations"]["apollo_people"]["units"] == str(2 * credits[0])
    assert report["billed_twice"]["apollo_people"] == credits[0]


@pytest.mark.parametrize(
    ("path", "body", "name"),
    [
        ("/people/bulk_match", {}, "apollo_people_bulk_match_400_add_people_to_enrich"),
        ("/people/bulk_match", {"details": [{}] * 11}, "apollo_people_bulk_match_400_more_than_10_people"),
        ("/organizations/bulk_enrich", {}, "apollo_organizations_bulk_enrich_400_add_domains"),
        (
            "/organizations/bulk_enrich?" + "&".join(f"domains[]=d{n}.example.com" for n in range(11)),
            {},
            "apollo_organizations_bulk_enrich_400_more_than_10_companies",
        ),
    ],
)
def test_a_bad_batch_is_refused_exactly_as_apollo_does(apollo: Client, path: str, body: Any, name: str) -> None:
    answer = apollo.post(path, body)
    assert (answer.status_code, answer.json()) == (400, sample(name))


def test_a_wrong_key_is_401_in_plain_text(apollo: Client) -> None:
    answer = apollo.post("/people/bulk_match", {"details": PEOPLE}, headers={"x-api-key": "wrong"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (401, "text/plain; charset=utf-8")
    assert answer.text.startswith("Invalid API key. See https://docs.apollo.io/")
    assert not [name for name in answer.headers if name.startswith("x-rate")]
    if SAMPLES.exists():
        assert answer.text == (SAMPLES / "apollo_people_match_401_check_api_key.txt").read_text().strip()


def test_a_key_without_the_scope_is_403_in_json(apollo: Client) -> None:
    answer = apollo.post("/organizations/bulk_enrich", {}, headers={"x-api-key": "sandbox-apollo-key-test"})
    wanted = sample("apollo_organizations_bulk_enrich_403_insufficient_api_scope")
    assert (answer.status_code, answer.json()) == (403, wanted)


def test_an_unlimited_window_has_an_empty_limit_and_no_usage(apollo: Client) -> None:
    headers = apollo.post("/people/bulk_match", {"details": PEOPLE}).headers
    assert (headers["x-rate-limit-minute"], headers["x-rate-limit-24-hour"]) == ("", "")
    assert "x-minute-usage" not in headers


def test_one_person_is_asked_for_in_the_query_or_the_body(apollo: Client) -> None:
    by_body = [apollo.post("/people/match", person).json()["person"] for person in PEOPLE]
    query = "first_name=Ann1&last_name=Stone&domain=stone-homes.example.com"
    assert apollo.post(f"/people/match?{query}").json()["person"] == by_body[1]
    assert None in [apollo.post("/people/match", {"name": f"Ann{n} Nobody"}).json()["person"] for n in range(20)]


def test_the_key_can_be_probed(apollo: Client) -> None:
    assert apollo.get("/auth/health").json() == {"is_logged_in": True}
    assert apollo.get("/auth/health", headers={}).status_code == 401


@pytest.mark.parametrize("flag", ["reveal_phone_number", "run_waterfall_phone"])
def test_phones_need_a_webhook_or_polling(apollo: Client, flag: str) -> None:
    answer = apollo.post(f"/people/bulk_match?{flag}=true", {"details": PEOPLE})
    assert (answer.status_code, list(answer.json())) == (422, ["error"])


def test_phones_come_later_by_webhook_with_eight_credits_each(
    server: tuple[Sandbox, Client], apollo: Client, receiver: tuple[str, list[tuple[str, Any]]]
) -> None:
    url, came = receiver
    body = {"details": PEOPLE, "reveal_phone_number": True, "webhook_url": f"{url}/hook?token=a%2Fb"}
    answer = apollo.post("/people/bulk_match", body).json()
    assert not any("phone_numbers" in match for match in answer["matches"] if match)
    path, push = eventually(lambda: came and came[0])
    assert path == "/hook?token=a%2Fb"
    assert differences(sample("apollo_webhook_push_phone"), push) == []
    assert "request_id" not in push
    assert {person["id"] for person in push["people"]} == {match["id"] for match in answer["matches"] if match}
    numbers = [phone["sanitized_number"] for person in push["people"] for phone in person["phone_numbers"]]
    assert numbers
    assert all(number[:2] == "+1" and number[5:10] == "55501" for number in numbers)
    assert push["credits_consumed"] == 8 * len(numbers)
    units = answer["credits_consumed"] + push["credits_consumed"]
    assert ledger(server[0], apollo.session)["operations"]["apollo_people"]["units"] == str(units)


def test_a_result_is_pending_and_then_ready() -> None:
    with running(generate=100, webhook_delay_s=0.3) as (sandbox, session):
        apollo = Client(sandbox, "apollo", session)
        request_id = apollo.post(
            "/people/bulk_match?reveal_phone_number=true&poll_only=true", {"details": PEOPLE}
        ).json()["request_id"]
        pending = apollo.get(f"/webhook_result/{request_id}")
        assert (pending.status_code, pending.json()) == (
            404,
            sample("apollo_webhook_result_404_result_still_processing"),
        )
        ready = eventually(lambda: (answer := apollo.get(f"/webhook_result/{request_id}")).ok and answer.json())
        assert (ready["request_id"], ready["request_type"], ready["webhook_status"]) == (
            str(request_id),
            "phone",
            "success",
        )
        assert ready["webhook_result"]["people"]


@pytest.mark.parametrize(
    ("request_id", "status", "code"), [("abc", 400, "invalid_request_id"), ("-5", 404, "request_id_unknown")]
)
def test_an_unknown_result_says_so(apollo: Client, request_id: str, status: int, code: str) -> None:
    answer = apollo.get(f"/webhook_result/{request_id}")
    assert (answer.status_code, answer.json()) == (status, {"error_code": code})


def test_a_waterfall_is_accepted_and_pushed_with_its_request_id(
    apollo: Client, receiver: tuple[str, list[tuple[str, Any]]]
) -> None:
    url, came = receiver
    answer = apollo.post(
        f"/people/bulk_match?run_waterfall_phone=true&webhook_url={url}", {"details": PEOPLE[:3]}
    ).json()
    assert (
        differences({**sample("apollo_people_bulk_match_200_waterfall_enrichment_result"), "matches": []}, answer) == []
    )
    assert "credits_consumed" not in answer
    _, push = eventually(lambda: came and came[0])
    assert push["request_id"] == str(answer["request_id"])
    wanted = {**sample("apollo_webhook_push_waterfall"), "people": []}
    assert differences(wanted, push) == []


@pytest.mark.parametrize(("kind", "times"), [("webhook_twice", 2), ("webhook_lost", 0)])
def test_a_webhook_may_come_twice_or_never(kind: str, times: int, receiver: tuple[str, list[tuple[str, Any]]]) -> None:
    url, came = receiver
    faults = (Fault("apollo_people", kind),)
    with running(generate=100, webhook_delay_s=0.05, faults=faults) as (sandbox, session):
        apollo = Client(sandbox, "apollo", session)
        body = {"details": PEOPLE, "reveal_phone_number": True, "webhook_url": url}
        request_id = apollo.post("/people/bulk_match", body).json()["request_id"]
        eventually(lambda: apollo.get(f"/webhook_result/{request_id}").ok)
        eventually(lambda: len(came) == times)
        time.sleep(0.1)
    assert len(came) == times


def test_organizations_cost_a_credit_each_when_found(server: tuple[Sandbox, Client], apollo: Client) -> None:
    domains = [f"company{n}.example.com" for n in range(10)]
    answer = apollo.post("/organizations/bulk_enrich?" + "&".join(f"domains[]={one}" for one in domains)).json()
    by_body = apollo.post("/organizations/bulk_enrich", {"details": [{"domain": one} for one in domains]}).json()
    assert by_body == answer
    found = [company for company in answer["organizations"] if company]
    assert (len(answer["organizations"]), answer["unique_enriched_records"]) == (10, len(found))
    assert {company["primary_domain"] for company in found} < set(domains)
    wanted = sample("apollo_people_bulk_match_200_result")["matches"][0]["organization"]
    wanted["industry_tag_hash"] = {}  # its keys are industries
    assert [differences(wanted, company) for company in found] == [[]] * len(found)
    assert ledger(server[0], apollo.session)["operations"]["apollo_organizations"]["units"] == str(2 * len(found))
