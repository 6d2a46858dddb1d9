"""Vendors and what they sell: state, switch, cap, price, pace, errors, a test of the key, and who changed what."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, Q, QuerySet
from django.forms.formsets import BaseFormSet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils import timezone
from django.views.decorators.http import require_POST
from unfold.admin import TabularInline

from accounts.fresh import requires_fresh
from accounts.selectors import user_of
from common.admin import AsShown, CommonAdmin, Empty, ask, chosen, confirmed, for_each
from common.admin_teams import may_write, operates
from common.db.clock import database_now
from common.values.percent import percent
from integrations.admin.bill_forms import BillForm, ReplaceForm, packed
from integrations.ledger import scopes
from integrations.locks import lock_operations_of
from integrations.models import Operation, Vendor
from integrations.operating import bills, books, vendors
from integrations.operating.needs import budget_used
from integrations.operating.vendors import trouble

if TYPE_CHECKING:
    Inline = admin.TabularInline[Operation, Vendor]
    Operations = forms.BaseInlineFormSet[Operation, Vendor, AsShown]

    class WithToday(Vendor):
        """As `VendorAdmin.get_queryset` reads them."""

        used_today: Decimal

else:
    Inline = TabularInline

SETTINGS = ("pace", "price", "batch", "fresh_days")
CHANGES_SHOWN = 20


class PauseForm(forms.Form):
    """Why nothing is to be bought."""

    reason = forms.CharField(max_length=200, help_text="Everybody whose enrichment job waits for this vendor sees it")


def _now(operation: Operation, key: str) -> str:
    """What holds at this moment, whether the row or the environment says it."""
    return f"{operation.setting(key)}" if operation.name in settings.OPERATIONS else "–"


class OperationForm(AsShown):
    """Every field is labelled with its operation: a person who listens to the page has no column heading."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["aria-label"] = f"{self.instance.name}: {field.label}"


class OperationInline(Inline):
    """Price, pace, batch and freshness on their vendor's page; an empty field leaves it to the environment."""

    model = Operation
    form = OperationForm
    fields = ("name", *SETTINGS, "in_force")
    readonly_fields = ("name", "in_force")
    verbose_name_plural = "Prices and pace"
    hide_title = True
    can_delete = False
    extra = 0
    max_num = 0

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return operates(request) or super().has_view_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return operates(request) or super().has_change_permission(request, obj)

    @admin.display(description="now in effect")
    def in_force(self, operation: Operation) -> str:
        pace, price, batch, fresh = (_now(operation, key) for key in SETTINGS)
        return f"{pace} a minute, ${price} a unit, {batch} a request, reused for {fresh} days"


class ToldAdmin(CommonAdmin):
    """Operators', and theirs whom Django's permissions let in.

    Its history says what each value was and what it became, by whom and when: Django's log keeps our words.
    """

    def has_module_permission(self, request: HttpRequest) -> bool:
        return operates(request) or super().has_module_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Vendor | Operation | None = None) -> bool:
        return operates(request) or super().has_view_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Vendor | Operation | None = None) -> bool:
        return operates(request) or super().has_change_permission(request, obj)

    @requires_fresh
    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return super().changeform_view(request, *args, **kwargs)

    def construct_change_message(
        self, _request: HttpRequest, form: forms.Form, formsets: Iterable[BaseFormSet[Any]], _add: object = None
    ) -> Any:
        words = _changes(form)
        for formset in formsets or ():
            words += [f"{inline.instance.name} {change}" for inline in formset.forms for change in _changes(inline)]
        return "; ".join(words)

    def log_change(self, request: HttpRequest, obj: Vendor | Operation, message: str) -> Any:
        """Saving without a change is no event."""
        return super().log_change(request, obj, message) if message else None


def _changes(form: forms.Form) -> list[str]:
    return [
        f"{name.replace('_', ' ')}: {_value(form.initial.get(name))} → {_value(form.cleaned_data[name])}"
        for name in form.changed_data
        if name in form.cleaned_data
    ]


