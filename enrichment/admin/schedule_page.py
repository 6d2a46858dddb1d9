"""The pages on which a schedule is made and changed, and what tells the next times while a person types."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.access import Scope, access
from accounts.profile.services import set_time_zone
from accounts.selectors import user_of
from buckets.models import Bucket
from common.admin import dressed, history_of, is_id, page
from common.admin_teams import refuse
from common.contact_access import told_data
from common.dates import moment
from common.db.clock import database_now
from enrichment.admin.forms import EnrichForm
from enrichment.admin.schedule_form import KINDS, TIMES, ScheduleForm, TimesForm, kinds_of, zone_names
from enrichment.models import Run, Schedule
from enrichment.scheduling.cadence import BadCadence, cadence_in_words, next_ticks, place_of
from enrichment.scheduling.services import change_schedule, create_schedule
from enrichment.selectors import schedule_result
from enrichment.services import RunError
from leads.selection.filters import BadFilter

MONEY = ("max_cost", "limit", "older_than_days", "skip_trace")
WHERE = {"on": "weekly", "day": "monthly", "cron": "cron", "at": "daily weekdays weekly monthly"}
LAST_RUNS = 5


def add(model_admin: admin.ModelAdmin[Schedule], request: HttpRequest) -> HttpResponse:
    """A new schedule of one of the team's buckets; who makes it pays."""
    buckets = Bucket.objects.worked_by(access(request))
    person = user_of(request)
    first = {"time_zone": person.time_zone, "bucket": request.GET.get("bucket", "")}
    form = ScheduleForm(request.POST if request.method == "POST" else None, buckets=buckets, initial=first)

    def make() -> Schedule:
        data = form.cleaned_data
        schedule = create_schedule(
            by=person,
            bucket=data["bucket"],
            kind=data["kind"],
            cadence=data["cadence"],
            time_zone=data["time_zone"],
            options=form.options(),
            max_cost=data["max_cost"],
            schedule_id=data["once"],
        )
        model_admin.log_addition(request, schedule, [{"added": {}}])
        return schedule

    if form.is_valid():
        try:
            schedule = _save(request, form, make)
        except RunError:  # pressed twice: the page of what the first press has made
            made = model_admin.get_queryset(request).filter(pk=form.cleaned_data["once"]).first()
            if made is None:
                raise Http404("There is no such schedule.") from None
            model_admin.message_user(request, "This schedule already exists: here it is.", messages.WARNING)
            return redirect("admin:enrichment_schedule_change", made.pk)
        if schedule is not None:
            model_admin.message_user(request, f"{_when(schedule)}: saved and on.", messages.SUCCESS)
            return redirect("admin:enrichment_schedule_change", schedule.pk)
    return _page(model_admin, request, form, "Add schedule", may_change=True)


def change(model_admin: admin.ModelAdmin[Schedule], request: HttpRequest, schedule_id: str) -> HttpResponse:
    """Its form, when it is due, and how it went. Somebody else's is not there."""
    rows = model_admin.get_queryset(request).select_related("bucket", "owner", "last_run", "last_fill")
    schedule = rows.filter(pk=schedule_id).first() if is_id(schedule_id) else None
    if schedule is None:
        raise Http404("There is no such schedule.")
    may_change = access(request).can_in(schedule.team_id, Scope.BUY)
    if request.method == "POST" and not may_change:
        raise refuse(Scope.BUY)
    form = ScheduleForm(
        request.POST if request.method == "POST" else None, buckets=Bucket.objects.none(), schedule=schedule
    )

    def save() -> Schedule:
        changes = form.changes()
        changed = change_schedule(schedule=schedule, changes=changes, by=user_of(request)) if changes else schedule
        model_admin.log_change(request, changed, [{"changed": {"fields": sorted(changes)}}])
        return changed

    if form.is_valid() and (changed := _save(request, form, save)) is not None:
        model_admin.message_user(request, f"{_when(changed)}: saved.", messages.SUCCESS)
        return redirect("admin:enrichment_schedule_change", schedule.pk)
    runs = Run.objects.filter(team=schedule.team_id, idempotency_key__startswith=f"schedule:{schedule.pk}:")
    return _page(
        model_admin,
        request,
        form,
        KINDS[Schedule.Kind(schedule.kind)],
        schedule=schedule,
        history=history_of(model_admin, request, schedule),
        may_change=may_change,
        result=schedule_result(schedule),
        due=moment(schedule.next_at, schedule.time_zone),
        last=moment(schedule.last_at, schedule.time_zone),
        runs=runs.order_by("-pk")[:LAST_RUNS],
        search=json.dumps(told_data(schedule.options["search"]), indent=2) if schedule.options.get("search") else "",
    )


@require_safe
def upcoming(request: HttpRequest) -> HttpResponse:
    """The piece of the page that tells the next three times of what the form says now. It stores nothing."""
    form = TimesForm(request.GET)
    return TemplateResponse(request, "admin/schedule_next.html", {"next": _next_words(form)})


def _save(request: HttpRequest, form: ScheduleForm, act: Callable[[], Schedule]) -> Schedule | None:
    """None: it was refused, and the form says so. All of it or nothing is stored. Raises RunError if made already."""
    try:
        with transaction.atomic():
            schedule = act()
            if form.cleaned_data["my_zone"]:
                set_time_zone(user=user_of(request), time_zone=form.cleaned_data["time_zone"])
        return schedule
    except RunError as refusal:
        if refusal.code == "ALREADY_MADE":
            raise
        form.refuse(str(refusal), refusal.field)
    except BadFilter as refusal:
        form.refuse(str(refusal))
    return None


def _when(schedule: Schedule) -> str:
    return f"{cadence_in_words(schedule.cadence)} ({place_of(schedule.time_zone)})"


def _next_words(form: TimesForm) -> str:
    if not form.is_valid():
        return "Next: " + " ".join(str(words) for errors in form.errors.values() for words in errors)
    cadence, zone = form.cleaned_data["cadence"], form.cleaned_data["time_zone"]
    try:
        first, *later = (moment(at, zone) for at in next_ticks(cadence, zone, database_now()))
    except BadCadence as error:
        return f"Next: {error}"
    return f"Next: {first}, then {' and '.join(later)}"


def _page(
    model_admin: admin.ModelAdmin[Schedule], request: HttpRequest, form: ScheduleForm, title: str, **more: object
) -> HttpResponse:
    shown = dressed(form)
    values = {name: shown[name].value() for name in TIMES}
    values["at"] = f"{values['at']:%H:%M}" if hasattr(values["at"], "hour") else values["at"]

    def parts(names: Iterable[str]) -> list[Any]:
        return [(shown[name], " ".join(kinds_of(name)), WHERE.get(name, "")) for name in names if name in shown.fields]

    return page(
        model_admin,
        request,
        "admin/schedule.html",
        title,
        form=shown,
        what=parts(["bucket", "kind"]),
        money=parts(MONEY),
        guards=parts(EnrichForm.guards),
        guard_kinds=" ".join(kinds_of(EnrichForm.guards[0])),
        guarded=any(shown[name].value() or shown[name].errors for name in EnrichForm.guards if name in shown.fields),
        times=parts(TIMES),
        my_zone=shown["my_zone"],
        zones=zone_names(),
        next=_next_words(TimesForm(values)),
        list=reverse("admin:enrichment_schedule_changelist"),
        **more,
    )
