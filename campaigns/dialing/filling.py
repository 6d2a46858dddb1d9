"""The people of a call list: the leads of an audience, one person once by number and by owner, piece by piece.

The leads are written down when they are asked for (`ListFill`); those of a small list are added at once, those of a
large one by a worker, PIECE at a time. A piece and how far it is are one transaction: a worker that is killed loses one
piece, which the next adds, and two workers add nobody twice. Where each may be called when is worked out beside, as the
gate does it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection
from django.db.models import BigIntegerField, F, IntegerField, QuerySet, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast, Coalesce

from accounts.audit import record
from accounts.models import User
from buckets.filling.algebra import SetError
from campaigns import clock
from campaigns.dialing.places import forget_places
from campaigns.gate.leads import places_of
from campaigns.locks import hold_campaign, lock_list_fill
from campaigns.models import Campaign, ListFill
from campaigns.planning.audience import HIGH_VALUE, Audience, leads_of
from campaigns.planning.refusals import CampaignError
from common.db.clock import database_now
from common.enqueue import enqueue_on_commit
from common.faultpoints import commit
from leads.models import Lead
from leads.selection.filters import BadFilter

MOST = 100_000  # leads of a call list
AT_ONCE = 2_000  # of these and fewer the request adds everybody: half a second
PIECE = 5_000  # leads a transaction: a second or two
LEASE = timedelta(seconds=60)  # thirty times what a piece takes
TRIES = 5  # workers that may die on one piece
TASK = "campaigns.fill_list"
EQUITY, VALUE, OLDEST = "equity", "value", "oldest"
PRIORITIES = {EQUITY: "estimated_equity", VALUE: "estimated_value", OLDEST: ""}
_READ = ("phone", "latitude", "longitude", "property_state", "property_zip", "mailing_state", "mailing_zip",
         "traced_state", "traced_zip")  # fmt: skip


def priority_of(audience: Audience, asked: str) -> str:
    """Which value calls first. Raises CampaignError INVALID `priority`."""
    priority = asked or (EQUITY if audience.preset == HIGH_VALUE else OLDEST)
    if priority not in PRIORITIES:
        raise CampaignError("INVALID", f"One of {', '.join(PRIORITIES)}.", "priority")
    return priority


def start(campaign: Campaign, audience: Audience, priority: str, owner: User) -> ListFill:
    """Adds the leads that the audience holds now and that are not on the list: up to AT_ONCE before it returns, more by
    a worker. In the caller's transaction, which holds the campaign.

    Raises CampaignError FILLING where leads are still being added, INVALID `audience`, or what `leads_of` raises.
    """
    if (at_work := at_work_on(campaign.pk)) is not None:
        raise still_filling(at_work)
    fill = ListFill.objects.create(campaign=campaign, by_id=owner.pk, priority=priority, at=clock.now())
    mine = ListFill.objects.filter(pk=fill.pk)
    mine.update(lead_ids=ArraySubquery(_leads(campaign, audience, owner).values("pk")[: MOST + 1]))
    mine.update(leads=RawSQL("cardinality(lead_ids)", [], IntegerField()))
    fill = mine.defer("lead_ids").get()
    if fill.leads > MOST:
        words = f"It holds more than {MOST:,} leads, the most of a call list: narrow it."
        raise CampaignError("INVALID", words, "audience")
    if fill.leads <= AT_ONCE:
        _add(fill, campaign)
        _finish(fill, campaign)
        fill.save(update_fields=SAVED)
    else:
        enqueue_on_commit(TASK, fill_id=str(fill.pk))
    return fill


def at_work_on(campaign_id: UUID) -> ListFill | None:
    """What is still being added to this list."""
    return ListFill.objects.filter(ListFill.AT_WORK, campaign=campaign_id).defer("lead_ids").first()


def latest_of(campaign_id: UUID) -> ListFill | None:
    """What was added last, or is being added."""
    return ListFill.objects.filter(campaign=campaign_id).defer("lead_ids").order_by("-pk").first()


def still_filling(fill: ListFill) -> CampaignError:
    words = f"Leads are still being added to this list: {fill.done:,} of {fill.leads:,}. Wait until all are on it."
    return CampaignError("FILLING", words)


# --- The worker's part ------------------------------------------------------------------------------------------------

SAVED = ["lead_ids", "done", "with_phone", "people", "tries", "lease_until", "finished_at"]


def waiting() -> list[UUID]:
    """Those that no worker has."""
    return list(ListFill.objects.free().filter(ListFill.AT_WORK).order_by("pk").values_list("pk", flat=True))


def continue_fill(fill_id: UUID) -> bool:
    """Adds pieces for one turn of a worker, unless another has it. Returns whether there is more to do."""
    rows = ListFill.objects.filter(pk=fill_id).defer("lead_ids")
    if not rows.filter(ListFill.AT_WORK).take(LEASE, tries=F("tries") + 1):
        return False
    fill = rows.first()
    if fill is not None and fill.tries > TRIES:
        rows.filter(ListFill.AT_WORK).update(error=GIVEN_UP, lease_until=None, lead_ids=[])
        return False
    until = time.monotonic() + settings.PUMP_SECONDS
    while fill is not None and fill.is_at_work and time.monotonic() < until:
        fill = _next_piece(fill)
    if fill is None or not fill.is_at_work:
        return False
    rows.filter(ListFill.AT_WORK, done=fill.done).update(lease_until=None)
    return True


GIVEN_UP = "It stopped in the middle: five workers ended while they added these leads. Press Add new matches again."


def _next_piece(fill: ListFill) -> ListFill | None:
    """The fill as it stands with the next piece. None: it is over, or another worker has gone on with it."""
    with commit("list.fill"):
        hold_campaign(fill.campaign_id)
        mine = lock_list_fill(fill.pk, done=fill.done)
        if mine is None:
            return None
        campaign = Campaign.objects.get(pk=mine.campaign_id)
        _add(mine, campaign)
        if mine.done >= mine.leads:
            _finish(mine, campaign)
        else:
            mine.lease_until = database_now() + LEASE
        mine.save(update_fields=SAVED if mine.finished_at else SAVED[1:])
    return mine


def _finish(fill: ListFill, campaign: Campaign) -> None:
    """Not saved. One that a worker finished is an event of its own."""
    if fill.lease_until is not None:
        by = User.objects.filter(pk=fill.by_id).first() if fill.by_id is not None else None
        after = {"people": fill.people, "leads": fill.leads}
        record("call_list.filled", by=by, team_id=campaign.team_id, about=campaign, name=campaign.name, after=after)
    fill.lead_ids, fill.finished_at, fill.lease_until = [], database_now(), None


def end_fills(campaign_id: UUID, words: str) -> None:
    """The list is over: nobody else is added. In the caller's transaction, which holds the campaign."""
    rows = ListFill.objects.filter(ListFill.AT_WORK, campaign=campaign_id)
    rows.update(error=words, lease_until=None, lead_ids=[])


