"""Every constraint the models declare stands in PostgreSQL and refuses what it is there to refuse, each shown once."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from keyword import iskeyword
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, models, transaction
from django.utils import timezone
from knox.models import AuthToken

from accounts.models import (
    IdempotentRequest,
    Invitation,
    Membership,
    NoticeChoice,
    NoticeMailbox,
    Notification,
    SignInCount,
    Team,
    TokenGrant,
    User,
    WebhookDelivery,
    WebhookEndpoint,
)
from buckets.models import Bucket, BucketShare, Fill, Import, ImportedChange, ImportFailure, ImportPiece
from campaigns.models import (
    BookingCount,
    BookingPage,
    CallAttempt,
    Campaign,
    CampaignCaller,
    ClockSetting,
    ContactRule,
    Conversation,
    ConversationKey,
    Delivery,
    DeliveryEvent,
    Disposition,
    Emergency,
    Hours,
    Inbound,
    IncomingMessage,
    Link,
    ListFill,
    MailSender,
    Member,
    PhoneCode,
    Preview,
    PreviewLine,
    Receipt,
    Recording,
    RuleHoliday,
    Sender,
    Snippet,
    StateAnswer,
    Step,
    Template,
    TemplateVersion,
    Touch,
    UnsignedPost,
    Variant,
)
from enrichment.models import FairShare, PumpLease, Run, RunItem, Schedule
from integrations.models import (
    BilledDay,
    Budget,
    Dropped,
    Lookup,
    NameRefresh,
    Operation,
    PhoneReveal,
    SpentBefore,
    UnreadableAnswer,
    Vendor,
    VendorCall,
)
from leads.models import (
    Activity,
    BucketDeletion,
    BulkChange,
    BulkJob,
    BulkPiece,
    Change,
    ColumnChoice,
    Consent,
    ContactKey,
    CustomField,
    Event,
    Forgetting,
    KeySecret,
    Lead,
    LeadKey,
    LeadName,
    Merge,
    RefusedRow,
    SavedView,
    Scrub,
    Seller,
    StatusLabel,
    Suppression,
    Tag,
    Upload,
    UploadPiece,
    Withdrawal,
)

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
OURS = ("accounts", "integrations", "leads", "buckets", "enrichment", "campaigns")
MODELS = [model for model in apps.get_models(include_auto_created=True) if model._meta.app_label in OURS]


@dataclass(frozen=True)
class Place:
    """One valid row of each model."""

    user: User
    idempotentrequest: IdempotentRequest
    signincount: SignInCount
    team: Team
    membership: Membership
    invitation: Invitation
    tokengrant: TokenGrant
    bucketshare: BucketShare
    notification: Notification
    noticechoice: NoticeChoice
    noticemailbox: NoticeMailbox
    webhookendpoint: WebhookEndpoint
    webhookdelivery: WebhookDelivery
    vendor: Vendor
    operation: Operation
    budget: Budget
    vendorcall: VendorCall
    lookup: Lookup
    phonereveal: PhoneReveal
    unreadableanswer: UnreadableAnswer
    billedday: BilledDay
    namerefresh: NameRefresh
    bucket: Bucket
    fill: Fill
    import_: Import
    importpiece: ImportPiece
    importfailure: ImportFailure
    importedchange: ImportedChange
    lead: Lead
    leadname: LeadName
    contactkey: ContactKey
    leadkey: LeadKey
    suppression: Suppression
    forgetting: Forgetting
    spentbefore: SpentBefore
    dropped: Dropped
    keysecret: KeySecret
    merge: Merge
    change: Change
    tag: Tag
    activity: Activity
    savedview: SavedView
    columnchoice: ColumnChoice
    statuslabel: StatusLabel
    customfield: CustomField
    run: Run
    runitem: RunItem
    fairshare: FairShare
    pumplease: PumpLease
    schedule: Schedule
    seller: Seller
    sender: Sender
    mailsender: MailSender
    stateanswer: StateAnswer
    template: Template
    templateversion: TemplateVersion
    snippet: Snippet
    link: Link
    touch: Touch
    campaign: Campaign
    step: Step
    variant: Variant
    preview: Preview
    previewline: PreviewLine
    member: Member
    inbound: Inbound
    conversation: Conversation
    conversationkey: ConversationKey
    incomingmessage: IncomingMessage
    unsignedpost: UnsignedPost
    phonecode: PhoneCode
    recording: Recording
    event: Event
    hours: Hours
    bookingpage: BookingPage
    bookingcount: BookingCount
    campaigncaller: CampaignCaller
    listfill: ListFill
    disposition: Disposition
    callattempt: CallAttempt
    consent: Consent
    scrub: Scrub
    upload: Upload
    uploadpiece: UploadPiece
    bucketdeletion: BucketDeletion
    bulkjob: BulkJob
    bulkpiece: BulkPiece
    bulkchange: BulkChange
    refusedrow: RefusedRow
    withdrawal: Withdrawal
    delivery: Delivery
    deliveryevent: DeliveryEvent
    receipt: Receipt
    contactrule: ContactRule
    ruleholiday: RuleHoliday
    emergency: Emergency
    clocksetting: ClockSetting


@pytest.fixture(scope="module")
def standing(kept_open: None) -> Place:
    user = User.objects.create_user("ann")
    vendor = Vendor.objects.create(name="acme")
    operation = Operation.objects.create(vendor=vendor, name="lookup")
    call = VendorCall.objects.create(
        operation=operation, user=user, inputs=1, reserved=1, created_at=NOON, slot_at=NOON, lease_until=NOON
    )
    bucket = Bucket.objects.create(owner=user, name="King County")
    lead = Lead.objects.create(bucket=bucket, owner=user, property_id="1")
    key = ContactKey.objects.create(kind=1, digest=32 * b"x", hint="…0143")
    run = Run.objects.create(bucket=bucket, bucket_name="King County", owner=user, idempotency_key="k", total=1)
    job = Import.objects.create(
        bucket=bucket, file_name="list.csv", size=1, encoding="utf-8", delimiter=",", columns=["a"], total=9
    )
    team = user.memberships.get().team
    seller = Seller.objects.create(team=team, legal_name="Acme Homes LLC")
    template = Template.objects.create(owner=user, team=team, name="First")
    version = TemplateVersion.objects.create(template=template, number=1, text="Hello", digest="x")
    campaign = Campaign.objects.create(owner=user, team=team, name="Spring", seller=seller)
    step = Step.objects.create(campaign=campaign, position=1)
    preview = Preview.objects.create(campaign=campaign)
    webhook = WebhookEndpoint.objects.create(team=team, url="https://x.example/", events=["run.paused"], secret="x")
    member = Member.objects.create(
        campaign=campaign,
        lead=lead,
        split_group=campaign.pk,
        key=key,
        mail_key=ContactKey.objects.create(kind=2, digest=32 * b"m", hint="…@x"),
        owner_key=ContactKey.objects.create(kind=3, digest=32 * b"o", hint="SMITH J"),
    )
    delivery = Delivery.objects.create(
        team=team,
        campaign=campaign,
        member=member,
        step=step,
        key=key,
        lead_id=lead.pk,
        channel="sms",
        purpose="campaign",
        state="due",
        vendor="twilio",
        vendor_id="SM1",
        callback_token=uuid4(),
    )
    link = Link.objects.create(version=version, url="https://example.com/")
    many = BulkJob.objects.create(team=team, by=user, kind="tag")
    upload = Upload.objects.create(team=team, seller=seller, kind="consents", file_name="list.csv", status="previewed")
    talk = Conversation.objects.create(team=seller.team, lead=lead, key=key, address="+12065550177", opened_at=NOON)
    return Place(
        notification=Notification.objects.create(
            team=team, user=user, kind="reply", about="leads.lead", about_id="1", words="x", created_at=timezone.now()
        ),
        noticechoice=NoticeChoice.objects.create(user=user, kind="reply", on_pages=True, mail="soon"),
        noticemailbox=NoticeMailbox.objects.create(user=user),
        webhookendpoint=webhook,
        webhookdelivery=WebhookDelivery.objects.create(
            endpoint=webhook,
            event="run.paused",
            object_id="1",
            sequence=1,
            once="x",
            data={},
            not_before=NOON,
            created_at=NOON,
            give_up_at=NOON + timedelta(days=3),
        ),
        user=user,
        idempotentrequest=IdempotentRequest.objects.create(user=user, key="k", created_at=NOON),
        signincount=SignInCount.objects.create(name="ann", failures=1, began_at=NOON, last_at=NOON),
        team=bucket.team,
        membership=Membership.objects.get(user=user),
        invitation=Invitation.objects.create(
            team=bucket.team, email="bob@example.com", role="reader", by=user, digest="one", expires_at=NOON
        ),
        tokengrant=TokenGrant.objects.create(token=AuthToken.objects.create(user)[0], name="Export"),
        bucketshare=BucketShare.objects.create(bucket=bucket, team=Team.objects.create(name="Elsewhere")),
        vendor=vendor,
        operation=operation,
        budget=Budget.objects.create(scope="run:1"),
        vendorcall=call,
        lookup=Lookup.objects.create(operation=operation, key="1", call=call),
        phonereveal=PhoneReveal.objects.create(call=call, created_at=NOON),
        unreadableanswer=UnreadableAnswer.objects.create(call=call, length=1, created_at=NOON),
        billedday=BilledDay.objects.create(vendor=vendor, day=NOON.date(), amount=1, uploaded_at=NOON),
        namerefresh=NameRefresh.objects.create(of="others"),
        bucket=bucket,
        fill=Fill.objects.create(bucket=bucket, criteria={"state": "WA"}),
        import_=job,
        importpiece=ImportPiece.objects.create(job=job, number=0, first_line=2, content=b""),
        importfailure=ImportFailure.objects.create(job=job, line=2, reason="no address", cells=[]),
        importedchange=ImportedChange.objects.create(job=job, lead=lead, before={}, after={}),
        lead=lead,
        leadname=LeadName.objects.create(lead=lead, bucket_id=bucket.pk, exact=1, loose=1, source="file"),
        contactkey=key,
        leadkey=LeadKey.objects.create(lead=lead, key=key, role=1, position=0),
        suppression=Suppression.objects.create(
            kind=1, digest=32 * b"x", reason="erased", source="forget:1", created_at=NOON
        ),
        forgetting=Forgetting.objects.create(),
        spentbefore=SpentBefore.objects.create(scope="run:1"),
        dropped=Dropped.objects.create(kind="rows", at=NOON),
        keysecret=KeySecret.objects.create(mark=32 * b"x"),
        change=Change.objects.create(team=team, xid=1, at=NOON, first=lead.pk, last=lead.pk, ids=[lead.pk]),
        merge=Merge.objects.create(
            older=lead,
            younger=Lead.objects.create(bucket=bucket, owner=user, property_id="2"),
            why="apn",
            merged_at=NOON,
        ),
        tag=Tag.objects.create(owner=user, name="Absentee"),
        activity=Activity.objects.create(lead=lead, by=user, kind="note", ref=uuid4()),
        savedview=SavedView.objects.create(owner=user, name="Mine", query="status=new"),
        columnchoice=ColumnChoice.objects.create(user=user, preset="all", columns=["owner"]),
        statuslabel=StatusLabel.objects.create(team=team, name="Warm", status="contacted"),
        customfield=CustomField.objects.create(team=team, key="price", name="Price", kind="number"),
        run=run,
        runitem=RunItem.objects.create(run=run, lead=lead, stage=1),
        fairshare=FairShare.objects.create(run=run, owner=user, stage=1),
        pumplease=PumpLease.objects.create(stage=1, host="celery@one"),
        schedule=Schedule.objects.create(
            owner=user, bucket=bucket, kind="enrich", max_cost=1, cadence="0 2 * * *", time_zone="UTC", next_at=NOON
        ),
        seller=seller,
        sender=Sender.objects.create(seller=seller, number="+16145550100", vendor="twilio"),
        mailsender=MailSender.objects.create(seller=seller, name="Jane", address="jane@mail.example.com"),
        stateanswer=StateAnswer.objects.create(seller=seller, state="TX", answer="not_needed"),
        template=template,
        templateversion=version,
        snippet=Snippet.objects.create(seller=seller, name="signature", text="Jane"),
        link=link,
        touch=Touch.objects.create(delivery=delivery, link=link, at=NOON, kind="unknown"),
        campaign=campaign,
        step=step,
        variant=Variant.objects.create(step=step, version=version, seed="x"),
        listfill=ListFill.objects.create(campaign=campaign, priority="oldest", at=NOON),
        preview=preview,
        previewline=PreviewLine.objects.create(preview=preview, lead_id=lead.pk, step=1, verdict="yes"),
        member=member,
        inbound=Inbound.objects.create(vendor="twilio", kind="message", dedupe="SM1", received_at=NOON),
        conversation=talk,
        conversationkey=ConversationKey.objects.create(conversation=talk, key=key),
        incomingmessage=IncomingMessage.objects.create(
            conversation=talk, inbound_id=uuid4(), key=key, meaning="reply", received_at=NOON
        ),
        unsignedpost=UnsignedPost.objects.create(vendor="twilio", day=NOON.date(), count=1),
        phonecode=PhoneCode.objects.create(
            user=user, phone="+13125550142", digest="x", sent_at=NOON, day_began_at=NOON
        ),
        recording=Recording.objects.create(
            team=team, name="Hello", file="hello.wav", kind="audio/wav", seconds=3, sha256="x"
        ),
        event=Event.objects.create(
            team=team,
            owner=user,
            lead=lead,
            kind="callback",
            starts_at=NOON,
            ends_at=NOON + timedelta(minutes=30),
            confirm_digest=32 * b"x",
            changed_at=NOON,
        ),
        hours=Hours.objects.create(user=user, weekday=0, start=time(9), end=time(17)),
        bookingpage=BookingPage.objects.create(team=team, user=user, slug="x"),
        bookingcount=BookingCount.objects.create(digest=32 * b"x", day=NOON.date()),
        campaigncaller=CampaignCaller.objects.create(campaign=campaign, user=user),
        disposition=Disposition.objects.create(
            team=team, code="no_answer", label="No answer", hotkey="1", outcome="no_contact"
        ),
        callattempt=CallAttempt.objects.create(
            team=team,
            lead=lead,
            key=key,
            by=user,
            token=uuid4(),
            vendor_id="CA1",
            agent_vendor_id="CA2",
            started_at=NOON,
        ),
        consent=Consent.objects.create(
            key_kind=1,
            digest=32 * b"x",
            channel="sms",
            kind="express",
            how="form",
            seller=seller,
            given_at=NOON,
            created_at=NOON,
        ),
        scrub=Scrub.objects.create(
            seller=seller,
            digest=32 * b"x",
            list="federal",
            listed=True,
            checked_at=NOON,
            version_date=NOON.date(),
            source="file",
        ),
        upload=upload,
        bucketdeletion=BucketDeletion.objects.create(bucket_id=uuid4(), leads=1),
        bulkjob=many,
        bulkpiece=BulkPiece.objects.create(job=many, place=0, lead_ids=[]),
        bulkchange=BulkChange.objects.create(job=many, lead_id=lead.pk),
        uploadpiece=UploadPiece.objects.create(upload=upload, number=0, first_line=2, content=b""),
        refusedrow=RefusedRow.objects.create(upload=upload, line=2, reason="no phone"),
        withdrawal=Withdrawal.objects.create(upload=upload, reason="The wrong file", created_at=NOON),
        delivery=delivery,
        deliveryevent=DeliveryEvent.objects.create(
            vendor="twilio", vendor_id="SM1", kind="delivered", vendor_at=NOON, received_at=NOON
        ),
        receipt=Receipt.objects.create(
            team=team,
            lead_id=lead.pk,
            digest=32 * b"x",
            channel="sms",
            purpose="campaign",
            verdict="yes",
            rules=[],
            rule_digest="x",
            at=NOON,
            created_at=NOON,
        ),
        contactrule=ContactRule.objects.create(
            jurisdiction="US-ZZ",
            channel="sms",
            from_date=NOON.date(),
            until_date=NOON.date(),
            source="Code 1",
            checked_on=NOON.date(),
            confidence="h",
            created_at=NOON,
        ),
        ruleholiday=RuleHoliday.objects.create(jurisdiction="US-ZZ", date=NOON.date(), name="A day", source="Code 1"),
        emergency=Emergency.objects.create(jurisdiction="US-ZZ", from_at=NOON, reason="Hurricane", created_at=NOON),
        clocksetting=ClockSetting.objects.create(real_at=NOON, shown_at=NOON),
    )


@pytest.fixture
def place(standing: Place, db: None) -> Place:
    """A test's own copy of what stands in the database."""
    return deepcopy(standing)


