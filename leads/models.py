"""A property and its owner, what a person did about it, and how they sort it."""

from __future__ import annotations

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower, Now

from accounts.team_triggers import team_of_bucket, team_of_owner
from common.contact_access import masked_text, told
from common.db.models import Timestamped, UUIDModel
from leads.bulk.table import BulkChange, BulkJob, BulkPiece
from leads.calendar.table import Event
from leads.changes.table import Change
from leads.deletion.table import BucketDeletion
from leads.fields.table import CustomField
from leads.listing.table import ColumnChoice, SavedView
from leads.merging.table import Merge
from leads.permission.consents import Consent, EvidenceText, Scrub
from leads.permission.sellers import Seller
from leads.permission.uploads import RefusedRow, Upload, UploadPiece, Withdrawal
from leads.pipeline.table import StatusLabel
from leads.privacy.suppressions import Suppression
from leads.privacy.table import Forgetting
from leads.querysets import EveryLead, ShownLeads, TagQuerySet


def _text(length: int, help_text: str) -> models.CharField[str | None, str | None]:
    return models.CharField(max_length=length, null=True, blank=True, help_text=help_text)


def _flag(help_text: str) -> models.BooleanField[bool | None, bool | None]:
    return models.BooleanField(null=True, blank=True, help_text=help_text)


def _whole(help_text: str) -> models.IntegerField[int | None, int | None]:
    return models.IntegerField(null=True, blank=True, help_text=help_text)


def _sorted(column: str, name: str) -> models.Index:
    """For a bucket's leads in the order of a column, both ways. By bucket, not by owner, so that it serves whoever may
    see the bucket. A lead without a value is not in it: saving ids costs no more for it.
    """
    return models.Index(fields=["bucket", column, "id"], condition=Q(**{f"{column}__isnull": False}), name=name)


def _drop_label() -> pgtrigger.Trigger:
    """A lead whose status changes loses the label it had under the one before, whoever changes it; so that the label of
    a lead is always one of its status. One without a label costs no look.
    """
    return pgtrigger.Trigger(
        name="drop_label",
        when=pgtrigger.Before,
        operation=pgtrigger.UpdateOf("status"),  # type: ignore[no-untyped-call]
        condition=pgtrigger.Condition(
            "OLD.status IS DISTINCT FROM NEW.status AND NEW.status_label_id IS NOT NULL "
            "AND NEW.status_label_id IS NOT DISTINCT FROM OLD.status_label_id"
        ),
        func=pgtrigger.Func("NEW.status_label_id := NULL; RETURN NEW;"),  # type: ignore[no-untyped-call]
    )


def _cancel_callback() -> pgtrigger.Trigger:
    """A lead that goes takes its planned callback along, whoever deletes it. One without a copy costs no look."""
    return pgtrigger.Trigger(
        name="cancel_callback",
        when=pgtrigger.Before,
        operation=pgtrigger.Delete,
        condition=pgtrigger.Q(old__callback_at__isnull=False),
        func=pgtrigger.Func(  # type: ignore[no-untyped-call]
            "UPDATE leads_event SET status = 'cancelled', sequence = sequence + 1, changed_at = now() "
            "WHERE lead_id = OLD.id AND kind = 'callback' AND status = 'planned'; RETURN OLD;"
        ),
    )


__all__ = [
    "UNKNOWN_TYPE", "Activity", "BucketDeletion", "BulkChange", "BulkJob", "BulkPiece", "Change", "ColumnChoice",
    "Consent", "CustomField", "Event", "EvidenceText", "Forgetting", "Lead", "LeadName", "Merge", "RefusedRow",
    "SavedView", "Scrub", "Seller", "StatusLabel", "Suppression", "Tag", "Upload", "UploadPiece", "Withdrawal",
]  # fmt: skip

UNKNOWN_TYPE = Q(property_type__isnull=False) & ~Q(property_type__in=["SFR", "MFR", "LAND", "CONDO", "MOBILE", "OTHER"])


