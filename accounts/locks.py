"""The locks of this room: docs/locks.md says why `hold_key` stands outside the order."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.db import connection
from django.db.models import QuerySet

from accounts.models import Invitation, Team, User
from common.held import waiting

LONGEST = 60.0  # seconds: a request takes less; what comes later may do the work again, which is harmless
PAUSE = 0.05  # seconds between two looks


@contextmanager
def hold_key(user_id: int, key: str) -> Iterator[None]:
    """Waits until no other request of this user with this Idempotency-Key is at work, and keeps others waiting.

    A lock of the connection, not of a transaction: the work may ask a vendor. PostgreSQL frees it if the process dies.
    """
    name = f"idempotency key {user_id} {key}"
    held = _ask("pg_try_advisory_lock", name) or _in_turn(user_id, name)
    try:
        yield
    finally:
        if held and connection.connection is not None and not connection.needs_rollback:
            _ask("pg_advisory_unlock", name)


def _in_turn(user_id: int, name: str) -> bool:
    deadline = time.monotonic() + LONGEST
    with waiting(user_id, LONGEST):
        while not (held := _ask("pg_try_advisory_lock", name)) and time.monotonic() < deadline:
            time.sleep(PAUSE)
    return held


def _ask(function: str, name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(hashtextextended(%s, 0))", [name])  # ours alone
        return bool(cursor.fetchone()[0])


def hold_tokens(user_id: int) -> None:
    """Makes those who give this user tokens wait for each other, until the transaction ends: their number is capped."""
    _hold(f"tokens {user_id}")


def hold_name(username: str) -> None:
    """The same for those who make the user of this name."""
    _hold(f"user name {username.lower()}")  # as the trigger one_name does


def _hold(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])


def keep_webhooks(team_id: int | None, event: str) -> list[tuple[UUID, bool]]:
    """The webhooks that want this event, kept from being deleted until the commit, and whether no worker has each.

    team_id: whose; None: every team's. A key share: it waits for nothing but a deletion, which holds nothing else.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT id, lease_until IS NULL OR lease_until <= clock_timestamp() FROM accounts_webhookendpoint
             WHERE is_on AND (team_id = %s OR %s::bigint IS NULL) AND events @> ARRAY[%s]::varchar[]
             ORDER BY id FOR KEY SHARE
            """,
            [team_id, team_id, event],
        )
        return list(cursor.fetchall())


def lock_invitations() -> QuerySet[Invitation]:
    """Invitations as they are read, by who accepts one: its link works once. First in its transaction."""
    return Invitation.objects.select_for_update(of=("self",))


def lock_factors(user_id: int) -> QuerySet[Authenticator]:
    """All of a user's factors, by who takes them off her."""
    rows: QuerySet[Authenticator] = Authenticator.objects.filter(user_id=user_id)
    return rows.select_for_update()


def lock_codes(user_id: int) -> QuerySet[Authenticator]:
    """A user's app and recovery codes, by who tries a code: each is taken once. Alone in its transaction."""
    rows: QuerySet[Authenticator] = Authenticator.objects.filter(user_id=user_id).exclude(type="webauthn")
    return rows.select_for_update()


def lock_team(team_id: int) -> Team:
    """The team's row, by who changes its people, caps or webhooks: these are counted. Alone in its transaction."""
    return Team.objects.select_for_update(no_key=True).get(pk=team_id)


def lock_user(user_id: int) -> User:
    """The user's row, by who gives a new password for a link: it works once. First in its transaction."""
    return User.objects.select_for_update(no_key=True).get(pk=user_id)
