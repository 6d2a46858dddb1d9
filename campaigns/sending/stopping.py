"""Ending a campaign for people: they opted out, replied, are gone. In the transaction of the cause."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef, Q

from campaigns import clock
from campaigns.locks import lock_deliveries, lock_members
from campaigns.models import Campaign, Delivery, Member, Step
from campaigns.sending.moving import EMAIL, Moves
from leads.models import ContactKey, Suppression

State, Status, Reason = Delivery.State, Member.Status, Suppression.Reason
# Reasons that are the person's own wish, which `Campaign.opted_out` counts.
OPT_OUTS = frozenset(
    {Reason.STOP, Reason.DNC_REQUEST, Reason.ONE_CLICK, Reason.UNDECIDED, Reason.VENDOR_OPT_OUT, Reason.COMPLAINT}
)
# Reasons about the person: her other numbers stop too. The others are about one number or address.
OF_THE_PERSON = OPT_OUTS | {Reason.ERASED, Reason.LITIGATOR}
# Reasons about one number or address: who can be reached by another channel goes on there.
OF_ADDRESS = frozenset({Reason.WRONG_NUMBER, Reason.HARD_BOUNCE, Reason.SOFT_BOUNCES})
OPTED_OUT, REPLIED, CLICKED = "opted_out", "replied", "clicked"
BY_MAIL, BY_PHONE = (EMAIL,), ("call", "sms")
_MARKS = {OPTED_OUT: "opted_out_at", REPLIED: "replied_at"}  # of the last message that had left, by counter
COUNTED_FOR = timedelta(days=30)  # after a message that somebody writes back counts as its campaign's doing

_OF_NUMBERS = """
    SELECT m.id FROM campaigns_member m WHERE m.key_id = ANY(%(keys)s)
    UNION SELECT m.id FROM campaigns_member m WHERE m.mail_key_id = ANY(%(keys)s)
"""
_OF_OWNERS = """
    UNION SELECT m.id FROM campaigns_member m WHERE m.owner_key_id = ANY(%(keys)s)
    UNION SELECT m.id FROM campaigns_member m JOIN leads_leadkey l ON l.lead_id = m.lead_id
            JOIN leads_contactkey c ON c.id = l.key_id AND NOT c.crowded WHERE l.key_id = ANY(%(keys)s)
