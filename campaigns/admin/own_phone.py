"""One's own phone, under the profile: told a code, which costs money and is asked for, and confirmed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.access import access
from accounts.selectors import user_of
from campaigns.planning.refusals import CampaignError
from campaigns.voice import agent_phone, phones
from common.admin import dressed


class PhoneForm(forms.Form):
    phone = forms.CharField(max_length=40, label="Your phone", help_text="Such as (614) 555-0142")
    by = forms.ChoiceField(label="Tell me the code", widget=forms.RadioSelect(attrs={"class": "shrink-0"}))

    def __init__(self, ways: dict[str, str], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        words = {"call": "in a call to this phone", "text": "in a text to this phone"}
        prices = {way: agent_phone.price(by_text=way == "text") for way in words}
        open_ways = [(way, f"{words[way]} (${prices[way]:,.2f})") for way, lacking in ways.items() if not lacking]
        by: Any = self.fields["by"]
        by.choices, by.initial = open_ways, open_ways[0][0] if open_ways else ""


class CodeForm(forms.Form):
    code = forms.CharField(
        max_length=20,
        label="Code",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code"}),
    )


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def own_phone(request: HttpRequest) -> HttpResponse:
    """1. Which phone, told a code at its price. 2. The code, typed. 3. Confirmed; removed with a button."""
    hers, person = access(request), user_of(request)
    ways = agent_phone.ways(hers)
    phone_form, code_form = PhoneForm(ways), CodeForm()
    if "remove" in request.POST:
        agent_phone.remove(user=person)
        messages.success(request, "Your phone was removed.")
        return redirect("profile_phone")
    if "tell" in request.POST:
        phone_form = PhoneForm(ways, request.POST)
        if phone_form.is_valid() and _done(phone_form, lambda: _tell(hers, phone_form.cleaned_data)):
            messages.success(request, "A code is on its way. Type it here.")
            return redirect("profile_phone")
    if "confirm" in request.POST:
        code_form = CodeForm(request.POST)
        code = code_form.cleaned_data["code"] if code_form.is_valid() else ""
        if code and _done(code_form, lambda: agent_phone.confirm(user=person, code=code)):
            messages.success(request, "Your phone is confirmed.")
            return redirect("profile_phone")
    waiting = agent_phone.waiting(person)
    context = {
        **admin.site.each_context(request), "title": "Your own phone", "person": person, "waiting": waiting,
        "phone_form": dressed(phone_form), "code_form": dressed(code_form), "mode": phones.mode(),
        "softphone": phones.agent_of(person, "signalhouse") if phones.mode() == "signalhouse" else "",
        "why_not": phones.why_not(hers) if phones.mode() != "tel" else "", "can_tell": not all(ways.values()),
        "lacking": list(dict.fromkeys(words for words in ways.values() if words)),
    }  # fmt: skip
    return TemplateResponse(request, "admin/own_phone.html", context)


def _tell(hers: Any, said: dict[str, Any]) -> None:
    agent_phone.ask_code(hers, phone=said["phone"], by_text=said["by"] == "text")


def _done(form: forms.Form, act: Any) -> bool:
    try:
        act()
    except CampaignError as error:
        form.add_error(error.field if error.field in form.fields else None, str(error))
        return False
    return True
