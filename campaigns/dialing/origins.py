"""Where a number is from at the moment it is called: the lead may have another in its place tomorrow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from campaigns.gate.leads import READ, listed_of
from campaigns.rules.places import number_kind
from common.db.ids import uuid7_floor
from integrations.models import VendorCall
from leads.facts.sources import APOLLO, TRACE
from leads.models import Lead

_ANSWER = timedelta(minutes=10)  # the longest a skip trace takes from reserving its money to its answer


@dataclass(frozen=True, slots=True)
class Origin:
    """kind: mobile, landline, voip, …. source: the vendor's name, file, typed; '': not known. at: since when."""

    kind: str
    source: str
    at: datetime | None

    def columns(self) -> dict[str, Any]:
        """Of CallAttempt."""
        return {"number_kind": self.kind[:10], "number_source": self.source, "number_at": self.at}


def origin_in(lead: Lead, number: str) -> Origin:
    """Of this number of the lead, as it was read. A statement at most."""
    told = listed_of({name: getattr(lead, name) for name in READ}, number)
    kind = number_kind(number, told.get("type") or "")
    at = datetime.fromisoformat(str(told["at"])) if told.get("at") else None
    return Origin(kind, _vendor(str(told.get("source") or ""), at), at)


def _vendor(source: str, at: datetime | None) -> str:
    """A skip trace is sold by one vendor or another: whose request answered then."""
    if source != TRACE or at is None:
        return "apollo" if source == APOLLO else source
    calls = VendorCall.objects.filter(
        pk__gte=uuid7_floor(at - _ANSWER), pk__lte=uuid7_floor(at + timedelta(seconds=1)),
        operation__name="skip_trace", state=VendorCall.State.SETTLED,
    )  # fmt: skip
    return calls.order_by("-pk").values_list("operation__vendor__name", flat=True).first() or source
