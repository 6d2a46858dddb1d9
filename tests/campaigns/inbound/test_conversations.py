"""The Inbox over HTTP: who sees which conversation, and what leaves when somebody answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache

from accounts.models import AuditEvent, Membership, User
from accounts.webhooks.services import create_endpoint
from campaigns.inbound import history, reading, talks
from campaigns.models import Conversation, Delivery, Member
from leads.models import Lead
from sandbox.server import Sandbox
from tests.api.client import Api, body_of, refused
from tests.campaigns.inbound.posting import by_twilio
from tests.campaigns.inbound.test_opt_outs import OTHERS, second_team
from tests.campaigns.sending.world import (
    World,
    hits,
    make_world,
    move,
    number_of,
    send_all,
)

pytestmark = pytest.mark.django_db(transaction=True)
NIGHT = datetime(2026, 9, 15, 6, 10, tzinfo=UTC)  # 2:10 AM in Boston


@pytest.fixture(autouse=True)
def _no_throttle_of_another_test() -> None:
    cache.clear()


def heard(number: str, words: str, **more: Any) -> Conversation:
    assert by_twilio(number, words, **more).status_code == 200
    reading.handle_open()
    return Conversation.objects.get(address=number)


def joined(world: World, role: str, name: str, **more: Any) -> User:
    user = User.objects.create(username=name)
    Membership.objects.create(team_id=world.now().team_id, user=user, role=role, **more)
    return user


def ids(answer: Any) -> list[str]:
    return [talk["id"] for talk in body_of(answer)["conversations"]]


def test_a_conversation_is_its_teams_and_a_callers_only_where_it_is_hers(vendor: Sandbox, settings: Any) -> None:
    world = make_world(2, settings)
    send_all()
    first = heard(number_of(0), "Who is this? Call me at 617-555-0142")
    second = heard(number_of(1), "Maybe next year")
    bob = second_team(settings)
    ann, other = Api(world.user), Api(bob.user)
    masked = Api(joined(world, "reader", "rea"))
    cleo = joined(world, "caller", "cleo")
    caller = Api(cleo)
    for api in (ann, masked):
        assert set(ids(api.get("/api/conversations"))) == {str(first.pk), str(second.pk)}
    assert ids(other.get("/api/conversations")) == ids(caller.get("/api/conversations")) == []
    for method, path, body in (
        ("GET", "", None), ("POST", "/messages", {"text": "Hi"}), ("POST", "/assign", {"to": None}),
        ("POST", "/close", {}), ("POST", "/decide", {"optOut": True}),
    ):  # fmt: skip
        for api in (other, caller):
            refused(api.send(method, f"/api/conversations/{first.pk}{path}", body), 404)
    shown = body_of(masked.get(f"/api/conversations/{first.pk}"))
    assert shown["conversation"]["number"] == "•••• 1000"
    assert "1000" not in str([word["text"] for word in shown["messages"]])
    assert shown["messages"][1]["text"] == "Who is this? Call me at •••• 0142"
    refused(masked.post(f"/api/conversations/{first.pk}/messages", {"text": "Hi"}), 403)
    told = body_of(ann.get(f"/api/conversations/{first.pk}"))
    assert [(word["direction"], word["state"], word["meaning"]) for word in told["messages"]] == [
        ("out", "accepted", ""), ("in", "", "reply"),
    ]  # fmt: skip
    assert (told["conversation"]["state"], told["conversation"]["isRead"]) == ("open", False)
    refused(ann.post(f"/api/conversations/{first.pk}/assign", {"to": "bob"}), 400, "to")
    body_of(ann.post(f"/api/conversations/{first.pk}/assign", {"to": "cleo"}))
    assert second.lead_id is not None
    Lead.objects.filter(pk=second.lead_id).update(assigned_to=cleo)
    assert set(ids(caller.get("/api/conversations"))) == {str(first.pk), str(second.pk)}
    assert ids(caller.get("/api/conversations?mine=1")) == [str(first.pk)]
    assert ids(ann.get(f"/api/conversations?leadId={second.lead_id}&state=open")) == [str(second.pk)]
    assert ids(ann.get("/api/conversations?state=closed")) == []
    assert body_of(caller.post(f"/api/conversations/{first.pk}/close", {}))["conversation"]["state"] == "closed"
    assert ids(ann.get("/api/conversations?state=closed")) == [str(first.pk)]
    refused(ann.post(f"/api/conversations/{first.pk}/messages", {"text": "Hi"}), 409)
    told = AuditEvent.objects.filter(action__startswith="conversation.").order_by("pk")
    assert list(told.values_list("action", "user_name")) == [
        ("conversation.assigned", "ann"), ("conversation.closed", "cleo"),
    ]  # fmt: skip


def test_what_is_asked_of_a_conversation_is_checked(vendor: Sandbox, settings: Any) -> None:
    world = make_world(1, settings)
    talk = heard(number_of(0), "Who is this?")
    api, address = Api(world.user), f"/api/conversations/{talk.pk}"
    for text in ("", " \n", "x" * 1601):
        refused(api.post(f"{address}/messages", {"text": text}), 400, "text")
    refused(api.post(f"{address}/messages", {}), 400, "text")
    refused(api.post(f"{address}/decide", {}), 400, "optOut")
    assert refused(api.post(f"{address}/decide", {"optOut": False}), 409) == "Somebody has decided this already."
    refused(api.get("/api/conversations?state=loud"), 400, "state")
    refused(api.get("/api/conversations?leadId=1"), 400, "leadId")
    assert not Delivery.objects.filter(purpose="reply").exists()
    settings.SMS_VENDOR = ""
    answer = api.post(f"{address}/messages", {"text": "Hi"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "NO_VENDOR")
    assert Conversation.objects.get().state == "open", "nothing was half done"


def test_an_answer_leaves_once_and_is_of_who_wrote_it(vendor: Sandbox, settings: Any) -> None:
    world = make_world(1, settings)
    who = number_of(0)
    talk = heard(who, "Who is this?")
    assert world.members[0].status == Member.Status.STOPPED
    cleo = joined(world, "manager", "cleo")
    talks.assign(talk=talk, by=world.user, to=cleo)
    body = {"text": "Ann of Acme Homes. Want an offer?"}
    path = f"/api/conversations/{talk.pk}/messages"
    first = Api(world.user).post(path, body, Idempotency_Key="k1")
    again = Api(world.user).post(path, body, Idempotency_Key="k1")
    assert (first.status_code, again.status_code, first.content) == (202, 202, again.content)
    send_all()
    assert hits(vendor) == [who]
    talk.refresh_from_db()
    assert (talk.state, talk.assigned_to_id, talk.is_read) == ("waiting", world.user.pk, True)
    sent = Delivery.objects.get(purpose="reply")
    assert (sent.state, sent.by_id, sent.conversation_id) == ("accepted", world.user.pk, talk.pk)
    refused(Api(world.user).post(path, {"text": "Other words"}, Idempotency_Key="k1"), 409, "Idempotency-Key")
    heard(who, "Yes please")
    talk.refresh_from_db()
    assert (talk.state, talk.is_read) == ("open", False)
    assert [word.is_theirs for word in history.words(talk)] == [True, False, True]
    assert body_of(Api(cleo).post(path, {"text": "Great"}), 202)["message"]["by"] == str(cleo.pk)
    assert by_twilio(who, "STOP").status_code == 200
    send_all()
    assert {d.purpose: d.state for d in Delivery.objects.filter(conversation=talk, by_id=cleo.pk)} == {
        "reply": "cancelled"
    }
    assert Conversation.objects.get().state == "closed"


@pytest.mark.long
@pytest.mark.parametrize(("minutes", "state"), [(14, "accepted"), (16, "expired")])
def test_at_night_an_answer_leaves_only_within_fifteen_minutes(
    vendor: Sandbox, settings: Any, minutes: int, state: str
) -> None:
    world = make_world(1, settings, moment=NIGHT)
    talk = heard(number_of(0), "Who is this?")
    move(timedelta(minutes=minutes))
    sent = talks.reply(talk=talk, by=world.user, text="Ann of Acme Homes")
    send_all()
    sent.refresh_from_db()
    assert sent.state == state
    assert hits(vendor) == ([number_of(0)] if state == "accepted" else [])


@pytest.mark.long
def test_a_text_by_hand_opens_a_conversation_and_passes_the_gate(vendor: Sandbox, settings: Any) -> None:
    world = make_world(3, settings)
    Member.objects.update(status=Member.Status.DONE, next_at=None)
    api = Api(world.user)
    path = f"/api/leads/{world.leads[0].pk}/messages"
    first = api.post(path, {"text": "Hi, Ann here"}, Idempotency_Key="k")
    assert api.post(path, {"text": "Hi, Ann here"}, Idempotency_Key="k").content == first.content
    assert first.status_code == 202
    stopped = number_of(1)
    assert by_twilio(stopped, "STOP", opt_out="STOP").status_code == 200
    assert api.post(f"/api/leads/{world.leads[1].pk}/messages", {"text": "Hi"}).status_code == 202
    Lead.objects.filter(pk=world.leads[2].pk).update(phone=None, enrichment_status="pending")
    answer = api.post(f"/api/leads/{world.leads[2].pk}/messages", {"text": "Hi"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "NO_PHONE")
    send_all()
    assert hits(vendor) == [number_of(0)]
    rows = {row.address: (row.state, row.error) for row in Delivery.objects.filter(purpose="manual")}
    assert rows == {number_of(0): ("accepted", ""), stopped: ("refused", "suppressed")}
    talk = Conversation.objects.get(address=number_of(0))
    assert (talk.state, talk.opened_by, talk.assigned_to_id) == ("waiting", "person", world.user.pk)
    refused(Api(second_team(settings).user).post(path, {"text": "Hi"}), 404)


@pytest.mark.long
def test_each_teams_number_finds_its_own_conversation_and_one_owner_has_one(vendor: Sandbox, settings: Any) -> None:
    ann = make_world(1, settings)
    bob = second_team(settings)
    who = number_of(0)
    assert by_twilio(who, "Who is this?").status_code == 200
    assert by_twilio(who, "And who are you?", ours=OTHERS).status_code == 200
    reading.handle_open()
    by_team = {talk.team_id: talk for talk in Conversation.objects.all()}
    assert set(by_team) == {ann.now().team_id, bob.now().team_id}
    assert {talk.lead_id for talk in by_team.values()} == {ann.leads[0].pk, bob.leads[0].pk}
    assert by_twilio(who, "Still there?", ours=OTHERS).status_code == 200
    reading.handle_open()
    assert Conversation.objects.count() == 2
    assert by_team[bob.campaign.team_id].received.count() == 2
    for one, answers in ((ann, True), (bob, False)):  # the first has her keys: nobody else writes beside it
        sent = talks.reply(talk=by_team[one.campaign.team_id], by=one.user, text="Hi")
        send_all()
        sent.refresh_from_db()
        assert (sent.state == "accepted") is answers, one.user


def test_seven_silent_days_end_a_conversation_and_their_next_word_begins_another(
    vendor: Sandbox, settings: Any
) -> None:
    make_world(1, settings)
    talk = heard(number_of(0), "Maybe")
    move(timedelta(days=6, hours=23))
    assert talks.close_silent() == 0
    move(timedelta(hours=2))
    assert talks.close_silent() == 1
    assert by_twilio(number_of(0), "Are you still interested?").status_code == 200
    reading.handle_open()
    assert [t.state for t in Conversation.objects.order_by("pk")] == ["closed", "open"]
    assert Conversation.objects.latest("pk").lead_id == talk.lead_id
    assert history.waiting(Conversation.objects.all()) == {"unread": 1, "held": 0}


def test_other_systems_hear_that_somebody_wrote_but_not_what(vendor: Sandbox, settings: Any) -> None:
    world = make_world(1, settings)
    endpoint, _ = create_endpoint(
        by=world.user, team_id=world.now().team_id or 0, url="https://example.com/", events=["message.received"]
    )
    talk = heard(number_of(0), "My secret is 42")
    (told,) = endpoint.deliveries.all()
    assert told.data == {"conversationId": str(talk.pk), "leadId": str(talk.lead_id), "meaning": "reply"}


@pytest.mark.long
def test_what_became_of_an_answer_stands_in_the_conversation(vendor: Sandbox, settings: Any) -> None:
    """Our last word is one that left; one that did not hands the conversation back to us."""
    world = make_world(2, settings)
    first, second = heard(number_of(0), "Who is this?"), heard(number_of(1), "How much?")
    assert (first.last_out_at, first.state) == (None, "open")
    vendor.messaging.numbers.order({number_of(1): "bad_number"})
    for talk in (first, second):
        talks.reply(talk=talk, by=world.user, text="May I call you?\r\nJo")
        talk.refresh_from_db()
        assert (talk.state, talk.last_out_at) == ("waiting", None)
    waits = talks.reply(talk=second, by=world.user, text="And when?")
    Delivery.objects.filter(pk=waits.pk).update(not_before=waits.created_at + timedelta(days=99))
    send_all()
    for talk in (first, second):
        talk.refresh_from_db()
    sent = Delivery.objects.get(conversation=first)
    assert (sent.body, sent.segments) == ("May I call you?\nJo", 1)
    assert (first.state, first.is_read, first.last_out_at) == ("waiting", True, sent.accepted_at)
    assert (second.state, second.is_read, second.last_out_at) == ("open", False, None)
    ours = [word for word in history.words(second) if not word.is_theirs]
    assert [(word.text, word.state, word.refusal) for word in ours] == [
        ("May I call you?\nJo", "failed", "bad_number"), ("And when?", "cancelled", ""),
    ]  # fmt: skip
    assert heard(number_of(0), "HELP").state == "waiting"
    send_all()
    first.refresh_from_db()
    assert first.last_out_at == Delivery.objects.filter(conversation=first).latest("pk").accepted_at


@pytest.mark.long
def test_an_address_that_is_no_phone_number_gets_no_answer(vendor: Sandbox, settings: Any) -> None:
    world = make_world(1, settings)
    for address in ("whatsapp:+16175550142", "24273"):
        talk = heard(address, "Who is this?")
        talks.reply(talk=talk, by=world.user, text="Jo, of Acme Homes")
        send_all()
        row = Delivery.objects.get(conversation=talk)
        assert (row.state, row.error) == ("refused", "invalid_number")
    assert not [one for one in hits(vendor) if one != number_of(0)]
