"""A run's money: who pays under which caps, and what becomes of a run that a cap leaves without room."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Q

from common.db.clock import database_now
from common.db.direct import Asked, columns, kept, made
from enrichment.models import Run
from enrichment.rules import cap_reason
from enrichment.worker import queue, stages
from enrichment.worker.pausing import pause
from enrichment.worker.stages import StageRow
from integrations.ledger import budgets, catalogue, scopes
from integrations.ledger.budgets import Afterwards, Cap, money_cap, vendor_cap
from integrations.ledger.reservation import Payer, would_fit
from integrations.lookups import reveals
from integrations.lookups.lead_limit import lead_caps
from integrations.models import VendorCall

BUSY_DELAY = 1.0  # seconds: a request that may make room ends in about a request's time


def payer(stage: int, run: Run, *, buying: UUID | None = None) -> Payer:
    """The run as payer: its spending limit, and where its stage counts leads its user's and its team's daily limit.

    buying: the call that its items are taken for already.
    """
    cap = money_cap(run.budget_scope, run.max_cost, "this run's spending limit")
    name = stages.STAGES[stage].operation_name(run.asked)
    caps = (cap, *lead_caps(name, run.owner_id, database_now(), team_id=run.team_id))
    return Payer(run.owner_id, scopes.run(run.pk), run.pk, caps, _afterwards(stage, run, besides=buying), run.team_id)


def short_of_money(run: Run, item_ids: Sequence[int], cap: Cap | None) -> None:
    """No cap has room for these items. They wait while money may still come back, else they are set aside, so that
    items with an owned answer come forward: those cost nothing, and no cap stops them.
    """
    scope = cap.scope if cap else run.budget_scope
    if _may_still_fit(run, scope):
        queue.give_back(item_ids, delay=BUSY_DELAY)
        return
    queue.park(run, item_ids, scope)
    run.reason = cap_reason(scope, cap.limit if cap else run.max_cost)
    Run.objects.filter(pk=run.pk).update(reason=run.reason)


def _may_still_fit(run: Run, scope: str) -> bool:
    """Whether a call of this run, or one that holds money under the same cap, is under way: it may cost less than it
    holds. So may phones that are still to come.
    """
    under_way = VendorCall.objects.filter(state__in=VendorCall.OPEN)
    of_this = Q(run_id=run.pk) | Q(holds__has_key=scope)
    return under_way.filter(of_this).exists() or reveals.may_close_soon(run.pk, scope)


def look_for_money(run: Run) -> None:
    """Lets a run that is short of money try again, or pauses it, once no item of it can move. `run` must be locked.

    1. Nothing happens while the run is not short of money, is over, or has items that can move.
    2. Its items that were set aside come back.
    3. It tries again where a cap has room by now; but once only from the same position (`cap_mark`), because a request
       may cost more than the least that fits.
    4. Else it pauses.
    """
    if run.status not in Run.ACTIVE or not run.cap_scope:
        return
    if run.done + run.in_doubt >= run.total or queue.can_move(run):
        return
    stages_left = queue.unpark(run)
    mark = f"{run.done}:{sorted(stages_left)}:{budgets.taken(run.budget_scope)}"
    if mark == run.cap_mark or not any(_would_fit(stage, run) for stage in stages_left):
        pause(run, Run.Pause.CAP, run.reason or cap_reason(run.cap_scope, run.max_cost))
        return
    run.cap_scope, run.cap_mark, run.reason = "", mark, ""
    Run.objects.filter(pk=run.pk).update(cap_scope="", cap_mark=mark, reason="")


def _would_fit(stage: int, run: Run) -> bool:
    operation = catalogue.operation(stages.STAGES[stage].operation_name(run.asked))
    return would_fit(operation, payer(stage, run))


def _afterwards(stage: int, run: Run, *, besides: UUID | None) -> Afterwards | None:
    """The purchases that this stage leads to: a run finishes leads, and buys no detail whose trace does not fit too."""
    at, options = stages.STAGES[stage], run.asked
    onward = at.onward(options)
    if onward is None:
        return None
    after = catalogue.operation(stages.STAGES[onward].operation_name(options))
    begun = _Begun(at, onward, after.unit_price, besides)
    elsewhere = after.vendor_id != catalogue.operation(at.operation_name(options)).vendor_id
    caps = (vendor_cap(after.vendor_id, after.vendor.cap, database_now()),) if elsewhere else ()
    return Afterwards(after.unit_price, after.vendor_id, begun.exactly, begun.at_most, caps, begun.asked(), begun.hear)


class _AtWork(NamedTuple):
    """A run at work, and its open leads."""

    run_id: UUID
    owner_id: int
    team_id: int
    leads: int


class _Begun:
    """What runs at work have still to buy at the next stage, US dollars, by the scope of the cap that counts it."""

    def __init__(self, at: StageRow, onward: int, each: Decimal, besides: UUID | None) -> None:
        self._at, self._onward, self._each, self._besides = at, onward, each, besides
        self._heard: list[_AtWork] | None = None

    def asked(self) -> Asked:
        return (
            f"SELECT {columns(Run, 't')} FROM enrichment_run t WHERE status = ANY(%(active)s) AND kind = %(kind)s",  # noqa: S608
            {"active": [str(one) for one in Run.ACTIVE], "kind": str(self._at.kind)},
        )

    def hear(self, found: Sequence[tuple[Any, ...]]) -> None:
        """Every run at work that asks for the next stage, of what `asked` finds."""
        runs = [run for (run,) in made(found, Run) if self._at.onward(run.asked) is not None]
        self._heard = [_AtWork(run.pk, run.owner_id, run.team_id, run.total - run.done) for run in runs]

    @property
    def _at_work(self) -> list[_AtWork]:
        if self._heard is None:
            self.hear(kept(*self.asked()))
        return self._heard or []

    def _runs(self, scope: str) -> list[_AtWork]:
        """The runs at work whose money this budget counts: one, a user's, a team's, or all (of a vendor's day)."""
        of = scopes.parse(scope)
        whose = {scopes.RUN: "run_id", scopes.USER: "owner_id", scopes.TEAM: "team_id"}.get(of.kind)
        return [row for row in self._at_work if whose is None or str(getattr(row, whose)) == of.whose]

    def at_most(self, scope: str) -> Decimal:
        return self._each * sum(row.leads for row in self._runs(scope))

    def exactly(self, scope: str) -> Decimal:
        runs = [row.run_id for row in self._runs(scope)]
        return self._each * queue.to_follow(self._at.stage, self._onward, runs, besides=self._besides)
