"""What every admin page shares: whose rows are seen, what nobody edits, counting that never scans a large table.

A page over a million leads costs what a page over a hundred does: newest first by id, counted at most to 10,000.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.apps import apps
from django.contrib import admin, messages
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IS_POPUP_VAR, IncorrectLookupParameters
from django.contrib.admin.utils import display_for_field, get_fields_from_path, unquote
from django.contrib.admin.views.main import ERROR_FLAG
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import DateTimeField, IntegerField, Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst, smart_split, unescape_string_literal
from unfold.admin import ModelAdmin
from unfold.widgets import (
    CHECKBOX_CLASSES,
    FILE_CLASSES,
    INPUT_CLASSES,
    RADIO_CLASSES,
    SELECT_CLASSES,
    TEXTAREA_CLASSES,
)

from common.asking import chosen_action, is_question, place, question
from common.contact_access import TYPED, found_as_told, sees_contacts, told_data
from common.dates import moment

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Any]
    FormOfRow = forms.ModelForm[Any]
    AnyForm = forms.BaseForm
else:
    Base, FormOfRow, AnyForm = ModelAdmin, forms.ModelForm, object

FormT = TypeVar("FormT", bound=forms.BaseForm)
COUNTED_AT_MOST = 10_000  # rows a list counts and pages through; filters find those further down
CHOSEN_AT_MOST = 100  # rows one action takes
NUL = "The address holds a null character (%00), which no search and no filter can: take it out."


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than COUNTED_AT_MOST."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by().values("pk")[:COUNTED_AT_MOST].count())


@cache
def _at(field: DateTimeField[Any, Any], label: str = "") -> Callable[[Any], str]:
    """The column of one moment: created_at is "Created". One object a field: Django compares columns."""

    @admin.display(description=label or str(field.verbose_name).removesuffix(" at"))
    def column(row: Model) -> str:
        return moment(getattr(row, field.name)) or "-"

    column.__name__ = field.name
    return column


@cache
def _counted(field: IntegerField[Any, Any]) -> Callable[[Any], str]:
    """The column of one number: 200,000."""

    @admin.display(description=field.verbose_name)
    def column(row: Model) -> str:
        value = getattr(row, field.name)
        return "-" if value is None else f"{value:,}"

    column.__name__ = field.name
    return column


def _is_count(field: Any) -> bool:
    """A number, and neither an id nor one that stands for words."""
    is_id = field.primary_key or field.name.endswith("_id")
    return isinstance(field, IntegerField) and not is_id and not field.choices


@cache
def _named(field: Any) -> Callable[[Any], str]:
    """The row that a foreign key names, without Django's link to its page."""

    @admin.display(description=field.verbose_name)
    def column(row: Model) -> str:
        return str(getattr(row, field.name) or "-")

    column.__name__ = field.name
    return column


@cache
def _told(field: Any) -> Callable[[Any], str]:
    """What people typed into a column, as its reader may see it."""

    @admin.display(description=field.verbose_name)
    def column(row: Model) -> str:
        return str(display_for_field(told_data(getattr(row, field.name)), field, "-"))

    column.__name__ = field.name
    return column


@dataclass(frozen=True, slots=True)
class Empty:
    """What a list that is empty will hold, and the button that fills it. page: as in a URL's name, after `admin:`.

    may: who has the button, where its page asks for more than its list does.
    """

    words: str
    button: str = ""
    page: str = ""
    may: Callable[[HttpRequest], bool] | None = None

    def address(self, request: HttpRequest, site: admin.AdminSite) -> str:
        """Of that page; empty where there is none, or she may not open it."""
        if not self.page or (self.may is not None and not self.may(request)):
            return ""
        app, model, what = self.page.rsplit("_", 2)
        of = site.get_model_admin(apps.get_model(app, model))
        may = of.has_add_permission(request) if what == "add" else of.has_module_permission(request)
        return reverse(f"admin:{self.page}") if may else ""


_AUDIT = "accounts_auditevent_changelist"
# All that a list runs of Django's scripts. jQuery and its kin are of forms and of windows that pop up; they were 120 kB
# before the first paint.
_OF_LISTS = forms.Media(js=["admin/js/actions.js"])


