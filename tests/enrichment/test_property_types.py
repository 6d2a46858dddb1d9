"""Kinds of property that are none of the vendor's six are kept whole, and an operator sees how many there are."""

from __future__ import annotations

import pytest
from django.utils import timezone

from buckets.models import Bucket
from integrations.vendors.realestateapi import parse
from leads.facts import saving as facts
from leads.facts.saving import FactRow
from leads.models import Lead
from operations.metrics import exposition
from tests.support import make_user

pytestmark = pytest.mark.django_db
LIGHTHOUSE = "LIGHTHOUSE ON A ROCK, WITH A KEEPER'S HUT AND A BOAT"


def test_words_nobody_knows_are_kept_whole_and_counted() -> None:
    ann = make_user()
    bucket = Bucket.objects.create(owner=ann, name="Leads")
    kinds = [LIGHTHOUSE, LIGHTHOUSE.lower(), "Windmill", "Windmill", "SINGLE FAMILY RESIDENCE", "CONDO", None]
    leads = [Lead(bucket=bucket, owner=ann, property_id=str(number)) for number in range(1, len(kinds) + 1)]
    Lead.objects.bulk_create(leads)
    parsed = [parse.detail({"propertyInfo": {"propertyType": kind}}) for kind in kinds]
    facts.save_facts(
        facts.PROPERTY, [FactRow(lead.pk, known, timezone.now()) for lead, known in zip(leads, parsed, strict=True)]
    )

    kept = [lead.property_type for lead in Lead.objects.order_by("pk")]
    assert kept == [LIGHTHOUSE, LIGHTHOUSE.lower(), "Windmill", "Windmill", "SFR", "CONDO", None]
    told = [line for line in exposition().decode().splitlines() if line.startswith("bucket_property_type_unknown")]
    assert told == [
        'bucket_property_type_unknown{words="Windmill"} 2.0',
        f'bucket_property_type_unknown{{words="{LIGHTHOUSE}"}} 1.0',
        f'bucket_property_type_unknown{{words="{LIGHTHOUSE.lower()}"}} 1.0',
    ]
