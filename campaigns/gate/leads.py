"""What a lead's own row says of a contact: where it is, which number it is, and what the skip trace flagged."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from campaigns.rules.facts import Channel, Facts
from campaigns.rules.places import number_kind, states_of, zones_of
from leads.facts.sources import SLOTS, TRACE, source_of
from leads.models import Lead

READ = (
    "status", "phone", "phone_type", "phone_do_not_call", "secondary_phone", "secondary_phone_type",
    "secondary_phone_do_not_call", "email", "litigator", "latitude", "longitude", "property_state", "property_zip",
    "mailing_state", "mailing_zip", "traced_state", "traced_zip", "fact_sources", "other_facts", "created_at",
    "enriched_at", "skip_traced_at", "apollo_enriched_at",
)  # fmt: skip
Row = Mapping[str, Any]


def read(lead_ids: Collection[UUID]) -> dict[UUID, Row]:
    """These leads. One that was merged into another is answered for by that one, with its own row in `behind`."""
    rows = {
        row["pk"]: row for row in Lead.every.filter(pk__in=lead_ids).order_by().values("pk", "merged_into_id", *READ)
    }
    hidden = {pk: row for pk, row in rows.items() if row["merged_into_id"]}
    if not hidden:
        return rows
    into = Lead.every.filter(pk__in={row["merged_into_id"] for row in hidden.values()}).order_by().values("pk", *READ)
    shown = {row["pk"]: row for row in into}
    return rows | {pk: {**shown[row["merged_into_id"]], "behind": row} for pk, row in hidden.items()}


def of_address(lead: Row | None, address: str | None, channel: Channel) -> Facts:
    """The facts that follow from the row alone. lead None: it was deleted, or there never was one.

    Where the skip trace says that the owner gets mail counts as a mailing address does: she may live there. Of a lead
    that was merged into another the strictest of both counts.
    """
    phone = address if channel != "email" else (lead or {}).get("phone")
    row = lead or {}
    behind: Row = row.get("behind") or {}
    listed = listed_of(lead, address) if lead and address and channel != "email" else {}
    listed = listed or (listed_of(behind, address) if behind and address and channel != "email" else {})
    zones, states = places_of(row, phone)
    if behind:
        more_zones, more_states = places_of(behind, phone)
        zones, states = tuple(sorted({*zones, *more_zones})), tuple(sorted({*states, *more_states}))
    return Facts(
        channel=channel,
        address=address,
        number_kind=number_kind(address, listed.get("type") or "") if address and channel != "email" else "",
        lead_status=row.get("status") or Lead.Status.NEW,
        zones=zones,
        states=states,
        litigator=bool(row.get("litigator") or behind.get("litigator")),
        flag=listed.get("do_not_call"),
        flag_at=_bought_at(listed),
    )


def places_of(row: Row, phone: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The time zones and states of the property, of both mailing addresses and of the number: all of them count."""
    zones: set[str] = set()
    states: set[str] = set()
    for kind in ("mailing", "traced") if row.get("traced_zip") or row.get("traced_state") else ("mailing",):
        zones |= {
            *zones_of(
                latitude=row.get("latitude"),
                longitude=row.get("longitude"),
                property_zip=row.get("property_zip") or "",
                mailing_zip=row.get(f"{kind}_zip") or "",
                phone=phone,
            )
        }
        states |= {
            *states_of(
                property_state=row.get("property_state") or "",
                mailing_state=row.get(f"{kind}_state") or "",
                phone=phone,
            )
        }
    return tuple(sorted(zones)), tuple(sorted(states))


def listed_of(lead: Row, number: str) -> Mapping[str, Any]:
    """What is told of this number of the lead: type, do_not_call, source, at; nothing where the lead has it no more."""
    for slot in SLOTS:
        if lead[slot] == number:
            return {
                **source_of(lead, slot),
                "type": lead[f"{slot}_type"],
                "do_not_call": lead[f"{slot}_do_not_call"],
            }
    for entry in (lead["other_facts"] or {}).get("phone", ()):
        if isinstance(entry, Mapping) and entry.get("value") == number:
            return entry
    return {}


def _bought_at(listed: Mapping[str, Any]) -> datetime | None:
    """When the flag was bought: a skip trace's alone. A file's or a typed one is no check of a registry."""
    if listed.get("source") != TRACE or listed.get("do_not_call") is None or not listed.get("at"):
        return None
    return datetime.fromisoformat(str(listed["at"]))
