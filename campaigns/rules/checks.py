"""The rules, one function each, in the order in which `decide` asks them. The law's hours stand in `hours.py`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from campaigns.rules.asked import Asked
from campaigns.rules.consents import TEXTS, first_of, opens_calls
from campaigns.rules.facts import Answer, Attempt, Consented, Verdict

VERSION: Final = "1"  # of the rules that stand in code: raised with any change of their meaning

OWN_WISH: Final = frozenset({"stop", "dnc_request", "one_click", "undecided"})  # what a confirmation answers
GAP_MINUTES: Final = 60  # house: between two attempts
A_DAY: Final = {"sms": 1, "email": 1}  # house: of the attempts of 24 hours
DAYS_7, CAP_7D = timedelta(days=7), 5  # house
DAYS_90, CAP_90D = timedelta(days=90), 10  # house: without an answer
HOURS_24: Final = timedelta(hours=24)
CHECK_DAYS: Final = 31  # 16 CFR 310.4(b)(3)(iv): a registry version no older on the day of the contact
LISTED_ELSEWHERE: Final = frozenset({"litigator", "reassigned"})  # lists that are no do-not-call registry
TALK_CLOSES_AFTER: Final = timedelta(days=7)  # house: a conversation nobody has closed
ROLES: Final = frozenset({"abuse", "hostmaster", "mailer-daemon", "no-reply", "noreply", "postmaster", "webmaster"})
EMAIL: Final = re.compile(r"[^\s@<>\"(),:;\[\\\]]{1,64}@(?:[^\s@.<>\"(),:;\[\\\]]{1,63}\.)+[^\W\d_]{2,63}")
NEVER_FOR_SMS: Final = frozenset({"landline", "unknown"})
NEVER: Final = frozenset({"toll_free", "premium", "foreign"})


def _yes(code: str, **told: Any) -> Answer:
    return Answer(code, VERSION, "yes", told)


# What most people get: made once.
_YES: Final = {
    code: _yes(code)
    for code in (
        "address_missing", "bad_email", "erased", "suppressed", "litigator", "registry", "cold_closed", "gap",
        "conversation", "held", "seller", "sender_registration", "state_answer", "template", "campaign_state", "budget",
    )
}  # fmt: skip


def _no(code: str, **told: Any) -> Answer:
    return Answer(code, VERSION, "no", told)


def address_missing(asked: Asked) -> Answer:
    """There must be a number, or an e-mail."""
    return _YES["address_missing"] if asked.facts.address else _no("address_missing")


@lru_cache(64)
def _number(code: str, verdict: Verdict, kind: str) -> Answer:
    return Answer(code, VERSION, verdict, {"kind": kind})


def invalid_number(asked: Asked) -> Answer:
    """A number that cannot be one."""
    kind = asked.facts.number_kind
    return _number("invalid_number", "no" if kind == "invalid" else "yes", kind)


def number_kind(asked: Asked) -> Answer:
    """No toll-free, premium or foreign number; no text to a landline, or to a number of which nobody knows."""
    kind = asked.facts.number_kind
    is_no = kind in NEVER or (asked.facts.channel == "sms" and kind in NEVER_FOR_SMS)
    return _number("number_kind", "no" if is_no else "yes", kind)


def bad_email(asked: Asked) -> Answer:
    """What cannot be an e-mail, and a role's (postmaster@)."""
    if asked.facts.channel != "email" or not asked.facts.address:
        return _YES["bad_email"]
    return _YES["bad_email"] if is_good_email(asked.facts.address) else _no("bad_email")


def is_good_email(address: str) -> bool:
    """Whether it can be an e-mail address, and is no role's."""
    return EMAIL.fullmatch(address) is not None and address.split("@")[0].casefold() not in ROLES


def erased(asked: Asked) -> Answer:
    """Somebody who was forgotten at her wish."""
    return _YES["erased"] if asked.facts.erased is None else _no("erased", id=str(asked.facts.erased))


