"""A person, her houses, and forgetting her."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.db import transaction

from accounts.models import User
from leads.counters import change_counters, count_facts
from leads.facts.saving import CONTACT, PROPERTY, FactRow, save_facts
from leads.models import Forgetting, Lead
from leads.privacy.finding import Asked
from leads.privacy.forgetting import continue_job, forget_person
from leads.services import Finish, finish_leads

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUSE = {"property_address": "12 Main St", "property_city": "Waco", "property_state": "TX", "property_zip": "76701"}
POST = {"mailing_address": "9 Elm Street", "mailing_city": "Waco", "mailing_state": "TX", "mailing_zip": "76701"}
ANN = {"owner_name": "DOE ANN", "first_name": "Ann", "last_name": "Doe", "owner_type": "individual", **POST}
TRACE = {
    "first_name": "Ann", "last_name": "Doe", "contact_name": "Ann Doe", "contact_is_other": False,
    "phone": "+12065550143", "phone_type": "mobile", "phone_do_not_call": False, "secondary_phone": "+12065550144",
    "email": "ann@example.com", "mailing_address": "9 Elm St", "mailing_zip": "76701",
}  # fmt: skip
CONTACT_COLUMNS = (
    "owner_name", "first_name", "last_name", "phone", "phone_type", "secondary_phone", "email", "mailing_address",
    "mailing_zip", "contact_name", "traced_address",
)  # fmt: skip


def operator() -> User:
    return User.objects.get_or_create(username="root", defaults={"is_superuser": True, "is_active": True})[0]


def land(lead: Lead, detail: dict[str, Any] | None = ANN, trace: dict[str, Any] | None = TRACE) -> Lead:
    """What purchases write to a lead, each in its transaction."""
    for what, facts in ((PROPERTY, detail and {**HOUSE, **detail}), (CONTACT, trace)):
        if facts is not None:
            with transaction.atomic():
                count_facts(save_facts(what, [FactRow(lead.pk, facts, NOON)]).grown)
    with transaction.atomic():
        _, grown = finish_leads([Finish(lead.pk)])
        change_counters(lead.bucket_id, enriched_leads=grown)
    lead.refresh_from_db()
    return lead


def forget(**who: str) -> Forgetting:
    """To the end."""
    asked = Asked.of(**who)
    job = forget_person(by=operator(), asked=asked, typed=asked.to_type)
    while continue_job(job.pk):
        pass
    job.refresh_from_db()
    assert job.status == "completed"
    return job


def contacts(lead: Lead) -> dict[str, Any]:
    """What a lead tells of a person."""
    lead.refresh_from_db()
    return {name: value for name in CONTACT_COLUMNS if (value := getattr(lead, name)) is not None}


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())
