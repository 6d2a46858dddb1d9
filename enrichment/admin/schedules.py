"""Schedules: made, changed, seen, done now, switched off and on, removed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path

from accounts.access import Scope
from accounts.selectors import user_of
from common.admin import Empty, ask, by_id, chosen, confirmed, for_each
from common.admin_teams import TeamAdmin
from common.asking import asks
from common.contact_access import told
from common.dates import moment
from enrichment.admin import schedule_page
from enrichment.models import Schedule
from enrichment.scheduling.cadence import cadence_in_words
from enrichment.scheduling.services import change_schedule, delete_schedule, run_now
from enrichment.selectors import schedule_result
from enrichment.services import RunError


@admin.register(Schedule)
class ScheduleAdmin(TeamAdmin):
    """A team sees its schedules: what each does, when next, and how the last time went."""

    empty = Empty(
        "Schedules enrich a bucket, add new matches or refresh its data by themselves.",
        "Add schedule",
        "enrichment_schedule_add",
    )
    list_display = ("bucket_name", "kind", "owner", "cadence_said", "next", "enabled", "last_at", "result")
    list_select_related = ("owner", "last_run", "last_fill")
    list_filter = ("kind", "enabled")
    search_fields = ("pk",)
    search_help_text = "The whole id of a schedule"
    actions = ("now", "off", "on", "remove")

    changes = adds = Scope.BUY

    def get_urls(self) -> list[URLPattern]:
        upcoming: Any = self.admin_site.admin_view(schedule_page.upcoming)
        return [path("next/", upcoming, name="enrichment_schedule_next"), *super().get_urls()]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        return schedule_page.add(self, request)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return schedule_page.change(self, request, object_id)

    @admin.display(description="when")
    def cadence_said(self, schedule: Schedule) -> str:
        return cadence_in_words(schedule.cadence)

    @admin.display(description="next")
    def next(self, schedule: Schedule) -> str:
        return moment(schedule.next_at, schedule.time_zone) or "–"

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> tuple[Any, bool]:
        return by_id(queryset, search_term), False

    @admin.display(description="last result")
    def result(self, schedule: Schedule) -> str:
        return told(schedule_result(schedule)) or "–"

    @admin.action(description="Run now", permissions=["buy"])
    def now(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> None:
        self._each(request, queryset, lambda schedule: run_now(schedule=schedule), "Starting now")

    @admin.action(description="Turn off", permissions=["buy"])
    def off(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> None:
        self._turn(request, queryset, {"enabled": False}, "Turned off")

    @admin.action(description="Turn on", permissions=["buy"])
    def on(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> None:
        self._turn(request, queryset, {"enabled": True}, "Turned on")

    @admin.action(description="Delete …", permissions=["buy"])
    @asks
    def remove(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> HttpResponse | None:
        schedules = chosen(self, request, queryset)
        if schedules and not confirmed(request):
            lines = [f"{schedule}: {cadence_in_words(schedule.cadence)}" for schedule in schedules]
            lines.append("No new job starts. Jobs already started continue, and purchased data is kept.")
            return ask(self, request, schedules, title="Delete schedules?", lines=lines, button="Delete")
        by = user_of(request)
        for_each(self, request, schedules, lambda one: delete_schedule(schedule=one, by=by), done="Deleted")
        return None

    def _turn(self, request: HttpRequest, rows: QuerySet[Schedule], changes: dict[str, Any], done: str) -> None:
        by = user_of(request)
        self._each(request, rows, lambda one: change_schedule(schedule=one, changes=changes, by=by), done)

    def _each(
        self, request: HttpRequest, queryset: QuerySet[Schedule], act: Callable[[Schedule], object], done: str
    ) -> None:
        for_each(self, request, chosen(self, request, queryset), act, done=done, refusals=(RunError, ValueError))
