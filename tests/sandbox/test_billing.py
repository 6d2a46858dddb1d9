"""The sandbox's ledger and its pace."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
import requests

from sandbox import Sandbox
from sandbox.billing import Ledger, Pace
from sandbox.faults import Fault
from sandbox.wire import Charge
from tests.sandbox.helpers import Client, ledger, running, sample

PRICES = {"property_detail": Decimal("0.05"), "property_search_row": Decimal("0.001"), "skip_trace": Decimal("0.10")}


class Clock:
    """A clock that is set by hand, seconds."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def sandbox() -> Iterator[tuple[Sandbox, Client]]:
    with running(generate=5000, prices=PRICES) as (sandbox, session):
        yield sandbox, Client(sandbox, "realestateapi", session)


def ids_of(client: Client, **body: Any) -> list[int]:
    ids: list[int] = client.post("/v2/PropertySearch", {"ids_only": True, **body}).json()["data"]
    return ids


def test_a_fresh_ledger_is_empty(sandbox: tuple[Sandbox, Client]) -> None:
    nothing = {"requests": 0, "answered": 0, "refused": 0, "units": "0", "billed": "0"}
    names = ["property_search", "property_detail", "skip_trace", "signalhouse_skip_trace", "apollo_people"]
    names += ["apollo_organizations", "autocomplete", "sms", "call"]
    assert ledger(sandbox[0], sandbox[1].session) == {
        "billed": "0",
        "operations": dict.fromkeys(names, nothing),
        "billed_twice": dict.fromkeys(names, 0),
        "worst_minute": dict.fromkeys(names, 0),
        "rejected_429": 0,
        "in_flight_max": 0,
    }


def test_records_returned_are_billed_and_refusals_are_not(sandbox: tuple[Sandbox, Client]) -> None:
    server, client = sandbox
    ids = ids_of(client, state="TX")[:247]
    client.post("/v2/PropertyDetailBulk", {"ids": [*ids, 5]})  # one of them unknown
    client.post("/v2/PropertyDetail", {"id": 5})  # no match: an answer, for nothing
    client.post("/v2/PropertyDetail", {})  # 400
    client.post("/v2/PropertyDetail", {"id": ids[0]}, headers={"x-api-key": "wrong"})  # 401
    report = ledger(server, client.session)
    wanted = {"requests": 4, "answered": 2, "refused": 2, "units": "247", "billed": "12.35"}
    assert report["operations"]["property_detail"] == wanted
    assert report["billed"] == "12.35"


def test_inputs_bought_more_than_once_are_counted(sandbox: tuple[Sandbox, Client]) -> None:
    server, client = sandbox
    first, second, third = ids_of(client, state="TX")[:3]
    client.post("/v2/PropertyDetailBulk", {"ids": [first, second]})
    client.post("/v2/PropertyDetail", {"id": first})
    client.post("/v2/PropertyDetail", {"id": third})
    report = ledger(server, client.session, "?inputs=1")
    assert report["billed_twice"]["property_detail"] == 1
    assert report["inputs"]["property_detail"] == {str(first): 2, str(second): 1, str(third): 1}
    assert "inputs" not in ledger(server, client.session)


def test_each_requests_arrival_can_be_asked_for(sandbox: tuple[Sandbox, Client]) -> None:
    server, client = sandbox
    before = time.time()
    client.post("/v2/PropertyDetail", {"id": 5})
    client.post("/v2/PropertyDetail", {})
    arrivals = ledger(server, client.session, "?arrivals=1")["arrivals"]["property_detail"]
    assert len(arrivals) == 2
    assert before <= arrivals[0] <= arrivals[1] <= time.time()
    assert "arrivals" not in ledger(server, client.session)


def test_a_reset_forgets_everything(sandbox: tuple[Sandbox, Client]) -> None:
    server, client = sandbox
    client.post("/v2/PropertySearch", {"state": "TX", "size": 5})
    assert ledger(server, client.session)["billed"] == "0.005"
    answer = client.session.post(f"{server.base_url}/sandbox/ledger/reset", timeout=60)
    assert answer.json()["billed"] == "0"
    assert ledger(server, client.session)["operations"]["property_search"]["requests"] == 0


def test_apollo_credits_have_one_price_for_both_operations() -> None:
    with running(generate=100, prices={"apollo_credit": Decimal("0.2")}) as (sandbox, session):
        apollo = Client(sandbox, "apollo", session)
        details = [{"first_name": f"A{n}", "last_name": "B", "domain": "x.example.com"} for n in range(10)]
        people = apollo.post("/people/bulk_match", {"details": details}).json()["credits_consumed"]
        path = "/organizations/bulk_enrich?" + "&".join(f"domains[]=d{n}.example.com" for n in range(5))
        companies = apollo.post(path).json()["unique_enriched_records"]
        assert Decimal(ledger(sandbox, session)["billed"]) == Decimal("0.2") * (people + companies)


