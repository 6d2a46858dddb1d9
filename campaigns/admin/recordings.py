"""Recorded voicemails: uploaded, listened to, versioned, retired."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.access import Scope, access
from accounts.selectors import user_of
from campaigns.models import Recording, RecordingFile
from campaigns.planning.refusals import CampaignError
from campaigns.voice import recordings
from campaigns.voice.audio import BYTES_MOST, SECONDS_MOST
from common.admin import Empty, ask, confirmed
from common.admin_teams import TeamAdmin, refuse

MEGABYTES = BYTES_MOST // 1024 // 1024


class RecordingForm(forms.Form):
    name = forms.CharField(max_length=recordings.NAME_MAX, help_text="A name that is known makes its next version")
    file = forms.FileField(
        label="MP3 or WAV file",
        help_text=f"At most {SECONDS_MOST} seconds and {MEGABYTES} MB",
        widget=forms.FileInput(attrs={"accept": "audio/mpeg,audio/wav"}),
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > BYTES_MOST:
            raise forms.ValidationError(f"A recording has at most {MEGABYTES} MB.")
        return file


@admin.register(Recording)
class RecordingAdmin(TeamAdmin):
    """What callers may play to a voicemail. Retired, never deleted: calls tell of it."""

    empty = Empty(
        "Recordings are what callers may play to a voicemail, where the owner has signed consent to recorded messages.",
        "Upload a recording",
        "campaigns_recording_add",
    )
    adds = Scope.MANAGE
    moments: ClassVar[Any] = {"created_at": "uploaded"}
    list_display = ("name", "version", "length", "listen", "created_at", "retired_at")
    ordering = ("name", "-version")
    fields = readonly_fields = ("name", "version", "file", "length", "listen", "sha256", "created_at", "retired_at")
    change_form_template = "admin/campaigns/recording/change_form.html"

    def get_urls(self) -> Any:
        inside: Any = self.admin_site.admin_view
        return [
            path("add/", inside(self.upload), name="campaigns_recording_add"),
            path("<uuid:recording_id>/file/", inside(self.sound), name="campaigns_recording_file"),
            path("<uuid:recording_id>/retire/", inside(self.retire), name="campaigns_recording_retire"),
            *super().get_urls(),
        ]

    @admin.display(description="length")
    def length(self, recording: Recording) -> str:
        return f"{recording.seconds} s"

    @admin.display(description="listen")
    def listen(self, recording: Recording) -> SafeString:
        words = '<audio controls preload="none" src="{}" aria-label="{}"></audio>'
        return format_html(words, reverse("admin:campaigns_recording_file", args=[recording.pk]), recording)

    def upload(self, request: HttpRequest) -> HttpResponse:
        team_id = access(request).team_id
        if team_id is None or not self.has_add_permission(request):
            raise refuse(Scope.MANAGE)
        form = RecordingForm(*((request.POST, request.FILES) if confirmed(request) else ()))
        if confirmed(request) and form.is_valid():
            file = form.cleaned_data["file"]
            try:
                made = recordings.upload(
                    by=user_of(request), team_id=team_id, name=form.cleaned_data["name"], content=file.read(),
                    file_name=file.name or "",
                )  # fmt: skip
            except CampaignError as error:
                form.add_error(error.field if error.field in form.fields else None, str(error))
            else:
                self.message_user(request, f"Saved: {made}, {made.seconds} seconds.", messages.SUCCESS)
                return redirect("admin:campaigns_recording_changelist")
        lines = [
            "It is played only where the owner has signed consent to recorded messages. Without it the caller speaks.",
            "Calls through Twilio alone can play it.",
        ]
        return ask(self, request, [], title="Upload a recording", lines=lines, button="Upload", form=form, is_free=True)

    def sound(self, request: HttpRequest, recording_id: UUID) -> HttpResponse:
        """The file, for whoever sees the recording."""
        recording = self._recording(request, recording_id)
        try:
            content = recordings.content_of(recording.pk)
        except RecordingFile.DoesNotExist as error:
            raise Http404("There is no such recording.") from error
        return HttpResponse(content, content_type=recording.kind, headers={"X-Content-Type-Options": "nosniff"})

    def retire(self, request: HttpRequest, recording_id: UUID) -> HttpResponse:
        if not self.has_add_permission(request):
            raise refuse(Scope.MANAGE)
        recording = self._recording(request, recording_id)
        if confirmed(request):
            recordings.retire(recording=recording, by=user_of(request))
            self.message_user(request, "Recording retired.", messages.SUCCESS)
            return redirect("admin:campaigns_recording_changelist")
        lines = ["Callers are not offered it any more, nor its older versions. Calls still tell what was played."]
        return ask(self, request, [], title=f"Retire {recording}", lines=lines, button="Retire", is_free=True)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        may_act = self.has_add_permission(request)
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "may_act": may_act})

    def _recording(self, request: HttpRequest, recording_id: UUID) -> Recording:
        found: Recording | None = self.get_queryset(request).filter(pk=recording_id).first()
        if found is None:
            raise Http404("There is no such recording.")
        return found
