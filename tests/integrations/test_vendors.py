"""The vendor's page: what it says, who changed what, the switch, and the free test of the key."""

from __future__ import annotations

import threading
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection, transaction
from django.utils import timezone

from common.db.ids import uuid7
from integrations.ledger import breaker, catalogue
from integrations.models import Budget, Lookup, Operation, Vendor, VendorCall
from integrations.operating import vendors
from tests.admin_site import address, staff, superuser, words
from tests.command_line import assert_refused, run
from tests.support import billed, requests_of

pytestmark = pytest.mark.django_db
MISSING = "RealEstateAPI is not available: no key (REALESTATEAPI_KEY is not set)"


@pytest.fixture
def detail() -> Operation:
    return catalogue.operation("property_detail")


def page_of(name: str, act: str = "change") -> str:
    return f"/admin/integrations/vendor/{name}/{act}/"


def form_of(client: Any, name: str, **changed: str) -> dict[str, str]:
    """The vendor's form as the page has it, with some fields typed over. An operation's: `skip_trace.price`."""
    context = client.get(page_of(name)).context
    formset = context["inline_admin_formsets"][0].formset
    names = {form.instance.name: form.prefix for form in formset.forms}
    fields = {"daily_cap": "", "server_error_policy": "doubt"} | {
        f"{formset.prefix}-{key}": str(value) for key, value in formset.management_form.initial.items()
    }
    for form in formset.forms:
        fields |= {form.add_prefix("id"): str(form.instance.pk), form.add_prefix("vendor"): name}
    for key, value in changed.items():
        operation, _, field = key.rpartition("__")
        fields[f"{names[operation]}-{field}" if operation else field] = value
    return fields


def called(operation: Operation, **more: Any) -> VendorCall:
    now = timezone.now()
    sent = {"created_at": now, "slot_at": now, "sent_at": now, "lease_until": now, "reserved": 0, "inputs": 1}
    return VendorCall.objects.create(**({"id": uuid7(), "operation": operation, "state": "settled"} | sent | more))


@pytest.mark.long
def test_a_price_is_changed_on_the_page_and_the_history_says_who_from_and_to(detail):
    boss, client = superuser()
    slot = timezone.now() + timedelta(seconds=3)

    form = form_of(client, "realestateapi", daily_cap="25", property_detail__price="0.07", property_detail__pace="60")
    Operation.objects.filter(pk=detail.pk).update(next_slot_at=slot)  # while the person looks at the form
    saved = client.post(page_of("realestateapi"), form)

    detail.refresh_from_db()
    assert saved.status_code == 302
    assert (detail.price, detail.pace, detail.batch, detail.next_slot_at) == (Decimal("0.07"), 60, None, slot)
    assert Vendor.objects.get(pk="realestateapi").cap == 25
    entry = LogEntry.objects.get()
    assert (entry.user, entry.get_change_message()) == (
        boss,
        "daily cap: default → 25; property_detail pace: default → 60; property_detail price: default → 0.07",
    )
    client.post(page_of("realestateapi"), form_of(client, "realestateapi", daily_cap="25"))
    assert "price: 0.0700 → default" in client.get(page_of("realestateapi")).content.decode()


def test_saving_without_a_change_is_no_event(detail):
    client = superuser()[1]

    assert client.post(page_of("realestateapi"), form_of(client, "realestateapi")).status_code == 302
    assert not LogEntry.objects.exists()