def suppressed(asked: Asked) -> Answer:
    """Whoever said stop, on any channel, and every other suppression in force."""
    rows = asked.facts.suppressions
    if not rows:
        return _YES["suppressed"]
    return _no(
        "suppressed",
        rows=[{"id": str(row.id), "reason": row.reason, "scope": row.scope, "since": _iso(row.since)} for row in rows],
    )


def litigator(asked: Asked) -> Answer:
    """Who is known for suing callers."""
    facts = asked.facts
    is_one = facts.litigator or any(scrub.listed and scrub.list == "litigator" for scrub in facts.scrubs)
    return _no("litigator") if is_one else _YES["litigator"]


def registry(asked: Asked) -> Answer:
    """A number on a do-not-call registry, unless consent or a business relationship opens it."""
    facts = asked.facts
    if facts.channel == "email":
        return _YES["registry"]
    listed = [scrub.list for scrub in facts.scrubs if scrub.listed and scrub.list not in LISTED_ELSEWHERE]
    if facts.flag:
        listed.append("vendor_flag")
    if not listed:
        return _YES["registry"]
    by = _opens(asked)
    return Answer("registry", VERSION, "yes" if by else "no", {"listed": sorted(listed), **_opened(by)})


def scrub_age(asked: Asked) -> Answer:
    """The national registry was looked at, in a version no older than 31 days; not asked of who consented."""
    facts = asked.facts
    if facts.channel == "email":
        return _no_check_needed()
    days, source = _checked(asked)
    is_fresh = days is not None and days <= CHECK_DAYS
    by = None if is_fresh else _opens(asked)
    return _check("yes" if is_fresh or by else "no", days, source, by)


@lru_cache(1)
def _no_check_needed() -> Answer:
    return _yes("scrub_age", days=None, most=None, source="")


@lru_cache(4096)
def _check(verdict: Verdict, days: int | None, source: str, by: Consented | None) -> Answer:
    told = {"days": days, "most": CHECK_DAYS, "source": source, **_opened(by)}
    return Answer("scrub_age", VERSION, verdict, told)


def _checked(asked: Asked) -> tuple[int | None, str]:
    """Days since the registry that was looked at was made, and by whom it was looked at: the freshest."""
    facts = asked.facts
    best: tuple[int | None, str] = (None, "")
    today = asked.at.date()
    acknowledged = facts.seller is not None and facts.seller.flag_acknowledged
    for scrub in facts.scrubs:
        if scrub.list != "federal" or (scrub.source == "vendor_flag" and not acknowledged):
            continue
        since = scrub.version_date or scrub.checked_at.astimezone(UTC).date()
        days = (today - since).days
        if days >= 0 and (best[0] is None or days < best[0]):
            best = (days, scrub.source)
    whole = facts.seller.whole_lists if facts.seller is not None else {}
    if facts.address and (version := whole.get(facts.address[2:5])):  # who is on it is told by `registry`
        days = (today - version).days
        if days >= 0 and (best[0] is None or days < best[0]):
            best = (days, "file")
    if facts.flag is False and facts.flag_at is not None and acknowledged:
        days = (today - facts.flag_at.astimezone(UTC).date()).days
        if days >= 0 and (best[0] is None or days < best[0]):
            best = (days, "vendor_flag")
    return best


def no_consent(asked: Asked) -> Answer:
    """Texts need consent: a campaign's in writing, a person's own message at least express. Calls by hand need none."""
    if asked.facts.channel != "sms":
        return _consent("yes", (), None)
    needed = TEXTS[asked.purpose]
    consent = first_of(asked.consents, needed)
    return _consent("yes" if consent else "no", needed, consent)


@lru_cache(4096)
def _consent(verdict: Verdict, needed: tuple[str, ...], consent: Consented | None) -> Answer:
    return Answer("no_consent", VERSION, verdict, {"needed": [*needed], **_opened(consent, "consent")})


