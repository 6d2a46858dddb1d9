"""The form of a schedule. It asks in people's words; what may be is for `enrichment.schedules` to say."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, cast

from django import forms
from django.db.models import QuerySet
from django.http import QueryDict
from unfold.widgets import CHECKBOX_CLASSES

from accounts.models import check_time_zone, time_zones
from buckets.models import Bucket
from common.admin import is_id
from common.db.ids import uuid7
from common.forms import BoxField, OnceForm
from enrichment.admin.forms import EnrichForm
from enrichment.models import Schedule
from enrichment.scheduling.cadence import CADENCE_MAX, DAYS, WEEK, Said, said
from enrichment.scheduling.services import options_of

Kind = Schedule.Kind
KINDS = {
    Kind.ENRICH: "Enrich the next leads",
    Kind.REFRESH: "Add new matches ($0)",
    Kind.REBUY: "Refresh changed properties",
}
LATEST_BUCKETS = 100  # offered; any that the person sees is taken
TIMES = ("every", "on", "day", "at", "cron", "time_zone")
OPTIONS = {"limit": "limit", "skip_trace": "skipTrace", "older_than_days": "olderThanDays"}
FIELDS = {  # of the services' refusals
    "maxCost": "max_cost",
    "timeZone": "time_zone",
    "limit": "limit",
    "skipTrace": "skip_trace",
    "olderThanDays": "older_than_days",
    "search": "bucket",
}


class TimesForm(OnceForm):
    """When. `cleaned_data["cadence"]` is its cron text."""

    every = forms.ChoiceField(
        label="How often",
        choices=[
            ("daily", "Daily"),
            ("weekdays", "On weekdays (Monday to Friday)"),
            ("weekly", "Weekly on …"),
            ("monthly", "Monthly on the …"),
            ("cron", "Custom schedule (cron)"),
        ],
    )
    on = forms.MultipleChoiceField(
        required=False,
        label="On these days",
        initial=["1"],
        choices=[(day, DAYS[int(day)]) for day in WEEK],
        widget=forms.CheckboxSelectMultiple(attrs={"class": " ".join(CHECKBOX_CLASSES)}),
    )
    day = forms.ChoiceField(
        required=False,
        label="Day of the month",
        initial="1",
        choices=[*((str(n), f"{n}.") for n in range(1, 29)), ("L", "The last")],
    )
    at = forms.TimeField(
        required=False,
        label="Time",
        initial="02:30",
        widget=forms.TimeInput(format="%H:%M", attrs={"type": "time"}),
    )
    cron = forms.CharField(
        required=False,
        max_length=CADENCE_MAX,
        label="Cron expression",
        help_text="Minute (one number), hour, day, month, weekday, such as 30 2 * * 1-5",
    )
    time_zone = forms.CharField(
        max_length=64,
        label="Time zone",
        validators=[check_time_zone],
        widget=forms.TextInput(attrs={"list": "time-zones", "autocomplete": "off", "spellcheck": "false"}),
        help_text="Such as America/New_York. Daylight saving time is taken into account",
    )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        every = data.get("every")
        needed = {"cron": ["cron"], "weekly": ["on", "at"], "monthly": ["day", "at"]}.get(str(every), ["at"])
        for name in needed:
            if name not in self.errors and not data[name]:
                self.add_error(name, "Enter when.")
        if every is None or any(name in self.errors for name in needed):
            return data
        if every == "cron":
            data["cadence"] = data["cron"]
        else:
            data["cadence"] = Said(every, data["at"], tuple(data["on"]), data["day"] or "1").cron
        return data


class ScheduleForm(TimesForm):
    """A new schedule, or one that there is: its bucket and kind stay, and only what was changed is changed."""

    kind = forms.ChoiceField(label="What to do", choices=list(KINDS.items()))
    bucket: Any = forms.ModelChoiceField(queryset=None, label="Bucket", empty_label="Choose …")
    max_cost = forms.DecimalField(
        required=False,
        max_digits=12,
        decimal_places=4,
        label="Spending limit each time ($)",
        help_text="Required: it spends money by itself, and never more than this each time",
    )
    limit = forms.IntegerField(
        required=False, label="Number of leads", help_text=EnrichForm.base_fields["limit"].help_text
    )
    older_than_days = forms.IntegerField(
        required=False, label="Only data older than (days)", help_text="Newer data is left as it is"
    )
    skip_trace = BoxField(required=False, initial=True, label="Skip trace", help_text="Phones and e-mails too")
    my_zone = BoxField(required=False, label="Make this my time zone", help_text="Your new schedules start with it")
    once = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(
        self,
        data: QueryDict | None,
        *,
        buckets: QuerySet[Bucket],
        schedule: Schedule | None = None,
        initial: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(data, initial=_values(schedule) if schedule else initial)
        self.schedule = schedule
        self.fields |= {name: deepcopy(EnrichForm.base_fields[name]) for name in EnrichForm.guards}
        if schedule is not None:
            self._offer_what_stands()
            for name in ("kind", "bucket", "once", *[n for n in self.fields if schedule.kind not in kinds_of(n)]):
                self.fields.pop(name, None)
            return
        self.fields["once"].initial = uuid7()
        field: Any = self.fields["bucket"]
        field.queryset = buckets
        offered = {str(bucket.pk): str(bucket) for bucket in buckets.order_by("-pk")[:LATEST_BUCKETS]}
        named = str(self["bucket"].value() or "")
        asked = buckets.filter(pk=named).first() if is_id(named) else None
        if asked is not None:  # from its own page
            offered.setdefault(str(asked.pk), str(asked))
        field.widget.choices = [("", field.empty_label), *offered.items()]

    def _offer_what_stands(self) -> None:
        """A guard that was given elsewhere, several values of it too, is a choice: it stays where it is not touched."""
        for name in EnrichForm.guards:
            field, value = self.fields[name], self.initial.get(name)
            if value is not None and isinstance(field, forms.ChoiceField) and not field.valid_value(value):
                text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
                self.initial[name] = text
                field.choices = [*list(cast(Any, field.choices)), (text, text)]

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        low, high = data.get("estimatedValueMin"), data.get("estimatedValueMax")
        if low is not None and high is not None and low > high:
            self.add_error("estimatedValueMax", "Enter a value above “Value from”.")
        return data

    def options(self) -> dict[str, Any]:
        """What was asked for or, of a schedule that there is, what was changed. A field left empty asks nothing."""
        kind = self.schedule.kind if self.schedule else self.cleaned_data["kind"]
        given = {OPTIONS[name]: self.cleaned_data[name] for name in OPTIONS if name in self.fields}
        old: dict[str, Any] = self.schedule.options if self.schedule else {}
        if "skipTrace" not in options_of(kind):
            given.pop("skipTrace", None)  # a box without a tick is sent like one that is not there
        changed = {name: value for name, value in given.items() if value != old.get(name)}
        guard = self._guard(old.get("guard") or {})
        return changed | ({"guard": guard} if guard != (old.get("guard") or {}) else {})

    def _guard(self, old: dict[str, Any]) -> dict[str, Any]:
        """Filters that this form does not know, or that were not touched, stay as they are."""
        guard = dict(old)
        for name in EnrichForm.guards:
            if name in self.fields and name in self.changed_data:
                value = {"true": True, "false": False}.get(self.cleaned_data[name], self.cleaned_data[name])
                guard.pop(name, None)
                if value not in (None, ""):
                    guard[name] = value
        return guard

    def changes(self) -> dict[str, Any]:
        """For `change_schedule`."""
        assert self.schedule is not None
        names = [name for name in ("cadence", "time_zone", "max_cost") if name in self.cleaned_data]
        given = {name: self.cleaned_data[name] for name in names}
        changed = {name: value for name, value in given.items() if value != getattr(self.schedule, name)}
        options = self.options()
        return changed | ({"options": options} if options else {})

    def refuse(self, words: str, field: str = "") -> None:
        """Puts a service's refusal where the person looks for it."""
        place = FIELDS.get(field)
        if field == "cadence":
            place = "cron" if self.cleaned_data.get("every") == "cron" else "every"
        self.add_error(place if place in self.fields else None, words)


def kinds_of(name: str) -> list[str]:
    """The kinds of schedule a field belongs to."""
    if name == "max_cost":
        return [kind for kind in Kind if kind != Kind.REFRESH]
    option = "guard" if name in EnrichForm.guards else OPTIONS.get(name)
    return [kind.value for kind in Kind if option is None or option in options_of(kind)]


def zone_names() -> list[str]:
    return sorted(time_zones())


def _values(schedule: Schedule) -> dict[str, Any]:
    options = schedule.options
    plain = said(schedule.cadence)
    when: dict[str, Any] = {"every": "cron", "cron": schedule.cadence}
    if plain:
        when = {"every": plain.every, "at": plain.at, "on": plain.on, "day": plain.day}
    guard = dict(options.get("guard") or {})
    if isinstance(guard.get("absenteeOwner"), bool):
        guard["absenteeOwner"] = str(guard["absenteeOwner"]).lower()
    return {
        **guard,
        **when,
        "time_zone": schedule.time_zone,
        "max_cost": schedule.max_cost and f"{schedule.max_cost.normalize():f}",
        "limit": options.get("limit"),
        "skip_trace": options.get("skipTrace", True),
        "older_than_days": options.get("olderThanDays"),
    }
