"""Buckets. The rooms above add what costs money."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.safestring import SafeString

from accounts.access import Scope, access
from accounts.fresh import requires_fresh
from accounts.selectors import user_of
from buckets.admin import by_hand_page, export_page, find, sharing_page
from buckets.deleting.services import delete_bucket
from buckets.models import Bucket
from buckets.services import edit_bucket, recount
from common.admin import Empty, ask, chosen, confirmed, for_each, list_link, sees_all
from common.admin_extensions import Extensible
from common.admin_teams import TeamAdmin, may_write
from common.asking import asks
from leads.admin.base import export_answer, may_export
from leads.models import Lead
from leads.selection.export import Format, Layout


@admin.register(Bucket)
class BucketAdmin(Extensible, TeamAdmin):
    """A bucket is made by a search or a list of ids (API, `create_bucket`); here it is named, exported and deleted."""

    empty = Empty(
        "Buckets hold the leads you save from a search or a file. Saving is free.",
        "Find properties",
        "buckets_bucket_find",
        may_write,
    )
    changes = Scope.WRITE
    list_display = (
        "name",
        "owner",
        "total_leads",
        "detailed_leads",
        "phone_leads",
        "queued_leads",
        "contacted_leads",
        "enrichment_status",
        "created_at",
        "leads_link",
    )
    list_select_related = ("owner",)
    list_filter = ("enrichment_status", "source")
    search_fields = ("name", "=id")
    fields = ("name", "description")
    actions: Any = ("export", "export_xlsx", "recount", "delete")

    def get_urls(self) -> Any:
        return [
            *find.urls(self),
            *by_hand_page.urls(self),
            *export_page.urls(self),
            *sharing_page.urls(self),
            *super().get_urls(),
        ]

    def seen(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        """With those that other teams share with hers."""
        if sees_all(request):
            return rows
        return super().seen(request, rows) | rows.filter(
            pk__in=Bucket.objects.shared_with(access(request)).values("pk")
        )

    def get_list_filter(self, request: HttpRequest) -> Any:
        return [*super().get_list_filter(request), sharing_page.SharedWithYou]

    def added_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        return super().added_context(request, row) | sharing_page.context(request, row)

    def save_model(
        self,
        request: HttpRequest,
        obj: Bucket,
        form: forms.ModelForm[Bucket],
        change: bool,  # Django's signature
    ) -> None:
        before = Bucket.objects.get(pk=obj.pk)  # the form has set its values on `obj` already
        changes = {name: form.cleaned_data[name] for name in form.changed_data}
        edit_bucket(bucket=before, changes=changes, by=user_of(request))

    @admin.display(description="open")
    def leads_link(self, bucket: Bucket) -> SafeString:
        return list_link(Lead, "View leads", bucket=bucket.pk)

    def has_export_permission(self, request: HttpRequest) -> bool:
        return may_export(request)

    @admin.action(description="Export selected (CSV)", permissions=["export"])
    def export(self, request: HttpRequest, queryset: QuerySet[Bucket]) -> StreamingHttpResponse | None:
        return self._export(request, queryset, Format.CSV)

    @admin.action(description="Export selected (Excel)", permissions=["export"])
    def export_xlsx(self, request: HttpRequest, queryset: QuerySet[Bucket]) -> StreamingHttpResponse | None:
        return self._export(request, queryset, Format.XLSX)

    @requires_fresh
    def _export(
        self, request: HttpRequest, queryset: QuerySet[Bucket], of_format: Format
    ) -> StreamingHttpResponse | None:
        buckets = chosen(self, request, queryset)
        if not buckets:
            return None
        leads = Lead.objects.seen_by(access(request)).filter(bucket__in=[bucket.pk for bucket in buckets])
        layout = Layout(format=of_format, time_zone=user_of(request).time_zone)
        of_one = {"bucket_id": buckets[0].pk, "name": buckets[0].name} if len(buckets) == 1 else {}
        return export_answer(request, leads, layout=layout, **of_one)

    @admin.action(description="Recount leads", permissions=["write"])
    def recount(self, request: HttpRequest, queryset: QuerySet[Bucket]) -> None:
        buckets = chosen(self, request, queryset)
        wrong = recount(bucket_ids=[bucket.pk for bucket in buckets])
        for bucket in buckets:
            changes = [f"{name} was {stored}, is {real}" for name, (stored, real) in wrong.get(bucket.pk, {}).items()]
            self.message_user(request, f"{bucket}: {', '.join(changes) or 'all correct'}", messages.SUCCESS)

    @admin.action(description="Delete with all leads …", permissions=["manage"])
    @asks
    def delete(self, request: HttpRequest, queryset: QuerySet[Bucket]) -> HttpResponse | None:
        buckets = chosen(self, request, queryset)
        if not buckets:
            return None
        if not confirmed(request):
            lines = [f"{bucket}: {bucket.total_leads:,} leads" for bucket in buckets]
            more = "Their enrichment jobs stop. Purchased data is kept: a new bucket gets it for $0."
            title = "Delete buckets with all their leads?"
            return ask(self, request, buckets, title=title, lines=[*lines, more], button="Delete")
        self.log_deletions(request, queryset.filter(pk__in=[bucket.pk for bucket in buckets]))
        for_each(
            self, request, buckets, lambda bucket: delete_bucket(bucket=bucket, by=user_of(request)), done="Deleted"
        )
        return None
