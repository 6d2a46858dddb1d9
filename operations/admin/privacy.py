"""The page "Privacy": forgetting a person, and what is known of one. An operator sees counts, never a contact."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.access import access
from accounts.fresh import requires_fresh
from accounts.selectors import user_of
from common.admin import dressed
from common.forms import OnceForm
from leads.models import Forgetting
from leads.privacy.finding import Asked, BadPerson
from leads.privacy.forgetting import NotTyped, forget_person, may_forget, preview
from leads.privacy.reporting import MayNotReport, may_report, own_reach, parts, person_report, unsearched

SHOWN = 20
_WHO = ("phone", "email", "name", "address", "zip")


class PersonForm(OnceForm):
    phone = forms.CharField(max_length=40, required=False)
    email = forms.CharField(max_length=254, required=False, label="E-mail")
    name = forms.CharField(max_length=200, required=False, help_text="With the address")
    address = forms.CharField(max_length=200, required=False, label="Street address")
    zip = forms.CharField(max_length=10, required=False, label="ZIP")

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        try:
            data["asked"] = Asked.of(**{name: data.get(name) or "" for name in _WHO})
        except BadPerson as wrong:
            for field, words in wrong.fields.items():
                if field not in self.errors:
                    self.add_error(field, words)
        return data


def opens_privacy(request: HttpRequest) -> bool:
    """The side bar asks too."""
    user = request.user
    return user.is_authenticated and (may_forget(user_of(request)) or may_report(access(request)))


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@requires_fresh
def privacy(request: HttpRequest) -> HttpResponse:
    """1. The form. 2. Posted: the report; or the preview, and a field for the name. 3. With that typed: forgotten."""
    if not opens_privacy(request):
        raise PermissionDenied
    user = user_of(request)
    form = PersonForm(request.POST if request.method == "POST" else None)
    seen, problem = None, ""
    if form.is_valid():
        asked = form.cleaned_data["asked"]
        if "report" in request.POST:
            return _reported(request, asked)
        if not may_forget(user):
            raise PermissionDenied
        typed = request.POST.get("typed")
        if typed is not None:
            try:
                forget_person(by=user, asked=asked, typed=typed[:254])
            except NotTyped as refusal:
                problem = str(refusal)
            else:
                messages.success(request, "Forgotten. What was stored is being blanked now.")
                return redirect("privacy")
        seen = preview(by=user, asked=asked)
    more = {
        "form": dressed(form),
        "seen": seen,
        "problem": problem,
        "who": [(name, request.POST.get(name, "")) for name in _WHO],
        "may_forget": may_forget(user),
        "may_report": may_report(access(request)),
        "jobs": Forgetting.objects.order_by("-pk")[:SHOWN] if may_forget(user) else None,
    }
    return _page(request, "admin/privacy.html", "Privacy", more)


def _reported(request: HttpRequest, asked: Asked) -> HttpResponse:
    try:
        hers = access(request)
        report = person_report(access=hers, asked=asked, within=own_reach(hers))
    except MayNotReport as refusal:
        raise PermissionDenied(str(refusal)) from None
    more = {"report": report, "parts": parts(report), "unsearched": unsearched(report)}
    return _page(request, "admin/person_report.html", "Report on a person", more)


def _page(request: HttpRequest, template: str, title: str, more: dict[str, Any]) -> HttpResponse:
    return TemplateResponse(request, template, {**admin.site.each_context(request), "title": title, **more})
