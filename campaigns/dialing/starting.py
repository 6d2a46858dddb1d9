"""Start calling: one press from "Ready to call" to the first owner in the dialer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Exists, OuterRef

from accounts.access import Access, Scope
from campaigns import clock
from campaigns.dialing import filling, lists
from campaigns.dialing.lists import ListPlan
from campaigns.models import Campaign, Member
from campaigns.planning.audience import Audience
from campaigns.planning.refusals import CampaignError
from common.dates import day
from leads.selection.presets import PRESETS

READY = PRESETS["readyToCall"].words  # how its lists are called, before the day
QUERY = urlencode(PRESETS["readyToCall"].query)
AT_ONCE = filling.AT_ONCE  # leads of a press: these are on the list before the answer; the next press adds more
TRIES = 20  # lists of one day, those that were closed among them
Status = Campaign.Status


@dataclass(frozen=True, slots=True)
class Started:
    """lists: whose people come before her. added: people whom this press has put on one; made: it is new."""

    lists: Sequence[UUID]
    added: int = 0
    made: bool = False


def start_calling(access: Access) -> Started:
    """1. Running lists that she works and that hold somebody who waits: these.
    2. Else who manages gets today's list of owners who are ready to call, most equity first: the open one, with those
       who became ready since; or a new one, opened.

    Two presses at once lead to one list. Who comes when is the dialer's to decide, and each call the gate's. Raises
    CampaignError NOBODY, FORBIDDEN, FILLING or what `create_list` raises.
    """
    waiting = lists_that_wait(access)
    if waiting:
        return Started([one.pk for one in waiting])
    if not (access.can(Scope.CAMPAIGN) and access.can(Scope.CONTACTS)):
        raise CampaignError("FORBIDDEN", "No call list of yours holds anybody: ask a manager to open one.")
    found, people, made = _list_of_today(access)
    if not Member.objects.filter(campaign=found, status=Member.Status.ACTIVE, calls=True).exists():
        raise CampaignError("NOBODY", "Nobody is ready to call who is not on a list already.")
    lists.open_list(access, found.pk)
    return Started([found.pk], people, made)


def lists_that_wait(access: Access) -> list[Campaign]:
    """Running lists of hers on which somebody waits, by name: their ids and names alone."""
    waiting = Member.objects.filter(campaign=OuterRef("pk"), status=Member.Status.ACTIVE, calls=True)
    return list(lists.worked_by(access).filter(Exists(waiting)).order_by("name", "pk").only("pk", "name"))


def _list_of_today(access: Access) -> tuple[Campaign, int, bool]:
    """(the list, people it has got, whether it is new)"""
    whom = Audience(view=QUERY, view_name=READY, limit=AT_ONCE)
    name = f"{READY}, {day(clock.now())}"
    for number in range(1, TRIES + 1):
        called = name if number == 1 else f"{name} ({number})"
        row = lists.call_lists(access).filter(name__iexact=called).first()
        if row is None:
            try:
                made, fill = lists.create_list(access, ListPlan(called, whom, priority=filling.EQUITY))
            except CampaignError as error:
                if error.field != "name":
                    raise
                row = lists.call_lists(access).filter(name__iexact=called).first()  # of a press at the same moment
            else:
                return made, fill.people, True
        if row is not None and row.status not in lists.OVER:
            return row, lists.add_leads(access, row.pk, whom).people, False
    raise CampaignError("TOO_MANY_CAMPAIGNS", "Your team has closed many lists today: make one under Call lists.")
