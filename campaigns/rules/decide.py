"""May this contact be made at this moment? Every rule, each with its answer. Pure: no clock, no database.

What each answer's `input` holds (its reader is `campaigns.gate.words`):

    address_missing, bad_email      {}
    invalid_number, number_kind     {kind}
    erased                          {id}
    suppressed                      {rows: [{id, reason, scope, since}]}
    litigator                       {}
    registry                        {listed: [list or "vendor_flag"], opened_by, kind}
    scrub_age                       {days, most, source, opened_by, kind}; days None: never checked
    no_consent                      {needed: [kinds], consent, kind}; needed []: the channel needs none
    cold_closed                     {states: [[state, how]], consent}
    hours                           {checked: [[state, zone, local time, hours, inside]]}
    closed_day                      {closed: [[state, zone, weekday]]}
    holiday                         {days: [[state, zone, date, name]]}
    emergency                       {emergencies: [[state, reason, since]]}
    send_by                         {minutes_left, margin}
    cap_24h, cap_7d, cap_90d        {counted: [[moment, channel or "another team"]], cap}
    gap                             {last: [moment, channel or "another team"], minutes}
    conversation                    {id} or {by: "another team"}
    held                            {until}
    lead_status                     {status}
    seller, template                {missing: [names]}
    sender_registration             {}
    state_answer                    {unanswered: [states], stay_out: [states]}
    campaign_state, budget          {why}

A rule that said no or later and is waived says yes with `waived`: the purpose.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from campaigns.rules import checks
from campaigns.rules.asked import Asked
from campaigns.rules.consents import in_force
from campaigns.rules.facts import Answer, Decision, Facts, Purpose
from campaigns.rules.hours import minute_of, moment, place_of
from campaigns.rules.rule_set import RuleSet

RULES: Final = (
    ("address_missing", checks.address_missing),
    ("invalid_number", checks.invalid_number),
    ("number_kind", checks.number_kind),
    ("bad_email", checks.bad_email),
    ("erased", checks.erased),
    ("suppressed", checks.suppressed),
    ("litigator", checks.litigator),
    ("registry", checks.registry),
    ("scrub_age", checks.scrub_age),
    ("no_consent", checks.no_consent),
    ("cold_closed", checks.cold_closed),
    ("hours", checks.hours),
    ("closed_day", checks.closed_day),
    ("holiday", checks.holiday),
    ("emergency", checks.emergency),
    ("send_by", checks.send_by),
    ("cap_24h", checks.cap_24h),
    ("gap", checks.gap),
    ("cap_7d", checks.cap_7d),
    ("cap_90d", checks.cap_90d),
    ("conversation", checks.conversation),
    ("held", checks.held),
    ("lead_status", checks.lead_status),
    ("seller", checks.seller),
    ("sender_registration", checks.sender_registration),
    ("state_answer", checks.state_answer),
    ("template", checks.template),
    ("campaign_state", checks.campaign_state),
    ("budget", checks.budget),
)
CODES: Final = tuple(code for code, _ in RULES)

REPLY_WITHIN: Final = timedelta(hours=24)  # of their last message: no consent or cap is asked of an answer
AT_ONCE_WITHIN: Final = timedelta(minutes=15)  # of it: hours do not hold an answer
CLOCK: Final = frozenset({"hours", "closed_day", "holiday", "send_by"})
ANSWERING: Final = frozenset(
    {"registry", "scrub_age", "no_consent", "cold_closed", "cap_24h", "gap", "cap_7d", "cap_90d", "lead_status"}
    | {"state_answer"}
)
CONFIRMING: Final = ANSWERING | CLOCK | {"suppressed", "conversation", "held"}
NOTHING: Final[frozenset[str]] = frozenset()


def decide(facts: Facts, rules: RuleSet, at: datetime, purpose: Purpose) -> Decision:
    """Every rule's answer, in the order of `CODES`. Any no is no, any later is later.

    1. What the table says of the place at this minute is looked up, and the consents that are in force.
    2. Every rule answers; none is skipped.
    3. What the purpose waives says yes, marked. A confirmation passes an opt-out of the person herself, and no other
       suppression. A reply passes consent, caps and its own team's conversation for 24 hours after their last message,
       hours for 15 minutes.
    4. again_at: the first moment at which all of its rules are open, as far as that is known now.
    """
    at = at.astimezone(UTC)
    consents = in_force(facts.consents, facts.channel, at)
    is_written = any(consent.kind == "written" for consent in consents)
    place = place_of(
        rules, facts.channel, facts.zones, facts.states, facts.window, facts.vendor_margin, consented=is_written
    )
    asked = Asked(facts, at, purpose, consents, place, place.law(minute_of(at)))
    answers = [rule(asked) for _, rule in RULES]
    refused = [answer for answer in answers if answer.verdict != "yes"]
    if not refused:
        return Decision("yes", "", None, tuple(answers))
    if waived := _waived(facts, at, purpose):
        for position, answer in enumerate(answers):
            if answer.verdict != "yes" and answer.code in waived and _may_be_waived(facts, answer):
                answers[position] = Answer(answer.code, answer.version, "yes", {**answer.input, "waived": purpose})
        refused = [answer for answer in answers if answer.verdict != "yes"]
        if not refused:
            return Decision("yes", "", None, tuple(answers))
    first = refused[0].code
    if any(answer.verdict == "no" for answer in refused):
        return Decision("no", first, None, tuple(answers))
    return Decision("later", first, _again(asked, refused, waived), tuple(answers))


def _waived(facts: Facts, at: datetime, purpose: Purpose) -> frozenset[str]:
    if purpose == "confirm":
        return CONFIRMING | {"number_kind"}
    last = facts.talk.last_in_at if purpose == "reply" and facts.talk else None
    if last is None or at - last > REPLY_WITHIN:
        return NOTHING
    own = frozenset({"conversation"}) if facts.talk and facts.talk.is_ours else NOTHING
    return ANSWERING | {"number_kind"} | own | (CLOCK if at - last <= AT_ONCE_WITHIN else NOTHING)


def _may_be_waived(facts: Facts, answer: Answer) -> bool:
    """A number that has texted can be texted, whatever kind it was bought as; a foreign or paid one is not."""
    if answer.code == "number_kind":
        return facts.number_kind in ("landline", "unknown")
    if answer.code == "suppressed":
        return all(row.reason in checks.OWN_WISH for row in facts.suppressions)
    return True


def _again(asked: Asked, refused: list[Answer], waived: frozenset[str]) -> datetime | None:
    """The latest of theirs, moved into the hours unless these are waived."""
    known = [answer.again_at for answer in refused if answer.again_at is not None]
    if not known:
        return None
    latest = max(known)
    if "hours" in waived:
        return latest
    minute = minute_of(latest)
    opens = asked.place.next_open(minute if latest.second + latest.microsecond == 0 else minute + 1)
    inside = asked.place.law(minute)
    if inside.closes_in > asked.place.margin:  # a moment between two minutes, inside the hours
        return latest
    return latest if opens is None else moment(opens)