class Titled(Base):
    """Pages are called what the side bar calls them: a list by its plural, the page of a row by what it is."""

    empty: ClassVar[Empty | None] = None
    # What other pages and the side bar lead to by a filter alone, by its query: an empty one is told in its own words.
    entries: ClassVar[Mapping[str, Empty]] = MappingProxyType({})
    lookups: ClassVar[frozenset[str]] = frozenset()  # what an address may filter by, beside the list's own filters

    def lookup_allowed(self, lookup: str, value: str, request: Any = None) -> bool:
        """By the list's filters and `lookups` alone: `?facts__phone__startswith=` would tell a hidden phone digit by
        digit. All else is a filter that cannot be read.
        """
        ours = [*self.get_list_filter(request), *([self.date_hierarchy] if self.date_hierarchy else [])]
        return lookup in self.lookups or any(lookup in _names_of(self.model, one) for one in ours)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Says so where a filter in the address cannot be read: Django drops it, and shows all rows without a word.

        A NUL, which no text of PostgreSQL holds, is refused, as the API does.
        """
        if _holds_nul(request):
            return render(request, "400.html", {"wrong": NUL}, status=400)
        title = capfirst(str(self.opts.verbose_name_plural))
        told = {"title": title} | ({} if IS_POPUP_VAR in request.GET else {"media": _OF_LISTS})
        answer: Any = super().changelist_view(request, told | (extra_context or {}))
        if getattr(answer, "template_name", "") == "admin/invalid_setup.html" and len(request.GET) > 1:
            answer = HttpResponseRedirect(f"{request.path}?{ERROR_FLAG}=1")  # where the flag stood there already
        if isinstance(answer, HttpResponseRedirect) and answer.url == f"{request.path}?{ERROR_FLAG}=1":
            asked = ", ".join(sorted(name[:50] for name in request.GET)[:10])
            self.message_user(request, f"These filters cannot be read and are ignored: {asked}", messages.ERROR)
        return answer

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """With what an empty list says to this person: its part of the page sees nothing but the list itself."""
        if _holds_nul(request):
            raise IncorrectLookupParameters
        try:
            found: Any = super().get_changelist_instance(request)
        except DisallowedModelAdminLookup as refused:  # an old bookmark is no attack, and a person wants her list
            raise IncorrectLookupParameters from refused
        found.entry = self.entries.get(request.META.get("QUERY_STRING", ""))
        found.empty = found.entry or self.empty
        found.fill = found.empty.address(request, self.admin_site) if found.empty else ""
        found.nothing_assigned = bool(request.access.only_assigned and getattr(self, "assigned", None))  # type: ignore[attr-defined]
        return found

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if context.get("original") is not None:
            context["title"] = capfirst(str(self.opts.verbose_name))
            context["history"] = history_of(self, request, context["original"])
            context["show_history"] = bool(context["history"])
        page: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return page

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The audit log, of this row: Django's own history knows what its forms have saved, and nothing of commands,
        the API and pages of our own.
        """
        row = self.get_object(request, unquote(object_id))
        if row is None:
            gone: HttpResponse = super().history_view(request, object_id)  # says so
            return gone
        address = history_of(self, request, row) if self.has_view_or_change_permission(request, row) else ""
        if not address:
            raise PermissionDenied("Your role does not let you read the audit log: ask a manager of the team.")
        return HttpResponseRedirect(address)


def _holds_nul(request: HttpRequest) -> bool:
    return any("\x00" in text for name, values in request.GET.lists() for text in (name, *values))


def history_of(model_admin: admin.ModelAdmin[Any], request: HttpRequest, row: Model) -> str:
    """The address of what was done to a row, in the audit log; empty for who may not read that."""
    log = Empty("", page=_AUDIT).address(request, model_admin.admin_site)
    return f"{log}?{urlencode({'q': row.pk, 'kind': row._meta.model_name})}" if log else ""


