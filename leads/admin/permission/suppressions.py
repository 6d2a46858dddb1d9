"""Who must not be contacted: a look, a new one; no change, no deletion."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path

from accounts.access import access
from common.admin import Empty, ask, confirmed, sees_all
from common.dates import moment
from leads.admin.permission.base import ContactForm, OpenToTeams, refuse_in
from leads.models import Suppression
from leads.permission.adding import (
    REASONS,
    WORDS_MOST,
    add_suppression,
    check_contact,
    suppressions_seen_by,
    told,
    with_hints,
)
from leads.permission.suppressing import BadSuppression

DONE, KNOWN = "Suppressed. Nobody here contacts them any more.", "It was suppressed already."


class AddForm(ContactForm):
    reason = forms.ChoiceField(choices=[(name, Suppression.Reason(name).label) for name in REASONS], label="Why")
    scope = forms.ChoiceField(choices=Suppression.Scope.choices, label="By which channel not")
    words = forms.CharField(
        required=False, max_length=WORDS_MOST, widget=forms.Textarea(attrs={"rows": 3}), label="What they said"
    )


@admin.register(Suppression)
class SuppressionAdmin(OpenToTeams):
    """Those of the team's leads, and those that its people have added; a superuser sees all. By hashes: a contact is
    shown by its end. Of another's no more is told than whether it is an opt-out, and since when.
    """

    empty = Empty(
        "Suppressions are phones and e-mails that nobody here contacts any more. A reply of STOP adds one by itself.",
        "Suppress a contact",
        "leads_suppression_add",
    )
    list_display = ("created_at", "contact", "scope", "why", "since_whom", "expires_at")
    list_filter = ("scope",)
    fields = readonly_fields = ("contact", "scope", "why", "since_whom", "created_at", "expires_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return with_hints(Suppression.objects.all()) if sees_all(request) else suppressions_seen_by(access(request))

    @admin.display(description="contact")
    def contact(self, row: Any) -> str:
        kind = {1: "Phone", 2: "E-mail"}.get(row.kind, "Owner")
        return f"{kind} {row.hint}" if row.hint else kind

    @admin.display(description="reason")
    def why(self, row: Any) -> str:
        return row.get_reason_display() if getattr(row, "is_ours", True) else f"{told(row)[:1].upper()}{told(row)[1:]}"

    @admin.display(description="from")
    def since_whom(self, row: Suppression) -> str:
        """Another's are told by what they are alone."""
        kinds = {"user": "A person", "upload": "A list", "inbound": "Their message", "delivery": "A bounce"}
        return kinds.get(row.source.partition(":")[0], row.source.partition(":")[0].capitalize())

    def get_urls(self) -> Any:
        inside: Any = self.admin_site.admin_view
        return [
            path("add/", inside(self.add_one), name="leads_suppression_add"),
            path("check/", inside(self.check_one), name="leads_suppression_check"),
            *super().get_urls(),
        ]

    def add_one(self, request: HttpRequest) -> HttpResponse:
        self._demand(request)
        form = AddForm(request.POST if confirmed(request) else None)
        if confirmed(request) and form.is_valid():
            try:
                done = add_suppression(access=access(request), **form.cleaned_data)
            except BadSuppression as error:
                refuse_in(form, error)
            else:
                self.message_user(request, DONE if done.added else KNOWN, messages.SUCCESS)
                return redirect("admin:leads_suppression_changelist")
        lines = [
            "For everybody on this installation, and for good: nobody here can take it back. Who asked not to be "
            "called can open a number to texts again by texting START from it.",
            "Where they asked or complained, the other numbers and e-mails of their leads go with it.",
        ]
        return ask(
            self, request, [], title="Suppress a contact", lines=lines, button="Suppress", form=form, is_free=True
        )

    def check_one(self, request: HttpRequest) -> HttpResponse:
        self._demand(request)
        form, lines = ContactForm(request.POST if confirmed(request) else None), []
        if confirmed(request) and form.is_valid():
            try:
                since = check_contact(access=access(request), **form.cleaned_data)
            except BadSuppression as error:
                refuse_in(form, error)
            else:
                lines = [f"Yes: suppressed since {moment(since)}." if since else "No: it is not suppressed."]
        lines.append("Each look is written to the audit log.")
        return ask(
            self, request, [], title="Is it suppressed?", lines=lines, button="Check", form=form, is_free=True
        )  # fmt: skip

    def _demand(self, request: HttpRequest) -> None:
        if not self.has_add_permission(request):
            raise PermissionDenied("This is for people of a team.")
