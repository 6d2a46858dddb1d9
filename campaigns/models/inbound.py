"""What vendors post to us, raw; what people write; and the conversations that makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from common.db.models import UUIDModel
from common.db.work import Claimed, LeasedQuerySet
from leads.querysets import TeamQuerySet

if TYPE_CHECKING:
    from accounts.access import Access


class Inbound(UUIDModel, Claimed):
    """Answers: what did a vendor post to us, or hold for us to fetch, and has it been handled? Raw, once; the row is
    the queue.

    The body goes 30 days after it was handled (`KEEP_INBOUND_DAYS`). kind: what its most urgent part is.
    """

    vendor = models.CharField(max_length=30, help_text="Who posted it")
    kind = models.CharField(
        max_length=12,
        help_text="opt_out, message, status, health; of calls bridge, press, lead, caller, dial, amd; "
        "of e-mail mail, tracking; unreadable, ignored",
    )
    dedupe = models.CharField(max_length=128, help_text="The vendor's own id of this post, or a hash of it")
    body = models.BinaryField(max_length=262_144, null=True, help_text="As it came; empty: wiped")
    headers = models.JSONField(default=dict, help_text="The few that are needed to read it")
    token_in_url = models.UUIDField(
        null=True, blank=True, help_text="Of the message or call, where its address was its own"
    )
    received_at = models.DateTimeField(help_text="When it came")
    handled_at = models.DateTimeField(null=True, blank=True, help_text="When it was handled")
    tries = models.PositiveSmallIntegerField(default=0, help_text="Times handling it broke")
    error = models.CharField(
        max_length=300, blank=True, help_text="How it broke, or what an operator should know, in words"
    )
    closed_at = models.DateTimeField(
        null=True, blank=True, help_text="When an operator has looked at it: nothing is tried any more"
    )

    objects = LeasedQuerySet.as_manager()

    class Meta:
        verbose_name = "vendor post"
        constraints = [models.UniqueConstraint(fields=["vendor", "dedupe"], name="inbound_once")]
        indexes = [
            models.Index(fields=["received_at"], condition=Q(handled_at__isnull=True), name="inbound_open"),
            models.Index(fields=["-id"], condition=~Q(error=""), name="inbound_to_look_at"),
            models.Index(fields=["handled_at"], condition=Q(body__isnull=False), name="inbound_with_body"),
        ]

    def __str__(self) -> str:
        return f"{self.vendor} {self.kind}"


class ConversationQuerySet(TeamQuerySet["Conversation"]):
    def seen_by(self, access: Access) -> Self:
        """Her team's; a caller's: those assigned to her, and those about leads assigned to her."""
        rows = super().seen_by(access)
        if not access.only_assigned:
            return rows
        return rows.filter(Q(assigned_to_id=access.user.pk) | Q(lead__assigned_to_id=access.user.pk))


class Conversation(UUIDModel):
    """Answers: who talks with this owner, and who has the next word? One open one an owner, over all her numbers.

    Held: their words may be an opt-out and a person must decide (`decide_by`); undecided then, it counts as one.
    """

    class State(models.TextChoices):
        OPEN = "open", "Open"
        HELD = "held", "Decide"
        WAITING = "waiting", "Waiting for them"
        CLOSED = "closed", "Closed"

    team = models.ForeignKey("accounts.Team", models.PROTECT, related_name="+", db_index=False, help_text="Whose it is")
    lead = models.ForeignKey(
        "leads.Lead",
        models.DO_NOTHING,
        null=True,
        related_name="+",
        db_index=False,
        help_text="Empty: an unknown number, or the lead was deleted",
    )
    sender = models.ForeignKey("campaigns.Sender", models.PROTECT, null=True, related_name="+", help_text="Our number")
    channel = models.CharField(max_length=5, default="sms", help_text="sms, email: of their last word, and our next")
    mail_sender = models.ForeignKey(
        "campaigns.MailSender", models.PROTECT, null=True, related_name="+", db_index=False, help_text="Our address"
    )
    key = models.ForeignKey("leads.ContactKey", models.PROTECT, related_name="+", db_index=False, help_text="Theirs")
    address = models.CharField(max_length=254, null=True, blank=True, help_text="+1… or e-mail; empty: forgotten")
    state = models.CharField(max_length=7, choices=State, default=State.OPEN, help_text="Who has the next word")
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", help_text="Who answers"
    )
    opened_by = models.CharField(max_length=7, default="inbound", help_text="inbound, call, person")
    opened_at = models.DateTimeField(help_text="When it began")
    last_in_at = models.DateTimeField(null=True, blank=True, help_text="Their last word")
    last_out_at = models.DateTimeField(null=True, blank=True, help_text="Our last word")
    close_at = models.DateTimeField(null=True, blank=True, help_text="When it closes by itself: 7 days after the last")
    decide_by = models.DateTimeField(null=True, blank=True, help_text="Held: an opt-out after this")
    is_read = models.BooleanField(default=False, help_text="Whether somebody has read their last word")

    objects = ConversationQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "inbox"
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["open", "held", "waiting", "closed"]), name="conversation_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state="held", decide_by__isnull=False) | ~Q(state="held") & Q(decide_by__isnull=True),
                name="conversation_held_has_time",
            ),
        ]
        indexes = [
            models.Index(fields=["team", "-last_in_at"], condition=~Q(state="closed"), name="conversation_inbox"),
            models.Index(fields=["team", "-id"], name="conversation_by_team"),
            models.Index(fields=["decide_by"], condition=Q(state="held"), name="conversation_undecided"),
            models.Index(fields=["lead"], condition=Q(lead__isnull=False), name="conversation_by_lead"),
        ]

    def __str__(self) -> str:
        return f"{self.get_state_display()} {self.id}"


class ConversationKey(models.Model):
    """Answers: which conversation holds this owner's numbers? One open one a key, whatever the team."""

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="keys", help_text="Which")
    key = models.ForeignKey("leads.ContactKey", models.PROTECT, related_name="+", db_index=False, help_text="The key")
    is_open = models.BooleanField(default=True, help_text="Whether it is not closed")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key"], condition=Q(is_open=True), name="conversation_one_open_a_key")
        ]

    def __str__(self) -> str:
        return f"{self.key_id} in {self.conversation_id}"


