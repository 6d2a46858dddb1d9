"""A recording is played with signed consent alone; the vendor fetches it by an address that is good for ten minutes."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import AuditEvent, Membership, User
from campaigns.dialing import calling
from campaigns.models import CallAttempt, Recording, RecordingFile
from campaigns.planning.refusals import CampaignError
from campaigns.voice import recordings, registering, voicemail
from integrations.vendors import voice
from integrations.vendors.errors import NotSent
from leads.models import Consent
from leads.permission.consenting import give
from leads.permission.suppressing import suppress
from sandbox.server import Sandbox
from tests.api.client import Api, body_of, refused
from tests.campaigns.sending.world import NOON
from tests.campaigns.voice.sounds import mp3, wav
from tests.campaigns.voice.world import AGENT, CHILD, OWN, PARENT, World, make_world
from tests.support import PATIENCE

pytestmark = pytest.mark.django_db
TEXT = "I agree to recorded messages from Acme Homes LLC at this number. Consent is no condition of a purchase."


@pytest.fixture
def world(settings: Any) -> World:
    settings.PUBLIC_URL = OWN
    return make_world(settings)


def agree(world: World, **more: Any) -> Consent:
    values: dict[str, Any] = {
        "channel": "prerecorded", "kind": "written", "how": "paper", "text": TEXT, "seller": world.seller,
        "given_at": NOON - timedelta(days=2), "at": NOON,
    }  # fmt: skip
    return give((1, world.number()), **values | more)


def talking(world: World, **more: Any) -> CallAttempt:
    values: dict[str, Any] = {"state": "talking", "agent_vendor_id": PARENT, "vendor_id": CHILD, "sender": world.sender}
    return world.attempt(**values | more)


def record_one(world: World, name: str = "Hello", content: bytes = b"") -> Recording:
    return recordings.upload(
        by=world.user, team_id=world.team_id, name=name, content=content or wav(3), file_name="hello.wav"
    )


def test_without_signed_consent_to_recorded_messages_the_button_says_why(world: World) -> None:
    attempt = talking(world)
    assert "No signed consent to recorded messages" in registering.why_no_voicemail(attempt), "texts are no voicemail"
    agree(world, kind="express")
    assert "No signed consent" in registering.why_no_voicemail(attempt), "a spoken one is not enough"
    agree(world, given_at=NOON - timedelta(days=900), at=NOON - timedelta(days=900))
    assert "No signed consent" in registering.why_no_voicemail(attempt), "24 months"
    with pytest.raises(voicemail.CannotDrop, match="No signed consent"):
        registering.drop_voicemail(world.access, attempt.pk, record_one(world).pk)
    attempt.refresh_from_db()
    assert attempt.recording_id is None
    agree(world)
    assert registering.why_no_voicemail(attempt) == ""
    suppress([(1, world.number())], reason="stop", source="inbound:1", spread=True)
    assert registering.why_no_voicemail(attempt) == "This number has opted out."


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"mode": "tel"}, "only in calls that Twilio places"),
        ({"mode": "signalhouse"}, "plays no recordings"),
        ({"state": "ringing"}, "Nobody has picked up"),
        ({"state": "ended", "ended_at": NOON}, "over"),
    ],
)
def test_by_another_phone_before_and_after_the_call_it_is_absent_with_the_reason(
    world: World, changes: dict[str, Any], words: str
) -> None:
    agree(world)
    assert words in registering.why_no_voicemail(talking(world, **changes))


def until(attempt: CallAttempt, state: str) -> None:
    """Waits until it is so, as the vendor's posts have it."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        attempt.refresh_from_db()
        if attempt.state == state and (state != "talking" or attempt.answered_by):
            return
        time.sleep(0.02)
    raise AssertionError(f"{attempt.state} is not {state}: {attempt.error_words}")


@pytest.mark.django_db(transaction=True)
def test_a_call_by_click_from_her_phone_to_the_recording_on_their_machine(
    vendor: Sandbox, settings: Any, live_server: Any
) -> None:
    """Whole, over sockets: pressed, bridged under the gate, a machine answers, the recording is fetched and played."""
    settings.PUBLIC_URL, settings.VOICE_AMD = live_server.url, True
    world = make_world(settings)
    agree(world)
    recording = record_one(world, content=mp3(4))
    vendor.messaging.call_numbers.order({AGENT: {"rings": 0.5}, world.number(): {"do": "beep", "talks": None}})
    attempt = calling.place_call(world.access, lead_id=world.leads[0].pk, number=world.number(), mode="twilio")

    until(attempt, "talking")
    assert attempt.answered_by == "machine_end_beep"
    registering.drop_voicemail(world.access, attempt.pk, recording.pk)
    until(attempt, "ended")
    legs = {leg["to"]: leg for leg in vendor.messaging.phones.log({})["calls"]}
    (played,) = legs[world.number()]["played"]
    assert (played["status"], played["bytes"], played["type"]) == (200, len(mp3(4)), "audio/mpeg")
    assert (attempt.dial_status, registering.suggested(attempt), attempt.recording_id) == (
        "completed", "voicemail", recording.pk,
    )  # fmt: skip
    assert attempt.recorded_consent_id and AuditEvent.objects.filter(action="voicemail.dropped").count() == 1
    with pytest.raises(voicemail.CannotDrop, match="played already"):
        registering.drop_voicemail(world.access, attempt.pk, recording.pk)


