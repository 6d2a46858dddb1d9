"""Recordings, one's own phone, and a recording played into a call."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Scope
from accounts.api.base import How, idempotent
from campaigns.api.base import CampaignView
from campaigns.models import Recording, RecordingFile
from campaigns.voice import agent_phone, phones, recordings, voicemail
from campaigns.voice.audio import BYTES_MOST
from common.api.base import ApiView, Problem, invalid, not_found, ok
from common.api.lists import ListOf
from common.api.parser import StrictJSONParser
from common.api.schema import answer, refusal
from common.api.serializers import CamelModelSerializer, IdField, MomentField, StrictSerializer
from common.api.throttles import VendorPostThrottle

SOUND = {(200, kind): OpenApiTypes.BINARY for kind in ("audio/mpeg", "audio/wav")}


class RecordingSerializer(CamelModelSerializer[Recording]):
    class Meta:
        model = Recording
        fields = ["id", "name", "version", "file", "kind", "seconds", "sha256", "created_at", "retired_at"]


class RecordingInput(StrictSerializer):
    name = serializers.CharField(max_length=recordings.NAME_MAX, help_text="One that is known: its next version")
    file = serializers.FileField(max_length=1000, help_text="MP3 or WAV, at most 60 seconds and 5 MB")


class _OfRecordings(CampaignView):
    for_callers: tuple[str, ...] = ("GET",)

    def recording(self, recording_id: UUID) -> Recording:
        found = Recording.objects.seen_by(self.access).filter(pk=recording_id).first()
        if found is None:
            raise not_found("recording")
        return found


RECORDINGS = ListOf("recordings", RecordingSerializer, sorts={"createdAt": "pk", "name": "name"})


class RecordingsView(_OfRecordings):
    scopes = {"POST": Scope.MANAGE}
    parser_classes = [MultiPartParser]

    def get_parsers(self) -> Any:
        """A form is posted; a list is asked for without one."""
        asked = getattr(self.request, "method", "POST")  # the description is made without a request
        return super().get_parsers() if asked == "POST" else [StrictJSONParser()]

    @extend_schema(
        operation_id="listRecordings",
        summary="Recorded voicemails, newest first; every version, retired ones too",
        parameters=[RECORDINGS.query],
        responses=RECORDINGS.answer("RecordingPage"),
    )
    def get(self, request: Request) -> Response:
        query = self.query(RECORDINGS.query)
        mine = Recording.objects.seen_by(self.access)
        return RECORDINGS.respond(self, mine, query=query)

    @extend_schema(
        operation_id="uploadRecording",
        summary="Upload a recorded voicemail, or its next version",
        request={"multipart/form-data": RecordingInput},
        responses={201: answer("RecordingMade", recording=RecordingSerializer())},
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        said = self.body(RecordingInput)
        file = said["file"]
        if file.size > BYTES_MOST:
            raise invalid("file", f"A recording has at most {BYTES_MOST // 1024 // 1024} MB.")
        made = recordings.upload(
            by=self.user, team_id=self.access.team_id, name=said["name"], content=file.read(),
            file_name=file.name or "",
        )  # fmt: skip
        return ok(201, recording=RecordingSerializer(made).data)


class RecordingView(_OfRecordings):
    scopes = {"DELETE": Scope.MANAGE}

    @extend_schema(
        operation_id="getRecording",
        summary="A recording",
        responses=answer("RecordingAnswer", recording=RecordingSerializer()),
    )
    def get(self, request: Request, recording_id: UUID) -> Response:
        return ok(recording=RecordingSerializer(self.recording(recording_id)).data)

    @extend_schema(
        operation_id="retireRecording",
        summary="Offer it no more",
        responses={200: answer("RecordingRetired", recording=RecordingSerializer())},
    )
    def delete(self, request: Request, recording_id: UUID) -> Response:
        retired = recordings.retire(recording=self.recording(recording_id), by=self.user)
        return ok(recording=RecordingSerializer(retired).data)


class RecordingFileView(_OfRecordings):
    @extend_schema(operation_id="listenToRecording", summary="The sound itself", responses=SOUND)
    def get(self, request: Request, recording_id: UUID) -> HttpResponse:
        return sound(self.recording(recording_id))


class PlayView(ApiView):
    """What Twilio plays: by a signed address, for ten minutes. Nobody signs in."""

    authentication_classes = []
    permission_classes = []
    throttle_classes = [VendorPostThrottle]

    def perform_content_negotiation(self, request: Request, *_: object, **__: object) -> Any:
        """With any Accept header."""
        return super().perform_content_negotiation(request, force=True)

    @extend_schema(exclude=True)
    def get(self, request: Request, name: str) -> HttpResponse:
        found = recordings.of_signature(name)
        if found is None:
            raise not_found("recording")
        return sound(found)


def sound(recording: Recording) -> HttpResponse:
    """The file as it was uploaded."""
    try:
        content = recordings.content_of(recording.pk)
    except RecordingFile.DoesNotExist as error:
        raise not_found("recording") from error
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Content-Disposition": "inline"}
    return HttpResponse(content, content_type=recording.kind, headers=headers)


# --- Voicemail --------------------------------------------------------------------------------------------------------


class VoicemailInput(StrictSerializer):
    recordingId = IdField(source="recording_id", help_text="Which recording to play")


class VoicemailView(CampaignView):
    scopes = {"POST": Scope.WRITE}
    for_callers = ("POST",)

    @extend_schema(
        operation_id="dropVoicemail",
        summary="Play a recording to whoever has picked up my call, and hang up: with signed consent alone",
        request=VoicemailInput,
        responses={
            200: answer("VoicemailDropped", callId=serializers.UUIDField(), recordingId=serializers.UUIDField()),
            409: refusal("No signed consent to recorded messages, the call is over, or it is by another phone"),
        },
    )
    @idempotent(How.BESIDE_WORK)
    def post(self, request: Request, call_id: UUID) -> Response:
        recording_id = self.body(VoicemailInput)["recording_id"]
        voicemail.drop(self.access, call_id, recording_id)
        return ok(callId=str(call_id), recordingId=str(recording_id))


# --- One's own phone --------------------------------------------------------------------------------------------------


class OwnPhoneSerializer(serializers.Serializer[Any]):
    phone = serializers.CharField(allow_blank=True, help_text="It rings first when I call by a vendor; '': none")
    confirmedAt = MomentField(allow_null=True)
    mode = serializers.ChoiceField(choices=["tel", "twilio", "signalhouse"], help_text="How calls are placed here")
    whyNotByVendor = serializers.CharField(allow_blank=True, help_text="Why I may not click to call; '': I may")
    callPrice = serializers.CharField(help_text="US dollars of a code that is spoken")
    textPrice = serializers.CharField(help_text="US dollars of a code that is texted")
    whyNoCall = serializers.CharField(allow_blank=True, help_text="Why no code can be spoken")
    whyNoText = serializers.CharField(allow_blank=True, help_text="Why no code can be texted")
    codeSentTo = serializers.CharField(allow_blank=True, help_text="The number whose code may be typed now")


class OwnPhoneInput(StrictSerializer):
    phone = serializers.CharField(max_length=40, help_text="(614) 555-0142")
    by = serializers.ChoiceField(choices=["call", "text"], help_text="How the code is told; it costs the price")


class CodeInput(StrictSerializer):
    code = serializers.CharField(max_length=20, help_text="Six digits")


class PhoneView(CampaignView):
    scopes = {"PUT": Scope.WRITE, "DELETE": Scope.READ}
    for_callers = ("GET", "PUT", "DELETE")
    ANSWERED = answer("OwnPhoneAnswer", phone=OwnPhoneSerializer())

    @extend_schema(operation_id="getOwnPhone", summary="My own phone, and what a code costs", responses=ANSWERED)
    def get(self, request: Request) -> Response:
        return ok(phone=told(self.access))

    @extend_schema(
        operation_id="askForCode",
        summary="Tell a code to my own phone: it costs money",
        request=OwnPhoneInput,
        responses={200: ANSWERED, 409: refusal("No vendor, no money, or five codes today")},
    )
    def put(self, request: Request) -> Response:
        said = self.body(OwnPhoneInput)
        agent_phone.ask_code(self.access, phone=said["phone"], by_text=said["by"] == "text")
        return ok(phone=told(self.access))

    @extend_schema(operation_id="removeOwnPhone", summary="Call by tel: again", responses={200: ANSWERED})
    def delete(self, request: Request) -> Response:
        agent_phone.remove(user=self.user)
        return ok(phone=told(self.access))


class PhoneConfirmView(CampaignView):
    scopes = {"POST": Scope.WRITE}
    for_callers = ("POST",)

    @extend_schema(
        operation_id="confirmOwnPhone",
        summary="Type the code that was told",
        request=CodeInput,
        responses={200: PhoneView.ANSWERED, 409: refusal("No code was asked for")},
    )
    @idempotent(How.BESIDE_WORK)  # a refusal is counted, and must not be undone with the request
    def post(self, request: Request) -> Response:
        agent_phone.confirm(user=self.user, code=self.body(CodeInput)["code"])
        return ok(phone=told(self.access))


def told(access: Any) -> dict[str, Any]:
    """`OwnPhoneSerializer`'s."""
    user, ways, code = access.user, agent_phone.ways(access), agent_phone.waiting(access.user)
    if access.team_id is None:
        raise Problem("FORBIDDEN", "You are in no team.", status=403)
    return {
        "phone": user.agent_phone, "confirmedAt": user.agent_phone_verified_at, "mode": phones.mode(),
        "whyNotByVendor": phones.why_not(access), "callPrice": str(agent_phone.price(by_text=False)),
        "textPrice": str(agent_phone.price(by_text=True)), "whyNoCall": ways["call"], "whyNoText": ways["text"],
        "codeSentTo": code.phone if code else "",
    }  # fmt: skip
