"""Who is in a campaign and how far, each message once, and what the vendor says of it."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from common.db.models import Timestamped, UUIDModel
from common.db.work import Claimed


class Member(UUIDModel):
    """Answers: how far is this person in this campaign?

    lead: null once the lead was deleted, which the database sees to (migration 0002). split_group: of the campaign, or
    its own id: one person once over all parts.
    """

    class Status(models.IntegerChoices):
        WAITING = 1, "Waiting"
        ACTIVE = 2, "Next step planned"
        HELD = 3, "On hold"
        DONE = 4, "Done"
        STOPPED = 5, "Stopped"

    OPEN = (Status.WAITING, Status.ACTIVE, Status.HELD)

    campaign = models.ForeignKey(
        "campaigns.Campaign", models.CASCADE, related_name="people", db_index=False, help_text="In which campaign"
    )
    lead = models.ForeignKey(
        "leads.Lead",
        models.DO_NOTHING,
        null=True,
        related_name="+",
        db_index=False,
        help_text="Empty once the lead was deleted",
    )
    split_group = models.UUIDField(help_text="Of the campaign, or the campaign itself")
    key = models.ForeignKey(
        "leads.ContactKey",
        models.PROTECT,
        related_name="+",
        help_text="Which number; where no step needs one, or there is none, which e-mail address",
    )
    mail_key = models.ForeignKey(
        "leads.ContactKey",
        models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        help_text="Which e-mail address; empty: no step needs one, or there is none",
    )
    owner_key = models.ForeignKey(
        "leads.ContactKey", models.PROTECT, null=True, related_name="+", db_index=False, help_text="Which owner"
    )
    status = models.SmallIntegerField(choices=Status, default=Status.WAITING, help_text="How far")
    why = models.CharField(max_length=30, blank=True, help_text="Why it stopped, or is held")
    step = models.PositiveSmallIntegerField(default=1, help_text="The next step")
    next_at = models.DateTimeField(null=True, blank=True, help_text="When it is due, by the campaigns' clock")
    held_until = models.DateTimeField(null=True, blank=True, help_text="Until when it is held")
    planned_at = models.DateTimeField(null=True, blank=True, help_text="While it is held: when the step was to be due")
    passed = models.CharField(
        max_length=20, blank=True, default="", db_default="", help_text="Channels whose other steps are passed over"
    )
    zones = ArrayField(models.CharField(max_length=64), default=list, help_text="Time zones that count")
    states = ArrayField(models.CharField(max_length=2), default=list, help_text="States that count")
    calls = models.BooleanField(default=False, help_text="Its next step is a call: a caller takes it, no worker")
    priority = models.BigIntegerField(default=0, help_text="Called before those of a lower one")
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Calls of this step")
    skips = models.PositiveSmallIntegerField(default=0, help_text="Times it was skipped")
    number = models.PositiveSmallIntegerField(default=0, help_text="Which of the lead's numbers is next, from 0")
    taken_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", db_index=False, help_text="Before whom"
    )
    taken_at = models.DateTimeField(null=True, blank=True, help_text="Since when")
    lease_until = models.DateTimeField(null=True, blank=True, help_text="Given back then, unless its page renews it")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "lead"], name="member_lead_once"),
            models.UniqueConstraint(fields=["split_group", "key"], name="member_key_once"),
            models.UniqueConstraint(
                fields=["split_group", "mail_key"], condition=Q(mail_key__isnull=False), name="member_mail_key_once"
            ),
            models.UniqueConstraint(
                fields=["split_group", "owner_key"], condition=Q(owner_key__isnull=False), name="member_owner_once"
            ),
            models.CheckConstraint(condition=Q(status__in=[1, 2, 3, 4, 5]), name="member_status_known"),
            models.CheckConstraint(
                condition=Q(status=2, next_at__isnull=False) | ~Q(status=2) & Q(next_at__isnull=True),
                name="member_active_has_time",
            ),
            models.CheckConstraint(
                condition=Q(taken_by__isnull=True) | Q(lease_until__isnull=False, taken_at__isnull=False),
                name="member_taken_has_lease",
            ),
            models.UniqueConstraint(
                fields=["key"], condition=Q(taken_by__isnull=False), name="member_before_one_caller"
            ),
            models.UniqueConstraint(
                fields=["owner_key"],
                condition=Q(taken_by__isnull=False, owner_key__isnull=False),
                name="member_owner_before_one_caller",
            ),
            models.UniqueConstraint(
                fields=["taken_by"], condition=Q(taken_by__isnull=False), name="member_one_a_caller"
            ),
        ]
        indexes = [
            models.Index(fields=["campaign", "next_at"], condition=Q(status=2, calls=False), name="member_due"),
            models.Index(
                fields=["campaign", "zones", "-priority", "attempts", "next_at"],
                condition=Q(status=2, calls=True, taken_by__isnull=True),
                name="member_to_call",
            ),
            models.Index(fields=["lease_until"], condition=Q(taken_by__isnull=False), name="member_taken"),
            models.Index(fields=["campaign", "id"], name="member_by_campaign"),
            models.Index(fields=["lead"], condition=Q(lead__isnull=False), name="member_by_lead"),
            models.Index(fields=["owner_key"], condition=Q(owner_key__isnull=False), name="member_by_owner"),
            models.Index(fields=["mail_key"], condition=Q(mail_key__isnull=False), name="member_by_mail"),
        ]

    def __str__(self) -> str:
        return f"{self.get_status_display()}, step {self.step}"


class Delivery(UUIDModel, Timestamped, Claimed):
    """Answers: was this message sent to this person, exactly once, and what came of it?

    A campaign's has a member and a step; a person's own message, a reply and the one confirmation of an opt-out have
    none. Made when its step falls due. `rank` of the state only grows. callback_token: in the address that the vendor
    calls back, and its Idempotency-Key.
    """

    class Purpose(models.TextChoices):
        CAMPAIGN = "campaign", "Campaign"
        MANUAL = "manual", "By a person"
        REPLY = "reply", "Reply"
        CONFIRM = "confirm", "Confirmation of an opt-out"

    class State(models.TextChoices):
        DUE = "due", "Waiting"
        TAKEN = "taken", "Being sent"
        INTENDED = "intended", "Being sent"
        ACCEPTED = "accepted", "Sent"
        DELIVERED = "delivered", "Delivered"
        FAILED = "failed", "Failed"
        REFUSED = "refused", "Not allowed"
        EXPIRED = "expired", "Too late"
        CANCELLED = "cancelled", "Cancelled"
        IN_DOUBT = "in_doubt", "Needs a check"

    WAITING = (State.DUE, State.TAKEN)
    LEFT = (State.INTENDED, State.ACCEPTED, State.DELIVERED, State.FAILED, State.IN_DOUBT)  # counts as an attempt
    RANKS = {"due": 0, "taken": 0, "intended": 1, "in_doubt": 2, "accepted": 3, "failed": 4, "delivered": 5}

    team = models.ForeignKey("accounts.Team", models.PROTECT, related_name="+", db_index=False, help_text="Whose it is")
    campaign = models.ForeignKey(
        "campaigns.Campaign", models.CASCADE, null=True, related_name="deliveries", db_index=False, help_text="Of which"
    )
    member = models.ForeignKey(
        Member, models.CASCADE, null=True, related_name="deliveries", db_index=False, help_text="To whom of it"
    )
    step = models.ForeignKey(
        "campaigns.Step", models.PROTECT, null=True, related_name="+", db_index=False, help_text="Which step"
    )
    variant = models.ForeignKey(
        "campaigns.Variant", models.PROTECT, null=True, related_name="+", db_index=False, help_text="Which text"
    )
    conversation = models.ForeignKey(
        "campaigns.Conversation", models.SET_NULL, null=True, related_name="sent", help_text="In which conversation"
    )
    purpose = models.CharField(max_length=8, choices=Purpose, default=Purpose.CAMPAIGN, help_text="What for")
    channel = models.CharField(max_length=5, default="sms", help_text="sms, email")
    state = models.CharField(max_length=9, choices=State, default=State.DUE, help_text="How far")
    rank = models.SmallIntegerField(default=0, help_text="Of the state; only grows")
    lead_id = models.UUIDField(null=True, blank=True, help_text="About which lead; stays when it is deleted")
    key = models.ForeignKey("leads.ContactKey", models.PROTECT, related_name="+", db_index=False, help_text="To which")
    sender = models.ForeignKey("campaigns.Sender", models.PROTECT, null=True, related_name="+", help_text="From which")
    mail_sender = models.ForeignKey(
        "campaigns.MailSender", models.PROTECT, null=True, related_name="+", db_index=False, help_text="From which"
    )
    address = models.CharField(max_length=254, null=True, blank=True, help_text="+1…; empty: forgotten")
    subject = models.CharField(max_length=400, null=True, blank=True, help_text="Of an e-mail; empty: forgotten")
    body = models.TextField(
        null=True, blank=True, help_text="What it says; of an e-mail its text part; empty: forgotten"
    )
    html = models.TextField(null=True, blank=True, help_text="Of an e-mail, before its links are made its own")
    body_digest = models.CharField(max_length=64, help_text="SHA-256 of all it says (`texts.rendering`)")
    segments = models.PositiveSmallIntegerField(default=1, help_text="SMS segments")
    send_by = models.DateTimeField(null=True, blank=True, help_text="Too late after this, by the campaigns' clock")
    not_before = models.DateTimeField(
        null=True, blank=True, help_text="Not to be tried before, by the campaigns' clock"
    )
    tries = models.PositiveSmallIntegerField(default=0, help_text="Times it was certainly not sent")
    faults = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="Times our own code broke on it before it left"
    )
    by_id = models.BigIntegerField(null=True, blank=True, help_text="Who wrote it: a user's id; empty: a campaign")
    vendor = models.CharField(max_length=30, blank=True, help_text="Who carries it")
    vendor_id = models.CharField(max_length=80, null=True, blank=True, help_text="The vendor's own id")
    callback_token = models.UUIDField(unique=True, help_text="In the address that the vendor calls back")
    call = models.ForeignKey(
        "integrations.VendorCall", models.PROTECT, null=True, related_name="+", db_index=False, help_text="Its money"
    )
    receipt_id = models.UUIDField(null=True, blank=True, help_text="By which rules it was sent, or was not")
    error = models.CharField(max_length=60, blank=True, help_text="The vendor's code, or a rule's")
    error_words = models.CharField(max_length=300, blank=True, help_text="In words")
    refusal = models.CharField(
        max_length=13,
        blank=True,
        help_text="What the vendor's no means: opted_out, landline, …; of e-mails hard_bounce, soft_bounce, blocked",
    )
    repeated_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was sent once more under the same key, as it was in doubt"
    )
    resolved_by_id = models.BigIntegerField(null=True, blank=True, help_text="Who decided a doubt: a user's id")
    intended_at = models.DateTimeField(null=True, blank=True, help_text="When sending was committed, campaigns' clock")
    accepted_at = models.DateTimeField(null=True, blank=True, help_text="When the vendor took it")
    delivered_at = models.DateTimeField(null=True, blank=True, help_text="When it arrived")
    ended_at = models.DateTimeField(null=True, blank=True, help_text="When it ended")
    bounced_at = models.DateTimeField(null=True, blank=True, help_text="When the e-mail came back")
    complained_at = models.DateTimeField(null=True, blank=True, help_text="When it was reported as spam")
    clicked_at = models.DateTimeField(null=True, blank=True, help_text="When a person first clicked a link in it")
    replied_at = models.DateTimeField(
        null=True, blank=True, help_text="When they first replied: to the last message that had left before"
    )
    opted_out_at = models.DateTimeField(null=True, blank=True, help_text="When they opted out after it")

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(fields=["member", "step"], name="delivery_once_a_step"),
            models.UniqueConstraint(
                fields=["vendor", "vendor_id"], condition=Q(vendor_id__isnull=False), name="delivery_vendor_id_once"
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=[
                        "due", "taken", "intended", "accepted", "delivered", "failed", "refused", "expired",
                        "cancelled", "in_doubt",
                    ]
                ),
                name="delivery_state_known",
            ),
            models.CheckConstraint(
                condition=Q(purpose="campaign", member__isnull=False, step__isnull=False)
                | ~Q(purpose="campaign") & Q(member__isnull=True),
                name="delivery_of_a_member",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["intended", "accepted", "delivered", "in_doubt"])
                | Q(intended_at__isnull=False),
                name="delivery_intended_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["accepted", "delivered"])
                | Q(vendor_id__isnull=False)
                | Q(channel="email")
                | Q(resolved_by_id__isnull=False),
                name="delivery_accepted_has_vendor_id",
            ),
            models.CheckConstraint(
                condition=Q(token__isnull=True) | Q(lease_until__isnull=False), name="delivery_taken_has_lease"
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["campaign", "id"], condition=Q(state="due"), name="delivery_due"),
            models.Index(
                fields=["id"], condition=Q(state="due", campaign__isnull=True), name="delivery_due_by_a_person"
            ),
            models.Index(
                fields=["state", "intended_at"],
                condition=Q(state__in=["taken", "intended", "in_doubt"]),
                name="delivery_out",
            ),
            models.Index(
                fields=["key", "-intended_at"], condition=Q(intended_at__isnull=False), name="delivery_by_key"
            ),
            models.Index(fields=["campaign", "state", "id"], name="delivery_by_state"),
            models.Index(fields=["call"], condition=Q(call__isnull=False), name="delivery_by_call"),
            models.Index(
                fields=["id"],
                condition=Q(refusal__in=["opted_out", "bad_number", "landline", "hard_bounce"]),
                name="delivery_to_suppress",
            ),
            models.Index(fields=["id"], condition=Q(complained_at__isnull=False), name="delivery_complained_about"),
            models.Index(
                fields=["sender", "-intended_at"], condition=Q(intended_at__isnull=False), name="delivery_by_sender"
            ),
            models.Index(
                fields=["mail_sender", "-intended_at"],
                condition=Q(mail_sender__isnull=False, intended_at__isnull=False),
                name="delivery_by_mail_sender",
            ),
            models.Index(fields=["key"], condition=Q(state__in=["due", "taken"]), name="delivery_waiting_by_key"),
            models.Index(fields=["lead_id", "-id"], condition=Q(lead_id__isnull=False), name="delivery_by_lead"),
        ]

    def __str__(self) -> str:
        return f"{self.get_state_display()} {self.id}"


class DeliveryEvent(UUIDModel):
    """Answers: what did the vendor say of a message, and when? One whose message is not known yet waits without it."""

    delivery = models.ForeignKey(
        Delivery, models.CASCADE, null=True, related_name="events", help_text="Of which; empty: not known yet"
    )
    vendor = models.CharField(max_length=30, help_text="Who says so")
    vendor_id = models.CharField(max_length=80, help_text="The vendor's own id of the message")
    kind = models.CharField(
        max_length=20,
        help_text="accepted, sent, delivered, failed, undelivered, decided; of e-mails bounced, deferred, complained",
    )
    error = models.CharField(max_length=60, blank=True, help_text="The vendor's code")
    error_words = models.CharField(max_length=300, blank=True, help_text="In the vendor's words")
    refusal = models.CharField(max_length=13, blank=True, help_text="What its no means: opted_out, landline, …")
    vendor_at = models.DateTimeField(null=True, blank=True, help_text="When, says the vendor")
    inbound_id = models.UUIDField(null=True, blank=True, help_text="By which webhook")
    received_at = models.DateTimeField(help_text="When we heard")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["vendor", "vendor_id", "kind", "vendor_at"], nulls_distinct=False, name="delivery_event_once"
            ),
        ]
        indexes = [
            models.Index(
                fields=["vendor", "vendor_id"], condition=Q(delivery__isnull=True), name="delivery_event_waiting"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.vendor_id}"
