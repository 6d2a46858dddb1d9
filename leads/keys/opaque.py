"""The owner's key that the API gives out: a team's own, and nothing can be learned from it.

It is the row id of a `ContactKey` with the team's, as one block of AES under a secret derived from CONTACT_KEY_SECRETS:
the same owner has the same key for as long as that secret is the first, another team has another, and nobody can make
the key of a name or a phone to ask whether it is here.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from common.db.direct import several
from leads.keys import key_secrets
from leads.models import ContactKey

_PURPOSE = b"owner keys of the API"
_PREFIX = "own_"
LENGTH = 26  # characters of a key: the prefix and 16 bytes


def _cipher(secret: str) -> Cipher[modes.ECB]:
    key = hashlib.sha256(hmac.digest(secret.encode(), _PURPOSE, "sha256")).digest()
    # One block, which differs for each owner of each team: the modes that hide repetitions would change the key.
    return Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305


def owner_key(team_id: int, key_id: int) -> str:
    """Of this team's, what the API calls this owner."""
    return _sealed(_cipher(key_secrets.for_reading()[0]), team_id, key_id)


def _sealed(cipher: Cipher[modes.ECB], team_id: int, key_id: int) -> str:
    block = team_id.to_bytes(8, "big") + key_id.to_bytes(8, "big")
    made = cipher.encryptor()
    return _PREFIX + base64.urlsafe_b64encode(made.update(block) + made.finalize()).decode().rstrip("=")


def key_meant(team_id: int | None, said: str) -> int | None:
    """The id of the ContactKey that a team's key means; None: it is none of this team's. By any of the secrets."""
    if team_id is None or len(said) != LENGTH or not said.startswith(_PREFIX):
        return None
    try:
        block = base64.b64decode(said[len(_PREFIX) :] + "==", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    for secret in key_secrets.for_reading():
        opened = _cipher(secret).decryptor()
        plain = opened.update(block) + opened.finalize()
        if int.from_bytes(plain[:8], "big") == team_id:
            return int.from_bytes(plain[8:], "big")
    return None


# Of the leads %(leads)s: each with its first owner's key.
OWNERS = f"""
    SELECT DISTINCT ON (k.lead_id) k.lead_id, k.key_id FROM leads_leadkey k JOIN leads_contactkey c ON c.id = k.key_id
     WHERE k.lead_id = ANY(%(leads)s) AND c.kind = {ContactKey.Kind.OWNER:d} AND NOT c.crowded
     ORDER BY k.lead_id, k.position"""  # noqa: S608  # a constant of ours


def owner_keys_of(leads: Iterable[tuple[UUID, int]]) -> dict[UUID, str]:
    """The owner's key of each of these (lead, team); of several owners the first. A lead without a name and a mailing
    address has none, nor has one whose key more than 20 owners share.
    """
    teams = dict(leads)
    return sealed(teams, *several(OWNERS, key_secrets.WROTE, leads=list(teams)))


def sealed(
    teams: Mapping[UUID, int], owners: Iterable[tuple[Any, ...]], wrote: Iterable[tuple[Any, ...]]
) -> dict[UUID, str]:
    """The same, of what OWNERS and `key_secrets.WROTE` found. teams: of each lead."""
    found = list(owners)
    if not found:
        return {}
    cipher = _cipher(key_secrets.for_reading(wrote)[0])
    return {lead_id: _sealed(cipher, teams[lead_id], key_id) for lead_id, key_id in found}
