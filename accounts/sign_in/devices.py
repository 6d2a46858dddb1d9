"""Browsers in which a person has signed in before: strangers' guesses do not make them wait."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.models import User

KEPT = timedelta(days=180)
PEOPLE = 5  # of one browser
SALT = "accounts.sign_in.devices"


def is_known(request: HttpRequest, user: User) -> bool:
    """Whether this user has signed in here, with the password of today."""
    return constant_time_compare(_known(request).get(str(user.pk), ""), _mark(user))


def remember(request: HttpRequest, response: HttpResponse, user: User) -> None:
    """Sets the cookie: who has signed in here, signed; a new password makes it worth nothing."""
    others = [(key, mark) for key, mark in _known(request).items() if key != str(user.pk)]
    known = dict([*others[-PEOPLE + 1 :], (str(user.pk), _mark(user))])
    response.set_cookie(
        settings.DEVICE_COOKIE_NAME,
        signing.dumps(known, salt=SALT),
        max_age=KEPT,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _known(request: HttpRequest) -> dict[str, str]:
    try:
        found: Any = signing.loads(request.COOKIES.get(settings.DEVICE_COOKIE_NAME, ""), salt=SALT, max_age=KEPT)
    except signing.BadSignature:
        return {}
    return dict(found)


def _mark(user: User) -> str:
    return salted_hmac(SALT, f"{user.pk} {user.password}", algorithm="sha256").hexdigest()[:32]
