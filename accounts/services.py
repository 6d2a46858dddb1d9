"""Users and their API tokens."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.contrib.auth import authenticate
from django.db import transaction
from django.utils import timezone
from knox.models import AuthToken
from knox.settings import knox_settings

from accounts.models import User, check_time_zone


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
    """A new token for whoever knows the password, and when it expires. Raises WrongPassword."""
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
