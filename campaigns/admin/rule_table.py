"""Rules, holidays and emergencies: everybody reads them, a superuser enters new ones. No row is edited or deleted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest

from accounts.access import Scope, access
from accounts.fresh import requires_fresh_to_change
from accounts.models import User
from accounts.selectors import user_of
from campaigns import clock
from campaigns.models import ContactRule, Emergency, RuleHoliday
from campaigns.rule_table import changing
from campaigns.rule_table.changing import BadRule
from common.admin import CommonAdmin, Empty, ShownBeside
from common.dates import clock as shown
from common.dates import day

Form = forms.ModelForm[Any] if TYPE_CHECKING else forms.ModelForm


class _Entered(Form):  # type: ignore[misc,valid-type]
    """Its service is called where a refusal can still name the field. It checks everything; the model nothing."""

    by: Any = None

    def enter(self, row: Any) -> None:
        """Calls the service. Raises BadRule."""
        raise NotImplementedError

    def _get_validation_exclusions(self) -> set[str]:
        return {field.name for field in self._meta.model._meta.fields}

    def _post_clean(self) -> None:
        super()._post_clean()
        if self.errors:
            return
        try:
            self.enter(self.instance)
        except BadRule as refusal:
            for field, words in refusal.fields.items():
                self.add_error(field if field in self.fields else None, words)


class _Table(CommonAdmin):
    """Read by all who work here; written by superusers, with a fresh proof."""

    form = _Entered
    superuser_changes: ClassVar[bool] = False

    def _reads(self, request: HttpRequest) -> bool:
        works = request.user.is_active and request.user.is_staff
        return bool(works and (request.user.is_superuser or access(request).can(Scope.READ)))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._reads(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._reads(request)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(self._reads(request) and request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return bool(self.superuser_changes and self.has_add_permission(request))

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @requires_fresh_to_change
    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return super().changeform_view(request, *args, **kwargs)

    def get_form(
        self,
        request: HttpRequest,
        obj: Any = None,
        change: bool = False,  # Django's signature
        **kwargs: Any,
    ) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        return type("EnteredForm", (form,), {"by": user_of(request)})

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """The form's service has saved it."""


def _places() -> list[tuple[str, str]]:
    return [("", "---------"), *((place, place) for place in changing.JURISDICTIONS)]


class _RuleForm(_Entered):
    jurisdiction = forms.ChoiceField(choices=_places, help_text="US, or a state")

    def enter(self, row: ContactRule) -> None:
        changing.add_rule(row, by=self.by)


class InForce(admin.SimpleListFilter):
    """Those of today, unless asked for others."""

    title = "in force"
    parameter_name = "in"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        return [("past", "Ended"), ("future", "Not yet"), ("all", "All")]

    def choices(self, changelist: Any) -> Any:
        today, *others = super().choices(changelist)
        yield {**today, "display": "Today"}
        yield from others

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        today = clock.now().date()
        if self.value() == "all":
            return queryset
        if self.value() == "past":
            return queryset.filter(until_date__lte=today)
        if self.value() == "future":
            return queryset.filter(from_date__gt=today)
        return queryset.filter(Q(until_date__isnull=True) | Q(until_date__gt=today), from_date__lte=today)


def _hours(days: str, description: str) -> Callable[[Any], str]:
    @admin.display(description=description)
    def column(rule: ContactRule) -> str:
        opens: time | None = getattr(rule, f"{days}_open")
        closes: time | None = getattr(rule, f"{days}_close")
        return f"{shown(opens)}–{shown(closes)}" if opens and closes else "Closed"

    column.__name__ = days
    return column


@admin.display(description="from", ordering="from_date")
def _from(rule: ContactRule) -> str:
    return day(rule.from_date)


@admin.display(description="until before")
def _until(rule: ContactRule) -> str:
    return day(rule.until_date) or "–"


@admin.display(description="checked")
def _checked(rule: ContactRule) -> str:
    return day(rule.checked_on)


@admin.display(description="attempts in 24 hours")
def _cap(rule: ContactRule) -> str:
    return "–" if rule.cap_24h is None else str(rule.cap_24h)


@admin.display(description="entered by")
def _entered(row: Any) -> str:
    """Shown on a row's page alone: a query a row."""
    if row.by_id is None:
        return "Came with the product"
    return User.objects.filter(pk=row.by_id).values_list("username", flat=True).first() or "Somebody who has left"


