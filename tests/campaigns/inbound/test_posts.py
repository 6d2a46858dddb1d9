"""What is believed of a post, kept and handled once: rules 3.3 and the webhook rows of 5.7."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test import Client

from campaigns.inbound import reading, receiving
from campaigns.locks import lock_keys
from campaigns.models import Delivery, DeliveryEvent, Inbound, IncomingMessage, UnsignedPost
from common.db.ids import uuid7
from leads.models import Activity, Suppression
from sandbox.server import Sandbox
from tests.campaigns.inbound.posting import (
    FORM,
    SIGNALHOUSE,
    TWILIO,
    by_signalhouse,
    by_twilio,
    event,
    post_event,
    post_form,
    sid,
    status_by_twilio,
    text_event,
    text_fields,
)
from tests.campaigns.sending.world import digest, key_of, make_world, manual, number_of
from tests.integrations.samples import sample

pytestmark = pytest.mark.django_db(transaction=True)
WHO = "+16175550112"


def kept() -> list[tuple[str, str, bool]]:
    return [(row.vendor, row.kind, row.handled_at is not None) for row in Inbound.objects.order_by("pk")]


def unsigned() -> dict[str, int]:
    return dict(UnsignedPost.objects.values_list("vendor", "count"))


def test_what_is_not_signed_or_too_long_is_refused_counted_and_not_kept(vendor: Sandbox) -> None:
    body = urlencode(text_fields(WHO, "STOP"))
    for answer in (
        Client().post(TWILIO, body, content_type=FORM),
        post_form(text_fields(WHO, "STOP"), secret="somebody-else"),
        Client().post(TWILIO, body, content_type=FORM, headers={"x-twilio-signature": "\xff"}),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "NOT_SIGNED")
    for answer in (
        Client().post(SIGNALHOUSE, json.dumps(text_event(WHO, "STOP")), content_type="application/json"),
        post_event(text_event(WHO, "STOP"), secret="somebody-else"),
        post_event(text_event(WHO, "STOP"), age=301),
        post_event(text_event(WHO, "STOP"), age=-301),
    ):
        assert answer.status_code == 403
    assert unsigned() == {"twilio": 3, "signalhouse_messaging": 4}
    too_long = post_form(text_fields(WHO, "STOP" + "x" * 1_000_000))
    assert (too_long.status_code, too_long.json()["error"]["code"]) == (413, "TOO_LARGE")
    assert Client().post("/api/webhooks/nobody", body, content_type=FORM).status_code == 404
    assert Client().get(TWILIO).status_code == 405
    assert kept() == []
    assert not Suppression.objects.exists()
    assert unsigned() == {"twilio": 3, "signalhouse_messaging": 4}


def test_a_signed_post_is_kept_whatever_it_says(vendor: Sandbox) -> None:
    twilio = post_form({"MessageSid": sid(), "MessageStatus": "teleported"})
    assert (twilio.status_code, twilio["content-type"]) == (200, "text/xml")
    assert twilio.content.endswith(b"<Response/>")
    assert post_form({"hello": "there"}).status_code == 200
    for told in (b"no JSON", b"[]", event("BRAND_VERIFIED", {})):
        answer = post_event(told)
        assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert status_by_twilio(sid(), "delivered", token=uuid4()).status_code == 200
    assert [(kind, done) for _, kind, done in kept()] == [
        ("ignored", False), ("unreadable", False), ("unreadable", False), ("unreadable", False), ("ignored", False),
        ("status", False),
    ]  # fmt: skip
    assert reading.handle_open() == 6
    assert all(done for _, _, done in kept())
    assert [row.error != "" for row in Inbound.objects.order_by("pk")] == [False, True, True, True, False, False]
    assert DeliveryEvent.objects.filter(delivery=None).count() == 1, "one of no known message waits"
    assert reading.handle_open() == 0


def test_vendors_own_examples_are_read(vendor: Sandbox, settings: Any) -> None:
    """Their recorded posts, where this tree has them beside it, signed with our secrets."""
    for name in ("received", "delivered"):
        post = sample(f"signalhouse_webhook_event_message_{name}.json")
        assert post_event(post).status_code == 200
        assert post_event(post).status_code == 200
    assert [kind for _, kind, _ in kept()] == ["opt_out", "status"]
    assert reading.handle_open() == 1, "the opt-out was handled at once"
    assert IncomingMessage.objects.get().meaning == "opt_out"
    assert DeliveryEvent.objects.get().kind == "delivered"


def at_once(count: int, act: Callable[[], Any]) -> list[Any]:
    """So many requests that begin together."""
    gate = threading.Barrier(count)

    def run() -> Any:
        gate.wait()
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return [one.result() for one in [pool.submit(run) for _ in range(count)]]


def test_twenty_posts_of_one_stop_at_once_are_one(vendor: Sandbox, settings: Any) -> None:
    world = make_world(1, settings)
    fields = text_fields(number_of(0), "STOP")
    answers = at_once(20, lambda: post_form(fields))
    assert {answer.status_code for answer in answers} == {200}
    reading.handle_open()
    assert len(kept()) == 1
    assert Suppression.objects.filter(digest=digest(number_of(0))).count() == 1
    assert IncomingMessage.objects.count() == 1
    assert Activity.objects.filter(lead=world.leads[0], kind="sms").count() == 1
    assert Delivery.objects.filter(purpose="confirm").count() == 1


def test_a_reader_that_was_killed_leaves_the_post_to_the_next(vendor: Sandbox, settings: Any, monkeypatch: Any) -> None:
    make_world(1, settings)

    def killed(*_: Any, **__: Any) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(reading, "receive", killed)  # as a process that is killed: nothing of the transaction stays
        with pytest.raises(SystemExit):
            by_twilio(number_of(0), "STOP")
    assert (kept()[0][1:], Suppression.objects.count()) == (("opt_out", False), 0)
    at_once(3, reading.handle_open)
    assert (kept()[0][1:], Suppression.objects.filter(digest=digest(number_of(0))).count()) == (("opt_out", True), 1)
    assert Delivery.objects.filter(purpose="confirm").count() == 1


def test_a_post_that_cannot_be_handled_waits_with_growing_pauses_and_holds_up_no_other(
    vendor: Sandbox, settings: Any, monkeypatch: Any
) -> None:
    make_world(2, settings)

    def breaks(said: Any, message_id: Any) -> str:
        if said.number == number_of(0):
            raise RuntimeError(said.text)
        return receiving.receive(said, message_id)

    monkeypatch.setattr(reading, "receive", breaks)
    assert by_twilio(number_of(0), "STOP").status_code == 200
    assert by_twilio(number_of(1), "STOP").status_code == 200
    reading.handle_open()
    broken, other = Inbound.objects.order_by("pk")
    assert (broken.handled_at, broken.tries, broken.error) == (None, 1, "RuntimeError")
    assert broken.lease_until is not None and other.handled_at is not None
    assert reading.handle_open() == 0, "its pause is not over"
    monkeypatch.setattr(reading, "receive", receiving.receive)
    Inbound.objects.update(lease_until=None)
    assert reading.handle_open() == 1
    assert Suppression.objects.filter(digest=digest(number_of(0))).count() == 1


def test_a_stop_that_waits_for_a_lock_is_answered_and_handled_by_a_worker(
    vendor: Sandbox, settings: Any, monkeypatch: Any
) -> None:
    make_world(1, settings)
    monkeypatch.setattr(reading, "AT_ONCE", 50)
    key, held, done = key_of(number_of(0)).pk, threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            lock_keys([key])
            held.set()
            done.wait(60)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(60)
    answer = by_twilio(number_of(0), "STOP")
    waiting = (answer.status_code, Suppression.objects.count(), kept()[0][1:])
    done.set()
    thread.join()
    assert waiting == (200, 0, ("opt_out", False))
    assert reading.handle_open() == 1
    assert Suppression.objects.filter(digest=digest(number_of(0))).count() == 1


def test_opt_outs_are_handled_before_all_else(vendor: Sandbox, settings: Any, monkeypatch: Any) -> None:
    make_world(1, settings)
    monkeypatch.setattr(reading, "handle_at_once", lambda _: False)
    monkeypatch.setattr("campaigns.api.vendor_posts.handle_at_once", lambda _: False)
    order: list[str] = []
    handle = reading._handle  # in which order

    def watched(inbound_id: Any, **more: Any) -> bool:
        order.append(Inbound.objects.get(pk=inbound_id).kind)
        return handle(inbound_id, **more)

    monkeypatch.setattr(reading, "_handle", watched)
    status_by_twilio(sid(), "sent")
    by_twilio(number_of(0), "Who is this?")
    by_twilio(number_of(0), "STOP")
    reading.handle_open()
    assert order == ["opt_out", "message", "status"]


def test_events_in_any_order_by_http_end_the_same(vendor: Sandbox, settings: Any) -> None:
    """T12: all orders of the vendor's posts, before and after our own answer; each twice."""
    world = make_world(1, settings)
    world.now()  # whose team it is
    orders = sorted(permutations(("sent", "delivered", "failed")))
    for place, order in enumerate(orders):
        one = manual(world, number_of(0), state="intended", rank=1, intended_at=world.leads[0].created_at, id=uuid7())
        vendor_id = sid()
        if place % 2:  # it has its id already, and the post comes without a token
            Delivery.objects.filter(pk=one.pk).update(vendor_id=vendor_id)
        for kind in order:
            error = "30008" if kind == "failed" else ""
            for _ in range(2):
                token = None if place % 2 else one.callback_token
                assert status_by_twilio(vendor_id, kind, token=token, error=error).status_code == 200
        reading.handle_open()
        one.refresh_from_db()
        assert (one.state, one.rank, one.vendor_id) == ("delivered", 5, vendor_id), order
        assert DeliveryEvent.objects.filter(delivery=one).count() == 3
    assert Inbound.objects.count() == 3 * len(orders)


def test_a_warning_pauses_what_leaves_from_that_number(vendor: Sandbox, settings: Any) -> None:
    world = make_world(1, settings, vendor="signalhouse_messaging")
    other = event("NUMBER_HEALTH_BELOW_THRESHOLD", {"phoneNumber": "13125550100"})
    ours = event("NUMBER_HEALTH_BELOW_THRESHOLD", {"phoneNumber": world.sender.number.lstrip("+")})
    assert post_event(other).status_code == 200
    reading.handle_open()
    assert world.now().status == "running"
    assert post_event(ours).status_code == 200
    reading.handle_open()
    campaign = world.now()
    assert (campaign.status, campaign.paused_by) == ("paused", "health")
    assert "health of one of your numbers is low" in campaign.reason
    assert by_signalhouse(number_of(0), "STOP").status_code == 200
    assert Suppression.objects.filter(digest=digest(number_of(0))).count() == 1
