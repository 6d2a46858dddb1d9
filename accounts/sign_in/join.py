"""The page an invitation's link leads to, and the one that a manager invites on."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.access import NotAllowed, Scope, access
from accounts.fresh import confirm_first, is_fresh
from accounts.invitations import (
    InvitationOver,
    InvitationRefused,
    MailNotSent,
    accept,
    accept_as_new,
    invitations_of,
    invite,
    invite_into_new_team,
    open_invitation,
    revoke,
)
from accounts.models import Role
from accounts.selectors import user_of
from accounts.sign_in.proving import is_proved, people_with
from common.admin import dressed, is_id
from common.forms import BoxField
from common.public_address import public_address

SECRET = "invitation"  # noqa: S105  # in the session: the link's secret, so that no page's address holds it
PASSWORD = "password"  # noqa: S105


class NewPersonForm(forms.Form):
    username = forms.CharField(
        max_length=150, label="User name", widget=forms.TextInput(attrs={"autocomplete": "username"})
    )
    first_name = forms.CharField(max_length=150, required=False)
    last_name = forms.CharField(max_length=150, required=False)
    password = forms.CharField(
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="12 characters or more. Several unrelated words are easy to keep and hard to guess.",
    )


@never_cache
@require_http_methods(["GET", "HEAD"])
def follow(request: HttpRequest, secret: str) -> HttpResponse:
    """Takes the secret out of the address."""
    request.session[SECRET] = secret[:200]
    return redirect("join")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest) -> HttpResponse:
    secret = request.session.get(SECRET, "")
    try:
        invitation = open_invitation(secret)
        more: dict[str, Any] = {"invitation": invitation}
        if request.user.is_authenticated:
            more["is_hers"] = (user_of(request).email or "").lower() == invitation.email.lower()
            more["is_proved"] = is_proved(user_of(request))
            return _as_known(request, secret, more)
        more["login"] = f"{reverse('account_login')}?{urlencode({'next': reverse('join')})}"
        if people_with(invitation.email).filter(is_active=True).exists():
            return _entrance(request, **more)
        return _as_new(request, secret, more)
    except InvitationOver as over:
        return _entrance(request, over=over)


def _as_known(request: HttpRequest, secret: str, more: dict[str, Any]) -> HttpResponse:
    if request.method == "POST":
        try:
            member = accept(secret=secret, user=user_of(request))
        except InvitationRefused as refusal:
            messages.error(request, str(refusal))
        else:
            del request.session[SECRET]
            messages.success(request, f"You have joined {member.team.name}.")
            return redirect("admin:index")
    return _entrance(request, **more)


def _as_new(request: HttpRequest, secret: str, more: dict[str, Any]) -> HttpResponse:
    form = NewPersonForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            user = accept_as_new(secret=secret, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            del request.session[SECRET]
            answer: HttpResponse = perform_password_login(
                request, {"username": user.get_username()}, Login(user=user, redirect_url=reverse("admin:index"))
            )
            return answer
    return _entrance(request, form=dressed(form), **more)


def _entrance(request: HttpRequest, **more: object) -> HttpResponse:
    context = {**admin.site.each_context(request), "title": "Invitation", **more}
    return TemplateResponse(request, "account/join.html", context)


def may_invite(request: HttpRequest) -> bool:
    """Whether the side bar has the page below."""
    return bool(request.user.is_superuser) or access(request).can(Scope.MANAGE)


class InviteForm(forms.Form):
    email = forms.EmailField(max_length=254, label="E-mail")
    role = forms.ChoiceField(
        choices=[
            (Role.CALLER, "Caller: works the leads assigned to them"),
            (Role.BUYER, "Buyer: also buys data and exports"),
            (Role.MANAGER, "Manager: also people and spending limits"),
            (Role.READER, "Reader: sees leads without contacts"),
        ]
    )
    is_masked = BoxField(required=False, label="Hide phones and e-mails, whatever the role allows")
    team = forms.CharField(
        max_length=100, required=False, label="Into a new team", help_text="Its name; empty: into your own team"
    )


@never_cache
@admin.site.admin_view
@require_http_methods(["GET", "HEAD", "POST"])
def people(request: HttpRequest) -> HttpResponse:
    """A manager invites, and revokes."""
    hers = access(request)
    if not may_invite(request):
        raise PermissionDenied
    form = InviteForm(request.POST if request.method == "POST" and "revoke" not in request.POST else None)
    if not request.user.is_superuser:
        del form.fields["team"]
    if request.method == "POST" and not is_fresh(request):
        return confirm_first(request, back=request.path)
    pk = request.POST.get("revoke", "")
    if is_id(pk):
        if one := invitations_of(hers).filter(pk=pk).first():
            revoke(access=hers, invitation=one)
        messages.success(request, "The invitation is revoked: its link no longer works.")
        return redirect("account_invitations")
    if form.is_valid() and _invited(request, form):
        return redirect("account_invitations")
    context = {**admin.site.each_context(request), "title": "Invite people", "form": dressed(form)}
    rows = invitations_of(hers)[:100]
    return TemplateResponse(request, "account/invitations.html", {**context, "rows": rows, "team": hers.team})


def _invited(request: HttpRequest, form: InviteForm) -> bool:
    given = dict(form.cleaned_data)
    team = given.pop("team", "")
    try:
        given["base_url"] = public_address(request)
        if team:
            invite_into_new_team(by=user_of(request), name=team, **given)
        else:
            invite(access=access(request), **given)
    except (InvitationRefused, MailNotSent, NotAllowed) as refusal:
        field = getattr(refusal, "field", "") or None
        form.add_error(field, str(refusal))
        return False
    messages.success(request, f"Invitation sent to {given['email']}. Its link works for 7 days.")
    return True
