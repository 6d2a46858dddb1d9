"""Apollo pushes phones for a request whose answer never came: the push proves that it was billed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from accounts.models import User
from enrichment.worker import late_phones
from integrations.ledger import calls
from integrations.lookups import pushes
from integrations.models import Balance, Lookup, PhoneReveal, VendorCall
from integrations.vendors.apollo import webhook
from operations.reconcile import find_drift
from tests.admin_site import address, superuser
from tests.integrations.doubtful import doubtful, money

pytestmark = pytest.mark.django_db(transaction=True)
PHONE = "+12065550123"
SCOPE = "vendor:apollo:2026-11-24"


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("integrations.lookups.pushes.enqueue_on_commit", lambda *_, **__: None)
    monkeypatch.setattr("integrations.lookups.reveals.enqueue_on_commit", lambda *_, **__: None)
    monkeypatch.setattr("integrations.ledger.calls.enqueue_on_commit", lambda *_, **__: None)
    yield


@pytest.fixture
def call() -> VendorCall:
    """Two people with their phones: at most 18 credits of two cents."""
    ann = User.objects.create_user("ann")
    price: dict[str, Any] = {"price": Decimal("0.02"), "reserved": Decimal("0.36"), "holds": {SCOPE: "0.3600"}}
    return doubtful(ann, SCOPE, operation="apollo_people", **price)


def person(number: int, *, phone: bool) -> dict[str, Any]:
    found = [{"sanitized_number": PHONE, "type_cd": "mobile"}] if phone else []
    return {"id": f"p{number}", "status": "success", "phone_numbers": found}


def push(call: VendorCall, people: list[Any] | str) -> Any:
    token = webhook.address("", str(call.pk)).strip("/")
    body = people if isinstance(people, str) else json.dumps({"status": "success", "people": people})
    return Client().post(f"/api/apollo/webhook/{token}", body, content_type="application/json")


@pytest.mark.parametrize(
    ("people", "credits"),
    [
        ([person(1, phone=True), person(2, phone=False)], 10),
        ([person(1, phone=True), person(2, phone=True)], 18),
        ([person(1, phone=False)], 1),
        ([person(n, phone=True) for n in range(9)], 18),  # never more than was asked for
    ],
)
def test_a_push_settles_its_request_in_doubt_and_its_body_goes(
    people: list[Any], credits: int, call: VendorCall
) -> None:
    assert push(call, people).status_code == 200
    assert late_phones.deliver(call.pk)

    call.refresh_from_db()
    cost = credits * Decimal("0.02")
    assert (call.state, call.cost, call.units, money(SCOPE)) == ("written_off", cost, credits, (cost, 0))
    assert call.decision.startswith("Settled by Apollo's push:")
    assert (call.decided_by, call.decided_at is not None) == (None, True)
    assert (Lookup.objects.get().state, PhoneReveal.objects.get().raw) == ("free", None)
    assert find_drift() == []
    client = superuser()[1]
    shown = client.get(address(VendorCall, "change", call.pk)).content.decode()
    assert "Settled by Apollo&#x27;s push" in shown
    assert PHONE not in shown


def test_it_counts_once_and_the_sweep_finds_what_came_before_the_doubt(call: VendorCall) -> None:
    VendorCall.objects.filter(pk=call.pk).update(state="sent", category="")
    push(call, [person(1, phone=True)])
    assert (late_phones.deliver(call.pk), pushes.orphans()) == (False, [])
    VendorCall.objects.filter(pk=call.pk).update(state="in_doubt", category="IN_DOUBT")

    assert late_phones.sweep() == 1
    push(call, [person(1, phone=True), person(2, phone=True)])
    assert late_phones.sweep() == 0
    call.refresh_from_db()
    assert (call.cost, money(SCOPE)) == (Decimal("0.18"), (Decimal("0.18"), 0))
    assert PhoneReveal.objects.get().raw is None


def test_an_operators_not_billed_is_put_right_and_billed_stands(call: VendorCall) -> None:
    with transaction.atomic():
        assert calls.release_doubt(call.pk, reason="not on the bill")
    push(call, [person(1, phone=True)])
    assert late_phones.sweep() == 1
    call.refresh_from_db()
    assert (call.state, call.cost, money(SCOPE)) == ("written_off", Decimal("0.18"), (Decimal("0.18"), 0))
    assert "Before: not on the bill" in call.decision

    other = doubtful(call.user, "run:y", operation="apollo_people", price=Decimal("0.02"))
    with transaction.atomic():
        calls.write_off(other.pk, cost=Decimal("0.04"), reason="invoice")
    push(other, [person(1, phone=True)])
    assert late_phones.sweep() == 0
    other.refresh_from_db()
    assert (other.cost, other.decision, money("run:y")) == (Decimal("0.04"), "invoice", (Decimal("0.04"), 0))
    assert not PhoneReveal.objects.filter(raw__isnull=False).exists()
    assert find_drift() == []


@pytest.mark.parametrize("body", ["", "<html>", '{"people": 3}'])
def test_a_body_that_cannot_be_read_proves_no_amount_and_is_not_kept(body: str, call: VendorCall) -> None:
    push(call, body)

    assert late_phones.sweep() == 0

    call.refresh_from_db()
    assert (call.state, money(SCOPE)) == ("in_doubt", (0, Decimal("0.36")))
    assert PhoneReveal.objects.get().raw is None
    push(call, [person(1, phone=False)])
    assert late_phones.sweep() == 1
    assert Balance.objects.get(scope=SCOPE).spent == Decimal("0.02")
