from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from integrations import services
from integrations.ledger import catalogue
from integrations.ledger.pace import database_now, hold_back
from integrations.models import Lookup, Vendor, VendorCall
from tests.api.client import body_of, refused
from tests.support import billed, fail_with, requests_of, set_operations, some_ids

SEARCH = "/api/property/search"
WA = {"state": "WA"}


@pytest.mark.django_db(transaction=True)
class TestSearch:
    def test_counting_and_ids_are_free(self, api, sandbox):
        count = body_of(api.post(SEARCH, {"mode": "count", "search": WA}))
        ids = body_of(api.post(SEARCH, {"mode": "ids", "search": WA}))

        assert count == {
            "success": True,
            "mode": "count",
            "count": count["total"],
            "total": count["total"],
            "cost": 0,
        }
        assert count["count"] > 0
        assert (ids["mode"], ids["count"], ids["cost"]) == ("ids", min(count["count"], 10_000), 0)
        assert len(set(ids["ids"])) == ids["count"]
        assert billed(sandbox) == 0

    def test_full_rows_cost_what_the_vendor_bills_and_nothing_the_second_time(self, api, sandbox):
        asked = {"mode": "full", "search": WA, "size": 3}

        first = body_of(api.post(SEARCH, asked))
        again = body_of(api.post(SEARCH, asked))
        following = body_of(api.post(SEARCH, {**asked, "resultIndex": first["nextIndex"]}))

        assert (first["count"], first["cost"], first["owned"], first["nextIndex"]) == (3, 0.15, False, 3)
        assert (again["properties"], again["cost"], again["owned"]) == (first["properties"], 0, True)
        assert {row["propertyState"] for row in first["properties"]} == {"WA"}
        assert first["properties"][0]["propertyId"] != following["properties"][0]["propertyId"]
        assert billed(sandbox) == Decimal("0.30")

    def test_filters_may_stand_beside_the_mode(self, api, sandbox):
        flat = {"state": "WA", "absentee_owner": True, "value_min": 100_000}

        for mode in ({"mode": "count"}, {"mode": "ids"}, {"mode": "full", "size": 2, "maxCost": "0.10"}):
            nested = body_of(api.post(SEARCH, {**mode, "search": flat}))
            same = body_of(api.post(SEARCH, {**mode, **flat, "search": None}))
            assert same["total"] == nested["total"]
            same = body_of(api.post(SEARCH, {**mode, **flat}))
            assert same["total"] == nested["total"] > 0
            assert (same.get("ids"), same.get("properties")) == (nested.get("ids"), nested.get("properties"))
        assert billed(sandbox) == Decimal("0.10")

    def test_a_cap_is_kept_before_anything_is_bought(self, api, sandbox):
        asked = {"mode": "full", "search": WA, "size": 3, "maxCost": "0.10"}

        message = refused(api.post(SEARCH, asked), 402)

        assert message == "it may cost $0.15, more than the $0.10 allowed"
        assert (billed(sandbox), Lookup.objects.count()) == (0, 0)

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"search": WA}, "mode"),
            ({"mode": "everything", "search": WA}, "mode"),
            ({"mode": "count"}, "search"),
            ({"mode": "count", "search": "WA"}, "search"),
            ({"mode": "count", "search": {}}, "search"),
            ({"mode": "count", "stat": "WA"}, "stat"),
            ({"mode": "count", "state": "WA", "absenteeOwner": True}, "absenteeOwner"),
            ({"mode": "ids", "state": "WA", "ids_only": True}, "ids_only"),
            ({"mode": "full", "city": "Kent"}, "search"),
            ({"mode": "count", "state": None}, "search"),
            ({"mode": "count", "search": WA, "zip": "98032"}, "zip"),
            ({"state": "WA"}, "mode"),
            ({"mode": "count", "search": {"city": "Kent"}}, "search"),
            ({"mode": "count", "search": {"state": "W\x00"}}, "search"),
            ({"mode": "count", "search": WA, "size": 5}, "size"),
            ({"mode": "ids", "search": WA, "maxCost": 5}, "maxCost"),
            ({"mode": "full", "search": WA, "size": 251}, "size"),
            ({"mode": "full", "search": WA, "size": 0}, "size"),
            ({"mode": "full", "search": WA, "resultIndex": -1}, "resultIndex"),
            ({"mode": "full", "search": WA, "maxCost": "NaN"}, "maxCost"),
            ({"mode": "full", "search": WA, "pages": 2}, "pages"),
        ],
    )
    def test_what_cannot_be_searched_is_refused_by_name(self, api, sandbox, body, field):
        refused(api.post(SEARCH, body), 400, field)

        assert requests_of(sandbox) == {}

    @pytest.mark.parametrize(
        ("kind", "status", "code"), [("auth", 503, "AUTH_ERROR"), ("bad_request", 400, "INVALID_DATA")]
    )
    def test_what_the_vendor_refuses_is_said(self, api, sandbox, kind, status, code):
        if kind == "auth":
            fail_with(sandbox, "*", "401")
        body = {"mode": "count", "search": WA if kind == "auth" else {"state": "WA", "no_such_filter": 1}}

        answer = api.post(SEARCH, body)

        refused(answer, status)
        assert answer.json()["error"]["code"] == code


