"""What changes how a person signs in: a new password, and a lost second factor."""

from __future__ import annotations

from collections.abc import Collection

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.http import HttpRequest

from accounts import audit
from accounts.locks import lock_factors, lock_user
from accounts.models import User
from accounts.sign_in import notices, sessions
from accounts.tokens import end_tokens, tokens_of

FACTOR_WORDS = {"totp": "authenticator app", "webauthn": "passkey", "recovery_codes": "recovery codes"}


class NothingToRemove(Exception):
    """This user has no second factor, and no link to an OpenID Connect provider."""


def set_password(
    *, user: User, by: User, password: str, keep: Collection[str], means: str, here: HttpRequest | None = None
) -> int:
    """A new password ends every session but the one it was changed `here` from, and every API token but those to keep.

    keep: beginnings of tokens (`token_key`). means: own page, link, superuser. Returns how many tokens ended.
    """
    with transaction.atomic():
        user.set_password(password)
        user.save(update_fields=["password"])
        ended = end_tokens(tokens=list(tokens_of(user).exclude(token_key__in=keep)), by=by, why="new password")
        after = {"by": means, "tokens": ended}
        audit.record("password.changed", by=by, about=user, name=user.get_username(), after=after)
        if here is not None:
            sessions.go_on_alone(here, user)
        else:
            sessions.end_all(user=user, by=by)
        notices.password_changed(user=user, by=by)
    return ended


class LinkOver(Exception):
    """The link was used, or is older than an hour."""


def use_link(*, user: User, link: str, password: str, keep: Collection[str]) -> int:
    """A new password for a forgotten one, once a link, also of several at the same moment. Raises LinkOver.

    link: what `default_token_generator` made. Returns how many tokens ended.
    """
    with transaction.atomic():
        user = lock_user(user.pk)
        if not default_token_generator.check_token(user, link):
            raise LinkOver
        return set_password(user=user, by=user, password=password, keep=keep, means="link")


def remove_factors(*, user: User, by: User | None) -> list[str]:
    """For somebody who has lost her phone: her factors, recovery codes, provider's link and sessions end.

    by: a superuser; None: a command. Returns what was removed, in words. Raises NothingToRemove.
    """
    with transaction.atomic():
        lost = list(lock_factors(user.pk).order_by("type", "pk"))
        removed = [FACTOR_WORDS[one.type] for one in lost]
        Authenticator.objects.filter(pk__in=[one.pk for one in lost]).delete()
        if SocialAccount.objects.filter(user=user).delete()[0]:
            removed.append("single sign-on link")
        if not removed:
            raise NothingToRemove
        for what in removed:
            after = {"what": what, "why": "lost"}
            audit.record("factor.removed", by=by, about=user, name=user.get_username(), after=after)
        sessions.end_all(user=user, by=by)
        notices.factors_removed(user=user, by=by)
    return removed
