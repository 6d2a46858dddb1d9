from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from accounts.models import AuditEvent, Team, User
from common.db.ids import uuid7
from integrations.ledger import catalogue
from integrations.models import Budget, Lookup, Operation, Vendor, VendorCall
from tests.admin_site import act, address, boxes, member, signed_in, staff, superuser, words

pytestmark = pytest.mark.django_db


def permit(user: Any, *names: str) -> None:
    user.user_permissions.add(*Permission.objects.filter(codename__in=names))


def doubtful(user: Any, scope: str = "run:x", **more: Any) -> VendorCall:
    now = timezone.now()
    Budget.objects.create(scope=scope, reserved=Decimal("0.10"))
    call = VendorCall.objects.create(
        id=uuid7(),
        operation=catalogue.operation("property_detail"),
        user=user,
        state="in_doubt",
        inputs=2,
        reserved=Decimal("0.10"),
        holds={scope: "0.1000"},
        created_at=now,
        slot_at=now,
        sent_at=now,
        lease_until=now,
        **more,
    )
    Lookup.objects.create(operation=call.operation, key=f"{call.pk}", state="in_doubt", call=call)
    return call


@pytest.mark.parametrize("model", [Vendor, Operation, VendorCall])
def test_staff_see_no_vendors_and_no_requests_unless_permitted(model):
    ann, client = staff()

    assert client.get(address(model, "changelist")).status_code == 403
    permit(ann, f"view_{model._meta.model_name}")
    assert client.get(address(model, "changelist")).status_code == 200


def test_purchased_data_is_for_superusers_alone_because_it_tells_of_every_team():
    ann, client = staff(is_operator=True)
    permit(ann, "view_lookup")

    assert client.get(address(Lookup, "changelist")).status_code == 403
    assert superuser()[1].get(address(Lookup, "changelist")).status_code == 200


def budgets_shown(client: Any) -> list[str]:
    return sorted(budget.scope for budget in client.get(address(Budget, "changelist")).context["cl"].result_list)


def test_budgets_are_ones_own_and_the_teams_and_for_operators_all():
    team, day = Team.objects.create(name="Acquisitions"), "2026-11-30"
    rita, client = member(team, "reader")
    own = [f"user:{rita.pk}:2026-11", f"leads:{rita.pk}:{day}", f"team:{team.pk}:2026-11", f"teamleads:{team.pk}:{day}"]
    others = [f"user:{rita.pk}1:2026-11", f"team:{team.pk}1:2026-11", f"teamleads:{team.pk}1:{day}", f"vendor:x:{day}"]
    Budget.objects.bulk_create(Budget(scope=scope) for scope in [*own, *others])

    assert budgets_shown(client) == sorted(own)
    assert member(team, "caller")[1].get(address(Budget, "changelist")).status_code == 403
    assert budgets_shown(signed_in(User.objects.create(username="op", is_staff=True, is_operator=True))) == sorted(
        [*own, *others]
    )


def test_permitted_staff_see_their_own_calls_only():
    ann, client = staff()
    permit(ann, "view_vendorcall")
    mine, theirs = doubtful(ann, "run:a"), doubtful(superuser()[0], "run:b")

    assert [c.pk for c in client.get(address(VendorCall, "changelist")).context["cl"].result_list] == [mine.pk]
    assert client.get(address(VendorCall, "change", theirs.pk)).status_code == 302


def test_whoever_may_only_look_decides_nothing():
    ann, client = staff()
    permit(ann, "view_vendorcall")
    call = doubtful(ann)

    act(client, VendorCall, "mark_chosen_not_billed", [call], confirmed="yes")

    call.refresh_from_db()
    assert (call.state, Budget.objects.get().reserved) == ("in_doubt", Decimal("0.10"))


@pytest.mark.parametrize(
    ("action", "state", "spent", "word"),
    [
        ("mark_chosen_not_billed", "released", 0, "Marked as not billed"),
        ("mark_chosen_billed", "written_off", Decimal("0.10"), "Marked as billed"),
    ],
)
def test_what_is_in_doubt_is_decided_after_a_question(action, state, spent, word):
    boss, client = superuser()
    call = doubtful(boss)

    asked = act(client, VendorCall, action, [call])
    assert "2 records, $0.10 held" in asked.content.decode()
    assert VendorCall.objects.get().state == "in_doubt"
    answer = act(client, VendorCall, action, [call], confirmed="yes")

    budget = Budget.objects.get()
    assert words(answer) == [f"{word}: $0.10 of RealEstateAPI: property detail"]
    assert (VendorCall.objects.get().state, budget.reserved, budget.spent) == (state, 0, spent)
    assert Lookup.objects.get().state == "free"
    assert words(act(client, VendorCall, action, [call], confirmed="yes")) == [
        "None of these requests needs a billing check."
    ]


def test_a_reset_lifts_a_pause_closes_the_breaker_and_opens_the_batch_endpoints():
    client = superuser()[1]
    operation = catalogue.operation("property_detail")
    now = timezone.now()
    Operation.objects.filter(pk=operation.pk).update(batch_refused_at=now)
    Vendor.objects.filter(pk="realestateapi").update(paused_reason="key refused")
    Operation.objects.filter(pk=operation.pk).update(failures=5, breaker_open_until=now)

    answer = act(client, Vendor, "reset", [operation.vendor])

    vendor = Vendor.objects.get(pk="realestateapi")
    operation.refresh_from_db()
    assert words(answer) == ["Available again: RealEstateAPI"]
    assert (vendor.paused_reason, vendor.failures, vendor.breaker_open_until, operation.batch_refused_at) == (
        "",
        0,
        None,
        None,
    )