class Lead(UUIDModel, Timestamped):
    """Answers: which property is it, who owns it, how can they be reached, and how far have we come with them?

    A new lead is an id and nothing else; every other fact is null until somebody chose to buy it.
    """

    class Status(models.TextChoices):
        NEW = "new", "New"
        CONTACTED = "contacted", "Contacted"
        QUALIFIED = "qualified", "Qualified"
        CLOSED = "closed", "Closed"
        LOST = "lost", "Lost"

    class Enrichment(models.TextChoices):
        PENDING = "pending", "Not enriched"
        COMPLETED = "completed", "Has a phone"
        PARTIAL = "partial", "No phone found"
        FAILED = "failed", "Failed"

    CONTACTED_STATUSES = (Status.CONTACTED, Status.QUALIFIED, Status.CLOSED, Status.LOST)

    bucket = models.ForeignKey(
        "buckets.Bucket", models.CASCADE, related_name="leads", db_index=False, help_text="The bucket that holds it"
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False, help_text="Who made it"
    )
    team = models.ForeignKey(
        "accounts.Team",
        models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,  # that of its bucket holds: a check less for each of a million leads
        help_text="The team of its bucket",
    )
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        help_text="Who works it; empty: nobody in particular",
    )
    source = models.CharField(
        max_length=20, default="real-estate", db_default="real-estate", help_text="Where the id came from"
    )
    status = models.CharField(
        max_length=10,
        choices=Status,
        default=Status.NEW,
        db_default=Status.NEW,
        help_text="How far a person has come with it",
    )

    status_label = models.ForeignKey(
        "leads.StatusLabel",
        models.DO_NOTHING,  # PostgreSQL empties it: migration 0046_status_labels
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        db_constraint=False,  # by team and status together, in the same migration: a label is one of its lead's status
        help_text="The team's own word for it, under this status",
    )

    property_id = models.CharField(max_length=64, help_text="RealEstateAPI's id of the property")
    merged_into = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        db_index=False,
        related_name="merged",
        help_text="The older lead of the same property that stands for it; this row is hidden",
    )
    apn = _text(64, "Assessor's parcel number")
    fips = _text(5, "County FIPS code")

    first_name = _text(200, "Owner's first name")
    last_name = _text(200, "Owner's last name")
    owner_name = _text(200, "Owner's full name: a person, a company or a trust")
    second_owner_name = _text(200, "Full name of another owner")
    email = _text(254, "Owner's e-mail")
    phone = _text(20, "Best phone, E.164")
    phone_type = _text(10, "mobile, landline or voip")
    phone_do_not_call = _flag("The best phone is on a do-not-call list")
    secondary_phone = _text(20, "Next phone, E.164")
    secondary_phone_type = _text(10, "mobile, landline or voip")
    secondary_phone_do_not_call = _flag("The next phone is on a do-not-call list")
    litigator = _flag("Known to sue callers: nobody calls")
    do_not_mail = _flag("Wants no mail")
    contact_name = _text(200, "Whose phones and e-mail the skip trace brought")
    contact_is_other = _flag("The skip trace's phones and e-mail are another person's, not the owner's")
    mailing_address = _text(200, "Owner's mailing address: street line")
    mailing_city = _text(200, "Owner's mailing address: city")
    mailing_state = _text(2, "Owner's mailing address: state")
    mailing_zip = _text(10, "Owner's mailing address: ZIP")
    traced_address = _text(200, "Where the skip trace says the person gets mail: street line")
    traced_city = _text(200, "Where the skip trace says the person gets mail: city")
    traced_state = _text(2, "Where the skip trace says the person gets mail: state")
    traced_zip = _text(10, "Where the skip trace says the person gets mail: ZIP")

    property_address = _text(200, "Street line of the property")
    property_city = _text(200, "City of the property")
    property_state = _text(2, "State of the property")
    property_zip = _text(10, "ZIP of the property")
    property_county = _text(200, "County of the property")
    property_type = _text(60, "SFR, MFR, CONDO, LAND, MOBILE or OTHER; else the vendor's words")
    bedrooms = _whole("Bedrooms")
    bathrooms = models.DecimalField(max_digits=6, decimal_places=2, null=True, blank=True, help_text="Bathrooms")
    sqft = _whole("Living area, square feet")
    year_built = _whole("Year built")
    estimated_value = models.BigIntegerField(null=True, blank=True, help_text="Vendor's estimate, US dollars")
    estimated_equity = models.BigIntegerField(null=True, blank=True, help_text="Value less open loans, US dollars")
    equity_percent = models.DecimalField(
        max_digits=8, decimal_places=2, null=True, blank=True, help_text="Equity as a percentage of value"
    )
    last_sale_date = models.DateField(null=True, blank=True, help_text="When it was last sold")
    last_sale_price = models.BigIntegerField(null=True, blank=True, help_text="What it was last sold for, US dollars")
    latitude = models.DecimalField(max_digits=10, decimal_places=7, null=True, blank=True, help_text="Degrees north")
    longitude = models.DecimalField(max_digits=10, decimal_places=7, null=True, blank=True, help_text="Degrees east")
    owner_type = _text(20, "individual, trust, llc, corporation, other")
    owner_occupied = _flag("The owner lives there")
    absentee_owner = _flag("The owner lives elsewhere")

    pre_foreclosure = _flag("Notice of default or lis pendens on record")
    foreclosure = _flag("In foreclosure")
    tax_lien = _flag("Tax lien on record")
    bankruptcy = _flag("Owner's bankruptcy on record")
    vacant = _flag("Nobody lives there")
    high_equity = _flag("50% equity or more")
    free_clear = _flag("No open mortgage")

    apollo_person_id = _text(64, "Apollo's id of the person")
    apollo_org_id = _text(64, "Apollo's id of the organization")
    apollo_title = _text(200, "Job title")
    apollo_company = _text(200, "Company")
    apollo_industry = _text(200, "Industry")
    apollo_linkedin_url = _text(300, "LinkedIn profile")
    apollo_employee_count = _whole("Company size")
    apollo_enriched_at = models.DateTimeField(null=True, blank=True, help_text="When Apollo's data was purchased")
    apollo_data = models.JSONField(null=True, blank=True, help_text="Apollo's answer, allow-listed")

    fact_sources = models.JSONField(
        null=True,
        blank=True,
        help_text="Where a value is not from the usual source: {column: {source, at}}, see leads.sources",
    )
    other_facts = models.JSONField(
        null=True, blank=True, help_text="Values that are not shown: {column: [{value, source, at}]}, the newest first"
    )

    data = models.JSONField(
        null=True, blank=True, help_text="Columns of a person's file that no other field holds: {column: text}"
    )

    custom = models.JSONField(
        null=True, blank=True, help_text="The team's own fields: {key of its `CustomField`: value}"
    )

    enrichment_status = models.CharField(
        max_length=10,
        choices=Enrichment,
        default=Enrichment.PENDING,
        db_default=Enrichment.PENDING,
        help_text="How far enrichment has come",
    )
    enriched_at = models.DateTimeField(null=True, blank=True, help_text="When the property data was purchased")
    skip_traced_at = models.DateTimeField(null=True, blank=True, help_text="When the owner's contacts were purchased")
    enrichment_error = models.CharField(
        max_length=300, null=True, blank=True, help_text="Category and reason of the last failure"
    )

    callback_at = models.DateTimeField(null=True, blank=True, help_text="When the owner is to be called back")
    last_activity_at = models.DateTimeField(
        null=True, blank=True, help_text="When a person last did something about it"
    )
    last_contact_at = models.DateTimeField(
        null=True, blank=True, help_text="When a person last called, texted or e-mailed the owner"
    )
    activity_count = models.PositiveIntegerField(default=0, db_default=0, help_text="How many activities it has")
    tags = models.ManyToManyField("leads.Tag", blank=True, related_name="leads", help_text="The owner's own labels")

    objects = ShownLeads()
    every = EveryLead()  # with those that are merged into another

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["bucket", "property_id"], name="lead_once_per_bucket"),
            models.CheckConstraint(condition=~Q(property_id=""), name="lead_has_property_id"),
            models.CheckConstraint(
                condition=Q(status__in=["new", "contacted", "qualified", "closed", "lost"]), name="lead_status_known"
            ),
            models.CheckConstraint(
                condition=Q(enrichment_status__in=["pending", "completed", "partial", "failed"]),
                name="lead_enrichment_status_known",
            ),
            models.CheckConstraint(
                condition=~Q(enrichment_status="completed") | Q(phone__isnull=False), name="lead_completed_has_phone"
            ),
            models.CheckConstraint(condition=~Q(merged_into=F("id")), name="lead_not_merged_into_itself"),
        ]
        indexes = [
            models.Index(fields=["bucket", "id"], name="lead_by_bucket"),
            models.Index(fields=["team", "id"], name="lead_by_team"),
            models.Index(fields=["assigned_to", "id"], condition=Q(assigned_to__isnull=False), name="lead_by_assignee"),
            models.Index(fields=["bucket", "id"], condition=Q(enrichment_status="pending"), name="lead_pending"),
            models.Index(
                fields=["bucket", "enrichment_status", "id"],
                condition=~Q(enrichment_status="pending") | Q(enriched_at__isnull=False),
                name="lead_by_enrichment",
            ),
            models.Index(
                fields=["bucket", "status", "id"],
                condition=Q(phone__isnull=False) | ~Q(status="new"),
                name="lead_contactable",
            ),
            models.Index(
                fields=["bucket", "property_state", "id"],
                condition=Q(property_state__isnull=False),
                name="lead_by_state",
            ),
            models.Index(
                fields=["apollo_person_id"],  # whose phone has come: leads of anybody
                condition=Q(apollo_person_id__isnull=False),
                name="lead_by_apollo_person",
            ),
            models.Index(
                fields=["property_type"],  # words that nobody has a type for: an operator counts them
                condition=UNKNOWN_TYPE,
                name="lead_of_unknown_type",
            ),
            models.Index(fields=["merged_into"], condition=Q(merged_into__isnull=False), name="lead_merged"),
            models.Index(fields=["team", "status", "id"], condition=~Q(status="new"), name="lead_of_team_by_status"),
            models.Index(
                fields=["team", "enrichment_status", "id"],
                condition=~Q(enrichment_status="pending"),
                name="lead_of_team_by_enrichment",
            ),
            models.Index(
                fields=["team", "callback_at", "id"],
                condition=Q(callback_at__isnull=False),
                name="lead_of_team_to_call_back",
            ),
            models.Index(  # the board's columns: leads somebody has touched, by status, the newest touch first
                fields=["team", "status", "last_activity_at", "id"],
                condition=Q(last_activity_at__isnull=False, status_label__isnull=True),
                name="lead_of_team_on_board",
            ),
            models.Index(
                fields=["status_label", "last_activity_at", "id"],
                condition=Q(status_label__isnull=False),
                name="lead_by_label",
            ),
            models.Index(fields=["team", "id"], condition=Q(custom__isnull=False), name="lead_of_team_with_custom"),
            _sorted("estimated_equity", "lead_by_equity"),
            _sorted("estimated_value", "lead_by_value"),
            _sorted("last_contact_at", "lead_by_last_contact"),
            _sorted("callback_at", "lead_by_callback"),
            _sorted("last_activity_at", "lead_by_last_touch"),  # of leads that nobody has touched none is in it
            # and `lead_of_team_by_words`, over a column that only PostgreSQL knows: migration 0019_lead_team_indexes
        ]
        triggers = [team_of_bucket(), _cancel_callback(), _drop_label()]
        permissions = [("view_contact_details", "Can see and export phones and e-mails")]

    def __str__(self) -> str:
        """Its address, or what else it is known by: a stand-in for an id says that of itself (`stand_in_ids`)."""
        kind, _, rest = self.property_id.partition(":")
        if self.property_address:
            return str(told(self.property_address))
        if kind == "apn":
            return f"APN {self.apn or rest.rpartition(':')[2]}"
        if kind == "address" and not rest.startswith("~"):
            return str(told(rest.partition("|")[0]))
        return f"Property {self.property_id}"

    @property
    def data_label(self) -> str:
        """How far enrichment has come, in words: a lead whose contacts are still to be bought is no mere id.

        needs_check: set by who reads it, where its purchase may have been billed and nobody knows yet.
        """
        if getattr(self, "needs_check", False):
            return "Needs billing check"
        if self.enrichment_status == self.Enrichment.PENDING and self.enriched_at:
            return "Property data, no contact yet"
        return str(self.get_enrichment_status_display())


