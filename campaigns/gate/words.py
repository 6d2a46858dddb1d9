"""The gate's answer in the words of who works these leads: American, short, with what to do about it.

From a decision, or from the rules that a receipt keeps: both have code, verdict and input of each (`rules.decide`).
Times are told by the current time zone (`common.dates`). No number, no e-mail and no name stands in them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from campaigns.rules.facts import Answer, Decision
from common.dates import day, moment
from leads.permission.suppressing import OPT_OUTS

Input = Mapping[str, Any]
CHANNELS = {"call": "Call", "sms": "Text", "email": "E-mail"}
NONE = {"call": "There is no phone number.", "sms": "There is no phone number.", "email": "There is no e-mail address."}
PURPOSES = {"campaign": "Campaign", "manual": "By hand", "reply": "Reply", "confirm": "Confirmation of an opt-out"}
_TRIED = {"sms": "text", "call": "call", "email": "e-mail", "another team": "contact by another team"}
_CONSENTS = {
    "written": "signed consent", "express": "spoken or typed consent", "inquiry": "an inquiry",
    "transaction": "a transaction",
}  # fmt: skip
_LISTS = {"federal": "the national do-not-call registry", "vendor_flag": "a do-not-call list, says the skip trace"}
_KINDS = {
    "toll_free": "a toll-free number", "premium": "a premium-rate number", "foreign": "outside the United States",
    "landline": "a landline", "unknown": "not known to be a mobile", "invalid": "not a number that can be dialed",
}  # fmt: skip
SELLER = {
    "seller": "the company profile", "legal_name": "legal name", "postal_address": "postal address",
    "callback_phone": "call-back number", "policy_text": "do-not-call policy", "attested_at": "your attestation",
}  # fmt: skip
_ZONES = {
    "America/New_York": "Eastern", "America/Chicago": "Central", "America/Denver": "Mountain",
    "America/Los_Angeles": "Pacific", "America/Phoenix": "Arizona", "America/Anchorage": "Alaska",
    "Pacific/Honolulu": "Hawaii",
}  # fmt: skip
_NAMED = 6  # of places, attempts: more are counted


def answers_of(rules: Sequence[Sequence[Any]]) -> list[Answer]:
    """The rules as a receipt keeps them."""
    return [Answer(code, version, verdict, told) for code, version, verdict, told in rules]


def headline(verdict: str, first: str, again_at: datetime | None) -> str:
    """Yes · Not now: try again Tue, Sep 15, 8:00 AM EDT · No: opted out."""
    if verdict == "yes":
        return "Yes"
    if verdict == "later":
        return f"Not now: try again {moment(again_at)}" if again_at else "Not now"
    return f"No: {SHORT.get(first, first)}"


def words(decision: Decision, channel: str = "call") -> list[str]:
    """A sentence for each rule that did not say yes, in their order; one sentence where all did."""
    return words_of(decision.answers, channel)


def words_of(answers: Sequence[Answer], channel: str = "call") -> list[str]:
    """As `words`."""
    found = [sentence(answer, channel) for answer in answers if answer.verdict != "yes"]
    return list(dict.fromkeys(found)) or ["Every rule says yes."]


def sentence(answer: Answer, channel: str = "call") -> str:
    """What one rule that did not say yes says."""
    if answer.code == "address_missing":
        return NONE.get(channel, "There is no address.")
    say = _SAYS.get(answer.code)
    return say(answer.input) if say else f"Not allowed: {answer.code}."


# What a list has room for.
SHORT: Mapping[str, str] = {
    "address_missing": "no number or address", "invalid_number": "not a valid number",
    "number_kind": "wrong kind of number", "bad_email": "not a valid e-mail", "erased": "asked to be forgotten",
    "suppressed": "suppressed", "litigator": "known litigator", "registry": "on a do-not-call list",
    "scrub_age": "no current do-not-call check", "no_consent": "no consent", "cold_closed": "state needs consent",
    "hours": "outside calling hours", "closed_day": "closed day", "holiday": "holiday", "emergency": "emergency",
    "send_by": "too close to closing time", "cap_24h": "contacted too often in 24 hours", "gap": "contacted just now",
    "cap_7d": "contacted too often in 7 days", "cap_90d": "contacted too often in 90 days",
    "conversation": "in a conversation", "held": "on hold", "lead_status": "closed or lost",
    "seller": "company profile is not complete", "sender_registration": "sending number is not registered",
    "state_answer": "state registration is not answered", "template": "a value is missing",
    "campaign_state": "the campaign is not running", "budget": "spending limit reached",
}  # fmt: skip


def _suppressed(told: Input) -> str:
    """That and since when; not why: it may be another team's doing."""
    said = [
        f"{'opted out' if row['reason'] in OPT_OUTS else 'suppressed'} on {_day(row.get('since'))}"
        for row in told.get("rows") or ()
    ]
    return f"Do not contact: {_listed(list(dict.fromkeys(said))) or 'suppressed'}."


def _registry(told: Input) -> str:
    lists = [_LISTS.get(name, f"the do-not-call list of {name.partition(':')[2]}") for name in told.get("listed", ())]
    return f"This number is on {_listed(lists)}, and no consent or business relationship is on record."


def _scrub_age(told: Input) -> str:
    days, most = told.get("days"), told.get("most") or 31
    if days is None:
        return (
            "This number was never checked against the national do-not-call registry: import a registry check, or "
            "sign on the Seller page that the skip trace's flag counts."
        )
    return f"The last do-not-call check is {days} days old; at most {most} are allowed. Check it again."


