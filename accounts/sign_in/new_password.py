"""A new password, wherever it is chosen: the form asks which API tokens go on working. None does, by default."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import authenticate
from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.selectors import user_of
from accounts.sign_in import devices
from accounts.sign_in.limits import SignInLocked
from accounts.sign_in.services import set_password
from accounts.tokens import tokens_of
from common.admin import dressed


class NewPasswordForm(SetPasswordForm):  # type: ignore[type-arg]
    """Twice the new one."""

    keep = forms.MultipleChoiceField(
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="API tokens that go on working",
        help_text="All others end now. None chosen: all end.",
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        tokens = [(row.token_key, f"{row.grant.name} ({row.token_key[:8]}…)") for row in tokens_of(user)]
        self.fields["keep"].choices = tokens  # type: ignore[attr-defined]
        if not tokens:
            del self.fields["keep"]

    def chosen(self) -> dict[str, Any]:
        """As `set_password` takes it."""
        return {"password": self.cleaned_data["new_password1"], "keep": self.cleaned_data.get("keep", [])}


class OwnPasswordForm(NewPasswordForm, PasswordChangeForm):
    """The old one first: a guess there is counted as at sign-in."""

    field_order = ("old_password", "new_password1", "new_password2", "keep")

    def __init__(self, request: HttpRequest, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        self.request = request

    def clean_old_password(self) -> str:
        old = str(self.cleaned_data["old_password"])
        try:
            found = authenticate(self.request, username=self.user.get_username(), password=old)
        except SignInLocked as locked:
            raise ValidationError(str(locked), "locked") from None
        if found is None:
            raise ValidationError("This is not your password.", "password_incorrect")
        return old


@sensitive_post_parameters()
@never_cache
@admin.site.admin_view
@require_http_methods(["GET", "HEAD", "POST"])
def change_password(request: HttpRequest) -> HttpResponse:
    """One's own. This browser stays signed in, and known."""
    person = user_of(request)
    form = OwnPasswordForm(request, person, request.POST if request.method == "POST" else None)
    if form.is_valid():
        ended = set_password(user=person, by=person, means="own page", here=request, **form.chosen())
        messages.success(request, f"{changed(ended)} You are signed out everywhere else.")
        answer = redirect("profile")
        devices.remember(request, answer, person)
        return answer
    context = {**admin.site.each_context(request), "title": "Change password", "form": dressed(form)}
    return TemplateResponse(request, "account/password.html", context)


def changed(ended: int) -> str:
    tokens = f", and {ended} API token{'s' * (ended != 1)} ended" if ended else ""
    return f"The password is changed{tokens}."