class LeadName(models.Model):
    """Answers: which lead of a bucket is meant by this address or parcel number?

    A lead's names are `integrations.lookups.identity.names_of` its facts, as 64-bit hashes: equal `exact` is the same
    property, equal `loose` possibly the same. A name from a file holds in its own bucket only.
    """

    class Source(models.TextChoices):
        FILE = "file", "A person's file"
        VENDOR = "vendor", "Purchased data"

    pk = models.CompositePrimaryKey("lead_id", "exact")
    lead = models.ForeignKey(Lead, models.CASCADE, db_index=False, related_name="names", help_text="Whose name it is")
    bucket_id = models.UUIDField(help_text="The lead's bucket, for the index")
    exact = models.BigIntegerField(help_text="Hash of the name")
    loose = models.BigIntegerField(help_text="Hash of what a possible match shares with it")
    bare = models.BooleanField(default=False, db_default=False, help_text="An APN without separators")
    source = models.CharField(max_length=6, choices=Source, help_text="Who says so")

    class Meta:
        indexes = [models.Index(fields=["bucket_id", "loose", "exact"], name="lead_by_name")]
        constraints = [
            models.CheckConstraint(condition=Q(source__in=["file", "vendor"]), name="lead_name_source_known"),
        ]

    def __str__(self) -> str:
        return f"{self.exact:x} of {self.lead_id}"


