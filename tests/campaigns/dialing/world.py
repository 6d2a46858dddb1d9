"""A team with callers, and call lists over people whom the gate lets through: Tue, Sep 15, 2026, noon in Boston."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from accounts.access import Access, access_of, team_of
from accounts.models import Membership, User
from buckets.models import Bucket
from campaigns.dialing.calling import place_call
from campaigns.dialing.lists import ListPlan, create_list, open_list
from campaigns.dialing.offering import Offer, next_lead
from campaigns.models import CallAttempt, Campaign, Member
from campaigns.planning.audience import Audience
from common.db.clock import database_now
from leads.models import Lead, Seller
from tests.campaigns.sending.world import BOSTON, NOON, at_time, make_company, make_people


@dataclass(slots=True)
class Floor:
    """ann: the manager. callers: of her team, without leads of their own."""

    ann: User
    callers: list[User]
    seller: Seller
    bucket: Bucket
    leads: list[Lead]
    lists: list[Campaign] = field(default_factory=list)

    @property
    def team_id(self) -> int:
        return team_of(self.ann)

    @property
    def manager(self) -> Access:
        return access_of(self.ann, self.team_id)

    def caller(self, place: int = 0) -> Access:
        return access_of(self.callers[place], self.team_id)

    def list(self, name: str = "Monday", *, opened: bool = True, **more: Any) -> Campaign:
        """Over the bucket."""
        audience = more.pop("audience", None) or Audience(bucket_id=self.bucket.pk)
        made, _ = create_list(self.manager, ListPlan(name, audience, **more))
        self.lists.append(open_list(self.manager, made.pk) if opened else made)
        return self.lists[-1]


def make_floor(
    count: int, settings: Any, *, callers: int = 2, places: Sequence[tuple[str, ...]] = BOSTON, moment: Any = NOON
) -> Floor:
    at_time(settings, moment)
    ann = User.objects.create_user("ann")
    Membership.objects.filter(user=ann).update(role="manager")
    seller, _ = make_company(ann)
    team_id = team_of(ann)
    people = []
    for place in range(callers):
        user = User.objects.create_user(f"caller{place}", password="dial-9-for-a-line", time_zone="America/New_York")
        Membership.objects.filter(user=user).delete()
        Membership.objects.create(user=user, team_id=team_id, role="caller")
        people.append(user)
    bucket, leads = make_people(ann, seller, count, places=places)
    return Floor(ann, people, seller, bucket, leads)


def offer(access: Access) -> Offer:
    """The next, which there must be."""
    found = next_lead(access)
    assert isinstance(found, Offer), found
    return found


def call(access: Access, on: Offer | None = None) -> CallAttempt:
    """Her call of what is before her, by her own phone."""
    on = on or offer(access)
    return place_call(
        access, lead_id=on.lead.pk, member_id=on.member.pk, number=on.numbers[on.chosen].number, mode="tel"
    )


def late(member: Member) -> None:
    """Its lease is over: the page is gone for 15 minutes."""
    Member.objects.filter(pk=member.pk).update(lease_until=database_now() - timedelta(seconds=1))


def taken() -> list[Member]:
    return list(Member.objects.filter(taken_by__isnull=False))
