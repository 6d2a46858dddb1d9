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
    """Of one text. sent: messages that left, or may have. delivered: that arrived; of an e-mail that nobody reports on,
    that was taken and did not come back. bounced, complained, clicked: e-mails; clicked: by a person. replied,
    opted_out: people who did after it, before another.
    """

    step: int
    channel: str
    name: str
    weight: int
    sent: int
    delivered: int
    bounced: int
    complained: int
    clicked: int
    replied: int
    opted_out: int

    @property
    def share(self) -> float | None:
        """Replies per delivered message; None: nothing was delivered."""
        return self.replied / self.delivered if self.delivered else None

    @property
    def clicks(self) -> float | None:
        """E-mails in which a person clicked per delivered one."""
        return self.clicked / self.delivered if self.delivered else None


@dataclass(frozen=True, slots=True)
class Compared:
    """Two texts of a step, by replies or by clicks of people; never by opens. comparison: None where one was not
    delivered yet.
    """

    step: int
    a: str
    b: str
    comparison: Comparison | None
    measure: str = "replies"


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
    """All revisions of a text together: an edit is no other side of the comparison."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT s.position, s.channel, v.name, v.weight, count(d.id),
                   count(*) FILTER (WHERE d.state = 'delivered' OR d.channel = 'email' AND d.state = 'accepted'),
                   count(d.bounced_at), count(d.complained_at), count(d.clicked_at), count(d.replied_at),
                   count(d.opted_out_at)
              FROM campaigns_variant v
              JOIN campaigns_step s ON s.id = v.step_id
              LEFT JOIN campaigns_delivery d
                ON d.variant_id = v.id AND d.campaign_id = s.campaign_id AND d.intended_at IS NOT NULL
             WHERE s.campaign_id = %s
             GROUP BY s.position, s.channel, v.name, v.weight ORDER BY s.position, v.name
            """,
            [campaign.pk],
        )
        return [VariantResult(*row) for row in cursor.fetchall()]


def _comparisons(variants: Sequence[VariantResult]) -> list[Compared]:
    """A reply to a message whose delivery nobody reported counts as delivered: a share is never above 1."""
    pairs = [(a, b) for a, b in combinations(variants, 2) if a.step == b.step]
    return [_compared(a, b, "replied", "replies") for a, b in pairs] + [
        _compared(a, b, "clicked", "clicks") for a, b in pairs if a.clicked or b.clicked
    ]


def _compared(a: VariantResult, b: VariantResult, column: str, measure: str) -> Compared:
    (hits_a, of_a), (hits_b, of_b) = ((getattr(one, column), one.delivered) for one in (a, b))
    found = two_proportions(hits_a, max(of_a, hits_a), hits_b, max(of_b, hits_b))
    return Compared(a.step, a.name, b.name, found, measure)