class ContactKey(models.Model):
    """Answers: which phone, e-mail or owner is this, and since when do we know it? The row that is locked before
    anybody is contacted.

    digest: HMAC-SHA256 under the first of CONTACT_KEY_SECRETS of "kind|value" (`leads.keys.owner_keys`). A key that was
    found under an older secret is used as it is.
    """

    class Kind(models.IntegerChoices):
        PHONE = 1, "Phone"
        EMAIL = 2, "E-mail"
        OWNER = 3, "Owner's name and mailing address"

    id = models.BigAutoField(primary_key=True)
    kind = models.SmallIntegerField(choices=Kind, help_text="Phone, e-mail or owner")
    digest = models.BinaryField(max_length=32, help_text="HMAC-SHA256 of kind and value")
    hint = models.CharField(max_length=20, help_text="How a person tells it from others: …0143")
    crowded = models.BooleanField(
        default=False, db_default=False, help_text="More than 20 owners' names share it: it joins no leads"
    )
    first_at = models.DateTimeField(db_default=Now(), help_text="When it was first seen")
    last_attempt_at = models.DateTimeField(null=True, blank=True, help_text="When it was last contacted")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "digest"], name="contact_key_once"),
            models.CheckConstraint(condition=Q(kind__in=[1, 2, 3]), name="contact_key_kind_known"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.hint}"


