"""Repeated requests: under one key of one user, one request, whose answer is given again. Callers hold no locks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db import connection

from accounts.models import IdempotentRequest

KEPT = timedelta(hours=24)  # as long as clients go on repeating; what Stripe keeps, whose header this is


class KeyConflict(Exception):
    """The user has sent another request under this key."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request under a key. fingerprint: SHA-256 of what it asks, 64 hexadecimal digits."""

    user_id: int
    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Given:
    """The answer that was given first. body: as it was sent."""

    status: int
    body: str


def claim(asked: Asked) -> Given | None:
    """Makes the key stand for this request; the answer it was given before, or None where there is none yet.

    Inside a transaction it waits for another one that claims the same key to end: then there is an answer, or that one
    is undone with all it did. Raises KeyConflict. A key older than KEPT is forgotten, and claimed anew.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO accounts_idempotentrequest AS r (user_id, key, fingerprint, status, body, created_at)
            VALUES (%s, %s, %s, NULL, '', clock_timestamp())
            ON CONFLICT (user_id, key) DO UPDATE
               SET fingerprint = excluded.fingerprint, status = NULL, body = '', created_at = excluded.created_at
             WHERE r.created_at <= excluded.created_at - make_interval(secs => %s)
            RETURNING 1
            """,
            [asked.user_id, asked.key, asked.fingerprint, KEPT.total_seconds()],
        )
        if cursor.fetchone():
            return None
    row = IdempotentRequest.objects.filter(user_id=asked.user_id, key=asked.key).first()
    if row is None:  # given up at this moment by another that was refused
        return claim(asked)
    if row.fingerprint != asked.fingerprint:
        raise KeyConflict
    return None if row.status is None else Given(row.status, row.body)


def keep(asked: Asked, *, status: int, body: str) -> Given:
    """Keeps the answer for repeats, and returns the one that counts: of two at the same moment, the first."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO accounts_idempotentrequest AS r (user_id, key, fingerprint, status, body, created_at)
            VALUES (%s, %s, %s, %s, %s, clock_timestamp())
            ON CONFLICT (user_id, key) DO UPDATE
               SET status = coalesce(r.status, excluded.status),
                   body = CASE WHEN r.status IS NULL THEN excluded.body ELSE r.body END
             WHERE r.fingerprint = excluded.fingerprint
            RETURNING r.status, r.body
            """,
            [asked.user_id, asked.key, asked.fingerprint, status, body],
        )
        row = cursor.fetchone()
    return Given(*row) if row else Given(status, body)


def give_up(asked: Asked) -> None:
    """Nothing was done: the key stands for nothing again, unless another has answered the same request meanwhile."""
    mine = IdempotentRequest.objects.filter(user_id=asked.user_id, key=asked.key, fingerprint=asked.fingerprint)
    mine.filter(status=None).delete()


def forget_old() -> int:
    """Deletes keys older than KEPT, and the answers with them. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM accounts_idempotentrequest WHERE created_at <= clock_timestamp() - make_interval(secs => %s)",
            [KEPT.total_seconds()],
        )
        return int(cursor.rowcount)
