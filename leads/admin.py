"""Leads, their history and their tags. Facts are bought, not typed: a person moves a lead's status and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from config.common.admin import ByRow, OwnedAdmin, is_id, link_to, list_link, sees_all
from leads.models import Activity, Lead, Tag
from leads.services import change_status

Bucket: Any = Lead._meta.get_field("bucket").related_model  # by the key: no import upwards
SHOWN_ACTIVITIES = 20
LATEST_BUCKETS = 10


class InBucket(ByRow):
    title = "bucket"
    parameter_name = "bucket"
    field = "bucket"

    def parents(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = Bucket.objects.order_by("-pk")
        if not sees_all(request):
            rows = rows.filter(owner=request.user)
        return rows[:LATEST_BUCKETS]


class OfLead(ByRow):
    title = "lead"
    parameter_name = "lead"
    field = "lead"


@admin.register(Lead)
class LeadAdmin(OwnedAdmin):
    """Newest first, by id. One bucket can be searched by parcel number, phone and address; all of them by id only."""

    editable = True
    list_display = (
        "__str__",
        "bucket",
        "status",
        "enrichment_status",
        "owner_name",
        "phone",
        "email",
        "property_state",
    )
    list_select_related = ("bucket",)
    list_filter = (InBucket, "status", "enrichment_status")
    search_fields = ("property_id",)
    search_help_text = (
        "A property id or lead id. With a bucket chosen: also an APN, the beginning of a phone or an address"
    )
    fieldsets = (
        (None, {"fields": ("bucket", "owner", "source", "status", "tag_names", "property_id", "apn", "fips")}),
        (
            "Owner",
            {
                "fields": (
                    ("first_name", "last_name", "owner_name"),
                    ("owner_type", "owner_occupied", "absentee_owner"),
                    ("phone", "phone_type", "phone_do_not_call"),
                    ("secondary_phone", "secondary_phone_type", "secondary_phone_do_not_call"),
                    "email",
                    ("mailing_address", "mailing_city", "mailing_state", "mailing_zip"),
                )
            },
        ),
        (
            "Property",
            {
                "fields": (
                    ("property_address", "property_city", "property_state", "property_zip", "property_county"),
                    ("property_type", "bedrooms", "bathrooms", "sqft", "year_built"),
                    ("estimated_value", "estimated_equity", "equity_percent"),
                    ("latitude", "longitude"),
                    ("pre_foreclosure", "foreclosure", "tax_lien", "bankruptcy", "vacant", "high_equity", "free_clear"),
                )
            },
        ),
        (
            "Apollo",
            {
                "classes": ("collapse",),
                "fields": (
                    ("apollo_title", "apollo_company", "apollo_industry", "apollo_employee_count"),
                    ("apollo_person_id", "apollo_org_id", "apollo_linkedin_url", "apollo_enriched_at"),
                    "apollo_data",
                ),
            },
        ),
        (
            "History",
            {
                "fields": (
                    ("enrichment_status", "enriched_at", "skip_traced_at", "enrichment_error"),
                    ("created_at", "updated_at", "last_activity_at", "activity_count"),
                    "history",
                )
            },
        ),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        facts = [field.name for field in Lead._meta.fields if field.name not in ("id", "status")]
        return [*facts, "tag_names", "history"]

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> tuple[Any, bool]:
        """By id through the unique index of every bucket; by anything else among the rows of one bucket only."""
        text = search_term.strip()
        if not text:
            return queryset, False
        if is_id(text):
            return queryset.filter(pk=text), False
        wanted = Q(bucket__in=_buckets(request), property_id=text)
        if is_id(request.GET.get(InBucket.parameter_name, "")):
            wanted |= Q(apn=text) | Q(phone__startswith=text) | Q(property_address__istartswith=text)
        return queryset.filter(wanted), False

    @admin.display(description="tags")
    def tag_names(self, lead: Lead) -> str:
        return ", ".join(tag.name for tag in lead.tags.order_by("name")) or "–"

    @admin.display(description="what was done")
    def history(self, lead: Lead) -> SafeString:
        latest = lead.activities.select_related("by").order_by("-pk")[:SHOWN_ACTIVITIES]
        lines = ((a.created_at.strftime("%Y-%m-%d %H:%M"), a.by or "–", a.get_kind_display(), a.text) for a in latest)
        return format_html_join("", "{} {} {}: {}<br>", lines) + list_link(Activity, "All", lead=lead.pk)

    def save_model(self, request: HttpRequest, obj: Lead, form: ModelForm[Lead], change: bool) -> None:
        if "status" in form.changed_data:
            change_status(lead=obj, by=request.user, status=obj.status)


def _buckets(request: HttpRequest) -> Any:
    rows = Bucket.objects.all() if sees_all(request) else Bucket.objects.owned_by(request.user)
    return rows.values("pk")


class _TagForm(forms.ModelForm[Tag] if TYPE_CHECKING else forms.ModelForm):  # type: ignore[misc]
    owner: Any = None

    def clean(self) -> dict[str, Any]:
        """Once per owner, in any case: the database's rule, in words."""
        self.instance.owner = self.owner
        name = self.cleaned_data.get("name", "")
        if Tag.objects.owned_by(self.owner).filter(name__iexact=name).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(f"There is a tag {name!r} already.")
        return {**self.cleaned_data}


@admin.register(Tag)
class TagAdmin(OwnedAdmin):
    """A user's own labels."""

    editable = True
    form = _TagForm
    list_display = ("name", "color", "owner")
    list_select_related = ("owner",)
    search_fields = ("name",)
    fields = ("name", "color", "owner")
    readonly_fields = ("owner",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_view_permission(request)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The owner is no field: it is whoever makes the tag."""
        form = super().get_form(request, obj, change, **kwargs)
        return type("TagForm", (form,), {"owner": obj.owner if obj else request.user})


@admin.register(Activity)
class ActivityAdmin(OwnedAdmin):
    """What was done about leads. Append-only."""

    owner = "lead__owner"
    list_display = ("created_at", "kind", "lead_link", "by", "text")
    list_select_related = ("lead", "by")
    list_filter = (OfLead, "kind")

    @admin.display(description="lead")
    def lead_link(self, activity: Activity) -> str:
        return link_to(activity.lead)
