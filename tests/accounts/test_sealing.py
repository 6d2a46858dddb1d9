"""What is signed or encrypted for one use is good for no other."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core import signing

from accounts.sealing import Unreadable, encrypted, readable
from accounts.sign_in import adapters, devices
from accounts.webhooks import secrets
from integrations.admin import bill_forms
from integrations.vendors.apollo import webhook
from leads.api import persons

SALTS = [devices.SALT, bill_forms._SALT, webhook._SALT, persons._SALT]


def test_what_was_encrypted_for_one_use_is_not_readable_as_anothers() -> None:
    stored = encrypted("a seed", use=adapters.SECRETS)

    assert readable(stored, use=adapters.SECRETS) == "a seed"
    with pytest.raises(Unreadable):
        readable(stored, use=secrets.USE)
    assert encrypted("a seed", use=adapters.SECRETS) != stored
    middle = len(stored) // 2
    for damaged in (
        f"{stored[:middle]}{'A' if stored[middle] != 'A' else 'B'}{stored[middle + 1 :]}",
        "gcm.",
        "gcm.x",
        "",
        "é",
    ):
        with pytest.raises(Unreadable):
            readable(damaged, use=adapters.SECRETS)


def test_what_fernet_wrote_before_and_the_key_before_are_still_read(settings: Any) -> None:
    key = hashlib.sha256(f"{secrets.USE} {settings.SECRET_KEY}".encode()).digest()
    stored = [Fernet(base64.urlsafe_b64encode(key)).encrypt(b"a secret").decode(), secrets.encrypted("a secret")]

    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another-" + 50 * "y"
    assert [secrets.readable(one) for one in stored] == ["a secret"] * 2
    settings.SECRET_KEY_FALLBACKS = []
    for one in stored:
        with pytest.raises(Unreadable):
            secrets.readable(one)


@pytest.mark.parametrize("salt", SALTS)
def test_what_was_signed_for_one_use_is_not_taken_for_anothers(salt: str) -> None:
    signed = signing.dumps({"1": "x"}, salt=salt)

    others = [other for other in SALTS if other != salt]
    assert len(others) == len(SALTS) - 1
    for other in others:
        with pytest.raises(signing.BadSignature):
            signing.loads(signed, salt=other)