def test_a_bad_price_is_refused_on_the_page_and_nothing_else_is_saved(detail):
    client = superuser()[1]

    form = form_of(client, "realestateapi", daily_cap="25", property_detail__price="-1")
    answer = client.post(page_of("realestateapi"), form)

    detail.refresh_from_db()
    assert (answer.status_code, detail.price) == (200, None)
    assert Vendor.objects.get(pk="realestateapi").daily_cap is None
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("property_detail__price", "-0.01", "Enter a price of $0 or more."),
        ("property_detail__price", "99999.5", "Enter a price of $99,999 or less."),
        ("property_detail__price", "0.00005", "Ensure that there are no more than 4 decimal places."),
        ("property_detail__pace", "-1", "Enter a pace of 0 (no pace) or more."),
        ("property_detail__pace", "200000", "Enter a pace of 100,000 a minute or less."),
        ("property_detail__batch", "0", "Enter 1 record a request or more."),
        ("property_detail__batch", "1001", "Enter 1,000 records a request or less."),
        ("property_detail__fresh_days", "1000000", "Enter 3,650 days or less."),
        ("daily_cap", "-5", "Enter a limit of $0 or more."),
        ("daily_cap", "0.001", "Ensure that there are no more than 2 decimal places."),
    ],
)
def test_what_is_out_of_bounds_is_refused_in_words_and_changes_nothing(detail, field, value, words):
    client = superuser()[1]

    answer = client.post(page_of("realestateapi"), form_of(client, "realestateapi", **{field: value}))

    detail.refresh_from_db()
    assert (answer.status_code, words in answer.content.decode()) == (200, True)
    assert (detail.price, detail.pace, detail.batch, detail.fresh_days) == (None, None, None, None)
    assert Vendor.objects.get(pk="realestateapi").daily_cap is None
    assert not LogEntry.objects.exists()


def test_the_page_shows_pace_money_and_the_last_days_errors(detail, settings):
    client = superuser()[1]
    now = timezone.now()
    settings.VENDOR_DAILY_CAP = settings.VENDOR_DAILY_CAP | {"realestateapi": Decimal(10)}
    Budget.objects.create(scope=f"vendor:realestateapi:{now:%Y-%m-%d}", spent=Decimal("7.50"), reserved=Decimal("0.50"))
    called(detail)
    called(detail, state="released", status=429, category="RATE_LIMITED", reason="Slow down.")
    called(detail, state="released", status=429, category="RATE_LIMITED", reason="Slower.")
    called(detail, sent_at=now - timedelta(minutes=2))

    context = client.get(page_of("realestateapi")).context

    assert [(p.operation.name, p.sent) for p in context["paces"] if p.sent] == [("property_detail", 3)]
    assert (context["spent"], context["reserved"], context["cap"], context["percent"]) == (
        Decimal("7.50"),
        Decimal("0.50"),
        Decimal(10),
        80,
    )
    assert [(e.operation, e.category, e.status, e.reason, e.times) for e in context["errors_today"]] == [
        ("property_detail", "RATE_LIMITED", 429, "Slower.", 2)
    ]


def test_pausing_needs_words_and_resuming_needs_none(detail):
    client = superuser()[1]

    empty = client.post(page_of("realestateapi", "pause"), {"confirmed": "Pause", "reason": "  "})
    assert (empty.status_code, Vendor.objects.get(pk="realestateapi").enabled) == (200, True)
    paused = client.post(page_of("realestateapi", "pause"), {"confirmed": "Pause", "reason": "no credit"})
    vendor = Vendor.objects.get(pk="realestateapi")
    assert words(paused) == ["Paused: no credit."]
    assert (vendor.enabled, vendor.paused_reason) == (False, "no credit (boss)")
    client.cookies.pop("messages", None)
    resumed = client.post(page_of("realestateapi", "resume"))
    vendor.refresh_from_db()
    assert words(resumed) == ["Resumed."]
    assert (vendor.enabled, vendor.paused_reason) == (True, "")
    assert [entry.change_message for entry in LogEntry.objects.order_by("pk")] == ["Paused: no credit", "Resumed"]


@pytest.mark.parametrize("act", ["pause", "resume", "test", "close-breaker"])
def test_only_whoever_may_change_vendors_does(act, detail, sandbox):
    client = staff()[1]

    answer = client.post(page_of("realestateapi", act), {"confirmed": "yes", "reason": "x"})

    assert (answer.status_code, requests_of(sandbox)) == (403, {})
    assert Vendor.objects.get(pk="realestateapi").enabled


@pytest.mark.parametrize("act", ["resume", "test", "close-breaker"])
def test_nothing_is_done_by_following_a_link(act, detail):
    assert superuser()[1].get(page_of("realestateapi", act)).status_code == 405


@pytest.mark.parametrize(("name", "words_of_it"), [("realestateapi", "RealEstateAPI"), ("apollo", "Apollo")])
def test_a_connection_is_tested_for_nothing_and_the_key_is_never_shown(name, words_of_it, sandbox, settings):
    client = superuser()[1]
    catalogue.vendor(name)

    told = words(client.post(page_of(name, "test")))

    assert len(told) == 1
    assert told[0].startswith(f"{words_of_it}: It answers and takes the key")
    assert settings.VENDORS[name]["key"] not in told[0]
    assert billed(sandbox) == 0
    assert not VendorCall.objects.exists()