def _audit(request: HttpRequest, row: Vendor | Operation, form: forms.ModelForm[Any]) -> None:
    """What a form has changed, for the audit."""
    names = [name for name in form.changed_data if name in form.cleaned_data]
    if names:
        before = {name: form.initial.get(name) for name in names}
        after = {name: form.cleaned_data[name] for name in names}
        vendors.fields_were_set(row, by=user_of(request), before=before, after=after)


def _value(value: object) -> str:
    return "default" if value is None else str(value)


@admin.register(Vendor)
class VendorAdmin(ToldAdmin):
    """The operator's switch, caps and prices, a test of the key, and the way back after a pause."""

    empty = Empty(
        "Vendors sell property data, contacts, texts and calls. Each stands here once it is asked for something.",
        "Find properties",
        "buckets_bucket_find",
        may_write,
    )
    list_display = ("title", "state", "key", "cap_a_day", "today", "last_error", "last_error_at")
    fields = ("daily_cap", "server_error_policy")
    radio_fields: ClassVar[Any] = {"server_error_policy": admin.VERTICAL}
    inlines = (OperationInline,)
    ordering: ClassVar[Any] = ("name",)
    actions = ("reset",)
    change_form_template = "admin/integrations/vendor/change_form.html"

    def has_add_permission(self, _request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Vendor | Operation | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        now = timezone.now()
        today = budget_used(scopes.in_sql(lambda name: scopes.vendor_day(name, now), OuterRef("pk")))
        rows: QuerySet[Any] = super().get_queryset(request).annotate(used_today=today)
        return rows

    # --- The list -------------------------------------------------------------------------------------------------

    @admin.display(description="name", ordering="name")
    def title(self, vendor: Vendor) -> str:
        return str(vendor)

    @admin.display(description="state")
    def state(self, vendor: Vendor) -> str:
        now = timezone.now()
        words = trouble(vendor, now)
        if words and (not vendor.enabled or vendor.paused_reason):
            return f"Paused: {words}"
        return f"Failing: {words}" if vendors.is_failing(vendor, now) else words or "Available"

    @admin.display(description="key")
    def key(self, vendor: Vendor) -> str:
        return "set" if settings.VENDORS.get(vendor.name, {}).get("key", "").strip() else "not set"

    @admin.display(description="daily spending limit")
    def cap_a_day(self, vendor: Vendor) -> str:
        return f"${vendor.cap:.2f}" if vendor.name in settings.VENDOR_DAILY_CAP else "–"

    @admin.display(description="spent today")
    def today(self, vendor: WithToday) -> str:
        return f"${vendor.used_today:.2f}"

    @admin.action(description="Try again (lifts the pause and the breaker)", permissions=["change"])
    def reset(self, request: HttpRequest, queryset: QuerySet[Vendor]) -> None:
        def act(vendor: Vendor) -> None:
            vendors.close_breaker(vendor=vendor, by=user_of(request))

        rows = chosen(self, request, queryset)
        for_each(self, request, rows, act, done="Available again", refusals=(vendors.BillingCheck,))

    # --- A vendor's page ------------------------------------------------------------------------------------------

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        vendor = kwargs.get("obj")
        if vendor is not None:
            context.update(_facts(vendor), key=self.key(vendor), may_act=self.has_change_permission(request, vendor))
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Vendor, form: forms.ModelForm[Vendor], change: Any) -> None:
        lock_operations_of(obj.pk)  # before the vendor's row: docs/locks.md
        super().save_model(request, obj, form, change)
        _audit(request, obj, form)

    def save_formset(  # type: ignore[override]  # Django gives the first three by position
        self, request: HttpRequest, _form: object, formset: Operations, **_: object
    ) -> None:
        """Only what was changed: an operation's row is the limiter, and moves while a person looks at it.

        A price that was set decides a billing check.
        """
        formset.new_objects, formset.deleted_objects, formset.changed_objects = [], [], []
        for inline in formset.forms:
            if inline.has_changed():
                inline.instance.save(update_fields=inline.changed_data)
                formset.changed_objects.append((inline.instance, inline.changed_data))
                _audit(request, inline.instance, inline)
        vendors.prices_were_set(row for row, names in formset.changed_objects if "price" in names)

    def get_urls(self) -> Any:
        asks = {"pause": self.pause, "bill": self.bill}
        acts = {
            "resume": self.resume,
            "test": self.test,
            "close-breaker": self.close_breaker,
            "confirm-prices": self.confirm_prices,
        }
        views = asks | {route: require_POST(view) for route, view in acts.items()}
        own = [
            path(f"<path:name>/{route}/", self.admin_site.admin_view(view), name=f"integrations_vendor_{route}")
            for route, view in views.items()
        ]
        return [*own, *super().get_urls()]

    def _vendor(self, request: HttpRequest, name: str) -> Vendor:
        vendor: Vendor | None = self.get_object(request, name)
        if vendor is None:
            raise Http404("There is no such vendor.")
        if not self.has_change_permission(request, vendor):
            raise PermissionDenied
        return vendor

    def pause(self, request: HttpRequest, name: str) -> HttpResponse:
        vendor = self._vendor(request, name)
        form = PauseForm(request.POST if confirmed(request) else None)
        if form.is_valid():
            by = user_of(request)
            vendors.pause_vendor(vendor=vendor, by=by, reason=form.cleaned_data["reason"])
            return self._done(request, vendor, f"Paused: {form.cleaned_data['reason']}")
        lines = ["Nothing more is bought from it until somebody resumes it. Requests already sent are finished."]
        title, back = f"Pause {vendor}", reverse("admin:integrations_vendor_change", args=[vendor.pk])
        return ask(self, request, [], title=title, lines=lines, button="Pause", form=form, is_free=True, back=back)

    def resume(self, request: HttpRequest, name: str) -> HttpResponse:
        vendor = self._vendor(request, name)
        try:
            vendors.resume_vendor(vendor=vendor, by=user_of(request))
        except vendors.BillingCheck as refusal:
            return self._refused(request, vendor, refusal)
        return self._done(request, vendor, "Resumed")

    def close_breaker(self, request: HttpRequest, name: str) -> HttpResponse:
        vendor = self._vendor(request, name)
        try:
            vendors.close_breaker(vendor=vendor, by=user_of(request))
        except vendors.BillingCheck as refusal:
            return self._refused(request, vendor, refusal)
        return self._done(request, vendor, "Breaker and pause reset, batch requests tried again")

    def confirm_prices(self, request: HttpRequest, name: str) -> HttpResponse:
        vendor = self._vendor(request, name)
        by = user_of(request)
        vendors.confirm_price_list(vendor, by)
        words = "The price list is right: charges follow it, and the vendor’s own count is only shown."
        self.message_user(request, words, messages.SUCCESS)
        return redirect("admin:integrations_vendor_change", vendor.pk)

    def bill(self, request: HttpRequest, name: str) -> HttpResponse:
        """A bill's CSV; where its days are stored with other numbers, these are shown and asked about first."""
        vendor = self._vendor(request, name)
        form: forms.Form = BillForm(*((request.POST, request.FILES) if confirmed(request) else ()))
        lines = ["One row a day or more: date, units (may be missing), amount in US dollars. Column names are guessed."]
        button = "Upload"
        if "days" in request.POST:
            form = ReplaceForm(request.POST, vendor=vendor)
            if form.is_valid():
                return self._store(request, vendor, form.cleaned_data["days"], replace=True)
        elif form.is_valid():
            days = form.cleaned_data["file"]
            try:
                return self._store(request, vendor, days, replace=False)
            except bills.AlreadyBilled as already:
                lines = ["These days are stored already and would become:", *already.conflicts]
                form, button = ReplaceForm(vendor=vendor, initial={"days": packed(vendor, days)}), "Replace them"
        title, back = f"Upload a bill of {vendor}", reverse("admin:integrations_vendor_change", args=[vendor.pk])
        return ask(self, request, [], title=title, lines=lines, button=button, form=form, is_free=True, back=back)

    def _store(self, request: HttpRequest, vendor: Vendor, days: list[bills.Day], *, replace: bool) -> HttpResponse:
        by = user_of(request)
        return self._done(request, vendor, str(bills.upload(vendor=vendor, days=days, by=by, replace=replace)))

    def _refused(self, request: HttpRequest, vendor: Vendor, refusal: Exception) -> HttpResponse:
        self.message_user(request, str(refusal), messages.ERROR)
        return redirect("admin:integrations_vendor_change", vendor.pk)

    def test(self, request: HttpRequest, name: str) -> HttpResponse:
        vendor = self._vendor(request, name)
        answer = vendors.test_connection(vendor)
        level = {True: messages.SUCCESS, False: messages.ERROR, None: messages.WARNING}[answer.ok]
        self.message_user(request, f"{vendor}: {answer.words}", level)
        return redirect("admin:integrations_vendor_change", vendor.pk)

    def _done(self, request: HttpRequest, vendor: Vendor, words: str) -> HttpResponse:
        self.log_change(request, vendor, words)
        self.message_user(request, f"{words}.", messages.SUCCESS)
        return redirect("admin:integrations_vendor_change", vendor.pk)


