"""Events leave with the deed, signed, at least once, in an order a receiver can see; a failure holds up nobody."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from standardwebhooks import Webhook

from accounts.access import own_access
from accounts.models import AuditEvent, Membership, WebhookDelivery, WebhookEndpoint
from accounts.webhooks import delivering, emit, emit_to_every_team, queue, sending, services
from accounts.webhooks.selectors import turned_off
from accounts.webhooks.services import change_endpoint, delete_endpoint, replay, rotate_secret, send_test
from common.db.clock import database_now
from common.db.ids import uuid7, uuid7_floor
from tests.accounts.receiver import Receiving
from tests.support import fail_with, make_user

pytestmark = pytest.mark.django_db
Status = WebhookDelivery.Status


@pytest.fixture
def hook(sandbox: Any, settings: Any) -> Receiving:
    settings.DEBUG = True  # the receiver is on this machine
    return Receiving(sandbox)


def now_due(hook: Receiving) -> None:
    hook.deliveries().update(not_before=database_now())


def age(hook: Receiving, by: timedelta) -> None:
    """As if the deliveries had been made so long ago."""
    for one in hook.deliveries():
        at = {name: getattr(one, name) - by for name in ("created_at", "give_up_at")}
        WebhookDelivery.objects.filter(pk=one.pk).update(**at)
    now_due(hook)


def test_an_event_arrives_signed_with_ids_and_amounts(hook):
    made = hook.emit("7", leads=3)

    hook.work()

    (came,) = hook.came()
    assert (came["id"], came["verified"], came["status"]) == (str(made.pk), True, 204)
    assert came["body"] == {
        "type": "run.completed",
        "timestamp": made.created_at.isoformat().replace("+00:00", "Z"),
        "object": "7",
        "sequence": 1,
        "data": {"leads": 3},
    }
    made.refresh_from_db()
    assert (made.status, made.attempts, made.response_status, made.error) == (Status.DELIVERED, 1, 204, "")
    assert hook.refreshed().answered_at is not None


def test_the_standards_own_library_verifies_what_is_sent(hook):
    made = hook.emit()
    body = delivering.body_of(made)
    headers = delivering.signed(hook.endpoint, made, body, database_now())

    assert Webhook(hook.secret).verify(body, headers)["sequence"] == 1


def test_no_webhook_no_row_and_one_query(hook):
    bob = make_user("bob").memberships.get().team_id
    with CaptureQueriesContext(
        connection,
    ) as asked:
        emit("run.completed", team_id=bob, object_id=1, data={})
        emit("run.paused", team_id=hook.team_id, object_id=1, data={})
    assert len([one for one in asked if "SELECT" in one["sql"]]) == 2
    assert not WebhookDelivery.objects.exists()

    emit("run.completed", team_id=None, object_id=1, data={})  # a row from before teams is nobody's
    assert not WebhookDelivery.objects.exists()
    with pytest.raises(LookupError):
        emit("run.competed", team_id=bob, object_id=1, data={})


def test_an_event_goes_with_its_deed(hook):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        hook.emit()
        raise ZeroDivisionError
    assert not hook.deliveries().exists()


def test_each_object_has_its_own_numbers_and_they_never_begin_again(hook, settings):
    for object_id in ("1", "2", "1", "1"):
        hook.emit(object_id)
    assert list(hook.deliveries().values_list("object_id", "sequence")) == [("1", 1), ("2", 1), ("1", 2), ("1", 3)]
    hook.work()
    long_ago = database_now() - timedelta(days=400)
    for number, one in enumerate(hook.deliveries()):
        old = uuid7_floor(long_ago + timedelta(seconds=number))
        WebhookDelivery.objects.filter(pk=one.pk).update(id=old)

    assert services.clear_deliveries() == 4

    assert hook.emit("1").sequence == 4
    assert hook.emit("3").sequence == 4  # jumps, and rises
    assert services.clear_deliveries() == 0


def test_what_is_sent_once_is_written_once(hook):
    for _ in range(2):
        emit("run.completed", team_id=hook.team_id, object_id=1, data={}, once="x")
    assert hook.deliveries().count() == 1


def test_what_concerns_the_installation_goes_to_every_team(hook, sandbox):
    other = Receiving(sandbox, name="bob", events=["vendor.paused"])
    change_endpoint(endpoint=hook.endpoint, by=hook.by, changes={"events": ["vendor.paused"]})

    emit_to_every_team("vendor.paused", object_id="apollo", data={"vendor": "apollo"})

    assert [one.deliveries().count() for one in (hook, other)] == [1, 1]


def test_a_failed_event_holds_up_nobody_and_comes_again_with_its_id(hook, sandbox):
    fail_with(sandbox, "webhook", "500", count=1)
    first, second = hook.emit("1"), hook.emit("1")

    hook.work()

    assert [(one["id"], one["status"]) for one in hook.came()] == [(str(first.pk), 500), (str(second.pk), 204)]
    first.refresh_from_db()
    assert (first.status, first.attempts, first.error) == (Status.QUEUED, 1, "It answered 500.")
    assert timedelta(seconds=3) < first.not_before - first.tried_at < timedelta(seconds=7)
    now_due(hook)
    hook.work()
    assert [(one["body"]["sequence"], one["status"]) for one in hook.came()] == [(1, 500), (2, 204), (1, 204)]
    assert hook.came()[2]["id"] == str(first.pk)


def test_waits_grow_to_four_hours(hook):
    made = hook.emit()
    waits = []
    for attempts in (0, 3, 11, 40):
        WebhookDelivery.objects.filter(pk=made.pk).update(attempts=attempts)
        made.refresh_from_db()
        queue.note_failure(made, 500, "x")
        made.refresh_from_db()
        waits.append((made.not_before - made.tried_at).total_seconds())
    wished = [5, 40, 10_240, 14_400]
    assert [0.8 * wish <= wait <= 1.2 * wish for wish, wait in zip(wished, waits, strict=True)] == [True] * 4


def test_after_three_days_of_nothing_it_is_turned_off_and_managers_get_a_mail(
    hook, sandbox, django_capture_on_commit_callbacks
):
    hook.by.email = "ann@example.com"
    hook.by.save()
    bob = make_user("bob", email="bob@example.com")
    Membership.objects.create(team_id=hook.team_id, user=bob, role="caller")
    fail_with(sandbox, "webhook", "503")
    hook.emit("1")
    waiting = hook.emit("2")
    age(hook, timedelta(days=3, minutes=1))
    WebhookDelivery.objects.filter(pk=waiting.pk).update(not_before=database_now() + timedelta(hours=1))

    with django_capture_on_commit_callbacks(execute=True):
        hook.work()

    endpoint = hook.refreshed()
    assert (endpoint.is_on, endpoint.reason) == (False, "It took nothing for three days. It answered 503.")
    assert [one.status for one in hook.deliveries()] == [Status.FAILED, Status.FAILED]
    assert [(one.to, one.subject) for one in mail.outbox] == [(["ann@example.com"], "Webhook turned off: 127.0.0.1")]
    assert [need.title for need in turned_off(own_access(hook.by), database_now())] == ["Webhook turned off"]
    assert list(turned_off(own_access(bob), database_now())) == []
    changed = AuditEvent.objects.get(action="webhook.changed")
    assert (changed.before, changed.user_id) == ({"is_on": True}, None)
    emit("run.completed", team_id=hook.team_id, object_id="3", data={})
    assert hook.deliveries().count() == 2  # nothing is kept for it meanwhile


def test_one_event_that_is_never_taken_does_not_turn_off_a_webhook_that_works(hook, sandbox):
    fail_with(sandbox, "webhook", "500", count=1)
    poison = hook.emit("1")
    age(hook, timedelta(days=3, minutes=1))
    WebhookEndpoint.objects.update(answered_at=database_now() - timedelta(hours=1))

    hook.work()

    poison.refresh_from_db()
    assert (poison.status, hook.refreshed().is_on) == (Status.FAILED, True)


def test_who_answers_gone_is_turned_off_at_once(hook, monkeypatch):
    monkeypatch.setattr("accounts.webhooks.sending.post", lambda *_: sending.Answer(410, "It answered 410.", 0.1))
    hook.emit()
    hook.work()
    assert hook.refreshed().reason == "It answered 410 Gone: it wants no more events."


def test_what_failed_is_replayed_one_or_all(hook, sandbox):
    fail_with(sandbox, "webhook", "500")
    for number in range(3):
        hook.emit(number)
    age(hook, timedelta(days=3, minutes=1))
    hook.work()
    one = hook.deliveries().first()
    with pytest.raises(services.WebhookRefused, match="turn it on first"):
        replay(endpoint=hook.endpoint, delivery_id=one.pk)
    change_endpoint(endpoint=hook.refreshed(), by=hook.by, changes={"is_on": True})
    sandbox.faults.replace([])
    hook.listen(hook.secret)

    assert replay(endpoint=hook.endpoint, delivery_id=one.pk) == 1
    hook.work()
    assert [came["id"] for came in hook.came()] == [str(one.pk)]
    assert replay(endpoint=hook.endpoint) == 2
    hook.work()
    assert sorted(came["body"]["object"] for came in hook.came()) == ["0", "1", "2"]
    assert replay(endpoint=hook.endpoint, delivery_id=one.pk) == 1  # what arrived can be sent again too
    assert replay(endpoint=hook.endpoint, since=database_now()) == 0
    with pytest.raises(services.WebhookRefused):
        replay(endpoint=hook.endpoint, delivery_id=uuid7())


def test_while_a_secret_is_rotated_both_sign(hook):
    new = rotate_secret(endpoint=hook.endpoint, by=hook.by)
    hook.listen(hook.secret, new)
    hook.emit()
    hook.work()
    assert hook.came()[0]["signers"] == 2

    WebhookEndpoint.objects.update(old_secret_until=database_now())
    hook.emit()
    hook.work()
    assert hook.came()[1]["signers"] == 1
    hook.listen(hook.secret)
    hook.emit()
    hook.work()
    assert hook.came()[0]["status"] == 401


def test_a_secret_is_kept_encrypted_and_one_that_cannot_be_read_turns_the_webhook_off(hook, settings):
    assert hook.secret not in str(WebhookEndpoint.objects.values())
    hook.emit()
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another-" + 50 * "y"
    settings.SECRET_KEY_FALLBACKS = [old]
    hook.work()
    assert hook.came()[0]["verified"]
    settings.SECRET_KEY_FALLBACKS = []
    hook.emit()
    hook.work()
    assert (hook.refreshed().is_on, len(hook.came())) == (False, 1)


def test_a_worker_that_died_is_followed_by_another(hook):
    made = hook.emit()
    dead = queue.take()
    assert dead is not None
    assert queue.take() is None
    WebhookEndpoint.objects.update(lease_until=database_now())

    hook.work()

    assert [came["id"] for came in hook.came()] == [str(made.pk)]
    assert queue.keep(dead) is None
    queue.leave(dead)
    assert hook.refreshed().token is None


def test_a_test_is_an_event_of_its_own(hook):
    made = send_test(endpoint=hook.endpoint)
    hook.work()
    assert [(one["body"]["type"], one["id"]) for one in hook.came()] == [("webhook.test", str(made.pk))]
    change_endpoint(endpoint=hook.endpoint, by=hook.by, changes={"is_on": False})
    with pytest.raises(services.WebhookRefused):
        send_test(endpoint=hook.endpoint)


def test_a_deleted_webhook_takes_its_deliveries_with_it(hook):
    hook.emit()
    delete_endpoint(endpoint=hook.endpoint, by=hook.by)
    assert (WebhookEndpoint.objects.count(), WebhookDelivery.objects.count()) == (0, 0)
    assert [one.action for one in AuditEvent.objects.order_by("pk")] == ["webhook.created", "webhook.deleted"]


def test_a_full_queue_turns_a_webhook_off(hook, monkeypatch):
    monkeypatch.setattr(services, "QUEUED_MAX", 2)
    for number in range(3):
        hook.emit(number)
    assert services.turn_off_overfull() == 1
    assert hook.refreshed().reason == "More than 2 events waited for it."


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_a_silent_receiver_holds_up_no_other(sandbox, settings, monkeypatch):
    """Eight of nine hang for two seconds each, whichever are asked first; the ninth is sent to meanwhile."""
    settings.DEBUG = True
    monkeypatch.setattr(sending, "SECONDS", 2.0)
    nine = [Receiving(sandbox, name=f"receiver{number}") for number in range(9)]
    fail_with(sandbox, "webhook", "slow", seconds=60.0, count=8)
    for one in nine:
        one.emit()
    nine[0].listen(*(one.secret for one in nine))

    began = time.monotonic()
    delivering.deliver(60)

    assert time.monotonic() - began < 14  # of 16, one after the other
    assert sorted(one.deliveries().get().status for one in nine) == [Status.DELIVERED, *8 * [Status.QUEUED]]