def _set(**values: Any) -> Callable[[models.Model], Any]:
    return lambda row: type(row)._base_manager.filter(pk=row.pk).update(**values)


def _again(**values: Any) -> Callable[[models.Model], Any]:
    """The same row once more, with another key and these values."""

    def copy(row: models.Model) -> None:
        row.pk = uuid4() if isinstance(row._meta.pk, models.UUIDField) else None
        row._state.adding = True
        for name, value in values.items():
            setattr(row, name, value)
        row.save(force_insert=True)

    return copy


def _other_team(row: models.Model) -> None:
    _again(team=Team.objects.create(name="Other"))(row)


def _bob() -> User:
    return User.objects.create_user("bob")


def _other_key() -> ContactKey:
    return ContactKey.objects.create(kind=1, digest=32 * b"y", hint="…0177")


def _before_callers(row: Member, by: User, **values: Any) -> None:
    """This member before its owner, and one of another campaign with these values before `by`."""
    taken = {"taken_at": NOON, "lease_until": NOON}
    _set(taken_by=row.campaign.owner, **taken)(row)
    _again(lead=None, split_group=uuid4(), taken_by=by, **taken, **values)(row)


def _another_call(**values: Any) -> Callable[[models.Model], Any]:
    return lambda row: _again(**{"token": uuid4(), "vendor_id": None, "agent_vendor_id": None} | values)(row)


