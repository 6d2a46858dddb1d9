"""One question per person: what makes two skip traces the same, and what was bought by the former key stays owned."""

from __future__ import annotations

import hashlib
import importlib
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, transaction

from common.db.clock import database_now
from integrations.ledger import catalogue
from integrations.lookups import gate
from integrations.lookups.owned import fresh_answers
from integrations.models import Lookup, Operation
from integrations.vendors import normalise
from integrations.vendors.skip_trace import skip_trace_query

pytestmark = pytest.mark.django_db(transaction=True)

HOME = {"address": "100 North Oak Street Apt 4", "city": "Saint Louis", "state": "MO", "zip": "63101"}
POST = {"mail_address": "PO Box 7", "mail_city": "Waco", "mail_state": "TX", "mail_zip": "76701"}
ANN = {"first_name": "Ann", "last_name": "O'Neil"}
BASE = skip_trace_query(**ANN, **HOME)


# --- Which questions are one ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "asked",
    [
        {**ANN, **HOME, **POST},
        {**ANN, **HOME, "zip": None},
        {**ANN, **HOME, "zip": "63101-0004"},
        {**ANN, **HOME, "address": "100 N. OAK ST #4"},
        {**ANN, **HOME, "address": "100 n oak st unit 4", "city": "St. Louis", "state": "mo"},
        {"first_name": "ANN", "last_name": "ONEIL", **HOME},
        {"owner_name": "Ann O'Neil", **HOME},
    ],
)
def test_the_same_person_at_the_same_property_is_one_question(asked: dict[str, Any]) -> None:
    assert skip_trace_query(**asked).key == BASE.key


@pytest.mark.parametrize(
    "asked",
    [
        {"first_name": "Anna", "last_name": "O'Neil", **HOME},
        {"first_name": "O'Neil", "last_name": "Ann", **HOME},
        {**ANN, **HOME, "address": "100 North Oak Street Apt 5"},
        {**ANN, **HOME, "address": "100 North Oak Street"},
        {**ANN, **HOME, "city": "Kansas City"},
        {**ANN, **HOME, "state": "IL"},
        {**ANN, **POST},
        {**ANN, "city": "Saint Louis", "state": "MO", "zip": "63101"},
        {"owner_name": "Oak Homes LLC", **HOME},
        HOME,
    ],
)
def test_another_person_or_place_is_another_question(asked: dict[str, Any]) -> None:
    assert skip_trace_query(**asked).key != BASE.key


def test_a_company_is_one_question_however_its_name_was_given_and_no_other_companys() -> None:
    by_run = skip_trace_query(owner_name="OAK HOMES, LLC", **HOME, **POST)
    by_person = skip_trace_query(last_name="Oak Homes LLC", **HOME)
    assert by_run.key == by_person.key
    assert by_person.params == HOME  # its name is not the vendor's business: it would match nobody
    assert skip_trace_query(last_name="Elm Homes LLC", **HOME).key != by_run.key
    assert skip_trace_query(**HOME).key != by_run.key


def test_without_a_name_the_zip_says_which_of_two_streets_of_one_name() -> None:
    assert skip_trace_query(**HOME).key != skip_trace_query(**{**HOME, "zip": "63102"}).key


def test_mailing_address_alone_and_name_alone_are_told_apart_by_all_they_have() -> None:
    one = skip_trace_query(**ANN, **POST)
    assert one.key == skip_trace_query(**ANN, **{**POST, "mail_address": "PO BOX NO. 7"}).key
    keys = {
        one.key,
        skip_trace_query(**ANN, **{**POST, "mail_address": "PO Box 8"}).key,
        skip_trace_query(**ANN, address="PO Box 7", city="Waco", state="TX").key,
        skip_trace_query(**ANN, city="Waco", state="TX", zip="76701").key,
        skip_trace_query(**ANN, city="Waco", state="TX", zip="76702").key,
    }
    assert len(keys) == 5


def test_the_vendor_is_still_told_the_mailing_address() -> None:
    assert skip_trace_query(**ANN, **HOME, **POST).params == {**ANN, **HOME, **POST}


# --- What was bought by the former key --------------------------------------------------------------------------------


def old_key(**params: str) -> str:
    """As version 1.3 made it from what it sent to the vendor."""
    spelled = "\x1f".join(f"{name}={normalise.fold(part)}" for name, part in sorted(params.items()))
    return hashlib.sha256(f"skip-trace-1\x1f{spelled}".encode()).hexdigest()


def detail_of(asked: dict[str, Any]) -> dict[str, Any]:
    """The facts of a bought detail from which a run asked so."""
    names = {"address": "property_address", "city": "property_city", "state": "property_state", "zip": "property_zip"}
    return {names.get(name, name.replace("mail_", "mailing_")): part for name, part in asked.items()}


def owned(operation: str, key: str, facts: dict[str, Any], **values: Any) -> Lookup:
    values = {"state": "answered", "cost": Decimal("0.05"), "fetched_at": database_now()} | values
    return Lookup.objects.create(operation=catalogue.operation(operation), key=key, facts=facts, **values)


def migrated() -> None:
    module = importlib.import_module("integrations.migrations.0009_trace_keys")
    with transaction.atomic():
        module.copy_under_new_keys(apps, SimpleNamespace(connection=connection))


