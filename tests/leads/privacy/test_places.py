"""docs/privacy.md lists every text that may be of a person, and every one that is not."""

from __future__ import annotations

import re
from pathlib import Path

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import models

from leads.models import Lead
from leads.privacy import person
from leads.privacy.finding import FACTS
from leads.privacy.places import places

ROOMS = ("accounts", "integrations", "leads", "buckets", "enrichment", "campaigns", "operations")
TEXTS = (
    models.CharField,
    models.TextField,
    models.JSONField,
    models.BinaryField,
    models.GenericIPAddressField,
    ArrayField,
)
PAGE = (Path(__file__).resolve().parents[3] / "docs" / "privacy.md").read_text()


def listed(text: str) -> list[str]:
    """Each "room.Model: a b" or "room.Model a b" of the page, as room.Model.a."""
    return [
        f"{model}.{column}"
        for model, columns in re.findall(rf"\b((?:{'|'.join(ROOMS)})\.[A-Z]\w+):? ((?:[a-z_0-9]+ ?)+)", text)
        for column in columns.split()
    ]


def texts() -> set[str]:
    return {
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models(include_auto_created=True)
        if model._meta.app_label in ROOMS
        for field in model._meta.local_concrete_fields
        if isinstance(field, TEXTS) and not field.choices
    }


def test_every_text_of_a_model_is_on_the_page_once() -> None:
    named = listed(PAGE.split("## Every place")[1])
    assert sorted(texts() - set(named)) == [], "say in docs/privacy.md whether it is personal, and what forgets it"
    assert sorted(set(named) - texts()) == [], "docs/privacy.md names what is no more"
    assert len(named) == len(set(named))


def test_every_place_that_the_page_says_a_job_searches_is_searched() -> None:
    said = {place.strip().split(" (")[0] for told in re.findall(r"job: ([^|]+)\|", PAGE) for place in told.split(",")}
    assert said == {*places()} - {"leads again"}


def test_every_text_column_of_a_lead_is_read_for_phones_and_emails_that_were_typed_into_it() -> None:
    no_text = "email phone secondary_phone apn fips property_id source status enrichment_status apollo_person_id"
    no_text += " apollo_org_id phone_type secondary_phone_type"
    fields = [field for field in Lead._meta.local_concrete_fields if isinstance(field, models.CharField)]
    kept = {*no_text.split(), *(field.name for field in fields if field.name.endswith(("_state", "_zip")))}
    assert {*person.TEXTS, *person.BOOKS} <= {*FACTS}
    assert {field.name: field.max_length for field in fields if field.name not in kept} == person.TEXTS
    assert {field.name for field in Lead._meta.local_concrete_fields if isinstance(field, models.JSONField)} == {
        *person.BOOKS, *person.OWN,
    }  # fmt: skip