def _names_of(model: type[Model], one: Any) -> set[str]:
    """How an address may name a filter of a list: its own name, or a column and what Django's filters ask of it."""
    if isinstance(one, type):  # a filter of our own
        return {str(getattr(one, "parameter_name", ""))}
    path = one if isinstance(one, str) else one[0]
    target = getattr(get_fields_from_path(model, path)[-1], "target_field", None)
    ends = ["exact", "in", "isnull", "gte", "lt", "year", "month", "day"]
    ends += [f"{target.name}__exact"] if target else []
    return {path, *(f"{path}__{end}" for end in ends)}


def called(model: type[Model], name: str, plural: str) -> None:
    """What pages call a model of another package. Migrations look at what its Meta says, and are not moved by this."""
    model._meta.verbose_name, model._meta.verbose_name_plural = name, plural


class ShownBeside(AnyForm):
    """Beside a form's base. Changed is what differs from what the page showed: what a colleague, or another tab, has
    set meanwhile stays.

    What was shown stands beside each box, hidden. Of a box that it does not stand beside, changed is what differs from
    what is so now.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            hidden, beside = field.hidden_widget(), self.add_initial_prefix(name)
            left_out = self.is_bound and hidden.value_omitted_from_data(self.data, self.files, beside)
            field.show_hidden_initial = not left_out

    def changes(self) -> dict[str, Any]:
        """What was chosen that the page did not show."""
        return {name: self.cleaned_data[name] for name in self.changed_data}


class AsShown(ShownBeside, FormOfRow):
    """Of a row."""


class CommonAdmin(Titled):
    """A list that is as fast over a million rows as over a hundred, and a form that saves only what was changed."""

    form = AsShown
    paginator = CappedPaginator
    show_full_result_count = False
    list_per_page = 50
    ordering: ClassVar[Any] = ("-pk",)
    sortable_by: ClassVar[Any] = ()
    moments: ClassVar[Mapping[str, str]] = MappingProxyType({})  # what a moment's column is called here, by its name

    def get_list_display(self, request: HttpRequest) -> Any:
        return self._dated(super().get_list_display(request), closed=self._typed(request))

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return self._dated(self._shown_only(request, obj), closed=self._closed(request))

    def _shown_only(self, request: HttpRequest, obj: Model | None) -> list[Any]:
        """With what people typed, where it holds a phone or an e-mail that she may not see: saved, dots would stay."""
        hidden = [name for name in self._typed(request) if obj is not None and self._hides(getattr(obj, name))]
        return [*super().get_readonly_fields(request, obj), *hidden]

    @staticmethod
    def _hides(value: Any) -> bool:
        return bool(told_data(value) != value)

    def _typed(self, request: HttpRequest) -> dict[str, Any]:
        """The columns that people type into, for who may not see contacts: a superuser may not in other teams' rows."""
        if sees_contacts(request) and not sees_all(request):
            return {}
        typed = (field for field in self.opts.fields if field.name in TYPED and not field.choices)
        return {field.name: _told(field) for field in typed}

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """A field that is only shown is shown as the lists show it; one that can be edited stays a field."""
        shown: set[Any] = {field.name for field in self.opts.fields}
        if obj is None or self.has_change_permission(request, obj):
            shown &= set(self._shown_only(request, obj))
        sections = super().get_fieldsets(request, obj)
        closed = self._closed(request)
        return [
            (title, {**options, "fields": self._dated(options["fields"], shown, closed)}) for title, options in sections
        ]

    def _closed(self, request: HttpRequest) -> dict[str, Any]:
        """The foreign keys to rows whose pages she may not open, such as users: Django links there all the same.

        And what is typed, as `_typed`.
        """
        pages: Any = self.admin_site._registry  # noqa: SLF001
        keys = {field.name: field for field in self.opts.fields if field.related_model in pages}
        closed = {n: _named(f) for n, f in keys.items() if not pages[f.related_model].has_view_permission(request)}
        return closed | self._typed(request)

    def _dated(
        self, names: Iterable[Any], only: set[Any] | None = None, closed: Mapping[str, Any] = MappingProxyType({})
    ) -> list[Any]:
        """The same columns, with a column of our own for each moment and each number: Django's own write the year in
        every year, and large numbers without commas.
        """
        fields = (field for field in self.opts.fields if isinstance(field, DateTimeField))
        moments: dict[str, Any] = {field.name: _at(field, self.moments.get(field.name, "")) for field in fields}
        moments |= {field.name: _counted(field) for field in self.opts.fields if _is_count(field)}
        moments |= closed
        if only is not None:
            moments = {name: column for name, column in moments.items() if name in only}

        def dated(name: object) -> Any:
            if isinstance(name, list | tuple):
                return [dated(inner) for inner in name]
            return moments[name] if isinstance(name, str) and name in moments else name

        return [dated(name) for name in names]

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> tuple[Any, bool]:
        """What the search finds in texts as they are shown to this person: the list's box, and what is offered."""
        found, repeats = super().get_search_results(request, queryset, search_term)
        columns = {field.name for field in self.opts.fields} & TYPED
        names = [name.strip("^=@") for name in self.get_search_fields(request)]
        words = [unescape_string_literal(word) if word[0] in "\"'" else word for word in smart_split(search_term)]
        return found_as_told(found, [name for name in names if name in columns], words), repeats

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """A question of a list's action has an address of its own (`common.asking`)."""
        if is_question(request):
            return question(self, request)
        answer: HttpResponse = super().changelist_view(request, extra_context)
        return answer

    def save_model(
        self,
        request: HttpRequest,
        obj: Any,
        form: forms.ModelForm[Any],
        change: bool,  # Django's signature
    ) -> None:
        """Leaves the columns alone that others move while a person looks at the form: counters, pace, breaker."""
        if not change:
            super().save_model(request, obj, form, change)
            return
        moved = ["updated_at"] if any(field.name == "updated_at" for field in self.opts.fields) else []
        if form.changed_data:
            obj.save(update_fields=[*form.changed_data, *moved])