def _facts(vendor: Vendor) -> dict[str, Any]:
    """What the page shows beside the form."""
    now = database_now()
    spent, reserved = vendors.spent_today(vendor, now)
    cap = vendor.cap if vendor.name in settings.VENDOR_DAILY_CAP else None
    used_up = 100 if cap == 0 else 0
    return {
        "vendor": vendor,
        "trouble": trouble(vendor, now),
        "is_failing": vendors.is_failing(vendor, now),
        "spent": spent,
        "reserved": reserved,
        "cap": cap,
        "percent": percent(spent + reserved, cap) if cap else used_up,
        "paces": vendors.paces(vendor, now),
        "errors_today": vendors.errors(vendor, now),
        "changes": changes(vendor),
        "days": books.days_of(vendor.pk, since=now.date() - timedelta(days=books.DAYS_SHOWN)),
    }


def changes(vendor: Vendor) -> QuerySet[LogEntry]:
    """The latest changes of a vendor and its operations: who, when, what it was and what it became."""
    kinds = ContentType.objects.get_for_models(Vendor, Operation)
    mine = Q(content_type=kinds[Vendor], object_id=vendor.pk)
    operations = [str(pk) for pk in vendor.operations.values_list("pk", flat=True)]
    theirs = Q(content_type=kinds[Operation], object_id__in=operations)
    return LogEntry.objects.filter(mine | theirs).select_related("user").order_by("-action_time")[:CHANGES_SHOWN]


