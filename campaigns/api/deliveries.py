"""Messages: what an operator says of one in doubt."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import idempotent
from campaigns.models import Delivery
from campaigns.sending.doubts import NotInDoubt, resolve
from common.api.base import NEEDS_ADMINISTRATOR, ApiView, Problem, not_found, ok, translates
from common.api.schema import answer, refusal
from common.api.serializers import StrictSerializer

SENT, NOT_SENT = "sent", "notSent"


@translates(NotInDoubt)
def not_in_doubt(_error: NotInDoubt) -> Problem:
    return Problem("NOT_IN_DOUBT", "It is known what became of this message: nothing is to be decided.", status=409)


class ResolveInput(StrictSerializer):
    outcome = serializers.ChoiceField(
        choices=[SENT, NOT_SENT], help_text="What you have found out. It is not sent again in either case"
    )
    reason = serializers.CharField(max_length=300, required=False, default="", allow_blank=True, help_text="How so")


class SentMessageSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    campaignId = serializers.UUIDField(source="campaign_id", allow_null=True)
    state = serializers.ChoiceField(choices=Delivery.State.choices)
    vendor = serializers.CharField()
    error = serializers.CharField(help_text="A code; empty where nothing is wrong")
    reason = serializers.CharField(source="error_words")


def permit(request: Request) -> None:
    """Raises a Problem for a user who may not change vendors: she decides about their bills, too."""
    user: Any = request.user
    if not user.has_perm("integrations.change_vendor"):
        raise Problem("FORBIDDEN", NEEDS_ADMINISTRATOR, status=403)


class ResolveView(ApiView):
    teamless = True  # an operator's: she sees neither number nor text

    @extend_schema(
        operation_id="resolveMessage",
        summary="Says what became of a message that needs a check, and so of its money",
        request=ResolveInput,
        responses={
            200: answer("ResolvedAnswer", delivery=SentMessageSerializer()),
            403: refusal("It needs an administrator"),
            409: refusal("Nothing is to be decided"),
        },
    )
    @idempotent(first=permit)
    def post(self, request: Request, delivery_id: UUID) -> Response:
        said = self.body(ResolveInput)
        try:
            row = resolve(
                delivery_id=delivery_id, was_sent=said["outcome"] == SENT, by=self.user, reason=said["reason"]
            )  # fmt: skip
        except Delivery.DoesNotExist:
            raise not_found("message") from None
        return ok(delivery=SentMessageSerializer(row).data)
