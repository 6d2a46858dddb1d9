"""The locks of this room: docs/locks.md has the order. Each must be inside a transaction, which holds it to its end."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import QuerySet

from campaigns.models import (
    CallAttempt,
    Campaign,
    Conversation,
    Delivery,
    Inbound,
    ListFill,
    MailSender,
    Member,
    PhoneCode,
    Template,
)
from leads.locks import KEYS_IN_ORDER

_TRIES = 5  # of locking the keys of leads that change meanwhile


def hold_campaign(campaign_id: UUID) -> None:
    """Waits until no other transaction launches, pauses, resumes, cancels or completes this campaign, or makes its due
    messages, and keeps others waiting. Campaign hold: before every lock but a bucket's hold. Who sends, settles or
    stops people does not ask.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 1))", [str(campaign_id)])


def lock_list_fill(fill_id: UUID, *, done: int) -> ListFill | None:
    """Who is being put on a call list, after its hold. None: it is over, or another worker has gone on with it."""
    rows = ListFill.objects.select_for_update(no_key=True, of=("self",)).defer("lead_ids")
    return rows.filter(ListFill.AT_WORK, pk=fill_id, done=done).first()


def hold_touches(delivery_id: UUID) -> None:
    """Waits until no other transaction notes that this e-mail was opened or clicked, and keeps others waiting: requests
    at once see each other. Touches: before members, and first in its transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 4))", [str(delivery_id)])


def lock_members(members: QuerySet[Member]) -> QuerySet[Member]:
    """These members, in the order of their ids. After keys. Locked as the queryset is read."""
    return members.order_by("pk").select_for_update(no_key=True, of=("self",))


def lock_deliveries(deliveries: QuerySet[Delivery]) -> QuerySet[Delivery]:
    """These deliveries, in the order of their ids. After members. Locked as the queryset is read."""
    return deliveries.order_by("pk").select_for_update(no_key=True, of=("self",))


def ids_of(rows: QuerySet[Any]) -> list[UUID]:
    """The ids of these rows, which are locked by it: without making an object of each."""
    return list(rows.select_for_update(no_key=True).values_list("pk", flat=True))


def lock_campaign(campaign_id: UUID) -> Campaign | None:
    """The campaign's row: its state and its counters. After deliveries, before leads. None: it is gone."""
    return Campaign.objects.select_for_update(no_key=True, of=("self",)).filter(pk=campaign_id).first()


def lock_campaigns(campaign_ids: Collection[UUID] | Iterable[UUID]) -> list[Campaign]:
    """As `lock_campaign`, several, in the order of their ids."""
    rows = Campaign.objects.filter(pk__in=list(campaign_ids)).order_by("pk")
    return list(rows.select_for_update(no_key=True, of=("self",)))


def lock_template(template_id: UUID) -> Template | None:
    """A template, by who adds a version: first in its transaction, which locks nothing else. None: it is gone."""
    return Template.objects.select_for_update(no_key=True, of=("self",)).filter(pk=template_id).first()


def lock_mail_sender(sender_id: UUID) -> MailSender | None:
    """An e-mail address, by who changes it: first in its transaction, which locks nothing else. None: it is retired."""
    rows = MailSender.objects.select_for_update(no_key=True, of=("self",))
    return rows.filter(pk=sender_id, retired_at__isnull=True).first()


