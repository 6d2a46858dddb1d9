"""What pages of campaigns call the codes of dry runs, people and messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from decimal import Decimal
from typing import Any

from campaigns.gate.words import SHORT
from campaigns.previews.computing import MISSING, SAME_OWNER, TOO_LONG
from integrations.vendors.messaging import Kind
from leads.models import Suppression

CHANNEL_WORDS = {"sms": "Text", "email": "E-mail", "call": "Call"}
VERDICTS = {"yes": "Gets it", "later": "Not within 30 days", "no": "Left out"}
_OF_DRY_RUNS = {SAME_OWNER: "same owner as another lead", TOO_LONG: "text too long", MISSING: "a value is missing"}
_OF_PEOPLE = {
    "opted_out": "opted out", "replied": "replied", "deleted": "lead deleted", "cancelled": "campaign cancelled",
    "text_changed": "text changed after approval", "not_sent": "not sent",
    "merged": "same property as another lead", "clicked": "clicked a link", "closed": "may never be contacted there",
    "not_approved": "was not in the dry run", "passed": "not reached by this channel", "out_of_office": "out of office",
}  # fmt: skip


def reason_in_words(code: str) -> str:
    """Why somebody is left out or stopped, or a message was refused."""
    name, _, more = code.partition(":")
    words = _OF_DRY_RUNS.get(name) or _OF_PEOPLE.get(name) or SHORT.get(name)
    if words is None and name in Suppression.Reason.values:
        words = str(Suppression.Reason(name).label).lower()
    words = words or name.replace("_", " ")
    return f"{words}: {more.replace(',', ', ')}" if more else words


_REFUSALS = {
    Kind.OPTED_OUT: "opted out at the carrier", Kind.BAD_NUMBER: "nobody has this number",
    Kind.LANDLINE: "the number takes no texts", Kind.CARRIER: "the carrier did not deliver it",
    Kind.UNREGISTERED: "our number is not registered", Kind.BALANCE: "the vendor’s account has to be paid",
    Kind.CONFIGURATION: "our number may not send this", Kind.PAUSED: "the vendor has stopped our number",
    Kind.INVALID: "the vendor does not take it",
}  # fmt: skip


def why_in_words(error: str, error_words: str, refusal: str) -> str:
    """Why a message did not leave or arrive: of a vendor's no its words, else what its code means, beside the code."""
    if error_words:
        return error_words.rstrip(".")
    if not error:
        return ""
    meant = _REFUSALS.get(Kind(refusal), "") if refusal in list(Kind) else ""
    if meant or error[:1].isdigit():
        return f"{meant or 'the vendor says no'} ({error})"
    return reason_in_words(error)


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
