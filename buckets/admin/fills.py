"""What fills buckets."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from buckets.filling.fills import retry_fill
from buckets.models import Fill
from common.admin import ByRow, Empty, OwnedAdmin, chosen, for_each


class InBucket(ByRow):
    title = "bucket"
    parameter_name = "bucket"
    field = "bucket"


@admin.register(Fill)
class FillAdmin(OwnedAdmin):
    """Searches and combinations that fill buckets: how far, and why not further."""

    empty = Empty(
        "Sources are the searches and combinations that fill your buckets.", "Find properties", "buckets_bucket_find"
    )
    owner = "bucket__owner"
    list_display = ("bucket", "status", "found", "fetched", "saved", "limit", "attempts", "error", "created_at")
    list_select_related = ("bucket",)
    list_filter = (InBucket, "status")
    fields = (
        "bucket",
        ("criteria", "sets"),
        ("status", "error", "attempts", "not_before", "lease_until"),
        ("found", "fetched", "saved", "limit"),
        ("created_at", "updated_at"),
    )
    actions = ("go_on",)

    @admin.action(description="Resume failed sources")
    def go_on(self, request: HttpRequest, queryset: QuerySet[Fill]) -> None:
        failed = chosen(self, request, queryset.filter(status=Fill.Status.FAILED).select_related("bucket"))
        if not failed:
            self.message_user(request, "None of these sources has failed.", messages.WARNING)
        for_each(self, request, failed, lambda fill: retry_fill(fill=fill).bucket, done="Resumed")
