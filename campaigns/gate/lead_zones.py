"""By which clocks a lead's owner lives: of the property, of where they get mail, of the number."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from campaigns.gate.leads import of_address, read


def zones_of_leads(lead_ids: Collection[UUID]) -> dict[UUID, tuple[str, ...]]:
    """IANA names by lead, in alphabetical order; none where nothing is known of the place. One statement."""
    if not lead_ids:
        return {}
    return {lead_id: of_address(row, row["phone"], "call").zones for lead_id, row in read(lead_ids).items()}
