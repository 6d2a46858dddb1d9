"""The sign-in page, one's sessions, and what is locked. Factors' own pages are allauth's, in the desk's look."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from allauth.mfa.adapter import get_adapter
from allauth.mfa.webauthn.views import EditWebAuthnView, RemoveWebAuthnView
from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.views import LoginView
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.fresh import requires_fresh, requires_fresh_to_change
from accounts.selectors import user_of
from accounts.sign_in import limits, sessions
from accounts.sign_in.browsers import browser_of
from accounts.sign_in.forms import SignInForm
from common.admin import dressed

CONFIRM = "Confirm it’s you"
TITLES = {  # of allauth's own pages, by their address's name
    "account_reauthenticate": CONFIRM,
    "mfa_reauthenticate": CONFIRM,
    "mfa_reauthenticate_webauthn": CONFIRM,
    "mfa_index": "Second factor and passkeys",
    "mfa_activate_totp": "Set up an authenticator app",
    "mfa_deactivate_totp": "Remove the authenticator app",
    "mfa_view_recovery_codes": "Recovery codes",
    "mfa_generate_recovery_codes": "Make new recovery codes",
    "mfa_list_webauthn": "Passkeys",
    "mfa_add_webauthn": "Add a passkey",
    "mfa_edit_webauthn": "Rename a passkey",
    "mfa_remove_webauthn": "Remove a passkey",
}


def desk(request: HttpRequest) -> dict[str, Any]:
    """A context processor: allauth's pages stand in the desk. What is refused before anybody is known stands alone."""
    if hasattr(request, "user") and request.path.startswith(("/admin/account/", "/admin/login/")):
        name = request.resolver_match.url_name if request.resolver_match else ""
        return {**admin.site.each_context(request), "title": TITLES.get(name or "", "Sign in")}
    return {}


class SignIn(LoginView):
    """Name and password; then allauth asks for a factor where one is set, and brings her to the page she asked for."""

    template_name = "admin/login.html"
    authentication_form = SignInForm

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.is_authenticated and request.user.is_staff:
            return HttpResponseRedirect(self.get_success_url())
        return super().get(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        """A page elsewhere than here is not gone to."""
        login = Login(user=form.get_user(), redirect_url=self.get_redirect_url() or None)
        credentials = {"username": form.get_user().get_username()}
        answer: HttpResponse = perform_password_login(self.request, credentials, login)
        return answer

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        shared = admin.site.each_context(self.request)
        more = {"title": "Sign in", "app_path": self.request.get_full_path(), "oidc_name": settings.OIDC_NAME}
        if settings.OIDC_NAME:
            address = reverse("openid_connect_login", args=["oidc"])
            more["oidc_address"] = f"{address}?{urlencode({'next': self.get_redirect_url()})}"
        return {**super().get_context_data(**kwargs), **shared, **more, "mail_is_set_up": settings.MAIL_IS_SET_UP}


def _page(request: HttpRequest, template: str, title: str, **more: object) -> HttpResponse:
    return TemplateResponse(request, template, {**admin.site.each_context(request), "title": title, **more})


@never_cache
@admin.site.admin_view
@require_http_methods(["GET", "HEAD", "POST"])
@requires_fresh_to_change
def my_sessions(request: HttpRequest) -> HttpResponse:
    """Where she is signed in; one ends by its button, all others by one, with a fresh proof."""
    person = user_of(request)
    if request.method == "POST":
        one = request.POST.get("session", "")
        if one.isascii() and one.isdigit() and len(one) < 19:
            done = sessions.end_one(user=person, pk=int(one))
            messages.success(request, "That session is signed out." if done else "That session had ended already.")
        else:
            ended = sessions.end_all(user=person, by=person, but=request.session.session_key)
            messages.success(request, f"Signed out of {ended} other session{'s' * (ended != 1)}.")
        return redirect("account_sessions")
    rows = [
        (row, browser_of(row.user_agent), row.session_key == request.session.session_key)
        for row in sessions.sessions_of(person)
    ]
    return _page(request, "account/sessions.html", "Where you are signed in", rows=rows)


class _Passkey:
    """The theme takes an `object` for a row of the admin, and would link to its list."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)  # type: ignore[misc]
        context["passkey"] = context.pop("object")
        return context


class RenamePasskey(_Passkey, EditWebAuthnView):  # type: ignore[misc]
    """allauth's."""


class RemovePasskey(_Passkey, RemoveWebAuthnView):  # type: ignore[misc]
    """allauth's, which asks nobody whether the last one may go."""

    def form_valid(self, form: Any) -> HttpResponse:
        if not get_adapter().can_delete_authenticator(self.object):
            form.add_error(None, get_adapter().validation_error("cannot_delete_authenticator"))
            refused: HttpResponse = self.form_invalid(form)
            return refused
        removed: HttpResponse = super().form_valid(form)
        return removed


class UnlockForm(forms.Form):
    name = forms.CharField(max_length=150, required=False, label="User name")
    address = forms.GenericIPAddressField(required=False, label="Address", help_text="Such as 203.0.113.7")

    def clean(self) -> dict[str, Any]:
        if not self.errors and not any(self.cleaned_data.values()):
            raise forms.ValidationError("Give a user name, an address, or both.")
        return self.cleaned_data


@never_cache
@admin.site.admin_view
@require_http_methods(["GET", "HEAD", "POST"])
@requires_fresh
def locked(request: HttpRequest) -> HttpResponse:
    """Which accounts and addresses are locked or made to wait; superusers unlock them."""
    if not request.user.is_superuser:
        raise PermissionDenied
    form = UnlockForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        limits.unlock(by=user_of(request), **form.cleaned_data)
        messages.success(request, "Unlocked: they may try again at once.")
        return redirect("account_locked")
    return _page(request, "account/locked.html", "Locked sign-ins", rows=limits.held_now()[:100], form=dressed(form))
