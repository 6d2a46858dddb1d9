"""What is asked at sign-in. It says no more than it must: which part was wrong helps only a stranger."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from allauth.account.forms import ReauthenticateForm as ReauthenticatePasswordForm
from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    EditWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from django import forms
from django.core.exceptions import ValidationError
from unfold.forms import AuthenticationForm

from accounts.models import User
from accounts.sign_in import devices
from accounts.sign_in.adapters import WRONG
from accounts.sign_in.factors import check_code
from accounts.sign_in.limits import SignInLocked
from common.admin import dressed
from common.client_address import client_address

CODE_WORDS = "From your authenticator app, or one of your recovery codes"


class SignInForm(AuthenticationForm):  # type: ignore[misc]
    """Unfold's, in our words: a person who may not enter here is told the same."""

    error_messages: ClassVar[dict[str, str]] = {
        **AuthenticationForm.error_messages,
        "invalid_login": WRONG,
        "inactive": WRONG,
    }

    def clean(self) -> dict[str, Any]:
        try:
            cleaned: dict[str, Any] = super().clean()
        except SignInLocked as locked:
            raise ValidationError(str(locked), "locked") from None
        return cleaned


class _Code(forms.Form):
    """allauth's form for a code, which is counted as a password is, and taken once."""

    user: User

    def clean_code(self) -> str:
        code, request = str(self.cleaned_data["code"]).replace(" ", ""), context.request
        try:
            found = check_code(
                user=self.user,
                code=code,
                address=client_address(request),
                is_known_device=devices.is_known(request, self.user),
            )
        except SignInLocked as locked:
            raise ValidationError(str(locked), "locked") from None
        if found is None:
            raise get_adapter().validation_error("incorrect_code")
        found.user = self.user
        self.authenticator = found
        return code


class _Dressed:
    """allauth's form in the theme's look."""

    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "code" in self.fields:
            self.fields["code"].widget.attrs = {"autocomplete": "one-time-code", "inputmode": "text", "autofocus": ""}
        dressed(self)  # type: ignore[type-var]


class CodeForm(_Dressed, _Code, AuthenticateForm):  # type: ignore[misc]
    code = forms.CharField(max_length=20, help_text=CODE_WORDS)


class ConfirmCodeForm(_Dressed, _Code, ReauthenticateForm):  # type: ignore[misc]
    code = forms.CharField(max_length=20, help_text=CODE_WORDS)


class ConfirmPasswordForm(_Dressed, ReauthenticatePasswordForm):  # type: ignore[misc]
    pass


class SetUpAppForm(_Dressed, ActivateTOTPForm):  # type: ignore[misc]
    code = forms.CharField(max_length=20, label="The six digits")


@contextmanager
def _unreadable_is_wrong() -> Iterator[None]:
    """What no browser sends as a passkey's answer: allauth and fido2 catch some of it."""
    try:
        yield
    except (TypeError, ValueError, LookupError, AttributeError, NotImplementedError, struct.error):
        raise get_adapter().validation_error("incorrect_code") from None


class _PasskeyAnswer:
    def clean_credential(self) -> Authenticator:
        with _unreadable_is_wrong():
            return super().clean_credential()  # type: ignore[misc]


class PasskeySignInForm(_PasskeyAnswer, LoginWebAuthnForm):  # type: ignore[misc]
    pass


class PasskeySecondForm(_PasskeyAnswer, AuthenticateWebAuthnForm):  # type: ignore[misc]
    pass


class ConfirmPasskeyForm(_PasskeyAnswer, ReauthenticateWebAuthnForm):  # type: ignore[misc]
    pass


class AddPasskeyForm(_Dressed, AddWebAuthnForm):  # type: ignore[misc]
    def clean(self) -> dict[str, Any]:
        with _unreadable_is_wrong():
            cleaned: dict[str, Any] = super().clean()
        return cleaned

    passwordless = forms.BooleanField(
        required=False,
        initial=True,
        label="Sign in with it alone",
        help_text="By fingerprint, face or PIN, without a password. Off: it only comes after the password.",
    )


class RenamePasskeyForm(_Dressed, EditWebAuthnForm):  # type: ignore[misc]
    name = forms.CharField(max_length=100)
