"""Every rule but the hours: who may be contacted at all, how often, and what a purpose waives."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from campaigns.rules.decide import CODES, decide
from campaigns.rules.facts import Answer, Decision, Facts, Suppressed, Talk
from tests.campaigns.rules.table import SELLER, A, B, P, attempts, consent, facts, scrub, shipped, table, utc

NOON = "2026-09-15T16:00Z"  # a Tuesday, noon in Boston
NIGHT = "2026-09-15T06:10Z"  # 02:10 in Boston
RULES = shipped(holidays=False)
OTHER = UUID("01933b5e-0000-7000-8000-000000000002")


def asked(known: Facts, moment: str = NOON, purpose="campaign") -> Decision:
    return decide(known, RULES, utc(moment), purpose)


def answer(decision: Decision, code: str) -> Answer:
    return next(one for one in decision.answers if one.code == code)


def suppressed(reason: str, since: str = "2026-09-01T00:00Z") -> tuple[Suppressed, ...]:
    return (Suppressed(OTHER, "any", reason, utc(since)),)


def talk(**known) -> Talk:
    values: dict[str, Any] = {
        "id": OTHER,
        "is_ours": True,
        "is_mine": True,
        "is_held": False,
        "last_in_at": None,
        "decide_by": None,
    }
    return Talk(**(values | known))


def test_every_rule_answers_in_its_order_whatever_the_first_says():
    nobody = facts(address=None, number_kind="toll_free", suppressions=suppressed("stop"), lead_status="lost")
    for decision in (asked(facts()), asked(nobody), asked(facts(), NIGHT)):
        assert tuple(one.code for one in decision.answers) == CODES
        assert all(one.version for one in decision.answers)
    assert [one.code for one in asked(nobody).answers if one.verdict == "no"] == [
        "address_missing", "number_kind", "suppressed", "lead_status",
    ]  # fmt: skip
    assert CODES == (
        "address_missing", "invalid_number", "number_kind", "bad_email", "erased", "suppressed", "litigator",
        "registry", "scrub_age", "no_consent", "cold_closed", "hours", "closed_day", "holiday", "emergency", "send_by",
        "cap_24h", "gap", "cap_7d", "cap_90d", "conversation", "held", "lead_status", "seller", "sender_registration",
        "state_answer", "template", "campaign_state", "budget",
    )  # fmt: skip


COLD = {"consents": ()}
NO = [
    ({"number_kind": "invalid"}, "invalid_number", {"kind": "invalid"}),
    ({"number_kind": "landline"}, "number_kind", {"kind": "landline"}),
    ({"number_kind": "unknown"}, "number_kind", {"kind": "unknown"}),
    ({"number_kind": "foreign"}, "number_kind", {"kind": "foreign"}),
    ({"erased": OTHER}, "erased", {"id": str(OTHER)}),
    (
        {"suppressions": suppressed("stop")},
        "suppressed",
        {"rows": [{"id": str(OTHER), "reason": "stop", "scope": "any", "since": "2026-09-01T00:00:00Z"}]},
    ),
    ({"litigator": True}, "litigator", {}),
    ({"scrubs": (scrub(), scrub(listed=True, of="litigator"))}, "litigator", {}),
    ({**COLD, "scrubs": (scrub(listed=True),)}, "registry", {"listed": ["federal"]}),
    ({**COLD, "scrubs": (scrub(), scrub(listed=True, of="state:TX"))}, "registry", {"listed": ["state:TX"]}),
    ({**COLD, "flag": True}, "registry", {"listed": ["vendor_flag"]}),
    ({**COLD, "scrubs": ()}, "scrub_age", {"days": None, "most": 31, "source": ""}),
    ({**COLD, "scrubs": (scrub("2026-08-14"),)}, "scrub_age", {"days": 32, "most": 31, "source": "file"}),
    (COLD, "no_consent", {"needed": ["written"]}),
    ({"consents": (consent("express"),)}, "no_consent", {"needed": ["written"]}),
    ({"consents": (consent(channel="call"),)}, "no_consent", {"needed": ["written"]}),
    ({"consents": (consent(given="2024-09-15T16:00Z"),)}, "no_consent", {"needed": ["written"]}),  # 24 months
    ({"consents": (consent(until=NOON),)}, "no_consent", {"needed": ["written"]}),
    ({"consents": (consent(given="2026-09-15T16:01Z"),)}, "no_consent", {"needed": ["written"]}),  # not yet
    ({"consents": (consent("start"), consent("reply"))}, "no_consent", {"needed": ["written"]}),
    ({"lead_status": "lost"}, "lead_status", {"status": "lost"}),
    ({"lead_status": "closed"}, "lead_status", {"status": "closed"}),
    ({"seller": None}, "seller", {"missing": ["seller"]}),
    ({"seller": replace(SELLER, missing=("postal_address",))}, "seller", {"missing": ["postal_address"]}),
    ({"seller": replace(SELLER, sender_registered=False)}, "sender_registration", {}),
    ({"seller": replace(SELLER, answers={})}, "state_answer", {"unanswered": ["MA"], "stay_out": []}),
    ({"seller": replace(SELLER, answers={"MA": "stay_out"})}, "state_answer", {"unanswered": [], "stay_out": ["MA"]}),
    ({"missing": ("firstName",)}, "template", {"missing": ["firstName"]}),
    ({"campaign": "paused"}, "campaign_state", {"why": "paused"}),
    ({"budget": "team_month"}, "budget", {"why": "team_month"}),
]


@pytest.mark.parametrize(("known", "code", "told"), NO)
def test_what_is_refused(known, code, told):
    decision = asked(facts(**known))
    assert (decision.verdict, decision.again_at) == ("no", None)
    assert answer(decision, code).verdict == "no"
    assert dict(answer(decision, code).input) == told
    assert asked(facts()).verdict == "yes"


def test_a_no_outranks_a_later():
    decision = asked(facts(lead_status="lost"), NIGHT)
    assert (decision.verdict, decision.first, decision.again_at) == ("no", "hours", None)
    assert answer(decision, "hours").again_at == utc("2026-09-15T12:00Z")


@pytest.mark.parametrize(
    ("known", "verdict"),
    [
        ({"consents": ()}, "yes"),  # a call by hand to a checked number needs no consent
        ({"consents": (), "number_kind": "landline"}, "yes"),
        ({"consents": (), "number_kind": "unknown"}, "yes"),
        ({"consents": (), "scrubs": (scrub(listed=True),)}, "no"),
        ({"consents": (consent("inquiry", "call", "2026-07-01T00:00Z"),), "scrubs": (scrub(listed=True),)}, "yes"),
        ({"consents": (consent("inquiry", "call", "2026-06-15T16:00Z"),), "scrubs": (scrub(listed=True),)}, "no"),
        ({"consents": (consent("transaction", "call", "2025-04-01T00:00Z"),), "flag": True}, "yes"),  # 18 months
        ({"consents": (consent("transaction", "call", "2025-03-15T16:00Z"),), "flag": True}, "no"),
        ({"consents": (consent("express", "call"),), "scrubs": ()}, "yes"),
        ({"consents": (consent("express", "sms"),), "scrubs": ()}, "no"),  # for texts
    ],
)
def test_calls_need_a_check_or_what_opens_it(known, verdict):
    assert asked(facts(channel="call", **known)).verdict == verdict


@pytest.mark.parametrize(
    ("state", "kind", "given", "verdict"),
    [
        ("PA", "transaction", "2025-10-01T00:00Z", "yes"),
        ("PA", "transaction", "2025-09-01T00:00Z", "no"),  # 12 months
        ("OR", "inquiry", "2026-09-01T00:00Z", "no"),  # a transaction alone
        ("OR", "transaction", "2026-01-01T00:00Z", "yes"),
    ],
)
def test_a_business_relationship_ends_earlier_in_some_states(state, kind, given, verdict):
    known = facts((("America/New_York",), (state,)), "call", consents=(consent(kind, "call", given),), flag=True)
    assert answer(asked(known), "registry").verdict == verdict


def test_a_vendors_flag_is_a_check_for_31_days_where_the_seller_acknowledged_it():
    acknowledged = replace(SELLER, flag_acknowledged=True)
    fresh = facts(channel="call", consents=(), scrubs=(), flag=False, flag_at=utc("2026-08-15T12:00Z"))
    assert answer(asked(fresh), "scrub_age").verdict == "no"
    told = answer(asked(replace(fresh, seller=acknowledged)), "scrub_age")
    assert (told.verdict, told.input) == ("yes", {"days": 31, "most": 31, "source": "vendor_flag"})
    old = replace(fresh, seller=acknowledged, flag_at=utc("2026-08-14T12:00Z"))
    assert answer(asked(old), "scrub_age").verdict == "no"
    unsaid = replace(fresh, seller=acknowledged, flag=None)
    assert answer(asked(unsaid), "scrub_age").verdict == "no"
    by_row = replace(unsaid, scrubs=(scrub(source="vendor_flag"),))
    assert answer(asked(by_row), "scrub_age").verdict == "yes"
    assert answer(asked(replace(by_row, seller=SELLER)), "scrub_age").verdict == "no"


def test_connecticut_is_closed_to_cold_calls_and_new_jersey_to_cold_calls_of_mobiles():
    connecticut, jersey = (("America/New_York",), ("CT",)), (("America/New_York",), ("NJ",))
    closed = asked(facts(connecticut, "call", consents=(consent("express", "call"),), number_kind="landline"))
    assert (closed.first, answer(closed, "cold_closed").input) == ("cold_closed", {"states": [["CT", "closed"]]})
    assert asked(facts(connecticut, "call")).verdict == "yes"  # written consent
    assert asked(facts(jersey, "call", consents=())).first == "cold_closed"
    assert asked(facts(jersey, "call", consents=(), number_kind="unknown")).first == "cold_closed"
    assert asked(facts(jersey, "call", consents=(), number_kind="landline")).verdict == "yes"
    assert asked(facts((("America/New_York",), ()), "call", consents=())).first == "cold_closed"  # unknown state


def test_t13_two_attempts_a_day_over_all_channels_and_teams():
    texted = attempts("sms", "2026-09-15T14:00Z", ours=False)
    mailed = attempts("email", "2026-09-15T15:00Z")
    decision = asked(facts(channel="call", attempts=(*mailed, *texted)), NOON)
    assert (decision.verdict, decision.first, decision.again_at) == ("later", "cap_24h", utc("2026-09-16T14:00Z"))
    assert answer(decision, "cap_24h").input == {
        "counted": [["2026-09-15T15:00:00Z", "email"], ["2026-09-15T14:00:00Z", "another team"]],
        "cap": 2,
    }
    assert answer(decision, "gap").verdict == "yes"  # 60 minutes to the second
    assert asked(facts(channel="call", attempts=(*mailed, *texted)), "2026-09-16T14:00Z").verdict == "yes"


def test_t13_a_house_cap_of_five_allows_the_fourth_in_massachusetts_and_never_in_florida():
    three = attempts("call", "2026-09-15T12:30Z", "2026-09-15T13:40Z", "2026-09-15T14:50Z")
    assert asked(facts(B, "call", attempts=three, daily_cap=5), NOON).verdict == "yes"
    florida = asked(facts(P, "call", attempts=three, daily_cap=5), NOON)
    assert (florida.first, florida.again_at) == ("cap_24h", utc("2026-09-16T13:00Z"))  # 12:30Z is 07:30 in Pensacola
    for state in ("FL", "MD", "OK", "OR"):
        known = facts((("America/New_York",), (state,)), "call", attempts=three, daily_cap=5)
        assert answer(asked(known, NOON), "cap_24h").input["cap"] == 3
    unknown = facts((("America/New_York",), ()), "call", attempts=three, daily_cap=5)
    assert answer(asked(unknown, NOON), "cap_24h").verdict == "later"


def test_of_a_days_attempts_one_is_a_text_and_one_an_e_mail():
    texted = attempts("sms", "2026-09-15T13:00Z")
    decision = asked(facts(attempts=texted, daily_cap=5))
    assert (decision.first, decision.again_at) == ("cap_24h", utc("2026-09-16T13:00Z"))
    assert asked(facts(channel="call", attempts=texted, daily_cap=5)).verdict == "yes"
    assert asked(facts(channel="email", attempts=attempts("email", "2026-09-15T13:00Z"))).first == "cap_24h"


@pytest.mark.parametrize(
    ("last", "free"),
    [
        ("2026-10-31T16:00Z", "2026-11-01T16:00Z"),  # the day has 25 hours: 12:00 EDT, then 11:00 EST
        ("2026-03-07T17:00Z", "2026-03-08T17:00Z"),  # 23 hours: 12:00 EST, then 13:00 EDT
    ],
)
def test_t13_no_hour_is_gained_or_lost_where_the_clock_moves(last, free):
    known = facts(channel="call", attempts=attempts("call", last), daily_cap=1)
    assert asked(known, free).verdict == "yes"
    before = utc(free) - timedelta(seconds=1)
    assert decide(known, RULES, before, "campaign").again_at == utc(free)
    local = before.astimezone(ZoneInfo("America/New_York"))
    assert decide(known, RULES, local, "campaign").again_at == utc(free)  # a zone's own time is no other moment


def test_the_gap_the_week_and_the_quarter():
    gap = asked(facts(channel="call", attempts=attempts("call", "2026-09-15T15:00:01Z")), NOON)
    assert (gap.first, gap.again_at) == ("gap", utc("2026-09-15T16:00:01Z"))
    assert answer(gap, "gap").input == {"last": ["2026-09-15T15:00:01Z", "call"], "minutes": 60}
    week = attempts("call", *(f"2026-09-{day:02}T14:00Z" for day in range(9, 14)))
    decision = asked(facts(channel="call", attempts=week), NOON)
    assert (decision.first, decision.again_at) == ("cap_7d", utc("2026-09-16T14:00Z"))
    quarter = attempts("call", *(f"2026-07-{day:02}T14:00Z" for day in range(1, 11)))
    unanswered = asked(facts(channel="call", attempts=quarter), NOON)
    assert (unanswered.first, unanswered.again_at) == ("cap_90d", utc("2026-09-29T14:00Z"))
    assert asked(facts(channel="call", attempts=quarter, answered_at=utc("2026-07-05T00:00Z")), NOON).verdict == "yes"


def test_again_is_the_first_moment_at_which_all_of_its_rules_are_open():
    """The cap ends at 02:00 on a Sunday in Alabama, whose Sundays are closed: Monday at 8."""
    known = facts((("America/Chicago",), ("AL",)), "call", attempts=attempts("call", "2026-09-12T17:00Z"), daily_cap=1)
    decision = asked(known, "2026-09-12T20:00Z")
    assert (decision.first, decision.again_at) == ("cap_24h", utc("2026-09-14T13:00Z"))
    assert asked(known, "2026-09-14T13:00Z").verdict == "yes"
    inside = facts(channel="call", attempts=attempts("call", "2026-09-14T17:00:30Z"), daily_cap=1)
    assert asked(inside, NOON).again_at == utc("2026-09-15T17:00:30Z")  # between two minutes
    margin = facts(attempts=attempts("sms", "2026-09-14T23:45:30Z"), vendor_margin=15)
    assert asked(margin, NOON).again_at == utc("2026-09-16T12:00Z")  # 14 minutes before the close is too late


def test_a_colleagues_conversation_and_words_in_doubt_hold_everything():
    theirs = talk(is_mine=False, last_in_at=utc("2026-09-14T00:00Z"), closes_at=utc("2026-09-21T16:00Z"))
    decision = asked(facts(talk=theirs))
    assert (decision.first, decision.again_at) == ("conversation", utc("2026-09-21T16:00Z"))
    assert answer(decision, "conversation").input == {"id": str(OTHER)}
    others = asked(facts(talk=replace(theirs, is_ours=False)))
    assert answer(others, "conversation").input == {"by": "another team"}
    assert asked(facts(talk=talk())).verdict == "yes"
    assert asked(facts(talk=replace(theirs, closes_at=utc(NOON)))).verdict == "yes"
    in_doubt = talk(is_held=True, decide_by=utc("2026-09-16T10:00Z"), last_in_at=utc("2026-09-15T10:00Z"))
    for purpose in ("campaign", "manual", "reply"):
        held = asked(facts(talk=in_doubt), purpose=purpose)
        assert (held.verdict, held.first, held.again_at) == ("later", "held", utc("2026-09-16T12:00Z"))
    away = asked(facts(held_until=utc("2026-10-06T12:00Z")))
    assert (away.first, away.again_at) == ("held", utc("2026-10-06T12:00Z"))


def test_manual_texts_need_express_consent_at_least():
    assert asked(facts(consents=(consent("express"),)), purpose="manual").verdict == "yes"
    assert asked(facts(consents=()), purpose="manual").first == "no_consent"
    assert asked(facts(consents=(consent("express"),), flag=True, scrubs=()), purpose="manual").verdict == "yes"


def test_an_answer_within_a_day_needs_no_consent_and_no_cap_and_at_night_only_at_once():
    cold = facts(
        A, consents=(), scrubs=(scrub(listed=True),), attempts=attempts("sms", "2026-09-15T15:59Z"),
        talk=talk(last_in_at=utc(NOON)), seller=replace(SELLER, answers={}), number_kind="unknown",
    )  # fmt: skip
    decision = asked(cold, NOON, "reply")
    assert decision.verdict == "yes"
    waived = [one.code for one in decision.answers if one.input.get("waived") == "reply"]
    assert waived == ["number_kind", "registry", "no_consent", "cap_24h", "gap", "state_answer"]
    assert asked(cold, NOON, "manual").verdict == "no"
    assert asked(cold, "2026-09-16T16:00:01Z", "reply").first == "number_kind"  # later than a day: as a manual one
    night = replace(cold, talk=talk(last_in_at=utc("2026-09-15T06:00Z")))
    assert asked(night, "2026-09-15T06:15Z", "reply").verdict == "yes"
    late = asked(night, "2026-09-15T06:15:01Z", "reply")
    assert (late.verdict, late.first, late.again_at) == ("later", "hours", utc("2026-09-15T15:00Z"))
    for reason in ("stop", "litigator", "operator"):
        assert asked(replace(cold, suppressions=suppressed(reason)), NOON, "reply").first == "suppressed"
    assert asked(replace(cold, number_kind="foreign"), NOON, "reply").first == "number_kind"


def test_t3_a_confirmation_passes_her_own_opt_out_at_night_and_nothing_else():
    stopped = facts(suppressions=suppressed("stop", NIGHT), consents=(), scrubs=(), talk=talk(is_held=True))
    decision = asked(stopped, NIGHT, "confirm")
    assert (decision.verdict, decision.first) == ("yes", "")
    assert answer(decision, "suppressed").input["waived"] == "confirm"
    assert answer(decision, "suppressed").input["rows"][0]["reason"] == "stop"
    assert answer(decision, "hours").input["waived"] == "confirm"
    for reason in ("litigator", "complaint", "erased", "wrong_number", "vendor_opt_out", "operator", "upload"):
        both = replace(stopped, suppressions=(*suppressed("stop", NIGHT), *suppressed(reason)))
        assert asked(both, NIGHT, "confirm").first == "suppressed"
    for known in ({"erased": OTHER}, {"litigator": True}, {"number_kind": "premium"}, {"budget": "team_month"}):
        assert asked(replace(stopped, **known), NIGHT, "confirm").verdict == "no"


@pytest.mark.parametrize(
    ("address", "is_good"),
    [
        ("pat+home@example.com", True), ("pat@sub.example.co", True), ("postmaster@example.com", False),
        ("noreply@example.com", False), ("pat@localhost", False), ("pat@example.com\nBcc: x@example.com", False),
        ("pat", False), ("a b@example.com", False), ("@example.com", False), ("pat@example.123", False),
    ],
)  # fmt: skip
def test_an_e_mail_that_is_none_or_a_roles_is_refused(address, is_good):
    decision = asked(facts(channel="email", address=address))
    assert (decision.verdict, decision.first) == (("yes", "") if is_good else ("no", "bad_email"))


def test_e_mail_asks_of_no_registry_consent_or_registration_but_of_where_the_company_stays_out():
    known = facts(channel="email", consents=(), scrubs=(), flag=True, seller=replace(SELLER, answers={}))
    assert asked(replace(known, seller=replace(SELLER, answers={}, sender_registered=False))).verdict == "yes"
    assert asked(replace(known, seller=replace(SELLER, answers={"MA": "stay_out"}))).first == "state_answer"


def test_a_receipt_of_an_answer_is_json():
    for decision in (asked(facts()), asked(facts(suppressions=suppressed("stop"), missing=("a",)), NIGHT)):
        rules = [one.as_json() for one in decision.answers]
        assert json.loads(json.dumps(rules)) == rules


def test_the_shipped_table_names_the_rows_it_decided_by():
    decision = decide(facts((("America/New_York",), ("PA",))), table(), utc("2026-10-20T16:00Z"), "campaign")
    assert answer(decision, "hours").version == "US 2020-01-01, PA 2026-10-18"
    earlier = decide(facts((("America/New_York",), ("PA",))), table(), utc("2026-10-13T16:00Z"), "campaign")
    assert answer(earlier, "hours").version == "US 2020-01-01, PA 2020-01-01"
