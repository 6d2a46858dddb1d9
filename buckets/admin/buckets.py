"""Buckets. The rooms above add what costs money."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.safestring import SafeString

from buckets.admin import find
from buckets.models import Bucket
from buckets.services import delete_bucket, edit_bucket, recount
from common.admin import Empty, OwnedAdmin, ask, chosen, confirmed, for_each, list_link
from common.admin_extensions import Extensible
from leads.admin.base import csv_answer
from leads.models import Lead


@admin.register(Bucket)
class BucketAdmin(Extensible, OwnedAdmin):
    """A bucket is made by a search or a list of ids (API, `create_bucket`); here it is named, exported and deleted."""

    empty = Empty(
        "Buckets hold the leads you save from a search or a file. Saving is free.",
        "Find properties",
        "buckets_bucket_find",
    )
    editable = True
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
    actions: Any = ("export", "recount", "delete")

    def get_urls(self) -> Any:
        return [*find.urls(self), *super().get_urls()]

    def save_model(
        self,
        request: HttpRequest,
        obj: Bucket,
        form: forms.ModelForm[Bucket],
        change: bool,  # Django's signature
    ) -> None:
        edit_bucket(bucket=obj, changes={name: form.cleaned_data[name] for name in form.changed_data})

    @admin.display(description="open")
    def leads_link(self, bucket: Bucket) -> SafeString:
        return list_link(Lead, "View leads", bucket=bucket.pk)

    @admin.action(description="Export selected (CSV)")
    def export(self, request: HttpRequest, queryset: QuerySet[Bucket]) -> StreamingHttpResponse | None:
        buckets = chosen(self, request, queryset)
        if not buckets:
            return None
        leads = Lead.objects.filter(bucket__in=[bucket.pk for bucket in buckets])
        return csv_answer(request, leads, bucket_id=buckets[0].pk if len(buckets) == 1 else None)

    @admin.action(description="Recount leads")
    def recount(self, request: HttpRequest, queryset: QuerySet[Bucket]) -> None:
        buckets = chosen(self, request, queryset)
        wrong = recount(bucket_ids=[bucket.pk for bucket in buckets])
        for bucket in buckets:
            changes = [f"{name} was {stored}, is {real}" for name, (stored, real) in wrong.get(bucket.pk, {}).items()]
            self.message_user(request, f"{bucket}: {', '.join(changes) or 'all correct'}", messages.SUCCESS)

    @admin.action(description="Delete with all leads …")
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
        for_each(self, request, buckets, lambda bucket: delete_bucket(bucket=bucket), done="Deleted")
        return None
