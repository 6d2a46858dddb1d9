"""The card of a lead's page with the team's custom fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpRequest

from accounts.access import Scope, access
from accounts.models import User
from common.admin import dressed
from common.contact_access import masked_text
from leads.fields.definitions import fields_of
from leads.fields.setting import BadValues, set_fields
from leads.fields.values import day_of, shown
from leads.models import CustomField, Lead

_PREFIX = "custom_"
Kind = CustomField.Kind


class CustomForm(forms.Form):
    """A box for each field that is offered. Only what differs from what the page showed is set: a colleague's word of
    meanwhile stays.
    """

    def __init__(self, fields: Sequence[CustomField], lead: Lead, data: Any = None) -> None:
        super().__init__(data, auto_id="custom_%s")
        self.own, self.lead = fields, lead
        held = lead.custom or {}
        for one in fields:
            self.fields[f"{_PREFIX}{one.key}"] = _box(one, held.get(one.key))
            self.initial[f"{_PREFIX}{one.key}"] = _text(held.get(one.key))

    def changes(self) -> dict[str, Any]:
        """What was typed of the fields that are there in the post, where it is not what the lead holds."""
        held = {f"{_PREFIX}{one.key}": _text((self.lead.custom or {}).get(one.key)) for one in self.own}
        typed = {name: self.cleaned_data[name] for name in self.changed_data if name in self.data}
        return {name.removeprefix(_PREFIX): text for name, text in typed.items() if text != held[name]}

    def save(self, by: User) -> bool:
        """Sets what was changed; what is wrong stands beside its box."""
        if not self.is_valid():
            return False
        try:
            set_fields(lead=self.lead, by=by, said=self.changes())
        except BadValues as error:
            for key, words in error.errors.items():
                self.add_error(f"{_PREFIX}{key}" if f"{_PREFIX}{key}" in self.fields else None, words)
            return False
        return True


def _text(value: Any) -> str:
    """As a box has it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _box(one: CustomField, value: Any) -> forms.Field:
    said: dict[str, Any] = {"label": str(one), "required": False, "show_hidden_initial": True}
    if one.kind == Kind.YES_NO:
        return forms.ChoiceField(**said, choices=[("", "–"), ("yes", "Yes"), ("no", "No")])
    if one.kind == Kind.CHOICE:
        gone = [value] if isinstance(value, str) and value not in one.choices else []
        choices = [("", "–"), *((choice, choice) for choice in [*one.choices, *gone])]
        return forms.ChoiceField(**said, choices=choices)
    kinds = {Kind.DATE: {"type": "date"}, Kind.NUMBER: {"inputmode": "decimal"}}
    attributes = kinds.get(Kind(one.kind), {})
    return forms.CharField(**said, max_length=2000, widget=forms.TextInput(attrs=attributes))


@dataclass(frozen=True, slots=True)
class Card:
    """form: for who may change the lead. rows: what is shown beside, or instead: (name, value). hides: to be changed it
    must be shown first.
    """

    form: CustomForm | None
    rows: list[tuple[str, str]]
    may_define: bool
    hides: bool


def form_of(lead: Lead, data: Any = None) -> CustomForm:
    return CustomForm(fields_of(lead.team_id), lead, data)


def card_of(request: HttpRequest, lead: Lead, form: CustomForm | None = None, *, shown_contacts: bool) -> Card | None:
    """None: another team looks at the lead. While its contacts are hidden no box has one of them in it: saved, the dots
    would stay.
    """
    person = access(request)
    if person.team_id != lead.team_id:
        return None
    fields = fields_of(lead.team_id, retired=True)
    offered, held = [one for one in fields if one.retired_at is None], lead.custom or {}
    may_edit = person.can(Scope.WRITE) and (shown_contacts or form is not None or not _hides(held))
    by_key = {one.key: one for one in fields if one.retired_at is not None or not may_edit}
    rows = [(str(one), shown_value(one, held[key], told=shown_contacts)) for key, one in by_key.items() if key in held]
    form = dressed(form or CustomForm(offered, lead)) if may_edit and offered else None
    hides = not may_edit and person.can(Scope.WRITE) and person.can(Scope.CONTACTS)
    return Card(form, rows, person.can(Scope.MANAGE), hides)


def _hides(held: dict[str, Any]) -> bool:
    return any(isinstance(value, str) and masked_text(value) != value for value in held.values())


def shown_value(one: CustomField, value: Any, *, told: bool) -> str:
    """told: with the phones and e-mails in it."""
    text = shown(one.kind, value)
    if one.kind == Kind.DATE and (day := day_of(value)):
        text = f"{day:%b} {day.day}, {day.year}"
    return text if told else masked_text(text)
