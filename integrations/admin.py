"""Vendors and what they sell: switches, prices, pace. Money, calls and bought facts are read only. No key is shown."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from django.conf import settings
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import CharField, F, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Cast, Coalesce, Concat
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.admin import UserAdmin
from accounts.models import User
from config.common.admin import CommonAdmin, ReadOnlyAdmin, ask, by_id, chosen, confirmed, for_each, sees_all
from integrations import breaker
from integrations.calls import release_doubt, write_off
from integrations.models import Lookup, Operation, Purse, Vendor, VendorCall

ZERO = Value(Decimal(0))
SHOWN_FACTS = 4000  # characters


def _used(*scope: Any) -> Coalesce:
    """Spent and promised in the purse whose scope these parts make."""
    purse = Purse.objects.filter(scope=Concat(*scope, output_field=CharField()))
    return Coalesce(Subquery(purse.values(used=F("spent") + F("reserved"))), ZERO)


admin.site.unregister(User)


@admin.register(User)
class SpendingUserAdmin(UserAdmin):
    """Users, and what they have spent against their limits."""

    list_display: Any = (*UserAdmin.list_display, "month", "today")
    readonly_fields = ("month", "today")
    fieldsets = (
        *UserAdmin.fieldsets[:-1],
        ("Limits", {"fields": (("daily_lead_limit", "monthly_budget"), ("month", "today"))}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        now, user = timezone.now(), Cast(OuterRef("pk"), CharField())
        rows: QuerySet[Any] = (
            super()
            .get_queryset(request)
            .annotate(
                used_this_month=_used(Value("user:"), user, Value(f":{now:%Y-%m}")),
                used_today=_used(Value("leads:"), user, Value(f":{now:%Y-%m-%d}")),
            )
        )
        return rows

    @admin.display(description="spent this month")
    def month(self, user: Any) -> str:
        return f"${user.used_this_month:.2f}"

    @admin.display(description="leads today")
    def today(self, user: Any) -> str:
        return f"{user.used_today:.0f}"


@admin.register(Vendor)
class VendorAdmin(CommonAdmin):
    """The operator's switch, daily cap, and the way back after a pause."""

    list_display = ("name", "enabled", "state", "key", "cap_a_day", "today", "last_error", "last_error_at")
    fields = (
        ("name", "enabled", "daily_cap"),
        ("state", "key", "today"),
        ("paused_reason", "failures", "breaker_openings", "breaker_open_until"),
        ("last_error", "last_error_at"),
    )
    ordering: ClassVar[Any] = ("name",)
    actions = ("reset",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        mine = [field.name for field in Vendor._meta.fields if field.name not in ("enabled", "daily_cap")]
        return [*mine, "state", "key", "today"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        today = _used(Value("vendor:"), OuterRef("pk"), Value(f":{timezone.now():%Y-%m-%d}"))
        rows: QuerySet[Any] = super().get_queryset(request).annotate(used_today=today)
        return rows

    @admin.display(description="state")
    def state(self, vendor: Vendor) -> str:
        if not vendor.enabled:
            return "switched off"
        if vendor.paused_reason:
            return f"paused: {vendor.paused_reason}"
        if breaker.is_open(vendor, timezone.now()):
            return f"failing; next try at {vendor.breaker_open_until:%H:%M:%S} UTC"
        return "open"

    @admin.display(description="key")
    def key(self, vendor: Vendor) -> str:
        return "set" if settings.VENDORS.get(vendor.name, {}).get("key") else "not set"

    @admin.display(description="cap a day")
    def cap_a_day(self, vendor: Vendor) -> str:
        return f"${vendor.cap:.2f}" if vendor.name in settings.VENDOR_DAILY_CAP else "–"

    @admin.display(description="spent today")
    def today(self, vendor: Any) -> str:
        return f"${vendor.used_today:.2f}"

    @admin.action(
        description="Try again: lift the pause, close the breaker, open the batch doors", permissions=["change"]
    )
    def reset(self, request: HttpRequest, queryset: QuerySet[Vendor]) -> None:
        for_each(self, request, chosen(self, request, queryset), lambda v: breaker.reset(v.name), done="Open again")


@admin.register(Operation)
class OperationAdmin(CommonAdmin):
    """Pace, price, batch and freshness; an empty field leaves it to the environment."""

    list_display = ("__str__", "pace_now", "price_now", "batch_now", "fresh_now", "next_slot_at", "batch_refused_at")
    list_filter = ("vendor",)
    fields = (("vendor", "name"), ("pace", "price", "batch", "fresh_days"), ("next_slot_at", "batch_refused_at"))
    readonly_fields = ("vendor", "name", "next_slot_at", "batch_refused_at")
    ordering: ClassVar[Any] = ("vendor", "name")
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="requests a minute")
    def pace_now(self, operation: Operation) -> str:
        return _setting(operation, "pace")

    @admin.display(description="US dollars a unit")
    def price_now(self, operation: Operation) -> str:
        return _setting(operation, "price")

    @admin.display(description="inputs a request")
    def batch_now(self, operation: Operation) -> str:
        return _setting(operation, "batch")

    @admin.display(description="days fresh")
    def fresh_now(self, operation: Operation) -> str:
        return _setting(operation, "fresh_days")


def _setting(operation: Operation, key: str) -> str:
    return f"{operation.setting(key)}" if operation.name in settings.OPERATIONS else "–"


@admin.register(VendorCall)
class VendorCallAdmin(ReadOnlyAdmin):
    """Every request to a vendor: the audit. Staff who may look see their own; what is in doubt is decided here."""

    list_display = (
        "created_at",
        "operation",
        "user",
        "state",
        "inputs",
        "found",
        "cost",
        "reserved",
        "status",
        "category",
        "latency_ms",
        "reason",
    )
    list_select_related = ("operation", "user")
    list_filter = ("state", "operation")
    search_fields = ("run_id",)
    search_help_text = "The id of a run, whole"
    actions = ("was_not_bought", "was_bought")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        return rows if sees_all(request) else rows.filter(user=request.user)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> tuple[Any, bool]:
        return by_id(queryset, search_term, "run_id"), False

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Money is given back or written off: whoever may change calls, though nobody edits one."""
        return request.user.has_perm("integrations.change_vendorcall")

    @admin.action(description="In doubt: it was not bought, release the money", permissions=["decide"])
    def was_not_bought(self, request: HttpRequest, queryset: QuerySet[VendorCall]) -> HttpResponse | None:
        return self._decide(request, queryset, release_doubt, "The vendor's bill does not have it: release", "Released")

    @admin.action(description="In doubt: it was bought and is lost, write it off", permissions=["decide"])
    def was_bought(self, request: HttpRequest, queryset: QuerySet[VendorCall]) -> HttpResponse | None:
        return self._decide(request, queryset, write_off, "The vendor's bill has it: write off", "Written off")

    def _decide(
        self, request: HttpRequest, queryset: QuerySet[VendorCall], act: Any, button: str, done: str
    ) -> HttpResponse | None:
        doubtful = queryset.filter(state=VendorCall.State.IN_DOUBT).select_related("operation", "user")
        calls = chosen(self, request, doubtful)
        if not calls:
            self.message_user(request, "None of these calls is in doubt.", messages.WARNING)
            return None
        if not confirmed(request):
            lines = [f"{c.created_at:%Y-%m-%d %H:%M} {c.operation}: {c.inputs} inputs, ${c.reserved}" for c in calls]
            lines.append("Afterwards its leads can be bought again: retry what failed in their run.")
            return ask(self, request, calls, title="Decide what is in doubt", lines=lines, button=button)
        for call in calls:
            with transaction.atomic():
                decided = act(call.pk)
            words = f"{done}: ${call.reserved} of {call.operation}" if decided else f"{call} was decided meanwhile."
            self.message_user(request, words, messages.SUCCESS if decided else messages.WARNING)
        return None


@admin.register(Lookup)
class LookupAdmin(ReadOnlyAdmin):
    """Every fact ever bought, once for everybody."""

    list_display = ("key", "operation", "state", "category", "cost", "fetched_at")
    list_select_related = ("operation",)
    search_fields = ("key",)
    search_help_text = "A whole key: a property id for a detail"
    fields = (
        ("operation", "key"),
        ("state", "category", "fetched_at"),
        ("cost", "call"),
        "answer",
        "kept",
    )
    readonly_fields = ("answer", "kept")

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> tuple[Any, bool]:
        """By the unique index of operation and key."""
        text = search_term.strip()
        return (queryset.filter(operation__in=Operation.objects.all(), key=text) if text else queryset), False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The list needs no answers, which are the bulk of a row."""
        return super().get_queryset(request).defer("facts", "raw")

    @admin.display(description="answer")
    def answer(self, lookup: Lookup) -> str:
        return "\n".join(f"{name}: {value}" for name, value in (lookup.facts or {}).items())[:SHOWN_FACTS] or "–"

    @admin.display(description="unreadable answer kept")
    def kept(self, lookup: Lookup) -> str:
        return f"{len(lookup.raw):,} bytes" if lookup.raw else "–"


@admin.register(Purse)
class PurseAdmin(ReadOnlyAdmin):
    """Every cap's money by period, and leads a day."""

    list_display = ("scope", "spent", "reserved")
    search_fields = ("scope__startswith",)
    search_help_text = "The beginning of a scope: user:1:2026-11, vendor:apollo:, run:<id>, leads:1:"
