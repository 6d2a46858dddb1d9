"""What is known of many contacts at a moment, for the rules: a few queries, however many contacts. Reads only.

keys           of each address and of its lead (`gate.people`)
leads          places, phones with their flags, status (`gate.leads`)
suppressions   in force, of the address and of the person's other keys: one query a channel; and what a caller has
               just said, which is written some seconds later
consents       one a channel; and registry checks: of the asking team's seller
attempts       messages and calls of all teams, over all keys of the person
conversations  and what else she has said
seller         its answers for the states, its sender; the team's cap
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from accounts.models import Team, User
from campaigns.gate import leads as lead_facts
from campaigns.gate import people
from campaigns.gate.leads import Row
from campaigns.gate.people import Digest, Person
from campaigns.models import Campaign, Sender
from campaigns.rules.facts import Channel, Consented, Facts, Scrubbed, SellerFacts, Suppressed
from leads.models import Seller, Suppression
from leads.permission.consenting import consents_of
from leads.permission.scrubbing import WHOLE_FILE, newest_lists, scrubs_of
from leads.permission.selling import flag_counts, missing_of
from leads.permission.suppressing import LIFTABLE, in_force, lifted_at

COUNTED_DAYS = 90  # of attempts: the longest window of the caps
SMS_MARGIN = 15  # minutes that a vendor and the carriers may take: a text must be on its way so long before the close
Reason = Suppression.Reason
# Said by the person of herself, or known of her: holds for a number of hers that we learned later, too. The other
# reasons are about one number or address.
OF_THE_PERSON = frozenset(
    {Reason.STOP, Reason.DNC_REQUEST, Reason.ONE_CLICK, Reason.UNDECIDED, Reason.VENDOR_OPT_OUT, Reason.COMPLAINT,
     Reason.LITIGATOR, Reason.ERASED}
)  # fmt: skip


# What an outcome of a call suppresses (Disposition.Suppress), and why.
_CHANNELS: dict[str, tuple[str, ...]] = {
    "call": ("call",), "sms": ("sms",), "call_sms": ("call", "sms"), "any": ("call", "sms", "email"),
}  # fmt: skip
_SAID: str = Reason.DNC_REQUEST.value
_REASONS: dict[str, str] = {"bad_number": Reason.WRONG_NUMBER.value}


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to contact: a lead at one of its numbers or e-mails, by a channel.

    key_id: the ContactKey of the address; None: it is looked up. lead_id None: a number that no lead has. missing: the
    template's variables that have no value for this lead.
    """

    lead_id: UUID | None
    key_id: int | None
    address: str | None
    channel: Channel
    missing: tuple[str, ...] = ()


def facts_of(
    contacts: Sequence[Contact],
    *,
    team_id: int,
    by: User | None,
    seller: Seller | None,
    at: datetime,
    campaign: Campaign | None = None,
    sender: Sender | None = None,
) -> dict[Contact, Facts]:
    """The facts of each contact, as the asking team's seller may use them.

    seller: the active one of the team, or the campaign's. sender: whose number an SMS leaves from; None: the
    campaign's, else any active one of the seller. by: who asks, None for a worker.
    """
    known = persons_of(contacts)
    facts = facts_of_persons(
        contacts, known, team_id=team_id, by=by, seller=seller, at=at, campaign=campaign, sender=sender
    )
    return dict(zip(contacts, facts, strict=True))


def persons_of(contacts: Sequence[Contact]) -> list[Person]:
    return people.known([(contact.lead_id, contact.key_id, contact.address) for contact in contacts])


