"""To which of her e-mail addresses a lead is written: the first that can be used. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from campaigns.gate.people import digests_of
from campaigns.rules.checks import is_good_email
from leads.keys import key_secrets
from leads.keys.owner_keys import emails_of
from leads.permission.suppressing import in_force


@dataclass(frozen=True, slots=True)
class Address:
    """value: as its key has it; position: of its `LeadKey` among the lead's e-mails."""

    value: str
    position: int


def best_emails(
    leads: Mapping[UUID, Mapping[str, Any]], *, seller_id: UUID | None, at: datetime
) -> dict[UUID, Address]:
    """By lead (its columns `email` and `other_facts`): the first address that is well formed and not suppressed for
    e-mails; the first of all where none is, so that the gate says why. A lead without any is left out. One statement.
    """
    secrets = key_secrets.for_reading()
    known = {lead_id: emails_of(lead) for lead_id, lead in leads.items()}
    digests = {address: digests_of(address, secrets) for addresses in known.values() for address in addresses}
    asked = {digest for address in digests for digest in digests[address]}
    suppressed = in_force(asked, "email", seller_id=seller_id, at=at) if asked else {}
    found = {}
    for lead_id, addresses in known.items():
        if not addresses:
            continue
        usable = [
            place
            for place, address in enumerate(addresses)
            if is_good_email(address) and not any(suppressed.get(digest) for digest in digests[address])
        ]
        place = usable[0] if usable else 0
        found[lead_id] = Address(addresses[place], place)
    return found