@pytest.mark.django_db(transaction=True)
class TestDetail:
    def test_a_detail_is_bought_once(self, api, sandbox):
        (property_id,) = some_ids(sandbox, 1)

        first = body_of(api.get(f"/api/property/detail?id={property_id}"))
        again = body_of(api.get(f"/api/property/detail?id=00{property_id}"))  # the same id

        assert (first["cost"], first["owned"], again["cost"], again["owned"]) == (0.05, False, 0, True)
        assert first["property"] == again["property"]
        assert first["property"]["id"] == property_id
        assert first["property"]["propertyAddress"]
        assert billed(sandbox) == Decimal("0.05")

    def test_an_unknown_property_is_not_there_and_costs_nothing(self, api, sandbox):
        refused(api.get("/api/property/detail?id=1"), 404, "id")

        assert billed(sandbox) == 0

    @pytest.mark.parametrize("query", ["", "?id=", "?id=abc", "?id=-5", "?id=1.5", "?id=" + "9" * 40, "?id=%00"])
    def test_what_is_no_id_is_refused(self, api, sandbox, query):
        refused(api.get(f"/api/property/detail{query}"), 400, "id")

        assert requests_of(sandbox) == {}

    def test_a_used_up_budget_buys_nothing(self, api, ann, sandbox):
        ann.monthly_budget = "0.04"
        ann.save()

        answer = api.get(f"/api/property/detail?id={some_ids(sandbox, 1)[0]}")

        assert refused(answer, 402) == "this month's budget ($0.04) is used up"
        assert answer.json()["error"]["code"] == "BUDGET_EXHAUSTED"
        assert requests_of(sandbox) == {}

    def test_a_vendor_out_of_breath_says_when(self, api, sandbox, settings):
        set_operations(settings, pace=600)
        hold_back(catalogue.operation("property_detail").pk, 60)

        answer = api.get(f"/api/property/detail?id={some_ids(sandbox, 1)[0]}")

        refused(answer, 503)
        assert answer.json()["error"]["code"] == "RATE_LIMITED"
        assert 30 <= int(answer["Retry-After"]) <= 61

    def test_what_is_in_doubt_is_not_bought_again(self, api, sandbox):
        (property_id,) = some_ids(sandbox, 1)
        body_of(api.get(f"/api/property/detail?id={property_id}"))
        Lookup.objects.update(state="in_doubt", facts=None, fetched_at=None)  # its first purchase, whose answer is lost

        answer = api.get(f"/api/property/detail?id={property_id}")

        refused(answer, 409)
        assert (answer.json()["error"]["code"], VendorCall.objects.count()) == ("IN_DOUBT", 1)

    @pytest.mark.parametrize("state", ["in_doubt", "buying"])
    def test_what_is_owned_serves_while_buying_it_again_is_in_doubt_or_under_way(
        self, api, sandbox, state, monkeypatch
    ):
        monkeypatch.setitem(services._look_up.__kwdefaults__, "patience", 0.5)  # of the 30 s for somebody else's
        (property_id,) = some_ids(sandbox, 1)
        first = body_of(api.get(f"/api/property/detail?id={property_id}"))
        Lookup.objects.update(state=state)

        again = body_of(api.get(f"/api/property/detail?id={property_id}"))
        Lookup.objects.update(fetched_at=database_now() - timedelta(days=1000))
        stale = api.get(f"/api/property/detail?id={property_id}")

        assert (again["property"], again["cost"], again["owned"]) == (first["property"], 0, True)
        assert stale.status_code == (409 if state == "in_doubt" else 503)
        assert VendorCall.objects.count() == 1

    def test_a_missing_key_is_the_operators_to_set(self, api, sandbox, settings):
        settings.VENDORS = {**settings.VENDORS, "realestateapi": {**settings.VENDORS["realestateapi"], "key": ""}}

        answer = api.get(f"/api/property/detail?id={some_ids(sandbox, 1)[0]}")

        words = refused(answer, 503)
        assert words == (
            "vendor key missing or refused: RealEstateAPI is not available: no key (REALESTATEAPI_KEY is not set)"
        )
        assert Vendor.objects.get(name="realestateapi").paused_reason == "", "a key that is set needs no operator"
        assert (VendorCall.objects.count(), requests_of(sandbox)) == (0, {})