class IncomingMessage(UUIDModel):
    """Answers: what did they write, and what was made of it?"""

    class Meaning(models.TextChoices):
        OPT_OUT = "opt_out", "Opt-out"
        WRONG = "wrong", "Wrong number"
        HELP = "help", "Asked for help"
        START = "start", "Opted in again"
        ASK = "ask", "May be an opt-out"
        REPLY = "reply", "Reply"

    conversation = models.ForeignKey(
        Conversation, models.SET_NULL, null=True, related_name="received", db_index=False, help_text="Where it stands"
    )
    inbound_id = models.UUIDField(unique=True, help_text="The post it came by")
    channel = models.CharField(max_length=5, default="sms", help_text="sms, email")
    key = models.ForeignKey(
        "leads.ContactKey", models.PROTECT, related_name="+", help_text="From which number or e-mail"
    )
    sender = models.ForeignKey("campaigns.Sender", models.PROTECT, null=True, related_name="+", help_text="To which")
    delivery_id = models.UUIDField(null=True, blank=True, help_text="To which e-mail of ours it is the reply")
    message_id = models.CharField(max_length=255, blank=True, help_text="Its own Message-ID, for our answer's thread")
    subject = models.CharField(max_length=400, null=True, blank=True, help_text="Of an e-mail; empty: forgotten")
    text = models.TextField(null=True, blank=True, help_text="Their words; empty: forgotten")
    meaning = models.CharField(max_length=7, choices=Meaning, help_text="What it was taken for")
    is_answered = models.BooleanField(default=False, help_text="The vendor has answered it by itself")
    decided_by_id = models.BigIntegerField(null=True, blank=True, help_text="Who decided: a user's id")
    decided_at = models.DateTimeField(null=True, blank=True, help_text="When")
    received_at = models.DateTimeField(help_text="When it came, by the campaigns' clock")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(meaning__in=["opt_out", "wrong", "help", "start", "ask", "reply"]),
                name="incoming_meaning_known",
            )
        ]
        indexes = [models.Index(fields=["conversation", "id"], name="incoming_by_conversation")]

    def __str__(self) -> str:
        return f"{self.get_meaning_display()} {self.id}"


class VendorPoll(models.Model):
    """Answers: up to when has this vendor told us all that it had to post? From there on it is asked."""

    vendor = models.CharField(max_length=30, unique=True, help_text="Who was asked")
    heard_until = models.DateTimeField(help_text="When it was last asked for all of it, by our clock")

    def __str__(self) -> str:
        return f"{self.vendor} until {self.heard_until}"


class UnsignedPost(models.Model):
    """Answers: how many posts of a vendor were not signed by it on a day? Nothing of them is kept."""

    vendor = models.CharField(max_length=30, help_text="Who was named")
    day = models.DateField(help_text="UTC")
    count = models.PositiveIntegerField(default=0, help_text="How many")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["vendor", "day"], name="unsigned_once_a_day")]

    def __str__(self) -> str:
        return f"{self.vendor} {self.day}: {self.count}"