def lock_keys(key_ids: Iterable[int]) -> None:
    """These keys, in the order of their ids, before anything is read of who has them: a statement of its own. An
    opt-out locks the same ones (`leads.permission.suppressing`), so that it is seen, or waits.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT c.id FROM leads_contactkey c WHERE c.id = ANY(%s) {KEYS_IN_ORDER}",  # noqa: S608  # a constant
            [sorted(set(key_ids))],
        )


def lock_keys_of(read: Callable[[], set[int]]) -> None:
    """The keys that `read` names, and still names once they are locked: where a lead has got another key meanwhile, all
    are given back and taken anew, in their order.
    """
    wanted = read()
    for _ in range(_TRIES):
        point = transaction.savepoint()
        lock_keys(wanted)
        now = read()
        if now <= wanted:
            transaction.savepoint_commit(point)
            return
        transaction.savepoint_rollback(point)
        wanted |= now
    lock_keys(wanted)


def note_attempts(key_ids: Iterable[int], at: datetime) -> None:
    """When these keys, which the transaction has locked, were last contacted."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE leads_contactkey SET last_attempt_at = greatest(last_attempt_at, %s) WHERE id = ANY(%s)
            """,
            [at, sorted(set(key_ids))],
        )


def claim_due_members(campaign_id: UUID, at: datetime, most: int) -> list[Member]:
    """The next members whose message is due then (calls are callers' work), locked, the longest waiting first. It waits
    for none: what another transaction has locked is passed over.
    """
    due = Member.objects.filter(campaign=campaign_id, status=Member.Status.ACTIVE, calls=False, next_at__lte=at)
    return list(due.order_by("next_at", "pk").select_for_update(no_key=True, skip_locked=True)[:most])


def claim_deliveries(
    campaign_id: UUID | None, at: datetime, most: int, token: UUID, lease: timedelta, channel: str = "sms"
) -> list[UUID]:
    """Takes the next messages of a channel, of a campaign or of none, whose time has come; a statement, which waits for
    no row. Only who has the token may send them, until the lease is over.
    """
    whose = "campaign_id = %(campaign)s" if campaign_id else "campaign_id IS NULL"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH next AS MATERIALIZED (  -- in a FROM the planner may run it again for each row, past its limit
                 SELECT id FROM campaigns_delivery
                  WHERE {whose} AND state = 'due' AND channel = %(channel)s
                    AND (not_before IS NULL OR not_before <= %(at)s)
                  ORDER BY id LIMIT %(most)s FOR NO KEY UPDATE SKIP LOCKED)
            UPDATE campaigns_delivery d
               SET state = 'taken', token = %(token)s, updated_at = now(),
                   lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
              FROM next WHERE d.id = next.id
            RETURNING d.id
            """,  # noqa: S608  # our own words alone
            {
                "campaign": campaign_id,
                "token": token,
                "lease": lease.total_seconds(),
                "at": at,
                "most": most,
                "channel": channel,
            },
        )
        return sorted(row[0] for row in cursor.fetchall())


def try_pump(places: int, channel: str = "sms") -> int | None:
    """One of the fleet's places for a worker that sends by this channel; None: all are taken. A lock of the connection,
    outside the order: it waits for nobody, and PostgreSQL frees it with the connection.
    """
    with connection.cursor() as cursor:
        for place in range(places):
            cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 2))", [_sender(place, channel)])
            if (cursor.fetchone() or (False,))[0]:
                return place
    return None


def _sender(place: int, channel: str) -> str:
    return f"sender {place}" if channel == "sms" else f"sender of {channel} {place}"


def leave_pump(place: int | None, channel: str = "sms") -> None:
    """Gives the place back; None: every one that this connection has, before it goes back to the pool. Where PostgreSQL
    is away the place is free already.
    """
    with suppress(OperationalError, InterfaceError), connection.cursor() as cursor:
        if place is None:
            cursor.execute("SELECT pg_advisory_unlock_all()")
        else:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 2))", [_sender(place, channel)])


def lock_open_post(inbound_id: UUID) -> bool:
    """A vendor's post that nobody has handled: first in its transaction. False: it is handled."""
    rows = Inbound.objects.select_for_update(no_key=True).filter(pk=inbound_id, handled_at__isnull=True)
    return rows.first() is not None


def lock_attempt(attempt_id: UUID) -> CallAttempt | None:
    """A call: who says how it ended, what its vendor tells of it, and what its outcome suppresses. After campaigns."""
    rows = CallAttempt.objects.select_for_update(no_key=True, of=("self",)).select_related("disposition", "step")
    return next(iter(rows.filter(pk=attempt_id)), None)


def lock_attempts(attempts: QuerySet[CallAttempt]) -> QuerySet[CallAttempt]:
    """These calls, in the order of their ids. Locked as the queryset is read."""
    return attempts.order_by("pk").select_for_update(no_key=True, of=("self",))


def lock_phone_code(user_id: int) -> PhoneCode | None:
    """The code of a caller's phone: by who asks for one or types it, first in its transaction."""
    return PhoneCode.objects.select_for_update(no_key=True, of=("self",)).filter(pk=user_id).first()


def lock_conversation(conversation_id: UUID) -> Conversation | None:
    """Who has the next word there. After keys."""
    rows = Conversation.objects.select_for_update(no_key=True, of=("self",)).select_related("team", "key", "sender")
    return rows.filter(pk=conversation_id).first()


def lock_conversations(conversations: QuerySet[Conversation]) -> QuerySet[Conversation]:
    """These conversations, in the order of their ids. Locked as the queryset is read."""
    return conversations.order_by("pk").select_for_update(no_key=True, of=("self",))
