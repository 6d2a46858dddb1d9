"""The dialer, call lists, outcomes, who calls now and the scorecard, as pages and API: for whom, and what they say."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, User
from accounts.tokens import issue_token
from campaigns.dialing.disposing import dispose
from campaigns.models import CallAttempt, CallList, Campaign, Disposition, Receipt
from common.db.ids import uuid7
from enrichment.worker.lead_deletion import delete_lead
from integrations.ledger import catalogue, scopes
from integrations.models import VendorCall
from leads.models import Lead
from tests.admin_site import address, member, signed_in, superuser
from tests.campaigns.dialing.world import Floor, call, make_floor, offer

pytestmark = pytest.mark.django_db
DIALER = "/admin/campaigns/callattempt/dialer/"


@pytest.fixture
def floor(settings: Any) -> Floor:
    made = make_floor(4, settings)
    User.objects.update(is_staff=True)
    made.list()
    return made


def piece(client: Client, act: str, **given: Any) -> str:
    answer = client.post(f"{DIALER}{act}/", given)
    assert (answer.status_code, answer["X-Dialer"]) == (200, "1")
    return answer.content.decode()


@pytest.mark.long
def test_who_opens_what(floor: Floor) -> None:
    team, (made,) = floor.bucket.team, floor.lists
    row = call(floor.caller(0))
    dispose(floor.caller(0), row.pk, code="no_answer")
    own, every = address(CallAttempt, "change", row.pk), address(CallAttempt, "changelist")
    receipt = reverse("admin:campaigns_callattempt_receipt", args=[row.receipt_id])
    pages = {
        DIALER: "manager buyer caller other_caller other_team superuser",
        every: "manager buyer caller other_caller reader other_team superuser",
        own: "manager buyer caller reader superuser",
        receipt: "manager buyer caller reader",
        "/admin/campaigns/callattempt/live/": "manager other_team superuser",
        "/admin/campaigns/callattempt/live/now/": "manager other_team superuser",
        "/admin/campaigns/callattempt/scorecard/": "manager other_team superuser",
        "/admin/campaigns/callattempt/scorecard/bad-numbers.csv": "manager other_team superuser",
        address(CallList, "changelist"): "manager buyer reader other_team superuser",
        address(CallList, "add"): "manager other_team superuser",
        address(CallList, "change", made.pk): "manager buyer reader superuser",
        reverse("admin:campaigns_calllist_edit", args=[made.pk]): "manager",
        address(Disposition, "changelist"): "manager buyer reader other_team superuser",
        address(Disposition, "add"): "manager other_team superuser",
    }
    clients = {
        "manager": signed_in(floor.ann), "buyer": member(team, "buyer")[1], "reader": member(team, "reader")[1],
        "caller": signed_in(floor.callers[0]), "other_caller": signed_in(floor.callers[1]),
        "other_team": signed_in(User.objects.create_user("eve", is_staff=True)), "superuser": superuser()[1],
    }  # fmt: skip

    for place, opened_by in pages.items():
        answers = {who: client.get(place).status_code for who, client in clients.items()}
        assert {who for who, status in answers.items() if status == 200} == set(opened_by.split()), place
        assert set(answers.values()) <= {200, 302, 403, 404}, (place, answers)
    for who in ("reader", "caller", "buyer", "other_team"):
        for act in ("open", "pause", "more"):
            assert clients[who].post(reverse(f"admin:campaigns_calllist_{act}", args=[made.pk])).status_code in (
                403,
                404,
            )
    assert clients["reader"].post(f"{DIALER}next/").status_code == 403
    assert Campaign.objects.get(pk=made.pk).status == "running"
    shown = clients["other_caller"].get(every).content.decode()
    assert f"/{row.pk}/change/" not in shown
    assert str(row.number) not in clients["manager"].get(every).content.decode()


@pytest.mark.long
def test_a_number_is_text_until_the_press_was_answered_and_another_callers_lead_is_not_hers(floor: Floor) -> None:
    client, other = signed_in(floor.callers[0]), signed_in(floor.callers[1])
    shown = piece(client, "next")
    on = offer(floor.caller(0))
    number = on.numbers[on.chosen].number
    assert (number in shown, "tel:" in shown) == (True, False)
    assert (AuditEvent.objects.get(action="contacts.shown").after or {})["page"] == "dialer"

    given = {"lead": on.lead.pk, "member": on.member.pk, "number": number}
    assert "before a colleague" in piece(other, "call", **given) or "alert" in piece(other, "call", **given)
    assert CallAttempt.objects.count() == 0
    assert f'href="tel:{number}"' in piece(client, "call", **given)
    row = CallAttempt.objects.get()
    assert (row.number_kind, row.number_source, row.number_at is not None) == ("mobile", "file", True)
    assert "Say how your last call ended first." in piece(client, "call", **given)
    assert "alert" in piece(client, "dispose", attempt=row.pk, code="callback", when="yesterday at nine")
    told = client.get(f"{DIALER}when/", {"attempt": str(row.pk), "text": "tue 3pm"}).json()
    assert "3:00 PM" in told["words"]
    assert client.get(f"{DIALER}when/", {"attempt": str(row.pk), "text": "some day"}).json()["trouble"]
    for minutes in ("an hour", "-5", "99999999", "٣٠"):
        said = piece(client, "dispose", attempt=row.pk, code="appointment", when="tue 3pm", minutes=minutes)
        assert "An appointment takes 1 minute to a day." in said, minutes
    after = piece(client, "dispose", attempt=row.pk, code="no_answer", note="Dog barked")
    assert "No answer: saved." in after
    assert CallAttempt.objects.get().note == "Dog barked"
    assert client.post(f"{DIALER}renew/", {"member": offer(floor.caller(0)).member.pk}).status_code == 204
    assert "alert" in piece(client, "renew", member="no id")
    assert "back in its list" in piece(client, "release", member=offer(floor.caller(0)).member.pk)


@pytest.mark.long
def test_of_a_lead_that_was_deleted_she_says_how_the_call_ended_and_goes_on(floor: Floor) -> None:
    client, row = signed_in(floor.callers[0]), call(floor.caller(0))
    piece(client, "hang-up", attempt=row.pk, seconds="5")
    assert row.lead is not None
    delete_lead(lead=row.lead)
    shown = client.get(DIALER).content.decode()
    assert "The lead was deleted meanwhile: say how the call ended" in shown
    assert "The lead was deleted meanwhile" in piece(client, "next")
    assert "nobody to plan a time with" in piece(client, "dispose", attempt=row.pk, code="callback", when="tue 3pm")
    after = piece(client, "dispose", attempt=row.pk, code="do_not_call", note="Never again")
    assert 'data-state="offer"' in after and "Do not call: saved." in after


@pytest.mark.long
def test_called_by_hand_from_a_leads_page_it_is_the_same_gate(floor: Floor) -> None:
    lead = floor.leads[0]
    Lead.objects.filter(pk=lead.pk).update(assigned_to=floor.callers[1])
    client, given = signed_in(floor.callers[1]), {"lead": lead.pk, "number": lead.phone}

    assert client.post(f"{DIALER}by-hand/", given).headers["Location"] == DIALER
    shown = client.get(DIALER).content.decode()
    assert ("Called from the lead’s page" in shown, f'href="tel:{lead.phone}"' in shown) == (True, True)
    row = CallAttempt.objects.get()
    assert "over" in piece(client, "hang-up", attempt=row.pk, seconds="31")
    piece(client, "dispose", attempt=row.pk, code="busy", stay="1")
    again = client.post(f"{DIALER}by-hand/", given, follow=True)
    assert "Wait 60 minutes after the last attempt" in again.content.decode()
    assert CallAttempt.objects.get().seconds == 31
    refused = Receipt.objects.filter(lead_id=lead.pk, verdict="later").latest("pk")
    page = client.get(reverse("admin:campaigns_callattempt_receipt", args=[refused.pk])).content.decode()
    assert "Wait 60 minutes after the last attempt" in page
    other = signed_in(floor.callers[0])
    assert other.get(reverse("admin:campaigns_callattempt_receipt", args=[refused.pk])).status_code == 404
    assert other.post(f"{DIALER}by-hand/", given).status_code == 403


@pytest.mark.long
def test_the_scorecard_counts_and_what_is_claimed_is_a_file_without_formulas(floor: Floor) -> None:
    for place, code in enumerate(("wrong_number", "disconnected", "interested", "no_answer")):
        row = call(floor.caller(place % 2))
        Lead.objects.filter(pk=str(row.lead_id)).update(owner_name="=HYPERLINK(1)")
        dispose(floor.caller(place % 2), row.pk, code=code)
    client = signed_in(floor.ann)
    span = {"from": "2026-09-01", "to": "2026-09-30"}

    bought = dt.datetime(2026, 9, 15, 16, tzinfo=dt.UTC)
    operation = catalogue.operation("skip_trace")
    for months in ([floor.team_id], [floor.team_id + 1]):  # a single look-up of this team's, and another's
        VendorCall.objects.create(
            id=uuid7(), operation=operation, purpose="lookup", state="settled", inputs=1, reserved=0, cost=2,
            holds={scopes.team_month(one, bought): "2" for one in months}, created_at=bought, slot_at=bought,
            sent_at=bought, lease_until=bought,
        )  # fmt: skip
    first = CallAttempt.objects.earliest("pk")
    CallAttempt.objects.filter(pk=first.pk).update(number_source="detail")
    CallAttempt.objects.filter(pk=CallAttempt.objects.latest("pk").pk).update(number_source="realestateapi")
    card = client.get("/admin/campaigns/callattempt/scorecard/", span).context["card"]
    assert [(one.name, one.calls, one.cost) for one in card.vendors if one.code != "file"] == [("RealEstateAPI", 2, 2)]
    claimed = client.get("/admin/campaigns/callattempt/scorecard/bad-numbers.csv", span | {"vendor": "realestateapi"})
    assert str(first.number) in b"".join(claimed.streaming_content).decode()  # type: ignore[attr-defined]
    CallAttempt.objects.update(number_source="file")
    VendorCall.objects.all().delete()
    card = client.get("/admin/campaigns/callattempt/scorecard/", span).context["card"]
    assert [(one.code, one.calls, one.numbers, *one.shares) for one in card.vendors] == [
        ("file", 4, 4, "25%", "25%", "25%")
    ]
    assert [(one.code, one.calls) for one in card.kinds] == [("mobile", 4)]
    assert sum(one.calls for one in card.ages) == 4
    assert client.get("/admin/campaigns/callattempt/scorecard/", {"from": "soon"}).context["trouble"]

    token = issue_token(user=floor.ann, name="Nightly")[1]
    api, auth = Client(), {"Authorization": f"Token {token}"}
    days = {"since": "2026-09-01", "until": "2026-09-30"}
    told = api.get("/api/scorecard", days, headers=auth).json()["scorecard"]
    assert (told["total"]["calls"], told["total"]["reached"], told["total"]["costEach"]) == (4, 1, 0)
    assert api.get("/api/scorecard", {"since": "2026-10-01", "until": "2026-09-01"}, headers=auth).status_code == 400
    people = api.get("/api/callers", headers=auth).json()["callers"]
    assert [(one["user"], one["calls"], one["reached"]) for one in people] == [("caller0", 2, 1), ("caller1", 2, 0)]

    for answer in (
        client.get("/admin/campaigns/callattempt/scorecard/bad-numbers.csv", span),
        api.get("/api/scorecard.csv", days, headers=auth),
    ):
        text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
        head, *rows = csv.reader(io.StringIO(text))
        assert head[:2] == ["Number", "Outcome"]
        assert [(row[1], row[6]) for row in rows] == [
            ("Wrong number", "'=HYPERLINK(1)"), ("Disconnected", "'=HYPERLINK(1)"),
        ]  # fmt: skip
    assert AuditEvent.objects.filter(action="export.taken").count() == 3
    live = client.get("/admin/campaigns/callattempt/live/now/").content.decode()
    assert ("caller0" in live, "Monday" in live, "Owes an outcome" in live) == (True, True, False)
    owed = CallAttempt.objects.filter(pk=CallAttempt.objects.latest("pk").pk)
    ago = first.started_at - dt.timedelta(minutes=61)
    owed.update(disposition=None, disposed_at=None, started_at=ago, ended_at=ago)
    live = client.get("/admin/campaigns/callattempt/live/now/").content.decode()
    assert "Owes an outcome 1 h 1 min" in live
    owed.update(mode="twilio", state="ended", error="not_placed", vendor_id=None)  # it rang nobody: nothing is owed
    assert "Owes an outcome" not in client.get("/admin/campaigns/callattempt/live/now/").content.decode()


@pytest.mark.long
def test_a_list_is_changed_paused_filled_and_closed_and_an_outcome_made_and_retired(floor: Floor) -> None:
    client, (made,) = signed_in(floor.ann), floor.lists

    def press(act: str, **given: Any) -> str:
        place = reverse(f"admin:campaigns_calllist_{act}", args=[made.pk])
        return client.post(place, given, follow=True).content.decode()

    edited = press("edit", name="Tuesday", callers=[floor.callers[0].pk], script="Hi {{firstName}}", opens="10:00")
    assert "Enter both, or neither." in edited
    assert "Saved." in press("edit", name="Tuesday", callers=[floor.callers[0].pk], script="Hi {{firstName}}")
    assert "Paused: nobody gets" in press("pause")
    assert "0 people of 4 leads" in press("more")
    assert "Open: callers get" in press("open")
    shown = client.get(address(CallList, "changelist"), {"status": "running"}).content.decode()
    assert (">Open<" in shown, "Running" in shown, made.name in shown) == (True, False, False)
    assert "Tuesday" in shown and "Tuesday" not in client.get(
        address(CallList, "changelist"), {"status": "paused"}
    ).content.decode()  # fmt: skip
    assert "Only a list that was never opened" in press("remove", confirmed="yes")
    assert "Nobody is called from it any more" in press("close")
    assert "Closed." in press("close", confirmed="yes")
    made.refresh_from_db()
    assert (made.name, made.script, made.status) == ("Tuesday", "Hi {{firstName}}", "cancelled")

    values = {"label": "Gatekeeper", "hotkey": "1", "outcome": "no_contact", "max_attempts": 2}
    assert "Another outcome has this key." in client.post(address(Disposition, "add"), values).content.decode()
    busy = Disposition.objects.get(code="busy")
    retired = client.post(
        reverse("admin:campaigns_disposition_retire", args=[busy.pk]), {"confirmed": "yes"}, follow=True
    )
    assert "Retired: Busy." in retired.content.decode()
    added = client.post(address(Disposition, "add"), values | {"hotkey": "2"}, follow=True)
    assert "Saved: Gatekeeper." in added.content.decode()
    dnc = Disposition.objects.get(code="do_not_call")
    client.post(address(Disposition, "change", dnc.pk), {"label": "Never", "hotkey": "8", "max_attempts": 1})
    dnc.refresh_from_db()
    assert (dnc.label, dnc.outcome, dnc.suppress) == ("Never", "dnc", "any")


def test_chosen_leads_become_a_list(floor: Floor) -> None:
    client = signed_in(floor.ann)
    chosen = [str(lead.pk) for lead in floor.leads[:2]]
    answer = client.post(address(Lead, "changelist"), {"action": "call_these", "_selected_action": chosen})
    assert answer.headers["Location"].endswith("/calllist/add/?chosen=1")
    saved = client.post(answer.headers["Location"], {"name": "Two", "whom": "chosen"}, follow=True)
    assert "2 people of 2 leads." in saved.content.decode()
