"""Leads on several of a team's buckets, and how their last call ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import User
from buckets.services import create_bucket
from campaigns.dialing.dispositions import of_team
from campaigns.models import CallAttempt
from common.db.ids import uuid7
from leads.models import ContactKey, Lead, LeadKey, LeadName
from leads.selection.filters import BadFilter, matching
from tests.campaigns.gate.samples import NOON
from tests.leads.samples import make_lead
from tests.support import make_user

pytestmark = pytest.mark.django_db


def passed(team: int, **params: Any) -> list[tuple[str, str]]:
    rows = matching(Lead.objects.filter(team_id=team), params)
    return sorted(rows.values_list("bucket__name", "property_id"))


def lists(by: User) -> int:
    """Three buckets: 1 is on all, 2 on two, 3 on one."""
    for name, ids in (("A", "123"), ("B", "12"), ("C", "1")):
        create_bucket(by=by, name=name, property_ids=list(ids))
    return int(Lead.objects.filter(owner=by).values_list("team_id", flat=True)[0])


def test_a_property_is_found_by_how_many_of_the_teams_buckets_hold_it() -> None:
    team = lists(make_user("ann"))
    create_bucket(by=make_user("bob"), name="Bob's", property_ids=["2", "3"])
    assert passed(team, bucketsMin=3) == [("A", "1"), ("B", "1"), ("C", "1")]
    assert passed(team, bucketsMin=2) == [("A", "1"), ("A", "2"), ("B", "1"), ("B", "2"), ("C", "1")]
    assert passed(team, bucketsMin=4) == []
    assert passed(team, bucketsMin=3, match="any", propertyState="WA") == passed(team, bucketsMin=3)
    for wrong in (1, 0, "x", 1001, [2, 3]):
        with pytest.raises(BadFilter, match="bucketsMin"):
            passed(team, bucketsMin=wrong)


def test_one_property_by_two_ids_is_one_by_its_name_and_an_owner_by_the_key() -> None:
    team = lists(make_user("ann"))
    two, three = Lead.objects.get(bucket__name="B", property_id="2"), Lead.objects.get(property_id="3")
    for lead in (two, three):
        LeadName.objects.create(lead=lead, bucket_id=lead.bucket_id, exact=77, loose=7, source="vendor")
    assert ("A", "3") in passed(team, bucketsMin=2)
    assert ("A", "3") not in passed(team, bucketsMin=3)
    key = ContactKey.objects.create(kind=3, digest=b"o" * 32, hint="Doe")
    for lead in (two, three, Lead.objects.get(bucket__name="C")):
        LeadKey.objects.create(lead=lead, key=key, role=4, position=0)
    assert passed(team, ownerBucketsMin=3) == [("A", "3"), ("B", "2"), ("C", "1")]
    ContactKey.objects.update(crowded=True)
    assert passed(team, ownerBucketsMin=2) == []


def called(lead: Lead, code: str, *, hours: int) -> None:
    at = NOON + timedelta(hours=hours)
    key, _ = ContactKey.objects.get_or_create(kind=1, digest=lead.pk.bytes * 2, defaults={"hint": "…0143"})
    outcome = next(one for one in of_team(lead.team_id) if one.code == code)
    CallAttempt.objects.create(
        team_id=lead.team_id, lead=lead, key=key, by=lead.owner, token=uuid7(), started_at=at, ended_at=at,
        state="ended", disposition=outcome, disposed_at=at,
    )  # fmt: skip


def test_a_lead_is_found_by_how_its_last_call_ended() -> None:
    lead = make_lead()
    called(lead, "voicemail", hours=0)
    called(lead, "interested", hours=1)
    assert [matching(Lead.objects.all(), {"lastOutcome": code}).count() for code in ("voicemail", "interested")] == [
        0,
        1,
    ]
    assert matching(Lead.objects.all(), {"lastOutcome": ["busy", "interested"]}).count() == 1
