"""Drafts: whom, in which steps; what cannot be meant is refused by name; a change takes the approval with it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.models import Membership
from buckets.services import create_bucket
from campaigns.models import Campaign, Delivery, Member, Preview, Template, TemplateVersion
from campaigns.planning.audience import Audience, check
from campaigns.planning.campaigns import send_to_failed
from campaigns.planning.refusals import CampaignError
from campaigns.planning.steps import plans_of
from campaigns.setup.senders import retire_sender
from campaigns.texts.templates import create_template
from leads.listing.saved_views import save_view
from leads.models import Lead
from tests.api.client import Api, body_of, refused
from tests.campaigns.samples import World, world
from tests.support import make_user, told

pytestmark = pytest.mark.django_db
GONE = str(uuid4())


@pytest.fixture
def made() -> World:
    return world(3)


def body(made: World, **more: Any) -> dict[str, Any]:
    given = {"name": "Spring", "bucketId": str(made.bucket.pk), "steps": [{"templateId": str(made.template.pk)}]}
    return {name: value for name, value in {**given, **more}.items() if value is not ...}


# What is sent, how it is answered, and which field the answer names; {t}: a template's id, {late}: one without STOP.
BAD: list[tuple[dict[str, Any], int, str]] = [
    ({"name": ""}, 400, "name"),
    ({"name": " \t "}, 400, "name"),
    ({"name": "x" * 101}, 400, "name"),
    ({"name": "a\x00b"}, 400, "name"),
    ({"channel": "fax"}, 400, "channel"),
    ({"bucketId": ...}, 400, "bucketId"),
    ({"bucketId": GONE}, 404, "bucketId"),
    ({"bucketId": ..., "viewId": GONE}, 404, "viewId"),
    ({"viewId": GONE}, 400, "viewId"),  # beside a bucket
    ({"bucketId": ..., "sets": {"allOf": [GONE]}}, 404, "sets.allOf"),
    ({"bucketId": ..., "sets": {}}, 400, "sets.allOf"),
    ({"bucketId": ..., "leadIds": []}, 400, "leadIds"),
    ({"bucketId": ..., "leadIds": [GONE]}, 404, "leadIds"),
    ({"preset": "everybody"}, 400, "preset"),
    ({"filters": {"colour": "red"}}, 400, "colour"),
    ({"limit": 0}, 400, "limit"),
    ({"steps": []}, 400, "steps"),
    ({"steps": [{"templateId": "{t}"}] * 11}, 400, "steps"),
    ({"steps": [{"templateId": GONE}]}, 404, "steps.0.variants.0.templateId"),
    ({"steps": [{}]}, 400, "steps.0.templateId"),
    ({"steps": [{"templateId": "{t}", "delayAmount": 1}]}, 400, "steps.0.delayAmount"),
    ({"steps": [{"templateId": "{t}"}, {"templateId": "{t}"}]}, 400, "steps.1.delayAmount"),
    ({"steps": [{"templateId": "{t}"}, {"templateId": "{t}", "delayAmount": 366}]}, 400, "steps.1.delayAmount"),
    ({"steps": [{"templateId": "{t}", "delayUnit": "weeks"}]}, 400, "steps.0.delayUnit"),
    ({"steps": [{"templateId": "{t}", "condition": "clicked"}]}, 400, "steps.0.condition"),
    ({"steps": [{"templateId": "{t}", "atLocal": "25:00"}]}, 400, "steps.0.atLocal"),
    ({"steps": [{"variants": [{"templateId": "{t}", "weight": 60}]}]}, 400, "steps.0.variants"),
    ({"steps": [{"variants": [{"templateId": "{t}", "weight": 0}]}]}, 400, "steps.0.variants.0.weight"),
    ({"steps": [{"variants": [{"templateId": "{t}", "weight": 10}] * 10}]}, 400, "steps.0.variants"),
    ({"steps": [{"templateId": "{late}"}]}, 400, "steps.0.variants"),  # no STOP in the first
    ({"steps": [{"templateId": "{t}"}, {"templateId": "{late}", "delayAmount": 30}]}, 400, "steps.1.variants"),
    ({"senderId": GONE}, 404, "senderId"),
    ({"window": {"open": "22:00", "close": "06:00"}}, 400, "window"),  # never swapped
    ({"window": {"open": "09:00", "close": "09:00"}}, 400, "window"),
    ({"window": {"open": "09:00", "close": "18:00", "weekdays": [8]}}, 400, "window"),
    ({"window": {"open": "09:00", "close": "18:00", "weekdays": []}}, 400, "window"),
    ({"window": {"open": "nine", "close": "18:00"}}, 400, "window"),
    ({"window": {"open": "09:00"}}, 400, "window"),
    ({"window": {"open": "09:00", "close": "18:00", "days": [1]}}, 400, "window"),
    ({"maxCost": 0}, 400, "maxCost"),
    ({"dailyLimit": 0}, 400, "dailyLimit"),
    ({"stopOn": ["sunset"]}, 400, "stopOn.0"),
    ({"stopOn": ["reply", "status"]}, 400, "stopOn.1"),
    ({"script": "Hi {{firstname}}"}, 400, "script"),
    ({"script": "a\x00b"}, 400, "script"),
    ({"script": "x" * 5_001}, 400, "script"),
]


@pytest.mark.long
def test_what_cannot_be_meant_is_refused_by_name_and_nothing_is_made(made: World) -> None:
    late, _ = create_template(by=made.ann, team_id=made.bucket.team_id, name="Late", text="{{companyName}} again")
    ids = {"{t}": str(made.template.pk), "{late}": str(late.pk)}

    def with_ids(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: with_ids(one) for name, one in value.items()}
        return [with_ids(one) for one in value] if isinstance(value, list) else ids.get(value, value) if isinstance(
            value, str) else value  # fmt: skip

    api = Api(made.ann)
    for more, status, field in BAD:
        answer = api.post("/api/campaigns", body(made, **{k: with_ids(v) for k, v in more.items()}))
        assert answer.status_code == status, (more, answer.content[:300])
        assert field in answer.json()["error"]["fields"], (more, answer.json())
    assert not Campaign.objects.exists()
    body_of(api.post("/api/campaigns", body(made)), 201)
    refused(api.post("/api/campaigns", body(made, name="SPRING")), 400, "name")
    again = api.post("/api/campaigns", body(made, name="Two", split=True), Idempotency_Key="k")
    assert api.post("/api/campaigns", body(made, name="Two", split=True), Idempotency_Key="k").content == again.content
    assert Campaign.objects.count() == 2


def test_a_draft_is_made_from_a_bucket_a_view_a_combination_or_leads_and_narrowed_by_presets(made: World) -> None:
    ann, team_id = made.ann, made.bucket.team_id
    one, two, three = made.leads
    Lead.objects.filter(pk=one.pk).update(status="contacted", estimated_value=600_000, high_equity=True,
                                          estimated_equity=300_000)  # fmt: skip
    Lead.objects.filter(pk=two.pk).update(estimated_value=500_000, high_equity=True, estimated_equity=400_000)
    Lead.objects.filter(pk=three.pk).update(estimated_value=499_999, high_equity=True, estimated_equity=400_000)
    view = save_view(by=ann, name="Boston", query="propertyCity=Boston&sort=-estimatedEquity", team_id=team_id)
    other, _ = create_bucket(by=ann, name="Other", property_ids=[three.property_id], team_id=team_id)
    api = Api(ann)

    def sizes(**audience: Any) -> int:
        return int(body_of(api.post("/api/campaigns/audience", audience))["sizes"]["leads"])

    bucket = {"bucketId": str(made.bucket.pk)}
    assert sizes(**bucket) == 3
    assert sizes(**bucket, preset="smsReady") == 2
    assert sizes(**bucket, preset="highValue") == 2
    assert sizes(**bucket, filters={"estimatedValueMin": 550_000}) == 1
    assert sizes(**bucket, limit=1) == 1
    assert sizes(viewId=str(view.pk)) == 3
    assert sizes(sets={"allOf": [str(made.bucket.pk)], "noneOf": [str(other.pk)]}) == 2
    assert sizes(leadIds=[str(one.pk), str(one.pk)]) == 1
    refused(api.post("/api/campaigns/audience", {"leadIds": [str(one.pk), str(uuid4())]}), 404, "leadIds")
    from campaigns.planning.audience import leads_of

    high = leads_of(Audience(bucket_id=made.bucket.pk, preset="highValue"), team_id=team_id, owner=ann)
    assert list(high.values_list("pk", flat=True)) == [two.pk, one.pk]  # most equity first
    campaign = body_of(api.post("/api/campaigns", body(made, bucketId=..., viewId=str(view.pk))), 201)["campaign"]
    assert campaign["audience"]["view"] == {"name": "Boston", "query": view.query}
    view.delete()
    stored = Campaign.objects.get(pk=campaign["id"])
    preview = made.previewed(stored)
    assert (preview.leads, preview.error) == (3, "")  # as it was when it was chosen
    assert check(Audience.from_json(stored.audience), team_id=team_id, owner=ann).people == 3


@pytest.mark.long
def test_a_change_makes_it_a_draft_again_and_only_a_draft_is_deleted(made: World) -> None:
    api, campaign = Api(made.ann), made.approved(steps=2)
    path = f"/api/campaigns/{campaign.pk}"
    assert campaign.status == "approved"
    refused(api.delete(path), 409)
    seeds = list(campaign.steps.values_list("variants__seed", flat=True))

    sent = {"name": "Summer", "preset": "smsReady", "dailyLimit": 50, "window": {"open": "10:00", "close": "17:30"}}
    changed = body_of(api.patch(path, sent))["campaign"]
    assert (changed["name"], changed["status"], changed["approvedDigest"]) == ("Summer", "draft", "")
    assert changed["window"] == {"open": "10:00", "close": "17:30", "weekdays": [1, 2, 3, 4, 5, 6, 7]}
    assert changed["audience"] == {"bucketId": str(made.bucket.pk), "preset": "smsReady"}
    assert [step["delayAmount"] for step in changed["steps"]] == [0, 2]
    campaign.refresh_from_db()
    assert (campaign.approved_by_id, campaign.approved_at, campaign.preview) == (None, None, None)
    body_of(api.patch(path, {"steps": [{"templateId": str(made.template.pk)}]}))
    assert list(campaign.steps.values_list("variants__seed", flat=True)) == seeds[:1]
    refused(api.patch(path, {}), 400, "name")
    refused(api.patch(path, {"status": "running"}), 400, "status")

    body_of(api.delete(path))
    refused(api.get(path), 404)
    assert not Preview.objects.exists()
    Campaign.objects.filter(pk=made.approved("Run").pk).update(status="running")
    running = f"/api/campaigns/{Campaign.objects.get().pk}"
    for answer in (api.patch(running, {"name": "x"}), api.delete(running), api.post(f"{running}/preview")):
        refused(answer, 409)
    assert [what for _, what, _ in told("campaign.created", "campaign.changed", "campaign.deleted")] == [
        "campaign.created", "campaign.changed", "campaign.changed", "campaign.deleted", "campaign.created",
    ]  # fmt: skip


def test_a_team_has_so_many_campaigns_and_who_sees_no_contacts_drafts_none(made: World, settings: Any) -> None:
    api = Api(made.ann)
    made.draft()
    settings.TEAM_CAMPAIGNS_MAX = 1
    assert "room for 1" in refused(api.post("/api/campaigns", body(made, name="Two")), 409)
    Campaign.objects.update(status="cancelled")
    body_of(api.post("/api/campaigns", body(made, name="Two")), 201)
    settings.TEAM_CAMPAIGNS_MAX = 9
    cleo = make_user("cleo")
    Membership.objects.filter(user=cleo).delete()
    member = Membership.objects.create(team_id=made.bucket.team_id, user=cleo, role="buyer")
    body_of(Api(cleo).post("/api/campaigns", body(made, name="Three")), 201)
    Membership.objects.filter(pk=member.pk).update(is_masked=True)
    refused(Api(cleo).post("/api/campaigns", body(made, name="Four")), 403)
    refused(Api(cleo).post("/api/campaigns/audience", {"bucketId": str(made.bucket.pk)}), 403)


def test_those_whose_message_failed_become_a_new_draft(made: World) -> None:
    campaign = made.approved()
    with pytest.raises(CampaignError, match="No message of this campaign failed"):
        send_to_failed(campaign=campaign, access=made.access)
    now = timezone.now()
    step = campaign.steps.get()
    Campaign.objects.update(script="Hi {{firstName}}")
    for lead, state in zip(made.leads, ("failed", "delivered", "failed"), strict=True):
        line: Any = campaign.preview.rows.get(lead_id=lead.pk, step=1)  # type: ignore[union-attr]
        member = Member.objects.create(
            campaign=campaign, lead=lead, split_group=campaign.pk, key_id=line.key_id, status=4
        )
        Delivery.objects.create(
            team_id=campaign.team_id, campaign=campaign, member=member, step=step, variant=step.variants.get(),
            state=state, lead_id=lead.pk, key_id=line.key_id, body_digest="x", callback_token=uuid4(),
            vendor_id=str(lead.pk), intended_at=now - timedelta(hours=1),
        )  # fmt: skip
    for name in ("Spring: failed ones", "Spring: failed ones 2"):
        answer = body_of(Api(made.ann).post(f"/api/campaigns/{campaign.pk}/send-to-failed"), 201)["campaign"]
        assert (answer["name"], answer["status"], answer["audience"]) == (name, "draft", {"leads": 2})
    new = Campaign.objects.get(name="Spring: failed ones")
    assert new.audience["leadIds"] == [str(made.leads[0].pk), str(made.leads[2].pk)]
    assert new.script == "Hi {{firstName}}"
    assert plans_of(new)[0].variants[0].version_id == step.variants.get().version_id
    made.leads[2].delete()
    Campaign.objects.update(status="cancelled")
    retire_sender(sender=made.sender, by=made.ann)
    again = send_to_failed(campaign=campaign, access=made.access)
    assert (again.audience["leadIds"], again.sender) == ([str(made.leads[0].pk)], None)


# --- Templates --------------------------------------------------------------------------------------------------------

NO_TEMPLATES = [
    ("Hi {{firstname}}", "did you mean"),
    ("Hi {{{firstName}}}", "character 4"),
    ("Hi {{#firstName}}", "character 4"),
    ("Hi {{>x}}", "character 4"),
    ("Hi {firstName}", "character 4"),
    ("Hi {{firstName", "character 4"),
    ("Hi }} there", "character 4"),
    ("Hi {{firstName|" + "x" * 41 + "}}", "40"),
    ("  ", ""),
    ("a\x00b", ""),
    ("x" * 1601, ""),
    ("x" * 1000, "segments"),
]


@pytest.mark.long
def test_a_text_that_is_no_template_is_refused_where_it_is_saved_and_where_it_is_looked_at(made: World) -> None:
    api, before = Api(made.ann), TemplateVersion.objects.count()
    for text, words in NO_TEMPLATES:
        said = refused(api.post("/api/templates", {"name": "Bad", "text": text}), 400, "text")
        assert words in said, (text, said)
        refused(api.patch(f"/api/templates/{made.template.pk}", {"text": text}), 400, "text")
        if words != "segments":
            refused(api.post("/api/templates/preview", {"text": text}), 400, "text")
    answer = api.post("/api/templates", {"name": "Bad", "text": "Hello, {{firstname}}"}).json()["error"]
    assert answer["fields"]["position"] == ["7"] and "{{firstName}}" in answer["message"]
    assert TemplateVersion.objects.count() == before


def test_a_preview_without_a_lead_has_sample_values_and_with_one_hers(made: World) -> None:
    api, text = Api(made.ann), "Hi {{firstName}}, {{companyName}} about {{county}}. “STOP” ends"
    shown = body_of(api.post("/api/templates/preview", {"text": text}))["preview"]
    assert shown["text"] == "Hi Maria, Acme Homes about Franklin. “STOP” ends"
    assert (shown["segments"], shown["encoding"], shown["missing"]) == (1, "ucs2", [])
    assert shown["gsm"] == text.replace("“", '"').replace("”", '"')
    asked = {"text": text, "leadId": str(made.leads[0].pk)}
    shown = body_of(api.post("/api/templates/preview", asked))["preview"]
    assert (shown["text"], shown["missing"]) == ("", ["county"])
    Lead.objects.filter(pk=made.leads[0].pk).update(property_county="Suffolk", first_name="{{companyName}}\r\nBcc: x")
    assert "Acme Homes about Suffolk" in body_of(api.post("/api/templates/preview", asked))["preview"]["text"]
    refused(api.post("/api/templates/preview", {"text": text, "leadId": GONE}), 404, "leadId")
    refused(Api(make_user("bob")).post("/api/templates/preview", asked), 404, "leadId")


def test_an_edit_is_the_next_version_and_campaigns_keep_theirs(made: World, settings: Any) -> None:
    api, campaign = Api(made.ann), made.draft()
    path = f"/api/templates/{made.template.pk}"
    same = body_of(api.patch(path, {"text": made.template.versions.get().text}))["template"]
    assert same["version"]["number"] == 1
    lines = body_of(api.patch(path, {"text": "{{companyName}}\nSTOP ends"}))["template"]["version"]
    posted = body_of(api.patch(path, {"text": "{{companyName}}\r\nSTOP ends"}))["template"]["version"]  # by a form
    assert (posted["id"], posted["text"]) == (lines["id"], "{{companyName}}\nSTOP ends")
    made.template.versions.filter(number=2).delete()
    new = body_of(api.patch(path, {"text": "{{companyName}} anew. STOP ends", "name": "Anew"}))["template"]
    assert (new["name"], new["version"]["number"], new["version"]["variables"]) == ("Anew", 2, ["companyName"])
    assert campaign.steps.get().variants.get().version.number == 1
    refused(api.delete(path), 409)
    other = body_of(api.post("/api/templates", {"name": "Other", "text": "Hello"}), 201)["template"]
    refused(api.patch(f"/api/templates/{other['id']}", {"name": "ANEW"}), 400, "name")
    settings.TEAM_TEMPLATES_MAX = 2
    refused(api.post("/api/templates", {"name": "Third", "text": "Hello"}), 409)
    body_of(api.delete(f"/api/templates/{other['id']}"))
    assert Template.objects.count() == 1
    assert [what for _, what, _ in told("template.created", "template.changed", "template.deleted")] == [
        "template.created", "template.changed", "template.changed", "template.created", "template.deleted",
    ]  # fmt: skip


# --- Numbers and states -----------------------------------------------------------------------------------------------


def test_numbers_are_american_and_one_team_has_each_and_states_are_answered_all_or_none(made: World) -> None:
    api, bob = Api(made.ann), Api(make_user("bob"))
    good = {"number": "(614) 555-0100", "vendor": "twilio"}
    for more, field in (
        ({"number": "+44 20 7946 0958"}, "number"),
        ({"number": "12"}, "number"),
        ({"number": "617-555-0199"}, "number"),  # in use already
        ({"vendor": "pigeon"}, "vendor"),
        ({"dailySegments": 0}, "dailySegments"),
        ({"registrationId": "x" * 101}, "registrationId"),
    ):
        refused(api.post("/api/senders", {**good, **more}), 400, field)
    assert refused(bob.post("/api/senders", good), 409)  # Bob has no company yet
    sender = body_of(api.post("/api/senders", good), 201)["sender"]
    assert (sender["number"], sender["retiredAt"]) == ("+16145550100", None)
    path = f"/api/senders/{sender['id']}"
    assert body_of(api.patch(path, {"registrationId": "C2"}))["sender"]["registrationId"] == "C2"
    refused(bob.get(path), 404)
    campaign = made.draft(sender_id=made.sender.pk)
    refused(api.delete(f"/api/senders/{made.sender.pk}"), 409)
    assert body_of(api.delete(path))["sender"]["retiredAt"] is not None
    body_of(api.post("/api/senders", good), 201)  # a retired number may be another's
    assert campaign.sender_id == made.sender.pk

    for answers, field in (
        ([{"state": "TX", "answer": "registered"}], "answers.0.words"),
        ([{"state": "XX", "answer": "not_needed"}], "answers.0.state"),
        ([{"state": "TX", "answer": "perhaps"}], "answers.0.answer"),
        ([{"state": "TX", "answer": "not_needed"}, {"state": "tx", "answer": "stay_out"}], "answers.1.state"),
    ):
        refused(api.put("/api/state-answers", {"answers": answers}), 400, field)
    given = [{"state": "tx", "answer": "registered", "words": "TX-1"}, {"state": "MA", "answer": "stay_out"}]
    told_ = body_of(api.put("/api/state-answers", {"answers": given}))["answers"]
    assert {one["state"]: one["answer"] for one in told_} == {"MA": "stay_out", "OH": "not_needed", "TX": "registered"}
    assert body_of(bob.get("/api/state-answers"))["answers"] == []
    refused(bob.put("/api/state-answers", {"answers": given}), 409)