@pytest.mark.django_db(transaction=True)
def test_her_own_voicemail_picks_up_and_the_owner_is_never_dialed(
    vendor: Sandbox, settings: Any, live_server: Any
) -> None:
    settings.PUBLIC_URL, settings.VOICE_CONFIRM = live_server.url, True
    world = make_world(settings)
    vendor.messaging.call_numbers.order({AGENT: {"do": "no_key", "rings": 0.5}})
    attempt = calling.place_call(world.access, lead_id=world.leads[0].pk, number=world.number(), mode="twilio")
    until(attempt, "ended")
    assert (attempt.state, attempt.error_words) == ("ended", "No key was pressed on your phone.")
    (leg,) = vendor.messaging.phones.log({})["calls"]
    assert (leg["to"], leg["said"]) == (AGENT, ["Press any key to call the owner."])


def _raise(error: Exception) -> None:
    raise error


def test_where_the_vendor_says_no_the_call_forgets_it_and_where_it_is_silent_it_does_not(
    world: World, vendor: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    agree(world)
    attempt, recording = talking(world), record_one(world)
    with pytest.raises(voicemail.CannotDrop, match="not played"):  # the vendor has no such call
        registering.drop_voicemail(world.access, attempt.pk, recording.pk)
    attempt.refresh_from_db()
    assert attempt.recording_id is None
    for status in (500, 408, 200):  # 200: it played it, and what it answered cannot be read
        failure = NotSent("The vendor broke.", status=status)
        with monkeypatch.context() as broken:
            broken.setattr(voice, "play", lambda *_, failure=failure: _raise(failure))
            with pytest.raises(voicemail.CannotDrop, match="may have been played"):
                registering.drop_voicemail(world.access, attempt.pk, recording.pk)
        attempt.refresh_from_db()
        assert attempt.recording_id == recording.pk and attempt.recorded_consent_id, "never a second time"
        CallAttempt.objects.filter(pk=attempt.pk).update(recording=None)
    vendor.stop()
    with pytest.raises(voicemail.CannotDrop, match="may have been played"):
        registering.drop_voicemail(world.access, attempt.pk, recording.pk)
    attempt.refresh_from_db()
    assert attempt.recording_id == recording.pk


def test_the_address_serves_the_file_for_ten_minutes_and_only_as_signed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = record_one(world)
    url = recordings.signed_url(talking(world), recording).removeprefix(OWN)
    answer = Client().get(url)
    assert (answer.status_code, answer["Content-Type"], answer.content) == (200, "audio/wav", wav(3))
    assert answer["Cache-Control"] == "no-store"
    for wrong in (url[:-1] + ("a" if url[-1] != "a" else "b"), "/api/recordings/play/x", url.replace(":", ".")):
        assert Client().get(wrong).status_code == 404
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 601)
    assert Client().get(url).status_code == 404


def test_recordings_are_uploaded_versioned_listened_to_and_retired_over_the_api(world: World, settings: Any) -> None:
    api = Api(world.user)

    def upload(name: str, content: bytes) -> Any:
        file = SimpleUploadedFile("C:\\sounds\\hello.wav", content)
        return api.client.post("/api/recordings", {"name": name, "file": file}, headers=api.headers)

    first = body_of(upload("Hello", wav(3)), 201)["recording"]
    assert (first["version"], first["seconds"], first["kind"]) == (1, 3, "audio/wav")
    second = body_of(upload("hello", mp3(4)), 201)["recording"]
    assert (second["name"], second["version"], second["kind"]) == ("Hello", 2, "audio/mpeg")
    assert "MP3" in refused(upload("Bad", b"x" * 500), 400, "file")
    assert refused(upload("  ", wav(1)), 400, "name")
    assert [one.pk.hex for one in registering.recordings(world.access)] == [second["id"].replace("-", "")]
    listened = api.get(f"/api/recordings/{first['id']}/file")
    assert (listened.status_code, listened.content) == (200, wav(3)), "what was played stays known"

    caller = User.objects.create_user("cal")
    Membership.objects.filter(user=caller).delete()
    Membership.objects.create(user=caller, team_id=world.team_id, role="caller")
    hers = Api(caller)
    assert len(body_of(hers.get("/api/recordings"))["recordings"]) == 2
    assert hers.upload("/api/recordings", wav(1)).status_code == 403
    assert hers.delete(f"/api/recordings/{first['id']}").status_code == 403
    other = Api(User.objects.create_user("eve"))
    assert other.get(f"/api/recordings/{first['id']}").status_code == 404
    assert other.get(f"/api/recordings/{first['id']}/file").status_code == 404

    assert body_of(api.delete(f"/api/recordings/{second['id']}"))["recording"]["retiredAt"]
    assert not registering.recordings(world.access), "its older versions are not offered either"
    attempt = talking(world)
    agree(world)
    with pytest.raises(CampaignError, match="no such recording"):
        registering.drop_voicemail(world.access, attempt.pk, Recording.objects.get(pk=first["id"]).pk)
    assert hers.post(f"/api/calls/{attempt.pk}/voicemail", {"recordingId": first["id"]}).status_code == 404
    RecordingFile.objects.all().delete()
    assert api.get(f"/api/recordings/{first['id']}/file").status_code == 404
    assert {*AuditEvent.objects.filter(kind="recording").values_list("action", flat=True)} == {
        "recording.uploaded", "recording.retired",
    }  # fmt: skip
