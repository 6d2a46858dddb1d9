"""What is told of leads. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import BooleanField, QuerySet
from django.db.models.expressions import RawSQL

from accounts.access import Access, Scope
from common.contact_access import masked_text
from common.dates import iso, moment
from common.db.direct import kept, rows, statement
from common.needs import SHOWN, Need
from leads.calendar import clock
from leads.keys.key_secrets import WROTE
from leads.keys.opaque import OWNERS, sealed
from leads.models import Activity, Event, Lead
from leads.querysets import own_callbacks

SOON = timedelta(minutes=15)
_KINDS = {1: "phone", 2: "email", 3: "owner"}  # ContactKey.Kind
CALLBACKS_SHOWN = 3  # those that wait longest; the list has them all


# Tags, owners' keys and secrets that wrote keys, as one statement: of three, two were waited for.
_TAGS_AND_OWNERS = f"""
    SELECT l.lead_id, t.name, NULL::bigint, NULL::bytea
      FROM leads_lead_tags l JOIN leads_tag t ON t.id = l.tag_id WHERE l.lead_id = ANY(%(leads)s)
    UNION ALL SELECT lead_id, NULL, key_id, NULL FROM ({OWNERS}) owners
    UNION ALL SELECT NULL, NULL, NULL, mark FROM ({WROTE}) secrets
    ORDER BY name"""  # noqa: S608  # statements of ours


def of_bucket(bucket_id: UUID, after: UUID | None, most: int) -> list[Lead]:
    """The first leads of a bucket, the oldest first, behind the one with this id; None: from its first."""
    asked = {"bucket": bucket_id, "after": after or UUID(int=0)}
    return [lead for (lead,) in rows(_of_bucket(most), asked, Lead, keeps_plan=True)]


@cache
def _of_bucket(most: int) -> str:
    """There is one good plan, by `lead_by_bucket`, and PostgreSQL keeps it: no other index gives this order, and the
    ids stand in subqueries, so that it expects as many leads of each bucket. By an equal bucket, statistics that know
    one bucket alone have it look for a second one's leads through the ids of the whole table.
    """
    place = '("leads_lead"."bucket_id", "leads_lead"."id") > ((SELECT %(bucket)s), (SELECT %(after)s))'
    behind = RawSQL(place, (), output_field=BooleanField())  # noqa: S611  # no value
    end = RawSQL("(SELECT %(bucket)s)", ())
    return statement(Lead.objects.filter(behind, bucket_id__lte=end).order_by("bucket_id", "pk")[:most])


def tags_and_owners(leads: Iterable[Lead]) -> tuple[dict[UUID, list[str]], dict[UUID, str]]:
    """By lead, without those that have none: the names of their tags, in alphabetical order; their owners' keys
    (`owner_keys_of`). Asked together.
    """
    teams = {lead.pk: lead.team_id for lead in leads}
    if not teams:
        return {}, {}
    names: dict[UUID, list[str]] = {}
    owners: list[tuple[UUID, int]] = []
    wrote: list[tuple[bytes]] = []
    for lead_id, name, key_id, mark in kept(_TAGS_AND_OWNERS, {"leads": list(teams)}):
        if name is not None:
            names.setdefault(lead_id, []).append(name)
        elif key_id is not None:
            owners.append((lead_id, key_id))
        else:
            wrote.append((mark,))
    return names, sealed(teams, owners, wrote)


def suppressed(lead_ids: Iterable[UUID], *, contacts: bool) -> dict[UUID, list[dict[str, Any]]]:
    """What of these leads must not be contacted, by lead, the oldest first. One statement. That a person asked to be
    forgotten is not told. contacts: without, that of a phone or an e-mail is not: it would tell whose it is.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT y.lead_id, k.kind, s.scope, s.reason, min(s.created_at)
              FROM leads_leadkey y JOIN leads_contactkey k ON k.id = y.key_id
              JOIN leads_suppression s ON s.kind = k.kind AND s.digest = k.digest
             WHERE y.lead_id = ANY(%s) AND s.reason <> 'erased' AND (%s OR k.kind = 3)
               AND (s.expires_at IS NULL OR s.expires_at > clock_timestamp())
             GROUP BY y.lead_id, k.kind, s.scope, s.reason ORDER BY min(s.created_at), s.scope, s.reason
            """,
            [list(lead_ids), contacts],
        )
        rows = cursor.fetchall()
    found: dict[UUID, list[dict[str, Any]]] = {}
    for lead_id, kind, scope, reason, since in rows:
        told = {"kind": _KINDS[kind], "scope": scope, "reason": reason, "since": iso(since)}
        found.setdefault(lead_id, []).append(told)
    return found


def rows_of(lead: Lead) -> list[UUID]:
    """The ids of a lead and of those that are merged into it: what was done about any of them was done about it."""
    return [lead.pk, *Lead.every.filter(merged_into=lead).values_list("pk", flat=True)]


def activities_of(lead: Lead) -> QuerySet[Activity]:
    """What was done about a lead, and about those that are merged into it."""
    return Activity.objects.filter(lead__in=rows_of(lead)).select_related("by")


def callbacks_due(access: Access, now: datetime) -> Iterable[Need]:
    """One's own. now: the real moment."""
    now = clock.shown_at(now)
    due = own_callbacks(Lead.objects.all(), access).to_call_back(before=now)
    first = due.only("callback_at", "owner_name", "property_address", "property_city", "property_id")
    zone = access.user.time_zone
    parts = [(_whom(lead, zone), lead) for lead in first.order_by("callback_at", "pk")[:CALLBACKS_SHOWN]]
    if parts:
        many = due.order_by()[: SHOWN * 10].count()
        count = f"{many}{' or more' if many == SHOWN * 10 else ''}"
        yield Need(f"{count} callback{'s' if many > 1 else ''} due", "", Lead, parts)


def events_due(access: Access, now: datetime) -> Iterable[Need]:
    """One's own reminders and appointments that have begun, or soon will. now: the real moment."""
    now = clock.shown_at(now)
    due = Event.objects.seen_by(access).filter(
        owner=access.user, status=Event.Status.PLANNED, starts_at__lte=now + SOON
    )
    first = list(due.exclude(kind=Event.Kind.CALLBACK).order_by("starts_at", "pk")[:SHOWN])
    if first:
        told = str if access.can(Scope.CONTACTS) else masked_text
        parts = [(f"{moment(one.starts_at, access.user.time_zone)}: {told(one.title) or one.get_kind_display()}", one)
                 for one in first]  # fmt: skip
        count = f"{len(first)}{' or more' if len(first) == SHOWN else ''}"
        yield Need(f"{count} event{'s' if len(first) > 1 else ''} in your calendar due", "", Event, parts)


def _whom(lead: Lead, time_zone: str) -> str:
    """When, who and where: Wed, Nov 25, 2:30 PM MST: Jo Smith, 12 Main St, Seattle."""
    who = ", ".join(filter(None, (lead.owner_name, str(lead), lead.property_city)))
    return f"{moment(lead.callback_at, time_zone)}: {who}"
