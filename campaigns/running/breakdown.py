"""What a campaign's people came to, and what that cost with the facts that were bought of them: by bucket, by the
search that found them, by who sold the number or address, by state. Reads only.

Of a lead's facts counts what its team's enrichment jobs paid: a job's cost in the ledger, split evenly over the leads
that it asked for. Single look-ups are not of a lead's job and are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal
from uuid import UUID

from django.db import connection

from campaigns.dialing.progress import REACHED
from campaigns.dialing.scorecard import SOURCES
from campaigns.models import Campaign
from leads.facts.sources import source_of
from leads.models import Lead
from leads.selection.export import guarded, line_of

By = Literal["bucket", "search", "vendor", "state"]
BY: Final[Mapping[By, str]] = {"bucket": "Bucket", "search": "Search", "vendor": "Data from", "state": "State"}
GONE, NONE, NO_SEARCH = "Deleted leads", "Not known", "No search: a file, or typed"
_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Line:
    """people: in the campaign. contacted: at least one message or call left. clicked: a link in an e-mail. replied: by
    text or e-mail. conversations: who replied or was reached by phone. appointments: who has one. deals: leads that are
    closed by now. US dollars.
    """

    code: str
    name: str
    people: int = 0
    contacted: int = 0
    clicked: int = 0
    replied: int = 0
    conversations: int = 0
    appointments: int = 0
    deals: int = 0
    contact_cost: Decimal = Decimal(0)
    facts_cost: Decimal = Decimal(0)

    @property
    def cost(self) -> Decimal:
        return self.contact_cost + self.facts_cost

    @property
    def cost_per_reply(self) -> Decimal | None:
        """With the facts; None: nobody replied."""
        return (self.cost / self.replied).quantize(_CENT) if self.replied else None

    @property
    def cost_per_conversation(self) -> Decimal | None:
        """With the facts; None: there was none."""
        return (self.cost / self.conversations).quantize(_CENT) if self.conversations else None


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The lines of each list sum to total, but for what was split by cents. Most people first."""

    total: Line
    lists: Mapping[By, Sequence[Line]]


_PEOPLE = """
    WITH people AS (
        SELECT m.id, m.lead_id FROM campaigns_member m WHERE m.campaign_id = %(campaign)s),
    messages AS (
        SELECT d.member_id, bool_or(d.intended_at IS NOT NULL) AS contacted,
               bool_or(d.replied_at IS NOT NULL) AS replied, bool_or(d.clicked_at IS NOT NULL) AS clicked,
               sum(c.cost) AS cost
          FROM campaigns_delivery d LEFT JOIN integrations_vendorcall c ON c.id = d.call_id
         WHERE d.campaign_id = %(campaign)s GROUP BY d.member_id),
    calls AS (
        SELECT a.member_id, bool_or(o.outcome = ANY(%(reached)s)) AS reached, sum(c.cost) AS cost
          FROM campaigns_callattempt a
          LEFT JOIN campaigns_disposition o ON o.id = a.disposition_id
          LEFT JOIN integrations_vendorcall c ON c.id = a.call_id
         WHERE a.member_id IN (SELECT id FROM people) GROUP BY a.member_id),
    asked AS (
        SELECT i.lead_id, i.run_id FROM enrichment_runitem i JOIN enrichment_run r ON r.id = i.run_id
         WHERE i.lead_id IN (SELECT lead_id FROM people) AND r.team_id = %(team)s AND i.outcome NOT IN (0, 4)),
    jobs AS (
        SELECT r.id, (SELECT sum(c.cost) FROM integrations_vendorcall c WHERE c.run_id = r.id)
                     / greatest(1, r.enriched + r.partial + r.failed) AS each
          FROM enrichment_run r WHERE r.id IN (SELECT run_id FROM asked)),
    facts AS (
        SELECT a.lead_id, sum(j.each) AS cost FROM asked a JOIN jobs j ON j.id = a.run_id GROUP BY a.lead_id)
    SELECT p.lead_id,
           coalesce(m.contacted, false) OR c.member_id IS NOT NULL,
           coalesce(m.clicked, false),
           coalesce(m.replied, false),
           coalesce(m.replied, false) OR coalesce(c.reached, false),
           EXISTS (SELECT FROM leads_event e WHERE e.lead_id = p.lead_id AND e.kind = 'appointment'
                      AND e.status IN ('planned', 'done') AND e.starts_at >= %(since)s),
           EXISTS (SELECT FROM leads_lead l WHERE l.id = p.lead_id AND l.status = 'closed'),
           coalesce(m.cost, 0) + coalesce(c.cost, 0), coalesce(f.cost, 0)
      FROM people p
      LEFT JOIN messages m ON m.member_id = p.id
      LEFT JOIN calls c ON c.member_id = p.id
      LEFT JOIN facts f ON f.lead_id = p.lead_id
"""