def facts_of_persons(
    contacts: Sequence[Contact],
    known: Sequence[Person],
    *,
    team_id: int,
    by: User | None,
    seller: Seller | None,
    at: datetime,
    campaign: Campaign | None = None,
    sender: Sender | None = None,
    rows: Mapping[UUID, Row] | None = None,
) -> list[Facts]:
    """As `facts_of`, for who has asked for their persons already (`persons_of`); in order. rows: of every lead, where
    they were read in this moment (`gate.leads`); seller: spares a statement where it is an `active_company`.
    """
    since = at - timedelta(days=COUNTED_DAYS)
    leads = lead_facts.read({contact.lead_id for contact in contacts if contact.lead_id}) if rows is None else rows
    suppressed = _suppressed(contacts, known, seller, at)
    pending = people.pending()
    consents = _consents(contacts, known, seller, at)
    checks = scrubs_of(seller.pk, {one for person in known for _, one in person.own}) if seller else {}
    attempts = people.attempts_of(known, since=since, team_id=team_id)
    said = people.said_by(known, since=since, team_id=team_id, user_id=by.pk if by else None)
    texts = any(contact.channel == "sms" for contact in contacts)
    of_sender = (sender or (campaign.sender if campaign else None)) if texts else None
    company = _company(seller)
    of_seller = _seller(company, of_sender, at, texts=texts) if company is not None else None
    cap = vars(company)["gate_cap"] if company is not None and company.team_id == team_id else _cap(team_id)
    window = window_of(campaign)
    found = []
    for place, (contact, person) in enumerate(zip(contacts, known, strict=True)):
        lead = leads.get(contact.lead_id) if contact.lead_id else None
        scrubs = [one for _, digest in sorted(person.own) for one in checks.get(digest, ())]
        own, erased = suppressed[place]
        found.append(
            replace(
                lead_facts.of_address(lead, contact.address, contact.channel),
                erased=erased,
                suppressions=(*own, *_of_calls(pending, contact.channel, person)),
                consents=tuple(
                    Consented(one.id, one.channel, one.kind, one.given_at, one.expires_at)
                    for one in people.by_address(consents.get(contact.channel, {}), person)
                ),
                scrubs=tuple(
                    Scrubbed(one.list, one.listed, one.checked_at, one.version_date, one.source) for one in scrubs
                ),
                attempts=attempts[place],
                answered_at=said[place].answered_at,
                talk=said[place].talk,
                held_until=said[place].held_until,
                seller=of_seller,
                daily_cap=cap,
                vendor_margin=SMS_MARGIN if contact.channel == "sms" else 0,
                window=window,
                missing=contact.missing,
            )
        )
    return found


def window_of(campaign: Campaign | None) -> tuple[time, time, tuple[int, ...]] | None:
    """The campaign's own hours and weekdays (Monday 0); None: the law's alone."""
    hours: dict[str, Any] = campaign.window if campaign else {}
    if not hours:
        return None
    opens, closes = (time.fromisoformat(hours[name]) for name in ("open", "close"))
    return opens, closes, tuple(hours.get("weekdays", range(7)))


def _suppressed(
    contacts: Sequence[Contact], known: Sequence[Person], seller: Seller | None, at: datetime
) -> list[tuple[tuple[Suppressed, ...], UUID | None]]:
    """Of each contact: what is in force for its channel, the address's own first, the oldest first; and what says that
    the person asked to be forgotten.
    """
    by_channel: dict[str, dict[Digest, list[Any]]] = {}
    for channel in sorted({contact.channel for contact in contacts}):
        asked = {
            digest
            for contact, person in zip(contacts, known, strict=True)
            if contact.channel == channel
            for digest in (*person.own, *person.others)
        }
        by_channel[channel] = in_force(asked, channel, seller_id=seller.pk if seller else None, at=at) if asked else {}
    opened = _opened(contacts, known, by_channel, seller)
    found = []
    for contact, person in zip(contacts, known, strict=True):
        rows = [
            (digest not in person.own, one.created_at, one.id, one)
            for digest in (*person.own, *person.others)
            for one in by_channel[contact.channel].get(digest, ())
            if _binds(one, person, is_own=digest in person.own, opened=opened.get(contact.channel, {}))
        ]
        rows.sort(key=lambda row: row[:3])
        erased = next((one.id for *_, one in rows if one.reason == Reason.ERASED), None)
        own = tuple(
            Suppressed(one.id, one.scope, one.reason, one.created_at) for *_, one in rows if one.reason != Reason.ERASED
        )
        found.append((own, erased))
    return found