class LeadKey(models.Model):
    """Answers: which leads have the same owner? Two that share a key that is not crowded: one hop, no chains.

    Written in the transaction that changes the lead's contacts (`leads.keys.contact_keys`).
    """

    class Role(models.IntegerChoices):
        PHONE = 1, "Best phone"
        OTHER_PHONE = 2, "Another phone"
        EMAIL = 3, "E-mail"
        OWNER = 4, "Owner"

    pk = models.CompositePrimaryKey("lead_id", "key_id")
    lead = models.ForeignKey(Lead, models.CASCADE, db_index=False, related_name="keys", help_text="Whose key it is")
    key = models.ForeignKey(ContactKey, models.PROTECT, db_index=False, related_name="leads", help_text="The key")
    role = models.SmallIntegerField(choices=Role, help_text="What it is to the lead")
    position = models.SmallIntegerField(help_text="Its place among those of its role, from 0")

    class Meta:
        indexes = [models.Index(fields=["key", "lead"], name="lead_by_key")]
        constraints = [models.CheckConstraint(condition=Q(role__in=[1, 2, 3, 4]), name="lead_key_role_known")]

    def __str__(self) -> str:
        return f"{self.get_role_display()} of {self.lead_id}"


class KeySecret(models.Model):
    """Answers: which of CONTACT_KEY_SECRETS have written keys here? Each must be listed still, or its keys are lost."""

    mark = models.BinaryField(max_length=32, unique=True, help_text="HMAC-SHA256 of a constant under the secret")
    first_at = models.DateTimeField(db_default=Now(), help_text="When it first wrote a key")

    def __str__(self) -> str:
        return f"Secret since {self.first_at:%Y-%m-%d}"


