"""What the tests of the rules share: the shipped table as a value, and the people of the reference."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import cache
from importlib import import_module
from typing import Any
from uuid import UUID

from campaigns.rules.facts import Attempt, Channel, Consented, Facts, Scrubbed, SellerFacts
from campaigns.rules.rule_set import Ban, Rule, RuleSet

MIGRATION = import_module("campaigns.migrations.0010_rule_table")
STATES = sorted({row["jurisdiction"][3:] for row in MIGRATION.rules()} - {""})
ID = UUID("01933b5e-0000-7000-8000-000000000001")

# Zones and states of the people of the reference, 6.0.
A = (("America/Phoenix",), ("AZ",))
B = (("America/New_York",), ("MA",))
P = (("America/Chicago", "America/New_York"), ("FL",))
N = (("America/Denver", "America/Phoenix"), ("AZ",))
O = (("America/Boise", "America/Los_Angeles"), ("OR",))  # noqa: E741
X = (("America/New_York", "America/Phoenix"), ("AZ", "MA"))


def rule(row: dict[str, Any]) -> Rule:
    hours = {
        days: None if row[f"{days}_open"] is None else (row[f"{days}_open"], row[f"{days}_close"])
        for days in ("weekdays", "saturday", "sunday")
    }
    return Rule(
        row["jurisdiction"],
        row["channel"],
        **hours,
        is_central=row["clock"] == "central",
        closes_on_holidays=row["holidays"] == "closed",
        cap_24h=row["cap_24h"],
        gap_minutes=row["gap_minutes"],
        cold=row["cold"],
        from_date=row["from_date"],
        until_date=row["until_date"],
    )


def shipped(*, emergencies: Iterable[Ban] = (), holidays: bool = True) -> RuleSet:
    """The table as the migration writes it. holidays False: no state closes on one."""
    days: dict[str, dict[date, str]] = {}
    for day in MIGRATION.holidays():
        days.setdefault(day["jurisdiction"], {})[day["date"]] = day["name"]
    rows = [row if holidays else row | {"holidays": "open"} for row in MIGRATION.rules()]
    return RuleSet(map(rule, rows), days, emergencies)


@cache
def table() -> RuleSet:
    """The shipped table, once for all tests."""
    return shipped()


def utc(text: str) -> datetime:
    """2026-09-16T03:40Z."""
    return datetime.fromisoformat(text)


def consent(
    kind: str = "written", channel: str = "sms", given: str = "2026-01-01T00:00Z", until: str | None = None
) -> Consented:
    return Consented(ID, channel, kind, utc(given), utc(until) if until else None)


def scrub(day: str = "2026-09-10", *, listed: bool = False, of: str = "federal", source: str = "file") -> Scrubbed:
    checked = datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC)
    return Scrubbed(of, listed, checked, checked.date() if source == "file" else None, source)


def attempts(channel: str, *at: str, ours: bool = True) -> tuple[Attempt, ...]:
    """Newest first."""
    return tuple(Attempt(utc(moment), channel, 1, ours) for moment in sorted(at, reverse=True))


SELLER = SellerFacts((), dict.fromkeys(STATES, "registered"), flag_acknowledged=False, sender_registered=True)


def facts(where: tuple[tuple[str, ...], tuple[str, ...]] = B, channel: Channel = "sms", **changed: Any) -> Facts:
    """Of a person to whom every rule but the clock says yes."""
    known: dict[str, Any] = {
        "address": "+16175550112" if channel != "email" else "pat@example.com",
        "number_kind": "mobile" if channel != "email" else "",
        "zones": where[0],
        "states": where[1],
        "consents": (consent(channel=channel), consent(channel="call", kind="express")),
        "scrubs": (scrub(),),
        "seller": SELLER,
    }
    return Facts(channel, **(known | changed))
