"""Leads whose page is gone, and calls nobody has ended: every ten seconds, several workers at once."""

from __future__ import annotations

import logging
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from accounts.models import Membership, User
from campaigns import clock
from campaigns.dialing import events
from campaigns.dialing.calling import finish
from campaigns.dialing.disposing import note_call
from campaigns.locks import lock_attempts, lock_members
from campaigns.models import CallAttempt, Member
from campaigns.rules.checks import GAP_MINUTES
from common.db.clock import database_now
from common.logs import safe_traceback

log = logging.getLogger(__name__)
PIECE = 100
LONGEST = timedelta(hours=4)  # a call that no lease stands behind, as one from a lead's page: nobody ended it
LOST = "Call not finished: its page was closed"
State = CallAttempt.State


def reap() -> int:
    """Gives back leads whose lease is over; a call that had been handed over is in doubt, ended and counted. Then calls
    without a lease. Returns how many rows changed.
    """
    late = Member.objects.filter(taken_by__isnull=False, lease_until__lte=database_now()).order_by("pk")
    given = sum(_safely(pk) for pk in list(late.values_list("pk", flat=True)[:PIECE]))
    return given + _end_forgotten()


def _safely(member_id: UUID) -> int:
    try:
        return give_back(member_id)
    except Exception as error:
        log.error("Member %s could not be given back: %s", member_id, safe_traceback(error))
        return 0


def give_back(member_id: UUID) -> int:
    """One whose lease is over: 1, or 0 where its page was faster. The member, its calls, then its lead."""
    with transaction.atomic():
        rows = Member.objects.filter(pk=member_id, taken_by__isnull=False, lease_until__lte=database_now())
        member = next(iter(lock_members(rows)), None)
        if member is None:
            return 0
        lost = CallAttempt.objects.filter(member=member, by=member.taken_by_id, ended_at__isnull=True)
        after = {}
        for attempt in lock_attempts(lost):
            _lose(attempt)
            after = {"next_at": attempt.started_at + timedelta(minutes=GAP_MINUTES), "why": "in_doubt"}
        if member.status != Member.Status.ACTIVE:
            after = {}
        Member.objects.filter(pk=member.pk).update(taken_by=None, taken_at=None, lease_until=None, **after)
    return 1


def _end_forgotten() -> int:
    """Calls that are open for hours, of no lead that is before their caller; at once, of who has left their team."""
    left = ~Exists(Membership.objects.filter(user=OuterRef("by"), team=OuterRef("team"))) & Q(by__is_superuser=False)
    rows = CallAttempt.objects.filter(left | Q(created_at__lte=database_now() - LONGEST), ended_at__isnull=True)
    rows = rows.filter(Q(member__isnull=True) | ~Q(member__taken_by=F("by")) | Q(member__taken_by__isnull=True))
    ended = 0
    for pk in list(rows.order_by("pk").values_list("pk", flat=True)[:PIECE]):
        with transaction.atomic():
            for attempt in lock_attempts(CallAttempt.objects.filter(pk=pk, ended_at__isnull=True)):
                _lose(attempt)
                ended += 1
    return ended


def _lose(attempt: CallAttempt) -> None:
    """Nobody knows how it went: it may have been a conversation, so it counts. Its caller may still say so."""
    finish(attempt, None, State.IN_DOUBT)
    attempt.ended_at = clock.now()
    attempt.save()
    note_call(attempt, User.objects.get(pk=attempt.by_id), LOST)
    events.tell_ended(attempt)
