"""Writing down each answer of the gate: append-only, names nobody."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from accounts.models import User
from campaigns.gate.facts import Contact
from campaigns.models import Receipt, ReceiptRepeat
from campaigns.rules.facts import Decision, Purpose
from common.db.ids import uuid7

# Rules whose input moves with the clock: of them a digest has the verdict alone.
_CLOCKED = frozenset(
    {"hours", "closed_day", "holiday", "send_by", "cap_24h", "gap", "cap_7d", "cap_90d", "scrub_age", "held"}
)


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer to write down. digest: of the address's ContactKey."""

    contact: Contact
    decision: Decision
    digest: bytes
    delivery_id: UUID | None = None


def rule_digest(decision: Decision) -> str:
    """SHA-256 of the rules without the clock's part: the same as long as nothing but time has changed."""
    told = [
        [one.code, one.version, one.verdict, {} if one.code in _CLOCKED else dict(one.input)]
        for one in decision.answers
    ]
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()


def write(
    answers: Sequence[Answered],
    *,
    team_id: int,
    purpose: Purpose,
    at: datetime,
    by: User | None,
    campaign_id: UUID | None = None,
) -> list[UUID]:
    """The ids of their receipts, in order. A *later* whose rules but for the clock are those of the last receipt of the
    same contact is a `ReceiptRepeat` of it. At most three statements.
    """
    if not answers:
        return []
    digests = [rule_digest(one.decision) for one in answers]
    last = _last(answers, team_id=team_id, purpose=purpose, campaign_id=campaign_id)
    ids: list[UUID] = []
    new: list[tuple[Any, ...]] = []
    repeats: list[ReceiptRepeat] = []
    for one, digest in zip(answers, digests, strict=True):
        known = last.get(_who(one)) if one.decision.verdict == "later" else None
        if known is not None and known[1:] == ("later", digest):
            repeats.append(ReceiptRepeat(receipt_id=known[0], at=at))
            ids.append(known[0])
            continue
        receipt = (
            uuid7(), one.contact.lead_id, one.digest or bytes(32), one.contact.channel, one.decision.verdict,
            one.decision.first, one.decision.again_at, _rules_of(one.decision), digest, one.delivery_id,
        )  # fmt: skip
        new.append(receipt)
        ids.append(receipt[0])
    _insert(new, team_id, campaign_id, purpose, by.pk if by else None, at)
    ReceiptRepeat.objects.bulk_create(repeats)
    return ids


def _rules_of(decision: Decision) -> str:
    """As JSON."""
    return json.dumps([answer.as_json() for answer in decision.answers], default=_as_json)


def _insert(rows: Sequence[tuple[Any, ...]], *shared: Any) -> None:
    """shared: the team, the campaign, the purpose, who asked, for which moment. One statement."""
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO campaigns_receipt (id, lead_id, digest, channel, verdict, first, again_at, rules, rule_digest,
                   delivery_id, team_id, campaign_id, purpose, by_id, at, created_at)
            SELECT r.*, %s::bigint, %s::uuid, %s, %s::bigint, %s::timestamptz, statement_timestamp()
              FROM unnest(%s::uuid[], %s::uuid[], %s::bytea[], %s::text[], %s::text[], %s::text[], %s::timestamptz[],
                   %s::jsonb[], %s::text[], %s::uuid[]) AS r
            """,
            [*shared, *(list(column) for column in zip(*rows, strict=True))],
        )


def _who(one: Answered) -> tuple[Any, ...]:
    return one.contact.lead_id, one.digest, one.contact.channel, one.delivery_id


def _last(
    answers: Sequence[Answered], *, team_id: int, purpose: Purpose, campaign_id: UUID | None
) -> dict[tuple[Any, ...], tuple[UUID, str, str]]:
    """The last receipt of each lead that is told *later*, for the same purpose: (id, verdict, rule digest)."""
    later = {one.contact.lead_id for one in answers if one.decision.verdict == "later" and one.contact.lead_id}
    if not later:
        return {}
    of_same = ("lead_id", "digest", "channel", "delivery_id")
    rows = Receipt.objects.filter(lead_id__in=later, team=team_id, purpose=purpose, campaign_id=campaign_id)
    found = rows.order_by(*of_same, "-pk").distinct(*of_same).values_list(*of_same, "pk", "verdict", "rule_digest")
    return {
        (lead_id, bytes(digest), channel, delivery_id): (pk, verdict, told)
        for lead_id, digest, channel, delivery_id, pk, verdict, told in found
    }


def _as_json(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, set | frozenset):
        return sorted(value)
    return str(value)
