"""The rule table over HTTP: when each state allows a contact, and says who. Superusers enter rows on pages alone."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import Q
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns import clock
from campaigns.models import ContactRule, Emergency, RuleHoliday
from campaigns.rule_table.changing import JURISDICTIONS
from common.api.base import ApiView, ok
from common.api.schema import answer
from common.api.serializers import MomentField, StrictSerializer


class RulesQuery(StrictSerializer):
    on = serializers.DateField(required=False, help_text="The rows in force on this day; without it today")
    jurisdiction = serializers.ChoiceField(
        choices=[(place, place) for place in JURISDICTIONS], required=False, help_text="US-TX; without it all of them"
    )


class HoursSerializer(serializers.Serializer[Any]):
    open = serializers.CharField(help_text="08:00")
    close = serializers.CharField(help_text="21:00, exclusive")


class RuleSerializer(serializers.Serializer[Any]):
    jurisdiction = serializers.CharField(help_text="US, the floor under every state, or US-TX")
    channel = serializers.ChoiceField(
        choices=ContactRule.Channel.choices, help_text="any: calls and texts; e-mail is bound by rows that name it"
    )
    weekdays = HoursSerializer(allow_null=True, help_text="Local; null: closed")
    saturday = HoursSerializer(allow_null=True)
    sunday = HoursSerializer(allow_null=True)
    clock = serializers.ChoiceField(choices=ContactRule.Clock.choices)
    holidays = serializers.ChoiceField(choices=ContactRule.Holidays.choices)
    cap24h = serializers.IntegerField(allow_null=True, help_text="Attempts a person in 24 hours")
    gapMinutes = serializers.IntegerField(allow_null=True)
    cold = serializers.ChoiceField(choices=ContactRule.Cold.choices, help_text="Without written consent")
    fromDate = serializers.DateField()
    untilDate = serializers.DateField(allow_null=True, help_text="Until before this day; null: in force")
    source = serializers.CharField()  # type: ignore[assignment]  # a field's name, and no argument
    checkedOn = serializers.DateField()
    confidence = serializers.ChoiceField(choices=ContactRule.Confidence.choices)
    note = serializers.CharField()
    reason = serializers.CharField(help_text="Why it allows more than the row that came with the product")
    isShipped = serializers.BooleanField()


class HolidaySerializer(serializers.Serializer[Any]):
    jurisdiction = serializers.CharField()
    date = serializers.DateField()
    name = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]  # a field's name, and no argument


class EmergencySerializer(serializers.Serializer[Any]):
    jurisdiction = serializers.CharField()
    fromAt = MomentField(source="from_at")
    untilAt = MomentField(source="until_at", allow_null=True)
    reason = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]  # a field's name, and no argument


class RulesView(ApiView):
    for_callers = ("GET",)

    @extend_schema(
        operation_id="listRules",
        summary="When each state allows a contact: rows in force on a day, holidays from then on, emergencies not over",
        parameters=[RulesQuery],
        responses=answer(
            "RuleTable",
            on=serializers.DateField(),
            rules=RuleSerializer(many=True),
            holidays=HolidaySerializer(many=True),
            emergencies=EmergencySerializer(many=True),
        ),
    )
    def get(self, request: Request) -> Response:
        query = self.query(RulesQuery)
        now = clock.now()
        on: date = query.get("on") or now.date()
        where = {"jurisdiction": query["jurisdiction"]} if "jurisdiction" in query else {}
        rules = ContactRule.objects.filter(
            Q(until_date__isnull=True) | Q(until_date__gt=on), from_date__lte=on, **where
        ).order_by("jurisdiction", "channel")
        holidays = RuleHoliday.objects.filter(date__gte=on, **where).order_by("date", "jurisdiction")
        emergencies = Emergency.objects.filter(Q(until_at__isnull=True) | Q(until_at__gt=now), **where).order_by("pk")
        return ok(
            on=on.isoformat(),
            rules=RuleSerializer(map(_rule, rules), many=True).data,
            holidays=HolidaySerializer(holidays, many=True).data,
            emergencies=EmergencySerializer(emergencies, many=True).data,
        )


def _rule(row: ContactRule) -> dict[str, Any]:
    return {
        "jurisdiction": row.jurisdiction,
        "channel": row.channel,
        **{days: _hours(row, days) for days in ("weekdays", "saturday", "sunday")},
        "clock": row.clock,
        "holidays": row.holidays,
        "cap24h": row.cap_24h,
        "gapMinutes": row.gap_minutes,
        "cold": row.cold,
        "fromDate": row.from_date,
        "untilDate": row.until_date,
        "source": row.source,
        "checkedOn": row.checked_on,
        "confidence": row.confidence,
        "note": row.note,
        "reason": row.reason,
        "isShipped": row.by_id is None,
    }


def _hours(row: ContactRule, days: str) -> dict[str, Any] | None:
    opens, closes = getattr(row, f"{days}_open"), getattr(row, f"{days}_close")
    return None if opens is None else {"open": f"{opens:%H:%M}", "close": f"{closes:%H:%M}"}
