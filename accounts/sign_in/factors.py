"""Second factors: who must have one, who has, and whether a code is right. allauth keeps them."""

from __future__ import annotations

import time

from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.mfa.utils import decrypt
from django.conf import settings
from django.db import transaction

from accounts.locks import lock_codes
from accounts.models import User
from accounts.sign_in import limits

PERIOD = 30  # seconds a code of an authenticator app lives (RFC 6238)
LAST = "last_counter"  # in an authenticator's data: the latest period whose code was taken
KINDS = ("totp", "webauthn")


def has_factor(user: User) -> bool:
    """Whether signing in takes more than this user's password."""
    return bool(Authenticator.objects.filter(user_id=user.pk, type__in=KINDS).exists())


def must_have_factor(user: User) -> bool:
    """Whether FACTOR_REQUIRED_FOR names her: everybody, superusers, operators, or a role she has in some team."""
    named: set[str] = set(settings.FACTOR_REQUIRED_FOR)
    if not named:
        return False
    if "all" in named or (user.is_superuser and "superuser" in named) or (user.is_operator and "operator" in named):
        return True
    return user.memberships.filter(role__in=named).exists()


def lacks_factor(user: User) -> bool:
    return must_have_factor(user) and not has_factor(user)


def check_code(*, user: User, code: str, address: str, is_known_device: bool = False) -> Authenticator | None:
    """What this code of an app, or recovery code, is of; None, and a failed sign-in counted, where it is of nothing.

    A code is taken once. Raises SignInLocked.
    """
    attempt = limits.begin(name=user.get_username(), address=address, is_known_device=is_known_device)
    found = _taken(user, code)
    if found is None:
        limits.failed(attempt)
    else:
        limits.take_back(attempt)
    return found


@transaction.atomic
def _taken(user: User, code: str) -> Authenticator | None:
    for one in lock_codes(user.pk).order_by("-type"):  # totp before recovery codes
        if _is_new_totp(one, code) if one.type == "totp" else one.wrap().validate_code(code):
            one.refresh_from_db()
            one.record_usage()
            return one
    return None


def _is_new_totp(one: Authenticator, code: str) -> bool:
    """Of this period, or the one before or after: clocks differ. The code that set the app up counts as taken."""
    secret, now = decrypt(one.data["secret"]), int(time.time()) // PERIOD
    last = one.data.get(LAST, int(one.created_at.timestamp()) // PERIOD)
    for counter in (now - 1, now, now + 1):
        right = compare_user_code(actual=code, expected=format_hotp_value(hotp_value(secret, counter)))
        if right and counter > last:
            one.data[LAST] = counter
            one.save(update_fields=["data"])
            return True
    return False
