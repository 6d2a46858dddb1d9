"""The settings of a team's own lists: status labels and custom fields. Managers change them; nothing is deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.html import format_html

from accounts.access import Access, Scope, access
from common.admin import Empty, ask, confirmed, dressed, is_id, page
from common.admin_teams import TeamAdmin, refuse
from common.contact_access import told
from leads.fields import definitions
from leads.models import CustomField, Lead, StatusLabel
from leads.pipeline import labels
from leads.pipeline.lists import Refused

Deed = Callable[[Access, UUID], Any]


class _OwnForm(forms.Form):
    def refuse(self, error: Refused) -> None:
        """Beside the field that it names."""
        self.add_error(error.field if error.field in self.fields else None, str(error))

    def values(self) -> dict[str, Any]:
        """What the service takes."""
        given = {**self.cleaned_data}
        if given.get("position") is None:
            given.pop("position", None)
        else:
            given["position"] -= 1
        return given


def _place() -> forms.IntegerField:
    return forms.IntegerField(
        label="Place", required=False, min_value=1, max_value=1000, help_text="1 is the first; empty: as it is, or last"
    )


class LabelForm(_OwnForm):
    name = forms.CharField(max_length=labels.NAME_MAX)
    status = forms.ChoiceField(
        choices=Lead.Status.choices, help_text="Rules, campaigns and reports read this. It cannot be changed later."
    )
    color = forms.RegexField(
        r"^#[0-9a-fA-F]{6}\Z", initial=labels.DEFAULT_COLOR, widget=forms.TextInput(attrs={"type": "color"}),
        error_messages={"invalid": "Choose a color."},
    )  # fmt: skip
    position = _place()

    def __init__(self, data: Any = None, *, row: StatusLabel | None = None) -> None:
        known = {"name": row.name, "status": row.status, "color": row.color} if row else {}
        super().__init__(data, initial=known)
        if row is not None:
            self.fields["status"].disabled = True
            self.initial["position"] = row.position + 1


class FieldForm(_OwnForm):
    name = forms.CharField(max_length=definitions.NAME_MAX)
    kind = forms.ChoiceField(
        choices=CustomField.Kind.choices, label="What it holds", help_text="It cannot be changed later."
    )
    choices = forms.CharField(
        required=False, widget=forms.Textarea(attrs={"rows": 6}), help_text="Of a choice: one a line", max_length=10_000
    )
    position = _place()

    def __init__(self, data: Any = None, *, row: CustomField | None = None) -> None:
        known = {"name": row.name, "kind": row.kind, "choices": "\n".join(row.choices)} if row else {}
        super().__init__(data, initial=known)
        if row is not None:
            self.fields["kind"].disabled = True
            self.initial["position"] = row.position + 1
            if row.kind != CustomField.Kind.CHOICE:
                del self.fields["choices"]

    def values(self) -> dict[str, Any]:
        """With the choices as a list."""
        given = super().values()
        if "choices" in given:
            given["choices"] = [line for text in given["choices"].splitlines() if (line := text.strip())]
        return given


class _OwnAdmin(TeamAdmin):
    """Rows that are made and changed by services. A caller reads what she works with on leads, not here."""

    form_class: ClassVar[Any] = None
    noun: ClassVar[str] = ""
    make: ClassVar[Callable[[Access, Any], Any]]
    edit: ClassVar[Callable[[Access, UUID, Any], Any]]
    retire_row: ClassVar[Deed]
    restore_row: ClassVar[Deed]
    retired_words: ClassVar[str] = ""
    search_fields = ("name",)

    def _manages(self, request: HttpRequest) -> bool:
        return self._works_here(request) and access(request).can(Scope.MANAGE)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._manages(request)

    def _name(self, what: str) -> str:
        return f"leads_{self.opts.model_name}_{what}"

    def get_urls(self) -> Any:
        inside: Any = self.admin_site.admin_view
        return [
            path("<uuid:row_id>/retire/", inside(self.retire), name=self._name("retire")),
            path("<uuid:row_id>/restore/", inside(self.restore), name=self._name("restore")),
            *super().get_urls(),
        ]

    @admin.display(description="place")
    def place(self, row: Any) -> str:
        return "–" if row.retired_at else str(row.position + 1)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise refuse(Scope.MANAGE)
        form = self.form_class(request.POST if request.method == "POST" else None)
        if form.is_valid():
            try:
                made = type(self).make(access(request), form.values())
            except Refused as error:
                form.refuse(error)
            else:
                return self._back(request, f"Saved: {made}")
        return self._page(request, form, f"Add {self.noun}")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = self._row(request, object_id)
        if request.method == "POST":
            self._check(request, row)
        form = self.form_class(request.POST if request.method == "POST" else None, row=row)
        if form.is_valid():
            given = {name: value for name, value in form.values().items() if not form.fields[name].disabled}
            try:
                type(self).edit(access(request), row.pk, given)
            except Refused as error:
                form.refuse(error)
            else:
                return self._back(request, f"Saved: {told(form.cleaned_data['name'])}")
        return self._page(request, form, str(row), row=row)

    def retire(self, request: HttpRequest, row_id: UUID) -> HttpResponse:
        """Asked once more: everybody's pages change."""
        row = self._row(request, row_id)
        self._check(request, row)
        if confirmed(request):
            return self._done(request, row, type(self).retire_row, f"Retired: {row}")
        back = reverse(f"admin:{self._name('change')}", args=[row.pk])
        title = f"Retire {row}?"
        return ask(self, request, [], title=title, lines=[self.retired_words], button="Retire", back=back, is_free=True)

    def restore(self, request: HttpRequest, row_id: UUID) -> HttpResponse:
        row = self._row(request, row_id)
        self._check(request, row)
        if confirmed(request):
            return self._done(request, row, type(self).restore_row, f"Offered again: {row}")
        back = reverse(f"admin:{self._name('change')}", args=[row.pk])
        lines = ["It is offered again, with what leads hold of it."]
        return ask(self, request, [], title=f"Offer {row} again?", lines=lines, button="Offer again", back=back,
                   is_free=True)  # fmt: skip

    def _done(self, request: HttpRequest, row: Any, deed: Deed, words: str) -> HttpResponse:
        try:
            deed(access(request), row.pk)
        except Refused as error:
            self.message_user(request, str(error), messages.ERROR)
            return redirect(f"admin:{self._name('change')}", row.pk)
        return self._back(request, words)

    def _row(self, request: HttpRequest, row_id: UUID | str) -> Any:
        found = self.get_queryset(request).filter(pk=row_id).first() if is_id(str(row_id)) else None
        if found is None:
            raise Http404(f"There is no such {self.noun}.")
        return found

    @staticmethod
    def _check(request: HttpRequest, row: Any) -> None:
        if row.team_id != access(request).team_id or not access(request).can(Scope.MANAGE):
            raise refuse(Scope.MANAGE)

    def _back(self, request: HttpRequest, words: str) -> HttpResponse:
        self.message_user(request, words, messages.SUCCESS)
        return redirect(f"admin:{self._name('changelist')}")

    def _page(self, request: HttpRequest, form: Any, title: str, *, row: Any = None) -> HttpResponse:
        changes = row is None or (row.team_id == access(request).team_id and access(request).can(Scope.MANAGE))
        names = {what: f"admin:{self._name(what)}" for what in ("changelist", "retire", "restore")}
        return page(
            self, request, "admin/leads/own_list.html", title, form=dressed(form), row=row, changes=changes, names=names
        )


