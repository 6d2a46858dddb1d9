"""What people and workers do is told by the audit: by whom, in which team, and never what is somebody's own."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from django.db import DatabaseError

from accounts.access import team_of
from accounts.models import AuditEvent, User
from buckets import services as buckets
from buckets.imports import services as imports
from buckets.models import Bucket
from enrichment import services as runs
from enrichment.models import Run
from enrichment.worker.pausing import pause
from integrations.ledger import calls, catalogue
from integrations.models import VendorCall
from integrations.operating import vendors
from leads.listing.saved_views import delete_view, save_view
from leads.models import Lead
from tests.admin_site import address, staff, superuser
from tests.api.client import Api
from tests.support import make_user, start, told

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def ann() -> User:
    return make_user("ann")


@pytest.fixture
def bucket(ann: User) -> Bucket:
    made, _ = buckets.create_bucket(by=ann, name="King", property_ids=["1", "2"])
    return made


def of_team(user: User) -> bool:
    """Whether all that is told is of this person's team."""
    return set(AuditEvent.objects.values_list("team_id", flat=True)) == {team_of(user)}


def test_a_run_from_start_to_end_by_whom(ann, bucket):
    run = start(bucket, max_cost=Decimal(5))
    api = Api(ann)

    assert api.post(f"/api/runs/{run.pk}/pause", {}).status_code == 200
    assert api.post(f"/api/runs/{run.pk}/resume", {"maxCost": 7}).status_code == 200
    run.refresh_from_db()
    pause(run, Run.Pause.VENDOR, "It is away")
    runs.go_on(run)
    assert api.post(f"/api/runs/{run.pk}/cancel", {}).status_code == 200

    assert told("run.started", "run.paused", "run.resumed", "run.cancelled", "caps.changed") == [
        ("ann", "run.started", {"kind": "property", "leads": 2, "max_cost": "5"}),
        ("ann", "run.paused", {"cause": "person"}),
        ("ann", "caps.changed", {"max_cost": "7.0000"}),
        ("ann", "run.resumed", {"cause": "person"}),
        ("", "run.paused", {"cause": "vendor"}),
        ("", "run.resumed", {"cause": "vendor"}),
        ("ann", "run.cancelled", {"done": 0, "leads": 2}),
    ]
    assert of_team(ann)


def test_a_bucket_and_a_lead_that_are_deleted(ann, bucket):
    api, lead = Api(ann), bucket.leads.order_by("pk").first()
    Lead.objects.filter(pk=lead.pk).update(property_address="1 Main St")
    start(bucket)

    assert api.delete(f"/api/leads/{lead.pk}").status_code == 200
    assert api.delete(f"/api/property/bucket/{bucket.pk}").status_code == 200

    assert told("leads.deleted", "run.cancelled", "bucket.deleted") == [
        ("ann", "leads.deleted", {"leads": 1, "bucket": str(bucket.pk)}),
        ("ann", "run.cancelled", {"done": 0, "leads": 1, "cause": "its bucket was deleted"}),
        ("ann", "bucket.deleted", {"leads": 1}),
    ]
    assert "Main St" not in str(list(AuditEvent.objects.values()))
    assert of_team(ann)


def test_an_import_and_its_undoing(ann, bucket):
    job = imports.upload(bucket=bucket, file=BytesIO(b"Address,City,State,Zip\n1 Main St,X,WA,98101\n"), name="jo.csv")

    imports.start_import(job=job, by=ann)
    imports.undo_import(job=job, by=ann)

    assert [(who, what) for who, what, _ in told("import.started", "import.undone")] == [
        ("ann", "import.started"),
        ("ann", "import.undone"),
    ]
    assert "jo.csv" not in str(list(AuditEvent.objects.values()))


def test_a_vendor_its_price_and_its_cap(settings):
    boss, client = superuser()
    vendor, row = catalogue.vendor("apollo"), catalogue.operation("apollo_people")

    vendors.pause_vendor(vendor=vendor, by=boss, reason="Bill is wrong")
    vendors.resume_vendor(vendor=vendor, by=boss)
    vendors.set_price(vendor=vendor, operation="apollo_people", price=Decimal("0.03"), by=boss)
    page = address(type(vendor), "change", "apollo")
    form: dict[str, Any] = {"daily_cap": "12", "server_error_policy": vendor.server_error_policy}
    form |= {"operations-TOTAL_FORMS": "0", "operations-INITIAL_FORMS": "0"}
    assert client.post(page, form).status_code == 302

    assert told("vendor.changed", "price.changed", "caps.changed") == [
        ("boss", "vendor.changed", {"reason": "Bill is wrong"}),
        ("boss", "vendor.changed", {"paused": False, "breaker": "reset"}),
        ("boss", "price.changed", {"price": "0.03"}),
        ("boss", "caps.changed", {"daily_cap": "12"}),
    ]
    priced = AuditEvent.objects.get(action="price.changed")
    assert (priced.before, priced.kind, priced.object_id) == ({"price": "0.02"}, "operation", str(row.pk))


