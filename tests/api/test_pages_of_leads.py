"""A page of leads tells what each of them tells alone."""

from __future__ import annotations

import json
from typing import Any

from django.utils import timezone
from rest_framework.utils.encoders import JSONEncoder

from accounts.models import User
from leads.api.serializers import LeadSerializer
from leads.models import Lead, Tag
from tests.api.client import Api
from tests.leads.samples import make_leads


def test_a_page_tells_of_a_lead_what_the_lead_alone_tells(api: Api, ann: User) -> None:
    bucket, leads = make_leads(2, by=ann)
    now = timezone.now()
    Lead.objects.filter(pk=leads[1].pk).update(
        bathrooms="2.5", latitude="47.600001", callback_at=now, enriched_at=now.replace(microsecond=0), custom={"a": 1},
        phone="+15125550100", owner_name="Ada", assigned_to=ann, last_sale_date="2001-02-03", data={"Column": "x"},
        estimated_value=300000, fact_sources={"phone": {"source": "file", "at": "2026-12-01"}},
    )  # fmt: skip
    leads[1].tags.add(Tag.objects.create(owner=ann, team_id=bucket.team_id, name="hot"))

    page: Any = api.get(f"/api/property/bucket/leads?bucketId={bucket.pk}").json()["leads"]

    expected = [LeadSerializer(lead).data for lead in Lead.objects.filter(bucket=bucket).order_by("pk")]
    assert page == json.loads(json.dumps(expected, cls=JSONEncoder))
