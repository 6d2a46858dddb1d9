"""What a bucket can have bought for it. `buckets` stands below and knows nothing of runs."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from buckets.admin import BucketAdmin
from buckets.models import Bucket
from common.admin import chosen, confirmed
from common.contact_access import may_see_contacts
from enrichment.admin import bucket_page, combine_page
from enrichment.admin.forms import ApolloForm, EnrichForm, RetryForm, StartForm
from enrichment.admin.starting import start_runs

admin.site.unregister(Bucket)


@admin.register(Bucket)
class EnrichedBucketAdmin(BucketAdmin):
    """Buckets, and buying facts for their leads: the price first."""

    fields = ("name", "description")
    actions: Any = ("enrich", "enrich_apollo", "retry_failed", *BucketAdmin.actions)

    def get_urls(self) -> Any:
        return [*combine_page.urls(self), *bucket_page.urls(self), *super().get_urls()]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return []

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if context.get("original") is not None:
            context |= bucket_page.context(context["original"])
            context["may_export"] = may_see_contacts(request.user)
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.action(description="Enrich: property data and contacts …")
    def enrich(self, request: HttpRequest, queryset: QuerySet[Bucket]) -> HttpResponse | None:
        return self._start(request, queryset, EnrichForm, "Buy property data and contacts")

    @admin.action(description="Enrich with Apollo …")
    def enrich_apollo(self, request: HttpRequest, queryset: QuerySet[Bucket]) -> HttpResponse | None:
        return self._start(request, queryset, ApolloForm, "Business data from Apollo")

    @admin.action(description="Retry failed leads …")
    def retry_failed(self, request: HttpRequest, queryset: QuerySet[Bucket]) -> HttpResponse | None:
        return self._start(request, queryset, RetryForm, "Retry failed leads")

    def _start(
        self, request: HttpRequest, queryset: QuerySet[Bucket], form: type[StartForm], title: str
    ) -> HttpResponse | None:
        """To the page of the price, which has an address of its own; from there the button comes back here."""
        buckets = chosen(self, request, queryset.select_related("owner"))
        if not buckets:
            return None
        here = bucket_page.quote_address(form, [bucket.pk for bucket in buckets])
        if confirmed(request) or "look" in request.POST:
            return start_runs(self, request, buckets, form, title, here)
        return HttpResponseRedirect(here)
