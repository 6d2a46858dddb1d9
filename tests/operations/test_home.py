"""The home page: what needs this person, their money and stock, and nobody else's."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from redis.exceptions import RedisError

from accounts.access import access_of, own_access
from accounts.models import Team, User
from buckets.models import Bucket, Fill, Import
from common.dates import moment
from common.db.ids import uuid7, uuid7_floor
from enrichment.models import PumpLease, Run, RunItem
from integrations.ledger import catalogue, scopes
from integrations.models import Budget, Vendor, VendorCall
from leads.models import Activity, Event, Lead
from leads.services import add_activity
from operations import home
from operations.metrics import exposition
from tests.admin_site import member, signed_in, staff, superuser

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
    return [need.title for need in home.needs(own_access(user))]


def home_page(client: Client) -> str:
    response = client.get("/admin/")
    assert response.status_code == 200
    return str(response.content.decode())


def spending_page(client: Client) -> str:
    """Where operators see what all teams spend."""
    assert 'href="/admin/vendor-spending/"' in home_page(client)
    return str(client.get("/admin/vendor-spending/").content.decode())


def test_somebody_new_is_told_the_first_step_and_sees_no_zeros():
    page = home_page(staff()[1])

    assert "Nothing needs you now" in page
    assert 'href="/admin/buckets/bucket/find/"' in page[page.index("First steps") :]
    assert "What came of it" not in page and "Pipeline" not in page


def test_each_sees_their_own_teams_runs_and_stock_and_operators_the_money_of_all():
    (ann, annas), (bob, bobs), (boss, all_) = staff("ann"), staff("bob"), superuser()
    now = timezone.now()
    catalogue.vendor("apollo")
    for user, leads in ((ann, 100), (bob, 40)):
        bucket = bucket_of(
            user,
            total_leads=leads,
            phone_leads=leads // 4,
            detailed_leads=leads // 2,
            contacted_leads=2,
            queued_leads=1,
        )
        run = run_of(bucket, "paused", paused_by="person", reason=f"{user.username} paused it")
        Budget.objects.create(scope=run.budget_scope, spent=leads)
        for month, spent in (("2026-10", 3), ("2026-11", leads)):  # a call, then the job
            Budget.objects.create(scope=f"team:{bucket.team_id}:{month}", spent=spent)
    Budget.objects.create(scope=f"vendor:apollo:{now:%Y-%m-%d}", spent=3)

    assert ("ann paused it" in home_page(annas), "bob paused it" in home_page(annas)) == (True, False)
    assert ("ann paused it" in home_page(bobs), "bob paused it" in home_page(bobs)) == (False, True)
    assert ("ann paused it" in home_page(all_), "$3.00" in spending_page(all_)) == (False, True)
    assert annas.get("/admin/vendor-spending/").status_code == 403
    own = home.stock(own_access(ann))
    assert (own.leads, own.detailed, own.with_phone, own.waiting, own.contacted) == (100, 50, 25, 1, 2)
    assert (own.spent, home.stock(own_access(boss)).leads) == (100, 0)
    came = home.came_of(own_access(ann), own)
    assert came is not None and came.spent == 103  # all that the team has paid, not its jobs alone
    each = sum(catalogue.operation(name).setting("price") for name in ("property_detail", "skip_trace"))
    assert (own.all_of_it, own.kept) == (100 * each, max(100 * each - 100, 0))


def test_somebody_without_a_role_is_told_who_gives_one_and_sees_nothing_else():
    user = User(username="new", is_staff=True)
    user.save()
    client = signed_in(user)

    page = home_page(client)

    assert "You are in no team yet" in page
    assert "A manager of your team can invite you, or an administrator can give you a role." in page
    assert "/admin/leads/lead/" not in page
    assert client.get("/admin/leads/lead/").status_code == 403


def test_a_caller_is_shown_her_leads_and_callbacks_and_no_job_and_no_money():
    ann = staff()[0]
    bucket = bucket_of(ann, total_leads=9)
    bucket.refresh_from_db()
    run_of(bucket, "paused", paused_by="person", reason="ann paused it")
    cat, client = member(bucket.team, "caller")
    callback_of(bucket, 5, assigned_to=cat)
    callback_of(bucket, 5)

    page = home_page(client)

    assert titles(cat) == ["1 callback due"]
    assert ("My leads" in page, "ann paused it" in page, "Money" in page) == (True, False, False)
    links = set(re.findall(r'href="/admin/([a-z/]*)[^"]*" class="flex h-', page))
    rules = {"campaigns/contactrule/", "campaigns/ruleholiday/", "campaigns/emergency/"}
    lists = {"campaigns/conversation/", "leads/suppression/", "leads/upload/"}
    day = {"calendar/", "campaigns/callattempt/", "campaigns/callattempt/dialer/"}
    leads = {"leads/lead/", "leads/lead/board/", "leads/lead/map/"}  # those assigned to her, each
    assert links == {"", *leads, "leads/bulkjob/", "leads/activity/", *day, *lists, *rules}


def test_an_operator_sees_vendors_and_money_and_no_lead():
    op = User(username="op", is_staff=True, is_operator=True)
    op.save()
    client = signed_in(op)
    Budget.objects.create(scope=f"vendor:apollo:{timezone.now():%Y-%m-%d}", spent=3)
    catalogue.vendor("apollo")

    page = home_page(client)

    assert ("$3.00" in spending_page(client), "You are in no team yet" in page) == (True, False)
    assert "Ready to call" not in page and "First steps" not in page
    links = set(re.findall(r'href="/admin/([a-z_/-]*)[^"]*" class="flex h-', page))
    shown = (
        "vendor-spending/",
        "integrations/vendor/",
        "integrations/vendorcall/",
        "integrations/budget/",
        "enrichment/pumplease/",
        "accounts/auditevent/",
        "campaigns/inbound/",
        "privacy/",
    )
    assert links == {"", *shown}


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

    needs = {need.title: need.words for need in home.needs(own_access(boss))}

    assert needs["Apollo is not available"] == "no credit (boss)"
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
        "Daily spending limit nearly reached: Apollo",
        "Monthly budget nearly used: ann",
        "Daily lead limit nearly reached: ann",
    ]


@pytest.mark.long
def test_a_teams_limits_speak_up_to_who_spends_them_and_to_operators():
    ann, (boss, boss_page) = staff(monthly_budget=Decimal(1000))[0], superuser()
    team, now = ann.memberships.get().team, timezone.now()
    team.name, team.monthly_budget, team.daily_lead_limit = "Acquisitions", Decimal(50), 10
    team.save()
    Budget.objects.create(scope=f"team:{team.pk}:{now:%Y-%m}", spent=Decimal(30), reserved=Decimal("9.99"))
    Budget.objects.create(scope=f"teamleads:{team.pk}:{now:%Y-%m-%d}", spent=7)
    (_, buyers_page), (caller, _) = (member(team, role) for role in ("buyer", "caller"))

    assert titles(ann) == titles(boss) == []
    Budget.objects.filter(scope__startswith="team:").update(spent=Decimal(31))
    Budget.objects.filter(scope__startswith="teamleads:").update(spent=8)
    said = ["Team's monthly budget nearly used: Acquisitions", "Team's daily lead limit nearly reached: Acquisitions"]
    assert [need.words for need in home.needs(own_access(ann))] == ["$40.99 of $50.00 this month.", "8 of 10 today."]
    assert titles(ann) == titles(boss) == said
    assert (titles(caller), titles(staff("bob")[0])) == ([], [])
    link = f'href="/admin/accounts/team/{team.pk}/change/"'
    assert (link in home_page(boss_page), link in home_page(buyers_page)) == (True, False)  # who may raise it


@pytest.mark.long
def test_money_is_shown_against_ones_own_and_the_teams_limits():
    ann, client = staff(monthly_budget=Decimal(1000), daily_lead_limit=500)
    bucket_of(ann, total_leads=1)
    page = home_page(client)
    assert ("of $1,000.00" in page, "of 500" in page, "team budget" in page) == (True, True, False)
    team, now = ann.memberships.get().team, timezone.now()
    team.monthly_budget, team.daily_lead_limit = Decimal(50), 10
    team.save()
    Budget.objects.create(scope=f"team:{team.pk}:{now:%Y-%m}", spent=Decimal(30), reserved=Decimal(11))
    Budget.objects.create(scope=f"teamleads:{team.pk}:{now:%Y-%m-%d}", spent=8)

    own, of_team = home.money(own_access(User.objects.get(pk=ann.pk)))

    assert (own.name, own.used, own.cap) == ("This month's budget", 0, 1000)
    assert (of_team.name, of_team.used, of_team.cap, of_team.percent) == ("This month's team budget", 41, 50, 82)
    page = home_page(client)
    assert ("$41.00 of $50.00" in page, "8 of 10" in page) == (True, True)


def test_a_scrape_reads_how_much_of_a_teams_budget_is_used_by_its_id():
    team, now = staff()[0].memberships.get().team, timezone.now()
    assert b"bucket_team_budget_used_ratio{" not in exposition()
    Team.objects.filter(pk=team.pk).update(monthly_budget=50)
    Budget.objects.create(scope=f"team:{team.pk}:{now:%Y-%m}", spent=Decimal(30), reserved=Decimal(10))
    assert f'bucket_team_budget_used_ratio{{team="{team.pk}"}} 0.8\n'.encode() in exposition()


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

    assert titles(ann) == ["Import failed: list.csv"]
    assert titles(bob) == titles(boss) == []
    page = home_page(client)
    assert f'href="/admin/buckets/import/{failed.pk}/change/">Import failed: list.csv</a>' in page
    assert "4 of 9 rows are read. A worker died five times." in page


def callback_of(bucket: Bucket, minutes: float, **facts: Any) -> Lead:
    """A lead whose callback has been due since so many minutes."""
    due = timezone.now() - timedelta(minutes=minutes)
    return Lead.objects.create(bucket=bucket, owner=bucket.owner, property_id=str(uuid7()), callback_at=due, **facts)


@pytest.mark.long
def test_callbacks_that_are_due_are_counted_and_those_that_wait_longest_named():
    (ann, client), bob = staff(time_zone="America/Phoenix"), staff("bob")[0]
    bucket = bucket_of(ann)
    callback_of(bucket, -60)
    assert titles(ann) == []
    leads = [callback_of(bucket, minutes, owner_name=f"Owner {minutes}") for minutes in (1, 3, 4, 2)]
    callback_of(bucket_of(bob), 5)

    assert titles(ann) == ["4 callbacks due"]
    (need,) = home.needs(own_access(ann))
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


@pytest.mark.long
def test_the_side_bar_counts_what_needs_this_person_and_keeps_the_number_for_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Home counts anew, and so does the page after anything she sends; what others do may show KEPT seconds late."""
    ann, client = staff()
    bucket = bucket_of(ann)
    mark, listing = '<span class="desk-badge">', "/admin/buckets/bucket/"

    def told() -> str:
        return str(client.get(listing).content.decode()).partition(mark)[2].partition("</span>")[2].partition("<")[0]

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            told()
        return len(seen)

    assert mark not in home_page(client)
    failed_run(bucket)
    assert told() == "", "kept"
    few = queries()
    client.post("/admin/home/hide-steps/")
    assert queries() > few + 10, "counted anew"
    assert (told(), queries()) == ("1", few)
    failed_run(bucket)
    assert mark in home_page(client) and told() == "2"

    failed_run(bucket)
    monkeypatch.setattr("operations.admin.badge.KEPT", 1)
    client.post("/admin/home/hide-steps/")
    assert told() == "3"
    failed_run(bucket)
    time.sleep(1.1)
    assert told() == "4"
    monkeypatch.setattr(cache, "get_many", unreachable)
    failed_run(bucket)
    assert told() == "5", "Redis is away"


