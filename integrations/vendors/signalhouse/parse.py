"""SignalHouse's trace made contact facts, through the same allow-list as everybody's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrations.vendors import normalise
from integrations.vendors.skip_trace import contact_facts, phone_of


def contact(data: Mapping[str, Any], *, asked: Mapping[str, Any], owner: str = "") -> dict[str, Any]:
    """The facts of `data`. asked, owner: the params of the question, and the county's line. Never raises."""
    phones = []
    for entry in normalise.sequence(data.get("phones")):
        listed = entry if isinstance(entry, dict) else {"number": entry}
        phones.append(
            phone_of(
                listed.get("number"),
                type=listed.get("type"),
                do_not_call=listed.get("dnc"),
                last_seen=listed.get("lastSeen"),
                connected=None,
            )
        )
    return contact_facts(
        first_name=data.get("firstName"),
        last_name=data.get("lastName"),
        asked=asked,
        owner=owner,
        phones=phones,
        emails=normalise.sequence(data.get("emails")),
        address=normalise.mapping(data.get("mailingAddress")),
    )