@pytest.mark.django_db(transaction=True)
class TestSkipTraceAndPlaces:
    def test_an_owner_is_traced_once(self, api, sandbox):
        (property_id,) = some_ids(sandbox, 1)
        facts = body_of(api.get(f"/api/property/detail?id={property_id}"))["property"]
        asked = {
            "address": facts["propertyAddress"],
            "city": facts["propertyCity"],
            "state": facts["propertyState"],
            "zip": facts["propertyZip"],
        }

        first = body_of(api.post("/api/skip-trace", asked))
        again = body_of(api.post("/api/skip-trace", asked))

        assert (again["cost"], again["owned"], again["contact"]) == (0, True, first["contact"])
        assert first["found"] is (first["contact"] is not None)
        forbidden = {"ethnicity", "gender", "age", "maritalStatus"}
        assert not forbidden & set(first["contact"] or {})

    def test_the_owner_may_be_named_as_the_requirements_do(self, api, sandbox):
        place = {"address": "10 Alder St", "city": "Seattle", "state": "WA", "zip": "98101"}

        first = body_of(api.post("/api/skip-trace", {"first_name": "Ann", "last_name": "Lee", **place}))
        same = body_of(api.post("/api/skip-trace", {"firstName": "Ann", "lastName": "Lee", **place}))
        both = body_of(
            api.post("/api/skip-trace", {"firstName": "Ann", "first_name": "Ann", "last_name": "Lee", **place})
        )

        assert (same["owned"], both["owned"], same["contact"], both["contact"]) == (True, True, *[first["contact"]] * 2)
        refused(api.post("/api/skip-trace", {"firstName": "Ann", "first_name": "Bea", **place}), 400, "first_name")
        assert sum(requests_of(sandbox).values()) == 1

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "address"),
            ({"firstName": "Ann"}, "address"),
            ({"address": "10 Alder St"}, "address"),
            ({"address": "10 Alder St", "city": "Seattle", "state": "Washington"}, "state"),
            ({"address": "10 Alder\x00", "city": "Seattle", "state": "WA"}, "address"),
            ({"adress": "10 Alder St"}, "adress"),
            ({"address": 5.5, "city": [], "state": "WA"}, "city"),
        ],
    )
    def test_who_cannot_be_traced_is_refused_by_name(self, api, sandbox, body, field):
        refused(api.post("/api/skip-trace", body), 400, field)

        assert requests_of(sandbox) == {}

    def test_places_are_suggested_for_nothing(self, api, sandbox):
        places = body_of(api.post("/api/property/autocomplete", {"search": "seatt"}))

        assert places["count"] == len(places["places"])
        assert {"title", "searchType", "state", "city"} <= set(places["places"][0])
        assert billed(sandbox) == 0
        refused(api.post("/api/property/autocomplete", {"search": "se"}), 400, "search")
        refused(api.post("/api/property/autocomplete", {}), 400, "search")
        refused(api.post("/api/property/autocomplete", {"search": "seattle", "searchTypes": ["city"]}), 400)


@pytest.mark.django_db(transaction=True)
def test_ids_say_when_not_all_are_given(api, sandbox, monkeypatch):
    monkeypatch.setattr("sandbox.realestateapi.MAX_IDS", 100)
    search = "/api/property/search"
    counted = body_of(api.post(search, {"mode": "count", "search": {"state": "WA"}}))["total"]

    many = body_of(api.post(search, {"mode": "ids", "search": {"state": "WA"}}))
    monkeypatch.setattr("sandbox.realestateapi.MAX_IDS", counted)
    all_of_them = body_of(api.post(search, {"mode": "ids", "search": {"state": "WA"}}))

    assert counted > 100
    assert (many["count"], many["total"], many["truncated"]) == (100, counted, True)
    assert f"the first 100 of {counted:,} ids" in many["note"]
    whole = [all_of_them[name] for name in ("count", "total", "truncated", "note")]
    assert whole == [counted, counted, False, None]


@pytest.mark.django_db(transaction=True)
def test_numbers_are_numbers_in_every_answer(api, sandbox):
    one = str(sandbox.source.parcel(0).id)
    detail = body_of(api.get(f"/api/property/detail?id={one}"))
    rows = body_of(api.post("/api/property/search", {"mode": "full", "search": {"state": "WA"}, "size": 3}))
    places = body_of(api.post("/api/property/autocomplete", {"search": "Seattle"}))["places"]

    for facts in (detail["property"], *rows["properties"]):
        for name in ("bathrooms", "latitude", "longitude", "equityPercent"):
            assert facts[name] is None or isinstance(facts[name], int | float), (name, facts[name])
        assert isinstance(facts["latitude"], float)
    assert (detail["cost"], rows["cost"]) == (0.05, 0.15)
    assert all(place["latitude"] is None or isinstance(place["latitude"], float) for place in places)
