"""Runs, their items and errors, and the pumps at work."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from accounts.selectors import user_of
from common.admin import (
    ByRow,
    Empty,
    ask,
    by_id,
    chosen,
    confirmed,
    for_each,
)
from common.admin_teams import OperatorsAdmin, TeamAdmin
from common.asking import asks
from enrichment.admin import run_page
from enrichment.models import PumpLease, Run, RunItem
from enrichment.quoting.quotes import quote
from enrichment.selectors import item_waits_for_check
from enrichment.services import RunError, cancel_run, pause_run, resume_run, retry_failed, retry_options
from integrations.vendors.errors import failure_in_words


class InBucket(ByRow):
    title = "bucket"
    parameter_name = "bucket"
    field = "bucket"


class InRun(ByRow):
    title = "enrichment job"
    parameter_name = "run"
    field = "run"


@admin.register(Run)
class RunAdmin(TeamAdmin):
    """Runs are started from a bucket; here they are watched, paused, resumed, cancelled and retried."""

    empty = Empty(
        "Enrichment jobs buy data for the leads of a bucket. Open a bucket to see the price first.",
        "Buckets",
        "buckets_bucket_changelist",
    )
    list_display = (
        "bucket_name",
        "kind",
        "owner",
        "status",
        "reason",
        "total",
        "enriched",
        "partial",
        "failed",
        "skipped",
        "spent",
        "limit",
        "created_at",
    )
    list_select_related = ("owner",)
    list_filter = (InBucket, "status", "kind")
    search_fields = ("pk",)
    search_help_text = "The whole id of an enrichment job"
    change_form_template = "admin/enrichment/run/page.html"
    actions = ("pause", "resume", "cancel", "retry")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: Any = super().get_queryset(request)
        with_money: QuerySet[Any] = rows.with_money()
        return with_money

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> tuple[Any, bool]:
        return by_id(queryset, search_term), False

    @admin.display(description="spent")
    def spent(self, run: Run) -> str:
        return f"${run.spent:.2f}"

    @admin.display(description="spending limit", ordering="max_cost")
    def limit(self, run: Run) -> str:
        return "–" if run.max_cost is None else f"${run.max_cost:,.2f}"

    def get_urls(self) -> Any:
        return [*run_page.urls(self), *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        run = kwargs.get("obj")
        if run is not None:
            context |= run_page.context(request, run)
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.action(description="Pause", permissions=["buy"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Run]) -> None:
        self._each(request, queryset, lambda run: pause_run(run=run, by=user_of(request)), "Paused")

    @admin.action(description="Resume", permissions=["buy"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Run]) -> None:
        self._each(request, queryset, lambda run: resume_run(run=run, by=user_of(request)), "Resumed")

    @admin.action(description="Cancel", permissions=["buy"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Run]) -> None:
        self._each(request, queryset, lambda run: cancel_run(run=run, by=user_of(request)), "Cancelled")

    def _each(self, request: HttpRequest, queryset: QuerySet[Run], act: Callable[[Run], object], done: str) -> None:
        for_each(self, request, chosen(self, request, queryset), act, done=done, refusals=(RunError,))

    @admin.action(description="Retry failed leads …", permissions=["buy"])
    @asks
    def retry(self, request: HttpRequest, queryset: QuerySet[Run]) -> HttpResponse | None:
        runs = chosen(self, request, queryset.select_related("bucket", "owner"))
        if runs and not confirmed(request):
            return self._ask_to_retry(request, runs)
        by = user_of(request)
        for_each(self, request, runs, lambda run: retry_failed(run=run, by=by), done="Retrying", refusals=(RunError,))
        return None

    def _ask_to_retry(self, request: HttpRequest, runs: list[Run]) -> HttpResponse | None:
        """Of several; one has a page of its own, whose quote follows what is typed."""
        lines, willing, price, leads = [], [], Decimal(0), 0
        for run in runs:
            try:
                if run.bucket is None:
                    raise RunError("NOT_FOUND", "The bucket of this enrichment job was deleted.")
                price_of = quote(bucket=run.bucket, by=user_of(request), options=retry_options(run))
            except RunError as refusal:
                self.message_user(request, f"{run}: {refusal}", messages.ERROR)
                continue
            willing.append(run)
            price, leads = price + price_of.at_most, leads + price_of.leads
            lines.append(f"{run}: {price_of.leads:,} leads, at most ${price_of.at_most:,.2f}")
            lines += [f"– Note: {limit}." for limit in (*price_of.limits, *price_of.notes)]
        if not willing:
            return None
        title, button = "Retry failed leads", f"Retry {leads:,} leads for up to ${price:,.2f}"
        return ask(self, request, willing, title=title, lines=lines, button=button)


@admin.register(RunItem)
class RunItemAdmin(TeamAdmin):
    """The leads of runs: what each waits for, or how it ended."""

    empty = Empty(
        "Each lead of an enrichment job is listed here, with its result.",
        "Enrichment jobs",
        "enrichment_run_changelist",
    )
    team = "run__team"
    list_display = ("lead", "run", "stage", "outcome", "why", "attempts", "losses", "not_before")
    list_select_related = ("lead", "run")
    list_filter = (InRun, "outcome", "stage")
    exclude = ("category",)
    readonly_fields = ("why",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request).annotate(needs_check=item_waits_for_check())
        return rows

    @admin.display(description="reason")
    def why(self, item: Any) -> str:
        if item.needs_check:
            return "Needs billing check"
        return failure_in_words(item.category) or "–"


@admin.register(PumpLease)
class PumpLeaseAdmin(OperatorsAdmin):
    """The pumps: whether a worker is alive, by its last sign of life."""

    empty = Empty("Workers appear here when the first enrichment job starts.", "Buckets", "buckets_bucket_changelist")
    list_display = ("stage", "host", "beat_at", "lease_until")
    ordering: ClassVar[Any] = ("stage", "host", "number")
    actions = None
