"""What pages of campaigns call the codes of dry runs, people and messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from decimal import Decimal
from typing import Any

from campaigns.gate.words import SHORT
from campaigns.previews.computing import MISSING, SAME_OWNER, TOO_LONG
from leads.models import Suppression

VERDICTS = {"yes": "Gets it", "later": "Not within 30 days", "no": "Left out"}
_OF_DRY_RUNS = {SAME_OWNER: "same owner as another lead", TOO_LONG: "text too long", MISSING: "a value is missing"}
_OF_PEOPLE = {
    "opted_out": "opted out", "replied": "replied", "deleted": "lead deleted", "cancelled": "campaign cancelled",
    "text_changed": "text changed after approval", "not_sent": "not sent",
}  # fmt: skip


def reason_in_words(code: str) -> str:
    """Why somebody is left out or stopped, or a message was refused."""
    name, _, more = code.partition(":")
    words = _OF_DRY_RUNS.get(name) or _OF_PEOPLE.get(name) or SHORT.get(name)
    if words is None and name in Suppression.Reason.values:
        words = str(Suppression.Reason(name).label).lower()
    words = words or name.replace("_", " ")
    return f"{words}: {more.replace(',', ', ')}" if more else words


def counted(counts: Mapping[str, int]) -> list[tuple[str, str, int]]:
    """(code, in words, how many), as they come."""
    return [(code, reason_in_words(code), many) for code, many in counts.items()]


def places(counts: Mapping[str, Iterable[int]]) -> list[tuple[str, int, int]]:
    """(zones or states, people it would contact, left out)."""
    return [(_place(name), *map(int, pair)) for name, pair in counts.items()]  # type: ignore[misc]


def _place(name: str) -> str:
    """America/New_York is New York."""
    return ", ".join(one.rpartition("/")[2].replace("_", " ") for one in name.split(", "))


def dollars(amount: Decimal) -> str:
    """$5.00, $0.0079: more than two decimals only where they say something."""
    text = f"{amount:,.4f}"
    return f"${text[:-2] if text.endswith('00') else text.rstrip('0')}"


def path_to(model_admin: Any, name: str) -> dict[str, Any]:
    """For a page of our own under a model's address: its bread crumb says what the side bar does."""
    named: Any = copy(model_admin.opts)
    named.verbose_name_plural = name
    return {"opts": named}
