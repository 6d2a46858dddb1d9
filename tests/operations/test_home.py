"""The home page: what needs this person, their money and stock, and nobody else's."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from buckets.models import Bucket, Fill, Import
from common.dates import moment
from common.db.ids import uuid7, uuid7_floor
from enrichment.models import PumpLease, Run, RunItem
from integrations.ledger import catalogue
from integrations.models import Budget, Vendor, VendorCall
from leads.models import Lead
from operations import home
from tests.admin_site import staff, superuser

pytestmark = pytest.mark.django_db


def bucket_of(owner: User, **counts: int) -> Bucket:
    return Bucket.objects.create(owner=owner, name=f"{owner.username}'s leads", **counts)


def run_of(bucket: Bucket, status: str, **more: Any) -> Run:
    return Run.objects.create(bucket=bucket, bucket_name=bucket.name, owner=bucket.owner, status=status, **more)


def failed_run(bucket: Bucket) -> Run:
    """A run that is over, whose one lead failed."""
    lead = Lead.objects.create(bucket=bucket, owner=bucket.owner, property_id=str(uuid7()), enrichment_status="failed")
    run = run_of(bucket, "completed", total=1, failed=1)
    RunItem.objects.create(run=run, lead=lead, stage=0, outcome=RunItem.Outcome.FAILED, category="NETWORK_ERROR")
    return run


def titles(user: User) -> list[str]:
    return [need.title for need in home.needs(user)]


def home_page(client: Client) -> str:
    response = client.get("/admin/")
    assert response.status_code == 200
    return str(response.content.decode())


def test_somebody_new_is_told_the_first_step_and_sees_no_zeros():
    page = home_page(staff()[1])

    assert "Nothing needs you now" in page
    assert 'href="/admin/buckets/bucket/find/"' in page[page.index("The first step") :]
    assert "$0.00" not in page


def test_each_sees_their_own_runs_money_and_stock_and_a_superuser_all():
    (ann, annas), (bob, bobs), (boss, all_) = staff("ann"), staff("bob"), superuser()
    now = timezone.now()
    for user, leads in ((ann, 100), (bob, 40)):
        bucket = bucket_of(
            user,
            total_leads=leads,
            phone_leads=leads // 4,
            detailed_leads=leads // 2,
            contacted_leads=2,
            queued_leads=1,
        )
        run_of(bucket, "paused", paused_by="person", reason=f"{user.username} paused it")
        Budget.objects.create(scope=f"user:{user.pk}:{now:%Y-%m}", spent=leads)
        Budget.objects.create(scope=f"user:{user.pk}:1999-12", spent=1)
    Budget.objects.create(scope=f"vendor:apollo:{now:%Y-%m-%d}", spent=3)

    assert ("ann paused it" in home_page(annas), "bob paused it" in home_page(annas)) == (True, False)
    assert ("ann paused it" in home_page(bobs), "bob paused it" in home_page(bobs)) == (False, True)
    assert ("ann paused it" in home_page(all_), "bob paused it" in home_page(all_)) == (True, True)
    own, everything = home.stock(ann), home.stock(boss)
    assert (own.leads, own.detailed, own.with_phone, own.waiting, own.contacted) == (100, 50, 25, 1, 2)
    assert own.spent == 101
    assert (everything.leads, everything.with_phone, everything.spent) == (140, 35, 3)
    each = sum(catalogue.operation(name).setting("price") for name in ("property_detail", "skip_trace"))
    assert (own.all_of_it, own.kept) == (100 * each, max(100 * each - 101, 0))


def test_a_failed_run_needs_somebody_until_its_leads_are_taken_up_again():
    ann = staff()[0]
    bucket = bucket_of(ann)
    run = failed_run(bucket)
    assert titles(ann) == [f"Failed leads: {run.bucket_name}"]

    again = run_of(bucket, "running", total=1)
    RunItem.objects.create(run=again, lead=run.items.get().lead, stage=1)
    PumpLease.objects.update_or_create(stage=1, defaults={"beat_at": timezone.now()})

    assert titles(ann) == []


def test_vendors_and_what_is_in_doubt_are_the_superusers_to_decide():
    ann, boss = staff()[0], superuser()[0]
    now = timezone.now()
    call = {"created_at": now, "slot_at": now, "sent_at": now, "lease_until": now, "reserved": 1, "inputs": 1}
    operation = catalogue.operation("property_detail")
    VendorCall.objects.create(id=uuid7(), operation=operation, user=ann, state="in_doubt", **call)
    catalogue.vendor("apollo")
    Vendor.objects.filter(pk="apollo").update(enabled=False, paused_reason="no credit (boss)")

    needs = {need.title: need.words for need in home.needs(boss)}

    assert needs["apollo is not available"] == "no credit (boss)"
    assert "1 request needs a billing check" in needs
    assert titles(ann) == []


def test_caps_speak_up_before_they_are_used_up(settings):
    ann, boss = staff(monthly_budget=Decimal(10), daily_lead_limit=100)[0], superuser()[0]
    now = timezone.now()
    settings.VENDOR_DAILY_CAP = settings.VENDOR_DAILY_CAP | {"apollo": Decimal(5)}
    catalogue.vendor("apollo")
    month = Budget.objects.create(scope=f"user:{ann.pk}:{now:%Y-%m}", spent=Decimal("7.98"), reserved=Decimal("0.01"))
    Budget.objects.create(scope=f"leads:{ann.pk}:{now:%Y-%m-%d}", spent=80)
    Budget.objects.create(scope=f"vendor:apollo:{now:%Y-%m-%d}", spent=4)

    assert titles(ann) == ["Daily lead limit nearly reached: ann"]
    Budget.objects.filter(pk=month.pk).update(reserved=Decimal("0.02"))
    assert titles(ann) == ["Monthly budget nearly used: ann", "Daily lead limit nearly reached: ann"]
    assert titles(boss) == [
        "Daily spending limit nearly reached: apollo",
        "Monthly budget nearly used: ann",
        "Daily lead limit nearly reached: ann",
    ]


def test_work_without_a_worker_and_searches_that_stopped_need_somebody():
    ann = staff()[0]
    bucket = bucket_of(ann)
    run_of(bucket, "queued", total=1)
    Fill.objects.create(bucket=bucket, criteria={"state": "WA"}, status="failed", error="The vendor refuses.")

    assert titles(ann) == ["No worker is running", f"Saving stopped: {bucket}"]


def import_of(bucket: Bucket, status: str, **more: Any) -> Import:
    file = {"file_name": "list.csv", "size": 1, "encoding": "utf-8", "delimiter": ",", "columns": ["a"], "total": 9}
    return Import.objects.create(bucket=bucket, status=status, **file, **more)


def test_an_import_that_failed_needs_somebody_and_leads_to_its_page():
    (ann, client), bob, boss = staff(), staff("bob")[0], superuser()[0]
    failed = import_of(bucket_of(ann), "failed", read=4, new=4, error="A worker died five times.")
    for status in ("uploaded", "running", "completed", "undone"):
        import_of(failed.bucket, status)
    import_of(failed.bucket, "failed", id=uuid7_floor(timezone.now() - timedelta(days=15)))

    assert titles(ann) == titles(boss) == ["Import failed: list.csv"]
    assert titles(bob) == []
    page = home_page(client)
    assert f'href="/admin/buckets/import/{failed.pk}/change/">Import failed: list.csv</a>' in page
    assert "4 of 9 rows are read. A worker died five times." in page


def callback_of(bucket: Bucket, minutes: float, **facts: Any) -> Lead:
    """A lead whose callback has been due since so many minutes."""
    due = timezone.now() - timedelta(minutes=minutes)
    return Lead.objects.create(bucket=bucket, owner=bucket.owner, property_id=str(uuid7()), callback_at=due, **facts)


def test_callbacks_that_are_due_are_counted_and_those_that_wait_longest_named():
    (ann, client), bob = staff(time_zone="America/Phoenix"), staff("bob")[0]
    bucket = bucket_of(ann)
    callback_of(bucket, -60)
    assert titles(ann) == []
    leads = [callback_of(bucket, minutes, owner_name=f"Owner {minutes}") for minutes in (1, 3, 4, 2)]
    callback_of(bucket_of(bob), 5)

    assert titles(ann) == ["4 callbacks due"]
    (need,) = home.needs(ann)
    assert [row for _, row in need.parts] == [leads[2], leads[1], leads[3]]
    due = moment(leads[2].callback_at, "America/Phoenix")
    assert due.endswith(" MST")
    assert need.parts[0][0] == f"{due}: Owner 4, Property {leads[2].property_id}"
    page = home_page(client)
    assert 'href="/admin/leads/lead/?callback=due">4 callbacks due</a>' in page
    assert f'href="/admin/leads/lead/{leads[2].pk}/change/">{need.parts[0][0]}</a>' in page
    assert titles(bob) == ["1 callback due"]


def test_a_superuser_is_told_of_their_own_callbacks():
    ann, boss = staff()[0], superuser()[0]
    callback_of(bucket_of(ann), 5)
    assert titles(boss) == []

    callback_of(bucket_of(boss), 5)
    assert titles(boss) == ["1 callback due"]


def test_very_many_callbacks_are_not_counted_to_the_end():
    ann = staff()[0]
    bucket = bucket_of(ann)
    now = timezone.now()
    Lead.objects.bulk_create(Lead(bucket=bucket, owner=ann, property_id=f"{n}", callback_at=now) for n in range(130))

    assert titles(ann) == ["100 or more callbacks due"]


def test_the_side_bar_counts_what_needs_this_person_on_every_page():
    ann, client = staff()
    badge = '<span class="desk-badge">'

    assert badge not in home_page(client)
    failed_run(bucket_of(ann))
    page = client.get("/admin/buckets/bucket/").content.decode()
    assert f'{badge}<span class="desk-unseen">Needs you: </span>1</span>' in page


def test_many_rows_cost_as_many_queries_as_few():
    boss, client = superuser()
    own = bucket_of(boss)

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            home_page(client)
        return len(seen)

    def more(count: int) -> None:
        for n in range(count):
            bucket = bucket_of(User.objects.create_user(f"user-{Bucket.objects.count()}-{n}"), total_leads=1)
            failed_run(bucket)
            run_of(bucket, "paused", paused_by="person", reason="Wait")
            callback_of(own, 5)
            import_of(bucket, "failed")

    more(3)
    home_page(client)
    few = queries()
    more(20)

    assert queries() == few
