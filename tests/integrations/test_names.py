"""The names a property is known by: what joins them, and what must not."""

from __future__ import annotations

import importlib
import json
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, transaction

from common.db.clock import database_now
from integrations.ledger import catalogue
from integrations.lookups import names
from integrations.lookups.stand_in_ids import names_of
from integrations.models import Lookup, PropertyName
from integrations.services import known_property_ids
from integrations.vendors.contract import Answer
from integrations.vendors.errors import Category

pytestmark = pytest.mark.django_db(transaction=True)

OAK = {
    "apn": "123-45-678",
    "fips": "53033",
    "property_county": "King County",
    "property_address": "100 North Oak Street Apt 4",
    "property_city": "Seattle",
    "property_state": "WA",
    "property_zip": "98101",
}
OAKS_NAMES = [
    "apn:53033:12345678",
    "apn:WA-KING:12345678",
    "address:100 N OAK ST 4|98101",
    "address:100 N OAK ST 4|SEATTLE,WA",
]


def all_names() -> dict[str, str]:
    return dict(PropertyName.objects.values_list("name", "property_id"))


def owned(key: str, facts: dict[str, Any], operation: str = "property_detail", **values: Any) -> Lookup:
    values = {"state": "answered", "cost": Decimal("0.05"), "fetched_at": database_now()} | values
    return Lookup.objects.create(operation=catalogue.operation(operation), key=key, facts=facts, **values)


def test_a_record_is_known_by_parcel_and_by_address_whatever_a_file_knows_of_its_place() -> None:
    assert names_of(OAK) == OAKS_NAMES
    assert names_of(OAK | {"fips": None, "property_zip": None}) == OAKS_NAMES[1::2]
    assert names_of({}) == []


@pytest.mark.parametrize("street", ["Oak Street", "0 Oak Street", "00 Oak St", "", None])
def test_a_street_line_without_a_house_number_names_no_property(street: str | None) -> None:
    assert names_of(OAK | {"apn": None, "property_address": street}) == []


def test_details_rows_and_the_name_that_was_asked_are_learned() -> None:
    elm = {"property_address": "7 Elm Ave", "property_zip": "78701"}
    asked = "address:OAK NUMBER ONE|98101"
    names.learn_from(
        "property_detail",
        {
            asked: Answer(facts=OAK | {"property_id": "11"}, also="11"),
            "12": Answer(facts=elm),
            "13": Answer(category=Category.NOT_FOUND),
        },
    )
    assert all_names() == dict.fromkeys([*OAKS_NAMES, asked], "11") | {"address:7 ELM AVE|78701": "12"}

    page = {"rows": [{"property_id": "14", "apn": "9", "fips": "53033"}, {"property_id": "11", **OAK}]}
    names.learn_from("property_search", {"a page": Answer(facts=page)})
    names.learn_from("skip_trace", {"somebody": Answer(facts=elm)})
    assert len(all_names()) == 7
    assert names.known(["apn:53033:9", asked, "apn:53033:10"]) == {"apn:53033:9": "14", asked: "11"}
    assert names.known([]) == {}


@pytest.mark.parametrize("together", [True, False])
def test_a_name_that_two_properties_claim_joins_neither_ever_again(together: bool) -> None:
    one, other = OAK | {"apn": "1"}, OAK | {"apn": "2"}
    for rows in [[("11", one), ("12", other)]] if together else [[("11", one)], [("12", other)]]:
        names.learn(rows)
    names.learn([("11", one)])

    assert names.known(OAKS_NAMES) == {}
    assert {name for name, property_id in all_names().items() if property_id == ""} == set(OAKS_NAMES[2:])
    assert names.known(["apn:53033:1", "apn:53033:2"]) == {"apn:53033:1": "11", "apn:53033:2": "12"}


def test_learning_again_changes_nothing() -> None:
    names.learn([("11", OAK)])
    before = all_names()
    names.learn([("11", OAK), ("11", OAK)])
    assert all_names() == before


def test_a_file_calls_a_property_by_the_id_that_a_search_row_told() -> None:
    names.learn_from("property_search", {"a page": Answer(facts={"rows": [{"property_id": "11", **OAK}]})})
    owned("address:ASKED BEFORE|1", {"property_id": "15"})
    asked = ["address:100 N OAK ST 4|98101", "address:ASKED BEFORE|1", "apn:unknown:1"]
    assert known_property_ids(asked) == {asked[0]: "11", asked[1]: "15"}


def test_only_what_was_paid_for_under_its_id_and_is_fresh_is_owned_already() -> None:
    owned("1", OAK)
    owned("2", OAK, cost=0)
    owned("3", {}, category="NOT_FOUND", cost=0)
    owned("4", OAK, fetched_at=database_now().replace(year=2001))
    Lookup.objects.create(operation=catalogue.operation("property_detail"), key="5", state="buying")
    assert names.already_owned(["1", "2", "3", "4", "5", "6"]) == 2
    assert names.already_owned([]) == 0


def migrated() -> None:
    """As the migration does it, over what stands in the database."""
    module = importlib.import_module("integrations.migrations.0008_property_names")
    with transaction.atomic():
        module.learn(apps, SimpleNamespace(connection=connection))


def test_the_migration_learns_from_all_that_was_bought_before(monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("integrations.migrations.0008_property_names")
    monkeypatch.setattr(module, "PART", 2)
    owned("11", OAK)
    owned("address:OAK NUMBER ONE|98101", OAK | {"property_id": "11"})
    owned("12", {"property_address": "7 Elm Ave", "property_zip": "78701"})
    owned("13", {"property_address": "7 ELM AVENUE", "property_zip": "78701"})
    owned("14", {}, category="NOT_FOUND", cost=0)
    owned("a page", {"rows": [{"property_id": "15", "apn": "9", "fips": "53033"}]}, "property_search")
    before = json.dumps(list(Lookup.objects.order_by("pk").values()), default=str)

    migrated()
    migrated()

    expected = dict.fromkeys([*OAKS_NAMES, "address:OAK NUMBER ONE|98101"], "11")
    assert all_names() == expected | {"address:7 ELM AVE|78701": "", "apn:53033:9": "15"}
    assert json.dumps(list(Lookup.objects.order_by("pk").values()), default=str) == before