def _opened(
    contacts: Sequence[Contact],
    known: Sequence[Person],
    by_channel: dict[str, dict[Digest, list[Any]]],
    seller: Seller | None,
) -> dict[str, dict[Digest, datetime]]:
    """By channel, when a person opened an address again, of those whose other keys bear what she may lift."""
    asked: dict[str, set[Digest]] = {}
    for contact, person in zip(contacts, known, strict=True):
        in_channel = by_channel[contact.channel]
        if any(one.reason in LIFTABLE for digest in person.others for one in in_channel.get(digest, ())):
            asked.setdefault(contact.channel, set()).update(person.own)
    return {channel: lifted_at(own, channel, seller_id=seller.pk) for channel, own in asked.items()} if seller else {}


def _of_calls(pending: Sequence[people.Pending], channel: Channel, person: Person) -> list[Suppressed]:
    """What callers have said in the last seconds: it holds at once, though it is not written yet."""
    return [
        Suppressed(one.id, "any" if one.scope == "any" else channel, _REASONS.get(one.outcome, _SAID), one.at)
        for one in pending
        if channel in _CHANNELS[one.scope] and one.binds(person)
    ]


def _binds(one: Any, person: Person, *, is_own: bool, opened: dict[Digest, datetime]) -> bool:
    """A wrong number binds the owner it is wrong for. What others of her keys bear, if it is about her, and she has not
    opened this address again since: her STOP went to all of them, her START is for one.
    """
    if one.owner_key_id is not None and one.owner_key_id not in person.lead_keys:
        return False
    if is_own or one.reason not in OF_THE_PERSON:
        return is_own
    return one.reason not in LIFTABLE or not any(
        one.created_at < opened[digest] for digest in person.own if digest in opened
    )


def _consents(
    contacts: Sequence[Contact], known: Sequence[Person], seller: Seller | None, at: datetime
) -> dict[str, dict[Digest, list[Any]]]:
    if seller is None:
        return {}
    asked: dict[str, set[Digest]] = {}
    for contact, person in zip(contacts, known, strict=True):
        asked.setdefault(contact.channel, set()).update(person.own)
    return {channel: consents_of(seller.pk, digests, channel, at=at) for channel, digests in asked.items() if digests}


# A company with what the gate asks of it, in one statement: answers for states, files of whole lists, its team's cap.
_COMPANY = f"""
SELECT s.*, t.daily_contacts AS gate_cap,
       (SELECT json_agg(json_build_array(a.state, a.answer)) FROM campaigns_stateanswer a WHERE a.seller_id = s.id)
       AS gate_answers,
       (SELECT json_agg(json_build_array(u.id, u.options)) FROM leads_upload u
         WHERE u.team_id = s.team_id AND u.seller_id = s.id AND {WHOLE_FILE}) AS gate_files
  FROM leads_seller s JOIN accounts_team t ON t.id = s.team_id
"""  # noqa: S608  # a constant


def active_company(team_id: int) -> Seller | None:
    """As `active_seller`, with what the gate asks of it: for `facts_of_persons` in the same moment."""
    return next(iter(Seller.objects.raw(f"{_COMPANY} WHERE s.team_id = %s AND s.replaced_at IS NULL", [team_id])), None)


def _company(seller: Seller | None) -> Seller | None:
    """With what the gate asks of it: read a moment ago (`active_company`), or now."""
    if seller is None or "gate_cap" in vars(seller):
        return seller
    return next(iter(Seller.objects.raw(f"{_COMPANY} WHERE s.id = %s", [seller.pk])), None)


def _seller(seller: Seller, sender: Sender | None, at: datetime, *, texts: bool) -> SellerFacts:
    """Of a company with its facts. No statement, but one where texts ask for a sender and none is given."""
    if sender is not None:
        registered = sender.seller_id == seller.pk and sender.retired_at is None and bool(sender.registration_id)
    elif texts:
        senders = Sender.objects.filter(seller=seller, retired_at__isnull=True).exclude(registration_id="")
        registered = senders.exists()
    else:
        registered = False  # nobody asks
    known = vars(seller)
    answers = dict(known["gate_answers"] or ())
    files = newest_lists((UUID(pk), said) for pk, said in known["gate_files"] or ())
    whole = {code: version for code, (version, _) in files.items()}
    return SellerFacts(missing_of(seller), answers, flag_counts(seller, at), registered, whole)


def _cap(team_id: int) -> int:
    return Team.objects.values_list("daily_contacts", flat=True).get(pk=team_id)
