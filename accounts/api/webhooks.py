"""A team's webhooks, for whoever may manage it."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Scope, access
from accounts.api.base import idempotent
from accounts.models import WebhookDelivery, WebhookEndpoint
from accounts.models.webhook import URL_MAX
from accounts.webhooks import services
from accounts.webhooks.registries import events
from accounts.webhooks.selectors import webhooks_of
from common.api.base import ApiView, Problem, not_found, ok, translates
from common.api.lists import ListOf
from common.api.schema import answer
from common.api.serializers import (
    CamelModelSerializer,
    FlagField,
    IdField,
    MomentField,
    Nothing,
    ObjectField,
    StrictSerializer,
)

SIGNS = "Signs its events, by Standard Webhooks; shown this once"


@translates(services.WebhookRefused)
def _refused(error: services.WebhookRefused) -> Problem:
    words = str(error)
    if not error.field:
        return Problem("WEBHOOK_REFUSED", words, status=409)
    return Problem("INVALID", f"{error.field}: {words}", fields={error.field: [words]})


class EventsField(serializers.ListField):
    """Names of events; which there are, the service says."""

    def __init__(self, **options: Any) -> None:
        names = serializers.CharField(max_length=40)
        super().__init__(child=names, max_length=100, help_text="Such as run.completed", **options)


class WebhookEdit(StrictSerializer):
    url = serializers.CharField(max_length=URL_MAX, required=False, help_text="https://…, on the internet")
    events = EventsField(required=False)
    isOn = FlagField(source="is_on", required=False, help_text="Off: nothing is sent, and no events are kept")


class WebhookInput(StrictSerializer):
    url = serializers.CharField(max_length=URL_MAX, help_text="https://…, on the internet")
    events = EventsField()


class ReplayInput(StrictSerializer):
    deliveryId = IdField(source="delivery_id", required=False, help_text="This one; else all that failed")
    since = MomentField(required=False, help_text="Only those that happened since")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) == 2:
            raise serializers.ValidationError({"since": ["Give deliveryId or since, not both."]})
        if "since" in attrs and attrs["since"].tzinfo is None:  # by the clock of who asks
            attrs["since"] = attrs["since"].replace(tzinfo=timezone.get_current_timezone())
        return attrs


class WebhookSerializer(CamelModelSerializer[WebhookEndpoint]):
    events = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = WebhookEndpoint
        fields = ["id", "url", "events", "is_on", "reason", "old_secret_until", "answered_at", "created_at"]


class DeliverySerializer(CamelModelSerializer[WebhookDelivery]):
    data = ObjectField(read_only=True)  # type: ignore[assignment]  # not the serializer's own

    class Meta:
        model = WebhookDelivery
        fields = [
            "id", "event", "object_id", "sequence", "data", "status", "attempts", "not_before", "tried_at",
            "response_status", "error", "created_at",
        ]  # fmt: skip


class WebhookBase(ApiView):
    scopes: ClassVar[dict[str, Scope]] = dict.fromkeys(("GET", "POST", "PATCH", "DELETE"), Scope.MANAGE)
    needs_proof = ("POST", "PATCH", "DELETE")

    def webhook(self, webhook_id: UUID) -> WebhookEndpoint:
        found = webhooks_of(access(self.request)).filter(pk=webhook_id).first()
        if found is None:
            raise not_found("webhook")
        return found


WEBHOOKS = ListOf("webhooks", WebhookSerializer, sorts={"createdAt": "pk", "url": "url"}, order="createdAt")


class WebhooksView(WebhookBase):
    @extend_schema(
        operation_id="listWebhooks",
        summary="My team's webhooks, and the events there are",
        parameters=[WEBHOOKS.query],
        responses=WEBHOOKS.answer(
            "Webhooks",
            events=serializers.DictField(child=serializers.CharField(), help_text="Each with its sentence"),
        ),
    )
    def get(self, request: Request) -> Response:
        return WEBHOOKS.respond(self, webhooks_of(access(request)), more=lambda _: {"events": events()})

    @extend_schema(
        operation_id="createWebhook",
        summary="Send events of my team to a URL",
        request=WebhookInput,
        responses={
            201: answer("WebhookMade", webhook=WebhookSerializer(), secret=serializers.CharField(help_text=SIGNS))
        },
    )
    @idempotent(shows_secret=True)
    def post(self, request: Request) -> Response:
        team_id: Any = access(request).team_id  # who may manage is in a team
        made, secret = services.create_endpoint(by=self.user, team_id=team_id, **self.body(WebhookInput))
        shown = WebhookSerializer(made).data
        return ok(201, webhook=shown, secret=secret, headers={"Cache-Control": "no-store"})


class WebhookView(WebhookBase):
    @extend_schema(
        operation_id="getWebhook", summary="A webhook", responses=answer("WebhookAnswer", webhook=WebhookSerializer())
    )
    def get(self, request: Request, webhook_id: UUID) -> Response:
        return ok(webhook=WebhookSerializer(self.webhook(webhook_id)).data)

    @extend_schema(
        operation_id="changeWebhook",
        summary="Change its URL or events, or turn it off and on",
        request=WebhookEdit,
        responses=answer("WebhookChanged", webhook=WebhookSerializer()),
    )
    def patch(self, request: Request, webhook_id: UUID) -> Response:
        webhook, changes = self.webhook(webhook_id), self.body(WebhookEdit)
        changed = services.change_endpoint(endpoint=webhook, by=self.user, changes=changes)
        return ok(webhook=WebhookSerializer(changed).data)

    @extend_schema(
        operation_id="deleteWebhook",
        summary="Delete it with its deliveries",
        responses={200: answer("WebhookDeleted", id=serializers.UUIDField())},
    )
    def delete(self, request: Request, webhook_id: UUID) -> Response:
        services.delete_endpoint(endpoint=self.webhook(webhook_id), by=self.user)
        return ok(id=webhook_id)


class SecretView(WebhookBase):
    @extend_schema(
        operation_id="rotateWebhookSecret",
        summary="A new secret; for 24 hours events are signed with the one before as well",
        request=Nothing,
        responses=answer("WebhookSecret", secret=serializers.CharField(help_text=SIGNS)),
    )
    @idempotent(shows_secret=True)
    def post(self, request: Request, webhook_id: UUID) -> Response:
        webhook = self.webhook(webhook_id)
        self.body(Nothing)
        secret = services.rotate_secret(endpoint=webhook, by=self.user)
        return ok(secret=secret, headers={"Cache-Control": "no-store"})


class TestEventView(WebhookBase):
    @extend_schema(
        operation_id="testWebhook",
        summary="Send it the event webhook.test",
        request=Nothing,
        responses={202: answer("WebhookTested", delivery=DeliverySerializer())},
    )
    @idempotent()
    def post(self, request: Request, webhook_id: UUID) -> Response:
        webhook = self.webhook(webhook_id)
        self.body(Nothing)
        return ok(202, delivery=DeliverySerializer(services.send_test(endpoint=webhook)).data)


DELIVERIES = ListOf("deliveries", DeliverySerializer)


class DeliveriesView(WebhookBase):
    @extend_schema(
        operation_id="listWebhookDeliveries",
        summary="What was sent to it, newest first",
        parameters=[DELIVERIES.query],
        responses=DELIVERIES.answer("DeliveryPage"),
    )
    def get(self, request: Request, webhook_id: UUID) -> Response:
        query = self.query(DELIVERIES.query)
        sent = WebhookDelivery.objects.filter(endpoint=self.webhook(webhook_id))
        return DELIVERIES.respond(self, sent, query=query)


class ReplayView(WebhookBase):
    @extend_schema(
        operation_id="replayWebhook",
        summary="Send again, under the same ids: one delivery, or all that failed",
        request=ReplayInput,
        responses={202: answer("WebhookReplayed", queued=serializers.IntegerField())},
    )
    @idempotent()
    def post(self, request: Request, webhook_id: UUID) -> Response:
        webhook, given = self.webhook(webhook_id), self.body(ReplayInput)
        return ok(202, queued=services.replay(endpoint=webhook, **given))
