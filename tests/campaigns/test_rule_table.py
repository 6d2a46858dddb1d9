"""The rule table in the database: what came with the product, how a row is replaced, who may, and what runs out."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any

import pytest
from django.core.checks import run_checks
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse

from accounts.access import NotAllowed
from accounts.models import AuditEvent, User
from campaigns.gate.rule_rows import load_rules
from campaigns.models import ContactRule, Emergency, RuleHoliday
from campaigns.rule_table.changing import (
    BadRule,
    add_holiday,
    add_rule,
    declare_emergency,
    end_emergency,
)
from campaigns.rule_table.running_out import states_without_dates
from campaigns.rules.area_codes import STATES
from campaigns.rules.looser import looser
from campaigns.rules.rule_set import Rule
from tests.api.client import Api, body_of, refused
from tests.campaigns.rules.table import MIGRATION, shipped, table, utc
from tests.emptying import empty
from tests.support import make_user

pytestmark = pytest.mark.django_db
TODAY = date(2026, 9, 15)


@pytest.fixture(autouse=True)
def clock(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("campaigns.clock.now", "campaigns.rule_table.changing.now"):
        monkeypatch.setattr(place, lambda: utc("2026-09-15T12:00Z"))


@pytest.fixture
def boss() -> User:
    return User.objects.create_superuser("boss", password="correct horse battery staple")


def row(jurisdiction: str = "US-TX", **changed: Any) -> ContactRule:
    values: dict[str, Any] = {
        "jurisdiction": jurisdiction, "weekdays_open": time(9), "weekdays_close": time(20), "saturday_open": time(9),
        "saturday_close": time(20), "sunday_open": time(12), "sunday_close": time(20), "from_date": TODAY,
        "source": "HB 1", "confidence": "h",
    }  # fmt: skip
    return ContactRule(**(values | changed))


def in_force(jurisdiction: str) -> list[ContactRule]:
    return list(ContactRule.objects.filter(jurisdiction=jurisdiction, until_date=None))


# --- What came with the product -----------------------------------------------------------------------------------


def test_the_shipped_table_covers_every_state_and_reads_as_the_rules_do(django_assert_num_queries, monkeypatch):
    monkeypatch.setattr("campaigns.gate.rule_rows._last", None)  # as in a new process
    with django_assert_num_queries(5):
        loaded = load_rules()
    assert loaded.digest == table().digest
    with django_assert_num_queries(1):  # a digest, by PostgreSQL
        assert load_rules() is loaded  # with what it has computed of places
    assert set(table().states) == set(STATES.values()) - {"AS", "MP"}
    assert len(table().states) == 54
    assert all(given.source for given in ContactRule.objects.all())
    assert {given.jurisdiction for given in ContactRule.objects.filter(channel="email")} == {"US"}


def test_a_new_row_is_read_at_once():
    before = load_rules()
    RuleHoliday.objects.create(jurisdiction="US-AL", date=TODAY, name="A day", source="the governor")
    assert load_rules() is not before
    assert load_rules().holiday("AL", TODAY) == "A day"


def test_no_shipped_row_is_wider_than_the_federal_floor():
    floor = Rule("US")
    assert [given.version for given in table().rules if looser(given, floor)] == []


# --- Replacing a row ----------------------------------------------------------------------------------------------


def test_a_new_row_ends_the_one_before_and_the_audit_has_both(boss):
    saved = add_rule(row(from_date=date(2026, 10, 1)), by=boss)

    before = ContactRule.objects.exclude(pk=saved.pk).get(jurisdiction="US-TX")
    assert (before.until_date, saved.until_date, saved.by_id) == (date(2026, 10, 1), None, boss.pk)
    assert [given.version for given in load_rules().in_force("sms", date(2026, 9, 30))["TX"]] == ["TX 2020-01-01"]
    assert [given.version for given in load_rules().in_force("sms", date(2026, 10, 1))["TX"]] == ["TX 2026-10-01"]
    event = AuditEvent.objects.get(action="rule.added")
    assert (event.user_id, event.object_id) == (boss.pk, str(saved.pk))
    assert (event.before or {})["weekdays_close"] == "21:00:00"
    assert (event.after or {})["weekdays_close"] == "20:00:00"


LOOSER = [
    ({"weekdays_open": time(8)}, "weekdays"),
    ({"sunday_open": time(11), "sunday_close": time(20)}, "sunday"),
]


@pytest.mark.parametrize(("changed", "words"), LOOSER)
def test_a_row_looser_than_the_shipped_one_needs_a_reason(boss, changed, words):
    with pytest.raises(BadRule) as refusal:
        add_rule(row(**changed), by=boss)
    assert words in refusal.value.fields["reason"]
    assert [given.by_id for given in in_force("US-TX")] == [None]
    add_rule(row(**changed, reason="Counsel read the act."), by=boss)
    assert (AuditEvent.objects.get(action="rule.added").after or {})["reason"] == "Counsel read the act."


@pytest.mark.parametrize(
    ("jurisdiction", "changed", "words"),
    [
        ("US-FL", {"cap_24h": None}, "attempts in 24 hours"),
        ("US-FL", {"cap_24h": 4}, "attempts in 24 hours"),
        ("US-AL", {"sunday_open": None, "sunday_close": None, "holidays": "open"}, "holidays"),
        ("US-MS", {"sunday_open": None, "sunday_close": None}, "clock"),
        ("US-CT", {}, "without consent"),
        ("US-NJ", {}, "without consent"),
    ],
)
def test_every_way_to_be_looser_is_seen(boss, jurisdiction, changed, words):
    with pytest.raises(BadRule) as refusal:
        add_rule(row(jurisdiction, **changed), by=boss)
    assert words in refusal.value.fields["reason"]


def test_stricter_than_shipped_needs_no_reason_and_back_to_it_neither(boss):
    add_rule(row("US-NJ", cold="closed", sunday_open=None, sunday_close=None), by=boss)
    add_rule(row("US-NJ", cold="closed_mobile", from_date=date(2026, 9, 16), weekdays_close=time(21)), by=boss)
    assert ContactRule.objects.filter(jurisdiction="US-NJ").count() == 3


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"from_date": date(2026, 9, 14)}, "from_date"),  # yesterday
        ({"weekdays_open": time(21), "weekdays_close": time(9)}, "weekdays_close"),  # never swapped
        ({"weekdays_open": time(9), "weekdays_close": time(9)}, "weekdays_close"),
        ({"saturday_open": None}, "saturday_open"),
        ({"saturday_close": None}, "saturday_close"),
        ({"weekdays_open": time(9, 0, 30)}, "weekdays_open"),
        ({"source": " "}, "source"),
        ({"jurisdiction": "US-ON"}, "jurisdiction"),
        ({"cap_24h": 0}, "cap_24h"),
        ({"cap_24h": 99_999}, "cap_24h"),
        ({"gap_minutes": 99_999}, "gap_minutes"),
        ({"from_date": date(9999, 12, 31)}, "from_date"),
        ({"jurisdiction": "TX"}, "jurisdiction"),
    ],
)
def test_what_no_row_can_be_is_refused_by_its_field(boss, changed, field):
    before = ContactRule.objects.count()
    with pytest.raises(BadRule) as refusal:
        add_rule(row(**changed), by=boss)
    assert list(refusal.value.fields) == [field]
    assert ContactRule.objects.count() == before


def test_a_row_before_one_that_is_entered_already_is_refused(boss):
    add_rule(row(from_date=date(2026, 10, 1)), by=boss)
    for day in (TODAY, date(2026, 10, 1)):
        with pytest.raises(BadRule, match="Oct 1, 2026"):
            add_rule(row(from_date=day), by=boss)
    assert len(in_force("US-TX")) == 1


def test_only_a_superuser_enters_anything():
    manager = make_user("mia")
    for enter in (
        lambda: add_rule(row(), by=manager),
        lambda: add_holiday("US-AL", TODAY, "A day", "x", by=manager),
        lambda: declare_emergency("US-LA", utc("2026-09-15T12:00Z"), None, "Hurricane", "", by=manager),
    ):
        with pytest.raises(NotAllowed):
            enter()
    assert not AuditEvent.objects.filter(action__in=("rule.added", "holiday.added", "emergency.declared")).exists()


def test_the_database_keeps_a_row_as_it_is_but_for_its_end():
    held = ContactRule.objects.get(jurisdiction="US-TX")
    for statement in (
        "DELETE FROM campaigns_contactrule WHERE id = %s",
        "UPDATE campaigns_contactrule SET weekdays_close = '22:00' WHERE id = %s",
        "UPDATE campaigns_contactrule SET until_date = '2027-01-01', cap_24h = 9 WHERE id = %s",
    ):
        with pytest.raises(DatabaseError, match="never changed"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, [held.pk])
    ContactRule.objects.filter(pk=held.pk).update(until_date=date(2027, 1, 1))
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
        ContactRule.objects.filter(pk=held.pk).update(until_date=date(2028, 1, 1))


def test_two_rows_of_a_state_never_hold_on_one_day():
    with pytest.raises(IntegrityError, match="rule_one_at_a_time"), transaction.atomic():
        row(from_date=date(2026, 9, 1), checked_on=TODAY, created_at=datetime(2026, 9, 1, tzinfo=UTC)).save()


# --- Holidays, emergencies ----------------------------------------------------------------------------------------


def test_a_holiday_is_entered_once_and_never_for_the_past(boss):
    add_holiday("US-LA", date(2026, 12, 26), "Day after Christmas", "the governor", by=boss)
    assert load_rules().holiday("LA", date(2026, 12, 26)) == "Day after Christmas"
    for day, field in ((date(2026, 12, 26), "date"), (date(2026, 9, 14), "date"), (date(2036, 1, 1), "date")):
        with pytest.raises(BadRule) as refusal:
            add_holiday("US-LA", day, "Again", "x", by=boss)
        assert list(refusal.value.fields) == [field]
    assert AuditEvent.objects.filter(action="holiday.added").count() == 1


def test_an_emergency_holds_from_its_beginning_until_it_is_ended(boss):
    begun = utc("2026-09-15T11:00Z")
    declared = declare_emergency("US-LA", begun, None, "Hurricane", "lpsc.louisiana.gov", by=boss)
    assert [ban.until_at for ban in load_rules().emergencies] == [None]
    with pytest.raises(BadRule, match="now or later"):
        end_emergency(declared, utc("2026-09-15T11:30Z"), by=boss)
    end_emergency(declared, utc("2026-09-17T23:00Z"), by=boss)
    assert [ban.until_at for ban in load_rules().emergencies] == [utc("2026-09-17T23:00Z")]
    events = AuditEvent.objects.filter(action__startswith="emergency").order_by("pk")
    assert [event.action for event in events] == ["emergency.declared", "emergency.ended"]
    with pytest.raises(BadRule, match="within a year"):
        declare_emergency("US-LA", utc("2126-09-15T12:00Z"), None, "Storm", "", by=boss)
    with pytest.raises(BadRule, match="after it begins"):
        declare_emergency("US-NY", begun, begun, "Blizzard", "", by=boss)


def test_what_closed_a_state_stays_written_whoever_asks_the_database(boss):
    today = datetime.now(UTC).date()
    past, coming = (
        RuleHoliday.objects.create(jurisdiction="US-ZZ", date=today + timedelta(days=days), name="A day", source="x")
        for days in (0, 2)
    )
    emergency = Emergency.objects.create(
        jurisdiction="US-NY", from_at=utc("2026-09-01T00:00Z"), reason="Blizzard", created_at=utc("2026-09-01T00:00Z")
    )
    rows = RuleHoliday.objects.filter
    acts: list[Callable[[], object]] = [
        lambda: rows(pk=past.pk).delete(),
        lambda: rows(pk=past.pk).update(date=today + timedelta(days=3)),
        lambda: rows(pk=coming.pk).update(date=today),
        lambda: Emergency.objects.filter(pk=emergency.pk).update(reason="Rain"),
        lambda: Emergency.objects.filter(pk=emergency.pk).update(
            jurisdiction="US-NJ", until_at=utc("2026-09-02T00:00Z")
        ),
        lambda: emergency.delete(),
        *(partial(_truncate, name) for name in ("contactrule", "ruleholiday", "emergency")),
    ]
    for act in acts:
        with pytest.raises(DatabaseError), transaction.atomic():
            act()
    rows(pk=coming.pk).update(name="Another day", date=today + timedelta(days=1))
    assert rows(pk=coming.pk).delete()[0] == 1
    end_emergency(emergency, utc("2026-09-16T00:00Z"), by=boss)
    emergency.refresh_from_db()
    assert (emergency.reason, emergency.until_at) == ("Blizzard", utc("2026-09-16T00:00Z"))
    assert rows(pk=past.pk, date=today).exists()


def _truncate(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE campaigns_{name} CASCADE")


# --- Running out of dates -----------------------------------------------------------------------------------------


def test_sixty_days_before_the_dates_run_out_each_state_is_named():
    assert states_without_dates(table(), date(2027, 11, 1)) == []
    missing = states_without_dates(table(), date(2027, 11, 2))
    assert missing == [(state, 2028) for state in ("AL", "LA", "PA", "RI", "UT")]
    assert ("AL", 2028) in states_without_dates(shipped(), date(2028, 6, 1))


def test_manage_check_warns_of_it():
    def warnings() -> list[str]:
        return [
            found.msg for found in run_checks(tags=["database"], databases=["default"]) if found.id == "campaigns.W001"
        ]

    assert warnings() == []
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # else those that have come are kept
        RuleHoliday.objects.filter(jurisdiction="US-UT", date__year=datetime.now(UTC).year).delete()
        cursor.execute("SET LOCAL session_replication_role = origin")
    assert len(warnings()) == 1
    assert "UT closes on holidays" in warnings()[0]


# --- Pages and API ------------------------------------------------------------------------------------------------


@pytest.fixture
def pages(boss: User) -> Client:
    client = Client()
    client.force_login(boss)
    return client


def posted(**changed: str) -> dict[str, str]:
    return {
        "jurisdiction": "US-TX", "channel": "any", "weekdays_open": "09:00", "weekdays_close": "20:00",
        "saturday_open": "09:00", "saturday_close": "20:00", "sunday_open": "", "sunday_close": "",
        "clock": "recipient", "holidays": "open", "cap_24h": "", "gap_minutes": "", "cold": "open",
        "from_date": "2026-10-01", "source": "HB 1", "confidence": "h", "note": "", "reason": "",
    } | changed  # fmt: skip


def test_the_page_enters_a_row_and_names_the_field_that_is_wrong(pages):
    add = reverse("admin:campaigns_contactrule_add")
    early = pages.post(add, posted(weekdays_open="08:00"))
    assert early.status_code == 200
    assert "say why" in early.content.decode()
    past = pages.post(add, posted(from_date="2026-09-14"))
    assert "entered for today or later" in past.content.decode()
    assert not ContactRule.objects.filter(by_id__isnull=False).exists()

    saved = pages.post(add, posted())
    assert saved.status_code == 302
    assert ContactRule.objects.get(by_id__isnull=False).sunday_open is None
    listed = pages.get(reverse("admin:campaigns_contactrule_changelist"), {"in": "future"}).content.decode()
    assert "9:00 AM–8:00 PM" in listed
    assert "Oct 1, 2026" in listed
    kept = pages.get(reverse("admin:campaigns_contactrule_change", args=[in_force("US-TX")[0].pk])).content.decode()
    assert "boss" in kept


def test_the_pages_of_holidays_and_emergencies_enter_rows(pages):
    holidays = reverse("admin:campaigns_ruleholiday_add")
    given = {"jurisdiction": "US-LA", "date": "2026-12-26", "name": "Day after Christmas", "source": "the governor"}
    assert pages.post(holidays, given).status_code == 302
    assert "is entered on that day already" in pages.post(holidays, given).content.decode()
    emergency = {
        "jurisdiction": "US-LA", "from_at_0": "2026-09-15", "from_at_1": "10:00", "until_at_0": "", "until_at_1": "",
        "reason": "Hurricane", "source": "",
    }  # fmt: skip
    assert pages.post(reverse("admin:campaigns_emergency_add"), emergency).status_code == 302
    declared = Emergency.objects.get()
    change = reverse("admin:campaigns_emergency_change", args=[declared.pk])
    assert "Enter when it ends" in pages.post(change, {"until_at_0": "", "until_at_1": ""}).content.decode()
    assert pages.post(change, {"until_at_0": "2026-09-20", "until_at_1": "10:00"}).status_code == 302
    declared.refresh_from_db()
    assert declared.until_at == utc("2026-09-20T10:00Z")

    shown = {"initial-until_at_0": "2026-09-20", "initial-until_at_1": "10:00:00"}
    assert all(f'name="{name}" value="{value}"' in pages.get(change).content.decode() for name, value in shown.items())
    Emergency.objects.update(until_at=utc("2026-09-25T10:00Z"))  # by a colleague, while that page is open
    assert pages.post(change, {**shown, "until_at_0": "2026-09-20", "until_at_1": "10:00"}).status_code == 302
    declared.refresh_from_db()
    assert declared.until_at == utc("2026-09-25T10:00Z")


def test_everybody_of_a_team_reads_the_pages_and_nobody_else_writes():
    mia = make_user("mia", is_staff=True)
    client = Client()
    client.force_login(mia)
    held = ContactRule.objects.get(jurisdiction="US-TX")
    for name in ("contactrule", "ruleholiday", "emergency"):
        assert client.get(reverse(f"admin:campaigns_{name}_changelist")).status_code == 200
        assert client.get(reverse(f"admin:campaigns_{name}_add")).status_code == 403
        assert client.post(reverse(f"admin:campaigns_{name}_add"), posted()).status_code == 403
    page = reverse("admin:campaigns_contactrule_change", args=[held.pk])
    assert "SB 140" in client.get(page).content.decode()
    assert client.post(page, posted()).status_code == 403
    assert (
        client.post(reverse("admin:campaigns_contactrule_delete", args=[held.pk]), {"post": "yes"}).status_code == 403
    )
    assert not ContactRule.objects.filter(by_id__isnull=False).exists()


def test_the_api_answers_the_table_of_a_day(boss):
    declare_emergency("US-LA", utc("2026-09-15T11:00Z"), None, "Hurricane", "x", by=boss)
    api = Api(make_user("mia"))
    answer = body_of(api.get("/api/rules?jurisdiction=US-PA"))
    assert (answer["on"], len(answer["rules"])) == ("2026-09-15", 1)
    assert answer["rules"][0]["weekdays"] == {"open": "08:00", "close": "21:00"}
    assert answer["holidays"][0] == {
        "jurisdiction": "US-PA", "date": "2026-10-12", "name": "Columbus Day",
        "source": "Pa. Stat. title 44, § 11; Act 73 of 2019",
    }  # fmt: skip
    later = body_of(api.get("/api/rules?jurisdiction=US-PA&on=2026-10-18"))["rules"][0]
    assert (later["sunday"], later["confidence"], later["isShipped"]) == (None, "l", True)
    whole = body_of(api.get("/api/rules"))
    assert len(whole["rules"]) == len([*MIGRATION.rules()]) - 2
    assert whole["emergencies"][0]["reason"] == "Hurricane"
    refused(api.get("/api/rules?on=yesterday"), 400, "on")
    refused(api.get("/api/rules?jurisdiction=TX"), 400, "jurisdiction")
    assert Api().get("/api/rules").status_code == 401


# --- At once ------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_of_two_rows_entered_at_the_same_moment_one_is_refused_in_words(boss):
    said: list[str] = []

    def enter() -> None:
        try:
            add_rule(row(), by=boss)
            said.append("saved")
        except BadRule as refusal:
            said.append(next(iter(refusal.fields)))
        finally:
            connection.close()

    threads = [threading.Thread(target=enter) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == ["from_date", "saved"]
    assert len(in_force("US-TX")) == 1


@pytest.mark.django_db(transaction=True)
def test_a_test_that_committed_rules_leaves_the_table_as_the_migrations_left_it(boss):
    add_rule(row(), by=boss)
    add_holiday("US-LA", date(2026, 12, 26), "Day after Christmas", "the governor", by=boss)
    assert load_rules().digest != table().digest
    empty()
    assert load_rules().digest == table().digest
    kept = set(ContactRule.objects.values_list("pk", flat=True))
    empty()
    assert set(ContactRule.objects.values_list("pk", flat=True)) == kept  # nothing is written where nothing was
