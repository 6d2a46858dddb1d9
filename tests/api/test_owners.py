"""Everything about one owner: by a key that says nothing, of one's own team, by right."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.access import own_access
from accounts.models import Membership
from leads.keys.opaque import LENGTH, key_meant, owner_key, owner_keys_of
from leads.models import ContactKey, Lead, LeadKey
from leads.permission.adding import add_suppression
from leads.services import add_activity, edit_lead
from tests.api.client import Api, body_of, refused
from tests.leads.samples import make_leads

pytestmark = pytest.mark.django_db
OWNED = {"owner_name": "Jo Quill", "mailing_address": "1 Elm St", "mailing_zip": "98101"}
PHONE = "+12065550100"


@pytest.fixture
def leads(ann: Any) -> list[Lead]:
    """Two of Jo's, and one of somebody else."""
    _, leads = make_leads(3, by=ann)
    for lead in leads[:2]:
        edit_lead(lead=lead, by=ann, changes=OWNED | {"phone": PHONE})
    return leads


def test_an_owner_is_told_whole_by_the_key_that_the_leads_carry(api: Api, ann: Any, leads: list[Lead]) -> None:
    add_activity(lead=leads[0], by=ann, kind="call", text="Rang")
    add_suppression(access=own_access(ann), phone=PHONE, scope="sms")
    keys = {row["id"]: row["ownerKey"] for row in body_of(api.get("/api/leads?fields=id,ownerKey"))["leads"]}
    key = keys[str(leads[0].pk)]

    told = body_of(api.get(f"/api/owners/{key}?fields=id,phone&total=true"))

    assert keys[str(leads[1].pk)] == key
    assert keys[str(leads[2].pk)] is None
    assert told["leads"] == [{"id": str(lead.pk), "phone": PHONE} for lead in leads[:2]]
    assert (told["total"], told["totalIsExact"]) == (2, True)
    owner = told["owner"]
    assert (owner["name"], owner["mailingAddress"], owner["ownerKey"]) == ("Jo Quill", "1 Elm St", key)
    assert owner["counts"]["activitiesByKind"] == {"call": 1}
    assert owner["counts"]["leadsByStatus"] == {"new": 2}
    (contact,) = owner["contacts"]
    assert (contact["kind"], contact["hint"], contact["leads"]) == ("phone", "…0100", 2)
    assert contact["suppressedFor"] == ["sms"]
    assert [one["scope"] for one in owner["suppressions"]] == ["sms"]
    assert body_of(api.get(f"/api/leads/{leads[0].pk}"))["lead"]["ownerKey"] == key


def test_a_key_is_a_teams_own_and_no_guess_makes_one(api: Api, ann: Any, bob: Any, leads: list[Lead]) -> None:
    team = leads[0].team_id
    key = owner_keys_of([(leads[0].pk, team)])[leads[0].pk]
    row = ContactKey.objects.get(kind=3)
    theirs = Membership.objects.get(user=bob).team_id

    assert key == owner_key(team, row.pk) != owner_key(theirs, row.pk)
    assert len(key) == LENGTH
    assert (key_meant(team, key), key_meant(theirs, key), key_meant(None, key)) == (row.pk, None, None)
    assert "quill" not in key.lower()
    for said in (owner_key(theirs, row.pk), key[:-1], key + "A", key.upper(), "own_%00", "x", "own_" + "é" * 22):
        refused(api.get(f"/api/owners/{said}"), 404)
    refused(Api(bob).get(f"/api/owners/{key}"), 404)


def test_an_older_secret_still_reads_the_keys_it_made(settings: Any, leads: list[Lead]) -> None:
    team, before = leads[0].team_id, settings.CONTACT_KEY_SECRETS
    key = owner_keys_of([(leads[0].pk, team)])[leads[0].pk]

    settings.CONTACT_KEY_SECRETS = ["another-secret-of-fifty-characters-0123456789-abcdef", *before]

    assert key_meant(team, key) == ContactKey.objects.get(kind=3).pk
    assert owner_keys_of([(leads[0].pk, team)])[leads[0].pk] != key


def test_who_sees_no_contacts_is_told_no_numbers_and_a_caller_her_own_leads_alone(
    api: Api, ann: Any, leads: list[Lead]
) -> None:
    key = owner_keys_of([(leads[0].pk, leads[0].team_id)])[leads[0].pk]
    add_suppression(access=own_access(ann), phone=PHONE, scope="sms")
    Membership.objects.filter(user=ann).update(role="reader")

    told = body_of(api.get(f"/api/owners/{key}?include=contacts,suppressions"))

    assert (told["owner"]["contacts"], told["owner"]["consents"], told["owner"]["suppressions"]) == ([], [], [])
    assert all(PHONE not in str(lead) for lead in told["leads"])
    Membership.objects.filter(user=ann).update(role="caller")
    refused(api.get(f"/api/owners/{key}"), 404)
    Lead.objects.filter(pk=leads[1].pk).update(assigned_to=ann)
    told = body_of(api.get(f"/api/owners/{key}"))
    assert [lead["id"] for lead in told["leads"]] == [str(leads[1].pk)]
    assert told["owner"]["counts"]["leads"] == 1


def test_an_owner_whose_key_too_many_share_is_none(api: Api, leads: list[Lead]) -> None:
    key = owner_keys_of([(leads[0].pk, leads[0].team_id)])[leads[0].pk]
    ContactKey.objects.filter(pk__in=LeadKey.objects.values("key")).update(crowded=True)

    refused(api.get(f"/api/owners/{key}"), 404)
    assert owner_keys_of([(leads[0].pk, leads[0].team_id)]) == {}
