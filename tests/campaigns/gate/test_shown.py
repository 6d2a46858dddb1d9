"""Where contacts are shown the gate's word stands: API, command, lead page, filters, export, quote."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from accounts.access import team_of
from accounts.models import Team, User
from campaigns.gate.contact import may_contact
from campaigns.gate.words import words_of
from campaigns.models import Receipt
from campaigns.rules.decide import CODES
from campaigns.rules.facts import Answer
from enrichment.options import RunOptions
from enrichment.quoting.quotes import quote
from leads.models import Lead, Upload
from leads.permission.suppressing import suppress
from tests.admin_site import address, member, sees_contacts, signed_in
from tests.api.client import Api, body_of
from tests.campaigns.gate.samples import NOON, B, agreed, attempt, bucket_of, checked, company, person
from tests.command_line import run
from tests.support import make_user

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("campaigns.clock.now", lambda: NOON)


@pytest.fixture
def ann() -> User:
    return make_user("ann", is_staff=True, time_zone="America/New_York")


@pytest.fixture
def lead(ann: User) -> Lead:
    """B may be called and texted; she has no e-mail."""
    seller = company(ann)
    lead = person(bucket_of(ann).leads.order_by("pk")[0], phone_do_not_call=False)
    checked(seller)
    agreed(seller)
    return lead


def stop(at: Any = NOON - HOUR) -> str:
    with transaction.atomic():
        (row,) = suppress([(1, B)], reason="stop", source="inbound:1", at=at).added
    return str(row.pk)


def test_the_api_says_by_which_channels_and_why_not(lead: Lead, ann: User) -> None:
    api, path = Api(ann), f"/api/leads/{lead.pk}/contactability"
    told = body_of(api.get(path))
    assert (told["leadId"], told["at"]) == (str(lead.pk), "2026-09-15T16:00:00Z")
    assert [(one["channel"], one["verdict"]) for one in told["channels"]] == [
        ("call", "yes"), ("sms", "yes"), ("email", "no"),
    ]  # fmt: skip
    (evening,) = body_of(api.get(f"{path}?channel=sms&at=2026-09-15T21:00"))["channels"]  # by her clock
    assert (evening["verdict"], evening["againAt"], evening["first"]) == ("later", "2026-09-16T12:00:00Z", "hours")
    assert evening["headline"] == "Not now: try again Wed, Sep 16, 8:00 AM EDT"
    assert evening["reasons"] == ["Outside calling hours: Eastern time is 9:00 PM, and MA is open 8:00 AM to 8:00 PM."]
    for wrong, field in (
        ("channel=fax", "channel"), ("at=soon", "at"), ("at=2026-03-08T02:30", "at"), ("a=1", "a"),
        ("at=9999-12-31T23:59:59Z", "at"), ("at=0001-01-01T00:00:00Z", "at"),
    ):  # fmt: skip
        assert list(body_of(api.get(f"{path}?{wrong}"), 400)["error"]["fields"]) == [field]

    stop()
    (no,) = body_of(api.get(f"{path}?channel=call"))["channels"]
    assert (no["verdict"], no["headline"]) == ("no", "No: suppressed")
    assert no["reasons"] == ["Do not contact: opted out on Sep 15, 2026."]
    assert not Receipt.objects.exists()  # looking writes nothing


def test_receipts_are_told_to_their_own_team_newest_first(lead: Lead, ann: User) -> None:
    bob = make_user("bob")
    may_contact(lead.pk, "call", by=ann, purpose="manual", at=NOON)
    for hours in (9, 10):
        may_contact(lead.pk, "sms", by=ann, purpose="manual", at=NOON + hours * HOUR)
    may_contact(lead.pk, "call", by=bob, purpose="manual", at=NOON, team_id=team_of(bob))
    api, path = Api(ann), f"/api/leads/{lead.pk}/receipts"

    page = body_of(api.get(f"{path}?limit=1"))
    (late,), rest = page["receipts"], body_of(api.get(f"{path}?cursor={page['nextCursor']}"))["receipts"]

    assert (late["channel"], late["verdict"], late["times"]) == ("sms", "later", 2)
    assert (late["at"], late["lastAt"]) == ("2026-09-16T01:00:00Z", "2026-09-16T02:00:00Z")
    assert [(one["channel"], one["verdict"], one["userId"]) for one in rest] == [("call", "yes", ann.pk)]
    assert B not in str(page)


def test_the_command_says_what_each_rule_says(lead: Lead) -> None:
    ran = run("why", lead.pk, "call")
    assert (ran.status, ran.err) == (0, "")
    first, *rules = ran.out.splitlines()
    assert first == f"Call {lead} at Tue, Sep 15, 12:00 PM EDT? Yes"
    assert [rule.split() for rule in rules] == [["yes", code] for code in CODES]

    late = run("why", lead.pk, "sms", "--at", "2026-09-15T21:00", "--json").json
    assert (late["verdict"], late["first"], late["againAt"]) == ("later", "hours", "2026-09-16T12:00:00Z")
    assert [rule["code"] for rule in late["rules"] if rule["verdict"] != "yes"] == ["hours"]
    assert "is not a time" in run("why", lead.pk, "call", "--at", "soon").err
    assert "within ten years" in run("why", lead.pk, "call", "--at", "2100-01-01T12:00").err
    assert run("why", lead.pk, "call", "--user", make_user("bob").username).status == 1
    assert not Receipt.objects.exists()


def test_a_leads_page_answers_and_a_number_may_be_called_only_after_yes(lead: Lead, ann: User) -> None:
    client, page = signed_in(sees_contacts(ann)), address(Lead, "change", lead.pk)
    may_contact(lead.pk, "call", by=ann, purpose="manual", at=NOON)

    words = client.get(page).content.decode()
    assert "May I contact her now?" in words
    assert "There is no e-mail address." in words
    assert "Not on DNC (checked Sep 10)" in words  # by the company's registry check: no skip trace has said anything
    assert "What was answered before (1 latest)" in words
    words = client.post(page, {"do": "show"}).content.decode()
    assert (f'name="number" value="{B}"' in words, "tel:" in words) == (True, False)

    attempt(team_of(ann), B, NOON - HOUR / 2, channel="call")
    words = client.post(page, {"do": "show"}).content.decode()
    assert "+1 617 555 0112" in words
    assert f'name="number" value="{B}"' not in words
    assert (
        "Wait 60 minutes after the last attempt: call Tue, Sep 15, 11:30 AM EDT." in client.get(page).content.decode()
    )
    stop()
    assert "Do not contact: opted out on Sep 15, 2026." in client.get(page).content.decode()


def test_who_only_looks_at_another_teams_lead_is_told_nothing_of_it(lead: Lead, ann: User) -> None:
    other = Team.objects.create(name="Elsewhere")
    _, client = member(other, "manager", "bob")
    lead.bucket.shares.create(team=other)
    page = client.get(address(Lead, "change", lead.pk))
    assert page.status_code == 200
    assert "May I contact her now?" not in page.content.decode()


def test_filters_export_and_quote_go_by_the_gate(lead: Lead, ann: User) -> None:
    api = Api(ann)
    others = [str(pk) for pk in Lead.objects.exclude(pk=lead.pk).order_by("pk").values_list("pk", flat=True)]
    seller = company(ann)
    second = person(Lead.objects.get(pk=others[0]), phone="+16175550120", phone_do_not_call=False)
    checked(seller, "+16175550120")

    def listed(query: str) -> list[str]:
        return [one["id"] for one in body_of(api.get(f"/api/leads?{query}"))["leads"]]

    assert set(listed("contactable=true")) == {str(lead.pk), str(second.pk)}
    assert listed("suppressed=true") == []
    stop()
    assert listed("contactable=true") == [str(second.pk)]
    assert listed("suppressed=true") == listed("doNotCall=true") == [str(lead.pk)]
    assert str(lead.pk) not in listed("suppressed=false") + listed("doNotCall=false")

    columns = "leadId,readyToCall,suppressedSince"
    file = api.get(f"/api/property/bucket/{lead.bucket_id}/export?columns={columns}&hasPhone=true&bom=false")
    rows = list(csv.DictReader(io.StringIO(b"".join(file.streaming_content).decode())))
    assert {row["Lead ID"]: (row["Ready to call"], row["Suppressed since"]) for row in rows} == {
        str(lead.pk): ("false", "2026-09-15T15:00:00Z"), str(second.pk): ("true", ""),
    }  # fmt: skip
    reachable = quote(bucket=lead.bucket, by=ann, options=RunOptions()).reachable
    assert reachable is not None and reachable.blocked == 1


@pytest.mark.long
def test_list_filter_file_and_page_say_the_same_of_do_not_call(lead: Lead, ann: User) -> None:
    """lead: a flag of the trace says that she is on none."""
    seller, leads = company(ann), list(bucket_of(ann, 9, "More").leads.order_by("pk"))
    facts: list[dict[str, Any]] = [
        {"phone_do_not_call": True}, {"phone_do_not_call": False}, {}, {}, {}, {}, {}, {"phone_do_not_call": False}, {}
    ]  # fmt: skip
    for n, (one, more) in enumerate(zip(leads, facts, strict=True)):
        person(one, phone=f"+1{'212' if n == 6 else '617'}555013{n}", **more)
    flagged, clear, silent, clean, listed, of_state, whole, stopped, sued = leads
    checked(seller, str(clean.phone), days=400)
    checked(seller, str(listed.phone), listed=True)
    checked(seller, str(of_state.phone))
    checked(seller, str(of_state.phone), list="state:TX", listed=True)
    checked(company(make_user("bob"), number="+16175550101"), str(silent.phone))  # another company's look
    Upload.objects.create(
        team_id=team_of(ann), seller=seller, kind="scrub", file_name="212.txt", status="completed",
        options={"areaCodes": ["212"], "versionDate": "2026-09-10"},
    )  # fmt: skip
    with transaction.atomic():
        suppress([(1, str(stopped.phone))], reason="stop", source="inbound:1", at=NOON - HOUR)
    Lead.objects.filter(pk=sued.pk).update(litigator=True)
    expected = {
        **dict.fromkeys((flagged, listed, of_state, stopped, sued), True),
        **dict.fromkeys((clear, clean, whole), False),
        silent: None,
    }

    api, client = Api(ann), signed_in(ann)
    for word, known in (("true", True), ("false", False), ("unknown", None)):
        found = body_of(api.get(f"/api/leads?doNotCall={word}&limit=100"))["leads"]
        assert {one["id"] for one in found} - {str(lead.pk)} == {
            str(one.pk) for one, said in expected.items() if said is known
        }, word
    file = api.get(f"/api/property/bucket/{leads[0].bucket_id}/export?columns=leadId,dncNow&bom=false")
    rows = csv.DictReader(io.StringIO(b"".join(file.streaming_content).decode()))
    cells = {True: "true", False: "false", None: ""}
    assert {row["Lead ID"]: row["DNC now"] for row in rows} == {
        str(one.pk): cells[said] for one, said in expected.items()
    }
    marks = {True: {"Do not call", "On DNC", "Suppressed"}, False: {"Not on DNC"}, None: {"DNC unknown"}}
    listing = client.get(address(Lead, "changelist"), {"bucket": str(leads[0].bucket_id)}).content.decode()
    for one, said in expected.items():
        (row,) = [row.partition("</tr>")[0] for row in listing.split("<tr") if str(one.pk) in row]
        page = client.get(address(Lead, "change", one.pk)).content.decode()
        contact = page.partition('id="contact"')[2].partition("</section>")[0]
        for place in (row, contact):
            found = [mark for mark in set().union(*marks.values()) if mark in place]
            assert len(found) == 1 and found[0] in marks[said], (said, found)


def test_every_rule_has_words() -> None:
    for code in CODES:
        (said,) = words_of([Answer(code, "1", "no", {})])
        assert said.endswith(".") and "_" not in said and "Not allowed" not in said, code
