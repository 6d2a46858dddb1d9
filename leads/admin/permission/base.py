"""What the pages about permission share."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Model
from django.http import HttpRequest

from accounts.access import access
from common.admin import ReadOnlyAdmin


class OpenToTeams(ReadOnlyAdmin):
    """Pages for everybody who is in a team, callers too."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        user = request.user
        return bool(user.is_active and user.is_staff and (access(request).team_id is not None or user.is_superuser))

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.has_module_permission(request) and access(request).team_id is not None


class ContactForm(forms.Form):
    """A phone or an e-mail."""

    phone = forms.CharField(required=False, max_length=40, label="Phone")
    email = forms.CharField(required=False, max_length=254, label="or e-mail")


def refuse_in(form: forms.Form, error: Any) -> None:
    """A service's refusal beside the field it names."""
    name = {"givenAt": "given_at", "sourceUrl": "source_url", "type": "kind"}.get(error.field, error.field)
    form.add_error(name if name in form.fields else None, error.message)
