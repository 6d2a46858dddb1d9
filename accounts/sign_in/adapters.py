"""How django-allauth does things here: who may come in, what is written down of it, in which words."""

from __future__ import annotations

import logging
from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.internal.stagekit import clear_login
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from accounts import audit, sealing
from accounts.fresh import is_fresh
from accounts.models import User
from accounts.sign_in import devices, limits, sessions
from accounts.sign_in.factors import KINDS, must_have_factor
from accounts.sign_in.notices import MAIL_TROUBLE
from common.client_address import client_address

log = logging.getLogger(__name__)
OUTLIVED = "This sign-in has ended. Sign in again."
WRONG = "Wrong name or password."
SECRETS = "accounts.sign_in.secrets"  # what factors' secrets are encrypted for
EVENTS = {  # allauth's hook for what a person should hear of, by its mail's template: action and kind of factor
    "mfa/email/totp_activated": ("factor.added", "authenticator app"),
    "mfa/email/totp_deactivated": ("factor.removed", "authenticator app"),
    "mfa/email/webauthn_added": ("factor.added", "passkey"),
    "mfa/email/webauthn_removed": ("factor.removed", "passkey"),
    "mfa/email/recovery_codes_generated": ("factor.added", "recovery codes"),
}
NAMES = {"mfa": "code", "socialaccount": "OpenID Connect"}


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Nobody signs up by herself: a person is invited."""

    def is_open_for_signup(self, _request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request) or "0.0.0.0"  # noqa: S104  # a column that must not be empty

    def pre_login(self, request: HttpRequest, user: User, **_: Any) -> HttpResponse | None:
        """By whatever means she comes: who may not work here is told what a stranger is told."""
        if user.is_active and user.is_staff:
            sessions.wait_for_code(request, user)
            return None
        messages.error(request, WRONG)
        return HttpResponseRedirect(reverse("account_login"))

    def login(self, request: HttpRequest, user: User) -> None:
        """All that was asked for was given. Refused where what was given first is no longer so: a new password, or
        signing out everywhere, ends a sign-in that waits for its code.
        """
        if not sessions.still_fits(request, user):
            clear_login(request)
            messages.error(request, OUTLIVED)
            raise ImmediateHttpResponse(HttpResponseRedirect(reverse("account_login")))
        super().login(request, user)
        used = [record["method"] for record in get_authentication_records(request, user)]
        means = ", ".join(dict.fromkeys(NAMES.get(name, name) for name in used))
        limits.succeeded(user=user, address=client_address(request), means=means)
        sessions.begin(request, user)

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **kwargs)
        devices.remember(request, response, user)
        return response

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """For allauth's own forms (“Confirm it’s you”): they take a refusal as words."""
        try:
            found: User | None = super().authenticate(request, **credentials)
        except limits.SignInLocked as locked:
            raise ValidationError(str(locked)) from None
        return found

    def is_reauthentication_required(self, **_: Any) -> bool:
        """Before factors are changed, or recovery codes shown: FRESH_MINUTES, as everywhere."""
        return not is_fresh(self.request)

    def send_notification_mail(self, template_prefix: str, user: User, *args: Any, **kwargs: Any) -> None:
        if template_prefix in EVENTS:
            action, what = EVENTS[template_prefix]
            audit.record(action, by=user, about=user, name=user.get_username(), after={"what": what})
        if settings.MAIL_IS_SET_UP and user.email:
            try:
                super().send_notification_mail(template_prefix, user, *args, **{**kwargs, "email": user.email})
            except MAIL_TROUBLE as error:  # what was done is done
                log.error("A mail about a factor could not be sent: %s", type(error).__name__)


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "This code is wrong, was used before, or has expired.",
        "cannot_delete_authenticator": "You must have a second factor here. Add another one before you remove this.",
    }

    def encrypt(self, text: str) -> str:
        return sealing.encrypted(text, use=SECRETS)

    def decrypt(self, encrypted_text: str) -> str:
        return sealing.readable(encrypted_text, use=SECRETS)

    def get_totp_label(self, user: User) -> str:
        return user.get_username()

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Her last one stays where she must have one."""
        others = Authenticator.objects.filter(user_id=authenticator.user_id, type__in=KINDS).exclude(
            pk=authenticator.pk
        )
        return others.exists() or not must_have_factor(authenticator.user)

    def generate_authenticator_name(self, user: User, type: str) -> str:  # allauth's name
        return f"Passkey {Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1}"
