"""A caller's own phone is hers once she has typed the code that was told there; a code costs money and is asked for."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import AuditEvent, Membership, User
from campaigns.models import PhoneCode
from integrations.models import VendorCall
from leads.permission.suppressing import suppress
from sandbox.server import Sandbox
from tests.api.client import Api, body_of
from tests.api.client import refused as refused_in_words
from tests.campaigns.voice.world import World, make_world
from tests.support import hanging_up_soon

pytestmark = pytest.mark.django_db(transaction=True)
NEW = "+13125550177"


@pytest.fixture
def world(vendor: Sandbox, settings: Any) -> World:
    world = make_world(settings)
    User.objects.filter(pk=world.user.pk).update(agent_phone="", agent_phone_verified_at=None)
    Membership.objects.filter(user=world.user).update(role="caller")
    world.user.refresh_from_db()
    return world


def error(answer: Any, status: int) -> Any:
    refused_in_words(answer, status)
    return answer.json()["error"]


def ask(api: Api, phone: str = "(312) 555-0177", by: str = "call") -> Any:
    return api.put("/api/profile/phone", {"phone": phone, "by": by})


def typed(api: Api, code: str) -> Any:
    return api.post("/api/profile/phone/confirm", {"code": code})


def spoken(vendor: Sandbox) -> str:
    """The code as she hears it."""
    wait = threading.Event()
    for _ in range(200):
        said = [words for leg in vendor.messaging.phones.log({})["calls"] for words in leg["said"]]
        if said:
            return re.sub(r"\D", "", said[-1])
        wait.wait(0.02)
    raise AssertionError("nothing was said")


def test_the_price_is_told_first_and_a_spoken_code_confirms_the_phone(world: World, vendor: Sandbox) -> None:
    api = Api(world.user)
    before = body_of(api.get("/api/profile/phone"))["phone"]
    assert (before["phone"], before["callPrice"], before["whyNoCall"], before["mode"]) == ("", "0.0500", "", "twilio")
    assert "Confirm your own phone" in before["whyNotByVendor"] and not VendorCall.objects.exists()
    vendor.messaging.call_numbers.order({NEW: {"rings": 0.2}})
    told = body_of(ask(api))["phone"]
    assert (told["phone"], told["codeSentTo"]) == ("", NEW), "nothing of hers changes before she types it"
    paid = VendorCall.objects.get()
    assert (paid.purpose, paid.state, paid.cost) == ("phone_code", "settled", Decimal("0.05"))
    code = spoken(vendor)
    assert len(code) == 6 and code not in str(PhoneCode.objects.values()[0])
    wrong = error(typed(api, "000000" if code != "000000" else "111111"), 400)
    assert wrong["fields"].keys() == {"code"}
    done = body_of(typed(api, f"{code[:3]} {code[3:]}"))["phone"]
    assert (done["phone"], done["whyNotByVendor"], done["codeSentTo"]) == (NEW, "", "")
    assert error(typed(api, code), 409)["code"] == "NO_CODE", "a code is good once"
    assert body_of(api.delete("/api/profile/phone"))["phone"]["phone"] == ""
    told = AuditEvent.objects.filter(action__startswith="phone.").order_by("pk").values_list("action", flat=True)
    assert [*told] == ["phone.code_asked", "phone.confirmed", "phone.removed"]


def test_a_texted_code_and_five_wrong_ones(world: World, vendor: Sandbox) -> None:
    api = Api(world.user)
    body_of(ask(api, by="text"))
    (text,) = vendor.messaging.texts.log({})["hits"]
    code = re.findall(r"\d{6}", text["text"])[0]
    assert text["to"] == NEW
    for _ in range(5):
        error(typed(api, "x"), 400)
    assert "ask for another" in error(typed(api, code), 400)["message"]
    PhoneCode.objects.update(tries=0, sent_at=PhoneCode.objects.get().sent_at - timedelta(minutes=11))
    assert "ask for another" in error(typed(api, code), 400)["message"]


@pytest.mark.parametrize("phone", ["", "555", "+442079460000", "800-555-0100", "900-555-0100", "x\x00"])
def test_a_number_that_nobody_calls_from_is_a_400_and_costs_nothing(world: World, phone: str) -> None:
    assert error(ask(Api(world.user), phone), 400)["fields"].keys() == {"phone"}
    assert not VendorCall.objects.exists()


def test_nobody_who_asked_not_to_be_called_is_called_with_a_code(world: World) -> None:
    suppress([(1, NEW)], reason="stop", source="inbound:1", spread=True)
    assert error(ask(Api(world.user)), 400)["fields"].keys() == {"phone"}
    assert not VendorCall.objects.exists()


def test_five_codes_a_day_and_what_is_lacking_is_said(world: World, vendor: Sandbox, settings: Any) -> None:
    api = Api(world.user)
    for _ in range(5):
        body_of(ask(api, by="text"))
    assert error(ask(api, by="text"), 409)["code"] == "TOO_MANY"
    PhoneCode.objects.update(day_began_at=PhoneCode.objects.get().day_began_at - timedelta(days=2))
    vendor.messaging.call_numbers.order({NEW: "bad_number"})
    assert error(ask(api), 409)["code"] == "NOT_SENT"
    settings.VOICE_VENDOR = ""
    assert error(ask(api), 409)["code"] == "NO_VENDOR"
    settings.SMS_VENDOR = ""
    assert "SMS_VENDOR" in error(ask(api, by="text"), 409)["message"]
    settings.VOICE_VENDOR = "signalhouse_messaging"
    assert "texted" in body_of(api.get("/api/profile/phone"))["phone"]["whyNoCall"]


@pytest.mark.long
def test_what_hangs_may_ring_yet_and_its_code_counts(world: World, vendor: Sandbox, settings: Any) -> None:
    vendor.messaging.call_numbers.order({NEW: {"do": "hang_after", "rings": 0.2}})
    api = Api(world.user)
    with hanging_up_soon(settings):
        body_of(ask(api))
    assert VendorCall.objects.get().state == "in_doubt"
    assert body_of(typed(api, spoken(vendor)))["phone"]["phone"] == NEW
