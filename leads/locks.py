"""The locks of this room: docs/locks.md has the order. Each must be inside a transaction, which holds it to its end."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet

from leads.models import BulkJob, Event, Forgetting, Lead, Seller, Upload

# At the end of a query over `leads_lead l` inside a statement that then changes these leads: locks as `lock_leads`.
LEADS_IN_ORDER = "ORDER BY l.id FOR NO KEY UPDATE OF l"

# The same of leads that the transaction then deletes: as `lock_leads_to_delete`.
LEADS_TO_DELETE = "ORDER BY l.id FOR UPDATE OF l"

# At the end of a query over `leads_contactkey c`: those keys, in the order of their ids, before any lead.
KEYS_IN_ORDER = "ORDER BY c.id FOR NO KEY UPDATE OF c"


def lock_forgetting(job_id: UUID) -> Forgetting | None:
    """The job that forgets a person, while it is not done, against another worker's next piece. The first of all."""
    return Forgetting.objects.select_for_update(no_key=True).filter(pk=job_id, status="running").first()


def hold_bucket(bucket_id: UUID) -> None:
    """Waits until no other transaction adds leads to this bucket, starts a run over it or deletes it, and keeps others
    waiting. Bucket hold: the first of all locks. A transaction that only changes leads or counters need not ask.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [str(bucket_id)])


def lock_leads(lead_ids: Iterable[UUID]) -> QuerySet[Lead]:
    """Leads, in the order of their ids, against every other change; a new activity or item may still refer to them.

    Locked as the queryset is read.
    """
    return Lead.objects.filter(pk__among=list(lead_ids)).order_by("pk").select_for_update(no_key=True)


def lock_shown(lead_id: UUID, *columns: str) -> Lead | None:
    """One lead, as `lock_leads`; where it was merged while this waited, the lead that stands for it. None: it is gone.

    columns: the only ones that are read. In a savepoint: a row that turns out to be hidden is let go before the other
    is locked, whose id may come before.
    """
    while True:
        with transaction.atomic():
            lead = lock_leads([lead_id]).only(*columns).first()
            if lead is not None:
                return lead
            transaction.set_rollback(True)
        shown = Lead.every.filter(pk=lead_id).values_list("merged_into_id", flat=True).first()
        if shown is None:
            return None
        lead_id = shown


def lock_leads_to_delete(lead_ids: Iterable[UUID]) -> QuerySet[Lead]:
    """As `lock_leads`, with those that are merged into another, and no new row may refer to them either."""
    return Lead.every.filter(pk__among=list(lead_ids)).order_by("pk").select_for_update()


def lock_leads_to_merge(lead_ids: Iterable[UUID]) -> QuerySet[Lead]:
    """As `lock_leads`, with those that are merged into another."""
    return Lead.every.filter(pk__among=list(lead_ids)).order_by("pk").select_for_update(no_key=True)


def lock_upload(upload_id: UUID, **still: object) -> Upload | None:
    """The file, where these columns still are what the worker read: else another has gone on since. Before keys.

    With it every other file of its kind that is being written: their pieces follow one another, so that each row is
    counted as new by one of them.
    """
    kinds = Upload.objects.filter(pk=upload_id).values("kind")
    rows = Upload.objects.filter(kind__in=kinds, status=Upload.Status.RUNNING) | Upload.objects.filter(pk=upload_id)
    list(rows.order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True))
    return Upload.objects.filter(pk=upload_id, **still).first()


def lock_bulk(job_id: UUID, **still: object) -> BulkJob | None:
    """The job over many leads, where these columns still are what the worker read: else another has gone on since, or
    a person has stopped it. After the buckets that it holds, before runs, keys and leads.
    """
    return BulkJob.objects.select_for_update(no_key=True).filter(pk=job_id, **still).first()


def lock_seller(team_id: int) -> Seller:
    """The team's company, made where there is none: who changes its profile. First in its transaction."""
    while True:  # once more where somebody has just put another company in its place
        Seller.objects.bulk_create([Seller(team_id=team_id)], ignore_conflicts=True)
        of_team = Seller.objects.filter(team_id=team_id, replaced_at__isnull=True)
        if found := of_team.select_for_update(no_key=True).first():
            return found


def hold_host(user_id: int) -> None:
    """Waits until no other transaction books, moves or frees an appointment of this person, and keeps others waiting.
    Host: after leads, before events. Without it overlapping inserts wait for each other in a circle (measured: 5 s).
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 3))", [f"host {user_id}"])


def lock_event(event_id: UUID) -> Event | None:
    """What stands in a calendar. After its lead, and, of an appointment, after its host. None: it is gone."""
    return Event.objects.select_for_update(no_key=True, of=("self",)).filter(pk=event_id).first()


def lock_callbacks(lead_ids: Iterable[UUID]) -> dict[UUID, Event]:
    """The planned callbacks of these leads, by lead, in the order of their ids. After the leads."""
    planned = Event.objects.filter(lead__in=list(lead_ids), kind=Event.Kind.CALLBACK, status=Event.Status.PLANNED)
    rows = planned.order_by("pk").select_for_update(no_key=True, of=("self",))
    return {event.lead_id: event for event in rows if event.lead_id is not None}
