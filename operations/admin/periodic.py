"""Beat's own tables, in the look of the other pages. Superusers only: who edits them runs any task."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django_celery_beat import admin as beat
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from common.admin import Empty, Titled, called
from common.admin_teams import SuperusersOnly


class _TaskSelect(UnfoldAdminSelectWidget, beat.TaskSelectWidget):  # type: ignore[misc]
    pass


class _TaskForm(beat.PeriodicTaskForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["task"].widget = UnfoldAdminTextInputWidget()
        self.fields["regtask"].widget = _TaskSelect()


for model in (PeriodicTask, IntervalSchedule, CrontabSchedule, SolarSchedule, ClockedSchedule):
    admin.site.unregister(model)
called(PeriodicTask, "background job", "background jobs")
called(ClockedSchedule, "clock time", "clock times")


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(SuperusersOnly, beat.PeriodicTaskAdmin, Titled):  # type: ignore[misc]
    empty = Empty(
        "Background jobs are the work that the system does by itself, such as checking the books every hour.",
        "Add background job",
        "django_celery_beat_periodictask_add",
    )
    form = _TaskForm


@admin.register(IntervalSchedule)
class IntervalScheduleAdmin(SuperusersOnly, Titled):
    empty = Empty(
        "Intervals say how often a background job runs, such as every 10 minutes.",
        "Add interval",
        "django_celery_beat_intervalschedule_add",
    )


@admin.register(CrontabSchedule)
class CrontabScheduleAdmin(SuperusersOnly, beat.CrontabScheduleAdmin, Titled):  # type: ignore[misc]
    empty = Empty(
        "Crontabs say at which times a background job runs.",
        "Add crontab",
        "django_celery_beat_crontabschedule_add",
    )


@admin.register(SolarSchedule)
class SolarScheduleAdmin(SuperusersOnly, Titled):
    empty = Empty(
        "Solar events run a background job at sunrise or sunset.",
        "Add solar event",
        "django_celery_beat_solarschedule_add",
    )


@admin.register(ClockedSchedule)
class ClockedScheduleAdmin(SuperusersOnly, beat.ClockedScheduleAdmin, Titled):  # type: ignore[misc]
    empty = Empty(
        "Clock times run a background job once.",
        "Add clock time",
        "django_celery_beat_clockedschedule_add",
    )
