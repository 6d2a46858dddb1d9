"""What was spent, by what, and what came of it: every figure worked out by hand, from rows of the ledger itself."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from accounts.access import access_in, own_access
from accounts.models import User
from buckets.models import Bucket, Fill, Import
from campaigns.models import CallAttempt, Conversation, Disposition, IncomingMessage
from common.db.ids import uuid7, uuid7_floor
from enrichment.models import Run
from integrations.ledger import catalogue, scopes
from integrations.models import Budget, Lookup, PhoneReveal, VendorCall
from leads.models import ContactKey, Lead, LeadKey
from operations.reports.span import Span
from operations.reports.spend import costs_of_month, spend, spend_by_day
from tests.admin_site import member, staff
from tests.api.client import Api
from tests.command_line import run as command

pytestmark = pytest.mark.django_db
D = Decimal
NOV = Span(date(2026, 11, 1), date(2026, 11, 30), UTC)
SEATTLE = {"city": "Seattle", "state": "WA", "absentee_owner": True}


def paid(
    user: User, operation: str, at: datetime, cost: str, *, run: Run | None = None, inputs: int = 1, found: int = 1,
    state: str = "settled", reserved: str = "0", purpose: str = "", team: int | None = None,
) -> VendorCall:  # fmt: skip
    """A request as the ledger leaves it, with its budgets moved as the ledger moves them."""
    team_id = team or own_access(user).team_id
    scope = scopes.team_month(team_id, at)
    budget, _ = Budget.objects.get_or_create(scope=scope)
    open_ = state in ("reserved", "sent", "in_doubt")
    budget.spent, budget.reserved = budget.spent + D(cost), budget.reserved + (D(reserved) if open_ else 0)
    budget.save()
    serial = UUID(int=uuid7_floor(at).int | uuid7().int & (1 << 62) - 1)
    return VendorCall.objects.create(
        id=serial, operation=catalogue.operation(operation), user=user, run_id=run.pk if run else None,
        purpose=purpose or (scopes.run(run.pk) if run else "lookup"), state=state, inputs=inputs, found=found,
        reserved=D(reserved), cost=D(cost), holds={scope: reserved}, created_at=at, slot_at=at, sent_at=at,
        lease_until=at,
    )  # fmt: skip


def traced(call: VendorCall, *, with_phone: int, without: int = 0) -> None:
    for n in range(with_phone + without):
        facts = {"phone": f"+1206555{n:04d}"} if n < with_phone else {}
        Lookup.objects.create(
            operation=call.operation, key=str(uuid7()), state="answered", call=call, facts=facts,
            fetched_at=call.created_at,
        )  # fmt: skip


def talked(lead: Lead, at: datetime, *, source: str = "") -> None:
    """A call to the lead that somebody answered."""
    outcome, _ = Disposition.objects.get_or_create(
        team=lead.team, code="talked", defaults={"label": "Talked", "hotkey": "1", "outcome": "contact"}
    )
    key = ContactKey.objects.create(kind=ContactKey.Kind.PHONE, digest=uuid7().bytes * 2, hint="…0143")
    CallAttempt.objects.create(
        team=lead.team, lead=lead, key=key, number="+12065550143", by=lead.owner, token=uuid7(), state="ended",
        ended_at=at, started_at=at, disposed_at=at, disposition=outcome, number_source=source,
    )  # fmt: skip


def at(day: int, hour: int = 12) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=UTC)


class World:
    """Ann's November. Absentees (a search): a job of 100 leads on the 3rd: details $5.00, traces $5.00, 60 phones.
    Probate (a file): a job on the 10th: traces $2.00, 10 phones of 40; $1.25 of it in doubt besides. A single look-up
    $0.10. An October trace of $9.99. Bob's $50 on the same day. Two of the absentees talked, one of probate.
    """

    def __init__(self) -> None:
        self.ann, self.client = staff("ann")
        self.bob, self.bobs = staff("bob")
        self.absentees = Bucket.objects.create(owner=self.ann, name="Absentees", filters=SEATTLE)
        Fill.objects.create(bucket=self.absentees, criteria=SEATTLE, status="completed")
        self.probate = Bucket.objects.create(owner=self.ann, name="Probate")
        Import.objects.create(
            bucket=self.probate, file_name="p.csv", size=1, encoding="utf-8", delimiter=",", columns=["A"], total=1,
            status="completed", read=1, new=1,
        )  # fmt: skip
        first, second = self.run(self.absentees), self.run(self.probate)
        paid(self.ann, "property_detail", at(3), "5.00", run=first, inputs=100, found=100)
        self.trace = paid(self.ann, "skip_trace", at(3, 13), "5.00", run=first, inputs=100, found=80)
        traced(self.trace, with_phone=60, without=40)
        other = paid(self.ann, "skip_trace", at(10), "2.00", run=second, inputs=40, found=15)
        traced(other, with_phone=10, without=30)
        paid(self.ann, "skip_trace", at(10), "0", run=second, inputs=25, found=0, state="in_doubt", reserved="1.25")
        paid(self.ann, "skip_trace", at(10), "0", run=second, inputs=25, found=0, state="released", reserved="1.25")
        paid(self.ann, "property_detail", at(20), "0.10")
        paid(self.ann, "skip_trace", datetime(2026, 10, 31, 23, tzinfo=UTC), "9.99", run=first)
        paid(self.bob, "skip_trace", at(3), "50.00")
        for bucket, many in ((self.absentees, 2), (self.probate, 1)):
            for _ in range(many):
                talked(self.lead(bucket), at(15))
        talked(self.lead(self.absentees), datetime(2026, 10, 20, tzinfo=UTC))

    def run(self, bucket: Bucket) -> Run:
        return Run.objects.create(bucket=bucket, bucket_name=bucket.name, owner=self.ann, status="completed")

    def lead(self, bucket: Bucket) -> Lead:
        made = Lead.objects.create(bucket=bucket, owner=self.ann, property_id=str(uuid7()), skip_traced_at=at(3))
        return Lead.objects.get(pk=made.pk)  # the database has set its team


@pytest.fixture
def world(db: None) -> World:
    return World()


def lines(world: World, group: str, span: Span = NOV) -> dict[str, tuple[Any, ...]]:
    report = spend(own_access(world.ann), group=group, span=span)
    assert sum((one.spent for one in report.lines), D(0)) == report.total.spent
    assert sum((one.held for one in report.lines), D(0)) == report.total.held
    assert sum(one.phones for one in report.lines) == report.total.phones
    return {one.name: (one.spent, one.phones, one.conversations) for one in report.lines}


def test_a_months_total_is_the_teams_budget_of_that_month_to_the_cent(world: World):
    total = spend(own_access(world.ann), group="vendor", span=NOV).total
    budget = Budget.objects.get(scope=scopes.team_month(own_access(world.ann).team_id, at(1)))

    assert (total.spent, total.held) == (budget.spent, budget.reserved) == (D("12.10"), D("1.25"))
    assert (total.requests, total.records, total.found) == (4, 241, 196)
    assert (total.traced, total.phones, total.hit_rate) == (140, 70, D("0.5"))
    assert total.conversations == 3
    assert (total.per_phone, total.per_conversation) == (D("0.17"), D("4.03"))  # 12.10 / 70, 12.10 / 3


def test_every_grouping_adds_up_to_the_same_and_names_what_is_of_no_list(world: World):
    assert lines(world, "bucket") == {
        "Absentees": (D("10.00"), 60, 2),
        "Probate": (D("2.00"), 10, 1),
        "Single look-ups (no bucket)": (D("0.10"), 0, 0),
    }
    assert lines(world, "search") == {
        "Seattle, WA · Absentee owner": (D("10.00"), 60, 2),
        "Imported files": (D("2.00"), 10, 1),
        "Single look-ups (no bucket)": (D("0.10"), 0, 0),
    }
    assert lines(world, "vendor") == {"RealEstateAPI": (D("12.10"), 70, 3)}
    assert lines(world, "operation") == {
        "RealEstateAPI: skip trace": (D("7.00"), 70, 0),
        "RealEstateAPI: property detail": (D("5.10"), 0, 0),
    }
    both = Span(date(2026, 10, 1), date(2026, 11, 30), UTC)
    assert lines(world, "month", both) == {"Oct 2026": (D("9.99"), 0, 1), "Nov 2026": (D("12.10"), 70, 3)}


def test_a_day_begins_at_the_readers_midnight(world: World):
    denver = ZoneInfo("America/Denver")  # 23:00 UTC on October 31 is 5 PM there; 1 AM UTC on the 4th is the 3rd
    paid(world.ann, "skip_trace", at(4, 1), "3.00")
    span = Span(date(2026, 11, 3), date(2026, 11, 3), denver)

    report = spend(own_access(world.ann), group="day", span=span)

    assert [(one.key, one.spent) for one in report.lines] == [("2026-11-03", D("13.00"))]
    assert report.days == [(date(2026, 11, 3), D("13.00"))]


def test_phones_still_to_come_are_held_and_a_deleted_list_keeps_its_money(world: World):
    call = paid(world.ann, "apollo_people", at(5), "0.02")
    PhoneReveal.objects.create(
        call=call, state="waiting", reserved=D("0.16"), created_at=at(5), ask_at=at(5), deadline=at(6)
    )
    world.absentees.delete()

    report = spend(own_access(world.ann), group="bucket", span=NOV)

    assert report.total.held == D("1.41")  # 1.25 in doubt, 0.16 for Apollo's phones
    assert {one.name: one.spent for one in report.lines}["Deleted buckets"] == D("10.00")


def test_a_vendor_that_sold_the_called_number_has_the_conversation(world: World):
    talked(world.lead(world.absentees), at(16), source="file")

    assert lines(world, "vendor")["Your files"] == (D(0), 0, 1)


@pytest.mark.long
def test_an_answered_message_is_a_conversation_once_however_many_words(world: World):
    lead = world.lead(world.probate)
    key = ContactKey.objects.create(kind=ContactKey.Kind.PHONE, digest=uuid7().bytes * 2, hint="…0143")
    talk = Conversation.objects.create(
        team=lead.team, lead=lead, key=key, address="+12065550143", opened_at=at(7), last_in_at=at(8)
    )
    for day in (7, 8):
        IncomingMessage.objects.create(
            conversation=talk, inbound_id=uuid7(), key=key, text="Yes", meaning="reply", received_at=at(day)
        )

    assert lines(world, "bucket")["Probate"] == (D("2.00"), 10, 2)


def test_nobody_sees_another_teams_money_and_a_caller_none(world: World):
    caller, _ = member(world.ann.memberships.get().team, "caller", "cal")
    reader, _ = member(world.ann.memberships.get().team, "reader", "rea")
    team = world.ann.memberships.get().team_id

    def of(user: User) -> Decimal:
        return spend(access_in(user, team), group="vendor", span=NOV).total.spent

    assert (of(reader), of(caller), of(world.bob)) == (D("12.10"), D(0), D(0))
    assert spend(own_access(world.bob), group="vendor", span=NOV).total.spent == D("50.00")


def test_home_has_the_days_and_the_months_costs():
    ann, _ = staff("ann")
    now = timezone.now()
    call = paid(ann, "skip_trace", now, "4.00", inputs=10, found=8)
    traced(call, with_phone=5)
    if now.day > 1:
        paid(ann, "skip_trace", now - timedelta(days=1), "1.50")

    days = spend_by_day(own_access(ann), 7)
    costs = costs_of_month(own_access(ann))

    assert len(days) == 7
    assert days[-1] == (now.date(), D("4.00"))
    assert costs.phones == 5
    assert costs.per_phone == (D("4.00") if now.day == 1 else D("5.50")) / 5
    assert costs.per_conversation is None


def test_a_search_asked_twice_is_one_and_a_list_of_two_searches_is_said_to_be(world: World):
    Fill.objects.create(bucket=world.absentees, criteria=dict(reversed(SEATTLE.items())), status="completed")
    assert "Seattle, WA · Absentee owner" in lines(world, "search")

    Fill.objects.create(bucket=world.absentees, criteria={"zip": "98103", "beds_min": 3}, status="completed")
    assert lines(world, "search")["Buckets filled by several searches or files"] == (D("10.00"), 60, 2)


# --- Where it is read -------------------------------------------------------------------------------------------------

DAYS = "from=2026-11-01&to=2026-11-30"


@pytest.mark.long
def test_the_api_the_command_the_page_and_the_csv_say_the_same(world: World):
    told = Api(world.ann).get(f"/api/reports/spend?group=bucket&{DAYS}").json()["report"]
    asked = ("--group", "bucket", "--from", "2026-11-01", "--to", "2026-11-30")
    ran = command("spend_report", "--user", "ann", *asked, "--json").json
    page = world.client.get(f"/admin/reports/spend/?group=bucket&{DAYS}").content.decode()
    download: Any = world.client.get(f"/admin/reports/spend/?group=bucket&{DAYS}&format=csv")
    file = b"".join(download.streaming_content)
    api_file = b"".join(Api(world.ann).get(f"/api/reports/spend/csv?group=bucket&{DAYS}").streaming_content)

    assert (told["from"], told["to"], told["timeZone"]) == ("2026-11-01", "2026-11-30", "UTC")
    assert [(line["name"], line["spent"], line["perPhone"]) for line in told["lines"]] == [
        ("Absentees", 10.0, 0.17), ("Probate", 2.0, 0.2), ("Single look-ups (no bucket)", 0.1, None),
    ]  # fmt: skip
    assert (told["total"]["spent"], told["total"]["hitRate"], told["total"]["held"]) == (12.1, 0.5, 1.25)
    assert [line["name"] for line in ran["lines"]] == [line["name"] for line in told["lines"]]
    assert ran["total"]["spent"] == "12.1000"
    assert "$12.10" in page
    assert 'aria-label="Spending by bucket"' in page
    rows = file.decode("utf-8-sig").splitlines()
    assert rows[0].startswith("Bucket,Requests,")
    assert rows[-1] == "All,4,241,196,140,70,50.00%,3,12.10,0.00,12.10,1.25,0.17,4.03"
    assert api_file == file


@pytest.mark.long
def test_a_report_asked_wrongly_names_the_field(world: World):
    api = Api(world.ann)
    for query, field in (
        ("group=all", "group"), ("from=yesterday", "from"), ("to=2026-13-01", "to"), ("from=1900-01-01", "from"),
        ("from=2026-12-02&to=2026-12-01", "from"), ("vendor=x", "vendor"), ("group=%00", "group"),
    ):  # fmt: skip
        answer = api.get(f"/api/reports/spend?{query}")
        assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, [field]), query
    page = world.client.get("/admin/reports/spend/?from=nonsense&group=%00").content.decode()
    assert "There is no such grouping" in page


@pytest.mark.long
def test_who_reads_lists_reads_reports_and_a_caller_does_not(world: World):
    team = world.ann.memberships.get().team
    caller, calls = member(team, "caller", "cal")
    _, reads = member(team, "reader", "rea")

    for place in ("/admin/reports/spend/", "/admin/reports/lists/"):
        assert (calls.get(place).status_code, reads.get(place).status_code) == (403, 200)
    assert Api(caller).get("/api/reports/spend").status_code == 403
    assert "Nothing was spent" in world.bobs.get("/admin/reports/spend/?from=2026-01-01&to=2026-01-02").content.decode()


@pytest.mark.long
def test_two_lists_share_properties_and_owners_and_another_teams_list_is_not_there(world: World):
    for bucket, ids in ((world.absentees, "123"), (world.probate, "234")):
        for one in ids:
            lead = Lead.objects.create(bucket=bucket, owner=world.ann, property_id=f"77{one}")
            key, _ = ContactKey.objects.get_or_create(
                kind=ContactKey.Kind.OWNER, digest=one.encode() * 32, defaults={"hint": one}
            )
            LeadKey.objects.create(lead=lead, key=key, role=LeadKey.Role.OWNER, position=0)
    api = Api(world.ann)
    a, b = world.absentees.pk, world.probate.pk

    told = api.get(f"/api/reports/overlap?a={a}&b={b}").json()["overlap"]
    page = world.client.get(f"/admin/reports/lists/?a={a}&b={b}").content.decode()
    ran = command("spend_report", "--user", "ann", "--overlap", str(a), str(b))

    assert (told["properties"], told["owners"], told["a"]["owners"]) == (2, 2, 3)
    assert "Properties in both" in page
    assert ran.out == "Absentees and Probate share 2 properties and 2 owners.\n"
    theirs = Bucket.objects.create(owner=world.bob, name="Bob's")
    answer = api.get(f"/api/reports/overlap?a={a}&b={theirs.pk}")
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (404, ["b"])
    assert api.get(f"/api/reports/overlap?a={a}&b={a}").status_code == 400
    assert "There is no such bucket" in world.client.get(f"/admin/reports/lists/?a={theirs.pk}&b={b}").content.decode()


@pytest.mark.long
def test_the_cost_of_a_reachable_owner_leaves_out_do_not_call_and_counts_an_owner_once(world: World):
    run = Run.objects.filter(bucket=world.absentees).get()
    Budget.objects.create(scope=run.budget_scope, spent=D("10.00"))
    owner = ContactKey.objects.create(kind=ContactKey.Kind.OWNER, digest=b"o" * 32, hint="o")
    for n, do_not_call in enumerate((False, False, False, True)):
        lead = Lead.objects.create(
            bucket=world.absentees, owner=world.ann, property_id=f"88{n}", phone=f"+1206555010{n}",
            phone_do_not_call=do_not_call, enrichment_status="completed",
        )  # fmt: skip
        if n < 2:
            LeadKey.objects.create(lead=lead, key=owner, role=LeadKey.Role.OWNER, position=0)
    Bucket.objects.filter(pk=world.absentees.pk).update(total_leads=10, phone_leads=4)

    (line,) = Api(world.ann).get("/api/reports/reachable-owners").json()["lists"]

    assert (line["name"], line["withPhone"], line["reachableOwners"], line["perReachableOwner"]) == (
        "Absentees",
        4,
        2,
        5.0,
    )
    assert "$5.00" in world.client.get("/admin/reports/lists/").content.decode()