"""


def stop_members(key_ids: Collection[int], why: str, *, counts: str = "", alone: bool = False) -> int:
    """Stops the members of all teams' campaigns with one of these keys, and cancels their waiting messages and those of
    the keys themselves, but for the confirmation of an opt-out. In the caller's transaction, which has locked the keys
    and no lead, campaign or bucket yet. Returns how many people.

    why: opted_out, replied, wrong_number, … as `Member.why`, at most 30 characters. counts: a counter of the campaign
    that grows by one for each who was sent something of late. alone: who is written to at one of these numbers, not
    whoever has one of them. A message that is intended leaves.
    """
    members = members_of(key_ids, alone=alone)
    waiting = Delivery.objects.filter(key__in=list(key_ids), state__in=Delivery.WAITING)
    waiting = waiting.exclude(purpose=Delivery.Purpose.CONFIRM)
    return _stop(members, waiting.values_list("pk", flat=True), why, counts)


def on_suppressed(key_ids: Collection[int], reason: str) -> None:
    """Registered in `leads.registries.on_suppressed`."""
    if reason in OF_ADDRESS:
        leave_address(key_ids, reason)
        return
    if reason == Reason.ONE_CLICK:  # no more e-mail, says she, and no more than that
        leave_address(key_ids, OPTED_OUT, counts=OPTED_OUT)
        return
    is_wish = reason in OPT_OUTS
    counts = OPTED_OUT if is_wish else ""
    stop_members(key_ids, OPTED_OUT if is_wish else reason, counts=counts, alone=reason not in OF_THE_PERSON)


def leave_address(key_ids: Collection[int], why: str, *, counts: str = "") -> int:
    """A number or address cannot be used any more: what waits for it is cancelled. Who is in a campaign by it stops, or
    goes on with the steps of another channel where there are some, and is counted in either case. As `stop_members`.
    """
    members = members_of(key_ids, alone=True)
    waiting = Delivery.objects.filter(key__in=list(key_ids), state__in=Delivery.WAITING)
    waiting = waiting.exclude(purpose=Delivery.Purpose.CONFIRM)
    emails = ContactKey.objects.filter(pk__in=list(key_ids), kind=ContactKey.Kind.EMAIL)
    by_mail = Member.objects.filter(Q(key__in=emails) | Q(mail_key__in=emails), pk__in=members)
    mailed = set(by_mail.values_list("pk", flat=True))
    channels = {pk: BY_MAIL if pk in mailed else BY_PHONE for pk in members}
    return _stop(members, waiting.values_list("pk", flat=True), why, counts, passes=channels)


def on_reply(key_ids: Collection[int]) -> int:
    """They wrote: who is in a campaign that stops on a reply stops, and `Campaign.replied` grows. For INBOUND, in the
    transaction that stores their message, after it has locked the keys (all of their owner's). Returns how many people.
    A second reply counts no more; a message that a person has written to them still leaves.
    """
    ids = members_of(key_ids)
    stops = Member.objects.filter(pk__in=ids, campaign__stop_on__contains=["reply"]).values_list("pk", flat=True)
    return _stop(list(stops), [], REPLIED, REPLIED)


def on_human_click(member_id: UUID) -> bool:
    """A person clicked a link of a message: where her campaign ends on that, she stops. In the caller's transaction,
    which has locked no member, message, campaign or lead. A message that is intended leaves. False: it goes on.
    """
    asked = Member.objects.filter(pk=member_id, campaign__stop_on__contains=["click"], status__in=Member.OPEN)
    return bool(_stop(list(asked.values_list("pk", flat=True)), [], CLICKED, ""))


def stop_members_of_leads(lead_ids: Iterable[UUID], why: str = "deleted") -> int:
    """Before leads are deleted, in the same transaction, which has locked no lead yet."""
    ids = list(lead_ids)
    members = Member.objects.filter(lead__in=ids).values_list("pk", flat=True)
    waiting = Delivery.objects.filter(lead_id__in=ids, state__in=Delivery.WAITING)
    return _stop(members, waiting.values_list("pk", flat=True), why, "")


def stop_members_of_bucket(bucket_id: UUID, _by: object) -> list[UUID]:
    """Registered in `buckets.registries.before_bucket_delete`. There is nothing of ours to be waited for."""
    _stop(Member.objects.filter(lead__bucket=bucket_id).values_list("pk", flat=True), [], "deleted", "")
    Campaign.objects.filter(bucket=bucket_id).update(bucket=None)
    return []


def members_of(key_ids: Collection[int], *, alone: bool = False) -> list[UUID]:
    """Members by their number or e-mail; unless alone also by their owner, and by any key of their lead."""
    with connection.cursor() as cursor:
        cursor.execute(_OF_NUMBERS if alone else _OF_NUMBERS + _OF_OWNERS, {"keys": list(key_ids)})
        return [row[0] for row in cursor.fetchall()]


def _stop(
    member_ids: Iterable[UUID],
    delivery_ids: Iterable[UUID],
    why: str,
    counts: str,
    *,
    passes: Mapping[UUID, Collection[str]] | None = None,
) -> int:
    """Members first, then messages, then their campaigns' counters. passes: by which channels a member is not to be
    reached any more: where her campaign has a step of another one she goes on, and her other messages wait.

    Where it is counted, who is done already stops for this reason too, so that she is counted once; so does who replied
    and opts out later.
    """
    ids = list(member_ids)
    going_on = _others(passes) if passes else {}
    own = Delivery.objects.filter(member__in=set(ids) - going_on.keys(), state__in=Delivery.WAITING)
    waiting = {*own.values_list("pk", flat=True), *delivery_ids}
    others = Delivery.objects.filter(pk__in=waiting).exclude(member__in=ids).exclude(member=None)
    others_ids = others.values_list("member_id", flat=True)
    locked = list(lock_members(Member.objects.filter(pk__in={*ids, *others_ids})))
    counted = _counted(ids) if counts else set()
    stopped = [
        one
        for one in locked
        if one.pk not in going_on
        and (
            one.status in Member.OPEN
            or (one.pk in counted and (one.status == Status.DONE or one.why == REPLIED != why))
        )
    ]
    Member.objects.filter(pk__in=[one.pk for one in stopped]).update(
        status=Status.STOPPED, why=why[:30], next_at=None, held_until=None, planned_at=None, taken_by=None,
        taken_at=None, lease_until=None,
    )  # fmt: skip
    moves = Moves(clock.now())
    going = counted & going_on.keys()
    last = _last_left(counted & {one.pk for one in stopped} | going, _MARKS[counts]) if counted else set()
    cancelled = set()
    for row in lock_deliveries(Delivery.objects.filter(pk__in=waiting | last)):
        if row.state in Delivery.WAITING:
            cancelled.add(row.member_id)
            moves.to(row, State.CANCELLED, ended_at=moves.at, error=why[:60])
        elif row.pk in last:
            moves.mark(row, _MARKS[counts])
            if row.member_id in going:
                moves.count(row.campaign_id, **{counts: 1})
    for one in stopped:
        if one.pk in counted:
            moves.count(one.campaign_id, **{counts: 1})
    for one in locked:
        if one.pk in going_on and one.status in Member.OPEN:
            moves.pass_over(one, going_on[one.pk], why, is_over=one.pk in cancelled)
    moves.write()
    return len(stopped)


def _others(passes: Mapping[UUID, Collection[str]]) -> dict[UUID, Collection[str]]:
    """Those of these members whose campaign has a step of a channel by which they can be reached."""
    members = dict(Member.objects.filter(pk__in=list(passes)).values_list("pk", "campaign_id"))
    channels: dict[UUID, set[str]] = {}
    for campaign_id, channel in Step.objects.filter(campaign__in=set(members.values())).values_list(
        "campaign_id", "channel"
    ):
        channels.setdefault(campaign_id, set()).add(channel)
    return {pk: passes[pk] for pk, of in members.items() if channels.get(of, set()) - {*passes[pk]}}


def _last_left(member_ids: Collection[UUID], column: str) -> set[UUID]:
    """Of each of these members, of none of whose messages that is known, the last message that has left."""
    left = Delivery.objects.filter(member__in=list(member_ids), state__in=Delivery.LEFT)
    known = left.filter(member=OuterRef("member"), **{f"{column}__isnull": False})
    rows = left.exclude(Exists(known)).order_by("member_id", "-intended_at", "-pk").distinct("member_id")
    return set(rows.values_list("pk", flat=True))


def _counted(member_ids: Collection[UUID]) -> set[UUID]:
    """Those who were sent something of late."""
    since = clock.now() - COUNTED_FOR
    rows = Delivery.objects.filter(member__in=list(member_ids), state__in=Delivery.LEFT, intended_at__gte=since)
    return {pk for pk in rows.values_list("member_id", flat=True) if pk is not None}


def stop_all(campaign_id: UUID, why: str) -> int:
    """Stops everybody in a campaign and cancels what waits, in the caller's transaction, which holds the campaign and
    has not locked its row. Returns how many messages were cancelled.
    """
    members = Member.objects.filter(campaign=campaign_id, status__in=Member.OPEN).values_list("pk", flat=True)
    waiting = Delivery.objects.filter(campaign=campaign_id, state__in=Delivery.WAITING).values_list("pk", flat=True)
    before = Campaign.objects.values_list("cancelled", flat=True).get(pk=campaign_id)
    _stop(list(members), list(waiting), why, "")
    return int(Campaign.objects.values_list("cancelled", flat=True).get(pk=campaign_id)) - int(before)
