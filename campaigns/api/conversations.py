"""The Inbox: conversations with owners, and messages that a person writes."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Scope, access
from accounts.api.base import idempotent
from campaigns.inbound import history, manual, talks
from campaigns.models import Conversation, Delivery
from campaigns.sending.queue import MAIL_MOST, CannotQueue
from common.api.base import ApiView, Problem, not_found, ok, translates
from common.api.lists import ListOf
from common.api.paging import PageQuery
from common.api.schema import answer
from common.api.serializers import CamelModelSerializer, FlagField, IdField, MomentField, Nothing, StrictSerializer
from common.contact_access import masked_email, masked_phone, masked_text, sees_contacts
from leads.models import Lead
from leads.selection.assignment import members_named

CALLERS = ("GET", "POST")


@translates(talks.BadTalk)
def _bad_talk(error: talks.BadTalk) -> Problem:
    return _refused(str(error), error.field, error.code)


@translates(CannotQueue)
def _cannot_queue(error: CannotQueue) -> Problem:
    return _refused(str(error), error.field, error.code)


def _refused(words: str, field: str, code: str) -> Problem:
    if field:
        return Problem("INVALID", f"{field}: {words}", fields={field: [words]})
    return Problem(code or "CONFLICT", words, status=404 if code == "NOT_FOUND" else 409)


class ConversationsQuery(PageQuery):
    state = serializers.ChoiceField(
        choices=Conversation.State.choices, required=False, help_text="open, held, waiting, closed; none: not closed"
    )
    leadId = IdField(source="lead_id", required=False, help_text="About this lead")
    mine = FlagField(required=False, help_text="Only those assigned to me")


class ReplyInput(StrictSerializer):
    text = serializers.CharField(
        max_length=MAIL_MOST,
        trim_whitespace=False,
        help_text=f"What to say; of a text message at most {talks.TEXT_MOST}",
    )


class LeadMessageInput(ReplyInput):
    channel = serializers.ChoiceField(choices=["sms", "email"], default="sms", help_text="A text, or an e-mail")
    subject = serializers.CharField(required=False, max_length=400, help_text="Of an e-mail")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["channel"] == "email" and "subject" not in attrs:
            raise serializers.ValidationError({"subject": "Write a subject."})
        if attrs["channel"] != "email" and "subject" in attrs:
            raise serializers.ValidationError({"subject": "A text message has no subject."})
        return attrs


class AssignConversationInput(StrictSerializer):
    to = serializers.CharField(
        allow_null=True, max_length=150, help_text="Member by id or user name; null: nobody in particular"
    )


class DecideInput(StrictSerializer):
    optOut = FlagField(source="is_opt_out", help_text="Whether their last message was an opt-out")


class ConversationSerializer(CamelModelSerializer[Conversation]):
    number = serializers.SerializerMethodField(
        help_text="Theirs, or their e-mail address, by channel; masked without the scope contacts"
    )
    assigned_to = serializers.CharField(source="assigned_to_id", allow_null=True, read_only=True)
    lead_id = serializers.UUIDField(allow_null=True, read_only=True)

    class Meta:
        model = Conversation
        fields = [
            "id", "lead_id", "channel", "number", "state", "assigned_to", "opened_at", "last_in_at", "last_out_at",
            "close_at", "decide_by", "is_read",
        ]  # fmt: skip

    def get_number(self, talk: Conversation) -> str | None:
        if talk.address is None:
            return None
        if sees_contacts(self.context["request"]):
            return talk.address
        return masked_email(talk.address) if "@" in talk.address else masked_phone(talk.address)


class WordSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    direction = serializers.ChoiceField(choices=["in", "out"], help_text="in: theirs")
    channel = serializers.ChoiceField(choices=["sms", "email"])
    subject = serializers.CharField(allow_null=True, help_text="Of an e-mail; null: of a text, or forgotten")
    text = serializers.CharField(allow_null=True, help_text="null: forgotten; contacts in it are masked")
    at = MomentField()
    meaning = serializers.CharField(allow_blank=True, help_text="Theirs: opt_out, wrong, help, start, ask, reply")
    state = serializers.CharField(allow_blank=True, help_text="Ours: due, accepted, delivered, refused, …")
    error = serializers.CharField(allow_blank=True, help_text="Ours: the rule or the vendor's code that stopped it")
    by = serializers.CharField(allow_null=True, help_text="Ours: who wrote it, a user's id; null: sent by itself")


def shown_word(word: history.Word, request: Any) -> dict[str, Any]:
    shows = sees_contacts(request)
    text, subject = (one if one is None or shows else masked_text(one) for one in (word.text, word.subject))
    by = None if word.by is None else str(word.by)
    return {"id": word.id, "direction": "in" if word.is_theirs else "out", "channel": word.channel,
            "subject": subject, "text": text, "at": word.at, "meaning": word.meaning, "state": word.state,
            "error": word.error, "by": by}  # fmt: skip


class TalkBase(ApiView):
    for_callers = CALLERS

    def talk(self, talk_id: UUID) -> Conversation:
        rows = Conversation.objects.seen_by(access(self.request)).select_related("team", "key", "sender", "lead")
        found = rows.filter(pk=talk_id).first()
        if found is None:
            raise not_found("conversation")
        return found

    def shown(self, talk: Conversation) -> dict[str, Any]:
        data: dict[str, Any] = ConversationSerializer(talk, context={"request": self.request}).data
        return data


CONVERSATIONS = ListOf(
    "conversations",
    ConversationSerializer,
    query=ConversationsQuery,
    sorts={"openedAt": "pk", "lastInAt": "last_in_at"},
    order="-openedAt",
)


class ConversationsView(TalkBase):
    @extend_schema(
        operation_id="listConversations",
        summary="My team's conversations, the latest first",
        parameters=[CONVERSATIONS.query],
        responses=CONVERSATIONS.answer("Conversations"),
    )
    def get(self, request: Request) -> Response:
        asked = self.query(CONVERSATIONS.query)
        rows = Conversation.objects.seen_by(access(request))
        rows = rows.filter(state=asked["state"]) if "state" in asked else rows.exclude(state="closed")
        if "lead_id" in asked:
            rows = rows.filter(lead_id=asked["lead_id"])
        if asked.get("mine"):
            rows = rows.filter(assigned_to=self.user)
        return CONVERSATIONS.respond(self, rows, query=asked, context=lambda _: {"request": request})


class ConversationView(TalkBase):
    @extend_schema(
        operation_id="getConversation",
        summary="A conversation, word for word",
        responses=answer(
            "ConversationAnswer", conversation=ConversationSerializer(), messages=WordSerializer(many=True)
        ),
    )
    def get(self, request: Request, talk_id: UUID) -> Response:
        talk = self.talk(talk_id)
        words = [shown_word(word, request) for word in history.words(talk)]
        return ok(conversation=self.shown(talk), messages=WordSerializer(words, many=True).data)


class ReplyView(TalkBase):
    scopes: ClassVar[dict[str, Scope]] = {"POST": Scope.CONTACTS}

    @extend_schema(
        operation_id="replyInConversation",
        summary="Answer them, through the same gate as every message",
        request=ReplyInput,
        responses={202: answer("Replied", message=WordSerializer())},
    )
    @idempotent()
    def post(self, request: Request, talk_id: UUID) -> Response:
        talk = self.talk(talk_id)
        sent = talks.reply(talk=talk, by=self.user, **self.body(ReplyInput))
        return ok(202, message=_sent(sent, request))


class AssignView(TalkBase):
    @extend_schema(
        operation_id="assignConversation",
        summary="Say who answers",
        request=AssignConversationInput,
        responses=answer("Assigned", conversation=ConversationSerializer()),
    )
    @idempotent()
    def post(self, request: Request, talk_id: UUID) -> Response:
        talk, name = self.talk(talk_id), self.body(AssignConversationInput)["to"]
        to = members_named(talk.team_id, [name])[0] if name is not None else None
        return ok(conversation=self.shown(talks.assign(talk=talk, by=self.user, to=to)))


class CloseView(TalkBase):
    @extend_schema(
        operation_id="closeConversation",
        summary="End it; their next message opens a new one",
        request=Nothing,
        responses=answer("Closed", conversation=ConversationSerializer()),
    )
    @idempotent()
    def post(self, request: Request, talk_id: UUID) -> Response:
        talk = self.talk(talk_id)
        self.body(Nothing)
        return ok(conversation=self.shown(talks.close(talk=talk, by=self.user)))


class DecideView(TalkBase):
    @extend_schema(
        operation_id="decideConversation",
        summary="Say whether words that may be an opt-out were one",
        description="Undecided after 24 hours they count as one.",
        request=DecideInput,
        responses=answer("Decided", conversation=ConversationSerializer()),
    )
    @idempotent()
    def post(self, request: Request, talk_id: UUID) -> Response:
        talk, said = self.talk(talk_id), self.body(DecideInput)
        return ok(conversation=self.shown(talks.decide(talk=talk, by=self.user, **said)))


class LeadMessagesView(ApiView):
    scopes: ClassVar[dict[str, Scope]] = {"POST": Scope.CONTACTS}
    for_callers = ("POST",)

    @extend_schema(
        operation_id="textLead",
        summary="Text a lead's owner, or write an e-mail, through the same gate as every message",
        request=LeadMessageInput,
        responses={202: answer("Texted", message=WordSerializer())},
    )
    @idempotent()
    def post(self, request: Request, lead_id: UUID) -> Response:
        lead = Lead.objects.worked_by(access(request)).filter(pk=lead_id).first()
        if lead is None:
            raise not_found("lead")
        said = self.body(LeadMessageInput)
        by_mail = said.pop("channel") == "email"
        sent = (manual.mail if by_mail else manual.text)(lead=lead, by=self.user, **said)
        return ok(202, message=_sent(sent, request))


def _sent(sent: Delivery, request: Request) -> dict[str, Any]:
    data: dict[str, Any] = WordSerializer(shown_word(history.word(sent), request)).data
    return data
