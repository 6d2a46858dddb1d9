"""Leads are given to members: in turn, in pieces that may be cut off, and by two people at the same time."""

from __future__ import annotations

import threading
from collections import Counter

import pytest
from django.db import connection

from accounts.access import Access, access_in, own_access
from accounts.models import AuditEvent, Membership, User
from buckets.models import Bucket
from buckets.services import create_bucket
from leads.models import Lead
from leads.selection import assignment
from leads.selection.assignment import NotAMember, assign_leads, members_named
from tests.support import make_user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ann() -> Access:
    return own_access(make_user("ann"))


@pytest.fixture
def bucket(ann: Access) -> Bucket:
    return create_bucket(by=ann.user, name="Leads", property_ids=[str(n) for n in range(1, 11)])[0]


def joined(ann: Access, name: str, role: str = "caller") -> User:
    user = User.objects.create(username=name)
    Membership.objects.create(team_id=ann.team_id or 0, user=user, role=role)
    return user


def whose(bucket: Bucket) -> list[int | None]:
    return list(Lead.objects.filter(bucket=bucket).order_by("pk").values_list("assigned_to", flat=True))


def test_in_turn_across_pieces(ann: Access, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assignment, "PIECE", 3)
    bob, cleo = joined(ann, "bob"), joined(ann, "cleo")

    done = assign_leads(leads=Lead.objects.filter(bucket=bucket), to=[bob, cleo], by=ann)

    assert whose(bucket) == [bob.pk, cleo.pk] * 5
    assert (done.leads, done.changed, done.rest) == (10, Counter({bob.pk: 5, cleo.pk: 5}), None)
    assert AuditEvent.objects.filter(action="leads.assigned", team_id=ann.team_id).count() == 4


def test_cut_off_it_goes_on_with_whose_turn_it_is(ann: Access, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assignment, "PIECE", 3)
    bob, cleo = joined(ann, "bob"), joined(ann, "cleo")
    leads, seen, place = Lead.objects.filter(bucket=bucket), 0, None

    while True:
        done = assign_leads(leads=leads, to=[bob, cleo], by=ann, place=place, seconds=-1)
        seen, place = seen + done.leads, done.rest
        if place is None:
            break

    assert (seen, whose(bucket)) == (10, [bob.pk, cleo.pk] * 5)


def test_the_same_again_changes_nothing(ann: Access, bucket: Bucket) -> None:
    bob, leads = joined(ann, "bob"), Lead.objects.filter(bucket=bucket)
    assign_leads(leads=leads, to=[bob], by=ann)

    assert assign_leads(leads=leads, to=[bob], by=ann).changed == {}
    assert assign_leads(leads=leads, to=[], by=ann).changed == {None: 10}
    assert set(whose(bucket)) == {None}


def test_another_teams_leads_stay_as_they_are(ann: Access, bucket: Bucket) -> None:
    bob = own_access(make_user("bob"))
    assert assign_leads(leads=Lead.objects.filter(bucket=bucket), to=[bob.user], by=bob).leads == 0
    assert set(whose(bucket)) == {None}


def test_two_at_once_leave_each_lead_with_one_of_both(
    ann: Access, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assignment, "PIECE", 2)
    people = [joined(ann, "bob"), joined(ann, "cleo")]

    def give(user: User) -> None:
        for _ in range(5):
            assign_leads(leads=Lead.objects.filter(bucket=bucket), to=[user], by=access_in(ann.user, bucket.team_id))
        connection.close()

    threads = [threading.Thread(target=give, args=(user,)) for user in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(whose(bucket)) <= {user.pk for user in people}


@pytest.mark.parametrize("role", ["reader", None])
def test_who_may_not_work_leads_is_given_none(ann: Access, role: str | None) -> None:
    rita = joined(ann, "rita", role) if role else make_user("rita")
    with pytest.raises(NotAMember):
        members_named(ann.team_id, [rita.username])
