"""The page that exports a bucket: which leads, which columns, CSV or Excel."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse

from accounts.access import Scope, access
from accounts.fresh import requires_fresh
from accounts.selectors import user_of
from buckets.models import Bucket
from common.admin import dressed, page
from common.admin_teams import demand, refuse
from leads.admin.base import export_answer, may_export
from leads.models import Lead
from leads.selection.export import Format, Layout
from leads.selection.export_columns import BY_NAME, CUSTOM, FIELDS, PRESETS
from leads.selection.filters import matching

CHOSEN = "chosen"
# name: (what the page calls these leads, by which filter they are found)
ROWS: dict[str, tuple[str, dict[str, str]]] = {
    "bought": ("Leads with purchased data", {"bought": "true"}),
    "all": ("All leads", {}),
    "phone": ("Leads with a phone", {"hasPhone": "true"}),
    "ready": ("Ready to call", {"contactable": "true"}),
}


class ExportForm(forms.Form):
    """rows: the purchased ones first where there are any."""

    rows = forms.ChoiceField(label="Leads", widget=forms.RadioSelect)
    format = forms.ChoiceField(
        label="File",
        widget=forms.RadioSelect,
        choices=[("csv", "CSV (Excel, Google Sheets, dialers)"), ("xlsx", "Excel workbook (.xlsx)")],
        initial="csv",
    )
    preset = forms.ChoiceField(
        label="Columns",
        choices=[*((name, words) for name, (words, _) in PRESETS.items()), (CHOSEN, "Only those checked below")],
        initial="all",
    )
    only = forms.MultipleChoiceField(
        label="Columns to export",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        choices=[
            *((name, column.header) for name, column in BY_NAME.items()),
            (FIELDS, "Custom fields"),
            (CUSTOM, "Further columns of your files"),
        ],
    )

    def __init__(self, *args: Any, bucket: Bucket, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [name for name in ROWS if name != "bought" or bucket.detailed_leads]
        counts = {"bought": bucket.detailed_leads, "all": bucket.total_leads, "phone": bucket.phone_leads}
        rows: Any = self.fields["rows"]
        rows.choices = [
            (name, f"{ROWS[name][0]} ({counts[name]:,})" if name in counts else ROWS[name][0]) for name in names
        ]
        rows.initial = names[0]

    def clean(self) -> dict[str, Any]:
        wishes: dict[str, Any] = super().clean() or {}
        if wishes.get("preset") == CHOSEN and not wishes.get("only") and "only" not in self.errors:
            self.add_error("only", "Check at least one column.")
        return wishes

    def layout(self, time_zone: str) -> Layout:
        wishes = self.cleaned_data
        names = wishes["only"] if wishes["preset"] == CHOSEN else PRESETS[wishes["preset"]][1]
        return Layout(tuple(names), Format(wishes["format"]), time_zone=time_zone)


def urls(model_admin: admin.ModelAdmin[Any]) -> list[URLPattern]:
    """`model_admin` is the bucket's."""

    @requires_fresh
    def export(request: HttpRequest, bucket_id: UUID) -> HttpResponseBase:
        return _export(model_admin, request, bucket_id)

    inside: Any = model_admin.admin_site.admin_view(export)
    return [path("<uuid:bucket_id>/export/", inside, name="buckets_bucket_export")]


def _export(model_admin: admin.ModelAdmin[Any], request: HttpRequest, bucket_id: UUID) -> HttpResponseBase:
    """The form; posted, the file. Somebody else's bucket is not there."""
    bucket: Bucket | None = model_admin.get_queryset(request).filter(pk=bucket_id).first()
    if bucket is None:
        raise Http404("There is no such bucket.")
    demand(request, Scope.EXPORT, bucket.team_id)
    if not may_export(request):
        raise refuse(Scope.CONTACTS)
    form = ExportForm(request.POST if request.method == "POST" else None, bucket=bucket)
    if form.is_valid():
        zone = user_of(request).time_zone
        leads = matching(
            Lead.objects.seen_by(access(request)).filter(bucket=bucket),
            ROWS[form.cleaned_data["rows"]][1],
            time_zone=zone,
        )
        layout, filters = form.layout(zone), [form.cleaned_data["rows"]]
        return export_answer(request, leads, bucket_id=bucket.pk, name=bucket.name, layout=layout, filters=filters)
    back = reverse("admin:buckets_bucket_change", args=[bucket.pk])
    title = f"Export {bucket}"
    shown = {"form": dressed(form), "radios": [form["rows"], form["format"]], "back": back, "chosen": CHOSEN}
    return page(model_admin, request, "admin/export.html", title, **shown)
