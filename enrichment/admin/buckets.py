"""What a bucket can have bought for it: actions of the list of buckets. The price comes first."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from buckets.models import Bucket
from common.admin import chosen, confirmed
from common.admin_extensions import Extension
from enrichment.admin import address_page, bucket_page, combine_page, left_out_page
from enrichment.admin.forms import ApolloForm, EnrichForm, RetryForm, StartForm
from enrichment.admin.starting import start_runs


@admin.action(description="Enrich: property data and contacts …", permissions=["buy"])
def enrich(
    model_admin: admin.ModelAdmin[Bucket], request: HttpRequest, queryset: QuerySet[Bucket]
) -> HttpResponse | None:
    return _start(model_admin, request, queryset, EnrichForm, "Buy property data and contacts")


@admin.action(description="Enrich with Apollo …", permissions=["buy"])
def enrich_apollo(
    model_admin: admin.ModelAdmin[Bucket], request: HttpRequest, queryset: QuerySet[Bucket]
) -> HttpResponse | None:
    return _start(model_admin, request, queryset, ApolloForm, "Business data from Apollo")


@admin.action(description="Retry failed leads …", permissions=["buy"])
def retry_failed(
    model_admin: admin.ModelAdmin[Bucket], request: HttpRequest, queryset: QuerySet[Bucket]
) -> HttpResponse | None:
    return _start(model_admin, request, queryset, RetryForm, "Retry failed leads")


def _start(
    model_admin: admin.ModelAdmin[Bucket],
    request: HttpRequest,
    queryset: QuerySet[Bucket],
    form: type[StartForm],
    title: str,
) -> HttpResponse | None:
    """To the page of the price, which has an address of its own; from there the button comes back here."""
    buckets = chosen(model_admin, request, queryset.select_related("owner"))
    if not buckets:
        return None
    here = bucket_page.quote_address(form, [bucket.pk for bucket in buckets])
    if confirmed(request) or "look" in request.POST:
        return start_runs(model_admin, request, buckets, form, title, here)
    return HttpResponseRedirect(here)


EXTENSION = Extension(
    first=(enrich, enrich_apollo, retry_failed),
    urls=lambda model_admin: [
        *combine_page.urls(model_admin),
        *left_out_page.urls(model_admin),
        *address_page.urls(model_admin),
        *bucket_page.urls(model_admin),
    ],
    context=bucket_page.context,
)