def test_requests_at_the_same_time_are_seen(sandbox: tuple[Sandbox, Client]) -> None:
    server, client = sandbox
    server.faults.replace([Fault("property_detail", "slow", seconds=0.3)])

    def ask(_: int) -> int:
        return requests.post(
            f"{client.url}/v2/PropertyDetail", json={"id": 5}, headers=client.key, timeout=60
        ).status_code

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, range(4))) == [404] * 4
    assert ledger(server, client.session)["in_flight_max"] == 4


def test_the_worst_minute_is_of_any_sixty_seconds_and_counts_every_arrival() -> None:
    clock = Clock()
    book = Ledger({}, clock)
    for moment in (0, 30, 59, 61, 62, 200):
        clock.now = 1000.0 + moment
        book.arrive("skip_trace")
    assert book.report()["worst_minute"]["skip_trace"] == 4


def test_money_is_exact_to_the_last_digit() -> None:
    book = Ledger({"skip_trace": Decimal("0.0333")})
    for _ in range(3):
        book.settle("skip_trace", answered=True, status=200, charges=[Charge("a"), Charge("b")])
    assert book.report()["operations"]["skip_trace"]["billed"] == "0.1998"


def test_the_pace_slides() -> None:
    clock = Clock()
    pace = Pace({"skip_trace": 2}, clock)
    verdicts = []
    for moment in (0, 10, 20, 59.9, 60.1, 65, 70.1):
        clock.now = 1000.0 + moment
        verdicts.append(pace.admit("skip_trace")[1] is None)
    assert verdicts == [True, True, False, False, True, False, True]


def test_beyond_its_pace_an_operation_gets_429_without_a_hint_and_without_a_bill() -> None:
    with running(generate=500, pace={"property_detail": 2}, prices=PRICES) as (sandbox, session):
        client = Client(sandbox, "realestateapi", session)
        one = ids_of(client, state="TX")[0]
        endpoints = (
            ("PropertyDetail", {"id": one}),
            ("PropertyDetailBulk", {"ids": [one]}),
            ("PropertyDetail", {"id": one}),
        )
        answers = [client.post(f"/v2/{name}", body) for name, body in endpoints]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[2].json() == {"statusCode": 429, "error": "Rate Limit Exceeded", "message": "", "validation": {}}
        assert "Retry-After" not in answers[2].headers
        assert client.post("/v2/PropertySearch", {"state": "TX", "count": True}).status_code == 200
        report = ledger(sandbox, session)
        assert (report["rejected_429"], report["worst_minute"]["property_detail"]) == (1, 3)
        assert report["operations"]["property_detail"]["units"] == "2"


def test_counts_ids_rows_and_pins_share_the_pace_of_searches() -> None:
    with running(generate=500, pace={"property_search": 4}) as (sandbox, session):
        client = Client(sandbox, "realestateapi", session)
        bodies: list[dict[str, Any]] = [{"count": True}, {"ids_only": True}, {}]
        codes = [client.post("/v2/PropertySearch", {"state": "TX", **body}).status_code for body in bodies]
        codes += [client.post("/v2/PropertyMapping", {"state": "TX"}).status_code for _ in range(2)]
        assert codes == [200, 200, 200, 200, 429]


def test_a_wrong_key_takes_no_room_in_the_pace() -> None:
    with running(generate=500, pace={"property_detail": 1}) as (sandbox, session):
        client = Client(sandbox, "realestateapi", session)
        codes = [client.post("/v2/PropertyDetail", {"id": 5}, headers={}).status_code for _ in range(3)]
        assert [*codes, client.post("/v2/PropertyDetail", {"id": 5}).status_code] == [401, 401, 401, 404]


def test_apollo_tells_how_much_of_its_minute_is_left_and_when_to_come_back() -> None:
    with running(generate=100, pace={"apollo_people": 2}) as (sandbox, session):
        apollo = Client(sandbox, "apollo", session)
        answers = [apollo.post("/people/bulk_match", {"details": [{"email": "a@example.com"}]}) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert [answer.headers["x-minute-requests-left"] for answer in answers] == ["1", "0", "0"]
        assert 55 <= int(answers[2].headers["retry-after"]) <= 60
        wanted = sample("apollo_people_bulk_match_429_too_many_requests")["message"].replace(
            "600 times per hour", "2 times per minute"
        )
        assert answers[2].json() == {"message": wanted}
