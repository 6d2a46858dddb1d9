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
from integrations.lookups import names, stand_in_ids
from integrations.lookups.identity import Name, names_of
from integrations.models import Lookup, PropertyName
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
ELM = {"property_address": "7 Elm Ave", "property_zip": "78701"}
NINTH = {"apn": "9", "fips": "53033"}
OAKS_NAMES = [name.text for name in names_of(OAK)]


def all_names() -> dict[str, str]:
    return dict(PropertyName.objects.values_list("name", "property_id"))


def called(facts: dict[str, Any]) -> list[str]:
    return [name.text for name in names_of(facts)]


def owned(key: str, facts: dict[str, Any], operation: str = "property_detail", **values: Any) -> Lookup:
    values = {"state": "answered", "cost": Decimal("0.05"), "fetched_at": database_now()} | values
    return Lookup.objects.create(operation=catalogue.operation(operation), key=key, facts=facts, **values)


def test_a_record_is_known_by_parcel_and_by_address_whatever_a_file_knows_of_its_place() -> None:
    by_city_alone = called(OAK | {"apn": None, "property_zip": None})
    assert [name[: name.index(":")] for name in OAKS_NAMES][-3:] == ["apn", "address", "address"]
    assert by_city_alone == OAKS_NAMES[-1:]
    assert called(OAK | {"apn": None, "property_city": None}) == OAKS_NAMES[-2:-1]
    assert names_of({}) == []


@pytest.mark.parametrize("street", ["Oak Street", "0 Oak Street", "00 Oak St", "", None])
def test_a_street_line_without_a_house_number_names_no_property(street: str | None) -> None:
    assert names_of(OAK | {"apn": None, "property_address": street}) == []


def test_details_rows_and_the_name_that_was_asked_are_learned() -> None:
    asked = "address:OAK NUMBER ONE|98101"
    names.learn_from(
        "property_detail",
        {
            asked: Answer(facts=OAK | {"property_id": "11"}, also="11"),
            "12": Answer(facts=ELM),
            "13": Answer(category=Category.NOT_FOUND),
        },
    )
    assert all_names() == dict.fromkeys([*OAKS_NAMES, asked], "11") | dict.fromkeys(called(ELM), "12")

    (ninth,) = called(NINTH)
    page = {"rows": [{"property_id": "14", **NINTH}, {"property_id": "11", **OAK}]}
    names.learn_from("property_search", {"a page": Answer(facts=page)})
    names.learn_from("skip_trace", {"somebody": Answer(facts=ELM)})
    assert len(all_names()) == len(OAKS_NAMES) + 3
    assert names.known([ninth, asked, "apn:53033:10"]) == {ninth: "14", asked: "11"}
    assert names.known([]) == {}


@pytest.mark.parametrize("together", [True, False])
def test_a_name_that_two_properties_claim_joins_neither_ever_again(together: bool) -> None:
    one, other = OAK | {"apn": "1"}, OAK | {"apn": "2"}
    for rows in [[("11", one), ("12", other)]] if together else [[("11", one)], [("12", other)]]:
        names.learn(rows)
    names.learn([("11", one)])

    assert names.known(OAKS_NAMES) == {}
    assert {name for name, property_id in all_names().items() if property_id == ""} == set(OAKS_NAMES[-2:])
    assert names.known([called(one)[0], called(other)[0]]) == {called(one)[0]: "11", called(other)[0]: "12"}


def test_learning_again_changes_nothing() -> None:
    names.learn([("11", OAK)])
    before = all_names()
    names.learn([("11", OAK), ("11", OAK)])
    assert all_names() == before


def test_a_file_calls_a_property_by_the_id_that_a_search_row_told() -> None:
    names.learn_from("property_search", {"a page": Answer(facts={"rows": [{"property_id": "11", **OAK}]})})
    rows = {"oak": names_of(OAK | {"apn": None}), "elm": names_of(OAK | {"property_address": "9 Elm St", "apn": "1"})}
    assert names.known_ids(rows) == {"oak": "11"}


SEGMENTED, OTHER = Name("apn:53033:12-3", "apn:53033:123"), Name("apn:53033:1-23", "apn:53033:123")
BARE = Name("apn:53033:=123", "apn:53033:123", bare=True)


def known_of(**asked: Name) -> dict[str, str]:
    return names.known_ids({word: [name] for word, name in asked.items()})


def test_an_apn_without_separators_is_the_one_that_has_its_digits() -> None:
    names.keep([(SEGMENTED, "11")])
    assert known_of(same=SEGMENTED, bare=BARE, other=OTHER) == {"same": "11", "bare": "11"}


def test_an_apn_without_separators_is_none_of_two_that_have_its_digits() -> None:
    names.keep([(SEGMENTED, "11"), (OTHER, "12"), (BARE, "11")])
    assert known_of(same=SEGMENTED, bare=BARE, other=OTHER) == {"same": "11", "other": "12"}


def test_a_vendor_s_apn_without_separators_is_that_of_a_file_which_has_them_unless_another_is_known() -> None:
    names.keep([(BARE, "11")])
    assert known_of(segmented=SEGMENTED) == {"segmented": "11"}
    names.keep([(OTHER, "12")])
    assert known_of(segmented=SEGMENTED, bare=BARE) == {}


@pytest.mark.parametrize(
    ("said", "known"),
    [
        ({}, True),
        ({"apn": None}, True),
        ({"property_address": "102 N Oak St Apt 4"}, False),
        ({"property_address": "100 N Oak St Apt 5"}, False),
        ({"property_address": "100 N Oak St"}, True),
        ({"apn": "123-45-679"}, False),
    ],
)
def test_who_shares_a_name_and_contradicts_another_is_another_property(said: dict[str, Any], known: bool) -> None:
    names.learn([("11", OAK)])
    assert names.known_ids({1: names_of(OAK | said)}) == ({1: "11"} if known else {})


def test_a_name_has_its_hashes_and_the_time_it_was_learned_also_where_an_earlier_version_wrote_it() -> None:
    (name, *_) = names_of(OAK)
    PropertyName.objects.create(name=name.text, property_id="11")
    names.learn([("11", OAK)])
    row = PropertyName.objects.get(name=name.text)
    assert (row.property_id, row.exact, row.loose, row.bare) == ("11", name.exact, name.possible, name.bare)
    assert PropertyName.objects.filter(learned_at=None).count() == 0


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

    expected = dict.fromkeys([*stand_in_ids.names_of(OAK), "address:OAK NUMBER ONE|98101"], "11")
    assert all_names() == expected | {"address:7 ELM AVE|78701": "", "apn:53033:9": "15"}
    assert json.dumps(list(Lookup.objects.order_by("pk").values()), default=str) == before
