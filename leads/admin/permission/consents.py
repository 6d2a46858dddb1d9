"""Who allowed the team's company to contact them: a list, and one more on paper or by word."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils import timezone

from accounts.access import Scope, access
from common.admin import Empty, ask, confirmed
from common.admin_teams import TeamAdmin
from leads.admin.permission.base import ContactForm, refuse_in
from leads.keys.owner_keys import EMAIL
from leads.models import Consent
from leads.permission.adding import add_consent
from leads.permission.consenting import BadConsent


class ConsentForm(ContactForm):
    channel = forms.ChoiceField(choices=Consent.Channel.choices, label="By which channel")
    kind = forms.ChoiceField(
        choices=[one for one in Consent.Type.choices if one[0] not in ("reply", "start")], label="Which kind"
    )
    how = forms.ChoiceField(choices=[one for one in Consent.How.choices if one[0] in ("paper", "spoken")], label="How")
    given_at = forms.DateTimeField(label="When", widget=forms.DateTimeInput(attrs={"type": "datetime-local"}))
    text = forms.CharField(
        max_length=10_000, required=False, widget=forms.Textarea(attrs={"rows": 4}),
        label="The exact text they were shown, or their words",
    )  # fmt: skip
    source_url = forms.CharField(max_length=500, required=False, label="Where they gave it")
    file = forms.CharField(max_length=200, required=False, label="Name of the scan or the recording")


@admin.register(Consent)
class ConsentAdmin(TeamAdmin):
    """Evidence: nobody changes or deletes one."""

    empty = Empty(
        "Consents say who agreed to hear from your company. Without one nobody gets a text; purchased data is none.",
        "Record a consent",
        "leads_consent_add",
    )
    team = "seller__team"
    adds = Scope.MANAGE
    list_display = ("given_at", "contact", "channel", "kind", "how", "expires_at", "created_at")
    list_filter = ("channel", "kind", "how")
    fields = readonly_fields = (
        "contact", "channel", "kind", "how", "given_at", "expires_at", "source_url", "reference", "seller", "created_at"
    )  # fmt: skip

    @admin.display(description="contact")
    def contact(self, row: Consent) -> str:
        return f"{'E-mail' if row.key_kind == EMAIL else 'Phone'} {row.hint}"

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("seller")

    def get_urls(self) -> Any:
        inside: Any = self.admin_site.admin_view
        return [path("add/", inside(self.add_one), name="leads_consent_add"), *super().get_urls()]

    def add_one(self, request: HttpRequest) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied("Consents are recorded by a manager of the team.")
        form = ConsentForm(request.POST if confirmed(request) else None)
        if confirmed(request) and form.is_valid():
            try:
                add_consent(access=access(request), **form.cleaned_data)
            except BadConsent as error:
                refuse_in(form, error)
            else:
                self.message_user(request, "Consent recorded.", messages.SUCCESS)
                return redirect("admin:leads_consent_changelist")
        lines = [
            "Record what you have seen or heard yourself; it stays as evidence. It lifts no suppression.",
            f"Times are by your clock ({timezone.get_current_timezone_name()}).",
        ]
        return ask(self, request, [], title="Record a consent", lines=lines, button="Record", form=form, is_free=True)