def test_what_changed_while_a_person_looked_at_a_vendor_stays():
    client = superuser()[1]
    catalogue.operation("apollo_people")
    page = address(Vendor, "change", "apollo")
    client.get(page)
    Vendor.objects.filter(pk="apollo").update(paused_reason="no credit")
    Operation.objects.filter(vendor="apollo").update(failures=3)

    form = {"daily_cap": "12.50", "server_error_policy": "doubt"}
    saved = client.post(page, form | {"operations-TOTAL_FORMS": "0", "operations-INITIAL_FORMS": "0"})

    vendor = Vendor.objects.get(pk="apollo")
    assert saved.status_code == 302
    assert (vendor.enabled, vendor.daily_cap, vendor.paused_reason, vendor.failures) == (
        True,
        Decimal("12.50"),
        "no credit",
        3,
    )


def test_a_page_of_before_puts_no_limit_or_price_back_that_another_person_has_set():
    client = superuser()[1]
    catalogue.operation("apollo_people")
    page = address(Vendor, "change", "apollo")
    shown = boxes(client.get(page))
    price, pace = ("operations-0-price", "operations-0-pace")
    assert {"daily_cap", price, pace} <= shown.keys()

    client.post(page, shown | {"daily_cap": "10", price: "0.03"})
    client.post(page, shown | {pace: "40"})

    operation = Operation.objects.get(pk=shown["operations-0-id"])
    assert (operation.vendor.daily_cap, operation.price, operation.pace) == (Decimal(10), Decimal("0.03"), 40)
    last = AuditEvent.objects.latest("pk")
    assert (last.before, last.after) == ({"pace": None}, {"pace": "40"})


def test_a_negative_cap_or_price_is_refused():
    client = superuser()[1]
    operation = catalogue.operation("skip_trace")
    none = {"operations-TOTAL_FORMS": "0", "operations-INITIAL_FORMS": "0"}

    assert client.post(address(Vendor, "change", "realestateapi"), {"daily_cap": "-1", **none}).status_code == 200
    assert client.post(address(Operation, "change", operation.pk), {"price": "-0.01"}).status_code == 200
    operation.refresh_from_db()
    assert (operation.price, Vendor.objects.get(pk="realestateapi").daily_cap) == (None, None)


def test_an_operation_is_repriced_and_the_pace_row_is_left_alone():
    client = superuser()[1]
    operation = catalogue.operation("skip_trace")
    slot = timezone.now()
    page = address(Operation, "change", operation.pk)
    client.get(page)
    Operation.objects.filter(pk=operation.pk).update(next_slot_at=slot)

    client.post(page, {"price": "0.07", "pace": "", "batch": "", "fresh_days": ""})

    operation.refresh_from_db()
    assert (operation.price, operation.next_slot_at, operation.setting("price")) == (
        Decimal("0.07"),
        slot,
        Decimal("0.07"),
    )


@pytest.mark.parametrize("model", [Budget, VendorCall, Lookup])
def test_money_audit_and_bought_facts_are_read_only_even_for_superusers(model):
    boss, client = superuser()
    call = doubtful(boss)
    row = model.objects.get()

    assert client.get(address(model, "add")).status_code == 403
    assert (
        client.post(address(model, "change", row.pk), {"spent": "0", "cost": "0", "state": "free"}).status_code == 403
    )
    assert client.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    call.refresh_from_db()
    assert (call.state, Budget.objects.get().reserved, Lookup.objects.get().state) == (
        "in_doubt",
        Decimal("0.10"),
        "in_doubt",
    )


def test_calls_are_found_by_their_run_and_budgets_by_the_beginning_of_their_scope():
    boss, client = superuser()
    run_id = uuid7()
    call = doubtful(boss, f"run:{run_id}", run_id=run_id)
    doubtful(boss, "run:other")

    assert list(client.get(address(VendorCall, "changelist"), {"q": str(run_id)}).context["cl"].result_list) == [call]
    assert list(client.get(address(VendorCall, "changelist"), {"q": "x"}).context["cl"].result_list) == []
    found = client.get(address(Budget, "changelist"), {"q": f"run:{run_id}"}).context["cl"].result_list
    assert [budget.scope for budget in found] == [f"run:{run_id}"]


@pytest.mark.parametrize(
    ("purpose", "says"),
    [("lookup", "Single look-up"), ("run:5", "Enrichment job"), ("campaign:7", "Campaign"), ("", "–")],
)
def test_a_request_says_in_words_what_it_was_paid_for(purpose, says):
    boss, client = superuser()
    call = doubtful(boss, purpose=purpose)

    page = client.get(address(VendorCall, "change", call.pk))

    fields = {field.field["name"]: field for sets in page.context["adminform"] for line in sets for field in line}
    assert fields["paid_for"].contents() == says
    assert fields["paid_for"].field["help_text"] == "What it was paid for: an enrichment job, or a single request"