def unreachable(_keys: object) -> None:
    raise RedisError


@pytest.mark.long
def test_many_rows_cost_as_many_queries_as_few():
    boss, client = superuser()
    own = bucket_of(boss)

    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            home_page(client)
        return len(seen)

    def more(count: int) -> None:
        for _ in range(count):
            bucket = bucket_of(boss, total_leads=1)
            failed_run(bucket)
            run_of(bucket, "paused", paused_by="person", reason="Wait")
            callback_of(own, 5)
            import_of(bucket, "failed")

    more(3)
    home_page(client)
    few = queries()
    more(20)

    assert queries() == few


def test_what_is_due_in_ones_calendar_is_on_home_with_its_address():
    ann, client = staff()
    team_id = own_access(ann).team_id
    now = timezone.now()
    said = {"team_id": team_id, "owner": ann, "kind": "reminder", "changed_at": now}
    due = Event.objects.create(**said, title="Ring 202-555-0143", starts_at=now, ends_at=now + timedelta(minutes=5))
    later = now + timedelta(hours=2)
    Event.objects.create(**said, title="Later", starts_at=later, ends_at=later + timedelta(minutes=5))
    page = home_page(client)
    assert titles(ann) == ["1 event in your calendar due"] and f"/admin/calendar/{due.pk}/" in page
    assert "Later" not in page and "202-555" not in page
    other, _ = member(Team.objects.get(pk=team_id or 0), "manager", "boss2")
    assert titles(other) == []