@admin.register(ContactRule)
class ContactRuleAdmin(_Table):
    """The table by state: hours, closed days, caps, with source and confidence."""

    empty = Empty(
        "Rules list when each state lets owners be contacted. None is loaded: run migrate.", "States",
        "campaigns_stateanswer_changelist",
    )  # fmt: skip
    form = _RuleForm
    ordering = ("jurisdiction", "channel", "from_date")
    list_per_page = 100
    list_display = (
        "jurisdiction", "channel", _hours("weekdays", "Monday–Friday"), _hours("saturday", "Saturday"),
        _hours("sunday", "Sunday"), "holidays", _cap, "cold", _from, _until, "confidence", "source", _checked,
    )  # fmt: skip
    list_filter = (InForce, "jurisdiction", "confidence")
    add_fields = (
        "jurisdiction", "channel", ("weekdays_open", "weekdays_close"), ("saturday_open", "saturday_close"),
        ("sunday_open", "sunday_close"), "clock", "holidays", "cap_24h", "gap_minutes", "cold", "from_date", "source",
        "confidence", "note", "reason",
    )  # fmt: skip
    shown_fields = (
        "jurisdiction", "channel", _hours("weekdays", "Monday–Friday"), _hours("saturday", "Saturday"),
        _hours("sunday", "Sunday"), "clock", "holidays", _cap, "gap_minutes", "cold", _from, _until, "source",
        "confidence", _checked, "note", "reason", _entered,
    )  # fmt: skip

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.add_fields if obj is None else self.shown_fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else self.shown_fields


class _HolidayForm(_Entered):
    jurisdiction = forms.ChoiceField(choices=_places, help_text="US, or a state")

    def enter(self, row: RuleHoliday) -> None:
        saved = changing.add_holiday(row.jurisdiction, row.date, row.name, row.source, by=self.by)
        row.pk = saved.pk


@admin.register(RuleHoliday)
class RuleHolidayAdmin(_Table):
    """Days on which states are closed that close on holidays."""

    empty = Empty("Holidays list the days on which some states are closed.", "Add holiday", "campaigns_ruleholiday_add")
    form = _HolidayForm
    ordering = ("date", "jurisdiction")
    list_display = ("on", "jurisdiction", "name", "source")
    list_filter = ("jurisdiction",)
    fields = ("jurisdiction", "date", "name", "source")

    @admin.display(description="day")
    def on(self, row: RuleHoliday) -> str:
        return day(row.date)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields if obj is None else ("jurisdiction", "on", "name", "source")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else ("jurisdiction", "on", "name", "source")


class _EmergencyForm(_Entered):
    jurisdiction = forms.ChoiceField(choices=_places, help_text="US, or a state")

    def enter(self, row: Emergency) -> None:
        saved = changing.declare_emergency(
            row.jurisdiction, row.from_at, row.until_at, row.reason, row.source, by=self.by
        )
        row.pk, row.by_id, row.created_at = saved.pk, saved.by_id, saved.created_at


class _EndForm(ShownBeside, _Entered):
    """Its end alone: now or later. Rules and holidays are never changed, only added."""

    def enter(self, row: Emergency) -> None:
        if row.until_at is None:
            raise BadRule(until_at="Enter when it ends.")
        if "until_at" in self.changed_data:  # else what a colleague has set since the page was drawn stays
            changing.end_emergency(row, row.until_at, by=self.by)


@admin.register(Emergency)
class EmergencyAdmin(_Table):
    """States in which nobody may be contacted for the moment."""

    empty = Empty(
        "Emergencies list the states in which nobody may be contacted for the moment.", "Add emergency",
        "campaigns_emergency_add",
    )  # fmt: skip
    superuser_changes = True
    list_display = ("jurisdiction", "from_at", "until_at", "reason", "source")
    list_filter = ("jurisdiction",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        entered = ("jurisdiction", "from_at", "until_at", "reason", "source")
        return entered if obj is None else (*entered, _entered)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ()
        closed = super().get_readonly_fields(request, obj)
        return (*closed, "jurisdiction", "from_at", "reason", "source", _entered)

    def get_form(
        self,
        request: HttpRequest,
        obj: Any = None,
        change: bool = False,  # Django's signature
        **kwargs: Any,
    ) -> Any:
        return super().get_form(request, obj, change, **{"form": _EndForm if obj else _EmergencyForm, **kwargs})
