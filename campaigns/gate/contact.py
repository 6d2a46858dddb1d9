"""The one gate: may this person be contacted by this channel at this moment? Every page, dry run and sender asks it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connection

from accounts.models import User
from campaigns import clock
from campaigns.gate import receipts
from campaigns.gate.facts import Contact, active_company, facts_of_persons, persons_of
from campaigns.gate.leads import Row
from campaigns.gate.people import Person
from campaigns.gate.rule_rows import load_rules
from campaigns.locks import lock_keys_of, note_attempts
from campaigns.models import Campaign, Delivery, MailSender, Sender
from campaigns.rules.decide import decide
from campaigns.rules.facts import Attempt, Channel, Decision, Facts, Purpose
from campaigns.rules.rule_set import RuleSet
from leads.models import Lead, Seller
from leads.permission.selling import active_seller


@dataclass(frozen=True, slots=True)
class Asked:
    """The gate's answer. receipt_id: of the Receipt that was written, or repeated; None: nothing was recorded."""

    contact: Contact
    facts: Facts
    decision: Decision
    receipt_id: UUID | None


def contact_of(lead: Lead, channel: Channel, address: str | None = None) -> Contact:
    """The lead at its best phone, or its e-mail, or at this address."""
    best = lead.email if channel == "email" else lead.phone
    return Contact(lead.pk, None, address or best or None, channel)


def may_contact(
    lead_id: UUID,
    channel: Channel,
    *,
    by: User | None,
    purpose: Purpose,
    at: datetime | None = None,
    address: str | None = None,
    team_id: int | None = None,
    campaign: Campaign | None = None,
    record: bool = True,
) -> Asked:
    """Whether this lead's owner may be contacted, with a receipt.

    at: a moment of the campaigns' clock; None: now. address: of the lead's; None: its best phone, or its e-mail.
    team_id: who asks; None: the lead's team. Raises `Lead.DoesNotExist`.
    """
    lead = Lead.every.only("pk", "team_id", "phone", "email").get(pk=lead_id)
    team = lead.team_id if team_id is None else team_id
    moment = at or clock.now()
    contact = contact_of(lead, channel, address)
    ((asked, person),) = ask([contact], team_id=team, by=by, purpose=purpose, at=moment, campaign=campaign)
    if not record:
        return asked
    answer = receipts.Answered(contact, asked.decision, person.digest)
    (receipt_id,) = receipts.write(
        [answer], team_id=team, purpose=purpose, at=moment, by=by, campaign_id=campaign.pk if campaign else None
    )
    return replace(asked, receipt_id=receipt_id)


def decide_many(
    contacts: Sequence[Contact],
    *,
    team_id: int,
    by: User | None,
    purpose: Purpose,
    at: datetime | None = None,
    campaign: Campaign | None = None,
) -> dict[Contact, Asked]:
    """As `may_contact`, of many, at one moment; nothing is recorded. Locks nothing: an estimate."""
    if not contacts:
        return {}
    answers = ask(contacts, team_id=team_id, by=by, purpose=purpose, at=at or clock.now(), campaign=campaign)
    return {asked.contact: asked for asked, _ in answers}


def ask(
    contacts: Sequence[Contact],
    *,
    team_id: int,
    by: User | None,
    purpose: Purpose,
    at: datetime,
    campaign: Campaign | None,
    rules: RuleSet | None = None,
    rows: Mapping[UUID, Row] | None = None,
) -> list[tuple[Asked, Person]]:
    """As `decide_many`, in order, each with the person it is about. rules, rows (of every lead): where they were read
    in this moment.
    """
    rules, known = rules or load_rules(), persons_of(contacts)
    facts = facts_of_persons(
        contacts, known, team_id=team_id, by=by, seller=_seller_of(team_id, campaign), at=at, campaign=campaign,
        rows=rows,
    )  # fmt: skip
    return [
        (Asked(contact, of_one, decide(of_one, rules, at, purpose), None), person)
        for contact, of_one, person in zip(contacts, facts, known, strict=True)
    ]


def _seller_of(team_id: int, campaign: Campaign | None) -> Seller | None:
    """Texts of a campaign stay in the name they were approved in; a call is made in today's."""
    if campaign is not None and campaign.channel != Campaign.Channel.CALL:
        return campaign.seller
    return active_company(team_id)


# --- Leaving now ------------------------------------------------------------------------------------------------------