# --- First steps, charts ----------------------------------------------------------------------------------------------


@pytest.mark.long
def test_first_steps_are_ticked_by_what_is_there_and_gone_when_all_are_done_or_she_puts_them_away():
    ann, client = staff()

    def done() -> set[str]:
        return {step.code for step in home.first_steps(own_access(ann)) if step.is_done}

    assert done() == {"vendor"}  # the tests' key
    bucket = bucket_of(ann)
    assert done() == {"vendor", "bucket"}
    import_of(bucket, "completed")
    run_of(bucket, "completed")
    assert done() == {"vendor", "search", "bucket", "enrichment"}
    page = home_page(client)
    assert "4 of 6 done." in page and 'id="step-invite"' in page and 'id="step-bucket"' not in page
    team = ann.memberships.get().team
    buyer, buyers = member(team, "buyer")
    assert done() == {"vendor", "search", "bucket", "enrichment", "invite"}
    assert 'id="step-seller"' not in home_page(buyers) and "A manager does this." in home_page(buyers)
    assert client.post("/admin/home/hide-steps/").status_code == 302
    assert "First steps" not in home_page(client) and "First steps" in home_page(buyers)
    assert home.first_steps(access_of(buyer, team.pk)) != []
    for role in ("caller", "reader"):
        assert "First steps" not in home_page(member(team, role)[1])