# constraint: what breaks it and nothing else, done to the valid row of its model
BREAKS: dict[str, Callable[[Any], Any]] = {
    "user_monthly_budget_not_negative": _set(monthly_budget=Decimal("-0.01")),
    "idempotent_request_once": _again(),
    "sign_in_count_once": _again(),
    "sign_in_count_of_something": _set(name=""),
    "team_has_name": _set(name=""),
    "team_monthly_budget_not_negative": _set(monthly_budget=Decimal("-0.01")),
    "member_once_per_team": _again(is_own=False),
    "member_one_own_team": _other_team,
    "member_role_known": _set(role="owner"),
    "invitation_once_per_team": _again(email="BOB@example.com", digest="other"),
    "invitation_role_known": _set(role="owner"),
    "token_grant_has_name": _set(name=""),
    "bucket_shared_once": _again(),
    "notification_once_unread": _again(),
    "notification_kind_known": _set(kind="x"),
    "notification_mail_known": _set(mail="x"),
    "notification_has_words": _set(words=""),
    "notification_hidden_is_read": _set(is_shown=False),
    "notice_choice_once": _again(),
    "notice_choice_kind_known": _set(kind="x"),
    "notice_choice_mail_known": _set(mail="x"),
    "mailbox_hour_of_a_day": _set(digest_hour=24),
    "mailbox_taken_has_lease": _set(token=uuid4()),
    "webhook_once_per_team": _again(),
    "webhook_has_events": _set(events=[]),
    "webhook_has_secret": _set(secret=""),
    "webhook_old_secret_ends": _set(old_secret="x", old_secret_until=None),
    "webhook_taken_has_lease": _set(token=uuid4(), lease_until=None),
    "delivery_one_sequence": _again(once=""),
    "delivery_once": _again(sequence=2),
    "delivery_status_known": _set(status="lost"),
    "delivery_sequence_positive": _set(sequence=0),
    "delivery_given_time": _set(give_up_at=NOON),
    "vendor_daily_cap_sane": _set(daily_cap=Decimal("-0.01")),
    "vendor_policy_known": _set(server_error_policy="maybe"),
    "operation_once_per_vendor": _again(),
    "operation_pace_sane": _set(pace=Decimal("-1")),
    "operation_price_sane": _set(price=Decimal("-0.0001")),
    "operation_batch_sane": _set(batch=0),
    "operation_fresh_days_sane": _set(fresh_days=3651),
    "budget_reserved_not_negative": _set(reserved=Decimal("-0.0001")),
    "budget_spent_not_negative": _set(spent=Decimal("-0.0001")),
    "call_state_known": _set(state="lost", sent_at=NOON),
    "call_has_inputs": _set(inputs=0),
    "call_money_not_negative": _set(cost=Decimal("-0.0001")),
    "call_sent_has_time": _set(state="sent", sent_at=None),
    "lookup_once": _again(),
    "lookup_state_known": _set(state="rumoured"),
    "lookup_answered_has_answer": _set(state="answered", facts=None, fetched_at=NOON),
    "lookup_cost_not_negative": _set(cost=Decimal("-0.0001")),
    "reveal_state_known": _set(state="lost"),
    "reveal_money_not_negative": _set(cost=Decimal("-0.0001")),
    "reveal_waiting_is_asked_for": _set(state="waiting", ask_at=None, deadline=NOON),
    "billed_day_once_per_vendor": _again(),
    "spent_before_not_negative": _set(spent=Decimal("-0.0001")),
    "forgetting_status_known": _set(status="paused"),
    "suppression_once": _again(),  # no row is ever changed: each is broken by a further one
    "suppression_kind_known": _again(kind=4),
    "suppression_scope_known": _again(scope="fax"),
    "suppression_reason_known": _again(reason="because"),
    "suppression_only_bounces_expire": _again(expires_at=NOON, source="forget:2"),
    "bucket_has_name": _set(name=""),
    "bucket_source_known": _set(source="hearsay"),
    "bucket_enrichment_status_known": _set(enrichment_status="done"),
    "bucket_counts_within_total": _set(total_leads=1, contacted_leads=2),
    "fill_status_known": _set(status="paused"),
    "fill_saved_within_fetched": _set(fetched=1, saved=2),
    "import_status_known": _set(status="paused"),
    "import_adds_up": _set(read=2, new=1),
    "import_read_within_total": _set(read=10, new=10),
    "import_removed_within_new": _set(removed=1),
    "import_updated_within_there": _set(updated=1),
    "import_change_once": _again(),
    "import_piece_once": _again(),
    "import_failure_once": _again(),
    "lead_once_per_bucket": _again(),
    "lead_has_property_id": _set(property_id=""),
    "lead_status_known": _set(status="hot"),
    "lead_enrichment_status_known": _set(enrichment_status="done"),
    "lead_completed_has_phone": _set(enrichment_status="completed", phone=None),
    "contact_key_once": _again(),
    "contact_key_kind_known": _set(kind=4),
    "lead_key_role_known": _set(role=5),
    "lead_not_merged_into_itself": lambda row: _set(merged_into=row.pk)(row),
    "lead_name_source_known": _set(source="gossip"),
    "change_names_its_leads": _set(ids=None),
    "change_in_order": _set(first=UUID(int=2**128 - 1)),
    "merge_once": _again(),
    "merge_into_one": _again(older_id=uuid4()),
    "merge_state_known": _set(state="lost"),
    "merge_why_known": _set(why="address"),
    "merge_of_two": lambda row: _set(older=row.younger_id)(row),
    "tag_once_per_team": _again(name="ABSENTEE"),
    "status_label_once_per_team": _again(name="WARM"),
    "status_label_has_name": _set(name=""),
    "status_label_status_known": _set(status="sold"),
    "status_label_color_is_hex": _set(color="#12345g"),
    "custom_field_key_once": _again(name="Another"),
    "custom_field_once_per_team": _again(key="another", name="PRICE"),
    "custom_field_has_name": _set(name=""),
    "custom_field_key_is_word": _set(key="Two words"),
    "custom_field_kind_known": _set(kind="list"),
    "tag_has_name": _set(name=""),
    "tag_color_is_hex": _set(color="#12345g"),
    "activity_kind_known": _set(kind="fax"),
    "activity_due_is_callback": _set(due_at=NOON),
    "view_once_per_team": _again(name="MINE"),
    "view_once_per_owner": lambda row: [_again(shared=False, name=name)(row) for name in ("Own", "OWN")],
    "view_has_name": _set(name=""),
    "columns_once_per_preset": _again(),
    "run_once_per_idempotency_key": _again(),
    "run_status_known": _set(status="stuck"),
    "run_kind_known": _set(kind="owner"),
    "run_cap_positive": _set(max_cost=Decimal(0)),
    "run_done_within_total": _set(enriched=1, failed=1),
    "run_paused_has_cause": _set(status="paused", paused_by=""),
    "item_once_per_run": _again(),
    "item_stage_known": _set(stage=4),
    "item_outcome_known": _set(stage=0, outcome=5),
    "item_done_has_outcome": _set(stage=0, outcome=0),
    "item_taken_has_lease": _set(token=uuid4(), lease_until=None),
    "fair_share_once_per_stage": _again(),
    "pump_once_per_host": _again(),
    "schedule_kind_known": _set(kind="wish"),
    "schedule_cap_positive": _set(max_cost=Decimal(0)),
    "schedule_that_spends_has_cap": _set(max_cost=None),
    "schedule_on_has_next": _set(next_at=None),
    "sender_number_once": _again(),
    "sender_vendor_known": _set(vendor="pigeon"),
    "sender_number_is_us": _set(number="+442079460958"),
    "mail_sender_address_once": _again(address="JANE@mail.example.com"),
    "mail_sender_has_name": _set(name=""),
    "state_answer_once": _again(),
    "state_answer_known": _set(answer="perhaps"),
    "state_answer_has_words": _set(answer="exempt", words=""),
    "template_once_per_team": _again(name="FIRST"),
    "template_has_name": _set(name=""),
    "template_channel_known": _set(channel="fax"),
    "template_version_once": _again(),
    "template_version_has_text": _set(text=""),
    "snippet_once": _again(),
    "snippet_name_plain": _set(name="My signature"),
    "snippet_has_text": _set(text=""),
    "link_once": _again(),
    "link_is_a_web_address": _set(url="javascript:alert(1)"),
    "touch_once": _again(),
    "touch_kind_known": _set(kind="robot"),
    "campaign_once_per_team": _again(name="SPRING"),
    "campaign_has_name": _set(name=""),
    "campaign_channel_known": _set(channel="fax"),
    "campaign_status_known": _set(status="stuck"),
    "campaign_paused_says_by_whom": _set(status="paused", paused_by="", approved_digest="x", approved_by_id=1),
    "campaign_approved_first": _set(status="approved", approved_digest="x"),
    "step_once": _again(),
    "step_position_sane": _set(position=11),
    "step_first_at_once": _set(delay_amount=1),
    "step_channel_known": _set(channel="fax"),
    "step_unit_known": _set(delay_unit="weeks"),
    "step_condition_known": _set(condition="clicked"),
    "variant_once": _again(),
    "variant_weight_sane": _set(weight=101),
    "preview_one_at_work": _again(),
    "preview_made_has_digest": _set(made_at=NOON),
    "preview_line_once": _again(),
    "member_lead_once": _again(split_group=uuid4()),
    "member_key_once": _again(lead=None, mail_key=None, owner_key=None),
    "member_mail_key_once": lambda row: _again(lead=None, key=_other_key(), owner_key=None)(row),
    "member_owner_once": lambda row: _again(lead=None, key_id=row.owner_key_id, mail_key=None)(row),
    "member_status_known": _set(status=6),
    "member_active_has_time": _set(status=2),
    "member_taken_has_lease": lambda row: _set(taken_by=row.campaign.owner, taken_at=NOON)(row),
    "member_before_one_caller": lambda row: _before_callers(row, _bob(), owner_key=None),
    "member_owner_before_one_caller": lambda row: _before_callers(row, _bob(), key=_other_key()),
    "member_one_a_caller": lambda row: _before_callers(row, row.campaign.owner, key=_other_key(), owner_key=None),
    "campaign_caller_once": _again(),
    "list_fill_one_at_work": _again(),
    "list_fill_counts_fit": _set(done=1),
    "list_fill_finished_is_whole": _set(leads=1, finished_at=NOON),
    "disposition_code_once": _again(hotkey="2"),
    "disposition_key_once": _again(code="other"),
    "disposition_has_words": _set(label=""),
    "disposition_key_is_digit": _set(hotkey="x"),
    "disposition_outcome_known": _set(outcome="fun"),
    "disposition_suppress_known": _set(suppress="fax"),
    "disposition_needs_known": _set(needs="pay"),
    "disposition_attempts_sane": _set(max_attempts=0),
    "disposition_dnc_suppresses_all": _set(outcome="dnc"),
    "attempt_mode_known": _set(mode="fax"),
    "attempt_state_known": _set(state="lost"),
    "attempt_ended_has_time": _set(state="ended"),
    "attempt_disposed_has_time": lambda row: _set(disposition=Disposition.objects.get())(row),
    "attempt_one_a_caller": lambda row: _another_call(key=_other_key())(row),
    "attempt_one_a_number": lambda row: _another_call(by=_bob())(row),
    "attempt_vendor_id_once": _another_call(ended_at=NOON, vendor_id="CA1"),
    "attempt_agent_vendor_id_once": _another_call(ended_at=NOON, agent_vendor_id="CA2"),
    "event_kind_known": _set(kind="party"),
    "event_status_known": _set(status="lost"),
    "event_source_known": _set(source="rumor"),
    "event_ends_after_it_starts": _set(ends_at=NOON),
    "event_callback_has_lead": _set(lead=None),
    "event_held_has_time": _set(kind="appointment", status="held"),
    "event_anyone_is_callback": _set(kind="reminder", anyone=True),
    "event_one_callback_a_lead": _again(confirm_digest=None),
    "event_mail_known": _set(mail="fax"),
    "event_one_a_link": _again(kind="reminder"),
    "event_one_appointment_at_a_time": lambda row: (
        _set(kind="appointment")(row),
        _again(kind="appointment", confirm_digest=None, ends_at=NOON + timedelta(minutes=1))(row),
    ),
    "hours_once": _again(),
    "hours_weekday_known": _set(weekday=7),
    "hours_end_after_start": _set(end=time(9)),
    "booking_page_one_a_person": _again(slug="other"),
    "booking_minutes_sane": _set(minutes=4),
    "booking_days_sane": _set(days_ahead=0),
    "booking_notice_sane": _set(notice_hours=721),
    "booking_buffer_sane": _set(buffer_minutes=241),
    "inbound_once": _again(),
    "conversation_state_known": _set(state="loud"),
    "conversation_held_has_time": _set(state="held"),
    "conversation_one_open_a_key": _again(),
    "incoming_meaning_known": _set(meaning="maybe"),
    "unsigned_once_a_day": _again(),
    "recording_version_once": _again(name="HELLO"),
    "recording_has_name": _set(name=""),
    "team_daily_contacts_sane": _set(daily_contacts=6),
    "activity_once_of_a_message": _again(),
    "suppression_owner_of_wrong": _again(owner_key_id=1),
    "consent_once": _again(),
    "consent_key_kind_known": _again(key_kind=3),
    "consent_channel_known": _again(channel="fax"),
    "consent_kind_known": _again(kind="vague"),
    "consent_how_known": _again(how="guessed"),
    "consent_written_has_text": _again(kind="written"),
    "consent_not_from_the_future": _again(given_at=NOON + timedelta(minutes=6)),
    "scrub_once": _again(),
    "scrub_source_known": _again(source="guessed"),
    "scrub_file_has_version": _again(version_date=None),
    "scrub_list_known": _again(list="state:tx"),
    "seller_one_active_a_team": _again(),
    "seller_attested_is_complete": _set(attested_at=NOON),
    "upload_kind_known": _set(kind="leads"),
    "upload_status_known": _set(status="stuck"),
    "upload_counts_every_row": _set(status="completed", rows=1),
    "upload_names_its_seller": _set(seller=None),
    "upload_piece_once": _again(),
    "bulk_kind_known": _set(kind="burn"),
    "bulk_status_known": _set(status="lost"),
    "bulk_counts_fit": _set(done=1),
    "bulk_over_has_time": _set(finished_at=NOON),
    "bulk_piece_once": _again(),
    "withdrawal_has_reason": _again(reason=""),
    "delivery_once_a_step": _again(vendor_id="SM2", callback_token=uuid4()),
    "delivery_vendor_id_once": _again(member=None, step=None, purpose="manual", callback_token=uuid4()),
    "delivery_state_known": _set(state="lost"),
    "delivery_of_a_member": _set(purpose="manual"),
    "delivery_intended_has_time": _set(state="intended"),
    "delivery_accepted_has_vendor_id": _set(state="accepted", intended_at=NOON, vendor_id=None),
    "delivery_taken_has_lease": _set(token=uuid4()),
    "delivery_event_once": _again(),
    "receipt_channel_known": _again(channel="fax"),
    "receipt_verdict_known": _again(verdict="maybe", first="X"),
    "receipt_purpose_known": _again(purpose="fun"),
    "receipt_says_which_rule": _again(verdict="no"),
    "rule_once_a_day": _again(),
    "rule_jurisdiction_known": _again(jurisdiction="TX"),
    "rule_windows_sane": _again(weekdays_open="20:00", weekdays_close="08:00"),
    "rule_ends_after_it_begins": _again(until_date=NOON.date() - timedelta(days=1)),
    "rule_one_at_a_time": lambda row: (
        _again(from_date=NOON.date() + timedelta(days=1), until_date=None)(row),
        _again(from_date=NOON.date() + timedelta(days=2), until_date=None)(row),
    ),
    "rule_holiday_once": _again(),
    "emergency_ends_after_it_begins": _set(until_at=NOON),
    "emergency_has_reason": _again(reason=""),
}
# the other half of constraints that say two things
HALVES = [
    ("vendor_daily_cap_sane", _set(daily_cap=Decimal("1000000000"))),
    ("operation_pace_sane", _set(pace=Decimal("100000.01"))),
    ("operation_price_sane", _set(price=Decimal("99999.0001"))),
    ("operation_batch_sane", _set(batch=1001)),
    ("bulk_counts_fit", _set(leads=1, done=1, changed=2)),
    ("bulk_counts_fit", _set(restored=1)),
    ("bulk_over_has_time", _set(status="completed")),
    ("call_money_not_negative", _set(reserved=Decimal("-0.0001"))),
    ("lookup_answered_has_answer", _set(state="answered", facts={}, fetched_at=None)),
    ("reveal_money_not_negative", _set(reserved=Decimal("-0.0001"))),
    ("reveal_waiting_is_asked_for", _set(state="waiting", ask_at=NOON, deadline=None)),
    ("bucket_counts_within_total", _set(total_leads=1, enriched_leads=2)),
    ("bucket_counts_within_total", _set(total_leads=1, queued_leads=2)),
    ("bucket_counts_within_total", _set(total_leads=1, detailed_leads=2)),
    ("bucket_counts_within_total", _set(total_leads=1, phone_leads=2)),
    ("item_done_has_outcome", _set(outcome=1)),
    ("schedule_on_has_next", _set(enabled=False)),
    ("campaign_approved_first", _set(status="running", approved_by_id=1)),
    ("step_position_sane", _set(position=0)),
    ("variant_weight_sane", _set(weight=0)),
    ("preview_made_has_digest", _set(digest="x")),
    ("member_active_has_time", _set(next_at=NOON)),
    ("conversation_held_has_time", _set(decide_by=NOON)),
    ("member_taken_has_lease", lambda row: _set(taken_by=row.campaign.owner, lease_until=NOON)(row)),
    ("disposition_has_words", _set(code="")),
    ("disposition_attempts_sane", _set(max_attempts=21)),
    ("event_held_has_time", _set(held_until=NOON)),
    ("booking_minutes_sane", _set(minutes=481)),
    ("booking_days_sane", _set(days_ahead=91)),
    ("team_daily_contacts_sane", _set(daily_contacts=0)),
    ("consent_written_has_text", _again(kind="written", text_hash="x", how="spoken")),
    ("delivery_of_a_member", _set(step=None)),
    ("rule_windows_sane", _again(saturday_open="08:00")),
    ("rule_windows_sane", _again(saturday_close="20:00")),
    ("rule_windows_sane", _again(sunday_open="08:00", sunday_close="08:00")),
]
KEPT = {ContactRule}  # refuses to be changed: a wrong one is tried as a new row
DECLARED = {c.name: model for model in MODELS for c in model._meta.constraints}
COUNTS = [(m, f.column) for m in MODELS for f in m._meta.local_fields if f.get_internal_type().startswith("Positive")]


