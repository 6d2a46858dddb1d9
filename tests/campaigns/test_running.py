"""From approval to the results: nobody is added after it, nothing runs twice, everything adds up."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.urls import reverse

from accounts.models import Membership
from buckets.deleting.services import delete_bucket
from buckets.filling.algebra import Sets
from buckets.services import create_bucket
from campaigns import clock
from campaigns.models import Campaign, ClockSetting, Delivery, Member, Preview, PreviewLine
from campaigns.planning.audience import Audience
from campaigns.planning.refusals import CampaignError
from campaigns.planning.steps import StepPlan, VariantPlan
from campaigns.previews.asking import start_preview
from campaigns.previews.making import make_preview
from campaigns.running.approval import approve
from campaigns.running.counting import recount
from campaigns.running.lifecycle import cancel, launch, pause, resume
from campaigns.running.results import results_of
from campaigns.sending.steps import make_due
from campaigns.texts.templates import create_template
from leads.listing.saved_views import delete_view, save_view
from leads.models import Activity, Lead
from leads.permission.suppressing import suppress
from tests.admin_site import signed_in
from tests.api.client import Api, body_of, refused
from tests.campaigns.samples import World, allow, owner, world
from tests.command_line import run
from tests.leads.samples import together
from tests.support import make_user, told

pytestmark = pytest.mark.django_db


@pytest.fixture
def made() -> World:
    return world(4)


def fields(answer: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = answer.json()["error"]["fields"]
    return found


@pytest.mark.long
def test_an_old_digest_is_refused_with_the_difference_and_the_new_dry_run_is_there_to_be_approved(made: World) -> None:
    api, campaign = Api(made.ann), made.draft()
    path = f"/api/campaigns/{campaign.pk}"
    refused(api.post(f"{path}/approve", {"digest": "x"}), 409)  # no dry run yet
    first = made.previewed(campaign)
    gone, renamed, *_ = made.leads
    suppress([(1, str(gone.phone))], reason="stop", source=f"user:{made.ann.pk}", by=made.ann)
    Lead.objects.filter(pk=renamed.pk).update(first_name="Rosa", owner_name=None)

    answer = api.post(f"{path}/approve", {"digest": first.digest})

    assert "0 added, 1 gone, 1 changed" in refused(answer, 409, "digest")
    assert answer.json()["error"]["code"] == "PREVIEW_CHANGED"
    told_ = fields(answer)
    assert (told_["gone"], told_["changed"], told_["added"]) == ([f"{gone.pk}: suppressed"], [str(renamed.pk)], [])
    campaign.refresh_from_db()
    assert (campaign.status, campaign.approved_digest) == ("previewed", "")
    (new,) = told_["newDigest"]
    assert campaign.preview is not None and campaign.preview.digest == new != first.digest
    assert fields(api.post(f"{path}/approve", {"digest": first.digest}))["gone"] == [f"{gone.pk}: suppressed"]

    approved = body_of(api.post(f"{path}/approve", {"digest": new}, Idempotency_Key="a"))["campaign"]
    assert (approved["status"], approved["approvedDigest"], approved["approvedById"]) == ("approved", new, made.ann.pk)
    refused(api.post(f"{path}/approve", {"digest": new}), 409)
    ((who, what, after),) = told("campaign.approved")
    assert (who, what, after["people"], after["preview"]) == ("ann", "campaign.approved", 3, str(campaign.preview_id))


def test_nobody_a_day_old_or_not_acknowledged_is_not_approved(made: World) -> None:
    api = Api(made.ann)
    nobody = made.draft("Nobody", audience=Audience(bucket_id=made.bucket.pk, filters={"propertyCity": "Rome"}))
    digest = made.previewed(nobody).digest
    answer = api.post(f"/api/campaigns/{nobody.pk}/approve", {"digest": digest})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "NOBODY")

    campaign = made.draft()
    Lead.objects.filter(pk=made.leads[0].pk).update(pre_foreclosure=True)
    preview = made.previewed(campaign)
    assert preview.needs == ["foreclosure"]
    asked: dict[str, Any] = {"digest": preview.digest}
    assert "foreclosure" in refused(api.post(f"/api/campaigns/{campaign.pk}/approve", asked), 400, "acknowledgements")
    asked["acknowledgements"] = ["wish"]
    refused(api.post(f"/api/campaigns/{campaign.pk}/approve", asked), 400, "acknowledgements")
    Preview.objects.filter(pk=preview.pk).update(expires_at=clock.now())
    asked["acknowledgements"] = ["foreclosure"]
    assert "older than a day" in refused(api.post(f"/api/campaigns/{campaign.pk}/approve", asked), 409)
    Preview.objects.filter(pk=preview.pk).update(expires_at=clock.now() + timedelta(hours=1))
    done = body_of(api.post(f"/api/campaigns/{campaign.pk}/approve", asked))["campaign"]
    assert done["acknowledgements"] == ["foreclosure"]


def test_launching_makes_its_people_once_and_the_same_request_is_answered_the_same(made: World, settings: Any) -> None:
    twin = made.one_more(77, phone=made.leads[0].phone or "")
    api, campaign = Api(made.ann), made.approved()
    path = f"/api/campaigns/{campaign.pk}/launch"
    changes: list[tuple[str, dict[str, Any]]] = [
        ("SMS_VENDOR", {"SMS_VENDOR": ""}),
        ("SMS_VENDOR", {"SMS_VENDOR": "signalhouse_messaging"}),
        ("PUBLIC_URL", {"PUBLIC_URL": ""}),
        ("TWILIO_AUTH_TOKEN", {"VENDORS": settings.VENDORS | {"twilio": settings.VENDORS["twilio"] | {"key": ""}}}),
    ]
    for variable, change in changes:
        before = {name: getattr(settings, name) for name in change}
        for name, value in change.items():
            setattr(settings, name, value)
        answer = api.post(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "NO_VENDOR")
        assert variable in fields(answer)
        for name, value in before.items():
            setattr(settings, name, value)
    assert not Member.objects.exists()
    gone, merged = made.leads[1], made.leads[2]
    gone.delete()
    Lead.objects.filter(pk=merged.pk).update(merged_into=made.leads[3])

    first = api.post(path, Idempotency_Key="go")
    again = api.post(path, Idempotency_Key="go")

    launched = body_of(first)["campaign"]
    assert (launched["status"], launched["counts"]["members"]) == ("running", 2)
    assert again.content == first.content and again.headers["Idempotent-Replay"] == "true"
    answer = api.post(path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "ALREADY_RUNNING")
    members = list(Member.objects.order_by("pk"))
    assert [one.lead_id for one in members] == [made.leads[0].pk, made.leads[3].pk]  # in the order of the dry run
    assert {(one.status, one.step, one.split_group) for one in members} == {(2, 1, campaign.pk)}
    assert all(one.next_at and one.owner_key_id and one.zones == ["America/New_York"] for one in members)
    (line,) = Activity.objects.filter(ref=campaign.pk)
    assert (line.lead_id, line.kind) == (twin.pk, "note")
    assert "same owner as 1 Oak St" in line.text and str(made.leads[0].pk) in line.text
    twin.refresh_from_db()
    assert (twin.activity_count, twin.last_activity_at) == (1, None)  # no person did it
    assert [what for _, what, _ in told("campaign.launched")] == ["campaign.launched"]


@pytest.mark.django_db(transaction=True)
def test_two_who_launch_at_the_same_moment_launch_it_once() -> None:
    made = world(2)
    campaign = made.approved()

    results = together(*[lambda: launch(campaign=campaign, access=made.access)] * 2)

    assert sorted(type(one).__name__ for one in results) == ["Campaign", "CampaignError"]
    refusal = next(one for one in results if isinstance(one, CampaignError))
    assert refusal.code == "ALREADY_RUNNING"
    assert (Member.objects.count(), Campaign.objects.get().members) == (2, 2)
    cancelled = cancel(campaign=campaign, access=made.access)
    assert (cancelled.status, Member.objects.filter(status=Member.Status.STOPPED).count()) == ("cancelled", 2)


def test_another_part_of_a_split_that_has_the_person_by_now_keeps_her(monkeypatch: pytest.MonkeyPatch) -> None:
    made = world(2)
    parts = []
    for part, lead in enumerate(made.leads, start=1):
        audience = Audience(lead_ids=(lead.pk,))
        parts.append(made.approved(f"Part {part}", audience=audience))
    group = uuid4()
    Campaign.objects.update(split_group=group)
    launch(campaign=parts[0], access=made.access)
    owner(
        made.leads[1], 60, phone="+16175552777", mailing_address="1 Oak St", first_name="Mariaa", last_name="Alvareza"
    )
    with pytest.raises(CampaignError, match="in another part of the split"):
        launch(campaign=parts[1], access=made.access)
    assert Member.objects.count() == 1


@pytest.mark.long
def test_only_who_may_contact_owners_approves_launches_and_stops(made: World) -> None:
    bella = make_user("bella")
    Membership.objects.filter(user=bella).delete()
    Membership.objects.create(team_id=made.bucket.team_id, user=bella, role="buyer")
    campaign, api = made.draft(), Api(bella)
    path = f"/api/campaigns/{campaign.pk}"
    digest = made.previewed(campaign).digest
    refused(api.post(f"{path}/approve", {"digest": digest}), 403)
    approve(campaign=campaign, access=made.access, digest=digest)
    for deed in ("launch", "pause", "resume", "cancel"):
        refused(api.post(f"{path}/{deed}"), 403)
        ran = run(f"{deed}_campaign", campaign.pk, "--user", "bella")
        assert (ran.status, "A manager approves, launches and stops campaigns." in ran.err) == (1, True)
    campaign.refresh_from_db()
    assert campaign.status == "approved"


def test_it_pauses_resumes_and_is_cancelled_for_good(made: World, settings: Any) -> None:
    access, campaign = made.access, launch(campaign=made.approved(), access=made.access)
    with pytest.raises(CampaignError, match="The campaign is running"):
        resume(campaign=campaign, access=access)
    for _ in range(2):  # a button pressed twice
        paused = pause(campaign=campaign, access=access)
        assert (paused.status, paused.paused_by, paused.reason) == ("paused", "person", "Paused by a person")
    settings.SMS_VENDOR = ""
    with pytest.raises(CampaignError) as error:
        resume(campaign=campaign, access=access)
    assert error.value.code == "NO_VENDOR"
    settings.SMS_VENDOR = "twilio"
    Campaign.objects.update(paused_by="errors")
    resumed = resume(campaign=campaign, access=access)
    assert (resumed.status, resumed.paused_by, resumed.reason) == ("running", "", "")
    assert pause(campaign=campaign, access=access).paused_by == "person"
    step, member = campaign.steps.get(), Member.objects.first()
    assert member is not None
    waits = Delivery.objects.create(
        team_id=campaign.team_id, campaign=campaign, member=member, step=step, variant=step.variants.get(), state="due",
        lead_id=member.lead_id, key_id=member.key_id, body_digest="x", callback_token=uuid4(),
    )  # fmt: skip
    Campaign.objects.update(due=1)

    cancelled = cancel(campaign=campaign, access=access)

    assert (cancelled.status, cancelled.cancelled) == ("cancelled", 1)
    assert set(Member.objects.values_list("status", "why")) == {(Member.Status.STOPPED, "cancelled")}
    waits.refresh_from_db()
    assert waits.state == "cancelled"
    for deed, code in ((cancel, "OVER"), (pause, "NOT_RUNNING"), (resume, "NOT_PAUSED"), (launch, "NOT_APPROVED")):
        with pytest.raises(CampaignError) as error:
            deed(campaign=campaign, access=access)
        assert error.value.code == code
    early = cancel(campaign=made.approved("Early"), access=access)
    assert (early.status, early.approved_digest, early.finished_at is not None) == ("cancelled", "", True)
    assert [what for _, what, _ in told("campaign.paused", "campaign.resumed", "campaign.cancelled")] == [
        "campaign.paused", "campaign.resumed", "campaign.paused", "campaign.cancelled", "campaign.cancelled",
    ]  # fmt: skip


@pytest.mark.long
def test_results_add_up_texts_are_compared_and_counters_are_mended() -> None:
    made = world(8)
    other, _ = create_template(by=made.ann, team_id=made.bucket.team_id, name="B", text="{{companyName}} b. STOP ends")
    both = [VariantPlan(template_id=made.template.pk, weight=50), VariantPlan(template_id=other.pk, weight=50)]
    campaign = launch(campaign=made.approved(steps=[StepPlan(both)]), access=made.access)
    step = campaign.steps.get()
    variants = {one.name: one for one in step.variants.all()}
    states = ["delivered"] * 4 + ["accepted", "failed", "refused", "in_doubt"]
    for number, (member, state) in enumerate(zip(Member.objects.order_by("pk"), states, strict=True)):
        left = state != "refused"
        Delivery.objects.create(
            team_id=campaign.team_id, campaign=campaign, member=member, step=step, variant=variants["AB"[number % 2]],
            state=state, lead_id=member.lead_id, key_id=member.key_id, body_digest="x", callback_token=uuid4(),
            vendor_id=f"v{number}", intended_at=clock.now() if left else None,
            replied_at=clock.now() if number in (0, 1, 2) else None,
        )  # fmt: skip
        status, why = (Member.Status.STOPPED, "replied") if number in (0, 1, 2) else (Member.Status.DONE, "")
        Member.objects.filter(pk=member.pk).update(status=status, why=why, next_at=None)
    Campaign.objects.update(replied=3, sent=99)

    found = results_of(Campaign.objects.get())

    assert found.messages == sum(found.states.values()) == 8 and found.states["delivered"] == 4
    assert found.members == sum(found.people.values()) == 8 and found.people["stopped"] == 3
    assert found.stopped == {"replied": 3}
    assert [(one.name, one.sent, one.delivered, one.replied) for one in found.variants] == [
        ("A", 3, 2, 2),
        ("B", 4, 2, 1),
    ]
    (compared,) = found.comparisons
    assert compared.comparison is not None and compared.comparison.shares == (1.0, 0.5)
    assert not compared.comparison.is_clear and (found.cost, found.cost_per_reply) == (0, Decimal("0.0000"))
    answer = body_of(Api(made.ann).get(f"/api/campaigns/{campaign.pk}/results"))["results"]
    assert (answer["messages"], answer["comparisons"][0]["isClear"], answer["variants"][0]["share"]) == (8, False, 1.0)

    right = {"due": (0, 8), "sent": (99, 7), "accepted": (0, 5), "delivered": (0, 4), "failed": (0, 1)}
    right |= {"refused": (0, 1), "in_doubt": (0, 1)}
    ran = run("recount_campaigns", "--check")
    assert (ran.status, recount(mend=False)) == (1, {campaign.pk: right})
    assert run("recount_campaigns").status == 0
    assert (recount(), run("recount_campaigns", "--check").status) == ({}, 0)
    campaign.refresh_from_db()
    assert campaign.sent == campaign.accepted + campaign.failed + campaign.in_doubt


@pytest.mark.long
def test_commands_do_the_whole_of_it(made: World) -> None:
    campaign = made.draft(steps=2)

    ran = run("preview_campaign", campaign.pk, "--json")
    assert (ran.status, ran.json["preview"]["people"], ran.json["preview"]["messages"]) == (0, 4, 8), ran.err
    words = run("preview_campaign", campaign.pk).out
    assert "4 of 4 leads would get 8 messages, $0.03 to $0.07." in words and "MA: 4, left out 0" in words
    digest = run("preview_campaign", campaign.pk, "--json").json["preview"]["digest"]
    assert run("approve_campaign", campaign.pk, "--digest", "x").status == 1
    assert run("approve_campaign", campaign.pk, "--digest", digest).status == 0
    assert "running; 4 people" in run("launch_campaign", campaign.pk).out
    assert "paused: Paused by a person" in run("pause_campaign", campaign.pk).out
    assert run("resume_campaign", campaign.pk, "--json").json["campaign"]["status"] == "running"
    assert "cancelled" in run("cancel_campaign", campaign.pk).out
    listed = run("campaigns", "--user", "ann", "--status", "cancelled", "--json").json["campaigns"]
    assert [one["id"] for one in listed] == [str(campaign.pk)]
    make_user("bob")
    assert run("campaigns", "--user", "bob").out == "No campaign.\n"
    assert run("launch_campaign", campaign.pk, "--user", "bob").status == 1


def test_members_and_messages_are_listed_and_a_stranger_sees_none(made: World) -> None:
    campaign = launch(campaign=made.approved(), access=made.access)
    api, bob = Api(made.ann), Api(make_user("bob"))
    path = f"/api/campaigns/{campaign.pk}"
    members = body_of(api.get(f"{path}/members?status=active"))["members"]
    assert {one["leadId"] for one in members} == {str(lead.pk) for lead in made.leads}
    assert body_of(api.get(f"{path}/members?status=done"))["members"] == []
    assert body_of(api.get(f"{path}/deliveries?state=in_doubt"))["deliveries"] == []
    refused(api.get(f"{path}/deliveries?state=lost"), 400, "state")
    for place in ("", "/members", "/deliveries", "/preview", "/results"):
        refused(bob.get(path + place), 404)
    assert body_of(bob.get("/api/campaigns"))["campaigns"] == []
    assert PreviewLine.objects.exists() and ClockSetting.objects.exists()


def test_an_allowed_lead_that_comes_after_the_approval_is_not_added(made: World) -> None:
    late = made.one_more(50)
    campaign = made.approved()
    allow(made, late)
    assert launch(campaign=campaign, access=made.access).members == 4


def test_what_falls_due_says_what_the_dry_run_said(made: World) -> None:
    campaign = launch(campaign=made.approved(), access=made.access)

    assert make_due() == 4

    lines = PreviewLine.objects.filter(preview=campaign.preview_id, step=1)
    said = set(lines.values_list("lead_id", "key_id", "variant", "text", "segments"))
    due = Delivery.objects.filter(campaign=campaign, state="due")
    assert set(due.values_list("lead_id", "key_id", "variant__name", "body", "segments")) == said
    assert (make_due(), recount()) == (0, {})


@pytest.mark.parametrize("when", ["before the dry run", "before the approval"])
def test_a_saved_view_that_is_deleted_meanwhile_keeps_its_campaign_as_it_was(made: World, when: str) -> None:
    """The campaign has the view's filters as they were when it was drafted."""
    api = Api(made.ann)
    view = save_view(by=made.ann, name="Boston", query=f"bucket={made.bucket.pk}&hasPhone=true")
    steps = [{"templateId": str(made.template.pk)}]
    body = body_of(api.post("/api/campaigns", {"name": "Fall", "viewId": str(view.pk), "steps": steps}), 201)
    campaign = Campaign.objects.get(pk=body["campaign"]["id"])
    if when == "before the dry run":
        delete_view(view=view, by=made.ann)
    preview = made.previewed(campaign)
    assert (preview.people, preview.error) == (4, "")
    if when == "before the approval":
        delete_view(view=view, by=made.ann)
    body_of(api.post(f"/api/campaigns/{campaign.pk}/approve", {"digest": preview.digest}))
    assert body_of(api.post(f"/api/campaigns/{campaign.pk}/launch", {}))["campaign"]["status"] == "running"


