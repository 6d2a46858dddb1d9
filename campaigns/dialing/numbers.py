"""A lead's numbers as a caller sees them, each with the gate's answer at this moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from accounts.models import User
from campaigns.gate.contact import Asked, ask
from campaigns.gate.facts import Contact
from campaigns.gate.leads import READ as PLACED
from campaigns.gate.leads import listed_of
from campaigns.gate.people import Person
from campaigns.gate.words import headline, words
from campaigns.models import Campaign
from campaigns.rules.facts import Purpose
from campaigns.rules.rule_set import RuleSet
from leads.keys.owner_keys import PHONE, READ, keys_of
from leads.models import Lead

# No and it stays so, for this person: what is not of her (the company's profile, a check that is too old) may change.
LASTING = frozenset(
    {"address_missing", "invalid_number", "number_kind", "erased", "suppressed", "litigator", "registry", "cold_closed",
     "lead_status"}
)  # fmt: skip
OF_NUMBER = frozenset({"invalid_number", "number_kind", "suppressed", "registry", "scrub_age"})  # another may be fine


@dataclass(frozen=True, slots=True)
class Number:
    """One of a lead's numbers. position: from 0, as `Member.number` counts. kind: mobile, landline, voip, …; '': not
    known. may_call: whether the gate says yes at this moment; words: why not. fetched_at: when it was bought or typed.
    do_not_call: the skip trace's flag; None: not said.
    """

    position: int
    number: str
    key_id: int
    kind: str
    may_call: bool
    words: str
    fetched_at: datetime | None
    last_outcome: str
    do_not_call: bool | None


@dataclass(frozen=True, slots=True)
class Answer:
    """A number with the whole answer to it."""

    number: Number
    asked: Asked
    person: Person


def values_of(lead: Lead) -> list[str]:
    """Its numbers, in the order of their positions: the best, the second, the others."""
    return [key.value for key in keys_of({name: getattr(lead, name) for name in READ}) if key.kind == PHONE]


def answers_of(
    lead: Lead,
    *,
    by: User,
    purpose: Purpose,
    at: datetime,
    campaign: Campaign | None,
    team_id: int,
    rules: RuleSet | None = None,
    last: bool = True,
) -> list[Answer]:
    """Every number of the lead, with the gate's answer. Nothing is recorded; a number without a key is left out (it was
    just typed, and gets one in the same transaction). The lead's row is taken as it was read; rules: as they were.
    last: with how the last call there ended.
    """
    found = answers_of_many(
        [lead], by=by, purpose=purpose, at=at, campaign=campaign, team_id=team_id, rules=rules, last=last
    )  # fmt: skip
    return found[lead.pk]


def answers_of_many(
    leads: Sequence[Lead],
    *,
    by: User,
    purpose: Purpose,
    at: datetime,
    campaign: Campaign | None,
    team_id: int,
    rules: RuleSet | None = None,
    last: bool = True,
) -> dict[UUID, list[Answer]]:
    """As `answers_of`, of each of these leads: as many statements as of one."""
    values = {lead.pk: values_of(lead) for lead in leads}
    contacts = [Contact(lead.pk, None, value, "call") for lead in leads for value in values[lead.pk]]
    found: dict[UUID, list[Answer]] = {lead.pk: [] for lead in leads}
    if not contacts:
        return found
    rows = {lead.pk: {name: getattr(lead, name) for name in PLACED} for lead in leads}
    known = None if any(lead.merged_into_id for lead in leads) else rows  # of a merged one the gate reads both
    asked_of = ask(
        contacts, team_id=team_id, by=by, purpose=purpose, at=at, campaign=campaign, rules=rules, rows=known
    )  # fmt: skip
    answers = iter(asked_of)
    outcomes = _outcomes([lead.pk for lead in leads]) if last else {}
    for lead in leads:
        for place, value in enumerate(values[lead.pk]):
            asked, person = next(answers)
            if person.own_keys:
                number = _number(place, value, asked, person, rows[lead.pk], outcomes.get(lead.pk, {}))
                found[lead.pk].append(Answer(number, asked, person))
    return found


def _number(
    place: int, value: str, asked: Asked, person: Person, row: Mapping[str, Any], outcomes: Mapping[int, str]
) -> Number:
    listed, decision = listed_of(row, value), asked.decision
    at = listed.get("at")
    key_id = min(person.own_keys)
    kind = str(listed.get("type") or "")
    return Number(
        position=place,
        number=value,
        key_id=key_id,
        kind=kind,
        may_call=decision.verdict == "yes",
        words="" if decision.verdict == "yes" else why(asked),
        fetched_at=datetime.fromisoformat(str(at)) if at else None,
        last_outcome=next((outcomes[one] for one in sorted(person.own_keys) if one in outcomes), ""),
        do_not_call=listed.get("do_not_call"),
    )


def why(asked: Asked) -> str:
    """The answer in words: No: opted out. Do not contact: opted out on Nov 2, 2026."""
    decision = asked.decision
    refusing = [one for one in decision.answers if one.verdict == decision.verdict]
    told = " ".join(words(type(decision)(decision.verdict, decision.first, decision.again_at, tuple(refusing))))
    return f"{headline(decision.verdict, decision.first, decision.again_at)}. {told}"


def _outcomes(lead_ids: Sequence[UUID]) -> dict[UUID, dict[int, str]]:
    """By lead and key: how the last call there ended."""
    found: dict[UUID, dict[int, str]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT ON (a.lead_id, a.key_id) a.lead_id, a.key_id, d.label
              FROM campaigns_callattempt a JOIN campaigns_disposition d ON d.id = a.disposition_id
             WHERE a.lead_id = ANY(%s) ORDER BY a.lead_id, a.key_id, a.started_at DESC
            """,
            [list(lead_ids)],
        )
        for lead_id, key_id, label in cursor.fetchall():
            found.setdefault(lead_id, {})[key_id] = label
    return found


def choose(answers: Sequence[Answer], wanted: int) -> Answer | None:
    """The number to call: the wanted one if it may be, else the next that may, round; where none may now, one that may
    later, else the wanted. None: there is no number.
    """
    if not answers:
        return None
    start = wanted % len(answers)
    order = [*answers[start:], *answers[:start]]
    for verdict in ("yes", "later"):
        for one in order:
            if one.asked.decision.verdict == verdict:
                return one
    return order[0]


def is_lasting(asked: Asked) -> bool:
    """Whether the no is one that stays."""
    no = {one.code for one in asked.decision.answers if one.verdict == "no"}
    stays_out = any(one.code == "state_answer" and one.input.get("stay_out") for one in asked.decision.answers)
    return bool(no & LASTING) or stays_out
