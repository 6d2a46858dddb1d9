"""The shape every paid look-up has for the gate: queries in, one answer per query out; and what the ledger reads of an
answer to anything paid (`Receipt`).

A raw vendor dict never crosses this border. `Answer.facts` holds only allow-listed, JSON-ready values whose keys are
Lead column names, so that a value on no allow-list is never stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from integrations.vendors.errors import Category, Evidence


@dataclass(frozen=True, slots=True)
class Query:
    """One input of a paid look-up.

    key: the normalised identity of the question, at most 200 characters: equal keys are bought once for everybody.
    params: what the vendor's adapter needs to ask it. weight: the most price units this input can cost.
    alone: no batch takes it. names: further keys of the same question; an answer that is owned under one serves it.
    owner: who the property's owner is by the county's line; it is not sent, but tells whose contacts came.
    """

    key: str
    params: Mapping[str, Any] = field(repr=False)
    weight: int = 1
    alone: bool = False
    names: tuple[str, ...] = ()
    owner: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a vendor knows about one query. No match is an answer: `facts` is empty and `category` says so.

    also: another key of the same fact, which is owned with it.
    """

    facts: Mapping[str, Any] = field(default_factory=dict, repr=False)
    category: Category | None = None
    also: str = ""

    @property
    def found(self) -> bool:
        return self.category is None


class Receipt(Protocol):
    """What the ledger reads of a vendor's answer to a paid request, whatever was bought.

    units: what the price list charges. claimed: the vendor's own count of the same units, where it gives one; never the
    charge. found: inputs that were delivered. evidence: kept for the operator, where something cannot be used.
    """

    @property
    def units(self) -> Decimal: ...
    @property
    def claimed(self) -> Decimal | None: ...
    @property
    def found(self) -> int: ...
    @property
    def status(self) -> int: ...
    @property
    def request_id(self) -> str: ...
    @property
    def evidence(self) -> Evidence | None: ...


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole vendor answer. `answers` has every query's key. `units` is what the price list charges for it.

    claimed: the vendor's own count of the same units, where it gives one; never the charge. later: the most units that
    may still be charged under this request, when its phones come; None: nothing comes. evidence: what came, where some
    of its records cannot be used (those answers are INVALID_DATA); for the operator.
    """

    answers: Mapping[str, Answer]
    units: Decimal
    claimed: Decimal | None = None
    status: int = 200
    request_id: str = ""
    later: Decimal | None = None
    evidence: Evidence | None = None

    @property
    def found(self) -> int:
        """Queries whose answer the vendor knew."""
        return sum(answer.found for answer in self.answers.values())


class Adapter(Protocol):
    """One paid operation of one vendor, adapted.

    largest_batch: inputs one request may hold (the vendor's own limit). An adapter holds no state between calls and is
    safe in threads.
    """

    vendor: str
    operation: str
    largest_batch: int

    def call(self, queries: Sequence[Query], *, call_id: str) -> Reply:
        """Sends one HTTP request for these queries (1 uses the single endpoint, more the batch endpoint).

        Raises a VendorFailure of `integrations.vendors.errors`. ScopeRefused only from a batch endpoint.
        """
        ...