@pytest.mark.long
@pytest.mark.parametrize("whom", ["bucket", "sets", "view"])
def test_a_bucket_that_is_deleted_before_the_approval_is_said_and_nothing_is_approved(made: World, whom: str) -> None:
    other, _ = create_bucket(by=made.ann, name="Other")
    audience = {
        "bucket": Audience(bucket_id=made.bucket.pk),
        "sets": Audience(sets=Sets(any_of=(made.bucket.pk, other.pk))),
        "view": Audience(view=f"bucket={made.bucket.pk}", view_name="Boston"),
    }[whom]
    campaign = made.draft(audience=audience)
    preview = made.previewed(campaign)
    assert preview.people == 4
    delete_bucket(bucket=made.bucket, by=made.ann)
    answer = Api(made.ann).post(f"/api/campaigns/{campaign.pk}/approve", {"digest": preview.digest})
    assert answer.status_code in (400, 404, 409), answer.content
    ran = run("approve_campaign", campaign.pk, "--user", made.ann.username, "--digest", preview.digest)
    assert (ran.status, "Traceback" in ran.err) == (1, False), ran.err
    made.ann.is_staff = True
    made.ann.save()
    client = signed_in(made.ann)
    page = client.post(reverse("admin:campaigns_campaign_approve", args=[campaign.pk]), {"digest": preview.digest})
    assert page.status_code in (200, 302)
    campaign.refresh_from_db()
    assert campaign.status != "approved"
    again = start_preview(campaign=campaign, access=made.access)
    make_preview(again.pk)
    again.refresh_from_db()
    assert again.error or again.people == 0


def test_a_refusal_says_where_a_campaign_is_in_words(made: World) -> None:
    campaign = made.draft()
    made.previewed(campaign)
    with pytest.raises(CampaignError, match=r"^The campaign is waiting for approval: a manager approves its dry run"):
        launch(campaign=campaign, access=made.access)
