"""Campaigns: whom to contact, in which steps, with which texts; and the dry run that was approved."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from accounts.team_triggers import team_of_owner
from common.db.models import Timestamped, UUIDModel
from common.db.work import Leased, LeasedQuerySet
from leads.querysets import TeamQuerySet


class Campaign(UUIDModel, Timestamped):
    """Answers: whom does this team contact, by whose order, under which cap, and how far is it?

    Counters count deliveries that have *reached* a stage; `members` counts people; `recount_campaigns` proves them.
    Parts of a split share `split_group`.
    """

    class Channel(models.TextChoices):
        SMS = "sms", "Texts"
        EMAIL = "email", "E-mail"
        CALL = "call", "Calls"
        MIXED = "mixed", "Mixed"

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        PREVIEWING = "previewing", "Dry run in progress"
        PREVIEWED = "previewed", "Waits for approval"
        APPROVED = "approved", "Approved"
        RUNNING = "running", "Running"
        PAUSED = "paused", "Paused"
        COMPLETED = "completed", "Completed"
        CANCELLED = "cancelled", "Cancelled"

    # As a sentence has them, after "it is"; the others as they are called.
    _IS = {Status.DRAFT: "a draft", Status.PREVIEWING: "in its dry run", Status.PREVIEWED: "waiting for approval"}

    # A call list is opened and closed: what its buttons say.
    OF_LISTS = {Status.RUNNING: "Open", Status.COMPLETED: "Finished", Status.CANCELLED: "Closed"}

    class Pause(models.TextChoices):
        PERSON = "person", "By a person"
        GATE = "gate", "Not set up"
        VENDOR = "vendor", "Vendor not available"
        CAP = "cap", "Spending limit reached"
        COMPLAINTS = "complaints", "Too many complaints"
        ERRORS = "errors", "Too many errors"
        HEALTH = "health", "The carrier warns"
        FAULT = "fault", "System error"

    EDITABLE = (Status.DRAFT, Status.PREVIEWING, Status.PREVIEWED, Status.APPROVED)
    OPEN = (*EDITABLE, Status.RUNNING, Status.PAUSED)

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False, help_text="Who made it"
    )
    team = models.ForeignKey("accounts.Team", models.PROTECT, related_name="+", db_index=False, help_text="Whose it is")
    name = models.CharField(max_length=100, help_text="What you call it")
    channel = models.CharField(max_length=5, choices=Channel, default=Channel.SMS, help_text="By which channel")
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT, help_text="How far it is")
    paused_by = models.CharField(
        max_length=10, choices=Pause, blank=True, verbose_name="paused because", help_text="Who or what stopped it"
    )
    reason = models.CharField(max_length=300, blank=True, help_text="Why it is paused, in words")
    bucket = models.ForeignKey(
        "buckets.Bucket", models.SET_NULL, null=True, blank=True, related_name="+", help_text="Whose leads; empty: gone"
    )
    bucket_name = models.CharField(max_length=200, blank=True, help_text="What it was called")
    audience = models.JSONField(
        default=dict,
        blank=True,
        help_text="{preset, view, query, sets, order, limit}: as `campaigns.audience` reads it",
    )
    seller = models.ForeignKey(
        "leads.Seller", models.PROTECT, null=True, blank=True, related_name="+", help_text="In whose name"
    )
    sender = models.ForeignKey(
        "campaigns.Sender", models.PROTECT, null=True, blank=True, related_name="+", help_text="From which number"
    )
    mail_sender = models.ForeignKey(
        "campaigns.MailSender", models.PROTECT, null=True, blank=True, related_name="+", help_text="From which address"
    )
    track_opens = models.BooleanField(default=False, help_text="Whether opens are counted; nothing acts on them")
    track_clicks = models.BooleanField(default=False, help_text="Whether its links lead through us and are counted")
    revision = models.PositiveSmallIntegerField(
        default=1, help_text="Of its texts: each edit after approval is the next, for whom it has not reached"
    )
    window = models.JSONField(
        default=dict, blank=True, help_text="{open, close, weekdays}: narrower than the law's; empty: the law's"
    )
    max_cost = models.DecimalField(
        max_digits=12, decimal_places=4, null=True, blank=True, help_text="US dollars it may spend; empty: other limits"
    )
    daily_limit = models.PositiveIntegerField(null=True, blank=True, help_text="Messages a day; empty: no limit")
    stop_on = models.JSONField(default=list, blank=True, help_text="reply, click, status: what ends it for a person")
    script = models.TextField(
        max_length=5_000, blank=True, default="", db_default="", help_text="What callers say, with {{variables}}"
    )
    preview = models.ForeignKey(
        "campaigns.Preview", models.SET_NULL, null=True, blank=True, related_name="+", help_text="Its latest dry run"
    )
    approved_digest = models.CharField(max_length=64, blank=True, help_text="Of the dry run that was approved")
    approved_by_id = models.BigIntegerField(null=True, blank=True, help_text="Who approved it: a user's id")
    approved_at = models.DateTimeField(null=True, blank=True, help_text="When")
    acknowledgements = models.JSONField(default=list, blank=True, help_text="What she acknowledged")
    split_group = models.UUIDField(null=True, blank=True, help_text="Parts of one audience share it")
    part = models.PositiveSmallIntegerField(default=1, help_text="Which part, from 1")
    members = models.PositiveIntegerField(default=0, help_text="People in it")
    due = models.PositiveIntegerField(default=0, help_text="Messages that were made")
    sent = models.PositiveIntegerField(default=0, help_text="Messages that were handed over, or may have been")
    accepted = models.PositiveIntegerField(default=0, help_text="Messages that the vendor took")
    delivered = models.PositiveIntegerField(default=0, help_text="Messages that arrived")
    failed = models.PositiveIntegerField(default=0, help_text="Messages that the vendor or carrier refused")
    refused = models.PositiveIntegerField(default=0, help_text="Messages that our own rules refused")
    expired = models.PositiveIntegerField(default=0, help_text="Messages whose time ran out")
    cancelled = models.PositiveIntegerField(default=0, help_text="Messages that were taken back before sending")
    in_doubt = models.PositiveIntegerField(default=0, help_text="Messages of which nobody knows")
    replied = models.PositiveIntegerField(default=0, help_text="People who replied")
    opted_out = models.PositiveIntegerField(default=0, help_text="People who opted out")
    bounced = models.PositiveIntegerField(default=0, help_text="E-mails that came back")
    complained = models.PositiveIntegerField(default=0, help_text="E-mails that were reported as spam")
    human_clicks = models.PositiveIntegerField(default=0, help_text="E-mails in which a person clicked a link")
    started_at = models.DateTimeField(null=True, blank=True, help_text="When it was launched")
    finished_at = models.DateTimeField(null=True, blank=True, help_text="When it ended")

    objects = TeamQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint("team", Lower("name"), "part", name="campaign_once_per_team"),
            models.CheckConstraint(condition=~Q(name=""), name="campaign_has_name"),
            models.CheckConstraint(
                condition=Q(channel__in=["sms", "email", "call", "mixed"]), name="campaign_channel_known"
            ),
            models.CheckConstraint(
                condition=Q(
                    status__in=[
                        "draft", "previewing", "previewed", "approved", "running", "paused", "completed", "cancelled",
                    ]
                ),
                name="campaign_status_known",
            ),
            models.CheckConstraint(
                condition=~Q(status="paused") | ~Q(paused_by=""), name="campaign_paused_says_by_whom"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["approved", "running", "paused", "completed"])
                | Q(channel="call")  # a list of calls sends nothing by itself: the gate is asked at every press
                | ~Q(approved_digest="") & Q(approved_by_id__isnull=False),
                name="campaign_approved_first",
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["team", "-id"], name="campaign_by_team"),
            models.Index(
                fields=["id"], condition=Q(status__in=["previewing", "running", "paused"]), name="campaign_open"
            ),
        ]
        triggers = [team_of_owner()]

    def get_status_display(self) -> str:  # type: ignore[no-redef]  # in place of Django's
        """How pages and commands call its status."""
        status = self.Status(self.status)
        return self.OF_LISTS.get(status, str(status.label)) if self.channel == self.Channel.CALL else str(status.label)

    @property
    def is_now(self) -> str:
        """Its status as a sentence has it, after "it is"."""
        return self._IS.get(self.Status(self.status), str(self.get_status_display()).lower())

    def __str__(self) -> str:
        return self.name


class Step(UUIDModel):
    """Answers: what comes when after the step before? Frozen from approval on."""

    class Unit(models.TextChoices):
        MINUTES = "minutes", "minutes"
        HOURS = "hours", "hours"
        DAYS = "days", "days"
        BUSINESS_DAYS = "business_days", "business days"

    campaign = models.ForeignKey(
        Campaign, models.CASCADE, related_name="steps", db_index=False, help_text="Of which campaign"
    )
    position = models.PositiveSmallIntegerField(help_text="1 to 10")
    channel = models.CharField(max_length=5, default="sms", help_text="sms, email, call")
    delay_amount = models.PositiveIntegerField(default=0, help_text="After the step before")
    delay_unit = models.CharField(max_length=13, choices=Unit, default=Unit.DAYS, help_text="Minutes to business days")
    at_local = models.TimeField(null=True, blank=True, help_text="Not before this time of the recipient's day")
    condition = models.CharField(max_length=14, default="no_reply", help_text="always, no_reply, no_human_click")

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "position"], name="step_once"),
            models.CheckConstraint(condition=Q(position__gte=1) & Q(position__lte=10), name="step_position_sane"),
            models.CheckConstraint(condition=~Q(position=1) | Q(delay_amount=0), name="step_first_at_once"),
            models.CheckConstraint(condition=Q(channel__in=["sms", "email", "call"]), name="step_channel_known"),
            models.CheckConstraint(
                condition=Q(delay_unit__in=["minutes", "hours", "days", "business_days"]), name="step_unit_known"
            ),
            models.CheckConstraint(
                condition=Q(condition__in=["always", "no_reply", "no_human_click"]), name="step_condition_known"
            ),
        ]

    def __str__(self) -> str:
        return f"Step {self.position}"

    @property
    def delay_in_words(self) -> str:
        """1 day, 2 business days"""
        unit = str(self.get_delay_unit_display())
        return f"{self.delay_amount} {unit.removesuffix('s') if self.delay_amount == 1 else unit}"


class Variant(UUIDModel):
    """Answers: which text does this share of the people get? Weights of a step sum to 100."""

    step = models.ForeignKey(Step, models.CASCADE, related_name="variants", db_index=False, help_text="Of which step")
    name = models.CharField(max_length=1, default="A", help_text="A, B, …")
    weight = models.PositiveSmallIntegerField(default=100, help_text="Percent")
    version = models.ForeignKey("campaigns.TemplateVersion", models.PROTECT, related_name="+", help_text="The text")
    seed = models.CharField(max_length=16, help_text="Of the draw who gets it")
    revision = models.PositiveSmallIntegerField(default=1, help_text="Of `Campaign.revision`: since which it is used")

    class Meta:
        ordering = ["name", "revision"]
        constraints = [
            models.UniqueConstraint(fields=["step", "name", "revision"], name="variant_once"),
            models.CheckConstraint(condition=Q(weight__gte=1) & Q(weight__lte=100), name="variant_weight_sane"),
        ]

    def __str__(self) -> str:
        return self.name


class Preview(UUIDModel, Leased):
    """Answers: what would this campaign do: to whom, when, with which text, at which price, and who is left out why?

    Until `made_at` or `error` is set, the row is a worker's work. digest: SHA-256 over its lines, sorted
    (`campaigns.previews`). Valid for 24 hours. people + the sum of left_out = leads.
    """

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="previews", help_text="Of which campaign")
    by_id = models.BigIntegerField(null=True, blank=True, help_text="Who asked for it: a user's id")
    tries = models.PositiveSmallIntegerField(default=0, help_text="Times a worker began it")
    digest = models.CharField(max_length=64, blank=True, help_text="Of its lines; empty: not done yet")
    leads = models.PositiveIntegerField(default=0, help_text="Leads of the audience")
    lines = models.PositiveIntegerField(default=0, help_text="Messages it would send")
    people = models.PositiveIntegerField(default=0, help_text="People it would contact")
    left_out = models.JSONField(default=dict, help_text="People left out, by reason")
    cost_min = models.DecimalField(
        max_digits=12, decimal_places=4, default=0, help_text="US dollars: first steps alone"
    )
    cost_max = models.DecimalField(max_digits=12, decimal_places=4, default=0, help_text="US dollars: every step")
    by_zone = models.JSONField(default=dict, help_text="By time zones: [people it would contact, left out]")
    by_state = models.JSONField(default=dict, help_text="By states: [people it would contact, left out]")
    needs = models.JSONField(default=list, blank=True, help_text="What must be acknowledged: codes of `approval`")
    texts = models.JSONField(
        null=True,
        blank=True,
        help_text="Of an edit after approval: step -> text's name -> version; empty: of the campaign as it stands",
    )
    error = models.CharField(max_length=300, blank=True, help_text="Why it could not be made, in words")
    made_at = models.DateTimeField(null=True, blank=True, help_text="When it was done, by the campaigns' clock")
    expires_at = models.DateTimeField(null=True, blank=True, help_text="When it must be made again")
    created_at = models.DateTimeField(auto_now_add=True, help_text="When it was asked for")

    objects = LeasedQuerySet.as_manager()

    AT_WORK = Q(made_at__isnull=True, error="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["campaign"], condition=Q(made_at__isnull=True, error=""), name="preview_one_at_work"
            ),
            models.CheckConstraint(
                condition=Q(made_at__isnull=True, digest="") | ~Q(made_at__isnull=True) & ~Q(digest=""),
                name="preview_made_has_digest",
            ),
        ]

    def __str__(self) -> str:
        return f"Dry run {self.digest[:8]}"

    @property
    def is_at_work(self) -> bool:
        """Whether a worker has yet to make it."""
        return self.made_at is None and not self.error


class PreviewLine(models.Model):
    """Answers: what would happen to this lead in this step, and why? Written with COPY."""

    preview = models.ForeignKey(Preview, models.CASCADE, related_name="rows", db_index=False, help_text="Which dry run")
    lead_id = models.UUIDField(help_text="Which lead")
    step = models.PositiveSmallIntegerField(help_text="Which step, from 1; 0: left out of all")
    key_id = models.BigIntegerField(null=True, help_text="Which number: a ContactKey")
    owner_key_id = models.BigIntegerField(null=True, help_text="Which owner: a ContactKey")
    verdict = models.CharField(max_length=5, help_text="yes, later, no")
    reason = models.CharField(
        max_length=60, blank=True, help_text="Why not: a rule's code, same_owner, missing_value:…"
    )
    other_lead_id = models.UUIDField(null=True, help_text="same_owner: which lead is contacted instead")
    first_at = models.DateTimeField(null=True, help_text="When it would leave")
    zones = ArrayField(models.CharField(max_length=64), default=list, help_text="Time zones that count")
    states = ArrayField(models.CharField(max_length=2), default=list, help_text="States that count")
    variant = models.CharField(max_length=1, blank=True, help_text="Which text")
    channel = models.CharField(max_length=5, default="sms", help_text="sms, email, call")
    subject = models.CharField(max_length=400, blank=True, help_text="Of an e-mail")
    text = models.TextField(blank=True, help_text="What it would say; of an e-mail its text part")
    body_digest = models.CharField(
        max_length=64,
        blank=True,
        help_text="SHA-256 of all it would say (`texts.rendering`); empty: left out, or a call",
    )
    segments = models.PositiveSmallIntegerField(default=0, help_text="SMS segments")
    price = models.DecimalField(max_digits=9, decimal_places=4, default=0, help_text="US dollars")
    receipt = models.JSONField(default=list, help_text="Every rule: code, version, verdict, input")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["preview", "lead_id", "step"], name="preview_line_once")]
        indexes = [
            models.Index(fields=["preview", "verdict", "id"], name="preview_line_by_verdict"),
            models.Index(fields=["lead_id"], condition=~Q(text=""), name="preview_line_by_lead"),  # to forget her
        ]

    def __str__(self) -> str:
        return f"{self.lead_id} {self.verdict}"
