"""What rooms above add to the admin pages of a model below them: registered in `apps.ready()`, read at each request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from unfold.admin import ModelAdmin

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Any]
else:
    Base = ModelAdmin

Action = Callable[[Any, HttpRequest, QuerySet[Any]], HttpResponse | None]


@dataclass(frozen=True, slots=True)
class Done:
    """What a form on a row's page came to. words: what was done. trouble: why nothing was: the page stands again with
    what was typed. goes_on: the next row of the list that the page was opened from may follow.
    """

    words: str = ""
    trouble: str = ""
    goes_on: bool = False


Act = Callable[[Any, HttpRequest, Any], Done | HttpResponse]  # of the row's admin, the request, the row


@dataclass(frozen=True, slots=True)
class Extension:
    """What one room adds.

    first, last: actions before and after the model's own. urls: pages behind the row's, by its admin. context: what
    the row's page shows, by request and row. columns: read only, in the list and on the page; rows: the queryset with
    what they need. saved: called after a person has saved a row, with the names of the fields that were changed. acts:
    what forms on the row's page post, by `do`; each asks for the role it needs.
    """

    first: Sequence[Action] = ()
    last: Sequence[Action] = ()
    urls: Callable[[Any], list[URLPattern]] | None = None
    context: Callable[[HttpRequest, Any], dict[str, Any]] | None = None
    columns: Sequence[Callable[[Any], Any]] = ()
    rows: Callable[[QuerySet[Any]], QuerySet[Any]] | None = None
    saved: Callable[[Any, Sequence[str]], None] | None = None
    acts: Mapping[str, Act] = field(default_factory=dict)


_EXTENSIONS: dict[type[Model], list[Extension]] = {}


def extend(model: type[Model], extension: Extension) -> None:
    """Registers what a room adds to the admin pages of `model`, which must be `Extensible`."""
    _EXTENSIONS.setdefault(model, []).append(extension)


class Extensible(Base):
    """An admin whose pages rooms above may add to."""

    @property
    def extensions(self) -> list[Extension]:
        return _EXTENSIONS.get(self.model, [])

    @property
    def added_columns(self) -> list[Any]:
        return [column for one in self.extensions for column in one.columns]

    @property
    def added_acts(self) -> dict[str, Act]:
        return {name: act for one in self.extensions for name, act in one.acts.items()}

    def added_context(self, request: HttpRequest, row: Model) -> dict[str, Any]:
        """What the rooms above show on this row's page."""
        shown: dict[str, Any] = {}
        for one in self.extensions:
            shown |= one.context(request, row) if one.context else {}
        return shown

    def get_urls(self) -> Any:
        return [*(url for one in self.extensions if one.urls for url in one.urls(self)), *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        for one in self.extensions:
            rows = one.rows(rows) if one.rows else rows
        return rows

    def get_list_display(self, request: HttpRequest) -> Any:
        return [*super().get_list_display(request), *self.added_columns]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return [*super().get_readonly_fields(request, obj), *self.added_columns]

    def _get_base_actions(self) -> Any:
        first = [self.get_action(action) for one in self.extensions for action in one.first]
        last = [self.get_action(action) for one in self.extensions for action in one.last]
        return [*first, *super()._get_base_actions(), *last]  # type: ignore[misc]  # the stubs leave it out

    def save_related(
        self,
        request: HttpRequest,
        form: forms.ModelForm[Any],
        formsets: Iterable[forms.BaseModelFormSet[Any, Any]],
        change: bool,  # Django's signature
    ) -> None:
        super().save_related(request, form, formsets, change)
        for one in self.extensions:
            if one.saved:
                one.saved(form.instance, form.changed_data)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if context.get("original") is not None:
            context |= self.added_context(request, context["original"])
        return super().render_change_form(request, context, *args, **kwargs)