def cold_closed(asked: Asked) -> Answer:
    """States that close to cold contact without written consent; New Jersey: mobiles."""
    facts = asked.facts
    closed = [
        [state, how]
        for state, how in asked.law.cold
        if how == "closed" or (how == "closed_mobile" and facts.number_kind != "landline")
    ]
    if not closed:
        return _YES["cold_closed"]
    consent = first_of(asked.consents, ("written",))
    told = {"states": closed, **_opened(consent, "consent")}
    return Answer("cold_closed", asked.law.version, "yes" if consent else "no", told)


def hours(asked: Asked) -> Answer:
    """Inside the hours of each state by each clock."""
    return asked.law.hours


def closed_day(asked: Asked) -> Answer:
    """Not on a weekday on which a state is closed."""
    return asked.law.closed_day


def holiday(asked: Asked) -> Answer:
    """Not on a holiday of a state that closes on them."""
    return asked.law.holiday


def emergency(asked: Asked) -> Answer:
    """Not where an emergency forbids it."""
    return asked.law.emergency


def send_by(asked: Asked) -> Answer:
    """Early enough that the vendor is done before the hours end."""
    law, margin = asked.law, asked.facts.vendor_margin
    if not law.closes_in:
        return _left("yes", 0, margin, None)
    left = law.closes_in - bool(asked.at.second or asked.at.microsecond)
    if left >= margin:
        return _left("yes", left, margin, None)
    again = law.again or _again_after(asked)
    return _left("later" if again else "no", left, margin, again)


@lru_cache(4096)
def _left(verdict: Verdict, left: int, margin: int, again: datetime | None) -> Answer:
    return Answer("send_by", VERSION, verdict, {"minutes_left": left, "margin": margin}, again)


