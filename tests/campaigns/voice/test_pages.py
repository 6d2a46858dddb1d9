"""The pages of recordings and of one's own phone, by hand."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import Membership, User
from campaigns.models import PhoneCode, Recording, Sender
from sandbox.server import Sandbox
from tests.admin_site import signed_in
from tests.campaigns.voice.sounds import wav
from tests.campaigns.voice.test_agent_phone import NEW, spoken
from tests.campaigns.voice.world import make_world

pytestmark = pytest.mark.django_db(transaction=True)
LIST, OWN_PHONE = "/admin/campaigns/recording/", "/admin/profile/phone/"


def page(answer: Any, status: int = 200) -> str:
    assert answer.status_code == status, answer.content[:500]
    return str(answer.content.decode())


def test_a_manager_uploads_and_retires_and_a_caller_confirms_her_phone(vendor: Sandbox, settings: Any) -> None:
    world = make_world(settings)
    User.objects.filter(pk=world.user.pk).update(is_staff=True)
    hers = signed_in(world.user)
    assert "Upload a recording" in page(hers.get(LIST))
    add = f"{LIST}add/"
    assert "60 seconds" in page(hers.get(add))
    bad = {"confirmed": "Upload", "name": "Hello", "file": SimpleUploadedFile("x.wav", b"no sound")}
    assert "neither an MP3 nor a WAV" in page(hers.post(add, bad))
    good = {"confirmed": "Upload", "name": "Hello", "file": SimpleUploadedFile("x.wav", wav(2))}
    assert "Saved: Hello, version 1, 2 seconds." in page(hers.post(add, good, follow=True))
    one = Recording.objects.get()
    assert "<audio" in page(hers.get(LIST)) and "Retire" in page(hers.get(f"{LIST}{one.pk}/change/"))
    assert hers.get(f"{LIST}{one.pk}/file/").content == wav(2)
    page(hers.get(f"{LIST}{one.pk}/retire/"))
    assert "Recording retired." in page(hers.post(f"{LIST}{one.pk}/retire/", {"confirmed": "Retire"}, follow=True))
    sender = f"/admin/campaigns/sender/{world.sender.pk}/edit/"
    assert "Calls" in page(hers.get(sender))
    page(hers.post(sender, {"confirmed": "Save", "registration_id": "C1"}, follow=True))
    assert not Sender.objects.get(pk=world.sender.pk).voice, "left out: off"
    Sender.objects.update(voice=True)

    cal = User.objects.create_user("cal", is_staff=True)
    Membership.objects.filter(user=cal).delete()
    Membership.objects.create(user=cal, team_id=world.team_id, role="caller")
    caller = signed_in(cal)
    assert caller.get(add).status_code == 403 and caller.get(f"{LIST}{one.pk}/file/").status_code in (403, 404)
    assert "Your own phone" in page(caller.get("/admin/profile/"))
    first = page(caller.get(OWN_PHONE))
    assert "in a call to this phone ($0.05)" in first and "in a text to this phone ($0.01)" in first
    assert "American phone number" in page(caller.post(OWN_PHONE, {"tell": "1", "phone": "x", "by": "call"}))
    vendor.messaging.call_numbers.order({NEW: {"rings": 0.2}})
    told = page(caller.post(OWN_PHONE, {"tell": "1", "phone": NEW, "by": "call"}, follow=True))
    assert f"told to {NEW}" in told and PhoneCode.objects.get().user_id == cal.pk
    assert "not the code" in page(caller.post(OWN_PHONE, {"confirm": "1", "code": "x"}))
    done = page(caller.post(OWN_PHONE, {"confirm": "1", "code": spoken(vendor)}, follow=True))
    assert f"{NEW} is confirmed" in done
    assert "was removed" in page(caller.post(OWN_PHONE, {"remove": "1"}, follow=True))
    settings.VOICE_VENDOR = "signalhouse_messaging"
    softphone = page(caller.get(OWN_PHONE))
    assert f"under the name <strong>caller-{cal.pk}</strong>" in softphone and "Tell me a code" not in softphone
    settings.VOICE_VENDOR = settings.SMS_VENDOR = ""
    last = page(caller.get(OWN_PHONE))
    assert "you dial on your own phone" in last and "No code can be told now" in last