@dataclass(frozen=True, slots=True)
class _Person:
    lead_id: UUID | None
    contacted: bool
    clicked: bool
    replied: bool
    conversed: bool
    meets: bool
    is_deal: bool
    contact_cost: Decimal
    facts_cost: Decimal


def breakdown_of(campaign: Campaign) -> Breakdown:
    """Three statements, however many people it has."""
    people = _people(campaign)
    leads = _leads([one.lead_id for one in people if one.lead_id is not None])
    of: Mapping[By, Callable[[Mapping[str, Any]], tuple[str, str]]] = {
        "bucket": _bucket, "search": _search, "vendor": _vendor(campaign), "state": _state,
    }  # fmt: skip
    lists = {}
    for by, place in of.items():
        groups: dict[tuple[str, str], list[_Person]] = {}
        for one in people:
            lead = leads.get(one.lead_id) if one.lead_id is not None else None
            groups.setdefault(("", GONE) if lead is None else place(lead), []).append(one)
        lists[by] = sorted((_line(*named, found) for named, found in groups.items()), key=lambda one: -one.people)
    return Breakdown(_line("", "All", people), lists)


def _people(campaign: Campaign) -> list[_Person]:
    if campaign.started_at is None:
        return []
    asked: dict[str, Any] = {
        "campaign": campaign.pk, "team": campaign.team_id, "since": campaign.started_at, "reached": list(REACHED),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_PEOPLE, asked)
        return [_Person(*row) for row in cursor.fetchall()]


def _leads(ids: Sequence[UUID]) -> dict[UUID, Mapping[str, Any]]:
    columns = (
        "pk", "property_state", "phone", "email", "fact_sources", "enriched_at", "skip_traced_at", "apollo_enriched_at",
        "created_at", "bucket_id", "bucket__name", "bucket__source", "bucket__filters",
    )  # fmt: skip
    return {row["pk"]: row for row in Lead.every.filter(pk__in=ids).order_by().values(*columns)}


def _line(code: str, name: str, people: Sequence[_Person]) -> Line:
    return Line(
        code,
        name,
        people=len(people),
        contacted=sum(one.contacted for one in people),
        clicked=sum(one.clicked for one in people),
        replied=sum(one.replied for one in people),
        conversations=sum(one.conversed for one in people),
        appointments=sum(one.meets for one in people),
        deals=sum(one.is_deal for one in people),
        contact_cost=sum((one.contact_cost for one in people), Decimal(0)),
        facts_cost=sum((one.facts_cost for one in people), Decimal(0)).quantize(Decimal("0.0001")),
    )


def _bucket(lead: Mapping[str, Any]) -> tuple[str, str]:
    return str(lead["bucket_id"]), lead["bucket__name"]


def _search(lead: Mapping[str, Any]) -> tuple[str, str]:
    """What was searched for: two buckets of one search are one line."""
    asked = lead["bucket__filters"]
    pairs = sorted(asked.items()) if isinstance(asked, dict) else []
    words = ", ".join(f"{name.replace('_', ' ')}: {_told(value)}" for name, value in pairs)
    return words, words[:200] or NO_SEARCH


def _told(asked: object) -> str:
    """yes, 50000, SFR or CONDO"""
    if isinstance(asked, bool):
        return "yes" if asked else "no"
    return " or ".join(map(str, asked)) if isinstance(asked, list) else str(asked)


def _vendor(campaign: Campaign) -> Callable[[Mapping[str, Any]], tuple[str, str]]:
    """Who sold what they were contacted at first: the e-mail of an e-mail campaign, else the phone."""
    fact = "email" if campaign.channel == Campaign.Channel.EMAIL else "phone"

    def of(lead: Mapping[str, Any]) -> tuple[str, str]:
        source = str(source_of(lead, fact)["source"]) if lead[fact] else ""
        return source, SOURCES.get(source, source) or NONE

    return of


def _state(lead: Mapping[str, Any]) -> tuple[str, str]:
    return lead["property_state"] or "", lead["property_state"] or NONE


# --- Its file ---------------------------------------------------------------------------------------------------------

COLUMNS = (
    "By", "Name", "People", "Contacted", "Replied", "Conversations", "Appointments", "Deals", "Contacting ($)",
    "Data ($)", "Cost per reply ($)", "Cost per conversation ($)",
)  # fmt: skip


def csv_of(found: Breakdown) -> Iterator[bytes]:
    """The total, then every list. No cell is a formula."""
    yield "\ufeff".encode() + line_of(COLUMNS)
    for by, line in [("All", found.total), *((BY[by], line) for by, lines in found.lists.items() for line in lines)]:
        figures = (
            line.people, line.contacted, line.replied, line.conversations, line.appointments, line.deals,
            line.contact_cost, line.facts_cost, line.cost_per_reply, line.cost_per_conversation,
        )  # fmt: skip
        yield line_of([guarded(by), guarded(line.name), *("" if one is None else str(one) for one in figures)])