def _again_after(asked: Asked) -> datetime | None:
    """Where the seconds alone make it too late: from the next minute on."""
    return asked.place.law(int(asked.at.timestamp()) // 60 + 1).again


def cap_24h(asked: Asked) -> Answer:
    """The team's cap and every state's, over all numbers of the person and all teams; of it one text and one e-mail."""
    facts = asked.facts
    cap = facts.daily_cap if asked.law.cap_24h is None else min(facts.daily_cap, asked.law.cap_24h)
    answer = _capped(asked, "cap_24h", facts.attempts, HOURS_24, cap)
    of_channel = A_DAY.get(facts.channel)
    if of_channel is None or not facts.attempts:
        return answer
    same = [attempt for attempt in facts.attempts if attempt.channel == facts.channel]
    other = _capped(asked, "cap_24h", same, HOURS_24, of_channel)
    return max(answer, other, key=lambda one: one.again_at or asked.at)


def gap(asked: Asked) -> Answer:
    """A pause after the last attempt by any channel."""
    if not asked.facts.attempts:
        return _YES["gap"]
    last = asked.facts.attempts[0]
    minutes = max(GAP_MINUTES, asked.law.gap_minutes)
    over = last.at.astimezone(UTC) + timedelta(minutes=minutes)
    told = {"last": _attempt(last), "minutes": minutes}
    return Answer("gap", VERSION, "yes" if asked.at >= over else "later", told, None if asked.at >= over else over)


def cap_7d(asked: Asked) -> Answer:
    """Five attempts in seven days."""
    return _capped(asked, "cap_7d", asked.facts.attempts, DAYS_7, CAP_7D)


def cap_90d(asked: Asked) -> Answer:
    """Ten attempts in ninety days without an answer."""
    attempts, answered_at = asked.facts.attempts, asked.facts.answered_at
    if answered_at is not None:
        attempts = tuple(attempt for attempt in attempts if attempt.at > answered_at)
    return _capped(asked, "cap_90d", attempts, DAYS_90, CAP_90D)


@lru_cache(64)
def _uncounted(code: str, cap: int) -> Answer:
    return _yes(code, counted=[], cap=cap)


def _capped(asked: Asked, code: str, attempts: Sequence[Attempt], span: timedelta, cap: int) -> Answer:
    """attempts: newest first. The span is of elapsed seconds: a clock that is moved changes nothing."""
    since = asked.at - span
    if not attempts or attempts[0].at <= since:
        return _uncounted(code, cap)
    counted = [attempt for attempt in attempts if attempt.at > since]
    told = {"counted": [_attempt(attempt) for attempt in counted], "cap": cap}
    if len(counted) < cap:
        return Answer(code, VERSION, "yes", told)
    return Answer(code, VERSION, "later", told, counted[cap - 1].at.astimezone(UTC) + span)


def conversation(asked: Asked) -> Answer:
    """Nobody writes beside a colleague who is talking with the owner."""
    talk = asked.facts.talk
    if talk is None or talk.is_mine:
        return _YES["conversation"]
    closes_at = talk.closes_at or (talk.last_in_at or asked.at) + TALK_CLOSES_AFTER
    if closes_at <= asked.at:
        return _YES["conversation"]
    told = {"id": str(talk.id)} if talk.is_ours else {"by": "another team"}
    return Answer("conversation", VERSION, "later", told, closes_at)


def held(asked: Asked) -> Answer:
    """Words that may be an opt-out wait for a person; somebody out of office waits until she is back."""
    talk, until = asked.facts.talk, asked.facts.held_until
    if talk is not None and talk.is_held:
        decide_by = max(talk.decide_by or asked.at, asked.at)
        until = decide_by if until is None else max(until, decide_by)
    elif until is None or until <= asked.at:
        return _YES["held"]
    return Answer("held", VERSION, "later", {"until": _iso(until)}, until)


@lru_cache(16)
def _status(verdict: Verdict, status: str) -> Answer:
    return Answer("lead_status", VERSION, verdict, {"status": status})


def lead_status(asked: Asked) -> Answer:
    """A lead that is closed or lost is left alone."""
    status = asked.facts.lead_status
    return _status("no" if status in ("closed", "lost") else "yes", status)


def seller(asked: Asked) -> Answer:
    """The company says who it is: name, address, call-back number, policy."""
    company = asked.facts.seller
    if company is None:
        return _no("seller", missing=["seller"])
    return _no("seller", missing=[*company.missing]) if company.missing else _YES["seller"]


def sender_registration(asked: Asked) -> Answer:
    """Texts leave from a number that is registered with the carriers."""
    if asked.facts.channel != "sms" or (asked.facts.seller is not None and asked.facts.seller.sender_registered):
        return _YES["sender_registration"]
    return _no("sender_registration")


def state_answer(asked: Asked) -> Answer:
    """The company has answered for each state whether it is registered there. E-mail: only where it stays out."""
    answers = asked.facts.seller.answers if asked.facts.seller is not None else {}
    stay_out, unanswered = [], []
    for state in asked.place.states:
        answer = answers.get(state)
        if answer == "stay_out":
            stay_out.append(state)
        elif not answer and asked.facts.channel != "email":
            unanswered.append(state)
    if stay_out or unanswered:
        return _no("state_answer", unanswered=unanswered, stay_out=stay_out)
    return _YES["state_answer"]


def template(asked: Asked) -> Answer:
    """Every variable of the text has a value."""
    missing = asked.facts.missing
    return _no("template", missing=[*missing]) if missing else _YES["template"]


def campaign_state(asked: Asked) -> Answer:
    """The campaign runs."""
    why = asked.facts.campaign
    return _no("campaign_state", why=why) if why else _YES["campaign_state"]


def budget(asked: Asked) -> Answer:
    """There is money for it."""
    why = asked.facts.budget
    return _no("budget", why=why) if why else _YES["budget"]


def _opens(asked: Asked) -> Consented | None:
    """What opens a number that is, or may be, on a registry."""
    if asked.facts.channel == "sms":
        return first_of(asked.consents, TEXTS[asked.purpose])
    return opens_calls(asked.consents, asked.place.states, asked.at)


def _opened(consent: Consented | None, name: str = "opened_by") -> dict[str, str]:
    return {name: str(consent.id), "kind": consent.kind} if consent else {}


def _attempt(attempt: Attempt) -> list[str]:
    return [_iso(attempt.at), attempt.channel if attempt.is_ours else "another team"]


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
