"""What came of a campaign: counted from its rows, not from its counters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations

from django.db import connection
from django.db.models import Count, Q, Sum

from campaigns.models import Campaign, Delivery, Member
from campaigns.rules.results import Comparison, two_proportions
from integrations.models import VendorCall

_UNSETTLED = (*VendorCall.OPEN, VendorCall.State.IN_DOUBT)  # a call keeps what was reserved for it after it has ended


@dataclass(frozen=True, slots=True)
class VariantResult:
    """Of one text. sent: messages that left, or may have; replied: people who wrote after it, before another."""

    step: int
    name: str
    weight: int
    sent: int
    delivered: int
    replied: int

    @property
    def share(self) -> float | None:
        """Replies per delivered message; None: nothing was delivered."""
        return self.replied / self.delivered if self.delivered else None


@dataclass(frozen=True, slots=True)
class Compared:
    """Two texts of a step. comparison: None where one was not delivered yet."""

    step: int
    a: str
    b: str
    comparison: Comparison | None


@dataclass(frozen=True, slots=True)
class Results:
    """states: messages by state, whose sum is `messages`. people: by status, whose sum is `members`. stopped: people,
    by why. cost: US dollars charged; reserved: for what is not settled yet.
    """

    messages: int
    states: Mapping[str, int]
    members: int
    people: Mapping[str, int]
    stopped: Mapping[str, int]
    variants: Sequence[VariantResult]
    comparisons: Sequence[Compared]
    cost: Decimal
    reserved: Decimal
    replied: int
    opted_out: int

    @property
    def cost_per_reply(self) -> Decimal | None:
        """US dollars; None: nobody has replied."""
        return (self.cost / self.replied).quantize(Decimal("0.0001")) if self.replied else None


def results_of(campaign: Campaign) -> Results:
    """Six statements, however many people it has."""
    rows = Delivery.objects.filter(campaign=campaign)
    states = dict.fromkeys(Delivery.State.values, 0) | _counted(rows, "state")
    members = Member.objects.filter(campaign=campaign)
    people = {Member.Status(status).name.lower(): many for status, many in _counted(members, "status").items()}
    stopped = _counted(members.exclude(why=""), "why")
    money = VendorCall.objects.filter(pk__in=rows.filter(call__isnull=False).values("call")).aggregate(
        cost=Sum("cost", default=Decimal(0)),
        reserved=Sum("reserved", filter=Q(state__in=_UNSETTLED), default=Decimal(0)),
    )
    variants = _variants(campaign)
    return Results(
        messages=sum(states.values()),
        states=states,
        members=sum(people.values()),
        people={status.name.lower(): people.get(status.name.lower(), 0) for status in Member.Status},
        stopped=stopped,
        variants=variants,
        comparisons=_comparisons(variants),
        cost=money["cost"],
        reserved=money["reserved"],
        replied=campaign.replied,
        opted_out=campaign.opted_out,
    )


def _counted(rows: object, column: str) -> dict[str, int]:
    return dict(rows.order_by().values_list(column).annotate(many=Count("pk")))  # type: ignore[attr-defined]


def _variants(campaign: Campaign) -> list[VariantResult]:
    """A reply is counted for the last message that had left before it stopped her campaign."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH left_ AS (
                SELECT d.variant_id, d.state, m.why,
                       row_number() OVER (PARTITION BY d.member_id ORDER BY s.position DESC) AS place
                  FROM campaigns_delivery d
                  JOIN campaigns_member m ON m.id = d.member_id
                  JOIN campaigns_step s ON s.id = d.step_id
                 WHERE d.campaign_id = %s AND d.intended_at IS NOT NULL)
            SELECT s.position, v.name, v.weight, count(l.variant_id), count(*) FILTER (WHERE l.state = 'delivered'),
                   count(*) FILTER (WHERE l.place = 1 AND l.why = 'replied')
              FROM campaigns_variant v
              JOIN campaigns_step s ON s.id = v.step_id
              LEFT JOIN left_ l ON l.variant_id = v.id
             WHERE s.campaign_id = %s
             GROUP BY s.position, v.name, v.weight ORDER BY s.position, v.name
            """,
            [campaign.pk, campaign.pk],
        )
        return [VariantResult(*row) for row in cursor.fetchall()]


def _comparisons(variants: Sequence[VariantResult]) -> list[Compared]:
    """A reply to a message whose delivery nobody reported counts as delivered: a share is never above 1."""
    return [
        Compared(
            a.step,
            a.name,
            b.name,
            two_proportions(a.replied, max(a.delivered, a.replied), b.replied, max(b.delivered, b.replied)),
        )
        for a, b in combinations(variants, 2)
        if a.step == b.step
    ]
