"""The audit log: who reads what of it, how it is found, taken away and, by its owner alone, shortened."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.contrib.admin import site
from django.db import connection
from django.utils import timezone
from knox.models import AuthToken

from accounts.access import team_of
from accounts.audit import make_months, record
from accounts.models import AuditEvent, User
from buckets.services import create_bucket
from common.admin import Titled
from common.db.ids import uuid7_floor
from operations.audit.months import months_over
from tests.admin_site import address, signed_in, staff, superuser
from tests.api.client import Api, body_of, refused
from tests.command_line import run
from tests.support import make_user, told

pytestmark = pytest.mark.django_db
LIST = "/admin/accounts/auditevent/"


@pytest.fixture
def ann() -> Any:
    return staff("ann")


def tell(by: User, action: str = "run.started", **more: Any) -> AuditEvent:
    record(action, by=by, **{"team_id": team_of(by), **more})
    return AuditEvent.objects.latest("pk")


def shown(client: Any, query: str = "") -> set[UUID]:
    answer = client.get(f"{LIST}{query}")
    assert answer.status_code == 200
    return {event.pk for event in answer.context["cl"].result_list}


@pytest.mark.long
def test_superusers_read_all_managers_their_teams_operators_what_is_about_money(ann):
    bob = make_user("bob")
    mine, theirs = tell(ann[0]), tell(bob)
    price = tell(bob, "price.changed", team_id=None)
    operator = User.objects.create(username="op", is_staff=True, is_operator=True)
    idle = User.objects.create(username="idle", is_staff=True)

    assert shown(superuser()[1]) == {mine.pk, theirs.pk, price.pk}
    assert shown(ann[1]) == {mine.pk}
    assert shown(signed_in(operator)) == {price.pk}
    assert signed_in(idle).get(LIST).status_code == 403
    assert signed_in(idle).get(f"{LIST}csv/").status_code == 403


@pytest.mark.long
def test_it_is_found_by_person_action_object_time_and_team(ann):
    client = superuser()[1]
    bob = make_user("bob")
    one = tell(ann[0], about=ann[0])
    other = tell(bob, "contacts.shown", about=("lead", "7"), after={"leads": 1})
    old = AuditEvent(pk=UUID(int=uuid7_floor(timezone.now() - timedelta(days=9)).int | 1 << 63), at=timezone.now())
    old.save(force_insert=True)

    assert shown(client, "?q=bob") == {other.pk}
    assert shown(client, "?q=7") == {other.pk}
    assert shown(client, "?action=run.started") == {one.pk}
    assert shown(client, "?about=contacts") == {other.pk}
    assert shown(client, f"?team={team_of(bob)}") == {other.pk}
    assert shown(client, "?days=7") == {one.pk, other.pk}
    assert shown(client, "?days=30&action=run.started&q=ann") == {one.pk}
    page = client.get(address(AuditEvent, "change", other.pk)).content.decode()
    assert "Phones and e-mails shown" in page


def test_the_csv_holds_what_the_list_shows_and_is_itself_recorded(ann):
    tell(ann[0], name="=1+1", after={"leads": 3})
    tell(ann[0], "run.paused")
    client = superuser()[1]

    answer: Any = client.get(f"{LIST}csv/?action=run.started")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")

    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["action"], row["userName"], row["objectName"], row["after"]) == (
        "run.started",
        "ann",
        "'=1+1",
        '{"leads": 3}',
    )
    assert told("audit.exported") == [("boss", "audit.exported", {"filters": ["action"]})]


# --- API --------------------------------------------------------------------------------------------------------------


def test_a_manager_reads_her_teams_events_a_page_at_a_time(ann):
    bob = make_user("bob")
    events = [tell(bob, about=bob, after={"leads": number}) for number in range(3)]
    tell(ann[0])
    api = Api(bob)

    page = body_of(api.get("/api/audit?limit=2&action=run.started"))
    rest = body_of(api.get(f"/api/audit?limit=2&action=run.started&cursor={page['nextCursor']}"))

    assert [event["id"] for event in page["events"] + rest["events"]] == [str(event.pk) for event in events[::-1]]
    assert (page["events"][0]["after"], page["events"][0]["userName"]) == ({"leads": 2}, "bob")
    assert body_of(api.get(f"/api/audit?teamId={team_of(ann[0])}"))["events"] == []
    refused(api.get("/api/audit?action=run.flew"), 400, "action")
    refused(api.get("/api/audit?since=soon"), 400, "since")
    assert body_of(api.get("/api/audit?until=1900-01-01T00:00:00Z"))["events"] == []  # before UUIDs have a clock
    refused(api.get("/api/audit?objectId=%00"), 400, "objectId")


def test_without_the_scope_it_is_refused():
    bob = make_user("bob")
    bob.memberships.update(role="buyer")
    assert Api(bob).get("/api/audit").status_code == 403


def test_an_event_names_the_token_the_address_and_the_request():
    bob = make_user("bob")
    answer = Api(bob).post("/api/property/bucket", {"name": "King", "propertyIds": ["1"]})

    event = AuditEvent.objects.get(action="bucket.created")

    assert (event.user_name, event.address) == ("bob", "127.0.0.1")
    assert event.token_key == AuthToken.objects.get(user=bob).token_key[:8]
    assert event.request_id == answer["X-Request-Id"]


# --- Commands ---------------------------------------------------------------------------------------------------------


def test_lines_of_json_since_a_time_the_oldest_first(ann):
    first, second = tell(ann[0]), tell(ann[0], "run.paused")

    lines = run("audit_log", "--json-lines", "--since", "2020-01-01").out.splitlines()

    assert [json.loads(line)["id"] for line in lines] == [str(first.pk), str(second.pk)]
    assert run("audit_log", "--json-lines", "--since", "2099-01-01").out == ""


@pytest.mark.django_db(transaction=True)
def test_months_that_are_over_are_dropped_by_their_owner_and_recorded(settings):
    settings.KEEP_AUDIT_DAYS = 365
    url = connection.get_connection_params()
    settings.OWNER_DATABASE_URL = psycopg.conninfo.make_conninfo(
        host=url["host"], port=url.get("port"), dbname=url["dbname"], user=url["user"]
    )
    old = AuditEvent(pk=UUID(int=uuid7_floor(datetime(2019, 2, 3, tzinfo=UTC)).int | 1 << 63), at=timezone.now())
    old.save(force_insert=True)
    make_months()

    would = run("drop_audit", "--dry-run", "--json").json
    assert [month["table"] for month in would["months"]] == ["accounts_auditevent_y2019m02"]
    assert AuditEvent.objects.count() == 1

    assert "Deleted 2019-02" in run("drop_audit").out

    assert told("audit.dropped") == [("", "audit.dropped", {"month": "y2019m02", "events": 0})]
    with psycopg.connect(settings.OWNER_DATABASE_URL) as owner:
        assert months_over(owner, days=365) == []
    assert "No month ended" in run("drop_audit").out


@pytest.mark.long
def test_the_history_of_an_object_is_what_the_audit_log_tells_of_it(ann):
    """Django's own page of it knows only what its forms have saved."""
    user, client = ann
    bucket, _ = create_bucket(by=user, name="Mine")
    mine = tell(user, "bucket.changed", about=bucket)
    tell(user, "bucket.changed", about=("run", str(bucket.pk)))
    path = f"/admin/buckets/bucket/{bucket.pk}"
    page = client.get(f"{path}/change/")
    leads_to = page.context["history"]
    moved = client.get(f"{path}/history/")
    assert (moved.status_code, moved["Location"]) == (302, leads_to)
    assert leads_to.replace("&", "&amp;") in page.content.decode()
    assert mine.pk in shown(client, leads_to.removeprefix(LIST))
    assert {e.kind for e in client.get(leads_to).context["cl"].result_list} == {"bucket"}

    user.memberships.update(role="buyer")
    assert client.get(f"{path}/history/").status_code == 403
    page = client.get(f"{path}/change/")
    assert page.context["history"] == "" and "History" not in page.content.decode()
    assert staff("bob")[1].get(f"{path}/history/").status_code in (302, 404)
    assert "auditevent" not in staff("eve")[1].get(f"{path}/history/").headers.get("Location", "")


def test_no_page_of_ours_shows_djangos_own_history():
    """What is registered by others (background jobs) keeps it."""
    others = {model._meta.app_label for model, of in site._registry.items() if not isinstance(of, Titled)}
    assert others.isdisjoint({"accounts", "buckets", "campaigns", "enrichment", "integrations", "leads", "operations"})
