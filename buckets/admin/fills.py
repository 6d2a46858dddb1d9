"""What fills buckets."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from buckets.filling.fills import retry_fill
from buckets.models import Fill
from common.admin import ByRow, Empty, chosen, for_each
from common.admin_teams import TeamAdmin, may_write


class InBucket(ByRow):
    title = "bucket"
    parameter_name = "bucket"
    field = "bucket"


@admin.register(Fill)
class FillAdmin(TeamAdmin):
    """Searches and combinations that fill buckets: how far, and why not further."""

    empty = Empty(
        "Sources are the searches and combinations that fill your buckets.",
        "Find properties",
        "buckets_bucket_find",
        may_write,
    )
    team = "bucket__team"
    list_display = (
        "bucket",
        "status",
        "found",
        "fetched",
        "saved",
        "left_out",
        "limit",
        "attempts",
        "error",
        "created_at",
    )
    list_select_related = ("bucket",)
    list_filter = (InBucket, "status")
    fields = (
        "bucket",
        ("criteria", "sets"),
        ("status", "error", "attempts", "not_before", "lease_until"),
        ("found", "fetched", "saved", "limit", "left_out"),
        ("created_at", "updated_at"),
    )
    actions = ("go_on",)

    @admin.action(description="Resume failed sources", permissions=["write"])
    def go_on(self, request: HttpRequest, queryset: QuerySet[Fill]) -> None:
        failed = chosen(self, request, queryset.filter(status=Fill.Status.FAILED).select_related("bucket"))
        if not failed:
            self.message_user(request, "None of these sources has failed.", messages.WARNING)
        for_each(self, request, failed, lambda fill: retry_fill(fill=fill).bucket, done="Resumed")