def test_a_billing_check_that_is_decided(ann):
    boss = superuser()[0]
    call = VendorCall.objects.create(
        operation=catalogue.operation("skip_trace"),
        user=ann,
        state="in_doubt",
        inputs=3,
        reserved=1,
        price="0.05",
        created_at=NOON,
        slot_at=NOON,
        lease_until=NOON,
        sent_at=NOON,
    )

    assert calls.write_off(call.pk, by=boss, reason="On the bill")
    assert not calls.release_doubt(call.pk, by=boss)

    ((who, _, after),) = told("doubt.decided")
    assert (who, after["billed"], after["inputs"], Decimal(after["cost"])) == ("boss", True, 3, 1)


def test_limits_and_rights_of_a_user_without_names_and_passwords():
    user, client = staff("ann")[0], superuser()[1]
    page = address(User, "change", user.pk)
    shown = client.get(page).context
    form = shown["adminform"].form
    data = {name: value for name, value in form.initial.items() if value not in (None, "", False, [])}
    data |= {"monthly_budget": "9", "is_superuser": "on", "email": "jo@example.com"}
    for name in ("last_login", "date_joined"):
        data.pop(name, None)
    for roles in shown["inline_admin_formsets"]:  # as they are: her own team, untouched
        data |= {f"{roles.formset.prefix}-TOTAL_FORMS": 0, f"{roles.formset.prefix}-INITIAL_FORMS": 0}

    assert client.post(page, data).status_code == 302

    caps, rights = told("caps.changed", "user.changed")
    assert caps == ("boss", "caps.changed", {"monthly_budget": "9", "fields": ["monthly_budget"]})
    assert (rights[2]["is_superuser"], rights[2]["fields"]) == (True, ["email", "is_superuser"])
    assert "jo@example.com" not in str(list(AuditEvent.objects.values()))


def test_a_deed_whose_event_cannot_be_written_is_not_done(ann, bucket, monkeypatch):
    def full(_: object) -> None:
        raise DatabaseError("the disk is full")

    monkeypatch.setattr("accounts.audit.insert", full)
    with pytest.raises(DatabaseError):
        start(bucket)
    assert not Run.objects.exists()


def test_a_schedule_by_whom_and_what_its_limit_was(ann, bucket):
    api = Api(ann)
    asked = {"bucketId": str(bucket.pk), "kind": "enrich", "cadence": "30 2 * * *", "maxCost": 20}
    pk = api.post("/api/schedules", asked).json()["schedule"]["id"]

    assert api.patch(f"/api/schedules/{pk}", {"maxCost": 900}).status_code == 200
    assert api.patch(f"/api/schedules/{pk}", {"maxCost": 900}).status_code == 200  # nothing is new
    assert api.delete(f"/api/schedules/{pk}").status_code == 200

    events = AuditEvent.objects.filter(action__startswith="schedule.").order_by("pk")
    assert [(one.action, one.user_name, one.object_id) for one in events] == [
        (f"schedule.{verb}", "ann", pk) for verb in ("created", "changed", "deleted")
    ]
    assert (events[1].before, events[1].after) == (
        {"max_cost": "20.0000", "options": []},
        {"max_cost": "900.0000", "options": []},
    )
    assert (events[2].before or {})["max_cost"] == "900.0000"


def test_a_bucket_a_lead_a_tag_and_a_view_that_change_or_go(ann, bucket):
    api, lead = Api(ann), Lead.objects.filter(bucket=bucket)[0]
    tag = api.post("/api/tags", {"name": "hot"}).json()["tag"]["id"]
    view = save_view(by=ann, name="Mine", query="status=new")

    assert api.patch(f"/api/property/bucket/{bucket.pk}", {"name": "Pierce"}).status_code == 200
    assert api.patch(f"/api/leads/{lead.pk}", {"phone": "206-555-0142"}).status_code == 200
    assert api.delete(f"/api/tags/{tag}").status_code == 200
    delete_view(view=view, by=ann)

    assert told("bucket.changed", "lead.edited", "tag.deleted", "view.deleted") == [
        ("ann", "bucket.changed", {"fields": ["name"]}),
        ("ann", "lead.edited", {"fields": ["phone"]}),
        ("ann", "tag.deleted", None),
        ("ann", "view.deleted", None),
    ]
    assert of_team(ann)
