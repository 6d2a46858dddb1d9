"""The company's numbers, and its answers for the states."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Scope
from accounts.api.base import idempotent
from campaigns.api.base import CampaignView
from campaigns.api.serializers import (
    SenderEdit,
    SenderInput,
    SenderSerializer,
    StateAnswerSerializer,
    StateAnswersInput,
)
from campaigns.models import Sender, StateAnswer
from campaigns.setup.senders import add_sender, change_sender, retire_sender
from campaigns.setup.state_answers import Given, answer_states
from common.api.base import ok
from common.api.lists import ListOf
from common.api.schema import answer, refusal
from leads.permission.selling import active_seller

NO_SELLER = refusal("The company profile is not set up")


SENDERS = ListOf("senders", SenderSerializer)


class SendersView(CampaignView):
    scopes = {"POST": Scope.MANAGE}

    @extend_schema(
        operation_id="listSenders",
        summary="My company's numbers, newest first; retired ones too",
        parameters=[SENDERS.query],
        responses=SENDERS.answer("SenderPage"),
    )
    def get(self, request: Request) -> Response:
        query = self.query(SENDERS.query)
        mine = Sender.objects.filter(seller__team_id=self.access.team_id)
        return SENDERS.respond(self, mine, query=query)

    @extend_schema(
        operation_id="addSender",
        summary="Add a number to send from",
        request=SenderInput,
        responses={201: answer("SenderMade", sender=SenderSerializer()), 409: NO_SELLER},
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        given = self.body(SenderInput)
        sender = add_sender(by=self.user, seller=self.seller(), **given)
        return ok(201, sender=SenderSerializer(sender).data)


class SenderView(CampaignView):
    scopes = {"PATCH": Scope.MANAGE, "DELETE": Scope.MANAGE}

    @extend_schema(
        operation_id="getSender", summary="A number", responses=answer("SenderAnswer", sender=SenderSerializer())
    )
    def get(self, request: Request, sender_id: UUID) -> Response:
        return ok(sender=SenderSerializer(self.sender(sender_id)).data)

    @extend_schema(
        operation_id="changeSender",
        summary="Its registration, its limit",
        request=SenderEdit,
        responses=answer("SenderChanged", sender=SenderSerializer()),
    )
    def patch(self, request: Request, sender_id: UUID) -> Response:
        sender = change_sender(sender=self.sender(sender_id), by=self.user, changes=self.body(SenderEdit))
        return ok(sender=SenderSerializer(sender).data)

    @extend_schema(
        operation_id="retireSender",
        summary="Use it no more",
        responses={
            200: answer("SenderRetired", sender=SenderSerializer()),
            409: refusal("A campaign that is not over sends from it"),
        },
    )
    def delete(self, request: Request, sender_id: UUID) -> Response:
        return ok(sender=SenderSerializer(retire_sender(sender=self.sender(sender_id), by=self.user)).data)


STATE_ANSWERS = ListOf("answers", StateAnswerSerializer, sorts={"state": "state"}, order="state")


class StateAnswersView(CampaignView):
    scopes = {"PUT": Scope.MANAGE}
    ANSWERED = answer("StateAnswers", answers=StateAnswerSerializer(many=True))

    @extend_schema(
        operation_id="listStateAnswers",
        summary="What my company answered for each state",
        parameters=[STATE_ANSWERS.query],
        responses=STATE_ANSWERS.answer("StateAnswerPage"),
    )
    def get(self, request: Request) -> Response:
        seller = active_seller(self.access.team_id)
        rows = StateAnswer.objects.filter(seller=seller).order_by("state") if seller else StateAnswer.objects.none()
        return STATE_ANSWERS.respond(self, list(rows))

    @extend_schema(
        operation_id="answerStates",
        summary="Say whether it is registered, exempt or stays out",
        request=StateAnswersInput,
        responses={200: ANSWERED, 409: NO_SELLER},
    )
    def put(self, request: Request) -> Response:
        given = [Given(**one) for one in self.body(StateAnswersInput)["answers"]]
        rows = answer_states(by=self.user, seller=self.seller(), answers=given)
        return ok(answers=StateAnswerSerializer(rows, many=True).data)
