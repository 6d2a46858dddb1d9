"""The audit in the API: a manager's team's, a superuser's all."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Scope, access
from accounts.actions import ACTIONS
from accounts.audit import values_of
from accounts.models import AuditEvent
from common.api.base import ApiView
from common.api.lists import EVERYWHERE, ListOf
from common.api.paging import PageQuery
from common.api.serializers import MomentField, ObjectField, WholeField
from operations.audit.reading import Chosen, events


class AuditQuery(PageQuery):
    user = serializers.CharField(required=False, max_length=150, help_text="Who did it: a user name")
    action = serializers.ChoiceField(required=False, choices=sorted(ACTIONS), help_text="What, such as run.started")
    kind = serializers.CharField(required=False, max_length=60, help_text="What it was done to, such as run")
    objectId = serializers.CharField(source="object_id", required=False, max_length=64, help_text="Its id")
    teamId = WholeField(
        source="team_id",
        required=False,
        min_value=1,
        max_value=2**63 - 1,
        help_text="In which team; yours unless you are a superuser",
    )
    since = MomentField(required=False, help_text="From then on")
    until = MomentField(required=False, help_text="Before then")


class AuditEventSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    at = MomentField()
    action = serializers.CharField()
    teamId = serializers.IntegerField(allow_null=True)
    userId = serializers.IntegerField(allow_null=True)
    userName = serializers.CharField(help_text="Empty: nobody signed in, or a worker")
    tokenKey = serializers.CharField(help_text="The beginning of the API token")
    address = serializers.CharField(allow_null=True)
    requestId = serializers.CharField(help_text="X-Request-Id of the answer")
    kind = serializers.CharField()
    objectId = serializers.CharField()
    objectName = serializers.CharField()
    before = ObjectField(allow_null=True)
    after = ObjectField(allow_null=True)


AUDIT = ListOf("events", AuditEventSerializer, query=AuditQuery, sorts={"at": "pk"}, order="-at")


class AuditView(ApiView):
    scopes = {"GET": Scope.MANAGE}

    @extend_schema(
        operation_id="listAuditEvents",
        summary="Who did what in my team, newest first",
        parameters=[AUDIT.query],
        responses=AUDIT.answer("AuditPage"),
    )
    def get(self, request: Request) -> Response:
        query = self.query(AUDIT.query)
        chosen = {name: value for name, value in query.items() if name not in EVERYWHERE}
        found = events(AuditEvent.objects.seen_by(access(request)), Chosen(**chosen))
        return AUDIT.respond(self, found, query=query, into=lambda rows: list(map(values_of, rows)))
