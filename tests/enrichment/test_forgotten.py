"""A forgotten owner is neither traced nor quoted; the next owner of her house is."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from enrichment.models import RunItem
from enrichment.options import RunOptions
from enrichment.quoting import quotes
from integrations.models import Lookup
from leads.models import Lead
from leads.privacy.finding import Asked
from leads.privacy.forgetting import continue_job, forget_person
from operations.reconcile import find_drift
from sandbox.server import Sandbox
from tests.support import billed, finish, make_bucket, make_user, start

pytestmark = pytest.mark.django_db(transaction=True)


def test_she_is_not_bought_again_by_anybody_and_other_owners_are(
    sandbox: Sandbox, settings: Any, tmp_path: Path
) -> None:
    settings.FORGOTTEN_FILE = str(tmp_path / "forgotten.jsonl")
    ann = make_user()
    bucket = make_bucket(sandbox, ann, 6)
    finish(start(bucket))
    lead = Lead.objects.filter(
        bucket=bucket, phone__isnull=False, contact_is_other=False, owner_type="individual"
    ).first()
    assert lead is not None
    ann.is_superuser = True
    ann.save()
    asked = Asked.of(phone=lead.phone or "", name=lead.owner_name or "")
    job = forget_person(by=ann, asked=asked, typed=asked.to_type)
    while continue_job(job.pk):
        pass
    lead.refresh_from_db()
    assert (lead.phone, lead.email, lead.owner_name) == (None, None, None)
    assert find_drift() == []

    Lookup.objects.all().update(state="free", fetched_at=None)  # all of it is to be bought again
    bob = make_user("bob")
    again = make_bucket(sandbox, bob, 6)
    before = billed(sandbox)
    finish(start(again))
    theirs = Lead.objects.get(bucket=again, property_id=lead.property_id)
    assert (theirs.phone, theirs.email, theirs.owner_name, theirs.enrichment_status) == (None, None, None, "partial")
    assert RunItem.objects.get(lead=theirs).category == "FORGOTTEN"
    assert Lead.objects.filter(bucket=again, phone__isnull=False).count() >= 3
    assert billed(sandbox) - before <= Decimal("0.05") * 11  # six details, five owners
    Lookup.objects.filter(operation__name="skip_trace").update(state="free", fetched_at=None)
    details, traces = quotes.quote(
        by=bob, bucket=again, options=RunOptions(lead_ids=list(again.leads.values_list("pk", flat=True)))
    ).lines
    assert (details.to_buy, traces.to_buy) == (0, 5)
