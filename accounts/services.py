"""Users, their API tokens, and the requests they may repeat under a key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import authenticate
from django.db import connection, transaction
from django.http import HttpRequest
from django.utils import timezone
from knox.models import AuthToken

from accounts.locks import hold_name
from accounts.models import IdempotentRequest, User
from accounts.sign_in import factors, limits
from accounts.tokens import end_tokens, issue_token
from common.client_address import client_address

KEPT = timedelta(hours=24)  # as long as clients go on repeating; what Stripe keeps, whose header this is


def create_api_token(*, username: str, days: int | None = None, **grant: Any) -> tuple[User, str, bool]:
    """A new token for this user, who is made if there is none (without a password: the token is the only way in).

    grant: name, team_id, scopes, addresses, as `issue_token` takes them. Returns the user, the token (shown once, kept
    only as a hash) and whether the user is new. Raises ValidationError for a name that cannot be one, TokenRefused,
    TooManyTokens, NoSuchTeam.
    """
    username = User.normalize_username(username)
    User.username_validator(username)
    if len(username) > 150:
        raise ValueError("A user name has at most 150 characters.")
    with transaction.atomic():
        hold_name(username)
        user = User.objects.filter(username=username).first()
        made = user is None
        user = user or User.objects.create_user(username)
        _, token = issue_token(user=user, days=days, **{"name": "Made by a command", **grant})
    return user, token, made


class WrongPassword(Exception):
    """No active user has this name and this password. Nobody is told which of the two is wrong."""


class FactorRequired(Exception):
    """The password is right, and not enough: a code is asked for, or a factor must be set up first (is_set: False)."""

    def __init__(self, *, is_set: bool) -> None:
        super().__init__()
        self.is_set = is_set


class WrongCode(Exception):
    """It is none of this user's codes, or was taken before. Counted as a wrong password is."""


def sign_in(*, request: HttpRequest, username: str, password: str, code: str | None = None) -> tuple[str, datetime]:
    """A new token for the user of this name, password and, where a factor is set, code; and when it expires.

    Raises WrongPassword, FactorRequired, WrongCode, SignInLocked (accounts.sign_in.limits).
    """
    user = authenticate(request, username=username, password=password)
    if user is None:
        raise WrongPassword
    means = _second_step(request, user, code)
    row, token = issue_token(user=user, name="Sign-in by the API", by=user)
    limits.succeeded(user=user, address=client_address(request), means=f"{means}, for a token")
    return token, row.expiry


def _second_step(request: HttpRequest, user: User, code: str | None) -> str:
    """How she proved who she is."""
    if not factors.has_factor(user):
        if factors.must_have_factor(user):
            raise FactorRequired(is_set=False)
        return "password"
    if code is None:
        raise FactorRequired(is_set=True)
    if factors.check_code(user=user, code=code, address=client_address(request)) is None:
        raise WrongCode
    return "password, code"


def revoke_token(*, token: AuthToken) -> None:
    """Ends one token at once."""
    end_tokens(tokens=[token], by=token.user)


def revoke_all_tokens(*, user: User) -> int:
    """Ends all tokens of a user at once; returns how many."""
    return end_tokens(tokens=list(AuthToken.objects.filter(user=user).select_related("grant")), by=user)


def forget_expired_tokens() -> int:
    """Deletes tokens whose time is over; returns how many."""
    deleted, _ = AuthToken.objects.filter(expiry__lte=timezone.now()).delete()
    return int(deleted)


# --- Repeated requests ------------------------------------------------------------------------------------------------
# Under one key of one user stands one request, whose answer is given again. Callers hold no locks.


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


def claim_key(asked: Asked) -> Given | None:
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
        return claim_key(asked)
    if row.fingerprint != asked.fingerprint:
        raise KeyConflict
    return None if row.status is None else Given(row.status, row.body)


def keep_answer(asked: Asked, *, status: int, body: str) -> Given:
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


def give_up_key(asked: Asked) -> None:
    """Nothing was done: the key stands for nothing again, unless another has answered the same request meanwhile."""
    mine = IdempotentRequest.objects.filter(user_id=asked.user_id, key=asked.key, fingerprint=asked.fingerprint)
    mine.filter(status=None).delete()


def forget_old_keys() -> int:
    """Deletes keys older than KEPT, and the answers with them. Returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM accounts_idempotentrequest WHERE created_at <= clock_timestamp() - make_interval(secs => %s)",
            [KEPT.total_seconds()],
        )
        return int(cursor.rowcount)