def test_a_test_says_in_words_that_the_key_is_refused_missing_or_cannot_be_tested(sandbox, settings):
    def told(name: str, key: str) -> tuple[bool | None, str]:
        settings.VENDORS = settings.VENDORS | {name: settings.VENDORS[name] | {"key": key}}
        answer = vendors.test_connection(catalogue.vendor(name))
        assert not key or key not in answer.words
        return answer.ok, answer.words

    assert told("realestateapi", "") == (False, f"{MISSING}.")
    assert told("realestateapi", "a-wrong-key")[0] is False
    assert "(401)" in told("realestateapi", "a-wrong-key")[1]
    assert told("signalhouse", "some-key")[0] is None
    settings.VENDORS = settings.VENDORS | {"apollo": {"base_url": "http://127.0.0.1:9", "key": "some-key"}}
    assert told("apollo", "some-key")[0] is False


def test_the_command_lists_pauses_resumes_and_tests(sandbox, settings):
    superuser("ann")
    settings.VENDOR_DAILY_CAP = settings.VENDOR_DAILY_CAP | {"apollo": Decimal(5)}

    paused = run("vendors", "pause", "apollo", "--reason", "no credit", "--user", "ann", "--json").json
    listed = {row["name"]: row for row in run("vendors", "--json").json["vendors"]}
    assert (paused["enabled"], paused["trouble"]) == (False, "no credit (ann)")
    assert "apollo  no credit (ann)  $0.00 of $5.00 today" in run("vendors", "list").out.splitlines()
    assert {name: row["trouble"] for name, row in listed.items()} == {
        "apollo": "no credit (ann)",
        "realestateapi": "",
        "signalhouse": "",
        "signalhouse_messaging": "",
        "twilio": "",
    }
    assert run("vendors", "resume", "apollo", "--user", "ann").out == "apollo: Resumed.\n"
    assert Vendor.objects.get(pk="apollo").enabled
    assert run("vendors", "test", "realestateapi", "--json").json["ok"] is True
    assert [entry.user.username for entry in LogEntry.objects.all()] == ["ann", "ann"]


def test_the_command_refuses_in_one_line_and_changes_nothing(sandbox, settings):
    staff("ann")
    superuser("boss")
    settings.VENDORS = settings.VENDORS | {"realestateapi": settings.VENDORS["realestateapi"] | {"key": ""}}

    for arguments, told in (
        (("pause", "apollo", "--user", "boss"), "Say why: whoever waits for this vendor reads it."),
        (("pause", "apollo", "--reason", "x"), "Say who: --user USERNAME. The vendor's history names them."),
        (("resume", "apollo", "--user", "ann"), "ann may not change vendors: this needs an administrator."),
        (("test", "nobody"), "Which vendor? One of apollo, realestateapi, signalhouse, signalhouse_messaging, twilio."),
        (("test", "realestateapi"), f"realestateapi: {MISSING}."),
    ):
        assert_refused(run("vendors", *arguments), told)
    assert not Vendor.objects.filter(enabled=False).exists()
    assert not LogEntry.objects.exists()


def test_a_vendors_page_is_found_from_its_list(detail):
    client = superuser()[1]

    assert client.get(address(Vendor, "change", "realestateapi")).status_code == 200
    assert client.get(page_of("nobody", "pause")).status_code in (302, 404)


@pytest.mark.django_db(transaction=True)
def test_opening_a_vendor_again_does_not_wait_for_a_settlement_that_adds_a_look_up() -> None:
    """Which may be holding a run that the opener wants next: each would wait for the other."""
    operation = catalogue.operation("property_detail")
    added, opened = threading.Event(), threading.Event()

    def settle() -> None:
        with transaction.atomic():
            Lookup.objects.create(operation=operation, key="9")
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # as its commit would
            added.set()
            opened.wait(20)
        connection.close()

    thread = threading.Thread(target=settle)
    thread.start()
    try:
        assert added.wait(60)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '3s'")
            breaker.reset(operation.vendor_id)  # OperationalError where it waits
    finally:
        opened.set()
        thread.join()
    assert Lookup.objects.get().key == "9"
