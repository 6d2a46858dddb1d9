"""What a caller needs to see of the lead that is before her: who, which numbers, what is known, what was said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.access import Access, Scope
from campaigns.dialing.before import undisposed
from campaigns.dialing.live import today
from campaigns.dialing.offering import Number, Offer
from campaigns.dialing.progress import REACHED
from campaigns.gate import leads as of_lead
from campaigns.models import CallAttempt, Campaign
from leads.calendar import clock
from leads.calendar.table import Event
from leads.keys import owners
from leads.models import Activity, Lead
from leads.selectors import activities_of

LATEST = 8  # of what was done about her
PARCELS = 8  # of the owner's other ones
CALLBACKS = 5  # of those that are due


@dataclass(frozen=True, slots=True)
class Parcel:
    """Another one of the owner's, of the team: no more than where it is and how far."""

    words: str
    status: str


@dataclass(frozen=True, slots=True)
class Sight:
    """campaign, member_id: None of a call by hand. numbers: empty then, but for the one that is called.

    attempt: her call, open or without an outcome. zones: the time zones that count, the lead's own first.
    """

    lead: Lead
    campaign: Campaign | None
    member_id: UUID | None
    numbers: Sequence[Number]
    chosen: int
    why: str
    lease_until: datetime | None
    attempt: CallAttempt | None
    zones: Sequence[str]
    others: Sequence[Parcel]
    timeline: Sequence[Activity]

    @property
    def is_gone(self) -> bool:
        """The lead was deleted while she called it: this one says nothing."""
        return self.lead._state.adding  # noqa: SLF001  # Django's own word for "not stored"


def sight_of(offer: Offer, access: Access) -> Sight:
    """Of what is before her by a list."""
    return Sight(
        offer.lead, offer.campaign, offer.member.pk, offer.numbers, offer.chosen, offer.why, offer.lease_until,
        offer.attempt, zones_of(offer.lead, offer.numbers[offer.chosen].number if offer.numbers else None),
        parcels_of(offer.lead, access), list(activities_of(offer.lead).order_by("-pk")[:LATEST]),
    )  # fmt: skip


def by_hand(access: Access) -> CallAttempt | None:
    """Her call that no list puts before her (any more), open or without an outcome: by hand, or its list was closed, or
    its lead deleted.
    """
    attempt = undisposed(access)
    return attempt if attempt is not None and attempt.team_id == access.team_id else None


def sight_by_hand(attempt: CallAttempt, access: Access) -> Sight:
    """Of a call by hand. Where its lead was deleted, of one that says nothing and is nowhere stored."""
    lead = attempt.lead
    if lead is None:
        why = "The lead was deleted meanwhile: say how the call ended"
        lead = Lead(team_id=attempt.team_id)
    else:
        why = "Your call before this: say how it ended" if attempt.campaign_id else "Called from the lead’s page"
    number = Number(
        position=0, number=attempt.number or "", key_id=attempt.key_id, kind=attempt.number_kind, may_call=False,
        words="", fetched_at=attempt.number_at, last_outcome="", do_not_call=None,
    )  # fmt: skip
    return Sight(
        lead, attempt.campaign, None, [number], 0, why, None, attempt,
        zones_of(lead, attempt.number), parcels_of(lead, access), list(activities_of(lead).order_by("-pk")[:LATEST]),
    )  # fmt: skip


def zones_of(lead: Lead, number: str | None) -> list[str]:
    """Those that count when this number of the lead is called; empty: nobody knows."""
    row = of_lead.read([lead.pk]).get(lead.pk)
    return sorted(of_lead.of_address(row, number, "call").zones)


def parcels_of(lead: Lead, access: Access) -> list[Parcel]:
    """The owner's other ones, her own team's alone."""
    rows = owners.others_of(lead, Lead.objects.filter(team=access.team), contacts=access.can(Scope.CONTACTS)).order_by(
        "pk"
    )[:PARCELS]
    return [
        Parcel(", ".join(filter(None, (str(row), row.property_city))), str(row.get_status_display())) for row in rows
    ]


@dataclass(frozen=True, slots=True)
class Due:
    """mine: her callbacks that are due, the first ones; many: how many; anyones: those that any caller may make."""

    mine: Sequence[Event]
    many: int
    anyones: int


def callbacks_due(access: Access) -> Due:
    """By the calendar's clock."""
    due = Event.objects.filter(
        team=access.team, kind=Event.Kind.CALLBACK, status=Event.Status.PLANNED, starts_at__lte=clock.now()
    ).select_related("lead")
    mine = due.filter(owner=access.user)
    first = list(mine.order_by("starts_at", "pk")[:CALLBACKS])
    many = len(first) if len(first) < CALLBACKS else mine.count()
    return Due(first, many, due.filter(anyone=True).exclude(owner=access.user).count())


def today_of(access: Access) -> tuple[int, int]:
    """(calls, calls that reached somebody) of hers since midnight by her clock."""
    rows = CallAttempt.objects.filter(by=access.user, team=access.team, started_at__gte=today())
    return rows.count(), rows.filter(disposition__outcome__in=REACHED).count()