def lock_and_decide(delivery_ids: Iterable[UUID], *, at: datetime | None = None) -> dict[UUID, Asked]:
    """The answers by which messages leave now: by delivery. In the caller's transaction, which has locked no lead yet.

    1. The ContactKeys of each delivery and of its lead are locked, sorted by id, in a statement of their own: an
       opt-out takes the same locks (`leads.permission.suppressing`), so it is either committed and seen, or waits.
    2. Only then the moment and the facts are read, and decided. Of two messages to one person in this call the second
       knows of the first.
    3. A receipt is written for each; `last_attempt_at` of its key where the answer is yes.

    The deliveries' own rows are the caller's to lock and change (after this: docs/locks.md).
    """
    ids = sorted(set(delivery_ids))
    lock_keys_of(partial(_keys_of, ids))
    moment, rules = at or clock.now(), load_rules()
    rows = _read(ids)
    groups: dict[tuple[Any, ...], list[Delivery]] = defaultdict(list)
    for row in rows:
        sender_id = row.mail_sender_id or row.sender_id
        groups[row.team_id, row.campaign_id, sender_id, row.by_id, row.purpose, row.channel].append(row)
    found: dict[UUID, Asked] = {}
    left: list[tuple[Person, Attempt]] = []
    for group in groups.values():
        found |= _leaving(group, moment, rules, left)
    note_attempts({key_id for person, _ in left for key_id in person.own_keys}, moment)
    return found


def _read(delivery_ids: Sequence[UUID]) -> list[Delivery]:
    """With their campaign and sender, and these with their seller: of many messages each is read once."""
    rows = list(Delivery.objects.filter(pk__in=delivery_ids).order_by("pk"))
    campaigns = Campaign.objects.select_related("seller", "sender").in_bulk(
        {row.campaign_id for row in rows if row.campaign_id}
    )
    senders = Sender.objects.select_related("seller").in_bulk({row.sender_id for row in rows if row.sender_id})
    mailing = {row.mail_sender_id for row in rows if row.mail_sender_id}
    mail_senders = MailSender.objects.select_related("seller").in_bulk(mailing) if mailing else {}
    for row in rows:
        row.mail_sender = mail_senders.get(row.mail_sender_id) if row.mail_sender_id else None
        row.campaign = campaigns.get(row.campaign_id) if row.campaign_id else None
        row.sender = senders.get(row.sender_id) if row.sender_id else None
    return rows


def _keys_of(delivery_ids: Sequence[UUID]) -> set[int]:
    """The keys of these deliveries and of their leads; of the leads' no crowded ones: half a county would wait."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT d.key_id FROM campaigns_delivery d WHERE d.id = ANY(%(ids)s)
            UNION
            SELECT k.key_id FROM campaigns_delivery d JOIN leads_lead l ON l.id = d.lead_id
              JOIN leads_leadkey k ON k.lead_id = coalesce(l.merged_into_id, l.id)
              JOIN leads_contactkey c ON c.id = k.key_id AND NOT c.crowded WHERE d.id = ANY(%(ids)s)
            """,
            {"ids": list(delivery_ids)},
        )
        return {key_id for (key_id,) in cursor.fetchall()}


def _leaving(
    group: Sequence[Delivery], at: datetime, rules: RuleSet, left: list[tuple[Person, Attempt]]
) -> dict[UUID, Asked]:
    """Of one team, campaign, sender, purpose and channel. left: who is contacted by this call already; grows."""
    first = group[0]
    campaign, purpose = first.campaign, first.purpose
    by = User.objects.filter(pk=first.by_id).first() if first.by_id else None
    sender = first.mail_sender or first.sender
    seller = campaign.seller if campaign else sender.seller if sender else active_seller(first.team_id)
    contacts = [Contact(row.lead_id, row.key_id, row.address, row.channel) for row in group]  # type: ignore[arg-type]
    known = persons_of(contacts)
    facts = facts_of_persons(
        contacts, known, team_id=first.team_id, by=by, seller=seller, at=at, campaign=campaign, sender=first.sender
    )
    stands = "" if campaign is None or campaign.status == Campaign.Status.RUNNING else campaign.status
    answers = []
    for row, of_one, person in zip(group, facts, known, strict=True):
        before = tuple(attempt for other, attempt in left if other.keys & person.keys)
        now = replace(of_one, campaign=stands, attempts=(*before, *of_one.attempts))
        decision = decide(now, rules, at, purpose)  # type: ignore[arg-type]
        if decision.verdict == "yes":
            left.append((person, Attempt(at, row.channel, row.key_id, is_ours=True)))
        answers.append((row, now, person, decision))
    written = receipts.write(
        [
            receipts.Answered(contact, decision, person.digest, row.pk)
            for contact, (row, _, person, decision) in zip(contacts, answers, strict=True)
        ],
        team_id=first.team_id,
        purpose=purpose,  # type: ignore[arg-type]
        at=at,
        by=by,
        campaign_id=first.campaign_id,
    )
    return {
        row.pk: Asked(contact, now, decision, receipt_id)
        for contact, (row, now, _, decision), receipt_id in zip(contacts, answers, written, strict=True)
    }
