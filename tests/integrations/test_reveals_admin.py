"""The operator's side of phones that come later: seen without a phone, decided once, by a user who may."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from common.db.ids import uuid7
from integrations.ledger import catalogue
from integrations.models import Budget, PhoneReveal, VendorCall
from tests.admin_site import act, address, staff, superuser, words

pytestmark = pytest.mark.django_db
PHONE = "+12065550123"


def doubtful(user: Any) -> PhoneReveal:
    now = timezone.now()
    Budget.objects.create(scope="run:x", spent=Decimal("0.10"), reserved=Decimal("0.80"))
    call = VendorCall.objects.create(
        id=uuid7(),
        operation=catalogue.operation("apollo_people"),
        user=user,
        state="settled",
        inputs=5,
        reserved=Decimal("0.90"),
        cost=Decimal("0.10"),
        holds={"run:x": "0.9000"},
        created_at=now,
        slot_at=now,
        sent_at=now,
        lease_until=now,
    )
    return PhoneReveal.objects.create(
        call=call,
        state="in_doubt",
        people={"a": ["k"], "b": ["l"]},
        reserved=Decimal("0.80"),
        holds={"run:x": "0.8000"},
        raw=PHONE.encode(),
        unreadable=True,
        reason="Apollo knows nothing of this (404)",
        created_at=now,
    )


@pytest.mark.parametrize(
    ("action", "state", "spent", "word"),
    [
        ("mark_chosen_not_billed", "released", Decimal("0.10"), "Marked as not billed"),
        ("mark_chosen_billed", "written_off", Decimal("0.90"), "Marked as billed"),
    ],
)
def test_what_is_in_doubt_is_decided_after_a_question(action: str, state: str, spent: Decimal, word: str) -> None:
    boss, client = superuser()
    reveal = doubtful(boss)

    asked = act(client, PhoneReveal, action, [reveal])
    assert "phones of 2 people, $0.80 held: Apollo knows nothing of this (404)" in asked.content.decode()
    assert PhoneReveal.objects.get().state == "in_doubt"
    answer = act(client, PhoneReveal, action, [reveal], confirmed="yes")

    budget = Budget.objects.get()
    assert words(answer) == [f"{word}: $0.80 of phones"]
    assert (PhoneReveal.objects.get().state, budget.reserved, budget.spent) == (state, 0, spent)
    assert VendorCall.objects.get().cost == spent
    again = act(client, PhoneReveal, action, [reveal], confirmed="yes")
    assert words(again) == ["None of these mobile number requests needs a billing check."]


def test_nobody_sees_a_phone_or_somebody_elses_reveal() -> None:
    boss, client = superuser()
    reveal = doubtful(boss)
    pages = [client.get(address(PhoneReveal, "changelist")), client.get(address(PhoneReveal, "change", reveal.pk))]
    assert [page.status_code for page in pages] == [200, 200]
    assert [PHONE in page.content.decode() or "2065550123" in page.content.decode() for page in pages] == [False, False]

    ann, client = staff()
    ann.user_permissions.add(Permission.objects.get(codename="view_phonereveal"))
    assert list(client.get(address(PhoneReveal, "changelist")).context["cl"].result_list) == []
    act(client, PhoneReveal, "mark_chosen_billed", [reveal], confirmed="yes")
    assert PhoneReveal.objects.get().state == "in_doubt"
