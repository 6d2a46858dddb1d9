"""The hours of the law: T1 and T2 of the reference, closed days and holidays, unknown places, the clock changes."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from zoneinfo import ZoneInfo

import holidays as library
import pytest

from campaigns.rule_table.running_out import states_without_dates
from campaigns.rules.decide import decide
from campaigns.rules.facts import Answer, Decision
from campaigns.rules.rule_set import Ban, RuleSet
from tests.campaigns.rules.table import A, B, N, O, P, X, facts, scrub, shipped, table, utc

NO_HOLIDAYS = shipped(holidays=False)


def at(moment: str, where=B, *, channel="sms", rules: RuleSet = NO_HOLIDAYS, purpose="campaign", **known) -> Decision:
    return decide(facts(where, channel, **known), rules, utc(moment), purpose)


def answer(decision: Decision, code: str) -> Answer:
    return next(one for one in decision.answers if one.code == code)


@pytest.fixture(params=["UTC", "America/New_York", "Pacific/Kiritimati"])
def process_zone(request, monkeypatch):
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    os.environ.setdefault("TZ", "UTC")
    time.tzset()


def test_t1_the_servers_clock_is_not_the_recipients(process_zone):
    assert at("2026-09-16T03:40Z", A, vendor_margin=15).verdict == "yes"  # 20:40 in Phoenix
    late = at("2026-09-16T03:40Z", B, vendor_margin=15)  # 23:40 in Boston
    assert (late.verdict, late.first, late.again_at) == ("later", "hours", utc("2026-09-16T12:00Z"))
    assert answer(late, "hours").input["checked"] == [["MA", "America/New_York", "23:40", "08:00-20:00", False]]
    near = at("2026-09-16T03:46Z", A, vendor_margin=15)
    assert (near.verdict, near.first, near.again_at) == ("later", "send_by", utc("2026-09-16T15:00Z"))
    assert answer(near, "send_by").input == {"minutes_left": 14, "margin": 15}
    assert at("2026-09-16T03:45Z", A, vendor_margin=15).verdict == "yes"
    assert at("2026-09-16T03:45:01Z", A, vendor_margin=15).again_at == utc("2026-09-16T15:00Z")


@pytest.mark.parametrize(
    ("moment", "where", "again"),
    [
        ("2026-09-15T14:30Z", A, "2026-09-15T15:00Z"),  # 07:30 Phoenix
        ("2026-09-15T14:30Z", N, "2026-09-15T15:00Z"),  # and 08:30 Tuba City
        ("2026-09-15T14:59:59Z", A, "2026-09-15T15:00Z"),
        ("2026-09-15T14:59:59Z", N, "2026-09-15T15:00Z"),
        ("2026-09-15T15:00:00Z", A, None),
        ("2026-09-15T15:00:00Z", N, None),
        ("2026-09-16T03:00:00Z", N, "2026-09-16T15:00Z"),  # 20:00 Phoenix, 21:00 Tuba City
        ("2026-09-16T03:00:00Z", A, None),
        ("2026-01-13T15:00Z", A, None),
        ("2026-01-13T15:00Z", N, None),  # both UTC-7
        ("2026-09-15T12:30Z", P, "2026-09-15T13:00Z"),  # 07:30 Chicago
        ("2026-09-15T23:59:59Z", P, None),
        ("2026-09-16T00:00:00Z", P, "2026-09-16T13:00Z"),  # 20:00 New York, 19:00 Chicago
        ("2026-09-15T14:30Z", O, "2026-09-15T15:00Z"),  # 08:30 Boise, 07:30 Los Angeles
        ("2026-09-15T15:00Z", O, None),
        ("2026-09-15T14:59:59Z", X, "2026-09-15T15:00Z"),
        ("2026-09-15T15:00:00Z", X, None),
        ("2026-09-15T23:59:59Z", X, None),
        ("2026-09-16T00:00:00Z", X, "2026-09-16T15:00Z"),
    ],
)
def test_t2_one_state_two_clocks(moment, where, again):
    decision = at(moment, where, channel="call")
    assert (decision.verdict, decision.again_at) == (("later", utc(again)) if again else ("yes", None))


def test_t2_a_toll_free_number_without_address_is_no_and_not_later():
    decision = at("2026-09-15T14:30Z", ((), ()), channel="call", number_kind="toll_free")
    assert (decision.verdict, decision.first, decision.again_at) == ("no", "number_kind", None)


@pytest.mark.parametrize(
    ("state", "zone", "moment", "again", "why"),
    [
        ("AL", "America/Chicago", "2026-09-13T17:00Z", "2026-09-14T13:00Z", "closed_day"),  # a Sunday
        ("LA", "America/Chicago", "2026-09-13T17:00Z", "2026-09-14T13:00Z", "closed_day"),
        ("UT", "America/Denver", "2026-09-13T17:00Z", "2026-09-14T14:00Z", "closed_day"),
        ("TX", "America/Chicago", "2026-09-13T16:59Z", "2026-09-13T17:00Z", "hours"),  # Sundays from noon
        (
            "RI",
            "America/New_York",
            "2026-09-12T21:00Z",
            "2026-09-14T13:00Z",
            "hours",
        ),  # Saturday until 17, Sunday closed
        ("PA", "America/New_York", "2026-10-11T16:00Z", None, ""),  # a Sunday before SB 992
        ("PA", "America/New_York", "2026-10-18T16:00Z", "2026-10-19T13:00Z", "closed_day"),
        ("PA", "America/New_York", "2026-10-17T12:30Z", None, ""),  # 8:30, the last day of the old hours
        ("PA", "America/New_York", "2026-10-20T12:30Z", "2026-10-20T13:00Z", "hours"),  # 8:30; 9-19 now
        ("PA", "America/New_York", "2026-10-20T23:00Z", "2026-10-21T13:00Z", "hours"),
        ("OR", "America/Los_Angeles", "2025-12-30T04:30Z", None, ""),  # 20:30 before HB 3865
        ("OR", "America/Los_Angeles", "2026-01-13T04:30Z", "2026-01-13T16:00Z", "hours"),
        ("KY", "America/New_York", "2026-09-15T13:59Z", "2026-09-15T14:00Z", "hours"),  # from 10
        # Mississippi by Central Standard Time: 9-20 on the clock in summer, 8-20 in winter
        ("MS", "America/Chicago", "2026-07-14T13:30Z", "2026-07-14T14:00Z", "hours"),
        ("MS", "America/Chicago", "2026-07-15T00:59Z", None, ""),
        ("MS", "America/Chicago", "2026-07-15T01:00Z", "2026-07-15T14:00Z", "hours"),
        ("MS", "America/Chicago", "2026-12-15T14:00Z", None, ""),
        ("MS", "America/Chicago", "2026-12-15T13:59Z", "2026-12-15T14:00Z", "hours"),
        ("MS", "America/Chicago", "2026-07-04T17:00Z", None, ""),  # its holidays are open since 2024
        # holidays
        (
            "AL",
            "America/Chicago",
            "2026-07-03T17:00Z",
            "2026-07-06T13:00Z",
            "holiday",
        ),  # kept on Friday; then Saturday's
        ("LA", "America/Chicago", "2026-02-17T18:00Z", "2026-02-18T14:00Z", "holiday"),  # Mardi Gras
        ("UT", "America/Denver", "2026-07-24T18:00Z", "2026-07-25T14:00Z", "holiday"),
        ("RI", "America/New_York", "2026-08-10T16:00Z", "2026-08-11T13:00Z", "holiday"),
        ("PA", "America/New_York", "2026-11-03T17:00Z", "2026-11-04T14:00Z", "holiday"),  # Election Day
        ("MA", "America/New_York", "2026-12-25T17:00Z", None, ""),
    ],
)
def test_closed_days_and_holidays_of_a_state(state, zone, moment, again, why):
    checked = scrub(f"{utc(moment) - timedelta(days=5):%Y-%m-%d}")
    decision = at(moment, ((zone,), (state,)), channel="call", rules=table(), consents=(), scrubs=(checked,))
    assert (decision.first, decision.again_at) == (why, utc(again) if again else None)


def test_the_holidays_name_is_told():
    decision = at("2026-12-25T17:00Z", (("America/Chicago",), ("AL",)), rules=table())
    assert answer(decision, "holiday").input == {"days": [["AL", "America/Chicago", "2026-12-25", "Christmas Day"]]}


def test_south_dakotas_weekend_is_closed_to_texts_and_its_saturday_open_to_calls():
    where = (("America/Chicago",), ("SD",))
    assert at("2026-09-12T17:00Z", where, channel="call").verdict == "yes"
    texts = at("2026-09-12T17:00Z", where)
    assert (texts.first, texts.again_at) == ("closed_day", utc("2026-09-14T14:00Z"))


def test_utahs_closed_days_open_with_written_consent_and_with_no_other():
    where = (("America/Denver",), ("UT",))
    assert at("2026-09-13T17:00Z", where, rules=table()).verdict == "yes"  # a Sunday; facts hold written consent
    assert at("2026-07-24T17:00Z", where, rules=table()).verdict == "yes"
    express = facts(where, "call").consents[1:]
    assert at("2026-09-13T17:00Z", where, channel="call", consents=express, rules=table()).first == "closed_day"


def test_a_year_whose_holidays_nobody_entered_is_closed():
    decision = at("2028-03-07T17:00Z", (("America/Chicago",), ("AL",)), rules=table(), consents=facts().consents)
    assert answer(decision, "holiday").verdict == "no"  # it never opens, as far as the table goes
    assert answer(decision, "holiday").input["days"][0][3] == "the holidays of 2028 are not entered"


def test_one_holiday_of_a_year_opens_none_of_its_days():
    full = table()
    first = {date(2028, 1, 3): "New Year's Day"}
    some = RuleSet(full.rules, {f"US-{state}": {**days, **first} for state, days in full.holidays.items()})
    assert some.holiday("AL", date(2028, 1, 3)) == "New Year's Day"
    assert some.holiday("AL", date(2028, 7, 4)) == "the holidays of 2028 are not entered"
    assert ("AL", 2028) in states_without_dates(some, date(2028, 1, 1))
    again = {day.replace(year=2028): name for day, name in full.holidays["AL"].items() if day.year == 2027}
    assert RuleSet(full.rules, {"US-AL": {**full.holidays["AL"], **again}}).holiday("AL", date(2028, 3, 7)) == ""
    assert not any(
        full.holiday(state, date(year, 3, 17)) for state in ("AL", "LA", "PA", "UT") for year in (2026, 2027)
    )


def test_an_unknown_state_is_the_strictest_of_all_states():
    where = (("America/New_York",), ())
    assert at("2026-09-15T14:00Z", where, channel="call").first != "hours"  # 10:00: Kentucky opens
    early = at("2026-09-15T13:59Z", where, channel="call")
    assert answer(early, "hours").verdict == "later"
    # Central Standard Time binds too: 8:00 of it is 10:00 in New York in summer; Rhode Island ends at 18:00
    assert answer(at("2026-09-15T22:00Z", where, channel="call"), "hours").again_at == utc("2026-09-16T14:00Z")
    assert answer(at("2026-09-13T17:00Z", where, channel="call"), "closed_day").verdict == "later"  # Sundays
    assert answer(at("2026-07-24T17:00Z", where, channel="call", rules=table()), "holiday").verdict == "later"
    nobodys = answer(at("2026-09-15T17:00Z", (("America/New_York",), ("ON",)), channel="call"), "hours")
    assert nobodys.input["checked"][0][:1] == ["any state"]


def test_an_unknown_zone_is_open_only_while_all_fifty_states_are():
    """New York to Honolulu. 15:00-20:00 Eastern, as 2.1 has it, is where the state is unknown too, but for RI."""
    only_federal = replace(facts(((), ("AZ",)), "call"))
    open_at = [
        hour
        for hour in range(24)
        if decide(only_federal, table(), datetime(2026, 1, 13, hour, tzinfo=UTC), "campaign").verdict == "yes"
    ]
    assert open_at == [0, 1, 18, 19, 20, 21, 22, 23]  # 08:00 in Honolulu to 21:00 in New York: 13:00-21:00 Eastern
    summer = at("2026-07-14T17:59Z", ((), ("AZ",)), channel="call")
    assert summer.again_at == utc("2026-07-14T18:00Z")
    nowhere = answer(at("2026-01-14T19:59Z", ((), ()), channel="call"), "hours")
    assert nowhere.again_at == utc("2026-01-14T20:00Z")  # 10:00 in Honolulu: 15:00 Eastern
    assert answer(at("2026-01-14T23:00Z", ((), ()), channel="call"), "hours").again_at == utc("2026-01-15T20:00Z")
    assert at("2026-01-14T19:59Z", (("Mars/Olympus",), ("AZ",)), channel="call").verdict == "yes"
    assert at("2026-01-14T17:59Z", (("Mars/Olympus",), ("AZ",)), channel="call").first == "hours"


def test_an_emergency_closes_its_state_and_nobody_knows_until_when():
    hurricane = Ban("US-LA", utc("2026-09-01T06:30Z"), utc("2026-09-10T00:00Z"), "Hurricane Ida")
    rules = shipped(emergencies=[hurricane], holidays=False)
    where = (("America/Chicago",), ("LA", "TX"))
    during = at("2026-09-08T17:00Z", where, rules=rules)
    assert (during.verdict, during.first, during.again_at) == ("no", "emergency", None)
    assert answer(during, "emergency").input == {"emergencies": [["LA", "Hurricane Ida", "2026-09-01T06:30Z"]]}
    assert at("2026-09-10T17:00Z", where, rules=rules).verdict == "yes"
    assert at("2026-08-31T17:00Z", where, rules=rules).verdict == "yes"
    assert at("2026-09-08T17:00Z", (("America/Chicago",), ("TX",)), rules=rules).verdict == "yes"
    assert answer(at("2026-09-08T17:00Z", (("America/Chicago",), ()), rules=rules), "emergency").verdict == "no"


def test_the_campaigns_own_window_narrows_and_never_widens():
    window = (clock(6), clock(12), (0, 1, 2, 3, 4))
    assert at("2026-09-15T15:59Z", B, window=window).verdict == "yes"
    assert at("2026-09-15T16:00Z", B, window=window).again_at == utc("2026-09-16T12:00Z")  # not from 6
    friday = at("2026-09-18T16:00Z", B, window=window)
    assert (friday.first, friday.again_at) == ("hours", utc("2026-09-21T12:00Z"))
    never = at("2026-09-15T15:00Z", B, window=(clock(21, 30), clock(23), (0,)))
    assert (never.verdict, never.first) == ("no", "hours")


@pytest.mark.parametrize(
    ("moment", "again"),
    [
        ("2026-03-08T11:59Z", "2026-03-08T12:00Z"),  # 23 hours: 8:00 is 12:00Z, the day before 13:00Z
        ("2026-03-07T12:59Z", "2026-03-07T13:00Z"),
        ("2026-11-01T12:59Z", "2026-11-01T13:00Z"),  # 25 hours
        ("2026-10-31T11:59Z", "2026-10-31T12:00Z"),
    ],
)
def test_the_day_on_which_the_clock_moves(moment, again):
    assert at(moment, B).again_at == utc(again)


def test_e_mail_has_the_houses_hours_and_no_states():
    where = (("America/Denver",), ("UT",))
    assert at("2026-09-13T17:00Z", where, channel="email", rules=table()).verdict == "yes"  # Sunday in Utah
    assert at("2026-09-14T02:00Z", where, channel="email").again_at == utc("2026-09-14T14:00Z")  # 20:00


def test_a_table_without_a_row_in_force_is_closed():
    empty = RuleSet([], {})
    assert at("2026-09-15T17:00Z", B, rules=empty).verdict == "no"
    before = at("2019-09-17T17:00Z", B, consents=(), channel="call", scrubs=())
    assert answer(before, "closed_day").verdict == "later"
    assert answer(before, "closed_day").again_at == utc("2020-01-01T13:00Z")


def test_every_moment_of_a_week_agrees_with_the_rule_in_words():
    """The computed windows against 4.1 read literally: inside every window, by every clock, minute by minute."""
    windows = {"AZ": (8, 21), "MA": (8, 20), "TX": (9, 21)}
    zones, states = ("America/Chicago", "America/New_York", "America/Phoenix"), ("AZ", "MA", "TX")
    person = facts((zones, states), "call")
    moment = datetime(2026, 10, 30, tzinfo=UTC)  # over the end of daylight saving time
    while moment < datetime(2026, 11, 4, tzinfo=UTC):
        inside = True
        for zone in zones:
            local = moment.astimezone(ZoneInfo(zone))
            for state in states:
                opens, closes = windows[state]
                if state == "TX" and local.weekday() == 6:
                    opens = 12
                inside &= opens <= local.hour < closes
        assert (decide(person, NO_HOLIDAYS, moment, "campaign").verdict == "yes") is inside, moment
        moment += timedelta(minutes=7)


def test_every_closed_state_has_its_holidays_for_this_year_and_the_next():
    closed = {rule.state for rule in table().rules if rule.closes_on_holidays}
    assert closed == {"AL", "LA", "PA", "RI", "UT"}
    for state in closed:
        entered = table().holidays[state]
        for year in (2026, 2027):
            known = library.country_holidays("US", subdiv=state, years=year)
            assert {day for day in known if day not in entered} == set()
    assert date(2026, 12, 1) in table().holidays["AL"]  # Rosa Parks Day, which the library does not have