def test_the_keys_of_before_are_further_names_of_the_question() -> None:
    asked = {**ANN, **HOME, **POST}
    assert skip_trace_query(**asked).names == (old_key(**asked), old_key(**ANN, **HOME))
    assert BASE.names == (old_key(**ANN, **HOME),)
    assert skip_trace_query(**ANN, **POST).names == (old_key(**ANN, **POST),)
    company = skip_trace_query(owner_name="Oak Homes LLC", **HOME, **POST)
    assert company.names == (old_key(**HOME, **POST), old_key(**HOME))


@pytest.mark.parametrize(
    ("detail", "sent", "asked_since"),
    [
        ({**ANN, **HOME, **POST}, {**ANN, **HOME, **POST}, {**ANN, **HOME}),
        ({**ANN, **HOME, **POST}, {**ANN, **HOME, **POST}, {**ANN, **HOME, "zip": None}),
        ({**ANN, **HOME, **POST}, {**ANN, **HOME}, {**ANN, **HOME, **POST}),
        ({"owner_name": "Oak Homes LLC", **HOME, **POST}, {**HOME, **POST}, {"last_name": "OAK HOMES LLC", **HOME}),
        ({**HOME, **POST}, {**HOME, **POST}, HOME),
        ({**ANN, **POST}, {**ANN, **POST}, {**ANN, **POST}),
    ],
)
def test_a_contact_bought_before_costs_nothing_after_the_migration(
    detail: dict[str, str], sent: dict[str, str], asked_since: dict[str, Any]
) -> None:
    owned("property_detail", "11", detail_of(detail))
    paid = owned("skip_trace", old_key(**sent), {"phone": "+15125550100"})
    before = Lookup.objects.filter(pk=paid.pk).values().get()

    migrated()
    migrated()

    found = gate.owned(catalogue.operation("skip_trace"), skip_trace_query(**asked_since))
    assert found is not None
    assert (found.answer.facts, found.fetched_at) == ({"phone": "+15125550100"}, paid.fetched_at)
    copies = Lookup.objects.filter(operation__name="skip_trace").exclude(pk=paid.pk)
    assert list(copies.values_list("cost", "call")) == [(0, None)]
    assert Lookup.objects.filter(pk=paid.pk).values().get() == before


def test_only_answers_are_taken_along_and_of_two_the_one_that_can_be_called() -> None:
    owned("property_detail", "11", detail_of({**ANN, **HOME, **POST}))
    owned("property_detail", "12", detail_of({"first_name": "Bob", "last_name": "Lee", **HOME}))
    owned("property_detail", "13", {"apn": "1"})
    owned("skip_trace", old_key(**ANN, **HOME), {}, category="SKIP_TRACE_EMPTY")
    owned("skip_trace", old_key(**ANN, **HOME, **POST), {"phone": "+15125550100"})
    bobs = {"first_name": "Bob", "last_name": "Lee"}
    owned("skip_trace", old_key(**bobs, **HOME), {}, state="garbage", category="INVALID_DATA")
    migrated()
    found = gate.owned(catalogue.operation("skip_trace"), BASE)
    assert found is not None and found.answer.facts == {"phone": "+15125550100"}
    assert not Lookup.objects.filter(key=skip_trace_query(**bobs, **HOME).key).exists()


# --- Which answer serves ----------------------------------------------------------------------------------------------


def serves(**other: Any) -> dict[str, Any]:
    operation = catalogue.operation("skip_trace")
    return {key: row.facts for key, row in fresh_answers(operation, [BASE], now=database_now(), **other).items()}


def test_another_vendors_contact_serves_and_its_miss_keeps_nobody_from_asking() -> None:
    Operation.objects.get_or_create(vendor=catalogue.vendor("signalhouse"), name="skip_trace")
    asked = catalogue.operation("skip_trace")
    others = Operation.objects.filter(name=asked.name).exclude(pk=asked.pk)
    assert [other.vendor_id for other in others] == ["signalhouse"]
    row = Lookup.objects.create(
        operation=others[0],
        key=BASE.key,
        state="answered",
        facts={},
        fetched_at=database_now(),
        category="SKIP_TRACE_EMPTY",
    )
    assert serves() == {}
    for facts in ({"phone": "+15125550100"}, {"email": "ann@example.com"}):
        Lookup.objects.filter(pk=row.pk).update(facts=facts, category="")
        assert serves() == {BASE.key: facts}
    assert serves(after=database_now()) == {}


def test_its_own_vendors_miss_serves_unless_somebody_has_a_phone() -> None:
    owned("skip_trace", BASE.key, {}, category="SKIP_TRACE_EMPTY")
    assert serves() == {BASE.key: {}}
    owned("skip_trace", BASE.names[0], {"phone": "+15125550100"})
    assert serves() == {BASE.key: {"phone": "+15125550100"}}


def test_what_is_bought_again_this_moment_still_serves() -> None:
    row = owned("skip_trace", BASE.key, {"phone": "+15125550100"})
    for state in ("buying", "in_doubt"):
        Lookup.objects.filter(pk=row.pk).update(state=state)
        assert list(serves()) == [BASE.key]
    Lookup.objects.filter(pk=row.pk).update(facts=None)
    assert serves() == {}
