"""What there is to do today: owners ready to call, callbacks, replies. Reads only; no count goes on without an end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from accounts.access import Access, Scope
from campaigns.dialing.starting import lists_that_wait
from campaigns.models import Conversation
from common.db.clock import database_now
from common.needs import Need
from common.needs import needs as registered_needs
from leads.selection.presets import READY_AT_MOST, count_of, missing_for_calls

MOST = READY_AT_MOST  # owners counted
LISTS_NAMED = 3


def needs(access: Access) -> list[Need]:
    """What waits for a person in the team she acts in, the most urgent first."""
    return registered_needs(access, database_now())


@dataclass(frozen=True, slots=True)
class Count:
    """many: MOST + 1 stands for more."""

    many: int

    def __str__(self) -> str:
        return f"{MOST:,}+" if self.many > MOST else f"{self.many:,}"


@dataclass(frozen=True, slots=True)
class Today:
    """lists: names of her running call lists on which somebody waits; may_start: a press puts the first owner before
    her. hint: why nobody is ready, where one thing is missing; '': nothing is.
    """

    ready: Count
    callbacks: Count
    replies: Count
    lists: Sequence[str]
    more_lists: bool
    may_start: bool
    hint: str


def today(access: Access) -> Today | None:
    """Of the leads she sees. None: she sees none."""
    if access.team_id is None or not access.can(Scope.READ):
        return None
    names = [one.name for one in lists_that_wait(access)[: LISTS_NAMED + 1]]
    hint = missing_for_calls(access)
    ready = Count(0) if hint else Count(count_of(access, "readyToCall", at_most=MOST))
    calls, manages = access.can(Scope.CONTACTS) and access.can(Scope.WRITE), access.can(Scope.CAMPAIGN)
    return Today(
        ready=ready,
        callbacks=Count(count_of(access, "callbacksDue", at_most=MOST)),
        replies=Count(replies(access)),
        lists=names[:LISTS_NAMED],
        more_lists=len(names) > LISTS_NAMED,
        may_start=calls and (bool(names) or (manages and ready.many > 0)),
        hint=hint,
    )


def replies(access: Access) -> int:
    """Conversations of hers whose last word nobody has read, or that ask for a decision."""
    rows = Conversation.objects.seen_by(access).filter(team=access.team_id).exclude(state=Conversation.State.CLOSED)
    unread = rows.filter(is_read=False, last_in_at__isnull=False)
    return int(unread.order_by().values("pk")[: MOST + 1].count())
