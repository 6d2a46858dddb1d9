"""Rows of a file whose id, parcel number and address do not belong together, by what was bought. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from integrations.lookups import names as learned
from integrations.lookups.agreement import contradict
from integrations.lookups.identity import Name
from integrations.lookups.stand_in_ids import is_stand_in
from leads.facts.names import NAMED_BY, names_of_lead
from leads.models import Lead

IN_DOUBT = "Its APN and its address are not one property's, by what was purchased: check them before you buy its data."


class Row(Protocol):
    """A row that is to be a lead: see `incoming.Incoming`."""

    @property
    def property_id(self) -> str: ...
    @property
    def facts(self) -> Mapping[str, Any]: ...
    @property
    def names(self) -> Sequence[Name]: ...


@dataclass(frozen=True, slots=True)
class Identified:
    """called: what each row is called, a vendor's id where bought answers know it. bought: what they call these.

    wrong: rows, by their place, whose own id was bought for a property that the row contradicts: called by other names.
    """

    called: Sequence[str]
    bought: Mapping[str, Sequence[learned.Row]]
    wrong: frozenset[int]
    known: learned.Known

    @property
    def doubted(self) -> int:
        """How many rows say two properties that are known, or contradict the one they say."""
        return len(self.wrong | self.known.doubted)


def identify(rows: Sequence[Row]) -> Identified:
    """Which properties these rows are, as far as bought answers tell; a row that contradicts itself is none of them."""
    own = learned.names_by_id({row.property_id for row in rows if not is_stand_in(row.property_id)})
    wrong = frozenset(
        place
        for place, row in enumerate(rows)
        if row.names and row.property_id in own and contradict(row.names, [one.text for one in own[row.property_id]])
    )
    asked = {n: row.names for n, row in enumerate(rows) if n in wrong or is_stand_in(row.property_id)}
    known = learned.look_up(asked)
    called = [known.ids.get(n) or (row.names[0].text if n in wrong else row.property_id) for n, row in enumerate(rows)]
    return Identified(called, {**own, **known.called}, wrong, known)


def warning_of(lead: Lead) -> str:
    """What to say of a lead whose APN and address bought answers know as two properties'; "" where they do not."""
    if not is_stand_in(lead.property_id):
        return ""
    names = names_of_lead(lead.property_id, {column: getattr(lead, column) for column in NAMED_BY})
    return IN_DOUBT if learned.look_up({lead.pk: names}).doubted else ""
