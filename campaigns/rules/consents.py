"""What a consent opens, and until when."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from campaigns.rules.facts import Channel, Consented, Purpose

# Months a consent counts: written and express by the house, inquiry and transaction by 47 CFR 64.1200(f)(5).
MONTHS: Final = {"written": 24, "express": 12, "inquiry": 3, "transaction": 18}
TEXTS: Final[dict[Purpose, tuple[str, ...]]] = {
    "campaign": ("written",),
    "manual": ("written", "express"),
    "reply": ("written", "express"),  # later than 24 hours after their last message
    "confirm": ("written", "express"),
}
CALLS_TO_LISTED: Final = ("written", "express", "inquiry", "transaction")
TRANSACTION_MONTHS: Final = {"PA": 12}  # shorter than the federal 18
NO_INQUIRY: Final = frozenset({"OR"})  # HB 3865: a transaction alone is a business relationship


def in_force(consents: Sequence[Consented], channel: Channel, at: datetime) -> list[Consented]:
    """Those of the channel that count at this moment, the latest first. START and replies open nothing themselves."""
    return sorted(
        (
            consent
            for consent in consents
            if consent.channel == channel
            and consent.kind in MONTHS
            and months_before(at, MONTHS[consent.kind]) < consent.given_at <= at
            and (consent.expires_at is None or at < consent.expires_at)
        ),
        key=lambda consent: consent.given_at,
        reverse=True,
    ) if consents else []  # fmt: skip


def first_of(consents: Iterable[Consented], kinds: Iterable[str]) -> Consented | None:
    """The latest of the strongest kind; kinds: the strongest first."""
    held = list(consents)
    return next((consent for kind in kinds for consent in held if consent.kind == kind), None)


def opens_calls(consents: Iterable[Consented], states: tuple[str, ...], at: datetime) -> Consented | None:
    """The one by which a number of a do-not-call registry may be called. states: all that count."""
    months = min((TRANSACTION_MONTHS.get(state, 18) for state in states), default=18)
    counted = [
        consent
        for consent in consents
        if not (consent.kind == "inquiry" and NO_INQUIRY & {*states})
        and not (consent.kind == "transaction" and consent.given_at <= months_before(at, months))
    ]
    return first_of(counted, CALLS_TO_LISTED)


def months_before(at: datetime, months: int) -> datetime:
    """The same day and time so many months ago, or that month's last day."""
    year, month = divmod(at.year * 12 + at.month - 1 - months, 12)
    return at.replace(year=year, month=month + 1, day=min(at.day, monthrange(year, month + 1)[1]))
