"""A person's own contacts through a real run: imported, then bought, then bought again."""

from __future__ import annotations

import csv
import io
from typing import Any
from uuid import UUID

import pytest

from buckets.models import Bucket
from buckets.services import recount
from enrichment.options import RunOptions
from enrichment.quoting.quotes import quote
from leads.models import Lead
from leads.selection.export import csv_pieces
from operations.reconcile import find_drift
from tests.admin_site import address, staff
from tests.buckets.imports.files import csv_of, imported
from tests.support import billed, finish, set_operations, start

pytestmark = pytest.mark.django_db(transaction=True)

HEADER = ("Address", "City", "State", "Zip", "First Name", "Last Name", "Phone", "Phone 1 DNC", "Second Phone", "Email",
          "Mailing Address", "Mailing City", "Mailing State", "Mailing Zip")  # fmt: skip
OWN = ("Zebulon", "Quixote", "(206) 555-0199", "Y", "(206) 555-0198", "zeb.own@example.com", "1 Own Rd", "Reno", "NV",
       "89501")  # fmt: skip
SHOWN = ("first_name", "last_name", "phone", "phone_do_not_call", "secondary_phone", "email", "mailing_address",
         "mailing_city", "mailing_state", "mailing_zip")  # fmt: skip


@pytest.mark.long
def test_own_contacts_stay_first_what_was_bought_is_beside_them_and_the_other_owner_is_told(sandbox, settings):
    set_operations(settings, pace=0)
    ann, client = staff("ann")
    bucket = Bucket.objects.create(owner=ann, name="My list")
    parcels = [sandbox.source.parcel(n) for n in range(12)]
    imported(bucket, csv_of([[str(p.street), p.city, p.state, p.zip, *OWN] for p in parcels], HEADER))
    assert quote(bucket=bucket, by=ann, options=RunOptions()).notes == ()

    run = finish(start(bucket))

    assert (run.failed, run.spent) == (0, billed(sandbox))
    shown = ("Zebulon", "Quixote", "+12065550199", True, "+12065550198", "zeb.own@example.com", "1 Own Rd", "Reno",
             "NV", "89501")  # fmt: skip
    assert set(Lead.objects.values_list(*SHOWN)) == {shown}
    leads = list(Lead.objects.order_by("pk"))
    assert all(lead.enriched_at and lead.skip_traced_at for lead in leads)
    others: dict[UUID, Any] = {lead.pk: lead.other_facts for lead in leads}
    assert all(entry["source"] == "detail" for other in others.values() for entry in other["owner_name"])
    bought = {pk: other["phone"] for pk, other in others.items() if "phone" in other}
    assert bought
    assert {entry["source"] for phones in bought.values() for entry in phones} == {"trace"}
    bucket.refresh_from_db()
    assert (bucket.detailed_leads, bucket.phone_leads, bucket.enriched_leads) == (12, 12, 12)
    assert (recount(mend=False), find_drift()) == ({}, [])

    again = RunOptions(lead_ids=tuple(lead.pk for lead in leads))
    told = quote(bucket=bucket, by=ann, options=again)
    assert (told.price, told.notes) == (
        0, ("12 leads have another owner in your file than on record: a skip trace asks for the owner of record",),
    )  # fmt: skip
    before = list(Lead.objects.order_by("pk").values(*SHOWN, "other_facts", "fact_sources"))
    assert finish(start(bucket, lead_ids=again.lead_ids)).spent == 0
    assert list(Lead.objects.order_by("pk").values(*SHOWN, "other_facts", "fact_sources")) == before

    page = client.get(address(Lead, "change", next(iter(bought)))).content.decode()
    assert "Your file names Zebulon Quixote; the owner of record is" in page
    assert "Other phone" in page
    assert "your file," in page
    rows = list(csv.DictReader(io.StringIO(b"".join(piece for piece, _ in csv_pieces(Lead.objects.all())).decode())))
    assert {(row["Phone source"], row["Phone do not call"]) for row in rows} == {("file", "true")}
    assert any("phone: +1" in row["Other values"] for row in rows)
