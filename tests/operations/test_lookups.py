"""What a list hides, no address tells: lists are filtered by what they offer and by nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.db.models import Field, Model
from django.test import Client
from django_celery_beat.models import PeriodicTask

from accounts.access import own_access
from accounts.models import AuditEvent
from buckets.services import create_bucket
from common.admin import Titled
from integrations.ledger import catalogue
from integrations.models import Lookup
from leads.models import Lead
from tests.admin_site import address, staff, superuser

pytestmark = pytest.mark.django_db
PHONE = "+12065550142"
SAFE: dict[Any, set[str]] = {
    AuditEvent: {"kind"},
    Lead: {"status", "enrichment_status"},
    PeriodicTask: {"start_time"},
}
MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)


@pytest.fixture
def boss() -> Client:
    client: Client = superuser()[1]
    return client


def columns(model: type[Model]) -> list[Field[Any, Any]]:
    return [field for field in model._meta.get_fields() if isinstance(field, Field)]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_a_list_is_filtered_by_what_it_offers_alone(boss, model, rf):
    """Asked of the model's admin, for every column and every way Django has to ask; some of them over HTTP."""
    site = admin.site._registry[model]
    request = rf.get("/")
    request.user = superuser("other")[0]
    request.access = own_access(request.user)
    assert isinstance(site, Titled)
    ours = {
        one if isinstance(one, str) else getattr(one, "parameter_name", "") for one in site.get_list_filter(request)
    } | SAFE.get(model, set())

    for field in columns(model):
        for way in ("startswith", "contains", "regex", "iexact", "gt", "lte", "range"):
            assert not site.lookup_allowed(f"{field.name}__{way}", "1", request)
        if field.name not in ours:
            for lookup in (field.name, f"{field.name}__exact", f"{field.name}__isnull", f"{field.name}__phone__gt"):
                assert not site.lookup_allowed(lookup, "1", request)

    first = next(field.name for field in columns(model) if field.name not in ours)
    for query in (f"?{first}__startswith=1", f"?{first}__gt=1&e=1", f"?{first}=1&_facets=True"):
        answer = boss.get(address(model, "changelist") + query)
        assert answer.status_code in (302, 400, 404)
        if answer.status_code == 302:  # to the list as it is without any filter
            assert answer["Location"] == address(model, "changelist") + "?e=1"


def test_a_masked_phone_is_not_told_digit_by_digit(boss):
    Lookup.objects.create(
        operation=catalogue.operation("skip_trace"),
        key="k",
        state="answered",
        facts={"phone": PHONE},
        fetched_at="2026-11-24T12:00Z",
    )
    for query in (
        "facts__phone__startswith=%2B1",
        "facts__icontains=555",
        "call__lookup__facts__phone=1",
        "e=1&facts__phone=1",
    ):
        answer = boss.get(f"{address(Lookup, 'changelist')}?{query}")
        assert (answer.status_code, answer["Location"]) == (302, f"{address(Lookup, 'changelist')}?e=1")


@pytest.mark.long
def test_the_filters_of_a_list_still_work(boss):
    for model in MODELS:
        assert boss.get(address(model, "changelist")).status_code == 200
    for path in (
        "integrations/vendorcall/?state__exact=in_doubt",
        "integrations/vendorcall/?operation__id__exact=1",
        "integrations/operation/?vendor__name__exact=apollo",
        "accounts/user/?is_active__exact=1&memberships__role__exact=manager",
        "django_celery_beat/periodictask/?enabled__exact=1&start_time__isnull=True",
        "enrichment/run/?status__exact=paused&kind__exact=enrich",
        "buckets/bucket/?source__exact=real_estate&_facets=True&o=1.-2",
    ):
        assert boss.get(f"/admin/{path}").status_code == 200


def test_popups_and_autocomplete_tell_no_more():
    user, client = staff("ann")
    bucket, _ = create_bucket(by=user, name="Leads", property_ids=["1"])
    Lead.objects.filter(bucket=bucket).update(phone=PHONE)

    assert client.get(f"{address(Lead, 'changelist')}?_popup=1&_to_field=phone").status_code == 400
    asked = {"app_label": "leads", "model_name": "activity", "field_name": "lead", "term": "2065550142"}
    answer = client.get("/admin/autocomplete/", asked)
    assert answer.status_code == 403 or answer.json()["results"] == []
