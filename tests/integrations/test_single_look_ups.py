"""Single look-ups: they are paid, counted and refused as a run's are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import connection

from common.db.clock import database_now
from common.db.ids import uuid7
from integrations import services
from integrations.ledger import catalogue, scopes
from integrations.models import Balance, Lookup, Operation, Vendor, VendorCall
from integrations.services import NotNow
from integrations.vendors import adapters
from integrations.vendors.contract import Answer, Query, Reply
from integrations.vendors.errors import Category, ScopeRefused
from integrations.vendors.queries import detail_query, skip_trace_query
from integrations.vendors.realestateapi import client
from sandbox.server import Sandbox
from tests.integrations.doubtful import doubtful
from tests.support import billed, fail_with, finish, make_bucket, make_user, set_operations, some_ids, start

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Callable[[int], None]:
    """A vendor whose key lacks a scope: it refuses so many requests, then it answers."""

    def times(count: int) -> None:
        left = [count]

        class Detail:
            vendor, operation, largest_batch = "realestateapi", "property_detail", 1

            def call(self, queries: Sequence[Query], *, call_id: str) -> Reply:
                left[0] -= 1
                if left[0] >= 0:
                    raise ScopeRefused("this key may not ask for batches (403)", status=403)
                return Reply(
                    {query.key: Answer({"property_id": query.key}) for query in queries}, Decimal(len(queries))
                )

        key = ("property_detail", "realestateapi")
        monkeypatch.setitem(adapters._ADAPTERS, key, (lambda account: Detail(), client.config))

    settings.VENDORS = settings.VENDORS | {"realestateapi": {"base_url": "http://vendor.test", "key": "sesame"}}
    set_operations(settings, pace=0)
    return times


def states() -> list[str]:
    return list(VendorCall.objects.order_by("pk").values_list("state", flat=True))


def after_a_refused_scope() -> tuple[bool, str, int]:
    """The operation turned to its single endpoint; the vendor is neither paused nor counted as failing."""
    operation = Operation.objects.select_related("vendor").get(vendor="realestateapi", name="property_detail")
    return operation.batch_refused_at is not None, operation.vendor.paused_reason, operation.vendor.failures


def test_a_key_that_lacks_a_scope_is_asked_again_at_the_single_endpoint(refused: Callable[[int], None]) -> None:
    refused(1)
    bought = services.buy("property_detail", detail_query("5"), user_id=make_user().pk)
    assert (bought.answer.facts, bought.cost, bought.owned) == ({"property_id": "5"}, Decimal("0.05"), False)
    assert states() == ["released", "settled"]
    assert after_a_refused_scope() == (True, "", 0)


@pytest.mark.long
def test_a_run_does_the_same_with_a_key_that_lacks_a_scope(sandbox: Sandbox) -> None:
    fail_with(sandbox, "property_detail", "403_batch")
    run = finish(start(make_bucket(sandbox, make_user(), 2), skip_trace=False))
    assert (run.status, run.done, run.failed) == ("completed", 2, 0)
    assert states() == ["released", "settled", "settled"]
    assert after_a_refused_scope() == (True, "", 0)


def test_a_scope_that_stays_refused_is_said_after_three_requests_and_holds_no_money(
    refused: Callable[[int], None],
) -> None:
    refused(99)
    with pytest.raises(NotNow) as caught:
        services.look_up("property_detail", detail_query("5"), user_id=make_user().pk)
    assert (caught.value.category, caught.value.status) == (Category.AUTH_ERROR, 403)
    assert states() == ["released"] * 3
    assert after_a_refused_scope() == (True, "", 0)
    assert set(Balance.objects.values_list("reserved", "spent")) == {(0, 0)}
    assert Lookup.objects.get().state == Lookup.State.FREE


def test_a_single_detail_counts_against_the_limit_of_leads_and_says_what_it_was_for(sandbox: Sandbox) -> None:
    ann = make_user(daily_lead_limit=1)
    first, second = (detail_query(property_id) for property_id in some_ids(sandbox, 2))
    services.buy("property_detail", first, user_id=ann.pk)
    with pytest.raises(NotNow) as caught:
        services.buy("property_detail", second, user_id=ann.pk)
    assert (caught.value.category, caught.value.reason) == (
        Category.BUDGET_EXHAUSTED,
        "today's limit of 1 leads is used up",
    )
    assert Balance.objects.get(scope=scopes.leads_day(ann.pk, database_now())).spent == 1
    assert billed(sandbox) == Decimal("0.05")
    assert VendorCall.objects.get().purpose == "lookup"


def test_a_trace_and_a_search_count_no_lead(sandbox: Sandbox) -> None:
    ann = make_user(daily_lead_limit=0)
    assert services.count_properties({"state": "WA"}, user_id=ann.pk) > 0
    person = {"first_name": "John", "last_name": "Doe", "address": "1 A St", "city": "Kent", "state": "WA"}
    services.look_up("skip_trace", skip_trace_query(**person), user_id=ann.pk)
    assert not Balance.objects.filter(scope__startswith=scopes.beginning(scopes.LEADS)).exists()


def test_a_run_says_what_its_requests_were_for_and_counts_a_lead_once(sandbox: Sandbox) -> None:
    ann = make_user()
    run = finish(start(make_bucket(sandbox, ann, 3)))
    assert set(VendorCall.objects.values_list("purpose", "run_id")) == {(f"run:{run.pk}", run.pk)}
    assert set(VendorCall.objects.values_list("operation__name", flat=True)) == {"property_detail", "skip_trace"}
    assert Balance.objects.get(scope=scopes.leads_day(ann.pk, database_now())).spent == 3


def test_requests_of_before_say_what_they_were_for() -> None:
    run_id, ann = uuid7(), make_user()
    of_run, single, named = doubtful(ann, run_id=run_id), doubtful(ann), doubtful(ann, purpose="campaign:7")
    with connection.schema_editor() as editor:
        import_module("integrations.migrations.0013_call_purpose").fill(apps, editor)
    purposes = dict(VendorCall.objects.values_list("pk", "purpose"))
    assert purposes == {of_run.pk: f"run:{run_id}", single.pk: "lookup", named.pk: "campaign:7"}


def test_switched_off_vendors_sell_no_single_look_up(sandbox: Sandbox) -> None:
    catalogue.operation("property_detail")
    Vendor.objects.filter(pk="realestateapi").update(enabled=False)
    with pytest.raises(NotNow) as caught:
        services.look_up("property_detail", detail_query("5"), user_id=make_user().pk)
    assert (caught.value.category, VendorCall.objects.count()) == (Category.AUTH_ERROR, 0)
