"""Campaigns' pages where somebody presses what she may not, too late, or twice. Their looks: tests/pages."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.utils import label_for_field
from django.test import Client
from django.urls import reverse
from django.utils.text import capfirst

from accounts.access import access_in, own_access
from accounts.models import Team
from buckets.models import Bucket
from buckets.services import create_bucket
from campaigns import clock
from campaigns.models import Campaign, Conversation, Delivery, Member, Step, Template, Variant
from campaigns.planning.audience import Audience
from campaigns.planning.campaigns import read_window
from campaigns.running import lifecycle
from campaigns.running.counting import recount
from campaigns.sending.lifecycle import pause_campaign
from campaigns.texts.templates import create_template
from leads.models import Lead, LeadKey
from leads.permission.suppressing import suppress
from operations import home
from tests.admin_site import member, signed_in, words
from tests.campaigns.samples import World, world
from tests.support import make_user, told

pytestmark = pytest.mark.django_db


@pytest.fixture
def made() -> World:
    return world(4, ann=make_user("ann", is_staff=True))


@pytest.fixture
def client(made: World) -> Client:
    return signed_in(made.ann)


def at(page: str, *arguments: Any) -> str:
    return reverse(f"admin:campaigns_campaign_{page}", args=arguments)


def text_of(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def form(made: World, **more: Any) -> dict[str, Any]:
    return {
        "name": "Spring", "whom": f"bucket:{made.bucket.pk}", "weekdays": ["1", "2", "3", "4", "5", "6", "7"],
        "s1-a": str(made.template.pk), **more,
    }  # fmt: skip


@pytest.mark.long
def test_a_draft_says_what_its_form_said_and_is_changed_by_the_same_form(made: World, client: Client) -> None:
    second, _ = create_template(by=made.ann, team_id=made.seller.team_id, name="Later", text="{{companyName}} again?")
    wishes = form(
        made, preset="smsReady", limit="3", max_cost="5", daily_limit="100", opens="09:00", closes="17:30",
        weekdays=["1", "2"],
    )  # fmt: skip
    later = {
        "s3-a": str(second.pk), "s3-b": str(made.template.pk), "s3-share": "30", "s3-amount": "2",
        "s3-unit": "business_days", "s3-condition": "always", "s3-at_local": "10:00",
    }  # fmt: skip
    assert client.post(at("add"), wishes | later).status_code == 302

    campaign = Campaign.objects.get()
    assert campaign.audience == {"bucketId": str(made.bucket.pk), "preset": "smsReady", "limit": 3}
    assert (campaign.max_cost, campaign.daily_limit, campaign.sender) == (5, 100, made.sender)
    assert campaign.window == {"open": "09:00", "close": "17:30", "weekdays": [0, 1]}
    rows = Step.objects.order_by("position").values_list("delay_amount", "delay_unit", "condition")
    assert list(rows) == [(0, "days", "no_reply"), (2, "business_days", "always")]
    mixed = Variant.objects.filter(step__position=2).values_list("name", "weight", "version__template__name")
    assert list(mixed) == [("A", 30, "Later"), ("B", 70, "First")]

    page = client.get(at("edit", campaign.pk))
    shown = {name: page.context["form"][name].value() for name in ("name", "whom", "preset", "limit", "daily_limit")}
    assert list(shown.values()) == ["Spring", wishes["whom"], "smsReady", 3, 100]
    assert client.post(at("edit", campaign.pk), form(made, name="Fall")).status_code == 302
    campaign.refresh_from_db()
    assert (campaign.name, campaign.window, campaign.max_cost) == ("Fall", {}, None)
    assert campaign.audience == {"bucketId": str(made.bucket.pk)}
    assert campaign.steps.count() == 1


@pytest.mark.long
def test_a_call_is_a_step_among_texts_and_has_a_script(made: World, client: Client) -> None:
    text, script = str(made.template.pk), "Hi {{firstName|there}}, we wrote to you."
    steps = {
        "s2-channel": "call", "s2-a": text, "s2-amount": "1", "s2-unit": "hours", "s3-a": text, "s3-amount": "3",
        "script": script,
    }  # fmt: skip
    seen = text_of(client.get(at("texts"), form(made, **steps)))
    assert "Step 2, a call: what the caller reads out" in seen and "{{firstName" not in seen.partition("Step 2")[2]
    assert "did you mean {{firstName}}" in text_of(
        client.post(at("add"), form(made, **steps | {"script": "{{firstname}}"}))
    )
    assert not Campaign.objects.exists()
    assert client.post(at("add"), form(made, **steps)).status_code == 302
    campaign = Campaign.objects.get()
    kinds = [("sms", 1), ("call", 0), ("sms", 1)]  # what was chosen as a text of a call, hidden by then, is none

    def stands() -> list[tuple[str, int]]:
        return [(one.channel, one.variants.count()) for one in campaign.steps.order_by("position")]

    assert (campaign.channel, campaign.script, stands()) == ("mixed", script, kinds)
    shown = text_of(client.get(reverse("admin:campaigns_campaign_change", args=[campaign.pk])))
    assert "A call by one of your callers" in shown and script in shown
    page = client.get(at("edit", campaign.pk))
    assert [one["channel"].value() for one in page.context["form"].steps[:4]] == ["sms", "call", "sms", "sms"]
    again = {name: value for name, value in steps.items() if name != "s2-a"}
    assert client.post(at("edit", campaign.pk), form(made, **again, name="Fall")).status_code == 302
    assert stands() == kinds
    alone = form(made) | {"s1-channel": "call", "s1-a": "", "name": "Calls"}
    assert "A campaign of calls alone is a call list" in text_of(client.post(at("add"), alone))


@pytest.mark.long
def test_what_a_campaign_was_made_of_by_the_api_stays_when_its_form_is_saved(made: World, client: Client) -> None:
    chosen = Audience(lead_ids=tuple(lead.pk for lead in made.leads[:2]))
    campaign = made.draft(audience=chosen, stop_on=())
    Campaign.objects.filter(pk=campaign.pk).update(window=read_window({"open": "10:00", "close": "12:00"}))
    page = client.get(at("edit", campaign.pk))
    assert "2 chosen leads" in text_of(page)
    old = campaign.steps.get().variants.get().version
    create_template(by=made.ann, team_id=made.seller.team_id, name="Other", text="x")
    client.post(
        reverse("admin:campaigns_template_change", args=[made.template.pk]), {"name": "First", "text": f"{old.text} :)"}
    )
    page = client.get(at("edit", campaign.pk))
    assert "First, as it was (version 1)" in text_of(page)
    values = {"whom": "kept", "opens": "10:00", "closes": "12:00", "s1-a": str(old.pk)}
    assert client.post(at("edit", campaign.pk), form(made, **values)).status_code == 302
    campaign.refresh_from_db()
    assert Audience.from_json(campaign.audience) == chosen
    assert campaign.stop_on == []
    assert campaign.window == {"open": "10:00", "close": "12:00", "weekdays": [0, 1, 2, 3, 4, 5, 6]}
    assert campaign.steps.get().variants.get().version == old


BAD: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "This field is required."),
    ({"whom": "bucket:01890000-0000-7000-8000-000000000000"}, "Select a valid choice."),
    ({"s1-a": ""}, "A campaign has 1 to 10 steps."),
    ({"max_cost": "0"}, "Enter a spending limit of more than $0.00."),
    ({"limit": "0"}, "greater than or equal to 1"),
    ({"opens": "12:00"}, "Enter both, or neither."),
    ({"opens": "12:00", "closes": "11:00"}, "It must close after it opens"),
    ({"s2-a": "T"}, "Step 2: A delay is 1 to 365 days."),
    ({"s1-b": "T", "s1-a": ""}, "Choose text A before text B."),
    ({"s1-a": "no"}, "Select a valid choice."),
    ({"sender": "01890000-0000-7000-8000-000000000000"}, "Select a valid choice."),
    ({"name": "x\x00"}, "Null characters are not allowed."),
]


@pytest.mark.long
def test_a_form_with_a_mistake_says_where_and_saves_nothing(made: World, client: Client) -> None:
    for mistake, says in BAD:
        wrong = {name: str(made.template.pk) if value == "T" else value for name, value in mistake.items()}
        answer = client.post(at("add"), form(made, **wrong))
        assert answer.status_code == 200
        assert says in text_of(answer), (mistake, says)
    assert not Campaign.objects.exists()
    made.draft()
    assert "Your team has a campaign of this name." in text_of(client.post(at("add"), form(made)))
    for place, lead in (("3", made.leads[3]), ("4", made.leads[0])):  # past the last it begins anew
        shown = client.get(at("texts"), form(made, place=place))
        assert shown.context["lead"] == lead
    for odd in ({}, {"whom": "view:x"}, {"whom": form(made)["whom"], "place": "9999", "s1-a": "x", "campaign": "x"}):
        assert client.get(at("texts"), odd).status_code in (200, 404)


@pytest.mark.long
def test_an_old_dry_run_is_not_approved_and_the_difference_is_shown(made: World, client: Client) -> None:
    campaign = made.draft()
    Lead.objects.filter(pk=made.leads[1].pk).update(pre_foreclosure=True)
    digest = made.previewed(campaign).digest
    unread = client.post(at("approve", campaign.pk), {"digest": digest})
    assert "Acknowledge foreclosure" in text_of(unread)
    gone = made.leads[0]
    suppress([(1, str(gone.phone))], reason="stop", source=f"user:{made.ann.pk}", by=made.ann)

    for _ in range(2):  # the second press is of the page that the first was of
        answer = client.post(at("approve", campaign.pk), {"digest": digest, "ack-foreclosure": "1"})
        assert answer.status_code == 200
        assert answer.context["difference"] == [("Gone", 1, [(gone.pk, str(gone), "suppressed")])]
        assert "0 added, 1 gone, 0 changed" in text_of(answer)
    campaign.refresh_from_db()
    assert campaign.status == "previewed"
    new = answer.context["preview"].digest
    assert client.post(at("approve", campaign.pk), {"digest": new, "ack-foreclosure": "1"}).status_code == 302
    campaign.refresh_from_db()
    assert (campaign.status, campaign.approved_digest, campaign.acknowledgements) == ("approved", new, ["foreclosure"])
    assert client.post(at("approve", campaign.pk), {"digest": new}).status_code == 200
    assert [what for _, what, _ in told("campaign.approved")] == ["campaign.approved"]


@pytest.mark.long
def test_launching_twice_and_pressing_out_of_turn_changes_nothing(made: World, client: Client) -> None:
    campaign = made.draft()
    assert "a manager approves" in words(client.post(at("launch", campaign.pk)))[0]
    campaign = made.approved("Second")
    assert words(client.post(at("launch", campaign.pk)))[-1] == "Launched."
    assert "launched already" in words(client.post(at("launch", campaign.pk)))[-1]
    assert Member.objects.filter(campaign=campaign).count() == 4
    assert client.get(at("launch", campaign.pk)).status_code == 405
    page = client.get(at("change", campaign.pk))
    assert page.context["results"].members == 4
    assert sum(many for _, many in page.context["people_by"]) == 4
    for place, status in (("pause", "paused"), ("pause", "paused"), ("resume", "running"), ("resume", "running")):
        client.post(at(place, campaign.pk))
        campaign.refresh_from_db()
        assert campaign.status == status
    assert client.get(at("cancel", campaign.pk)).status_code == 200
    client.post(at("cancel", campaign.pk), {"confirmed": "yes"})
    campaign.refresh_from_db()
    assert campaign.status == "cancelled"
    page = client.get(at("change", campaign.pk))
    assert page.context["stopped"] == [("cancelled", "campaign cancelled", 4)]
    assert "only a draft can be deleted" in words(client.post(at("remove", campaign.pk), {"confirmed": "yes"}))[-1]
    assert "failed" in words(client.post(at("again", campaign.pk)))[-1]
    live = client.get(at("live", campaign.pk), {"status": "running"})
    assert live["HX-Refresh"] == "true"


@pytest.mark.long
def test_another_teams_campaign_and_template_are_not_there(made: World) -> None:
    campaign = made.approved()
    _, stranger = member(Team.objects.create(name="Others"), "manager", "zoe")
    for place in ("change", "people", "messages", "live", "csv", "edit", "cancel", "remove", "history"):
        assert stranger.get(at(place, campaign.pk)).status_code in (302, 404), place
    for place in ("dry-run", "approve", "launch", "pause", "resume", "again", "cancel", "remove", "edit"):
        answer = stranger.post(at(place, campaign.pk), {"confirmed": "yes", "digest": campaign.approved_digest})
        assert answer.status_code == 404, place
    assert stranger.get(at("texts"), {"campaign": str(campaign.pk)}).status_code == 404
    asked = {"text": "{{firstName|you}}", "lead": str(made.leads[0].pk)}
    assert "Mariaa" not in text_of(stranger.get(reverse("admin:campaigns_template_shown"), asked))
    assert stranger.post(reverse("admin:campaigns_template_remove", args=[made.template.pk])).status_code == 404
    assert Template.objects.filter(pk=made.template.pk).exists()
    boss = signed_in(make_user("boss", is_staff=True, is_superuser=True))
    looked = boss.get(at("people", campaign.pk))
    assert looked.status_code == 200
    assert boss.post(at("launch", campaign.pk)).status_code == 404
    campaign.refresh_from_db()
    assert campaign.status == "approved"


@pytest.mark.long
def test_a_reader_sees_texts_masked_and_who_may_not_is_refused(made: World) -> None:
    named, _ = create_template(
        by=made.ann, team_id=made.seller.team_id, name="Call", text="{{companyName}}: call {{agentPhone}}. Reply STOP"
    )
    twin = made.one_more(9, phone=str(made.leads[0].phone))
    made.template = named
    campaign = made.draft()
    preview = made.previewed(campaign)
    team = Team.objects.get(pk=made.seller.team_id)
    _, reader = member(team, "reader")
    _, buyer = member(team, "buyer")
    _, caller = member(team, "caller")
    mine = text_of(signed_in(made.ann).get(at("people", campaign.pk)))
    assert "(617) 555-0100" in mine
    assert f"/leads/lead/{made.leads[0].pk}/" in mine
    theirs = reader.get(at("people", campaign.pk), {"verdict": "no"})
    assert [one["leadId"] for one in theirs.context["people"]] == [twin.pk]
    assert theirs.context["people"][0]["insteadLeadId"] is None
    assert "555-0100" not in text_of(reader.get(at("people", campaign.pk)))
    assert reader.get(at("csv", campaign.pk)).status_code == 403
    assert reader.get(at("add")).status_code == 403
    assert reader.get(at("edit", campaign.pk)).status_code == 403
    assert reader.get(at("texts")).status_code == 403
    shown = reader.get(reverse("admin:campaigns_template_shown"), {"text": "Call {{agentPhone}}"})
    assert "555-0100" not in text_of(shown)
    for client in (reader, buyer):
        for place in ("approve", "launch", "pause", "resume", "cancel"):
            answer = client.post(at(place, campaign.pk), {"digest": preview.digest, "confirmed": "yes"})
            assert answer.status_code == 403, place
    assert reader.post(at("dry-run", campaign.pk)).status_code == 403
    assert caller.get(at("change", campaign.pk)).status_code in (403, 404)
    assert buyer.post(at("dry-run", campaign.pk)).status_code == 302
    csv = b"".join(buyer.get(at("csv", campaign.pk)).streaming_content).decode()  # type: ignore[attr-defined]
    assert "(617) 555-0100" in csv


def test_an_operator_decides_what_became_of_a_message_once(made: World, client: Client) -> None:
    campaign = made.approved()
    client.post(at("launch", campaign.pk))
    one = Member.objects.filter(campaign=campaign).earliest("pk")
    step = campaign.steps.get()
    row = Delivery.objects.create(
        team_id=campaign.team_id, campaign=campaign, member=one, step=step, variant=step.variants.get(), key=one.key,
        lead_id=one.lead_id, state="in_doubt", rank=2, body="Hi, call 617-555-0100", body_digest="x",
        callback_token=one.pk, vendor="twilio", sender=made.sender, intended_at=clock.now(),
    )  # fmt: skip
    recount(campaign_ids=[campaign.pk])
    assert client.post(at("decide", campaign.pk, row.pk), {"outcome": "sent"}).status_code == 403
    made.ann.is_operator = True
    made.ann.save()
    page = client.get(at("messages", campaign.pk), {"state": "in_doubt"})
    assert "It was not sent" in text_of(page)
    assert client.post(at("decide", campaign.pk, row.pk), {"outcome": "maybe"}).status_code == 404
    assert "it was not sent" in words(client.post(at("decide", campaign.pk, row.pk), {"outcome": "not-sent"}))[-1]
    row.refresh_from_db()
    assert (row.state, row.resolved_by_id) == ("failed", made.ann.pk)
    assert "known already" in words(client.post(at("decide", campaign.pk, row.pk), {"outcome": "sent"}))[-1]
    made_again = client.post(at("again", campaign.pk))
    draft = Campaign.objects.exclude(pk=campaign.pk).get()
    assert made_again["Location"] == at("change", draft.pk)
    assert draft.audience == {"leadIds": [str(one.lead_id)]}


@pytest.mark.long
def test_a_combination_of_buckets_is_an_audience_of_the_form(made: World, client: Client) -> None:
    others = [made_of(made, name, made.leads[place : place + 1]) for place, name in enumerate(("Late taxes", "Sold"))]
    late, sold = others
    wishes = form(made, whom="sets") | {f"set-{made.bucket.pk}": "any_of", f"set-{sold.pk}": "none_of"}
    assert ">3</span> people of 3 leads" in text_of(client.get(at("texts"), wishes))
    assert "Say which buckets to take from" in text_of(client.post(at("add"), form(made, whom="sets")))
    assert client.post(at("add"), wishes).status_code == 302
    campaign = Campaign.objects.get()
    sets = {"allOf": [], "anyOf": [str(made.bucket.pk)], "noneOf": [str(sold.pk)]}
    assert campaign.audience == {"sets": sets}
    assert f"On any of “{made.bucket}”; not on “Sold”" in text_of(client.get(at("change", campaign.pk)))
    page = client.get(at("edit", campaign.pk))
    assert page.context["form"]["whom"].value() == "sets"
    assert page.context["form"].combination[f"set-{sold.pk}"].value() == "none_of"
    assert client.post(at("edit", campaign.pk), wishes | {f"set-{late.pk}": "any_of"}).status_code == 302
    campaign.refresh_from_db()
    assert set(campaign.audience["sets"]["anyOf"]) == {str(made.bucket.pk), str(late.pk)}
    sold.delete()  # what can no longer be chosen stays as it is
    page = client.get(at("edit", campaign.pk))
    assert page.context["form"]["whom"].value() == "kept"
    assert "not on “a deleted bucket”" in text_of(page)
    refusal = client.post(at("edit", campaign.pk), form(made, whom="kept"))
    assert "There is no such bucket" in text_of(refusal)


def made_of(made: World, name: str, leads: list[Lead]) -> Bucket:
    bucket, _ = create_bucket(by=made.ann, name=name, property_ids=[lead.property_id for lead in leads])
    return bucket


@pytest.mark.long
def test_home_says_what_texts_want_of_whom(made: World, client: Client) -> None:
    team = Team.objects.get(pk=made.seller.team_id)
    buyer, caller, stranger = (member(team, role)[0] for role in ("buyer", "caller", "reader"))
    assert titles(made.ann) == titles(buyer, team) == []
    made.previewed(made.draft("Fall"))
    lifecycle.launch(campaign=made.approved("Summer"), access=made.access)
    pause_campaign(Campaign.objects.get(name="Summer").pk, Campaign.Pause.ERRORS, "12 of 60 messages failed.")
    now = clock.now()
    for lead, state in zip(made.leads, ("held", "open"), strict=False):
        key = LeadKey.objects.get(lead=lead, role=LeadKey.Role.PHONE).key
        Conversation.objects.create(
            team=team, lead=lead, key=key, state=state, opened_at=now, decide_by=now if state == "held" else None
        )
    assert titles(made.ann) == ["Inbox: 1 to decide, 1 not read", "Paused: Summer", "Waits for approval: Fall"]
    assert titles(buyer, team) == ["Inbox: 1 to decide, 1 not read"]
    assert titles(caller, team) == titles(stranger, team) == []
    Lead.objects.filter(pk=made.leads[1].pk).update(assigned_to=caller)
    assert titles(caller, team) == ["Inbox: 1 not read"]
    page = text_of(client.get("/admin/"))
    assert f"May be an opt-out: {made.leads[0]}" in page
    assert "12 of 60 messages failed." in page
    campaign = Campaign.objects.get(name="Summer")
    assert f"/accounts/auditevent/?q={campaign.pk}" in text_of(client.get(at("change", campaign.pk)))
    log = text_of(client.get(reverse("admin:accounts_auditevent_changelist"), {"q": str(campaign.pk)}))
    assert "Summer" in log


def titles(user: Any, team: Team | None = None) -> list[str]:
    access = access_in(user, team.pk) if team else own_access(user)
    return [need.title for need in home.needs(access)]


def test_columns_of_moments_are_called_as_an_investor_would(client: Client) -> None:
    def columns(name: str) -> list[str]:
        cl = client.get(reverse(f"admin:campaigns_{name}_changelist")).context["cl"]
        return [capfirst(str(label_for_field(one, cl.model, cl.model_admin))) for one in cl.list_display]

    assert columns("sender")[-2:] == ["Added", "Retired"]
    assert columns("campaign")[-1] == columns("template")[-1] == "Created"
