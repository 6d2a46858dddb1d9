"""Webhooks by API, page and command: for managers of the team alone, and the secret is shown once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, Membership, User, WebhookDelivery, WebhookEndpoint
from common.db.clock import database_now
from tests.accounts.receiver import Receiving
from tests.api.client import Api, body_of, refused
from tests.command_line import assert_refused, run
from tests.support import fail_with, make_user

pytestmark = pytest.mark.django_db
URL = "https://example.com/hooks"


@pytest.fixture
def ann() -> User:
    return make_user("ann")


@pytest.fixture
def hook(sandbox: Any, settings: Any, ann: User) -> Receiving:
    settings.DEBUG = True
    return Receiving(sandbox, ann)


def made(api: Api) -> dict[str, Any]:
    answer: dict[str, Any] = body_of(
        api.post("/api/webhooks", {"url": URL, "events": ["run.paused", "run.completed"]}), 201
    )
    return answer


def test_a_webhook_is_made_changed_rotated_and_deleted(ann):
    api = Api(ann)
    first = made(api)
    address = f"/api/webhooks/{first['webhook']['id']}"

    assert first["secret"].startswith("whsec_")
    assert first["webhook"]["events"] == ["run.completed", "run.paused"]
    assert (first["webhook"]["isOn"], "secret" in first["webhook"]) == (True, False)
    listed = body_of(api.get("/api/webhooks"))
    assert [one["url"] for one in listed["webhooks"]] == [URL]
    assert set(listed["events"]) >= {
        "bucket.filled", "run.completed", "run.paused", "leads.enriched", "lead.status_changed", "callback.due",
        "import.completed", "budget.nearly_used", "vendor.paused",
    }  # fmt: skip
    changed = body_of(api.patch(address, {"events": ["callback.due"], "isOn": False}))["webhook"]
    assert (changed["events"], changed["isOn"]) == (["callback.due"], False)
    assert body_of(api.post(f"{address}/secret", {}))["secret"] != first["secret"]
    assert body_of(api.get(address))["webhook"]["oldSecretUntil"] is not None
    body_of(api.delete(address))
    assert not WebhookEndpoint.objects.exists()
    events = AuditEvent.objects.filter(kind="webhookendpoint").order_by("pk")
    told = events.values_list("action", "object_name", "before", "after")
    assert [row[0] for row in told] == ["webhook.created", "webhook.changed", "webhook.changed", "webhook.deleted"]
    assert {row[1] for row in told} == {"example.com"}
    assert "hooks" not in str(list(told)) and "whsec_" not in str(list(told))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"url": "https://10.0.0.1/"}, "url"),
        ({"url": "https://[::ffff:169.254.169.254]/"}, "url"),
        ({"url": "http://example.com/"}, "url"),
        ({"url": 7}, "url"),
        ({"events": []}, "events"),
        ({"events": ["run.competed"]}, "events"),
        ({"events": "run.completed"}, "events"),
        ({"events": [None]}, "events.0"),
        ({"evnts": []}, "evnts"),
    ],
)
def test_bad_input_is_named_and_changes_nothing(ann, change, field):
    api = Api(ann)
    address = f"/api/webhooks/{made(api)['webhook']['id']}"
    before = list(WebhookEndpoint.objects.values())

    refused(api.patch(address, change), 400, field)
    refused(api.post("/api/webhooks", {"url": URL + "/2", "events": ["run.completed"], **change}), 400, field)

    assert list(WebhookEndpoint.objects.values()) == before


def test_the_same_url_twice_and_an_eleventh_webhook_are_refused(ann):
    api = Api(ann)
    made(api)
    refused(api.post("/api/webhooks", {"url": URL, "events": ["run.completed"]}), 400, "url")
    for number in range(9):
        body_of(api.post("/api/webhooks", {"url": f"{URL}/{number}", "events": ["run.completed"]}), 201)
    answer = api.post("/api/webhooks", {"url": f"{URL}/x", "events": ["run.completed"]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "WEBHOOK_REFUSED")
    assert WebhookEndpoint.objects.count() == 10


@pytest.mark.parametrize("role", ["reader", "caller", "buyer"])
def test_who_does_not_manage_the_team_has_no_webhooks(ann, role):
    made(Api(ann))
    bob = User.objects.create(username="bob", is_staff=True)
    Membership.objects.create(team=ann.memberships.get().team, user=bob, role=role)

    assert Api(bob).get("/api/webhooks").status_code == 403
    page = Client()
    page.force_login(bob)
    webhook = WebhookEndpoint.objects.get()
    assert page.get(reverse("admin:accounts_webhookendpoint_change", args=[webhook.pk])).status_code == 403
    assert page.post(reverse("admin:accounts_webhookendpoint_off", args=[webhook.pk])).status_code == 403
    webhook.refresh_from_db()
    assert webhook.is_on


def test_what_was_sent_is_listed_and_what_failed_is_replayed(hook, sandbox, ann):
    api, address = Api(ann), f"/api/webhooks/{hook.endpoint.pk}"
    fail_with(sandbox, "webhook", "500", count=1)
    tested = body_of(api.post(f"{address}/test", {}), 202)["delivery"]
    now = database_now()
    WebhookDelivery.objects.update(give_up_at=now, created_at=now - timedelta(days=1))
    WebhookEndpoint.objects.update(answered_at=now)  # it works, but for this one
    hook.emit()
    hook.work()

    rows = body_of(api.get(f"{address}/deliveries"))["deliveries"]
    shown = [(row["event"], row["status"], row["attempts"], row["responseStatus"], row["error"]) for row in rows]
    assert shown == [
        ("run.completed", "delivered", 1, 204, ""), ("webhook.test", "failed", 1, 500, "It answered 500."),
    ]  # fmt: skip
    assert body_of(api.post(f"{address}/replay", {"since": "9999-12-31"}), 202)["queued"] == 0
    assert body_of(api.post(f"{address}/replay", {"since": "0001-01-01T00:00"}), 202)["queued"] == 1
    assert body_of(api.post(f"{address}/replay", {}), 202)["queued"] == 0
    refused(api.post(f"{address}/replay", {"deliveryId": tested["id"], "since": "2026-01-01"}), 400, "since")
    refused(api.post(f"{address}/replay", {"deliveryId": str(hook.endpoint.pk)}), 400, "deliveryId")
    hook.work()
    assert [one["id"] for one in hook.came()].count(tested["id"]) == 2


@pytest.mark.long
def test_the_page_shows_and_does_it_all(hook, ann, sandbox):
    ann.is_staff = True
    ann.save()
    page = Client()
    page.force_login(ann)
    here = reverse("admin:accounts_webhookendpoint_change", args=[hook.endpoint.pk])

    def press(name: str, **data: str) -> str:
        answer = page.post(
            reverse(f"admin:accounts_webhookendpoint_{name}", args=[hook.endpoint.pk]), data, follow=True
        )
        assert answer.status_code == 200
        return answer.content.decode()

    assert hook.url in page.get(reverse("admin:accounts_webhookendpoint_changelist")).content.decode()
    assert "Send a test" in page.get(here).content.decode()
    assert "A test event is on its way" in press("test")
    hook.work()
    shown = page.get(here).content.decode()
    assert "webhook.test" in shown and "Delivered" in shown and "204" in shown
    assert "1 delivery is sent again." in press("replay", delivery=str(hook.deliveries().get().pk))
    assert "There is no such delivery" in press("replay", delivery="x")
    assert "0 deliveries are sent again." in press("replay")
    assert "For 24 hours" in press("rotate")
    rotated = press("rotate", confirmed="Rotate")
    assert "whsec_" in rotated and hook.secret not in rotated and "whsec_" not in page.get(here).content.decode()
    assert "The webhook is off." in press("off")
    assert "turn it on first" in press("replay")
    assert "The webhook is on." in press("on")
    bad = page.post(here, {"url": "https://10.0.0.1/", "events": ["run.paused"]}).content.decode()
    assert "private network" in bad
    saved = page.post(here, {"url": hook.url, "events": ["run.paused"]}, follow=True).content.decode()
    assert "Webhook saved." in saved and hook.refreshed().events == ["run.paused"]
    new = page.post(reverse("admin:accounts_webhookendpoint_add"), {"url": hook.url + "2", "events": ["run.paused"]})
    assert "whsec_" in new.content.decode() and "no-store" in new["Cache-Control"]
    again = page.post(reverse("admin:accounts_webhookendpoint_add"), {"url": hook.url + "2", "events": ["run.paused"]})
    assert "has a webhook with this URL" in again.content.decode()
    assert "are deleted too" in press("delete")
    press("delete", confirmed="Delete")
    assert WebhookEndpoint.objects.count() == 1


def test_a_superuser_looks_at_another_teams_and_changes_nothing(hook):
    boss = User.objects.create_superuser("boss")
    page = Client()
    page.force_login(boss)
    shown = page.get(reverse("admin:accounts_webhookendpoint_change", args=[hook.endpoint.pk])).content.decode()
    assert hook.url in shown and "Send test" not in shown
    assert page.post(reverse("admin:accounts_webhookendpoint_off", args=[hook.endpoint.pk])).status_code == 403
    assert hook.refreshed().is_on


def test_the_command_lists_adds_tests_and_replays(hook, ann):
    webhook = str(hook.endpoint.pk)
    added = run("webhooks", "add", f"{URL}/x", "--event", "run.paused", "--user", "ann", "--json")
    assert (added.status, added.json["secret"][:6], added.json["events"]) == (0, "whsec_", ["run.paused"])
    assert f"on   {hook.url}" in run("webhooks", "list", "--user", "ann").out
    assert run("webhooks", "test", webhook, "--user", "ann").out.startswith("A test event is on its way: ")
    assert run("webhooks", "replay", webhook, "--since", "2026-11-29", "--user", "ann").out == "0 to be sent again.\n"
    make_user("bob")
    assert_refused(run("webhooks", "test", webhook, "--user", "bob"), f"There is no webhook {webhook}.")
    assert_refused(run("webhooks", "add", "--user", "ann"), "webhooks add needs a URL.")
    refused_url = run("webhooks", "add", "https://10.0.0.1/", "--event", "run.paused", "--user", "ann")
    assert_refused(refused_url, "This address is on a private network.")
