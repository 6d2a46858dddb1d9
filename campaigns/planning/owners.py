"""One person once: which leads of an audience share an owner or a number with one that is contacted. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from django.db import connection

from leads.models import ContactKey, LeadKey


@dataclass(frozen=True, slots=True)
class LeadKeys:
    """phone: of the best number; owner: of name and mailing address; emails: in their positions. joining: by which it
    is the same person as another lead: all that are not crowded, and the number itself, which gets one message whoever
    has it. digests: of every key.
    """

    phone: int | None = None
    owner: int | None = None
    joining: frozenset[int] = frozenset()
    emails: tuple[int, ...] = ()
    digests: Mapping[int, bytes] = field(default_factory=dict)

    def email(self, position: int) -> int | None:
        return self.emails[position] if position < len(self.emails) else None

    def draws_by(self, key: int | None) -> bytes:
        """By what her texts are drawn: the owner's digest, else that of the key she is in the campaign by."""
        return self.digests.get(self.owner or key or 0, b"")


_NONE = LeadKeys()


def keys_of(lead_ids: Collection[UUID]) -> dict[UUID, LeadKeys]:
    """The keys of these leads; a lead without any is not in it. One statement."""
    if not lead_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT k.lead_id,
                   min(k.key_id) FILTER (WHERE k.role = %(phone)s AND k.position = 0),
                   (array_agg(k.key_id ORDER BY k.position, k.key_id)
                       FILTER (WHERE k.role = %(owner)s AND NOT c.crowded))[1],
                   coalesce(array_agg(k.key_id) FILTER (
                       WHERE NOT c.crowded OR (k.role = %(phone)s AND k.position = 0)), '{}'),
                   coalesce(array_agg(k.key_id ORDER BY k.position) FILTER (WHERE k.role = %(email)s), '{}'),
                   array_agg(k.key_id), array_agg(c.digest)
              FROM leads_leadkey k JOIN leads_contactkey c ON c.id = k.key_id
             WHERE k.lead_id = ANY(%(leads)s) GROUP BY k.lead_id
            """,
            {
                "phone": LeadKey.Role.PHONE,
                "email": LeadKey.Role.EMAIL,
                "owner": LeadKey.Role.OWNER,
                "leads": list(lead_ids),
            },
        )
        return {
            lead: LeadKeys(
                phone, owner, frozenset(keys), tuple(emails), dict(zip(ids, map(bytes, digests), strict=True))
            )
            for lead, phone, owner, keys, emails, ids, digests in cursor.fetchall()
        }


def same_owners(
    order: Iterable[UUID], keys: Mapping[UUID, LeadKeys], taken: Mapping[int, UUID] | None = None
) -> dict[UUID, UUID]:
    """Those of these leads that are left out, each with the lead that is contacted instead.

    One pass in the order given: a lead that shares no key with one that stays, stays and takes its keys. One hop: L1
    and L2 share a phone, L2 and L3 an e-mail: L1 and L3 stay. taken: keys that are taken already, by whom.
    """
    by_key = dict(taken or {})
    out: dict[UUID, UUID] = {}
    for lead_id in order:
        joining = keys.get(lead_id, _NONE).joining
        others = [by_key[key] for key in sorted(joining) if key in by_key]
        if others:
            out[lead_id] = others[0]
        else:
            by_key |= dict.fromkeys(joining, lead_id)
    return out


def hints_of(key_ids: Collection[int]) -> dict[int, str]:
    """How a person tells each key from others: …0143."""
    return dict(ContactKey.objects.filter(pk__in=key_ids).values_list("pk", "hint"))
