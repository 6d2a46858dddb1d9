"""The secrets under which phones, e-mails and owners are digested: CONTACT_KEY_SECRETS, and which have written here."""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage
from django.core.checks import Error as Error_
from django.core.exceptions import ImproperlyConfigured
from django.db import Error, NotSupportedError, connection

from common.db.direct import several
from leads.models import KeySecret

log = logging.getLogger(__name__)
_BLOCK = 64  # bytes of SHA-256's block
WROTE = "SELECT mark FROM leads_keysecret"  # which secrets have written here
_CONSTANT = b"which secret wrote these keys"


class WrongSecret(ImproperlyConfigured):
    """Keys were written under a secret that CONTACT_KEY_SECRETS does not list: each would be written a second time."""


def digest(secret: str, kind: int, value: str) -> bytes:
    """32 bytes: HMAC-SHA256 of "kind|value"."""
    inner, outer = _begun(secret)
    inner, outer = inner.copy(), outer.copy()
    inner.update(f"{kind}|{value}".encode())
    outer.update(inner.digest())
    return bytes(outer.digest())


@lru_cache(maxsize=16)
def _begun(secret: str) -> tuple[Any, Any]:
    """The inner and the outer hash of RFC 2104, section 2, with the key in them: a file has two and a half million
    values, and `hmac.digest` begins anew with each, at more than twice the price.
    """
    key = secret.encode()
    key = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    return hashlib.sha256(key.translate(hmac.trans_36)), hashlib.sha256(key.translate(hmac.trans_5C))


def listed() -> list[str]:
    """The secrets, the one that writes first. Raises WrongSecret; ImproperlyConfigured where there is none.

    Notes that the first one writes, in the caller's transaction: call it before a key is written.
    """
    secrets = _ones_set()
    wrote = _wrote()
    _compare(secrets, wrote)
    if _mark(secrets[0]) not in wrote:
        KeySecret.objects.bulk_create([KeySecret(mark=_mark(secrets[0]))], ignore_conflicts=True)
    return secrets


def first() -> str:
    """The secret that writes, whatever has written before: for digests that `listed` is asked about later."""
    return _ones_set()[0]


def for_reading(wrote: Iterable[tuple[Any, ...]] | None = None) -> list[str]:
    """As `listed`, and writes nothing. wrote: what WROTE has just found."""
    secrets = _ones_set()
    _compare(secrets, _wrote() if wrote is None else _marks(wrote))
    return secrets


def state() -> str:
    """For /readyz: "ok", or "wrong secret" where keys were written under one that is not listed."""
    try:
        for_reading()
    except ImproperlyConfigured:
        return "wrong secret"
    return "ok"


def check_database(databases: Sequence[str] | None = None, **_: object) -> list[CheckMessage]:
    """`manage.py check --database default`, after a restore: the secrets of these keys are listed."""
    if not databases:
        return []
    try:
        if KeySecret._meta.db_table not in connection.introspection.table_names():
            return []
        for_reading()
    except NotSupportedError:  # an older server: postgres.E001 says so
        return []
    except ImproperlyConfigured as error:
        return [Error_(str(error), id="leads.E001")]
    return []


def refuse_wrong(*, logged: bool = True) -> None:
    """Ends this process, with one line, where a secret is missing. A database that is away, or has no such table yet,
    is no reason: whoever writes a key asks again.
    """
    try:
        for_reading()
    except Error:
        connection.close()
    except ImproperlyConfigured as error:
        if logged:
            log.error("%s", error)
        raise SystemExit(str(error)) from None


def _ones_set() -> list[str]:
    secrets: list[str] = list(settings.CONTACT_KEY_SECRETS)
    if not secrets:
        raise ImproperlyConfigured(
            "CONTACT_KEY_SECRETS is not set. It is needed for telling phones, e-mails and owners apart. "
            "Example: CONTACT_KEY_SECRETS=<50 random characters>"
        )
    return secrets


def _wrote() -> set[bytes]:
    """Asked with each look at a person: Django builds the statement in several times the time that it takes."""
    (wrote,) = several(WROTE)
    return _marks(wrote)


def _marks(wrote: Iterable[tuple[Any, ...]]) -> set[bytes]:
    return {bytes(mark) for (mark,) in wrote}


def _mark(secret: str) -> bytes:
    return hmac.digest(secret.encode(), _CONSTANT, "sha256")


def _compare(secrets: list[str], wrote: set[bytes]) -> None:
    if missing := len(wrote - {_mark(secret) for secret in secrets}):
        raise WrongSecret(
            f"CONTACT_KEY_SECRETS lacks {missing} of the {len(wrote)} secrets that have written keys in this database. "
            "They tell phones, e-mails and owners apart; without them each would be a new one. List the old one after "
            "the new: CONTACT_KEY_SECRETS=<the one that writes>,<the one before>"
        )
