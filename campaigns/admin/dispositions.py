"""How calls can end: the team's outcomes, their keys, and what follows each."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse

from accounts.access import Scope, access
from campaigns.dialing import dispositions
from campaigns.models import Disposition
from campaigns.planning.refusals import CampaignError
from common.admin import Empty, ask, confirmed, dressed, is_id, page
from common.admin_teams import TeamAdmin, refuse
from leads.models import Lead

Outcome = Disposition.Outcome
KEPT = (Outcome.DNC, Outcome.BAD_NUMBER)  # what these do stays
_FIELDS = {"recycleMinutes": "recycle_minutes", "maxAttempts": "max_attempts", "nextNumber": "next_number",
           "leadStatus": "lead_status"}  # fmt: skip


class OutcomeForm(forms.Form):
    label = forms.CharField(max_length=40, label="Name")
    hotkey = forms.ChoiceField(label="Key", choices=[(one, one) for one in "1234567890"])
    outcome = forms.ChoiceField(label="What it means", choices=Outcome.choices)
    recycle_minutes = forms.IntegerField(
        label="Call again after (minutes)", required=False, min_value=1, max_value=129_600,
        help_text="Empty: not from this list. The rules’ own gap holds too, where it is longer.",
    )  # fmt: skip
    max_attempts = forms.IntegerField(label="Calls that may end so", min_value=1, max_value=20, initial=1)
    next_number = forms.BooleanField(label="The next call goes to the next number", required=False)
    suppress = forms.ChoiceField(label="Stops", required=False, choices=Disposition.Suppress.choices)
    lead_status = forms.ChoiceField(
        label="Lead’s status after it", required=False, choices=[("", "As it is"), *Lead.Status.choices]
    )
    needs = forms.ChoiceField(
        label="Asks for", required=False, choices=[("", "Nothing"), ("time", "A time"), ("note", "A note")]
    )

    def __init__(self, data: Any = None, *, row: Disposition | None = None) -> None:
        names = list(self.base_fields)
        super().__init__(data, initial={name: getattr(row, name) for name in names} if row else {})
        if row is not None and row.outcome in KEPT:
            for name in ("outcome", "suppress"):
                self.fields[name].disabled = True

    def refuse(self, error: CampaignError) -> None:
        """Beside what it names."""
        name = _FIELDS.get(error.field, error.field)
        self.add_error(name if name in self.fields else None, str(error))


@admin.register(Disposition)
class DispositionAdmin(TeamAdmin):
    """Ten are there from the first; managers change them. An outcome is retired, never deleted: calls tell of it."""

    empty = Empty("Outcomes say how a call can end, and what follows.", "Add call outcome", "campaigns_disposition_add")
    list_display = ("label", "hotkey", "outcome", "again", "max_attempts", "stops", "lead_status", "retired_at")
    list_filter = ("outcome",)
    ordering = ("retired_at", "hotkey", "pk")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        team_id = access(request).team_id
        if team_id is not None and self._works_here(request):
            dispositions.of_team(team_id)  # makes them at first use
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._works_here(request) and access(request).can(Scope.CAMPAIGN)

    @admin.display(description="call again after")
    def again(self, row: Disposition) -> str:
        minutes = row.recycle_minutes
        if minutes is None:
            return "–"
        hours, days = minutes / 60, minutes / 1440
        return f"{days:g} days" if days >= 2 else f"{hours:g} hours" if hours >= 2 else f"{minutes} minutes"

    @admin.display(description="stops")
    def stops(self, row: Disposition) -> str:
        return str(row.get_suppress_display()) if row.suppress else "–"

    def get_urls(self) -> Any:
        retire = self.admin_site.admin_view(self.retire)
        return [
            path("<uuid:outcome_id>/retire/", retire, name="campaigns_disposition_retire"),
            *super().get_urls(),
        ]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise refuse(Scope.MANAGE)
        form = OutcomeForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            try:
                made = dispositions.make(access(request), form.cleaned_data)
            except CampaignError as error:
                form.refuse(error)
            else:
                return self._back(request, f"Saved: {made}.")
        return self._page(request, form, "Add outcome")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = self._row(request, object_id)
        if request.method == "POST":
            self._check(request, row)
        form = OutcomeForm(request.POST if request.method == "POST" else None, row=row)
        if form.is_valid():
            try:
                dispositions.change(access(request), row.pk, form.cleaned_data)
            except CampaignError as error:
                form.refuse(error)
            else:
                return self._back(request, f"Saved: {form.cleaned_data['label']}.")
        return self._page(request, form, row.label, row=row)

    def retire(self, request: HttpRequest, outcome_id: UUID) -> HttpResponse:
        row = self._row(request, outcome_id)
        self._check(request, row)
        if confirmed(request):
            try:
                dispositions.retire(access(request), row.pk)
            except CampaignError as error:
                self.message_user(request, str(error), messages.ERROR)
                return redirect("admin:campaigns_disposition_change", row.pk)
            return self._back(request, f"Retired: {row.label}.")
        lines = ["Callers are not offered it any more; calls that ended so still say it."]
        back = reverse("admin:campaigns_disposition_change", args=[row.pk])
        return ask(self, request, [], title=f"Retire {row.label}?", lines=lines, button="Retire", back=back)

    def _row(self, request: HttpRequest, outcome_id: UUID | str) -> Disposition:
        found = self.get_queryset(request).filter(pk=outcome_id).first() if is_id(str(outcome_id)) else None
        if found is None:
            raise Http404("There is no such outcome.")
        row: Disposition = found
        return row

    @staticmethod
    def _check(request: HttpRequest, row: Disposition) -> None:
        if row.team_id != access(request).team_id or not access(request).can(Scope.CAMPAIGN):
            raise refuse(Scope.MANAGE)

    def _back(self, request: HttpRequest, words: str) -> HttpResponse:
        self.message_user(request, words, messages.SUCCESS)
        return redirect("admin:campaigns_disposition_changelist")

    def _page(
        self, request: HttpRequest, form: OutcomeForm, title: str, *, row: Disposition | None = None
    ) -> HttpResponse:
        changes = row is None or (row.team_id == access(request).team_id and access(request).can(Scope.CAMPAIGN))
        return page(
            self, request, "admin/campaigns/dialer/outcome.html", title, form=dressed(form), row=row, changes=changes,
            keeps=row is not None and row.outcome in KEPT,
        )  # fmt: skip