@admin.register(StatusLabel)
class StatusLabelAdmin(_OwnAdmin):
    """What a team calls leads that have come so far, under one of the five statuses."""

    empty = Empty(
        "Status labels are your team’s own words under the five statuses, such as “Warm” under Contacted.",
        "Add status label",
        "leads_statuslabel_add",
    )
    form_class, noun = LabelForm, "status label"
    make, edit = labels.make_label, labels.change_label
    retire_row, restore_row = labels.retire_label, labels.restore_label
    retired_words = "It is offered no more. Leads that have it still say it, and keep their status."
    list_display = ("shown_name", "shown_status", "place", "retired_at")
    ordering = ("retired_at", "status", "position", "pk")

    @admin.display(description="name")
    def shown_name(self, row: StatusLabel) -> str:
        return format_html('<span class="desk-dot" style="background: {}" aria-hidden="true"></span>{}', row.color, row)

    @admin.display(description="under")
    def shown_status(self, row: StatusLabel) -> str:
        return str(Lead.Status(row.status).label)


@admin.register(CustomField)
class CustomFieldAdmin(_OwnAdmin):
    """What else a team keeps of its leads."""

    empty = Empty(
        "Custom fields hold what your team wants to know of a lead, such as an asking price or a closing date.",
        "Add custom field",
        "leads_customfield_add",
    )
    form_class, noun = FieldForm, "custom field"
    make, edit = definitions.make_field, definitions.change_field
    retire_row, restore_row = definitions.retire_field, definitions.restore_field
    retired_words = "It is offered no more. What leads hold of it stays, and comes back when you offer it again."
    list_display = ("name", "kind", "key", "place", "retired_at")
    ordering = ("retired_at", "position", "pk")
