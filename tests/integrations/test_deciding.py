"""Billing checks on pages and by command: a request's own page, a whole outage, an unreadable answer."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission

from integrations.admin.words import category
from integrations.ledger import catalogue
from integrations.models import Lookup, UnreadableAnswer, VendorCall
from integrations.vendors.errors import WORDS, Category
from tests.admin_site import address, signed_in, staff, superuser, words
from tests.command_line import assert_refused, run
from tests.integrations.doubtful import doubtful, money

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
SEEN = "2026-11-24T18:00:00+00:00"  # when the page showed what it holds
OUTAGE = "/admin/integrations/vendorcall/outage/"


def page_of(call: VendorCall, route: str) -> str:
    return f"/admin/integrations/vendorcall/{call.pk}/{route}/"


def text(response: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


# --- A request's own page ---------------------------------------------------------------------------------------------


def test_a_requests_own_page_has_both_decisions_and_says_what_they_are_about():
    boss, client = superuser()
    call = doubtful(boss, claimed=Decimal(3), excess=Decimal("0.05"))

    page = client.get(address(VendorCall, "change", call.pk))

    shown = text(page)
    assert "It may have been billed: It timed out." in shown
    assert "$0.10 is held for it" in shown
    assert page_of(call, "billed") in page.content.decode()
    assert page_of(call, "not-billed") in page.content.decode()
    for label in ("Price:", "Claimed:", "Claimed above the price list:", "Decision:", "Leads waiting:"):
        assert label.lower().rstrip(":") in shown.lower()


def test_a_requests_own_page_and_list_say_its_category_in_words_and_its_money_in_dollars():
    boss, client = superuser()
    call = doubtful(boss, category="IN_DOUBT", excess=Decimal("0.0125"), price=Decimal("0.05"))

    shown = text(client.get(address(VendorCall, "change", call.pk)))
    listed = text(client.get(address(VendorCall, "changelist")))

    for said in ("Needs billing check (IN_DOUBT)", "$0.05", "$0.10", "$0.00", "$0.0125", "US dollars reserved"):
        assert said in shown, said
    for bare in ("0.0500", "0.1000"):
        assert bare not in shown + listed
    assert "Needs billing check (IN_DOUBT)" in listed and "$0.10" in listed

    VendorCall.objects.filter(pk=call.pk).update(state="settled", category="NOT_FOUND")
    assert "Not known to the vendor (NOT_FOUND)" in text(client.get(address(VendorCall, "change", call.pk)))


def test_every_category_has_words():
    assert [category(code) for code in Category] == [f"{WORDS[code]} ({code})" for code in Category]
    assert (category(""), category("OTHER")) == ("–", "OTHER")
    assert category("IN_DOUBT", decided=True) == "Needed a billing check (IN_DOUBT)"


def test_it_is_marked_as_billed_with_the_bills_own_cost_and_a_reason():
    boss, client = superuser()
    call = doubtful(boss)
    asked = client.get(page_of(call, "billed"))
    assert asked.context["form"]["cost"].value() == "0.10"

    refused = client.post(page_of(call, "billed"), {"confirmed": "yes", "cost": "0.96", "reason": ""})
    assert "give the reason" in refused.context["form"].errors["reason"][0]
    assert money() == (0, Decimal("0.10"))
    answer = client.post(page_of(call, "billed"), {"confirmed": "yes", "cost": "0.96", "reason": "invoice 118"})

    call.refresh_from_db()
    assert (answer.status_code, words(answer)) == (302, ["Marked as billed: $0.96."])
    assert (call.state, call.cost, call.decided_by, call.decision) == (
        "written_off",
        Decimal("0.96"),
        boss,
        "invoice 118",
    )
    assert money() == (Decimal("0.96"), 0)
    assert "by boss: invoice 118" in text(client.get(address(VendorCall, "change", call.pk)))
    client.cookies.pop("messages", None)
    again = client.post(page_of(call, "not-billed"), {"confirmed": "yes"})
    assert words(again) == ["It needs no billing check: billed, nothing received."]
    assert money() == (Decimal("0.96"), 0)


@pytest.mark.parametrize("cost", ["-1", "NaN", "0.00001", "100000000"])
def test_a_senseless_cost_is_refused_on_the_page(cost: str):
    boss, client = superuser()
    call = doubtful(boss)

    answer = client.post(page_of(call, "billed"), {"confirmed": "yes", "cost": cost, "reason": "x"})

    assert (answer.status_code, bool(answer.context["form"].errors["cost"])) == (200, True)
    assert VendorCall.objects.get().state == "in_doubt"


def test_it_is_marked_as_not_billed():
    boss, client = superuser()
    call = doubtful(boss)
    assert client.get(page_of(call, "not-billed")).status_code == 200
    assert VendorCall.objects.get().state == "in_doubt"

    client.post(page_of(call, "not-billed"), {"confirmed": "yes", "reason": "not on the bill"})

    call.refresh_from_db()
    assert (call.state, call.decided_by, call.decision, money()) == ("released", boss, "not on the bill", (0, 0))


def test_who_may_only_look_decides_nothing_on_any_page():
    ann, client = staff()
    ann.user_permissions.add(Permission.objects.get(codename="view_vendorcall"))
    call = doubtful(ann)

    for route in ("billed", "not-billed", "ask-again"):
        assert client.post(page_of(call, route), {"confirmed": "yes", "cost": "0"}).status_code == 403
    chosen = {"vendor": "realestateapi", "what": "requests", "verdict": "billed"}
    assert [client.get(OUTAGE).status_code, client.post(OUTAGE, chosen).status_code] == [403, 403]
    assert "An administrator decides it." in text(client.get(address(VendorCall, "change", call.pk)))
    assert VendorCall.objects.get().state == "in_doubt"


def test_somebody_elses_request_is_not_there():
    ann, _ = staff()
    ann.user_permissions.add(*Permission.objects.filter(codename__in=["view_vendorcall", "change_vendorcall"]))
    call = doubtful(superuser()[0])

    assert signed_in(ann).post(page_of(call, "billed"), {"confirmed": "yes", "cost": "0.1"}).status_code == 404
    assert VendorCall.objects.get().state == "in_doubt"


# --- An unreadable answer ---------------------------------------------------------------------------------------------


def unreadable(user: Any) -> VendorCall:
    call = doubtful(user, state="settled", category="INVALID_DATA", cost=Decimal("0.10"))
    Lookup.objects.filter(call=call).update(state="garbage", category="INVALID_DATA", fetched_at=NOON)
    UnreadableAnswer.objects.create(
        call=call, length=70_000, sha256="ab" * 32, why="has no data", created_at=NOON, raw=b"{}"
    )
    return call


def test_an_unreadable_answer_is_shown_and_may_be_asked_for_again():
    boss, client = superuser()
    call = unreadable(boss)
    page = address(VendorCall, "change", call.pk)
    shown = text(client.get(page))
    assert "70,000 bytes, has no data. SHA-256 abab" in shown
    assert "1 of its records got an answer that was paid for and cannot be used" in shown
    assert client.get(page_of(call, "ask-again")).status_code == 405

    answer = client.post(page_of(call, "ask-again"))

    assert words(answer) == ["May be bought again: 1 of its records. Retry the failed leads of its enrichment job."]
    call.refresh_from_db()
    assert (Lookup.objects.get().state, call.cost, call.decided_by) == ("free", Decimal("0.10"), boss)
    assert "Ask again" not in text(client.get(page))


def test_it_may_be_asked_for_again_by_command():
    superuser("ann")
    call = unreadable(superuser()[0])

    assert run("in_doubt", call.pk, "--ask-again", "--user", "ann", "--json").json["lookups"] == 1
    assert Lookup.objects.get().state == "free"
    assert_refused(
        run("in_doubt", call.pk, "--ask-again"), f"No answer of the request {call.pk} is kept as unreadable."
    )


# --- An outage --------------------------------------------------------------------------------------------------------


def chosen(**more: str) -> dict[str, str]:
    times = {"since": "2026-11-24T12:10", "until": "2026-11-24T12:20"}
    return {"vendor": "realestateapi", "what": "requests", "seen_at": SEEN} | times | more


def test_an_outage_is_chosen_by_vendor_and_time_seen_and_decided_with_one_press():
    boss, client = superuser()
    rows = [doubtful(boss, f"run:{n}", at=NOON + timedelta(minutes=10 * n, seconds=30)) for n in range(4)]

    start = client.get(OUTAGE)
    (suggestion,) = start.context["suggestions"]
    assert (suggestion[0].tally.requests, suggestion[0].tally.held) == (4, Decimal("0.40"))
    seen = client.get(OUTAGE, chosen())
    assert "2 requests with 4 leads, $0.20 held." in text(seen)
    answer = client.post(OUTAGE, chosen(verdict="not-billed", reason="status page of Nov 24"))

    assert words(answer) == ["2 requests with 4 leads marked as not billed, $0.20."]
    assert (
        answer["Location"]
        == f"{OUTAGE}?vendor=realestateapi&what=requests&since=2026-11-24T12%3A10&until=2026-11-24T12%3A20"
    )
    assert [VendorCall.objects.get(pk=row.pk).state for row in rows] == [
        "in_doubt",
        "released",
        "released",
        "in_doubt",
    ]
    assert VendorCall.objects.get(pk=rows[1].pk).decision == "status page of Nov 24"
    client.cookies.pop("messages", None)
    assert words(client.post(OUTAGE, chosen(verdict="billed"))) == ["0 requests with 0 leads marked as billed, $0.00."]
    assert "Nothing sent in this time needs a billing check." in text(client.get(OUTAGE, chosen()))


def test_what_came_after_the_page_was_shown_is_not_decided_with_it():
    boss, client = superuser()
    doubtful(boss, at=NOON)
    later = doubtful(boss, at=NOON + timedelta(hours=7))

    seen = client.get(OUTAGE, {"vendor": "realestateapi", "what": "requests"})
    assert seen.context["seen_at"] > "2026"
    told = words(client.post(OUTAGE, chosen(since="", until="", verdict="not-billed")))

    assert told[0] == "1 request with 2 leads marked as not billed, $0.10."
    assert VendorCall.objects.get(state="in_doubt") == later


def test_a_senseless_choice_decides_nothing():
    boss, client = superuser()
    doubtful(boss, at=NOON)

    for bad in (
        chosen(verdict="billed", vendor="nobody"),
        chosen(verdict="billed", since="2026-11-24T13:00"),
        chosen(verdict="billed", since="yesterday"),
        chosen(verdict="perhaps", since="", until=""),
        chosen(verdict="billed", since="", until="", seen_at="now"),
    ):
        assert client.post(OUTAGE, bad).status_code in (200, 404)
    assert VendorCall.objects.get().state == "in_doubt"


# --- By command -------------------------------------------------------------------------------------------------------


def test_the_command_writes_off_what_the_bill_says():
    boss = superuser("ann")[0]
    call = doubtful(boss)

    assert_refused(
        run("in_doubt", call.pk, "--write-off", "--cost", "0.96"),
        "$0.96 is more than the $0.10 held for it: give the reason.",
    )
    told = run(
        "in_doubt", call.pk, "--write-off", "--cost", "0.96", "--reason", "invoice 118", "--user", "ann", "--json"
    ).json

    call.refresh_from_db()
    assert (told["verdict"], told["dollars"], told["by"], told["reason"]) == (
        "written off",
        "0.96",
        "ann",
        "invoice 118",
    )
    assert (call.cost, call.decided_by, money()) == (Decimal("0.96"), boss, (Decimal("0.96"), 0))


def test_the_command_decides_an_outage():
    superuser("ann")
    rows = [doubtful(superuser(f"u{n}")[0], f"run:{n}", at=NOON + timedelta(minutes=10 * n)) for n in range(4)]

    listed = run("in_doubt", "--vendor", "realestateapi", "--from", "2026-11-24T12:10", "--json").json["inDoubt"]
    assert len(listed) == 3
    told = run(
        *("in_doubt", "--vendor", "realestateapi", "--from", "2026-11-24T12:10", "--to", "2026-11-24T12:20"),
        *("--write-off", "--reason", "on the bill", "--user", "ann", "--json"),
    ).json
    assert (told["requests"], told["leads"], told["dollars"], told["left"]) == (2, 4, "0.2000", 0)
    whole = run("in_doubt", "--vendor", "realestateapi", "--from", "2026-11-24", "--to", "2026-11-24", "--release")
    assert whole.out == "2 requests with 4 leads marked as not billed, $0.20.\nLeads that waited for them continue.\n"
    assert [VendorCall.objects.get(pk=row.pk).state for row in rows] == [
        "released",
        "written_off",
        "written_off",
        "released",
    ]
    assert run("in_doubt").out == "Nothing needs a billing check.\n"


def test_the_command_refuses_in_one_line_and_decides_nothing():
    staff("bob")
    call = doubtful(superuser()[0], at=NOON)
    vendor = ("in_doubt", "--vendor", "realestateapi")

    for arguments, told in (
        (
            ("in_doubt", call.pk, "--release", "--user", "bob"),
            "bob may not decide billing checks: it needs an administrator.",
        ),
        (("in_doubt", call.pk, "--release", "--cost", "1"), "--cost goes with one CALL and --write-off."),
        (
            ("in_doubt", call.pk, "--release", "--vendor", "apollo"),
            "Either one CALL, or --vendor with --from and --to.",
        ),
        ((*vendor, "--release", "--from", "2026-11-25", "--to", "2026-11-24"), "--from is after --to."),
        ((*vendor, "--release", "--from", "noon"), "'noon' is not a time, such as 2026-11-29 or 2026-11-29T14:30."),
        (
            ("in_doubt", "--vendor", "x", "--release"),
            "Which vendor? One of apollo, mail, realestateapi, signalhouse, signalhouse_messaging, twilio.",
        ),
        (("in_doubt", "--release", "--from", "2026-11-24"), "--from, --to and --phones go with --vendor."),
        (("in_doubt", call.pk, "--write-off", "--cost", "NaN"), "'NaN' is not an amount in US dollars, such as 12.50."),
    ):
        assert_refused(run(*arguments), told)
    assert catalogue.operation("property_detail").calls.get().state == "in_doubt"