# --- One piece --------------------------------------------------------------------------------------------------------


def _add(fill: ListFill, campaign: Campaign) -> None:
    """The people of the next leads; the fill's counters are not saved.

    1. Each lead with its zones and states. The first of an owner, or of a number, is in; ON CONFLICT decides, row by
       row.
    2. Who comes first in the list waits longest, by microseconds, so that the list's order is the order of calls where
       nothing else tells people apart.
    """
    ids = _ids(fill)
    if not ids:
        fill.done = fill.leads
        return
    known = {row["pk"]: row for row in _rows(campaign, ids, fill.priority)}
    here, new = _insert(campaign, [known[pk] for pk in ids if pk in known], fill.done, fill.at)
    fill.done, fill.with_phone, fill.people = fill.done + len(ids), fill.with_phone + here, fill.people + new
    fill.tries = 0
    if new:
        Campaign.objects.filter(pk=campaign.pk).update(members=F("members") + new)
        forget_places(campaign.pk)


def _ids(fill: ListFill) -> list[UUID]:
    """The next PIECE of its leads."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT unnest(lead_ids[%s:%s]) FROM campaigns_listfill WHERE id = %s",
            [fill.done + 1, fill.done + PIECE, fill.pk],
        )
        return [row[0] for row in cursor.fetchall()]


def _leads(campaign: Campaign, audience: Audience, owner: User) -> QuerySet[Lead]:
    try:
        return leads_of(audience, team_id=campaign.team_id, owner=owner)
    except BadFilter as error:
        raise CampaignError("INVALID", str(error), "filters") from error
    except SetError as error:
        raise CampaignError(error.code, str(error), f"sets.{error.field}" if error.field else "sets") from error


def _rows(campaign: Campaign, ids: Sequence[UUID], priority: str) -> QuerySet[Lead, dict[str, Any]]:
    column = PRIORITIES[priority]
    by = Coalesce(Cast(F(column), BigIntegerField()), Value(0)) if column else Value(0, BigIntegerField())
    rows = Lead.objects.filter(team_id=campaign.team_id, pk__in=RawSQL("SELECT unnest(%s::uuid[])", [list(ids)]))
    told: QuerySet[Lead, dict[str, Any]] = rows.annotate(first=by).values("pk", "first", *_READ)
    return told


def _insert(campaign: Campaign, piece: Sequence[dict[str, Any]], before: int, at: Any) -> tuple[int, int]:
    """(how many have a number, how many are new)"""
    if not piece:
        return 0, 0
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
