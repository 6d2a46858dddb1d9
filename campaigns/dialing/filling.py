"""The people of a call list: the leads of an audience, one person once by number and by owner, in a few set statements.

Of 100,000 leads the rows are written in pieces inside one transaction; where each may be called when is worked out
beside, as the gate does it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db import connection
from django.db.models import BigIntegerField, F, QuerySet, Value
from django.db.models.functions import Cast, Coalesce

from accounts.models import User
from buckets.filling.algebra import SetError
from campaigns import clock
from campaigns.gate.leads import places_of
from campaigns.models import Campaign
from campaigns.planning.audience import HIGH_VALUE, Audience, leads_of
from campaigns.planning.refusals import CampaignError
from leads.models import Lead
from leads.selection.filters import BadFilter

MOST = 100_000  # leads of a call list
PIECE = 10_000  # rows a statement: 1 MB of parameters
EQUITY, VALUE, OLDEST = "equity", "value", "oldest"
PRIORITIES = {EQUITY: "estimated_equity", VALUE: "estimated_value", OLDEST: ""}
_READ = ("phone", "latitude", "longitude", "property_state", "property_zip", "mailing_state", "mailing_zip",
         "traced_state", "traced_zip")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Added:
    """leads of the audience; people who were added; left out: no number, same owner (or in it already)."""

    leads: int
    people: int
    no_phone: int
    same_owner: int


def priority_of(audience: Audience, asked: str) -> str:
    """Which value calls first. Raises CampaignError INVALID `priority`."""
    priority = asked or (EQUITY if audience.preset == HIGH_VALUE else OLDEST)
    if priority not in PRIORITIES:
        raise CampaignError("INVALID", f"One of {', '.join(PRIORITIES)}.", "priority")
    return priority


def fill(campaign: Campaign, audience: Audience, priority: str, owner: User) -> Added:
    """Adds the leads of the audience that are not in it. In the caller's transaction, which holds the campaign.

    1. The leads, in their order; more than MOST are refused.
    2. Each with its zones and states. The first of an owner, or of a number, is in; ON CONFLICT decides, row by row.
    3. Who comes first in the list waits longest, by microseconds, so that the list's order is the order of calls where
       nothing else tells people apart.

    Raises CampaignError INVALID `audience`, or what `leads_of` raises, as CampaignError.
    """
    rows = _rows(campaign, audience, priority, owner)
    before, leads, with_phone, added = clock.now(), 0, 0, 0
    found = iter(rows.iterator(chunk_size=PIECE))
    while piece := list(islice(found, PIECE)):
        if leads + len(piece) > MOST:
            words = f"It holds more than {MOST:,} leads, the most of a call list: narrow it."
            raise CampaignError("INVALID", words, "audience")
        here, new = _insert(campaign, piece, leads, before)
        leads, with_phone, added = leads + len(piece), with_phone + here, added + new
    Campaign.objects.filter(pk=campaign.pk).update(members=F("members") + added)
    return Added(leads, added, leads - with_phone, with_phone - added)


def count_leads(campaign: Campaign, audience: Audience, owner: User) -> int:
    """How many it holds, at most one more than MOST."""
    return _rows(campaign, audience, OLDEST, owner)[: MOST + 1].count()


def _rows(campaign: Campaign, audience: Audience, priority: str, owner: User) -> QuerySet[Lead, dict[str, Any]]:
    try:
        rows = leads_of(audience, team_id=campaign.team_id, owner=owner)
        column = PRIORITIES[priority]
        by = Coalesce(Cast(F(column), BigIntegerField()), Value(0)) if column else Value(0, BigIntegerField())
        told: QuerySet[Lead, dict[str, Any]] = rows.annotate(first=by).values("pk", "first", *_READ)
        return told
    except BadFilter as error:
        raise CampaignError("INVALID", str(error), "filters") from error
    except SetError as error:
        raise CampaignError(error.code, str(error), f"sets.{error.field}" if error.field else "sets") from error


def _insert(campaign: Campaign, piece: Sequence[dict[str, Any]], before: int, at: Any) -> tuple[int, int]:
    """(how many have a number, how many are new)"""
    columns = [list(column) for column in zip(*_told(piece, before), strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH given AS MATERIALIZED (
                 SELECT * FROM unnest(%(leads)s::uuid[], %(places)s::int[], %(first)s::bigint[], %(zones)s::text[],
                                      %(states)s::text[]) AS g(lead_id, place, first, zones, states)),
                 known AS MATERIALIZED (
                 SELECT g.*, n.key_id, o.key_id AS owner_key_id
                   FROM given g
                   JOIN leads_leadkey n ON n.lead_id = g.lead_id AND n.role = 1 AND n.position = 0
                   LEFT JOIN LATERAL (
                        SELECT k.key_id FROM leads_leadkey k JOIN leads_contactkey c ON c.id = k.key_id
                         WHERE k.lead_id = g.lead_id AND k.role = 4 AND NOT c.crowded
                         ORDER BY k.position, k.key_id LIMIT 1) o ON true),
                 made AS (
                 INSERT INTO campaigns_member
                        (id, campaign_id, lead_id, split_group, key_id, owner_key_id, status, why, step, next_at, zones,
                         states, calls, priority, attempts, skips, number)
                 SELECT uuidv7(), %(campaign)s, lead_id, %(campaign)s, key_id, owner_key_id, 2, '', 1,
                        %(at)s - interval '1 s' + place * interval '1 us', string_to_array(zones, ',')::varchar[],
                        string_to_array(states, ',')::varchar[], true, first, 0, 0, 0
                   FROM known ORDER BY place
                 ON CONFLICT DO NOTHING RETURNING 1)
            SELECT (SELECT count(*) FROM known), (SELECT count(*) FROM made)
            """,
            {
                "leads": columns[0], "places": columns[1], "first": columns[2], "zones": columns[3],
                "states": columns[4], "campaign": campaign.pk, "at": at,
            },
        )  # fmt: skip
        here, new = cursor.fetchone() or (0, 0)
    return int(here), int(new)


def _told(piece: Sequence[dict[str, Any]], before: int) -> Iterator[tuple[Any, ...]]:
    """Of each lead: id, place, what it is called by first, zones and states with commas between."""
    for place, row in enumerate(piece, start=before):
        zones, states = places_of(row, row["phone"])
        yield row["pk"], place, row["first"], ",".join(zones), ",".join(states)
