"""The forms of a lead's page that every lead has: a change of status with a note, and a tag."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.db import transaction

from accounts.models import User
from leads.admin.stages import stage_choices
from leads.models import Activity, Lead
from leads.pipeline.moving import BadStage, move_lead, stage_at
from leads.rules import BadTime
from leads.services import add_activity

_KINDS = [choice for choice in Activity.Kind.choices if choice[0] != Activity.Kind.STATUS]


class _OwnTimeField(forms.CharField):
    """Date and time by the clock of the user who types them, which the service knows."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"})

    def to_python(self, value: object) -> Any:
        text = super().to_python(value)
        try:
            return datetime.fromisoformat(text) if text else None
        except ValueError:
            raise forms.ValidationError("Enter a date and a time, such as 2027-01-30 14:30.") from None


class WorkForm(forms.Form):
    """A change of status, a note, or both. `was` and `seen` say what the page showed when the person decided."""

    status = forms.ChoiceField(choices=Lead.Status.choices)  # of a lead with the team's labels under each
    kind = forms.ChoiceField(choices=_KINDS, label="Activity type", initial=Activity.Kind.NOTE)
    due_at = _OwnTimeField(required=False, label="Call back at")
    text = forms.CharField(
        max_length=2000,
        required=False,
        label="Notes",
        widget=forms.Textarea(attrs={"rows": 3, "data-send-with": "ctrl-enter", "data-key": "n"}),
        help_text="Ctrl and Enter save it.",
    )
    was = forms.CharField(widget=forms.HiddenInput, max_length=60)
    seen = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    def __init__(self, *args: Any, lead: Lead | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if lead is not None:
            status: Any = self.fields["status"]
            status.choices = stage_choices(lead.team_id, lead)

    def clean(self) -> dict[str, Any]:
        """Something must have been chosen or written."""
        data: dict[str, Any] = {**self.cleaned_data}
        if data.get("kind") == Activity.Kind.CALLBACK and "due_at" in data and not data["due_at"]:
            self.add_error("due_at", "Enter when to call back.")
        if not self.errors and not self._notes(data) and data["status"] == data["was"]:
            raise forms.ValidationError("Change the status, or write a note.")
        return data

    def _notes(self, data: dict[str, Any]) -> bool:
        return bool(data["text"] or data["due_at"] or data["kind"] != Activity.Kind.NOTE)

    def carry_out(self, lead: Lead, by: User) -> None:
        """Somebody else may have moved the lead meanwhile: only a status that was chosen here is set."""
        data = self.cleaned_data
        with transaction.atomic():
            if data["status"] != data["was"]:
                move_lead(lead.pk, by=by, to=stage_at(data["status"], lead.team_id))
            if self._notes(data):  # last: a second press must find it as the latest
                add_activity(
                    lead=lead, by=by, kind=data["kind"], text=data["text"], due_at=data["due_at"], seen=data["seen"]
                )

    def is_done(self, lead: Lead, by: User) -> bool:
        """Carries it out if it can be; what is wrong stands in the form."""
        try:
            if self.is_valid():
                self.carry_out(lead, by)
        except BadTime as error:
            self.add_error("due_at", str(error))
        except BadStage as error:
            self.add_error("status", str(error))
        return self.is_valid()


class TagForm(forms.Form):
    tag = forms.CharField(max_length=50, label="New tag")