def _row(place: Place, model: type[models.Model]) -> Any:
    name = str(model._meta.model_name)
    return getattr(place, f"{name}_" if iskeyword(name) else name)


def _refuses(name: str, act: Callable[[], Any]) -> None:
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        act()
    assert refused.value.__cause__.diag.constraint_name == name  # type: ignore[union-attr]


@pytest.mark.parametrize("name", DECLARED)
def test_a_constraint_refuses_what_breaks_it(place: Place, name: str) -> None:
    row = _row(place, DECLARED[name])
    _refuses(name, lambda: BREAKS[name](row))


@pytest.mark.parametrize(("name", "act"), HALVES)
def test_a_constraint_refuses_its_other_half_too(place: Place, name: str, act: Callable[[Any], Any]) -> None:
    _refuses(name, lambda: act(_row(place, DECLARED[name])))


def test_the_list_of_breaks_names_no_constraint_that_is_gone() -> None:
    assert set(BREAKS) == set(DECLARED)


@pytest.mark.parametrize(("model", "column"), COUNTS, ids=lambda v: v if isinstance(v, str) else v.__name__)
def test_a_count_is_never_negative(place: Place, model: type[models.Model], column: str) -> None:
    row = _row(place, model)
    with pytest.raises(IntegrityError), transaction.atomic():
        (_again if model in KEPT else _set)(**{column: -1})(row)


def test_every_declared_constraint_stands_in_the_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT conname FROM pg_constraint WHERE contype IN ('c', 'u', 'x') AND convalidated
            UNION SELECT relname FROM pg_class JOIN pg_index ON indexrelid = oid WHERE indisunique AND indisvalid
            """
        )
        there = {name for (name,) in cursor.fetchall()}
    assert set(DECLARED) <= there


def test_only_a_lead_with_a_bucket_can_exist(place: Place) -> None:
    _refuses_null(lambda: _set(bucket_id=None)(place.lead))
    place.lead.bucket_id = uuid4()
    with pytest.raises(IntegrityError), transaction.atomic():
        place.lead.save()
        connection.check_constraints()


def _refuses_null(act: Callable[[], Any]) -> None:
    with pytest.raises(IntegrityError, match="null value"), transaction.atomic():
        act()
