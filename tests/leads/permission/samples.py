"""Leads with contacts, a company, and lists of numbers."""

from __future__ import annotations

import io
from typing import Any

from django.db import transaction

from accounts.access import team_of
from accounts.models import User
from leads.counters import count_facts
from leads.facts.saving import CONTACT, PROPERTY, FactRow, save_facts
from leads.models import Lead, Seller, Upload
from leads.permission import importing
from leads.permission.selling import save_seller
from leads.privacy.filtering import digests_of
from tests.leads.privacy.samples import NOON

PHONE = "+16175550112"
PROFILE = {
    "legal_name": "Acme Homes LLC", "postal_address": "1 Main St, Boston, MA 02108", "callback_phone": "617-555-0100",
    "policy_text": "We do not call who asked us not to.",
}  # fmt: skip


def digest(value: str, kind: int = 1) -> tuple[int, bytes]:
    (one,) = digests_of([(kind, value)])
    return one


def contact(lead: Lead, phone: str = PHONE, owner: dict[str, Any] | None = None, **facts: Any) -> Lead:
    """What a skip trace writes, and of the owner what the county says."""
    told = {"phone": phone, "phone_type": "mobile", **facts}
    for what, said in ((PROPERTY, owner), (CONTACT, told)):
        if said:
            with transaction.atomic():
                count_facts(save_facts(what, [FactRow(lead.pk, said, NOON)]).grown)
    lead.refresh_from_db()
    return lead


def seller(by: User) -> Seller:
    return save_seller(team_id=team_of(by), by=by, values=PROFILE, attest=True)


def list_of(by: User, text: str, kind: str = "suppressions", **options: Any) -> Upload:
    """Uploaded, and read for its preview."""
    file = io.BytesIO(text.encode())
    job = importing.upload(kind=kind, team_id=team_of(by), by=by, file=file, name="list.csv", options=options)
    importing.continue_upload(job.pk)
    job.refresh_from_db()
    return job


def written(job: Upload, by: User) -> Upload:
    """Started, and worked to its end."""
    importing.start_upload(upload=job, by=by)
    while importing.continue_upload(job.pk):
        pass
    job.refresh_from_db()
    return job


def counts(job: Upload) -> tuple[str, int, int, int, int]:
    return job.status, job.rows, job.added, job.known, job.refused
