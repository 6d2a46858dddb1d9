"""Who wrote, and to whom: our number's team, their key and those of the same owner, the lead it is about."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F

from campaigns.locks import lock_keys
from campaigns.models import Delivery, Sender
from leads.keys import contact_keys
from leads.models import Lead
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


def lock_writer(value: Value) -> Writer:
    """Their key, made where it is new, and the owner's other keys: locked together, in the order of their ids."""
    made = contact_keys.insert([key_of(value)], locked=False)
    own = sorted(made[value])
    keys: set[int] = set()
    for _ in range(TRIES):
        point = transaction.savepoint()
        keys = _of_owner(own) | keys
        lock_keys(keys)
        if _of_owner(own) <= keys:  # a lead that got another number meanwhile holds one of these
            transaction.savepoint_commit(point)
            break
        transaction.savepoint_rollback(point)
    return Writer(own[0], frozenset(own), frozenset(keys))


def _of_owner(own: list[int]) -> set[int]:
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
            [own],
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
