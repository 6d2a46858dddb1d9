"""Money, calls and bought facts: read only, but for what is in doubt. And what users have spent."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import CharField, F, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Cast, Coalesce, Concat
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.admin import UserAdmin
from accounts.models import User
from config.common.admin import ReadOnlyAdmin, ask, by_id, chosen, confirmed, sees_all
from config.common.contacts import masked
from integrations import reveals
from integrations.calls import release_doubt, write_off
from integrations.models import Lookup, Operation, PhoneReveal, Purse, UnreadableAnswer, VendorCall

ZERO = Value(Decimal(0))
SHOWN_FACTS = 4000  # characters
NOT_BILLED = "The vendor's bill does not have it: release"
BILLED = "The vendor's bill has it: write off"


def used(*scope: Any) -> Coalesce:
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
                used_this_month=used(Value("user:"), user, Value(f":{now:%Y-%m}")),
                used_today=used(Value("leads:"), user, Value(f":{now:%Y-%m-%d}")),
            )
        )
        return rows

    @admin.display(description="spent this month")
    def month(self, user: Any) -> str:
        return f"${user.used_this_month:.2f}"

    @admin.display(description="leads today")
    def today(self, user: Any) -> str:
        return f"{user.used_today:.0f}"


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
        return self._decide(request, queryset, release_doubt, NOT_BILLED, "Released")

    @admin.action(description="In doubt: it was bought and is lost, write it off", permissions=["decide"])
    def was_bought(self, request: HttpRequest, queryset: QuerySet[VendorCall]) -> HttpResponse | None:
        return self._decide(request, queryset, write_off, BILLED, "Written off")

    def _decide(
        self, request: HttpRequest, queryset: QuerySet[VendorCall], act: Any, button: str, done: str
    ) -> HttpResponse | None:
        doubtful = queryset.filter(state=VendorCall.State.IN_DOUBT).select_related("operation", "user")
        after = "Afterwards its leads can be bought again: retry what failed in their run."
        return decide(
            self,
            request,
            doubtful,
            act,
            _call_in_words,
            lambda call: call.operation,
            button=button,
            done=done,
            after=after,
        )


def _call_in_words(call: VendorCall) -> str:
    return f"{call.operation}: {call.inputs} inputs, ${call.reserved}"


def decide(
    model_admin: Any,
    request: HttpRequest,
    doubtful: QuerySet[Any],
    act: Callable[[Any], bool],
    tell: Callable[[Any], str],
    whose: Callable[[Any], object],
    *,
    button: str,
    done: str,
    after: str,
) -> HttpResponse | None:
    """What an operator says of rows in doubt, after a page that names them. `act`: one row's decision, by its key.

    tell: a row in the words of that page. whose: what its money was for.
    """
    rows = chosen(model_admin, request, doubtful)
    if not rows:
        many = model_admin.opts.verbose_name_plural.removeprefix("vendor ")
        model_admin.message_user(request, f"None of these {many} is in doubt.", messages.WARNING)
        return None
    if not confirmed(request):
        lines = [*(f"{row.created_at:%Y-%m-%d %H:%M} {tell(row)}" for row in rows), after]
        return ask(model_admin, request, rows, title="Decide what is in doubt", lines=lines, button=button)
    for row in rows:
        with transaction.atomic():
            decided = act(row.pk)
        words = f"{done}: ${row.reserved} of {whose(row)}" if decided else f"{row} was decided meanwhile."
        model_admin.message_user(request, words, messages.SUCCESS if decided else messages.WARNING)
    return None


@admin.register(PhoneReveal)
class PhoneRevealAdmin(ReadOnlyAdmin):
    """Phones that Apollo delivers after its answer: what is to come, what waits for it. No phone is shown here."""

    list_display = (
        "created_at",
        "state",
        "people_asked",
        "found",
        "reserved",
        "cost",
        "asked",
        "ask_at",
        "pushed_at",
        "closed_at",
        "reason",
    )
    list_filter = ("state",)
    fields = (
        ("call", "request_id", "state"),
        ("people_asked", "found"),
        ("reserved", "cost"),
        ("created_at", "pushed_at", "unreadable", "closed_at"),
        ("asked", "ask_at", "deadline"),
        "reason",
    )
    readonly_fields = ("people_asked",)
    list_select_related = ("call",)
    search_fields = ("call__run_id",)
    search_help_text = "The id of a run, whole"
    actions = ("was_not_charged", "was_charged")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request).defer("raw", "holds")
        return rows if sees_all(request) else rows.filter(call__user=request.user)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> tuple[Any, bool]:
        return by_id(queryset, search_term, "call__run_id"), False

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("integrations.change_phonereveal")

    @admin.display(description="people")
    def people_asked(self, reveal: PhoneReveal) -> int:
        return len(reveal.people)

    @admin.action(description="In doubt: no phone was charged, release the money", permissions=["decide"])
    def was_not_charged(self, request: HttpRequest, queryset: QuerySet[PhoneReveal]) -> HttpResponse | None:
        again = "Whoever asks for these phones again pays for them. "
        return self._decide(request, queryset, reveals.release, NOT_BILLED, "Released", again)

    @admin.action(description="In doubt: phones were charged and never came, write them off", permissions=["decide"])
    def was_charged(self, request: HttpRequest, queryset: QuerySet[PhoneReveal]) -> HttpResponse | None:
        return self._decide(request, queryset, reveals.write_off, BILLED, "Written off")

    def _decide(
        self, request: HttpRequest, queryset: QuerySet[PhoneReveal], act: Any, button: str, done: str, more: str = ""
    ) -> HttpResponse | None:
        doubtful = queryset.filter(state=PhoneReveal.State.IN_DOUBT)
        after = f"{more}Should the phones come after all, their leads get them and the money is put right."
        return decide(
            self, request, doubtful, act, _reveal_in_words, lambda _: "phones", button=button, done=done, after=after
        )


def _reveal_in_words(reveal: PhoneReveal) -> str:
    return f"phones of {len(reveal.people)} people, ${reveal.reserved}: {reveal.reason}"


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
        return super().get_queryset(request).defer("facts")

    @admin.display(description="answer")
    def answer(self, lookup: Lookup) -> str:
        return (
            "\n".join(f"{name}: {masked(name, value)}" for name, value in (lookup.facts or {}).items())[:SHOWN_FACTS]
            or "–"
        )

    @admin.display(description="unreadable answer kept")
    def kept(self, lookup: Lookup) -> str:
        found = UnreadableAnswer.objects.filter(call=lookup.call_id).first() if lookup.call_id else None
        return str(found) if found else "–"


@admin.register(Purse)
class PurseAdmin(ReadOnlyAdmin):
    """Every cap's money by period, and leads a day."""

    list_display = ("scope", "spent", "reserved")
    search_fields = ("scope__startswith",)
    search_help_text = "The beginning of a scope: user:1:2026-11, vendor:apollo:, run:<id>, leads:1:"
