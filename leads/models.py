"""A property and its owner, what a person did about it, and how they sort it."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Upper

from common.db.models import Timestamped, UUIDModel
from leads.querysets import LeadQuerySet, OwnedQuerySet


def _text(length: int, help_text: str) -> models.CharField[str | None, str | None]:
    return models.CharField(max_length=length, null=True, blank=True, help_text=help_text)


def _flag(help_text: str) -> models.BooleanField[bool | None, bool | None]:
    return models.BooleanField(null=True, blank=True, help_text=help_text)


def _whole(help_text: str) -> models.IntegerField[int | None, int | None]:
    return models.IntegerField(null=True, blank=True, help_text=help_text)


def _searched(column: str, name: str) -> models.Index:
    """For the beginning of a text among a user's leads. A lead that is an id and nothing else is not in it, so that
    saving ids costs no more for it.
    """
    text: models.F | Upper = models.F(column) if column in ("phone", "secondary_phone", "email") else Upper(column)
    return models.Index(
        models.F("owner"),
        OpClass(text, name="text_pattern_ops"),
        condition=Q(**{f"{column}__isnull": False}),
        name=name,
    )


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
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False, help_text="Who may see it"
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

    property_id = models.CharField(max_length=64, help_text="RealEstateAPI's id of the property")
    apn = _text(64, "Assessor's parcel number")
    fips = _text(5, "County FIPS code")

    first_name = _text(200, "Owner's first name")
    last_name = _text(200, "Owner's last name")
    owner_name = _text(200, "Owner's full name: a person, a company or a trust")
    email = _text(254, "Owner's e-mail")
    phone = _text(20, "Best phone, E.164")
    phone_type = _text(10, "mobile, landline or voip")
    phone_do_not_call = _flag("The best phone is on a do-not-call list")
    secondary_phone = _text(20, "Next phone, E.164")
    secondary_phone_type = _text(10, "mobile, landline or voip")
    secondary_phone_do_not_call = _flag("The next phone is on a do-not-call list")
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
    activity_count = models.PositiveIntegerField(default=0, db_default=0, help_text="How many activities it has")
    tags = models.ManyToManyField("leads.Tag", blank=True, related_name="leads", help_text="The owner's own labels")

    objects = LeadQuerySet.as_manager()

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
        ]
        indexes = [
            models.Index(fields=["bucket", "id"], name="lead_by_bucket"),
            models.Index(fields=["owner", "id"], name="lead_by_owner"),
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
            models.Index(fields=["owner", "status", "id"], condition=~Q(status="new"), name="lead_of_owner_by_status"),
            models.Index(
                fields=["owner", "enrichment_status", "id"],
                condition=~Q(enrichment_status="pending"),
                name="lead_of_owner_by_enrichment",
            ),
            models.Index(
                fields=["owner", "callback_at", "id"],
                condition=Q(callback_at__isnull=False),
                name="lead_to_call_back",
            ),
            _searched("property_address", "lead_by_address"),
            _searched("apn", "lead_by_apn"),
            _searched("owner_name", "lead_by_owner_name"),
            _searched("last_name", "lead_by_last_name"),
            _searched("phone", "lead_by_phone"),
            _searched("secondary_phone", "lead_by_second_phone"),
            _searched("email", "lead_by_email"),
        ]
        permissions = [("view_contact_details", "Can see and export phones and e-mails")]

    def __str__(self) -> str:
        return self.property_address or f"Property {self.property_id}"

    @property
    def data_label(self) -> str:
        """How far enrichment has come, in words: a lead whose contacts are still to be bought is no mere id."""
        if self.enrichment_status == self.Enrichment.PENDING and self.enriched_at:
            return "Property data, no contact yet"
        return str(self.get_enrichment_status_display())


class Tag(UUIDModel, Timestamped):
    """Answers: what does this user call this kind of lead?"""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", help_text="Whose label it is")
    name = models.CharField(max_length=50, help_text="The label")
    color = models.CharField(max_length=7, default="#6b7280", help_text="#rrggbb")

    objects = OwnedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint("owner", Lower("name"), name="tag_once_per_owner"),
            models.CheckConstraint(condition=~Q(name=""), name="tag_has_name"),
            models.CheckConstraint(condition=Q(color__regex=r"^#[0-9a-fA-F]{6}$"), name="tag_color_is_hex"),
        ]

    def __str__(self) -> str:
        return self.name


class Activity(UUIDModel):
    """Answers: what was done about a lead, by whom, and when? Append-only."""

    class Kind(models.TextChoices):
        NOTE = "note", "Note"
        STATUS = "status", "Status changed"
        CALL = "call", "Call"
        SMS = "sms", "SMS"
        EMAIL = "email", "E-mail"
        CALLBACK = "callback", "Callback"

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
        max_length=10,
        choices=Kind,
        default=Kind.NOTE,
        verbose_name="activity type",
        help_text="Call, SMS, e-mail, note or callback",
    )
    text = models.CharField(max_length=2000, blank=True, verbose_name="notes", help_text="What was said or done")
    due_at = models.DateTimeField(null=True, blank=True, verbose_name="call back at", help_text="When to call back")
    created_at = models.DateTimeField(auto_now_add=True, help_text="When")

    class Meta:
        verbose_name_plural = "activities"
        indexes = [models.Index(fields=["lead", "id"], name="activity_by_lead")]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["note", "status", "call", "sms", "email", "callback"]), name="activity_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(due_at__isnull=True) | Q(kind="callback"), name="activity_due_is_callback"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.text[:40]}"


class SavedView(UUIDModel, Timestamped):
    """Answers: which filters of the list of leads does this person use again and again?"""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", help_text="Whose view it is")
    name = models.CharField(max_length=50, help_text="What they call it")
    query = models.CharField(max_length=1000, help_text="The filters, as the list's address carries them")

    objects = OwnedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint("owner", Lower("name"), name="view_once_per_owner"),
            models.CheckConstraint(condition=~Q(name=""), name="view_has_name"),
        ]

    def __str__(self) -> str:
        return self.name


class Disclosure(UUIDModel):
    """Answers: who has seen or taken how many leads' phones and e-mails, when, and by which way? Append-only.

    It outlives what it tells of, so it names leads and buckets by id alone, and holds no contact itself.
    """

    class What(models.TextChoices):
        UNMASK = "unmask", "Shown"
        EXPORT = "export", "Exported"

    class Via(models.TextChoices):
        ADMIN = "admin", "Admin"
        API = "api", "API"
        COMMAND = "command", "Command"

    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        related_name="+",
        db_index=False,
        verbose_name="user",
        help_text="Who",
    )
    what = models.CharField(max_length=6, choices=What, verbose_name="access", help_text="Shown, or exported as a file")
    via = models.CharField(max_length=7, choices=Via, verbose_name="through", help_text="Admin, API or command")
    lead_id = models.UUIDField(null=True, blank=True, verbose_name="lead id", help_text="If it was one lead")
    bucket_id = models.UUIDField(null=True, blank=True, verbose_name="bucket id", help_text="If it was one bucket")
    leads = models.PositiveIntegerField(
        null=True,
        blank=True,
        verbose_name="leads",
        help_text="How many leads; empty: an export that did not start or was stopped",
    )
    created_at = models.DateTimeField(auto_now_add=True, help_text="When; an export: when it began")

    class Meta:
        verbose_name, verbose_name_plural = "contact access log entry", "contact access log"
        constraints = [
            models.CheckConstraint(condition=Q(what__in=["unmask", "export"]), name="disclosure_what_known"),
            models.CheckConstraint(condition=Q(via__in=["admin", "api", "command"]), name="disclosure_via_known"),
            models.CheckConstraint(
                condition=Q(what="export") | Q(leads__isnull=False), name="disclosure_unmask_has_count"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_what_display()} by {self.by}"