def _no_consent(told: Input) -> str:
    needed = [_CONSENTS.get(kind, kind) for kind in told.get("needed", ())]
    return f"Texting needs {' or '.join(needed) or 'consent'}, and there is none on record."


def _cold_closed(told: Input) -> str:
    mobiles = all(how == "closed_mobile" for _, how in told.get("states", ()))
    what = "Calls to mobiles" if mobiles else "Contact"
    needs = "need" if mobiles else "needs"
    return f"{what} in {_listed([state for state, _ in told.get('states', ())])} {needs} signed consent first."


def _hours(told: Input) -> str:
    outside = [
        f"{_zone(zone)} time is {_clock(local)}, and {state if state.isupper() else f'the {state}'} is "
        f"{'closed' if hours == 'closed' else f'open {_span(hours)}'}"
        for state, zone, local, hours, inside in told.get("checked", ())
        if not inside
    ]
    return f"Outside calling hours: {_listed(outside)}." if outside else "Outside calling hours."


def _closed_day(told: Input) -> str:
    states = [f"{state} ({weekday})" for state, _, weekday in told.get("closed", ())]
    return f"No contact on this day in {_listed(list(dict.fromkeys(states)))}."


def _holiday(told: Input) -> str:
    days = [f"{name} in {state}" for state, _, _, name in told.get("days", ())]
    return f"Holiday: {_listed(list(dict.fromkeys(days)))}."


def _emergency(told: Input) -> str:
    found = [f"{state}, {reason}" for state, reason, _ in told.get("emergencies", ())]
    return f"A state of emergency stops all contact: {_listed(found)}."


def _capped(span: str) -> Callable[[Input], str]:
    def say(told: Input) -> str:
        counted = [_attempt(one) for one in told.get("counted", ())]
        most = told.get("cap")
        return f"Already contacted {len(counted)} of {most} allowed times in {span}: {_listed(counted)}."

    return say


def _gap(told: Input) -> str:
    return f"Wait {told.get('minutes')} minutes after the last attempt: {_attempt(told.get('last') or ())}."


def _conversation(told: Input) -> str:
    if told.get("by"):
        return "Another team is in a conversation with this owner."
    return "A colleague is in a conversation with this owner."


def _held(told: Input) -> str:
    return f"On hold until {_moment(told.get('until'))}: somebody must decide what the owner's last words mean."


def _status(told: Input) -> str:
    return f"The lead is {told.get('status')}."


def _seller(told: Input) -> str:
    missing = [SELLER.get(name, name.replace("_", " ")) for name in told.get("missing", ())]
    return f"Set up your company first (Seller page). Missing: {_listed(missing)}."


def _state_answer(told: Input) -> str:
    stay_out, unanswered = told.get("stay_out") or [], told.get("unanswered") or []
    if stay_out:
        return f"Your company stays out of {_listed(stay_out)} (Seller page)."
    return f"Say on the Seller page whether your company is registered in {_listed(unanswered)}."


def _template(told: Input) -> str:
    return f"The text has no value for {_listed(list(told.get('missing', ())))}."


_SAYS: Mapping[str, Callable[[Input], str]] = {
    "invalid_number": lambda _: "The phone is not a number that can be dialed.",
    "number_kind": lambda told: f"The phone is {_KINDS.get(told.get('kind', ''), told.get('kind', ''))}.",
    "bad_email": lambda _: "The e-mail is not an address of a person.",
    "erased": lambda _: "This person asked to be forgotten.",
    "suppressed": _suppressed,
    "litigator": lambda _: "Known to sue callers: nobody contacts this owner.",
    "registry": _registry,
    "scrub_age": _scrub_age,
    "no_consent": _no_consent,
    "cold_closed": _cold_closed,
    "hours": _hours,
    "closed_day": _closed_day,
    "holiday": _holiday,
    "emergency": _emergency,
    "send_by": lambda told: (
        f"Only {told.get('minutes_left')} minutes are left today; a message needs {told.get('margin')}."
    ),
    "cap_24h": _capped("24 hours"),
    "gap": _gap,
    "cap_7d": _capped("7 days"),
    "cap_90d": _capped("90 days without an answer"),
    "conversation": _conversation,
    "held": _held,
    "lead_status": _status,
    "seller": _seller,
    "sender_registration": lambda _: "The sending number has no registration with the carriers yet (Seller page).",
    "state_answer": _state_answer,
    "template": _template,
    "campaign_state": lambda told: f"The campaign is {told.get('why')}.",
    "budget": lambda told: f"Spending limit reached: {told.get('why')}.",
}


def _listed(parts: Sequence[str]) -> str:
    """A, B and C; of many the first and how many more."""
    if len(parts) > _NAMED:
        return f"{', '.join(parts[:_NAMED])} and {len(parts) - _NAMED} more"
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))


def _attempt(one: Sequence[str]) -> str:
    if len(one) != 2:
        return "earlier"
    at, channel = one
    return f"{_TRIED.get(channel, channel)} {_moment(at)}"


def _at(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None


def _moment(text: Any) -> str:
    at = _at(text)
    return moment(at) if at else "later"


def _day(text: Any) -> str:
    at = _at(text)
    return day(at) if at else "date unknown"


def _zone(name: str) -> str:
    return _ZONES.get(name, name.rpartition("/")[2].replace("_", " "))


def _clock(text: str) -> str:
    hours, _, minutes = text.partition(":")
    hour = int(hours)
    return f"{hour % 12 or 12}:{minutes} {'AM' if hour % 24 < 12 else 'PM'}"


def _span(text: str) -> str:
    opens, _, closes = text.partition("-")
    return f"{_clock(opens)} to {_clock(closes)}"
