"""What a bucket can have bought for it. `buckets` stands below and knows nothing of runs."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from buckets.admin import BucketAdmin
from buckets.models import Bucket
from config.common.admin import chosen, list_link
from enrichment.admin.starting import ApolloForm, EnrichForm, RetryForm, StartForm, start_runs
from enrichment.models import Run
from enrichment.selectors import bucket_money

admin.site.unregister(Bucket)


@admin.register(Bucket)
class EnrichedBucketAdmin(BucketAdmin):
    """Buckets, and buying facts for their leads: the price first."""

    fields = (*BucketAdmin.fields, "runs_link", "spent")
    actions: Any = ("enrich", "enrich_apollo", "retry_failed", *BucketAdmin.actions)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*super().get_readonly_fields(request, obj), "runs_link", "spent"]

    @admin.display(description="runs")
    def runs_link(self, bucket: Bucket) -> SafeString:
        return list_link(Run, "Runs", bucket=bucket.pk)

    @admin.display(description="spent")
    def spent(self, bucket: Bucket) -> str:
        return f"${bucket_money(bucket):.2f}"

    @admin.action(description="Enrich: property details and contacts …")
    def enrich(self, request: HttpRequest, queryset: QuerySet[Bucket]) -> HttpResponse | None:
        return self._start(request, queryset, EnrichForm, "Buy property details and contacts")

    @admin.action(description="Enrich with Apollo …")
    def enrich_apollo(self, request: HttpRequest, queryset: QuerySet[Bucket]) -> HttpResponse | None:
        return self._start(request, queryset, ApolloForm, "Buy business facts from Apollo")

    @admin.action(description="Retry failed leads …")
    def retry_failed(self, request: HttpRequest, queryset: QuerySet[Bucket]) -> HttpResponse | None:
        return self._start(request, queryset, RetryForm, "Try failed leads again")

    def _start(
        self, request: HttpRequest, queryset: QuerySet[Bucket], form: type[StartForm], title: str
    ) -> HttpResponse | None:
        buckets = chosen(self, request, queryset.select_related("owner"))
        return start_runs(self, request, buckets, form, title) if buckets else None
