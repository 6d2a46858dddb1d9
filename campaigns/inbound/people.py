"""Who wrote, and to whom: our number's team, their key and those of the same owner, the lead it is about."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Lower

from campaigns.locks import lock_keys
from campaigns.models import Delivery, MailSender, Sender
from leads.keys import contact_keys
from leads.models import Lead, Seller
from leads.permission.suppressing import Value, key_of

TRIES = 5  # of locking the keys of leads that change meanwhile


@dataclass(frozen=True, slots=True)
class Writer:
    """key_id: of the number they wrote from; own: its keys, of which an older secret may have written another; keys:
    also those of the same owner, all of them locked.
    """

    key_id: int
    own: frozenset[int]
    keys: frozenset[int]


def sender_of(number: str, vendor: str) -> Sender | None:
    """Our number that they wrote to: one in use before one that is retired. None: it is nobody's here."""
    rows = Sender.objects.filter(number=number, vendor=vendor).select_related("seller__team")
    return rows.order_by(F("retired_at").desc(nulls_first=True)).first()


@dataclass(frozen=True, slots=True)
class WrittenTo:
    """Whose address an e-mail came to. sender: None where it is the company's for replies."""

    team_id: int | None = None
    sender: MailSender | None = None


def written_to(addresses: Collection[str]) -> WrittenTo:
    """By addresses that are exactly one company's here, lowercase: one in use before one that is retired. Of several
    companies' or nobody's: of no team.
    """
    rows = MailSender.objects.annotate(low=Lower("address")).filter(low__in=list(addresses))
    senders = list(rows.select_related("seller").order_by(F("retired_at").desc(nulls_first=True)))
    sellers = Seller.objects.annotate(low=Lower("reply_email")).filter(low__in=list(addresses), replaced_at=None)
    in_use = {one.seller.team_id for one in senders if one.retired_at is None} | {one.team_id for one in sellers}
    teams = in_use or {one.seller.team_id for one in senders}
    if len(teams) != 1:
        return WrittenTo()
    (team_id,) = teams
    return WrittenTo(team_id, next((one for one in senders if one.seller.team_id == team_id), None))


def is_own(address: str) -> bool:
    """Whether a company here writes from it: a copy in a Sent folder, a Bcc, two of ours in a loop."""
    if settings.INBOUND_MAIL_DOMAIN and address.endswith(f"@{settings.INBOUND_MAIL_DOMAIN}"):
        return True
    return MailSender.objects.annotate(low=Lower("address")).filter(low=address).exists()


def lock_writer(value: Value, also: Collection[int] = ()) -> Writer:
    """Their key, made where it is new, and the owner's other keys: locked together, in the order of their ids. also:
    keys of whom they write for, with that owner's.
    """
    made = contact_keys.insert([key_of(value)], locked=False)
    own = sorted(made[value])
    return Writer(own[0], frozenset(own), lock_owner([*own, *also]))


def lock_owner(own: Collection[int]) -> frozenset[int]:
    """These keys, which there are, and the owner's others, locked together."""
    keys: set[int] = set()
    for _ in range(TRIES):
        point = transaction.savepoint()
        keys = of_owner(own) | keys
        lock_keys(keys)
        if of_owner(own) <= keys:  # a lead that got another number meanwhile holds one of these
            transaction.savepoint_commit(point)
            break
        transaction.savepoint_rollback(point)
    return frozenset(keys)


def of_owner(own: Collection[int]) -> set[int]:
    """These keys, and the others of the leads that have one of them: one hop, over no crowded key and to none."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT o.key_id
              FROM leads_contactkey n
              JOIN leads_leadkey k ON k.key_id = n.id
              JOIN leads_leadkey o ON o.lead_id = k.lead_id
              JOIN leads_contactkey c ON c.id = o.key_id
             WHERE n.id = ANY(%s) AND NOT n.crowded AND NOT c.crowded
            """,
            [list(own)],
        )
        return {*own, *(key_id for (key_id,) in cursor.fetchall())}


def leads_of(key_id: int, team_id: int) -> list[UUID]:
    """The team's leads that have this number, the oldest first."""
    rows = Lead.objects.filter(team_id=team_id, keys__key=key_id)
    return list(rows.order_by("pk").values_list("pk", flat=True))


def lead_of(key_id: int, team_id: int) -> Lead | None:
    """The lead they write about: the one that was last texted at this number, else the oldest that has it."""
    ids = leads_of(key_id, team_id)
    if not ids:
        return None
    texted = Delivery.objects.filter(key=key_id, team_id=team_id, lead_id__in=ids, intended_at__isnull=False)
    latest = texted.order_by("-intended_at").values_list("lead_id", flat=True).first()
    return Lead.objects.get(pk=latest or ids[0])