def test_the_months_limit_is_named_the_teams_or_ones_own_and_its_month_is_utcs():
    ann, client = staff()
    team = ann.memberships.get().team
    now = timezone.now()
    Budget.objects.create(scope=scopes.user_month(ann.pk, now), spent=Decimal(5))
    Budget.objects.create(scope=scopes.team_month(team.pk, now), spent=Decimal(30))

    assert f"Your own limit, {now:%B} (UTC)</span>" in home_page(client)
    Team.objects.filter(pk=team.pk).update(monthly_budget=Decimal(40))
    page = home_page(client)
    assert f"Team’s limit, {now:%B} (UTC)</span>" in page and "$30.00 of $40.00" in page


def test_what_is_spent_a_day_is_the_teams_by_the_persons_clock():
    ann, client = staff(time_zone="America/Los_Angeles")
    bucket_of(ann, total_leads=1)
    team_id, bob = own_access(ann).team_id or 0, own_access(staff("bob")[0])
    late = timezone.now().replace(hour=3, minute=0) - timedelta(days=2)  # 7 or 8 PM the day before in California
    for whose, cost in ((team_id, "1.25"), (team_id, "2.50"), (bob.team_id, "9")):
        VendorCall.objects.create(
            id=uuid7(), operation=catalogue.operation("property_detail"), state="settled", inputs=1, reserved=0,
            cost=cost, holds={scopes.team_month(whose, late): cost}, created_at=late, slot_at=late, sent_at=late,
            lease_until=late,
        )  # fmt: skip

    shown = client.get("/admin/").context

    assert shown["spend_days"] == [(late.date() - timedelta(days=1), Decimal("3.75"))]
    assert "$3.75 in 30 days" in home_page(client)


def test_contacts_are_counted_by_week_by_hand_or_by_a_call():
    ann, client = staff()
    bucket = bucket_of(ann, total_leads=1)
    lead = Lead.objects.create(bucket=bucket, owner=ann, property_id="1")
    for kind in ("call", "call", "email", "note"):
        add_activity(lead=lead, by=ann, kind=kind)
    Activity.objects.create(lead=lead, by=None, kind="sms", text="They wrote: no")

    weeks = home.contacts_by_week(own_access(ann).team_id or 0, "UTC")

    assert (len(weeks), weeks[-1].noted, weeks[-1].all, sum(week.all for week in weeks)) == (8, 3, 3, 3)
    assert weeks[-1].begins.weekday() == 0
    assert "Contacts by week" in home_page(client)
    assert home.contacts_by_week(own_access(staff("bob")[0]).team_id or 0, "UTC")[-1].all == 0