class KeyRefresh(models.Model):
    """Answers: how far have the leads of before got keys? One row while it goes on, none when it is done."""

    after = models.UUIDField(null=True, help_text="Leads up to this one have their keys")

    def __str__(self) -> str:
        return f"after {self.after}"


class Tag(UUIDModel, Timestamped):
    """Answers: what does this user call this kind of lead?"""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", help_text="Who made it")
    team = models.ForeignKey(
        "accounts.Team", models.PROTECT, related_name="+", db_index=False, help_text="Whose label it is"
    )
    name = models.CharField(max_length=50, help_text="The label")
    color = models.CharField(max_length=7, default="#6b7280", help_text="#rrggbb")

    objects = TagQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint("team", Lower("name"), name="tag_once_per_team"),
            models.CheckConstraint(condition=~Q(name=""), name="tag_has_name"),
            models.CheckConstraint(condition=Q(color__regex=r"^#[0-9a-fA-F]{6}$"), name="tag_color_is_hex"),
        ]
        triggers = [team_of_owner()]

    def __str__(self) -> str:
        return str(told(self.name))


class Activity(UUIDModel):
    """Answers: what was done about a lead, by whom, and when? Append-only."""

    class Kind(models.TextChoices):
        NOTE = "note", "Note"
        STATUS = "status", "Status changed"
        CALL = "call", "Call"
        SMS = "sms", "SMS"
        EMAIL = "email", "E-mail"
        CALLBACK = "callback", "Callback"
        VOICEMAIL = "voicemail", "Voicemail"
        APPOINTMENT = "appointment", "Appointment"

    ANSWERS = (Kind.CALL, Kind.SMS, Kind.EMAIL)  # a callback that is due

    lead = models.ForeignKey(
        Lead, models.CASCADE, related_name="activities", db_index=False, help_text="About which lead"
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name="user",
        help_text="Who did it",
    )
    kind = models.CharField(
        max_length=11,
        choices=Kind,
        default=Kind.NOTE,
        verbose_name="activity type",
        help_text="Call, SMS, e-mail, note, callback, voicemail or appointment",
    )
    text = models.CharField(max_length=2000, blank=True, verbose_name="notes", help_text="What was said or done")
    due_at = models.DateTimeField(null=True, blank=True, verbose_name="call back at", help_text="When to call back")
    ref = models.UUIDField(null=True, blank=True, help_text="The message, call or event that it tells of")
    created_at = models.DateTimeField(auto_now_add=True, help_text="When")

    class Meta:
        verbose_name_plural = "activities"
        indexes = [models.Index(fields=["lead", "id"], name="activity_by_lead")]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    kind__in=["note", "status", "call", "sms", "email", "callback", "voicemail", "appointment"]
                ),
                name="activity_kind_known",
            ),
            models.CheckConstraint(
                condition=Q(due_at__isnull=True) | Q(kind="callback"), name="activity_due_is_callback"
            ),
            models.UniqueConstraint(
                fields=["lead", "ref"], condition=Q(ref__isnull=False), name="activity_once_of_a_message"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {masked_text(self.text)[:40]}"
