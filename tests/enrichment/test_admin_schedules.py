"""Schedules by the admin: made and changed in people's words; what is refused is told at its field and not stored."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from buckets.models import Bucket
from common.db.ids import uuid7
from enrichment.models import Schedule
from tests.admin_site import act, address, staff, words
from tests.support import make_user

pytestmark = pytest.mark.django_db
ADD = "/admin/enrichment/schedule/add/"
SEARCH = {"state": "WA", "city": "Seattle"}


@pytest.fixture
def ann() -> tuple[User, Client]:
    return staff(time_zone="America/New_York")


@pytest.fixture
def bucket(ann: tuple[User, Client]) -> Bucket:
    return Bucket.objects.create(owner=ann[0], name="Kings", filters=SEARCH)


def filled(of: Bucket, **more: Any) -> dict[str, Any]:
    given = {
        "bucket": of.pk,
        "kind": "enrich",
        "every": "daily",
        "at": "02:30",
        "time_zone": "America/New_York",
        "once": uuid7(),
        **more,
    }
    return {name: value for name, value in given.items() if value is not None}


def errors(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 200
    return dict(response.context["form"].errors)


def test_facts_for_the_next_leads(ann: tuple[User, Client], bucket: Bucket):
    sent = filled(bucket, max_cost="25", limit="500", skip_trace="on", vacant="on", absenteeOwner="false")
    answer = ann[1].post(ADD, sent)

    schedule = Schedule.objects.get()
    assert answer["Location"] == address(Schedule, "change", schedule.pk)
    assert (schedule.owner, schedule.bucket, schedule.kind) == (ann[0], bucket, "enrich")
    assert (schedule.cadence, schedule.time_zone, schedule.max_cost) == ("30 2 * * *", "America/New_York", 25)
    assert schedule.options == {"limit": 500, "skipTrace": True, "guard": {"vacant": True, "absenteeOwner": False}}
    assert schedule.enabled


def test_the_search_again(ann: tuple[User, Client], bucket: Bucket):
    ann[1].post(ADD, filled(bucket, kind="refresh", every="weekly", on="3", at="18:05"))

    schedule = Schedule.objects.get()
    assert (schedule.kind, schedule.cadence, schedule.max_cost) == ("refresh", "5 18 * * 3", None)
    assert schedule.options == {"search": SEARCH}


def test_what_has_changed(ann: tuple[User, Client], bucket: Bucket):
    sent = filled(bucket, kind="rebuy", every="monthly", day="L", max_cost="9.5", older_than_days="90")
    ann[1].post(ADD, sent)

    schedule = Schedule.objects.get()
    assert (schedule.cadence, schedule.max_cost) == ("30 2 L * *", Decimal("9.5"))
    assert schedule.options == {"olderThanDays": 90, "skipTrace": False}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"every": "cron", "cron": "* * * * *"}, "cron"),
        ({"every": "cron", "cron": "0 0 31 2 *"}, "cron"),
        ({"every": "cron"}, "cron"),
        ({"every": "hourly"}, "every"),
        ({"at": "25:00"}, "at"),
        ({"at": None}, "at"),
        ({"every": "weekly"}, "on"),
        ({"every": "weekly", "on": ["1", "7"]}, "on"),
        ({"every": "monthly", "day": "31"}, "day"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"time_zone": "../../etc/passwd"}, "time_zone"),
        ({"limit": "0"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"limit": "99999999999"}, "limit"),
        ({"max_cost": None}, "max_cost"),
        ({"max_cost": "0"}, "max_cost"),
        ({"max_cost": "NaN"}, "max_cost"),
        ({"kind": "rebuy"}, "older_than_days"),
        ({"kind": "rebuy", "older_than_days": "0"}, "older_than_days"),
        ({"kind": "refresh"}, "max_cost"),
        ({"kind": "refresh", "max_cost": None, "limit": "5"}, "limit"),
        ({"kind": "steal"}, "kind"),
        ({"older_than_days": "5"}, "older_than_days"),
        ({"estimatedValueMin": "10", "estimatedValueMax": "5"}, "estimatedValueMax"),
        ({"bucket": "no id"}, "bucket"),
        ({"bucket": None}, "bucket"),
        ({"once": None}, "once"),
    ],
)
def test_what_cannot_be_meant_is_told_at_its_field(
    ann: tuple[User, Client], bucket: Bucket, given: dict[str, Any], field: str
):
    assert field in errors(ann[1].post(ADD, filled(bucket, **{"max_cost": "5", **given})))
    assert not Schedule.objects.exists()


def test_a_bucket_without_a_search_has_none_to_repeat(ann: tuple[User, Client]):
    bucket = Bucket.objects.create(owner=ann[0], name="By hand")

    assert "bucket" in errors(ann[1].post(ADD, filled(bucket, kind="refresh")))
    assert not Schedule.objects.exists()


def test_somebody_elses_bucket_is_not_there(ann: tuple[User, Client]):
    other = Bucket.objects.create(owner=make_user("bob"), name="Secret")

    assert "bucket" in errors(ann[1].post(ADD, filled(other, max_cost="5")))
    assert "Secret" not in ann[1].get(ADD, {"bucket": str(other.pk)}).content.decode()
    assert not Schedule.objects.exists()


def test_pressed_twice_it_is_one(ann: tuple[User, Client], bucket: Bucket):
    sent = filled(bucket, max_cost="5")
    first, second = ann[1].post(ADD, sent), ann[1].post(ADD, sent)

    assert Schedule.objects.count() == 1
    assert first["Location"] == second["Location"] == address(Schedule, "change", sent["once"])
    assert "This schedule already exists: here it is." in words(second)


def test_the_id_of_somebody_elses_schedule_takes_nothing_over(ann: tuple[User, Client], bucket: Bucket):
    bob, bobs = staff("bob")
    theirs = filled(Bucket.objects.create(owner=bob, name="Theirs"), max_cost="5")
    bobs.post(ADD, theirs)

    assert ann[1].post(ADD, filled(bucket, max_cost="7", once=theirs["once"])).status_code == 404
    assert Schedule.objects.get().owner == bob


def test_only_what_was_changed_is_changed(ann: tuple[User, Client], bucket: Bucket):
    ann[1].post(ADD, filled(bucket, max_cost="25", limit="500", skip_trace="on"))
    schedule = Schedule.objects.get()
    guard = {"vacant": True, "bedroomsMin": 3}
    Schedule.objects.update(options=schedule.options | {"guard": guard})
    page = address(Schedule, "change", schedule.pk)
    assert "Daily" in ann[1].get(page).content.decode()

    sent = {"every": "weekdays", "at": "07:00", "time_zone": "America/New_York", "max_cost": "30", "vacant": "on"}
    assert ann[1].post(page, sent)["Location"] == page

    changed = Schedule.objects.get()
    assert (changed.cadence, changed.max_cost) == ("0 7 * * 1-5", 30)
    assert changed.options == {"limit": None, "skipTrace": False, "guard": guard}
    assert changed.next_at != schedule.next_at


def test_a_guard_of_several_values_stays_where_it_is_not_touched(ann: tuple[User, Client], bucket: Bucket):
    ann[1].post(ADD, filled(bucket, max_cost="25"))
    schedule = Schedule.objects.get()
    guard = {"propertyType": ["SFR", "MFR"], "vacant": False, "absenteeOwner": True}
    Schedule.objects.update(options=schedule.options | {"guard": guard})
    page = address(Schedule, "change", schedule.pk)
    form = ann[1].get(page).context["form"]
    assert (form["propertyType"].value(), form["absenteeOwner"].value()) == ("SFR, MFR", "true")

    sent = {"every": "daily", "at": "07:00", "time_zone": "America/New_York", "max_cost": "30"}
    ann[1].post(page, sent | {"propertyType": "SFR, MFR", "absenteeOwner": "true"})

    assert Schedule.objects.get().max_cost == 30
    assert Schedule.objects.get().options["guard"] == guard


@pytest.mark.parametrize(
    ("name", "value"), [("vacant", "maybe"), ("vacant", ["on", "no"]), ("skip_trace", "2"), ("absenteeOwner", "2"),
                        ("absenteeOwner", ["true", "false"]), ("limit", ["1", "500"])]
)  # fmt: skip
def test_a_field_that_cannot_be_meant_is_refused_at_its_place(
    ann: tuple[User, Client], bucket: Bucket, name: str, value: Any
):
    assert list(errors(ann[1].post(ADD, filled(bucket, max_cost="25", **{name: value})))) == [name]
    assert not Schedule.objects.exists()


@pytest.mark.parametrize(
    ("value", "guard"), [("0", {"vacant": False}), ("TRUE", {"vacant": True}), ("on", {"vacant": True})]
)
def test_a_box_says_what_is_sent(ann: tuple[User, Client], bucket: Bucket, value: str, guard: dict[str, bool]):
    ann[1].post(ADD, filled(bucket, max_cost="25", vacant=value, skip_trace="no"))

    assert Schedule.objects.get().options["guard"] == guard
    assert Schedule.objects.get().options["skipTrace"] is False


def test_a_refused_change_changes_nothing(ann: tuple[User, Client], bucket: Bucket):
    ann[1].post(ADD, filled(bucket, max_cost="25"))
    before = Schedule.objects.values().get()
    page = address(Schedule, "change", before["id"])
    sent = {"every": "daily", "at": "03:30", "time_zone": "UTC", "my_zone": "on"}

    assert "max_cost" in errors(ann[1].post(page, sent))
    assert Schedule.objects.values().get() == before
    assert User.objects.get(pk=ann[0].pk).time_zone == "America/New_York"


def test_an_own_cron_line_comes_back_as_it_was(ann: tuple[User, Client], bucket: Bucket):
    ann[1].post(ADD, filled(bucket, max_cost="5", every="cron", cron="15 */6 * * *"))
    schedule = Schedule.objects.get()

    form = ann[1].get(address(Schedule, "change", schedule.pk)).context["form"]
    assert (form["every"].value(), form["cron"].value()) == ("cron", "15 */6 * * *")


def test_several_days_a_week_come_back_as_they_were(ann: tuple[User, Client], bucket: Bucket):
    ann[1].post(ADD, filled(bucket, max_cost="5", every="weekly", on=["0", "4", "1"]))
    schedule = Schedule.objects.get()
    page = address(Schedule, "change", schedule.pk)

    form = ann[1].get(page).context["form"]
    assert (schedule.cadence, form["every"].value()) == ("30 2 * * 0,1,4", "weekly")
    assert sorted(form["on"].value()) == ["0", "1", "4"]
    shown = ann[1].get(address(Schedule, "changelist")).content.decode()
    assert "On Mondays, Thursdays and Sundays at 2:30 AM" in shown

    ann[1].post(page, {"every": "weekly", "on": ["5"], "at": "02:30", "time_zone": "America/New_York", "max_cost": "5"})
    assert Schedule.objects.get().cadence == "30 2 * * 5"


def test_removing_asks_first(ann: tuple[User, Client], bucket: Bucket):
    ann[1].post(ADD, filled(bucket, max_cost="5"))
    schedules = [Schedule.objects.get()]

    asked = act(ann[1], Schedule, "remove", schedules).content.decode()
    assert "Enrich the next leads, Kings: Daily at 2:30 AM" in asked
    assert Schedule.objects.exists()
    _, bobs = staff("bob")
    act(bobs, Schedule, "remove", schedules, confirmed="yes")
    assert Schedule.objects.exists()
    assert words(act(ann[1], Schedule, "remove", schedules, confirmed="yes")) == [f"Deleted: {schedules[0]}"]
    assert not Schedule.objects.exists()


def test_somebody_elses_schedule_is_not_there(ann: tuple[User, Client], bucket: Bucket):
    ann[1].post(ADD, filled(bucket, max_cost="5"))
    before = Schedule.objects.values().get()
    _, bobs = staff("bob")
    page = address(Schedule, "change", before["id"])

    assert bobs.get(page).status_code == 404
    sent = {"every": "daily", "at": "05:00", "time_zone": "UTC", "max_cost": "1"}
    assert bobs.post(page, sent).status_code == 404
    assert Schedule.objects.values().get() == before
    assert ann[1].get(address(Schedule, "change", "no id")).status_code == 404


def test_one_makes_a_zone_ones_own(ann: tuple[User, Client], bucket: Bucket):
    ann[1].post(ADD, filled(bucket, max_cost="5", time_zone="America/Phoenix", my_zone="on"))

    assert User.objects.get(pk=ann[0].pk).time_zone == "America/Phoenix"
    assert ann[1].get(ADD).context["form"]["time_zone"].value() == "America/Phoenix"


def test_the_next_times_while_typing(ann: tuple[User, Client]):
    place = reverse("admin:enrichment_schedule_next")

    told = ann[1].get(place, {"every": "weekly", "on": ["1", "6"], "at": "02:30", "time_zone": "America/New_York"})
    assert sorted(told.content.decode().count(day) for day in ("Mon, ", "Sat, ")) == [1, 2]
    assert re.search(r", 2:30 AM E[SD]T, then", told.content.decode())
    for bad in ({"every": "cron", "cron": "0 0 31 2 *", "time_zone": "UTC"}, {"time_zone": "Mars"}, {"at": "\0"}):
        assert "then" not in ann[1].get(place, bad).content.decode()
    assert Client().get(place).status_code == 302


def test_from_a_buckets_page_it_is_chosen(ann: tuple[User, Client], bucket: Bucket):
    link = f"{ADD}?bucket={bucket.pk}"

    assert link in ann[1].get(address(Bucket, "change", bucket.pk)).content.decode()
    assert f'<option value="{bucket.pk}" selected>' in ann[1].get(link).content.decode()
