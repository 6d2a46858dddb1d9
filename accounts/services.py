"""Users, their API tokens, and the requests they may repeat under a key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth import authenticate
from django.db import connection, transaction
from django.utils import timezone
from knox.models import AuthToken
from knox.settings import knox_settings

from accounts.models import IdempotentRequest, User, check_time_zone

KEPT = timedelta(hours=24)  # as long as clients go on repeating; what Stripe keeps, whose header this is


def create_api_token(*, username: str, days: int | None = None) -> tuple[User, str, bool]:
    """A new token for this user, who is made if there is none (without a password: the token is the only way in).

    Returns the user, the token (shown once, kept only as a hash) and whether the user is new.
    Raises ValidationError for a name that cannot be one.
    """
    User.username_validator(username)
    if len(username) > 150:
        raise ValueError("A user name has at most 150 characters.")
    with transaction.atomic():
        user, made = User.objects.get_or_create(username=username)
        if made:
            user.set_unusable_password()
            user.save(update_fields=["password"])
        _, token = AuthToken.objects.create(user, expiry=timedelta(days=days) if days else knox_settings.TOKEN_TTL)
    return user, token, made


def set_time_zone(*, user: User, time_zone: str) -> None:
    """By whose clock this user's pages and new schedules go. Raises ValidationError for a name that is no zone."""
    check_time_zone(time_zone)
    User.objects.filter(pk=user.pk).update(time_zone=time_zone, time_zone_settled=True)


def take_browser_zone(*, user: User, time_zone: str) -> bool:
    """The browser's zone at first sign-in; False where one was chosen meanwhile. Raises ValidationError."""
    check_time_zone(time_zone)
    waiting = User.objects.filter(pk=user.pk, time_zone_settled=False, time_zone="UTC")
    return bool(waiting.update(time_zone=time_zone, time_zone_settled=True))


def change_profile(*, user: User, changes: Mapping[str, str]) -> User:
    """Changes one's own first_name, last_name, email and time_zone. Raises ValidationError by field."""
    person = User.objects.get(pk=user.pk)
    for name, value in changes.items():
        setattr(person, name, value)
    person.clean_fields(exclude={field.name for field in User._meta.fields} - set(changes))
    settled = {"time_zone_settled": True} if "time_zone" in changes else {}
    User.objects.filter(pk=user.pk).update(**changes, **settled)
    return User.objects.get(pk=user.pk)


class WrongPassword(Exception):
    """No active user has this name and this password. Nobody is told which of the two is wrong."""


def sign_in(*, username: str, password: str) -> tuple[str, datetime]:
    """A new token for the user of this name and password, and when it expires. Raises WrongPassword."""
    user = authenticate(username=username, password=password)
    if user is None:
        raise WrongPassword
    row, token = AuthToken.objects.create(user, expiry=knox_settings.TOKEN_TTL)
    return token, row.expiry


def revoke_token(*, token: AuthToken) -> None:
    """Ends one token at once."""
    token.delete()


def revoke_all_tokens(*, user: User) -> int:
    """Ends all tokens of a user at once; returns how many."""
    deleted, _ = AuthToken.objects.filter(user=user).delete()
    return int(deleted)


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