class ReadOnlyAdmin(CommonAdmin):
    """Rows that nobody makes, edits or deletes by hand: money, audit, bought facts, work under way."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class OwnedAdmin(CommonAdmin):
    """Rows of a person, whatever team she works for: staff see their own, superusers all. Nobody edits one.

    owner: the path to the user. What a team owns: `common.admin_teams`.
    """

    owner = "owner"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        return rows if sees_all(request) else rows.filter(**{self.owner: request.user})

    def _works_here(self, request: HttpRequest) -> bool:
        return request.user.is_active and request.user.is_staff

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._works_here(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._works_here(request)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def sees_all(request: HttpRequest) -> bool:
    """Whether this person may look at every team's rows."""
    return bool(request.user.is_superuser)


class ByRow(admin.SimpleListFilter):
    """`?bucket=<id>`: the rows of one parent, or of any of several. The latest few can be clicked."""

    field = ""

    def __init__(
        self, request: HttpRequest, params: dict[str, list[str]], model: type[Model], model_admin: admin.ModelAdmin[Any]
    ) -> None:
        self.given = [value for value in params.get(str(self.parameter_name), []) if value]
        super().__init__(request, params, model, model_admin)

    def parents(self, request: HttpRequest) -> Iterable[Any]:
        """The parents to choose from: a few of those this person may see."""
        return ()

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        choices = {str(parent.pk): str(parent) for parent in self.parents(request)}
        if value := self.value():
            choices.setdefault(value, "This one")
        return list(choices.items())

    def has_output(self) -> bool:
        return bool(self.lookup_choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.given:
            return queryset
        if not all(map(is_id, self.given)):
            raise IncorrectLookupParameters
        return queryset.filter(
            **{f"{self.field}__in": self.given} if len(self.given) > 1 else {self.field: self.given[0]}
        )


def is_id(text: str) -> bool:
    """Whether the text is a UUID."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def by_id(queryset: QuerySet[Any], text: str, field: str = "pk") -> QuerySet[Any]:
    """The rows with this id, by its index; all where nothing is asked, none where the text is no id."""
    text = text.strip()
    if not text:
        return queryset
    return queryset.filter(**{field: text}) if is_id(text) else queryset.none()


def link_to(row: Model | None, words: object = None) -> str | SafeString:
    """A link to a row's own page; a dash where there is none."""
    if row is None:
        return "–"
    address = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    return format_html('<a href="{}">{}</a>', address, row if words is None else words)


def list_link(model: type[Model], words: object, **filters: object) -> SafeString:
    """A link to a list, filtered."""
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    query = "&".join(f"{name}={value}" for name, value in filters.items())
    return format_html('<a href="{}?{}">{}</a>', address, query, words)


# --- Pages of our own -------------------------------------------------------------------------------------------------

_LOOKS: tuple[tuple[type[forms.Widget], Sequence[str]], ...] = (  # the first that fits
    (forms.CheckboxSelectMultiple, ()),
    (forms.RadioSelect, RADIO_CLASSES),
    (forms.CheckboxInput, CHECKBOX_CLASSES),
    (forms.Select, SELECT_CLASSES),
    (forms.FileInput, FILE_CLASSES),
    (forms.Textarea, TEXTAREA_CLASSES),
    (forms.widgets.Input, INPUT_CLASSES),
)


def dressed(form: FormT) -> FormT:
    """The same form in the theme's look, for `unfold/helpers/field.html`."""
    for bound in form:
        look = next((classes for kind, classes in _LOOKS if isinstance(bound.field.widget, kind)), ())
        bound.field.widget.attrs.setdefault("class", " ".join(look))
        if type(bound.field.widget) is forms.Select:  # with the arrow that says what it is
            bound.field.widget.template_name = "unfold/widgets/select.html"
    return form


def page(
    model_admin: admin.ModelAdmin[Any], request: HttpRequest, template: str, title: str, **context: object
) -> TemplateResponse:
    """A page of the desk that is neither a list nor a form of one row, inside the theme."""
    shared = model_admin.admin_site.each_context(request)
    return TemplateResponse(request, template, {**shared, "opts": model_admin.opts, "title": title, **context})


# --- Actions ----------------------------------------------------------------------------------------------------------


def chosen(model_admin: admin.ModelAdmin[Any], request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
    """The rows an action is for; empty, with a word to the person, where they are too many."""
    rows = list(queryset[: CHOSEN_AT_MOST + 1])
    if len(rows) > CHOSEN_AT_MOST:
        model_admin.message_user(request, f"Choose at most {CHOSEN_AT_MOST} at a time.", messages.ERROR)
        return []
    return rows


def for_each(
    model_admin: admin.ModelAdmin[Any],
    request: HttpRequest,
    rows: Iterable[Any],
    act: Callable[[Any], object],
    *,
    done: str,
    refusals: tuple[type[Exception], ...] = (),
) -> None:
    """Calls a service for each row and says how it went: what `act` returns or the row, or the words of a refusal."""
    for row in rows:
        try:
            result = act(row)
        except refusals as refusal:
            model_admin.message_user(request, f"{row}: {refusal}", messages.ERROR)
        else:
            model_admin.message_user(request, f"{done}: {row if result is None else result}", messages.SUCCESS)


def ask(
    model_admin: admin.ModelAdmin[Any],
    request: HttpRequest,
    rows: Sequence[Any],
    *,
    title: str,
    lines: Sequence[object],
    button: str,
    form: forms.Form | None = None,
    **more: object,
) -> HttpResponse:
    """The page between choosing an action and doing it. Its button posts the same action with `confirmed`.

    Asked by a POST that has not confirmed anything, it is sent to the same address by GET, where Back and a reload are
    safe (a list's action: `common.asking.asks`).
    """
    if request.method == "POST" and not form and not confirmed(request) and "action" not in request.POST:
        return HttpResponseRedirect(request.get_full_path())
    return page(
        model_admin,
        request,
        "admin/ask.html",
        title,
        lines=lines,
        button=button,
        form=form and dressed(form),
        rows=rows,
        action=chosen_action(request),
        checkbox=ACTION_CHECKBOX_NAME,
        **({"here": place(request), "back": place(request)} if is_question(request) else {}) | more,
    )


def confirmed(request: HttpRequest) -> bool:
    """Whether the person has said yes on the page of `ask`."""
    return "confirmed" in request.POST
