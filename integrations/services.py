"""Questions to vendors, one at a time: free calls at the vendor's pace, and single look-ups through the gate."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import TypeVar
from uuid import UUID

from django.db import transaction

from common.db.ids import uuid7
from common.values.backoff import backoff
from integrations.ledger import breaker, catalogue, pace
from integrations.ledger.admission import Closed, admit
from integrations.ledger.budgets import ZERO
from integrations.ledger.outcomes import report_outcome, stops_vendor
from integrations.ledger.reservation import Payer
from integrations.ledger.sending import Outcome
from integrations.locks import FREE_IN_FLIGHT, hold_free_call
from integrations.lookups import gate
from integrations.lookups.answers import Owned
from integrations.lookups.lead_limit import lead_caps
from integrations.models import Lookup, PropertyName, VendorCall
from integrations.vendors.apollo import client as apollo
from integrations.vendors.apollo.client import Health
from integrations.vendors.contract import Answer, Query, Reply
from integrations.vendors.errors import Category, NotSent, Rejected, ScopeRefused, VendorFailure
from integrations.vendors.realestateapi import client as realestateapi
from integrations.vendors.realestateapi.places import Place

T = TypeVar("T")
TRIES = 3  # 1 and 2 s apart (docs/requirements.md 4)
FREE_PATIENCE = 1.0  # seconds a free question waits for one of its person's places
PURPOSE = "lookup"  # of every request here: `VendorCall.purpose`


class NotNow(Exception):
    """A look-up that cannot be had at this moment, with the category and words for the user.

    `status`: the vendor's HTTP status, where it answered. `retry_in`: seconds, where they are known.
    """

    def __init__(
        self, category: Category, reason: str, *, status: int | None = None, retry_in: float | None = None
    ) -> None:
        super().__init__(reason)
        self.category, self.reason, self.status, self.retry_in = category, reason, status, retry_in


class TooManyAtOnce(NotNow):
    """This person has as many free questions in flight as one may have."""


def _not_now(failure: VendorFailure) -> NotNow:
    retry_in = failure.retry_after if isinstance(failure, NotSent) else None
    return NotNow(failure.category, failure.reason, status=failure.status, retry_in=retry_in)


@dataclass(frozen=True, slots=True)
class Bought:
    """An answer and what it has just cost, US dollars; 0 where it was owned."""

    answer: Answer
    fetched_at: datetime
    cost: Decimal
    owned: bool


def count_properties(criteria: dict[str, object], *, user_id: int, by_worker: bool = False) -> int:
    """How many properties the vendor finds for these criteria. Free. by_worker: as for `_free`."""
    return _free("property_search", lambda: realestateapi.count(criteria), user_id, nothing=0, by_worker=by_worker)


def property_ids(criteria: dict[str, object], *, user_id: int, by_worker: bool = False) -> realestateapi.IdPage:
    """The ids of the first 10,000 properties that match. Free. by_worker: as for `_free`."""
    nothing = realestateapi.IdPage(ids=(), total=0)
    ask = partial(realestateapi.ids, criteria)
    return _free("property_search", ask, user_id, nothing=nothing, by_worker=by_worker)


def bought_ids(ids: Sequence[str]) -> set[str]:
    """Those of these property ids that RealEstateAPI has sold this installation something about."""
    details = Lookup.objects.filter(operation=catalogue.operation("property_detail"), key__in=list(ids))
    bought = set(details.filter(state=Lookup.State.ANSWERED, category="").values_list("key", flat=True))
    named = PropertyName.objects.filter(property_id__in=list(set(ids) - bought))
    return bought | set(named.values_list("property_id", flat=True))


def autocomplete(text: str, types: Sequence[str] | None, *, user_id: int) -> list[Place]:
    """Places whose name begins like `text`. Free."""
    return _free("autocomplete", lambda: realestateapi.autocomplete(text, types), user_id, nothing=[])


def apollo_health() -> Health:
    """Whether Apollo takes our key, and how many requests its rate windows have left. Free; a failure is the answer."""
    return apollo.health()


def in_flight(run_ids: Sequence[UUID]) -> bool:
    """Whether a request for one of these runs has been promised or sent and has not ended."""
    return VendorCall.objects.filter(state__in=VendorCall.OPEN, run_id__in=run_ids).exists()


def _free(name: str, ask: Callable[[], T], user_id: int, *, nothing: T, by_worker: bool = False) -> T:
    """One free answer, in one of this person's places for such questions. Raises NotNow; TooManyAtOnce.

    nothing: the answer that the vendor's documented 404 stands for, which proves nothing of its base URL. by_worker: it
    needs no place, because nobody waits for it and a worker does one thing at a time.
    """
    if by_worker:
        return _ask_free(name, ask, user_id, nothing)
    with hold_free_call(user_id, patience=FREE_PATIENCE) as held:
        if not held:
            words = f"{FREE_IN_FLIGHT} searches of yours are still under way. Try again when one of them is done"
            raise TooManyAtOnce(Category.RATE_LIMITED, words, retry_in=1)
        return _ask_free(name, ask, user_id, nothing)


def _ask_free(name: str, ask: Callable[[], T], user_id: int, nothing: T) -> T:
    """One free answer, at the operation's pace. Raises NotNow.

    1. Waits for a slot, asks, writes the audit row; breaker and pace learn the outcome.
    2. A failure that no later request can escape pauses the vendor.
    3. A request that bought nothing and can be repeated is repeated, three times at most.
    """
    operation = catalogue.operation(name)
    for attempt in range(TRIES):
        slot_at = _wait_for_slot(operation.pk, user_id)
        started = pace.database_now()
        failure: VendorFailure | None = None
        try:
            answer = ask()
        except VendorFailure as error:
            failure = error
        _audit(operation.pk, user_id, slot_at, started, failure)
        report_outcome(operation, failure, paid=False)
        if failure is None:
            return answer
        if isinstance(failure, Rejected) and failure.category == Category.NOT_FOUND:
            return nothing
        if (reason := stops_vendor(failure, paid=False)) is not None:
            breaker.pause(operation.vendor_id, reason)
        if not isinstance(failure, NotSent) or attempt == TRIES - 1 or (failure.retry_after or 0) > 10:
            raise _not_now(failure)
        time.sleep(failure.retry_after or backoff(attempt + 1).total_seconds())
    raise AssertionError("unreachable")


def _wait_for_slot(operation_id: int, user_id: int, patience: float = 20.0) -> datetime:
    deadline = time.monotonic() + patience
    while True:
        try:
            with transaction.atomic():
                operation = admit(operation_id, single=True)
                if wait := breaker.open_for_free(operation, user_id, pace.database_now()).total_seconds():
                    raise Closed("your last searches brought no answer; next try soon", wait)
                slot = pace.take_slot(operation_id, operation.setting("pace"))
            time.sleep(max(0.0, (slot - pace.database_now()).total_seconds()))
            return slot
        except Closed as closed:
            _wait(closed, deadline)


def _wait(closed: Closed, deadline: float) -> None:
    """Sleeps until it is worth asking again. Raises NotNow where that is past the deadline, or up to an operator."""
    if closed.retry_in is None:
        raise NotNow(Category.AUTH_ERROR, closed.reason)
    if time.monotonic() + closed.retry_in > deadline:
        raise NotNow(Category.RATE_LIMITED, closed.reason, retry_in=closed.retry_in)
    time.sleep(min(max(closed.retry_in, 0.01), 1.0))


def _audit(
    operation_id: int, user_id: int, slot_at: datetime, started: datetime, failure: VendorFailure | None
) -> None:
    now = pace.database_now()
    VendorCall.objects.create(
        id=uuid7(),
        operation_id=operation_id,
        user_id=user_id,
        purpose=PURPOSE,
        state=VendorCall.State.RELEASED if failure else VendorCall.State.SETTLED,
        inputs=1,
        reserved=ZERO,
        status=failure.status if failure else 200,
        category=failure.category if failure else "",
        reason=failure.reason if failure else "",
        latency_ms=int((now - started).total_seconds() * 1000),
        created_at=started,
        slot_at=slot_at,
        sent_at=started,
        ended_at=now,
        lease_until=now,
    )


def buy(
    name: str, query: Query, *, user_id: int, team_id: int | None = None, max_cost: Decimal | None = None
) -> Bought:
    """`look_up`, and what it cost. Refuses (BUDGET_EXHAUSTED) what may cost more than `max_cost` and is not owned.

    team_id: whose budget counts beside the user's.
    """
    operation = catalogue.operation(name)
    most = operation.unit_price * query.weight
    if max_cost is not None and most > max_cost and gate.owned(operation, query) is None:
        raise NotNow(Category.BUDGET_EXHAUSTED, f"it may cost ${most:.2f}, more than the ${max_cost:.2f} allowed")
    found, call_id = _look_up(name, query, user_id=user_id, team_id=team_id)
    cost = VendorCall.objects.only("cost").get(pk=call_id).cost if call_id else ZERO
    return Bought(found.answer, found.fetched_at, cost, owned=call_id is None)


def asking_price(name: str, query: Query) -> Decimal:
    """What `buy` would cost at most at this moment, US dollars: 0 where the answer is owned."""
    operation = catalogue.operation(name)
    if gate.owned(operation, query) is not None:
        return ZERO
    return operation.unit_price * query.weight


def look_up(name: str, query: Query, *, user_id: int, patience: float = 30.0) -> Owned:
    """Buys one answer, or serves it at $0. `patience`: seconds to wait for a slot or for another purchase of the same.

    Raises NotNow with its category: BUDGET_EXHAUSTED, IN_DOUBT, RATE_LIMITED, AUTH_ERROR, NETWORK_ERROR, INVALID_DATA.
    """
    return _look_up(name, query, user_id=user_id, patience=patience)[0]


def _look_up(
    name: str, query: Query, *, user_id: int, team_id: int | None = None, patience: float = 30.0
) -> tuple[Owned, UUID | None]:
    """As `look_up`; also the request of this look-up that bought it, None where it was owned or another has bought it.

    1. An owned answer is served, also while the gate is closed; else this waits for the gate or for another purchase.
    2. No room under a cap, or an earlier purchase in doubt: NotNow.
    3. Buys. A key refused at the batch endpoint asks again at the single endpoint, as a run does.
    4. A request that bought nothing and can be repeated is repeated after 1 s and 2 s, or when the vendor says.
    """
    deadline = time.monotonic() + patience
    attempt = 0
    while True:
        try:
            with transaction.atomic():
                operation = catalogue.operation(name)
                caps = lead_caps(name, user_id, pace.database_now(), team_id=team_id)
                payer = Payer(user_id, PURPOSE, caps=caps, team_id=team_id)
                plan = gate.begin(operation, [query], payer, single=True)
        except Closed as closed:
            _wait(closed, deadline)
            continue
        if query.key in plan.owned:
            return plan.owned[query.key], None
        if plan.unaffordable:
            raise NotNow(Category.BUDGET_EXHAUSTED, f"{plan.cap.label if plan.cap else 'a spending limit'} is used up")
        if plan.doubtful:
            raise NotNow(Category.IN_DOUBT, "an earlier purchase of this needs a billing check")
        call_id = plan.call_id
        if call_id is None:
            _wait(Closed("somebody else is buying it", 0.2), deadline)
            continue
        bought = gate.buy(operation, plan, conclude=partial(_conclude, call_id)).result
        if isinstance(bought, VendorFailure):
            attempt += 1
            again = isinstance(bought, NotSent) and (bought.retry_after or 0) <= 10
            if attempt == TRIES or not (again or isinstance(bought, ScopeRefused)):
                raise _not_now(bought)
            if isinstance(bought, NotSent):
                time.sleep(bought.retry_after or backoff(attempt).total_seconds())
        elif bought is not None:
            return bought.answers[query.key], call_id


def _conclude(call_id: UUID, outcome: Outcome[Reply], _out_of_order: object) -> gate.Settled | VendorFailure | None:
    """Settles or fails the call. None: it was given up before it was sent, or taken from this worker."""
    if outcome.reply is not None:
        return gate.settle(call_id, outcome.reply, outcome.latency_ms)
    if outcome.failure is not None:
        gate.fail(call_id, outcome.failure, outcome.latency_ms)
    return outcome.failure
