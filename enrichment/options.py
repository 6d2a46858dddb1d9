"""What a person asks of a run, as it is typed here and as `Run.options` stores it. No clock, no ORM."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import TextChoices

SAMPLE = 50  # leads
HIT_RATE = Decimal("0.25")


class Kind(TextChoices):
    """What a run buys."""

    PROPERTY = "property", "Property detail and skip trace"
    APOLLO = "apollo", "Apollo"


@dataclass(frozen=True, slots=True)
class Canary:
    """leads: size of the sample. min_hit_rate: the least share of them (0 to 1) that must turn out to have a phone.

    It is of those traced, and a phone that a lead had before is not counted.
    max_cost_per_lead: the most one may have cost on average, US dollars; None: what the vendors' prices add up to.
    """

    leads: int = SAMPLE
    min_hit_rate: Decimal = HIT_RATE
    max_cost_per_lead: Decimal | None = None

    def as_json(self) -> dict[str, Any]:
        most = self.max_cost_per_lead
        return {
            "leads": self.leads,
            "minHitRate": str(self.min_hit_rate),
            "maxCostPerLead": None if most is None else str(most),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Canary:
        most = stored["maxCostPerLead"]
        return cls(stored["leads"], Decimal(stored["minHitRate"]), None if most is None else Decimal(most))


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What a person asks of a run.

    limit: most leads. lead_ids: exactly these leads of the bucket, whatever was bought before (owned facts cost $0);
    else pending ones in age order, after `start_from`. only_failed: failed ones instead. guard: filters a lead must
    pass, once its detail is known, before its contacts are bought. max_cost: US dollars. fresh_after: details that are
    owned since before that are bought again. reveal_phones: Apollo's people who have none, for up to 8 credits more.
    canary: buy a sample first, and stop where it disappoints. left_out: leads of a retry that need a billing check
    first, for those who are told. one_per_owner: of each owner the oldest lead alone. chosen: how many `lead_ids`
    there were, in options that were read back.
    """

    limit: int | None = None
    skip_trace: bool = True
    start_from: UUID | None = None
    only_failed: bool = False
    lead_ids: Sequence[UUID] | None = None
    guard: Mapping[str, Any] = field(default_factory=dict)
    max_cost: Decimal | None = None
    kind: str = Kind.PROPERTY
    type: str = "people"
    reveal_emails: bool = True
    reveal_phones: bool = False
    update_db: bool = True
    fresh_after: datetime | None = None
    canary: Canary | None = None
    left_out: int = 0
    one_per_owner: bool = False
    chosen: int | None = None

    def as_json(self) -> dict[str, Any]:
        """What `Run.options` stores; kind and max_cost have columns of their own, and the leads are the run's items."""
        options: dict[str, Any] = {
            "limit": self.limit,
            "startFrom": str(self.start_from) if self.start_from else None,
            "onlyFailed": self.only_failed,
            "chosenLeads": len(self.lead_ids) if self.lead_ids is not None else self.chosen,
        }
        if self.left_out:
            options["leftOut"] = self.left_out
        if self.one_per_owner:
            options["oneLeadPerOwner"] = True
        if self.kind == Kind.APOLLO:
            return options | {
                "type": self.type,
                "revealEmails": self.reveal_emails,
                "revealPhones": self.reveal_phones and self.type == "people",
                "updateDb": self.update_db,
            }
        if self.fresh_after is not None:
            options["freshAfter"] = self.fresh_after.isoformat()
        if self.canary is not None:
            options["canary"] = self.canary.as_json()
        return options | {"skipTrace": self.skip_trace, "guard": dict(self.guard)}

    @classmethod
    def from_json(
        cls, stored: Mapping[str, Any], *, kind: str = Kind.PROPERTY, max_cost: Decimal | None = None
    ) -> RunOptions:
        """Reads what `as_json` stored. An option that an older release did not know has its default."""
        start_from, fresh_after, canary = stored.get("startFrom"), stored.get("freshAfter"), stored.get("canary")
        return cls(
            limit=stored.get("limit"),
            skip_trace=stored.get("skipTrace", True),
            start_from=UUID(start_from) if start_from else None,
            only_failed=stored.get("onlyFailed", False),
            guard=stored.get("guard") or {},
            max_cost=max_cost,
            kind=kind,
            type=stored.get("type", "people"),
            reveal_emails=stored.get("revealEmails", True),
            reveal_phones=stored.get("revealPhones", False),
            update_db=stored.get("updateDb", True),
            fresh_after=datetime.fromisoformat(fresh_after) if fresh_after else None,
            canary=Canary.from_json(canary) if canary else None,
            left_out=stored.get("leftOut", 0),
            one_per_owner=stored.get("oneLeadPerOwner", False),
            chosen=stored.get("chosenLeads"),
        )

    def fingerprint(self, bucket_id: UUID) -> str:
        """SHA-256 of the whole request: the same Idempotency-Key must come with the same one."""
        ids = [str(i) for i in self.lead_ids] if self.lead_ids is not None else None
        whole = self.as_json() | {
            "bucket": str(bucket_id),
            "leadIds": ids,
            "maxCost": str(self.max_cost),
            "kind": self.kind,
        }
        return hashlib.sha256(json.dumps(whole, sort_keys=True, default=str).encode()).hexdigest()