@admin.register(Operation)
class OperationAdmin(ToldAdmin):
    """Pace, price, batch and freshness; an empty field leaves it to the environment."""

    empty = Empty(
        "Operations are what vendors are asked: pace and price of each stand here once it was asked.", "Vendors",
        "integrations_vendor_changelist",
    )  # fmt: skip
    list_display = ("__str__", "pace_now", "price_now", "batch_now", "fresh_now", "next_slot_at", "batch_refused_at")
    list_filter = ("vendor",)
    fields = (("vendor", "name"), SETTINGS, ("next_slot_at", "batch_refused_at"))
    readonly_fields = ("vendor", "name", "next_slot_at", "batch_refused_at")
    ordering: ClassVar[Any] = ("vendor", "name")
    actions = None

    def has_add_permission(self, _request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Vendor | Operation | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Operation, form: forms.ModelForm[Any], change: Any) -> None:
        if "price" in form.changed_data:  # decides a billing check; operations are the first of all locks
            vendors.prices_were_set([obj])
        super().save_model(request, obj, form, change)
        _audit(request, obj, form)

    @admin.display(description="requests a minute")
    def pace_now(self, operation: Operation) -> str:
        return _now(operation, "pace")

    @admin.display(description="price ($)")
    def price_now(self, operation: Operation) -> str:
        return _now(operation, "price")

    @admin.display(description="records a request")
    def batch_now(self, operation: Operation) -> str:
        return _now(operation, "batch")

    @admin.display(description="reuse purchased data for (days)")
    def fresh_now(self, operation: Operation) -> str:
        return _now(operation, "fresh_days")
