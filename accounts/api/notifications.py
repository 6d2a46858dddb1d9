"""One's own notifications in a team, and how one wants to be notified."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Scope, access
from accounts.api.base import idempotent
from accounts.models import NoticeKind, NoticeMail, Notification
from accounts.notices import selectors
from accounts.notices.choices import Choices, change_choices, choices_of
from common.api.base import ApiView, ok
from common.api.lists import ListOf
from common.api.paging import PageQuery
from common.api.schema import answer
from common.api.serializers import CamelModelSerializer, FlagField, IdField, StrictSerializer, WholeField

IDS_MOST = 500


class NotificationsQuery(PageQuery):
    unread = FlagField(required=False, help_text="true: only those that are not read; false: only those that are")
    kind = serializers.ChoiceField(choices=NoticeKind.choices, required=False, help_text="Only of this kind")


class NotificationSerializer(CamelModelSerializer[Notification]):
    class Meta:
        model = Notification
        fields = ["id", "kind", "about", "about_id", "words", "created_at", "read_at"]


class ReadInput(StrictSerializer):
    ids = serializers.ListField(
        child=IdField(),
        min_length=1,
        max_length=IDS_MOST,
        required=False,
        help_text="These; those of others are passed over",
    )
    until = IdField(required=False, help_text="All up to this one, such as the first of the list")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) != 1:
            raise serializers.ValidationError({"ids": ["Give ids or until, and not both."]})
        return attrs


class NoticeChoiceSerializer(StrictSerializer):
    kind = serializers.ChoiceField(choices=NoticeKind.choices, help_text="What happened")
    onPages = FlagField(source="on_pages", required=False, help_text="In the list of notifications")
    email = serializers.ChoiceField(
        choices=NoticeMail.choices, required=False, help_text="off, soon (within minutes) or digest (once a day)"
    )


class ChoicesInput(StrictSerializer):
    digestHour = WholeField(
        source="digest_hour", required=False, min_value=0, max_value=23, help_text="0 to 23, by your clock"
    )
    kinds: Any = serializers.ListSerializer(child=NoticeChoiceSerializer(), required=False, max_length=len(NoticeKind))

    def validate_kinds(self, kinds: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if len({one["kind"] for one in kinds}) < len(kinds):
            raise serializers.ValidationError(["Name each kind once."])
        return kinds


class ChoicesSerializer(serializers.Serializer[Any]):
    digestHour = serializers.IntegerField(help_text="0 to 23, by your clock")
    kinds = NoticeChoiceSerializer(many=True)


def _told(found: Choices) -> dict[str, Any]:
    kinds = [{"kind": str(one.kind), "onPages": one.on_pages, "email": str(one.mail)} for one in found.kinds]
    return {"digestHour": found.digest_hour, "kinds": kinds}


NOTIFICATIONS = ListOf("notifications", NotificationSerializer, query=NotificationsQuery)


class NotificationsView(ApiView):
    for_callers = ("GET",)

    @extend_schema(
        operation_id="listNotifications",
        summary="My notifications of a team, newest first",
        parameters=[NOTIFICATIONS.query],
        responses=NOTIFICATIONS.answer(
            "NotificationPage",
            unread=serializers.IntegerField(help_text="Not read, over all pages; 100 stands for 100 and more"),
        ),
    )
    def get(self, request: Request) -> Response:
        query, rows = self.query(NOTIFICATIONS.query), selectors.notices_of(access(request))
        if "unread" in query:
            rows = rows.filter(read_at__isnull=query["unread"])
        if "kind" in query:
            rows = rows.filter(kind=query["kind"])
        unread = selectors.unread(access(request))
        return NOTIFICATIONS.respond(self, rows, query=query, more=lambda _: {"unread": unread})


class ReadView(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {"POST": Scope.READ}
    for_callers = ("POST",)

    @extend_schema(
        operation_id="readNotifications",
        summary="Mark notifications as read",
        request=ReadInput,
        responses=answer("NotificationsRead", marked=serializers.IntegerField(help_text="How many were unread")),
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        return ok(marked=selectors.mark_read(access(request), **self.body(ReadInput)))


class SettingsView(ApiView):
    teamless = True

    @extend_schema(
        operation_id="getNotificationSettings",
        summary="What I am notified of, and how",
        responses=answer("NotificationSettings", settings=ChoicesSerializer()),
    )
    def get(self, request: Request) -> Response:
        return ok(settings=_told(choices_of(self.user)))

    @extend_schema(
        operation_id="changeNotificationSettings",
        summary="Change it; what is not named stays",
        request=ChoicesInput,
        responses=answer("NotificationSettingsChanged", settings=ChoicesSerializer()),
    )
    def patch(self, request: Request) -> Response:
        body = self.body(ChoicesInput)
        kinds = {one["kind"]: (one.get("on_pages"), one.get("email")) for one in body.get("kinds", [])}
        return ok(settings=_told(change_choices(user=self.user, kinds=kinds, digest_hour=body.get("digest_hour"))))
