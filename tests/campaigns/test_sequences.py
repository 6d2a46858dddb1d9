"""Sequences over channels: one dry run over all of them, what falls due to which address, conditions, holds, edits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.access import own_access
from accounts.models import AuditEvent, Membership
from campaigns import clock
from campaigns.api.serializers import ReviseInput
from campaigns.models import Campaign, Delivery, IncomingMessage, MailSender, Member, Preview, PreviewLine, Template
from campaigns.planning.audience import Audience
from campaigns.planning.campaigns import send_to_failed
from campaigns.planning.refusals import CampaignError
from campaigns.planning.steps import StepPlan, VariantPlan
from campaigns.previews.making import make_preview
from campaigns.running.approval import approve
from campaigns.running.lifecycle import launch, pause, resume
from campaigns.running.revising import revise
from campaigns.sending import steps
from campaigns.sending.holding import hold_members
from campaigns.sending.people import Ending, end_steps
from campaigns.sending.stopping import on_human_click, on_reply
from campaigns.texts.templates import change_template, create_template
from common.values.mail_urls import MailPlace
from leads.facts.saving import CONTACT, FactRow, save_facts
from leads.models import ContactKey, Lead, LeadKey
from leads.permission.suppressing import suppress
from tests.admin_site import signed_in
from tests.api.client import Api, body_of, refused
from tests.campaigns.samples import NOON, World, allow, owner, world
from tests.campaigns.sending.world import at_time, move
from tests.leads.samples import make_leads
from tests.support import make_user

pytestmark = pytest.mark.django_db(transaction=True)

State, Status = Delivery.State, Member.Status
HELLO = "Hi {{firstName|there}},\n\n{{companyName}} here about {{address}}.\n\n{{companyAddress}}\n{{unsubscribeUrl}}"
FRIDAY = datetime(2026, 9, 18, 21, tzinfo=UTC)  # 17:00 in Boston


def mail_text(made: World, name: str = "Hello", text: str = HELLO, subject: str = "About {{address}}") -> Template:
    template, _ = create_template(
        by=made.ann, team_id=made.bucket.team_id, name=name, channel="email", subject=subject, text=text
    )
    return template


def mailing(leads: int, settings: Any, **more: Any) -> World:
    """As `world`, each lead with an e-mail; e-mails leave by a server, and the company has an address to send from."""
    at_time(settings, NOON)
    settings.MAIL_VENDOR, settings.CAMPAIGN_MAIL = "mail", MailPlace("smtp", host="127.0.0.1", port=9)
    made = world(leads, **more)
    Membership.objects.filter(user=made.ann).update(role="manager")
    for place, lead in enumerate(made.leads):
        give_email(lead, f"pat{place}@example.com")
    checks = dict.fromkeys(("spf", "dkim", "dmarc"), "ok")
    MailSender.objects.create(
        seller=made.seller, name="Jane Agent", address="jane@mail.example.com", checks=checks, checked_at=timezone.now()
    )
    return made


def give_email(lead: Lead, *emails: str) -> None:
    with transaction.atomic():
        save_facts(CONTACT, [FactRow(lead.pk, {"email": emails[0]}, NOON - timedelta(days=4))])
    for other in emails[1:]:
        with transaction.atomic():
            facts = {"other_facts": {"email": [{"value": other, "source": "csv"}]}}
            Lead.objects.filter(pk=lead.pk).update(**facts)
            key = ContactKey.objects.create(kind=ContactKey.Kind.EMAIL, digest=_digest(other), hint="o…@example.com")
            LeadKey.objects.create(lead=lead, key=key, role=LeadKey.Role.EMAIL, position=1)


def _digest(address: str) -> bytes:
    from leads.keys import key_secrets

    return key_secrets.digest(key_secrets.for_reading()[0], ContactKey.Kind.EMAIL, address)


def mail(made: World, template: Template | None = None, **more: Any) -> StepPlan:
    template = template or Template.objects.filter(channel="email").first() or mail_text(made)
    return StepPlan([VariantPlan(template_id=template.pk)], channel="email", **more)


def text(made: World, **more: Any) -> StepPlan:
    return StepPlan([VariantPlan(template_id=made.template.pk)], **more)


def running(made: World, plans: Sequence[StepPlan], **more: Any) -> Campaign:
    campaign = made.approved(steps=plans, **more)
    launch(campaign=campaign, access=made.access)
    campaign.refresh_from_db()
    return campaign


def sent(at: datetime | None = None) -> None:
    """What was made has left, and its step is over."""
    at = at or clock.now()
    rows = list(Delivery.objects.filter(state=State.DUE).select_related("step", "member"))
    for row in rows:
        Delivery.objects.filter(pk=row.pk).update(state=State.ACCEPTED, rank=3, intended_at=at, accepted_at=at,
                                                  vendor_id=f"V{row.pk}")  # fmt: skip
    with transaction.atomic():
        end_steps([Ending(row.member_id, row.step.position, at) for row in rows if row.member_id and row.step])


def key_of(lead: Lead, role: int = LeadKey.Role.EMAIL) -> int:
    return LeadKey.objects.filter(lead=lead, role=role).order_by("position").values_list("key_id", flat=True)[0]


def test_a_dry_run_over_channels_names_each_address_text_price_and_who_is_passed_over(settings: Any) -> None:
    made = mailing(3, settings, consented=False)
    asked, unasked, nameless = made.leads
    allow(made, asked)
    Lead.objects.filter(pk=nameless.pk).update(property_address=None)
    settings.OPERATIONS = settings.OPERATIONS | {"email": settings.OPERATIONS["email"] | {"price": "0.001"}}
    call = StepPlan([], delay_amount=1, channel="call")
    campaign = made.draft(steps=[mail(made), text(made, delay_amount=1), call, mail(made, delay_amount=1)])
    preview = made.previewed(campaign)

    assert (campaign.channel, preview.error, preview.people) == ("mixed", "", 2)
    assert preview.left_out == {"missing_value:address": 1}
    rows = {(one.lead_id, one.step): one for one in PreviewLine.objects.filter(preview=preview)}
    first, second = rows[asked.pk, 1], rows[asked.pk, 2]
    assert (first.channel, first.subject, first.segments, first.key_id) == ("email", "About 1 Oak St", 0, key_of(asked))
    assert (
        "https://unsubscribe.invalid/" in first.text
        and "1 Main St, Boston" in first.text
        and len(first.body_digest) == 64
    )
    assert (second.channel, second.verdict, second.segments) == ("sms", "yes", 1)
    assert second.key_id == key_of(asked, LeadKey.Role.PHONE) and (first.price, second.price) != (0, 0)
    over = rows[unasked.pk, 2]
    assert (over.verdict, over.reason, over.text, over.price, over.first_at) == ("no", "no_consent", "", 0, None)
    assert [rows[unasked.pk, n].verdict for n in (1, 3, 4)] == ["yes"] * 3
    assert rows[unasked.pk, 4].first_at == rows[asked.pk, 4].first_at  # the time of what is passed over passes
    assert preview.lines == 5 and preview.cost_max == 4 * first.price + second.price

    told = body_of(Api(made.ann).get(f"/api/campaigns/{campaign.pk}/preview"))
    assert [(one["step"], one["channel"], one["messages"], one["passedOver"]) for one in told["preview"]["steps"]] == [
        (1, "email", 2, 0), (2, "sms", 1, 1), (3, "call", 2, 0), (4, "email", 2, 0),
    ]  # fmt: skip
    person = next(one for one in told["people"] if one["leadId"] == str(unasked.pk))
    assert [one["passedOver"] for one in person["messages"]] == ["", "no_consent", "", ""]
    assert person["messages"][0]["to"] == "p…@example.com"

    launched = approve(campaign=campaign, access=made.access, digest=preview.digest)
    launch(campaign=launched, access=made.access)
    members = {one.lead_id: one for one in Member.objects.all()}
    assert members[asked.pk].key_id == key_of(asked, LeadKey.Role.PHONE) and members[asked.pk].mail_key_id == key_of(
        asked
    )
    assert (members[asked.pk].passed, members[unasked.pk].passed) == ("", "sms")
    steps.make_due()
    sent()
    assert {one.lead_id: one.step for one in Member.objects.all()} == {asked.pk: 2, unasked.pk: 3}


def test_t9_three_who_share_only_an_e_mail_are_one_person_in_an_e_mail_campaign(settings: Any) -> None:
    """Five parcels of one owner and number; three with three phones and one e-mail: 2 yes, 6 same_owner."""
    made = mailing(0, settings)
    _, rows = make_leads(8, by=made.ann, name="T9")
    five = [owner(lead, 0, "+16175550112", email=f"five{n}@example.com") for n, lead in enumerate(rows[:5])]
    three = [owner(lead, 10 + n, email="pat@example.com") for n, lead in enumerate(rows[5:])]
    ids = tuple(lead.pk for lead in (*five, *three))
    campaign = made.draft(audience=Audience(lead_ids=ids), steps=[mail(made)])
    assert campaign.channel == "email"
    preview = made.previewed(campaign)
    assert (preview.people, preview.left_out) == (2, {"same_owner": 6})
    # Nobody is joined by it: a shared mailbox of half a county still gets one e-mail.
    ContactKey.objects.filter(pk=key_of(three[0])).update(crowded=True)
    assert made.previewed(campaign).left_out == {"same_owner": 6}
    preview = made.previewed(campaign)
    launch(campaign=approve(campaign=campaign, access=made.access, digest=preview.digest), access=made.access)
    assert Member.objects.count() == 2 and not Member.objects.exclude(mail_key=None).exclude(key=None).filter(
        mail_key__kind=1
    )
    assert steps.make_due() == 2
    assert set(Delivery.objects.values_list("address", flat=True)) == {"five0@example.com", "pat@example.com"}
    assert set(Delivery.objects.values_list("channel", "vendor")) == {("email", "mail")}


def test_t14_after_a_business_day_it_leaves_on_monday_at_the_same_time(settings: Any) -> None:
    made = mailing(1, settings)
    campaign = running(made, [
        mail(made), StepPlan(mail(made).variants, 1, "business_days", channel="email"), text(made, delay_amount=2),
    ])  # fmt: skip
    assert steps.make_due() == 1
    at_time(settings, FRIDAY)
    sent(FRIDAY)
    member = Member.objects.get()
    assert (member.step, member.next_at) == (2, datetime(2026, 9, 21, 21, tzinfo=UTC))
    move(timedelta(days=1))
    assert steps.make_due() == 0
    move(timedelta(days=2))
    assert steps.make_due() == 1
    one = Delivery.objects.get(step__position=2)
    assert (one.address, one.state) == ("pat0@example.com", "due")
    # a reply by any address or number of hers, between taken and intended: this one does not leave, no step follows
    Delivery.objects.filter(pk=one.pk).update(state="taken", token=uuid4(), lease_until=timezone.now())
    with transaction.atomic():
        assert on_reply([key_of(made.leads[0], LeadKey.Role.PHONE)]) == 1
    one.refresh_from_db()
    member.refresh_from_db()
    campaign.refresh_from_db()
    assert (one.state, member.status, member.why, campaign.replied) == ("cancelled", Status.STOPPED, "replied", 1)
    # after intended that one leaves, and the third step does not
    Member.objects.update(status=Status.WAITING, why="")
    Delivery.objects.filter(pk=one.pk).update(state="intended", intended_at=clock.now())
    with transaction.atomic():
        on_reply([key_of(made.leads[0])])
    sent()
    move(timedelta(days=9))
    assert steps.make_due() == 0 and Delivery.objects.count() == 2


def test_an_address_is_the_first_that_can_be_used_when_the_step_is_due(settings: Any) -> None:
    made = mailing(3, settings)
    two, none, changed = made.leads
    give_email(two, "pat0@example.com", "other@example.com")
    suppress([(2, "pat0@example.com")], reason="soft_bounces", source="bounce:1",
             expires_at=timezone.now() + timedelta(days=90))  # fmt: skip
    running(made, [text(made), mail(made, delay_amount=1), text(made, delay_amount=1)])
    assert Member.objects.get(lead=two).mail_key_id == LeadKey.objects.get(lead=two, role=3, position=1).key_id
    steps.make_due()
    sent()
    Lead.objects.filter(pk=none.pk).update(email=None)
    give_email(changed, "new@example.com")
    move(timedelta(days=2))
    steps.make_due()
    mails = Delivery.objects.filter(channel="email")
    assert dict(mails.values_list("lead_id", "address")) == {
        two.pk: "other@example.com", changed.pk: "new@example.com",
    }  # fmt: skip
    assert mails.get(lead_id=changed.pk).key_id == key_of(changed)
    # who has no address for it goes on with the next step of another channel
    left = Member.objects.get(lead=none)
    assert (left.status, left.step, left.passed) == (Status.ACTIVE, 3, "email")


def test_steps_ask_what_she_did_since_and_a_click_ends_it_only_where_asked(settings: Any) -> None:
    made = mailing(3, settings)
    clicked, replied, silent = made.leads
    plans = [mail(made), mail(made, delay_amount=1, condition="no_human_click"), mail(made, delay_amount=1)]
    campaign = running(made, plans, stop_on=(), track_clicks=True)
    steps.make_due()
    sent()
    Delivery.objects.filter(lead_id=clicked.pk).update(clicked_at=clock.now())
    IncomingMessage.objects.create(
        inbound_id=uuid4(), key_id=key_of(replied, LeadKey.Role.PHONE), meaning="reply", received_at=clock.now(),
        text="Maybe",
    )  # fmt: skip
    with transaction.atomic():
        assert on_human_click(Member.objects.get(lead=clicked).pk) is False
    move(timedelta(days=2))
    assert steps.make_due() == 3
    assert set(Delivery.objects.filter(step__position=2).values_list("lead_id", flat=True)) == {replied.pk, silent.pk}
    assert Member.objects.get(lead=clicked).step == 3
    sent()
    move(timedelta(days=2))
    steps.make_due()
    third = set(Delivery.objects.filter(step__position=3).values_list("lead_id", flat=True))
    assert third == {clicked.pk, silent.pk} and Member.objects.get(lead=replied).status == Status.DONE

    Campaign.objects.filter(pk=campaign.pk).update(stop_on=["click"])
    member = Member.objects.get(lead=silent)
    with transaction.atomic():
        assert on_human_click(member.pk) is True
    member.refresh_from_db()
    assert (member.status, member.why) == (Status.STOPPED, "clicked")
    with pytest.raises(CampaignError) as error:
        made.draft("Clicks", steps=plans, stop_on=("click",))
    assert error.value.field == "stopOn"


def test_who_is_out_of_office_is_held_and_goes_on_when_her_step_was_planned(settings: Any) -> None:
    made = mailing(2, settings)
    soon, later = made.leads
    running(made, [mail(made), mail(made, delay_amount=10)])
    steps.make_due()
    sent()
    planned = Member.objects.get(lead=later).next_at
    until = clock.now() + timedelta(days=7)
    with transaction.atomic():
        assert hold_members([key_of(soon)], until) == 1
        assert hold_members([key_of(later)], until) == 1
    held = Member.objects.get(lead=later)
    assert (held.status, held.why, held.held_until, held.next_at, held.planned_at) == (
        Status.HELD, "out_of_office", until, None, planned,
    )  # fmt: skip
    Member.objects.filter(lead=soon).update(planned_at=clock.now() + timedelta(days=1))
    assert steps.release_held(clock.now()) == 0 and steps.make_due() == 0
    move(timedelta(days=7, minutes=1))
    assert steps.release_held(clock.now()) == 2
    assert steps.make_due() == 1
    assert Member.objects.get(lead=later).next_at == planned  # not before it was due anyway
    assert Delivery.objects.get(step__position=2).lead_id == soon.pk


def test_a_paused_campaign_freezes_everybody_and_no_row_of_theirs_is_written(settings: Any) -> None:
    made = mailing(2, settings)
    campaign = running(made, [mail(made), mail(made, delay_amount=1)])
    before = list(Member.objects.order_by("pk").values())
    pause(campaign=campaign, access=made.access)
    move(timedelta(days=3))
    assert steps.make_due() == 0 and list(Member.objects.order_by("pk").values()) == before
    resume(campaign=campaign, access=made.access)
    assert steps.make_due() == 2


def test_an_edit_after_the_launch_is_for_whom_its_step_has_not_reached_and_weights_stay(settings: Any) -> None:
    made = mailing(3, settings)
    reached, waits, gone = made.leads
    second = mail_text(made, "Second", HELLO.replace("here about", "asks again about"))
    other = mail_text(made, "Other", HELLO.replace("here about", "is still there for"))
    drawn = StepPlan(
        [VariantPlan(template_id=second.pk, weight=50), VariantPlan(template_id=other.pk, weight=50)], delay_amount=1,
        channel="email",
    )  # fmt: skip
    campaign = running(made, [mail(made, mail_text(made)), drawn])
    first = {one.lead_id: one.variant for one in PreviewLine.objects.filter(preview=campaign.preview, step=2)}
    steps.make_due()
    sent()
    move(timedelta(days=2))
    Member.objects.filter(lead__in=[waits.pk, gone.pk]).update(next_at=clock.now() + timedelta(days=1))
    assert steps.make_due() == 1  # the second has reached one of them
    before = Delivery.objects.get(lead_id=reached.pk, step__position=2)
    with pytest.raises(CampaignError, match="edit a template first"):
        revise(campaign=campaign, access=made.access, texts={2: {"A": second.pk}})
    for template, words in ((second, "New words A for"), (other, "New words B for")):
        change_template(template=template, by=made.ann, text=HELLO.replace("here about", words))
    approved = campaign.preview_id
    preview = revise(campaign=campaign, access=made.access, texts={2: {"A": second.pk, "B": other.pk}})
    assert make_preview(preview.pk) is not None
    preview.refresh_from_db()
    campaign.refresh_from_db()
    assert (campaign.status, campaign.preview_id, campaign.revision) == ("running", approved, 1)
    assert (preview.error, preview.people, preview.lines, preview.left_out) == ("", 2, 2, {})
    lines = {one.lead_id: one for one in PreviewLine.objects.filter(preview=preview)}
    assert {lead: one.variant for lead, one in lines.items()} == {pk: first[pk] for pk in (waits.pk, gone.pk)}
    assert all(f"New words {one.variant} for" in one.text for one in lines.values())
    api = Api(made.ann)
    people = body_of(api.get(f"/api/campaigns/{campaign.pk}/preview"))
    assert people["preview"]["isRevision"] is True and len(people["people"]) == 2
    refused(api.post(f"/api/campaigns/{campaign.pk}/approve", {"digest": "0" * 64}), 409)

    suppress([(2, "pat2@example.com")], reason="stop", source="inbound:1")  # the audience only shrinks
    approve(campaign=campaign, access=made.access, digest=preview.digest)
    campaign.refresh_from_db()
    assert (campaign.status, campaign.preview_id, campaign.revision) == ("running", preview.pk, 2)
    assert AuditEvent.objects.filter(action="campaign.revised").count() == 1
    variants = campaign.steps.get(position=2).variants
    assert sorted(variants.values_list("name", "revision", "weight")) == [
        ("A", 1, 50), ("A", 2, 50), ("B", 1, 50), ("B", 2, 50),
    ]  # fmt: skip
    assert len(set(variants.values_list("seed", flat=True))) == 1
    move(timedelta(days=2))
    assert steps.make_due() == 1
    after = Delivery.objects.get(lead_id=waits.pk, step__position=2)
    assert "New words" in (after.body or "") and after.variant is not None and after.variant.revision == 2
    kept = Delivery.objects.get(pk=before.pk)
    assert "New words" not in (kept.body or "") and kept.variant_id == before.variant_id
    rows = Delivery.objects.filter(pk__in=[kept.pk, after.pk]).select_related(
        "campaign__seller", "campaign__owner", "step"
    )
    assert steps.changed_texts(list(rows)) == {}  # each is the text that was approved for it
    Delivery.objects.filter(lead_id=kept.lead_id).update(state="failed", rank=4)
    again = send_to_failed(campaign=campaign, access=made.access)
    assert again.steps.get(position=2).variants.count() == 2  # of the latest texts


def test_an_edit_that_would_say_something_else_to_anybody_by_now_is_not_approved(settings: Any) -> None:
    made = mailing(2, settings)
    second = mail_text(made, "Second")
    campaign = running(made, [mail(made, mail_text(made)), mail(made, second, delay_amount=1)])
    steps.make_due()
    change_template(template=second, by=made.ann, text=HELLO.replace("here about", "asks about"))
    preview = revise(campaign=campaign, access=made.access, texts={2: {"A": second.pk}})
    make_preview(preview.pk)
    preview.refresh_from_db()
    Lead.objects.filter(pk=made.leads[0].pk).update(first_name="Rosa", owner_name=None)
    with pytest.raises(CampaignError) as error:
        approve(campaign=campaign, access=made.access, digest=preview.digest)
    assert error.value.code == "PREVIEW_CHANGED"
    buyer = own_access(made.ann)
    Membership.objects.filter(user=made.ann).update(role="buyer")
    with pytest.raises(CampaignError) as error:
        revise(campaign=campaign, access=own_access(made.ann), texts={2: {"A": second.pk}})
    assert error.value.code == "FORBIDDEN" and buyer.team_id == made.bucket.team_id
    campaign.refresh_from_db()
    assert campaign.revision == 1 and Preview.objects.filter(campaign=campaign).count() == 2


def test_what_cannot_be_meant_of_e_mails_is_refused_by_name_and_nothing_launches_without_a_server(
    settings: Any,
) -> None:
    made = mailing(1, settings)
    nameless = mail_text(made, "Nameless", "Hi\n{{companyAddress}}\n{{unsubscribeUrl}}", subject="Hello")
    for plans, field in (
        ([mail(made, nameless)], "steps.0.variants"),
        ([StepPlan([VariantPlan(template_id=made.template.pk)], channel="email")], "steps.0.variants.0.templateId"),
        ([StepPlan([VariantPlan(template_id=nameless.pk)])], "steps.0.variants.0.templateId"),
        ([mail(made, mail_text(made)), mail(made, delay_amount=1, condition="no_fax")], "steps.1.condition"),
        ([text(made), StepPlan([], delay_amount=1, channel="fax")], "steps.1.channel"),
    ):
        with pytest.raises(CampaignError) as error:
            made.draft(steps=plans)
        assert error.value.field == field
    campaign = made.approved(steps=[mail(made, Template.objects.get(name="Hello"))])
    settings.MAIL_VENDOR = ""
    answer = Api(made.ann).post(f"/api/campaigns/{campaign.pk}/launch")
    refused(answer, 409, "CAMPAIGN_EMAIL_URL")
    assert answer.json()["error"]["code"] == "NO_VENDOR"
    settings.MAIL_VENDOR = "mail"
    MailSender.objects.update(checks={"spf": "No SPF record"})
    with pytest.raises(CampaignError) as error:
        launch(campaign=campaign, access=made.access)
    assert error.value.code in ("NO_SENDER", "NO_VENDOR") and not Member.objects.exists()


@pytest.mark.long
def test_pages_build_steps_of_every_channel_show_subjects_and_change_a_text_from_here_on(settings: Any) -> None:
    made = mailing(2, settings, ann=make_user("ann", is_staff=True))
    hello, second = mail_text(made), mail_text(made, "Second", subject="Still yours, {{firstName|there}}?")
    client = signed_in(made.ann)

    def page(name: str, *arguments: Any) -> str:
        return reverse(f"admin:campaigns_campaign_{name}", args=arguments)

    said = {
        "name": "Over channels", "whom": f"bucket:{made.bucket.pk}", "weekdays": [str(n) for n in range(1, 8)],
        "track_clicks": "on", "stop_click": "on", "s1-a": str(hello.pk), "s2-channel": "call", "s2-amount": "1",
        "s2-unit": "days", "s3-a": str(made.template.pk), "s3-amount": "2", "s3-unit": "business_days",
        "s4-a": str(second.pk), "s4-amount": "3", "s4-unit": "days", "s4-condition": "no_human_click",
    }  # fmt: skip
    shown = client.get(page("texts"), said).content.decode()
    assert "About 1 Oak St" in shown and "Still yours, Mariaa?" in shown and "Step 2, a call" in shown
    mixed = client.post(page("add"), {**said, "s1-b": str(made.template.pk)}).content.decode()
    assert "Compare a text with a text, and an e-mail with an e-mail." in mixed
    assert client.post(page("add"), said).status_code == 302
    campaign = Campaign.objects.get()
    assert (campaign.channel, campaign.track_clicks, campaign.stop_on) == ("mixed", True, ["click", "reply"])
    assert list(campaign.steps.values_list("channel", "condition")) == [
        ("email", "no_reply"), ("call", "no_reply"), ("sms", "no_reply"), ("email", "no_human_click"),
    ]  # fmt: skip
    assert client.post(page("edit", campaign.pk), said).status_code == 302
    preview = made.previewed(campaign)
    answer = client.get(page("change", campaign.pk)).content.decode()
    assert "By step" in answer and "jane@mail.example.com" in answer and "A call by one of your callers" in answer
    assert client.post(page("approve", campaign.pk), {"digest": preview.digest}).status_code == 302
    campaign.refresh_from_db()
    launch(campaign=campaign, access=made.access)
    assert "Change the text from here on" in client.get(page("change", campaign.pk)).content.decode()
    assert "Still yours" in client.get(page("revise", campaign.pk)).content.decode()
    same = client.post(page("revise", campaign.pk), {"s4-A": str(second.pk)}).content.decode()
    assert "edit a template first" in same
    change_template(template=second, by=made.ann, subject="Last time, {{firstName|there}}")
    assert client.post(page("revise", campaign.pk), {"s4-A": str(second.pk)}).status_code == 302
    revision = Preview.objects.filter(texts__isnull=False).get()
    assert client.get(f"{page('live', campaign.pk)}?status=running-dry-run").headers.get("HX-Refresh") is None
    make_preview(revision.pk)
    assert client.get(f"{page('live', campaign.pk)}?status=running-dry-run").headers["HX-Refresh"] == "true"
    revision.refresh_from_db()
    answer = client.get(page("change", campaign.pk)).content.decode()
    assert "Another text from here on" in answer and "2 people get the new text" in answer
    assert client.post(page("approve", campaign.pk), {"digest": revision.digest}).status_code == 302
    answer = client.get(page("change", campaign.pk)).content.decode()
    assert "Last time, {{firstName|there}}" in answer and "changed after the launch" in answer
    Membership.objects.filter(user=made.ann).update(role="buyer")
    assert client.get(page("revise", campaign.pk)).status_code == 403


def test_two_templates_for_one_text_are_refused() -> None:
    one, other = ({"step": 2, "variant": "A", "templateId": str(UUID(int=n))} for n in (1, 2))
    asked = ReviseInput(data={"texts": [one, other]})
    assert not asked.is_valid() and "Two templates" in str(asked.errors["texts"])
    assert ReviseInput(data={"texts": [one, other | {"variant": "B"}]}).is_valid()
