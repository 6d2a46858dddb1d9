"""Billing checks in bulk: the requests of one outage, decided in one go by what the vendor's bill says.

Each request is decided in a transaction of its own. An operator who was interrupted starts again and decides the rest;
two who decide at once decide each request once, under its row lock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, F, Max, Min, QuerySet, Sum

from accounts.models import User
from common.enqueue import enqueue_on_commit
from integrations.ledger import calls
from integrations.ledger.budgets import ZERO
from integrations.lookups import reveals
from integrations.models import PhoneReveal, VendorCall
from integrations.naming import vendors as vendor_names


@dataclass(frozen=True, slots=True)
class Outage:
    """Which billing checks: of a vendor, sent from `since` on and before `until`. None: no bound.

    phones: not the requests but Apollo's phones that were to come after their requests' answers.
    """

    vendor: str
    since: datetime | None = None
    until: datetime | None = None
    phones: bool = False


@dataclass(frozen=True, slots=True)
class Tally:
    """What waits for a decision. leads: inputs of the requests. held: US dollars. first, last: when they were sent."""

    requests: int
    leads: int
    held: Decimal
    first: datetime | None = None
    last: datetime | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """What a decision came to. meanwhile: decided by somebody else at the same time. left: still to be decided."""

    billed: bool
    requests: int
    leads: int
    dollars: Decimal
    meanwhile: int
    left: Tally

    @property
    def in_words(self) -> str:
        """For the operator who decided."""
        verdict = "billed" if self.billed else "not billed"
        others = f"{self.meanwhile:,} {'was' if self.meanwhile == 1 else 'were'} decided by somebody else meanwhile."
        if not self.requests and self.meanwhile:
            return f"Nothing was marked as {verdict}: {others}"
        both = f"{self.requests:,} {_many('request', self.requests)} with {self.leads:,} {_many('lead', self.leads)}"
        words = f"{both} marked as {verdict}, ${self.dollars:,.2f}."
        if self.meanwhile:
            words += f" {others}"
        return words


@dataclass(frozen=True, slots=True)
class Waiting:
    """One vendor's billing checks of one kind, for the operator who chooses an outage to decide."""

    vendor: str
    phones: bool
    tally: Tally

    @property
    def title(self) -> str:
        return vendor_names.title(self.vendor)


def waiting() -> list[Waiting]:
    """Every vendor with something to decide, the most money first."""
    found: list[Waiting] = []
    for phones in (False, True):
        rows = _rows(phones=phones)
        vendors = rows.values(vendor=F("call__operation__vendor") if phones else F("operation__vendor"))
        sums = vendors.annotate(**_sums(phones=phones)).order_by("vendor")
        found += [Waiting(row["vendor"], phones=phones, tally=_tally(row)) for row in sums]
    return sorted(found, key=lambda one: -one.tally.held)


def tally(outage: Outage) -> Tally:
    """How many requests, leads and dollars this outage has left in doubt."""
    return _tally(_of(outage).aggregate(**_sums(phones=outage.phones)))


def decide(*, outage: Outage, billed: bool, by: User | None, reason: str = "", seconds: float | None = None) -> Decided:
    """Marks what the outage left in doubt as billed (at what is held for it) or as not billed.

    seconds: when to stop and leave the rest to the next call; None: not before all is decided. Must not be called
    inside a transaction.
    """
    act = _act(phones=outage.phones, billed=billed, by=by, reason=reason)
    ends = time.monotonic() + seconds if seconds is not None else None
    counted = _decide(((act, row) for row in _chosen(outage)), ends)
    return Decided(billed, *counted, tally(outage))


def decide_chosen(
    *, requests: Collection[UUID], phones: Collection[UUID], billed: bool, by: User | None, reason: str = ""
) -> Decided:
    """Marks these as billed (at what is held for each) or as not billed; `phones`: by the id of their request.

    Must not be called inside a transaction. Those that were decided meanwhile are counted and left as they are.
    """
    work: list[tuple[Callable[[UUID], bool], tuple[UUID, int, Decimal]]] = []
    for ids, is_phones in ((requests, False), (phones, True)):
        act = _act(phones=is_phones, billed=billed, by=by, reason=reason)
        rows = _triples(_rows(phones=is_phones).filter(pk__in=ids), phones=is_phones)
        work += [(act, row) for row in rows]
    done, leads, dollars, meanwhile = _decide(work, None)
    gone = len(set(requests)) + len(set(phones)) - len(work)
    return Decided(billed, done, leads, dollars, meanwhile + gone, Tally(0, 0, ZERO))


def _decide(
    work: Iterable[tuple[Callable[[UUID], bool], tuple[UUID, int, Decimal]]], ends: float | None
) -> tuple[int, int, Decimal, int]:
    """How many requests, leads and dollars were decided, and how many somebody else had. ends: when to stop."""
    done, leads, dollars, meanwhile = 0, 0, ZERO, 0
    for act, (pk, inputs, reserved) in work:
        if ends is not None and time.monotonic() > ends:
            break
        with transaction.atomic():
            decided = act(pk)
        if decided:
            done, leads, dollars = done + 1, leads + inputs, dollars + reserved
        else:
            meanwhile += 1
    if done:
        enqueue_on_commit("enrichment.reap")
    return done, leads, dollars, meanwhile


def _many(noun: str, count: int) -> str:
    return noun if count == 1 else f"{noun}s"


def _act(*, phones: bool, billed: bool, by: User | None, reason: str) -> Callable[[UUID], bool]:
    if phones:
        return partial(reveals.write_off if billed else reveals.release, by=by, reason=reason)
    return partial(calls.write_off if billed else calls.release_doubt, by=by, reason=reason, wakes=False)


def _chosen(outage: Outage) -> Sequence[tuple[UUID, int, Decimal]]:
    return _triples(_of(outage), phones=outage.phones)


def _triples(rows: QuerySet[Any], *, phones: bool) -> Sequence[tuple[UUID, int, Decimal]]:
    """Ids, leads and US dollars held."""
    rows = rows.order_by("pk")
    if not phones:
        return list(rows.values_list("pk", "inputs", "reserved"))
    return [(pk, len(people), held) for pk, people, held in rows.values_list("pk", "people", "reserved")]


def _rows(*, phones: bool) -> QuerySet[Any]:
    if phones:
        return PhoneReveal.objects.filter(state=PhoneReveal.State.IN_DOUBT).order_by()
    return VendorCall.objects.filter(state=VendorCall.State.IN_DOUBT).order_by()


def rows_of(outage: Outage, *, phones: bool) -> QuerySet[Any]:
    """Its requests in doubt, or its reveals."""
    return _of(replace(outage, phones=phones))


def _of(outage: Outage) -> QuerySet[Any]:
    call = "call__" if outage.phones else ""
    bounds: dict[str, Any] = {f"{call}operation__vendor": outage.vendor}
    if outage.since is not None:
        bounds[f"{call}sent_at__gte"] = outage.since
    if outage.until is not None:
        bounds[f"{call}sent_at__lt"] = outage.until
    return _rows(phones=outage.phones).filter(**bounds)


def _sums(*, phones: bool) -> dict[str, Any]:
    call = "call__" if phones else ""
    return {
        "requests": Count("pk"),
        "leads": Sum(f"{call}inputs"),
        "held": Sum("reserved"),
        "first": Min(f"{call}sent_at"),
        "last": Max(f"{call}sent_at"),
    }


def _tally(row: dict[str, Any]) -> Tally:
    return Tally(row["requests"], row["leads"] or 0, row["held"] or ZERO, row["first"], row["last"])
