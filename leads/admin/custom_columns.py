"""A team's custom fields in the list of leads: as columns, and as filters beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from accounts.access import access
from common.contact_access import told
from leads.admin.columns import Column, add_columns
from leads.admin.custom_card import shown_value
from leads.admin.filters import YES_NO, box, day_box, fields_of_list, number_box, select
from leads.fields.cells import PREFIX
from leads.fields.filtering import custom_filter
from leads.models import CustomField, Lead

Kind = CustomField.Kind
GROUP = "Custom fields"


def column_of(field: CustomField) -> Callable[[Lead], str]:
    """A column of the list. Phones and e-mails that people typed stand behind dots, as in every other column."""

    @admin.display(description=str(field))
    def column(lead: Lead) -> str:
        value = (lead.custom or {}).get(field.key)
        return "–" if value is None else shown_value(field, value, told=False)

    column.__name__ = f"custom_{field.key}"
    return column


def columns_of(request: HttpRequest) -> list[Column]:
    """A column for each field that is offered, which sorts by it."""
    named = ((f"{PREFIX}{one.key}", one) for one in fields_of_list(request))
    return [Column(name, str(one), column_of(one), name, is_number=one.kind == Kind.NUMBER) for name, one in named]


def keys_asked(request: HttpRequest) -> list[str]:
    """The columns of the fields that the list is filtered by."""
    asked = (name.removeprefix(PREFIX).partition(".")[0] for name in request.GET if name.startswith(PREFIX))
    return [f"{PREFIX}{key}" for key in asked]


add_columns(columns_of)


def filters_of(request: HttpRequest) -> list[Any]:
    """A filter or two for each field that is offered, and those that the address asks for besides."""
    offered = {str(one.parameter_name): one for field in fields_of_list(request) for one in _filters(field)}
    team_id = access(request).team_id
    for name in request.GET:
        if name.startswith(PREFIX) and name not in offered and (asked := custom_filter(name, team_id)):
            offered[name] = box(name, str(told(asked.label)))
    for one in offered.values():
        one.group = GROUP
    return list(offered.values())


def is_filter(request: HttpRequest, name: str) -> bool:
    """Whether the list of this team's leads may be filtered so."""
    if not name.startswith(PREFIX):
        return False
    return any(one.parameter_name == name for one in filters_of(request))


def _filters(field: CustomField) -> list[Any]:
    name, label = f"{PREFIX}{field.key}", str(field)
    if field.kind == Kind.CHOICE:
        return [select(name, label, [(one, one) for one in field.choices if told(one) == one])]
    if field.kind == Kind.YES_NO:
        return [select(name, label, YES_NO)]
    if field.kind == Kind.NUMBER:
        return [number_box(f"{name}.min", f"{label} from"), number_box(f"{name}.max", f"{label} to")]
    if field.kind == Kind.DATE:
        return [day_box(f"{name}.from", f"{label} on or after"), day_box(f"{name}.before", f"{label} before")]
    return [box(f"{name}.contains", f"{label} contains")]
