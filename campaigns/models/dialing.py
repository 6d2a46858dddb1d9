"""Calls: who is called by whom, how each call ended, and what was recorded to be played."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from common.db.models import Timestamped, UUIDModel
from leads.querysets import TeamQuerySet


class CampaignCaller(models.Model):
    """Answers: who works this call list? Nobody named: everybody of the team."""

    campaign = models.ForeignKey(
        "campaigns.Campaign", models.CASCADE, related_name="callers", db_index=False, help_text="Which call list"
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", help_text="Who calls")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "user"], name="campaign_caller_once")]

    def __str__(self) -> str:
        return f"{self.user_id} calls {self.campaign_id}"


class Disposition(UUIDModel, Timestamped):
    """Answers: how can a call end, with which key, and what follows?

    A team gets the ten that are shipped at its first use (`campaigns.dialing.dispositions`) and may change them; what
    `dnc` and `bad_number` do stays. An outcome is retired, never deleted: calls tell of it.
    """

    class Outcome(models.TextChoices):
        NO_CONTACT = "no_contact", "Nobody reached"
        CONTACT = "contact", "Spoke with them"
        BAD_NUMBER = "bad_number", "Bad number"
        DNC = "dnc", "Do not call"
        CALLBACK = "callback", "Call back"
        APPOINTMENT = "appointment", "Appointment"
        LOST = "lost", "Lost"
        WON = "won", "Won"

    class Suppress(models.TextChoices):
        NOTHING = "", "Nothing"
        CALL = "call", "Calls"
        SMS = "sms", "Texts"
        CALL_SMS = "call_sms", "Calls and texts"
        ANY = "any", "Everything"

    team = models.ForeignKey("accounts.Team", models.PROTECT, related_name="+", db_index=False, help_text="Whose it is")
    code = models.CharField(max_length=20, help_text="What the API calls it")
    label = models.CharField(max_length=40, help_text="What pages call it")
    hotkey = models.CharField(max_length=1, help_text="0 to 9")
    outcome = models.CharField(max_length=11, choices=Outcome, help_text="What it means")
    recycle_minutes = models.PositiveIntegerField(null=True, blank=True, help_text="Call again after; empty: never")
    max_attempts = models.PositiveSmallIntegerField(default=1, help_text="Calls that may end so")
    next_number = models.BooleanField(default=False, help_text="The next call goes to the lead's next number")
    suppress = models.CharField(max_length=8, choices=Suppress, blank=True, help_text="What is never sent again")
    lead_status = models.CharField(max_length=20, blank=True, help_text="The lead's status after it; empty: as it is")
    needs = models.CharField(max_length=4, blank=True, help_text="time, note: what must be said with it")
    retired_at = models.DateTimeField(null=True, blank=True, help_text="Since when it is not offered")

    objects = TeamQuerySet.as_manager()

    class Meta:
        verbose_name = "call outcome"
        constraints = [
            models.UniqueConstraint(fields=["team", "code"], name="disposition_code_once"),
            models.UniqueConstraint(
                fields=["team", "hotkey"], condition=Q(retired_at__isnull=True), name="disposition_key_once"
            ),
            models.CheckConstraint(condition=~Q(label="") & ~Q(code=""), name="disposition_has_words"),
            models.CheckConstraint(condition=Q(hotkey__regex=r"^[0-9]$"), name="disposition_key_is_digit"),
            models.CheckConstraint(
                condition=Q(
                    outcome__in=[
                        "no_contact", "contact", "bad_number", "dnc", "callback", "appointment", "lost", "won",
                    ]
                ),
                name="disposition_outcome_known",
            ),
            models.CheckConstraint(
                condition=Q(suppress__in=["", "call", "sms", "call_sms", "any"]), name="disposition_suppress_known"
            ),
            models.CheckConstraint(condition=Q(needs__in=["", "time", "note"]), name="disposition_needs_known"),
            models.CheckConstraint(
                condition=Q(max_attempts__gte=1) & Q(max_attempts__lte=20), name="disposition_attempts_sane"
            ),
            models.CheckConstraint(
                condition=~Q(outcome="dnc") | Q(suppress="any"), name="disposition_dnc_suppresses_all"
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.label


class CallAttempt(UUIDModel, Timestamped):
    """Answers: who called this number, when, for how long, and how did it end? Made at the press, after the gate's yes.

    ended_at: no longer before its caller; a page that was lost leaves it in doubt and ended. Its key and its caller
    have one that is not ended, whatever the list. suppress_at: its outcome suppresses at that moment; until then the
    caller may take the key back, and the gate counts it already.
    """

    class Mode(models.TextChoices):
        TEL = "tel", "Own phone"
        TWILIO = "twilio", "Twilio"
        SIGNALHOUSE = "signalhouse", "SignalHouse"

    class State(models.TextChoices):
        INTENDED = "intended", "Dialing"
        RINGING = "ringing", "Ringing"
        TALKING = "talking", "On the call"
        ENDED = "ended", "Ended"
        IN_DOUBT = "in_doubt", "Needs a check"

    team = models.ForeignKey("accounts.Team", models.PROTECT, related_name="+", db_index=False, help_text="Whose it is")
    campaign = models.ForeignKey(
        "campaigns.Campaign", models.SET_NULL, null=True, related_name="+", help_text="Of which list; empty: by hand"
    )
    member = models.ForeignKey(
        "campaigns.Member", models.SET_NULL, null=True, related_name="attempts_made", help_text="Who of it"
    )
    step = models.ForeignKey("campaigns.Step", models.SET_NULL, null=True, related_name="+", help_text="Which step")
    lead = models.ForeignKey(
        "leads.Lead",
        models.DO_NOTHING,
        null=True,
        related_name="+",
        db_index=False,
        help_text="About which lead; empty once it was deleted",
    )
    key = models.ForeignKey("leads.ContactKey", models.PROTECT, related_name="+", db_index=False, help_text="To which")
    number = models.CharField(max_length=16, null=True, blank=True, help_text="+1…; empty: forgotten")
    number_kind = models.CharField(max_length=10, blank=True, default="", db_default="", help_text="mobile, landline …")
    number_source = models.CharField(
        max_length=20, blank=True, default="", db_default="", help_text="Of whom the number was: a vendor, file, typed"
    )
    number_at = models.DateTimeField(null=True, blank=True, help_text="Since when we had it, when it was called")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False, help_text="Who")
    mode = models.CharField(max_length=11, choices=Mode, default=Mode.TEL, help_text="By which phone")
    state = models.CharField(max_length=8, choices=State, default=State.INTENDED, help_text="How far")
    sender = models.ForeignKey("campaigns.Sender", models.PROTECT, null=True, related_name="+", help_text="From which")
    token = models.UUIDField(unique=True, help_text="In the addresses that the vendor calls back")
    agent_vendor_id = models.CharField(
        max_length=80, null=True, blank=True, help_text="The vendor's id of the caller's leg"
    )
    vendor_id = models.CharField(max_length=80, null=True, blank=True, help_text="The vendor's id of the lead's leg")
    sequence = models.IntegerField(default=-1, help_text="Of the vendor's last event that counted")
    call = models.ForeignKey(
        "integrations.VendorCall", models.PROTECT, null=True, related_name="+", db_index=False, help_text="Its money"
    )
    answered_by = models.CharField(max_length=20, blank=True, help_text="human, machine_…, fax, unknown")
    dial_status = models.CharField(
        max_length=9,
        blank=True,
        db_default="",
        help_text="How dialing the lead ended, says the vendor: completed, busy, no_answer, failed, canceled",
    )
    recording = models.ForeignKey(
        "campaigns.Recording",
        models.PROTECT,
        null=True,
        related_name="+",
        help_text="Which recording was played to them",
    )
    recorded_consent_id = models.UUIDField(null=True, blank=True, help_text="By which consent it was played")
    receipt_id = models.UUIDField(null=True, blank=True, help_text="By which rules it was dialed")
    disposition = models.ForeignKey(Disposition, models.PROTECT, null=True, related_name="+", help_text="How it ended")
    disposed_at = models.DateTimeField(null=True, blank=True, help_text="When its caller said how it ended")
    suppress_at = models.DateTimeField(null=True, blank=True, help_text="When what its outcome suppresses is written")
    suppressed_at = models.DateTimeField(null=True, blank=True, help_text="When that was written")
    note = models.CharField(max_length=2000, blank=True, help_text="What was said")
    error = models.CharField(max_length=60, blank=True, help_text="The vendor's code")
    error_words = models.CharField(max_length=300, blank=True, help_text="In words")
    started_at = models.DateTimeField(help_text="When it was handed over, by the campaigns' clock")
    pressed_at = models.DateTimeField(
        null=True, blank=True, help_text="When its caller pressed a key on her phone to be connected"
    )
    answered_at = models.DateTimeField(null=True, blank=True, help_text="When somebody answered")
    ended_at = models.DateTimeField(null=True, blank=True, help_text="When it ended")
    seconds = models.PositiveIntegerField(null=True, blank=True, help_text="How long it took")

    objects = TeamQuerySet.as_manager()

    class Meta:
        verbose_name = "call"
        constraints = [
            models.CheckConstraint(condition=Q(mode__in=["tel", "twilio", "signalhouse"]), name="attempt_mode_known"),
            models.CheckConstraint(
                condition=Q(state__in=["intended", "ringing", "talking", "ended", "in_doubt"]),
                name="attempt_state_known",
            ),
            models.CheckConstraint(
                condition=~Q(state="ended") | Q(ended_at__isnull=False), name="attempt_ended_has_time"
            ),
            models.CheckConstraint(
                condition=Q(disposition__isnull=True) | Q(disposed_at__isnull=False), name="attempt_disposed_has_time"
            ),
            models.UniqueConstraint(fields=["by"], condition=Q(ended_at__isnull=True), name="attempt_one_a_caller"),
            models.UniqueConstraint(fields=["key"], condition=Q(ended_at__isnull=True), name="attempt_one_a_number"),
            models.UniqueConstraint(
                fields=["mode", "vendor_id"], condition=Q(vendor_id__isnull=False), name="attempt_vendor_id_once"
            ),
            models.UniqueConstraint(
                fields=["mode", "agent_vendor_id"],
                condition=Q(agent_vendor_id__isnull=False),
                name="attempt_agent_vendor_id_once",
            ),
        ]
        indexes = [
            models.Index(fields=["key", "-started_at"], name="attempt_by_key"),
            models.Index(fields=["team", "-started_at"], name="attempt_by_team"),
            models.Index(fields=["by", "-started_at"], name="attempt_by_caller"),
            models.Index(fields=["by"], condition=Q(disposition__isnull=True), name="attempt_unsaid"),
            models.Index(fields=["lead"], condition=Q(lead__isnull=False), name="attempt_by_lead"),
            models.Index(
                fields=["suppress_at"],
                condition=Q(suppress_at__isnull=False, suppressed_at__isnull=True),
                name="attempt_to_suppress",
            ),
            models.Index(fields=["call"], condition=Q(call__isnull=False), name="attempt_by_vendor_call"),
        ]

    def __str__(self) -> str:
        return f"{self.get_state_display()} {self.id}"


class Recording(UUIDModel):
    """Answers: which voicemail can be dropped? A change is a new version; what was played stays known."""

    team = models.ForeignKey("accounts.Team", models.PROTECT, related_name="+", db_index=False, help_text="Whose it is")
    name = models.CharField(max_length=100, help_text="What you call it")
    version = models.PositiveSmallIntegerField(default=1, help_text="From 1")
    file = models.CharField(max_length=100, help_text="What the file was called")
    kind = models.CharField(max_length=20, help_text="audio/mpeg, audio/wav")
    seconds = models.PositiveSmallIntegerField(help_text="How long it is")
    sha256 = models.CharField(max_length=64, help_text="Of the file")
    by_id = models.BigIntegerField(null=True, blank=True, help_text="Who uploaded it: a user's id")
    created_at = models.DateTimeField(auto_now_add=True, help_text="When")
    retired_at = models.DateTimeField(null=True, blank=True, help_text="Since when it is not offered")

    objects = TeamQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint("team", Lower("name"), "version", name="recording_version_once"),
            models.CheckConstraint(condition=~Q(name=""), name="recording_has_name"),
        ]

    def __str__(self) -> str:
        return f"{self.name}, version {self.version}"
