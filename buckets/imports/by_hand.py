"""A lead that a person types: read as one row of a file is, found again where the bucket has the property already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from accounts.audit import record
from accounts.models import User
from buckets.imports.columns import Chosen
from buckets.imports.rows import Reader, Unusable
from buckets.models import Bucket
from buckets.services import BucketGone, check_room
from leads.facts.incoming import Incoming, insert_leads
from leads.facts.typed import email_of
from leads.locks import hold_bucket
from leads.models import Lead

SOURCE = "typed"
# What may be said, by the fields of `buckets.imports.fields`; each with what to type where it cannot be read.
FIELDS: Mapping[str, str] = {
    "propertyId": "RealEstateAPI’s id of the property is a whole number.",
    "address": "Type the street line, such as 12 Main St.",
    "city": "Type a city.",
    "state": "Two letters are needed, such as WA.",
    "zip": "Five digits are needed.",
    "apn": "Type the parcel number as the county writes it.",
    "county": "Type the county’s name.",
    "fips": "Five digits are needed.",
    "ownerName": "Type the owner’s name.",
    "phone": "This is no phone number that could be called.",
    "phoneType": "One of mobile, landline and voip is needed.",
    "secondaryPhone": "This is no phone number that could be called.",
    "email": "This is no e-mail address.",
    "mailingAddress": "Type the street line.",
    "mailingCity": "Type a city.",
    "mailingState": "Two letters are needed, such as WA.",
    "mailingZip": "Five digits are needed.",
    "notes": "Type a note.",
}
# The field that is to blame where a row names no property.
_NAMING = ("apn", "address")


class BadLead(ValueError):
    """What was typed cannot be a lead: {field: what is wrong}."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {words}" for name, words in errors.items()))
        self.errors = dict(errors)


@dataclass(frozen=True, slots=True)
class Added:
    """is_new: False where the bucket had the property: that lead stays as it was."""

    lead: Lead
    is_new: bool


def add_lead(*, bucket: Bucket, by: User, said: Mapping[str, str]) -> Added:
    """A lead of this bucket with what is said of it, by FIELDS; "" says nothing. Its contacts and names are typed by
    this person. Raises BadLead; TeamFull; BucketGone.
    """
    incoming = read(said)
    there: list[UUID] = []

    def found(leads: Sequence[tuple[UUID, Incoming]], _keys: object) -> None:
        there.extend(lead_id for lead_id, _ in leads)

    with transaction.atomic():
        hold_bucket(bucket.pk)
        if not Bucket.objects.filter(pk=bucket.pk).exists():
            raise BucketGone
        new = insert_leads(
            bucket_id=bucket.pk, owner_id=by.pk, team_id=bucket.team_id, source=SOURCE, leads=[incoming], update=found,
            typed_by=by.get_username(),
        )  # fmt: skip
        if new:
            check_room(bucket.team_id)
            lead = Lead.objects.get(pk=new[0])
            after = {"fields": sorted(name for name, text in said.items() if text)}
            record("lead.added", by=by, team_id=bucket.team_id, about=lead, after=after)
            return Added(lead, is_new=True)
    lead = Lead.every.get(pk=there[0])
    return Added(lead.merged_into or lead, is_new=False)


def read(said: Mapping[str, str]) -> Incoming:
    """What is typed as a row of a file would be. Raises BadLead."""
    told = {name: text.strip() for name, text in said.items() if text and text.strip()}
    reader = Reader(Chosen({name: place for place, name in enumerate(told)}, {}), len(told))
    email = told.get("email")
    wrong = {"email": FIELDS["email"]} if email and email_of(email) is None else {}
    try:
        lead = reader(list(told.values()))
    except Unusable as error:
        blamed = next((name for name in _NAMING if name in told), "address")
        raise BadLead({blamed: f"{error}.".replace("..", "."), **wrong}) from error
    wrong |= {name: FIELDS[name] for name in lead.unread if name in FIELDS}
    if wrong:
        raise BadLead(wrong)
    return Incoming(lead.property_id, lead.facts, lead.names)
