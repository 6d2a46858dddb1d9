"""The dialer: who comes next, what a press and an outcome do, and what may not happen (T13's call, T16)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction

from accounts.access import access_of, own_access
from accounts.models import Membership, Team, User, WebhookDelivery
from accounts.webhooks.services import create_endpoint
from buckets.services import add_ids
from campaigns import clock
from campaigns.dialing import calling, dispositions, lists, locks, places, reaping, suppressing
from campaigns.dialing.before import standing_of
from campaigns.dialing.calling import Refused, hang_up, place_call
from campaigns.dialing.disposing import dispose, take_back
from campaigns.dialing.forgetting import in_calls
from campaigns.dialing.offering import Nobody, Offer, hand_back, next_lead, offered, renew, skip
from campaigns.gate.contact import may_contact
from campaigns.gate.rule_rows import load_rules
from campaigns.models import CallAttempt, Campaign, Disposition, Member, Receipt
from campaigns.planning.audience import Audience
from campaigns.planning.refusals import CampaignError
from common.db.clock import database_now
from common.db.ids import uuid7
from enrichment.worker.lead_deletion import delete_lead
from leads.calendar.table import Event
from leads.facts.saving import CONTACT, PROPERTY, FactRow, save_facts
from leads.models import Activity, Lead, Suppression
from leads.permission.suppressing import suppress
from leads.privacy.places import Her
from leads.services import change_status, edit_lead
from tests.campaigns.dialing.world import Floor, call, late, make_floor, offer, taken
from tests.campaigns.gate.samples import attempt as message
from tests.campaigns.gate.samples import checked
from tests.campaigns.sending.world import NOON, PLACES, at_time, digest, key_of, move, number_of

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)


@pytest.fixture
def floor(settings: Any) -> Floor:
    return make_floor(3, settings)


def refusal(access: Any, lead: Lead, number: str, member: Member | None = None) -> Refused:
    with pytest.raises(Refused) as error:
        place_call(access, lead_id=lead.pk, number=number, member_id=member.pk if member else None)
    return error.value


def due(attempt: CallAttempt) -> None:
    """The ten seconds are over."""
    CallAttempt.objects.filter(pk=attempt.pk).update(suppress_at=database_now() - timedelta(seconds=1))


# --- What it costs ----------------------------------------------------------------------------------------------------


def asked_of(act: Any) -> list[str]:
    """The statements of it, but for the clock of development."""
    found: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        found.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        act()
    return [sql for sql in found if "campaigns_clocksetting" not in sql]


def test_a_next_lead_takes_fifteen_statements_whoever_it_is(floor: Floor) -> None:
    """Each is a round trip, and 20 callers wait: docs/measurements.md, 9."""
    floor.list()
    caller = floor.caller()
    hand_back(caller, offer(caller).member.pk)  # what a process reads once
    for _ in floor.leads:
        statements = asked_of(lambda: offer(caller))
        assert len(statements) == 15, statements
        skip(caller, taken()[0].pk, "")


def test_a_press_and_an_outcome_read_each_row_once(floor: Floor) -> None:
    """As few as 20 callers wait for: docs/measurements.md, 9."""
    floor.list()
    caller = floor.caller()
    dispose(caller, call(caller).pk, code="no_answer")  # what a process reads once
    found, made = offer(caller), []
    pressed = asked_of(lambda: made.append(call(caller, found)))
    assert len(pressed) == 24, pressed
    said = asked_of(lambda: dispose(caller, made[0].pk, code="no_answer"))
    assert len(said) == 28, said  # four of them are the savepoints around the lead's lock, should it be merged just now


def test_callers_go_on_with_the_places_they_know_while_one_reads_them_anew(floor: Floor) -> None:
    row = floor.list()
    known = places.open_places([row], load_rules(), clock.now())
    places._kept[row.pk] = (places._kept[row.pk][0] - places.KEPT_FOR, places._kept[row.pk][1])
    rules, at = load_rules(), clock.now()
    with places._reading:
        assert asked_of(lambda: places.open_places([row], rules, at)) == []
    (read,) = asked_of(lambda: places.open_places([row], rules, at))
    assert "campaigns_member" in read
    assert asked_of(lambda: places.open_places([row], rules, at)) == []
    assert places.open_places([row], rules, at, fresh=True) == known != []


# --- Lists ------------------------------------------------------------------------------------------------------------


def test_the_lists_that_the_dialer_reads_are_those_she_works(floor: Floor) -> None:
    floor.list("Hers", callers=[floor.callers[0].pk])
    floor.list("Anybody's")
    floor.list("Draft", opened=False)
    paused, texts, mixed = floor.list("Paused"), floor.list("Texts"), floor.list("Mixed")
    Campaign.objects.filter(pk=paused.pk).update(status="paused", paused_by="person")
    for row, channel in ((texts, "sms"), (mixed, "mixed")):
        approved = {"approved_digest": "x" * 64, "approved_by_id": floor.ann.pk, "approved_at": NOON}
        Campaign.objects.filter(pk=row.pk).update(channel=channel, **approved)
    stranger = own_access(User.objects.create_user("stranger"))
    for access in (floor.caller(0), floor.caller(1), floor.manager, stranger):
        for ids in (None, [], [paused.pk, mixed.pk]):
            read = {one.pk for one in lists.read_worked_by(access, ids)}
            assert read == set(lists.worked_by(access, ids).values_list("pk", flat=True))
    assert [len(lists.read_worked_by(floor.caller(n))) for n in (0, 1)] == [3, 2]


def test_the_claims_function_is_what_is_written_beside_it(floor: Floor) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT prosrc, proconfig FROM pg_proc WHERE proname = 'campaigns_claim'")
        ((source, settings_),) = cursor.fetchall()
    written = re.sub(r"%\((\w+)\)s", r"p_\1", locks.CLAIM)
    assert " ".join(written.split()) in " ".join(source.split())
    assert settings_ == ["plan_cache_mode=force_generic_plan"]


def test_a_list_has_one_person_once_and_calls_the_most_equity_first(floor: Floor) -> None:
    twin, other = floor.leads[1], floor.leads[2]
    edit_lead(lead=twin, by=floor.ann, changes={"phone": number_of(0)})
    add_ids(bucket=floor.bucket, property_ids=["bare"])  # nobody has bought its phone
    Lead.objects.filter(pk=other.pk).update(estimated_equity=7)
    plan = lists.ListPlan("Monday", Audience(bucket_id=floor.bucket.pk), priority="equity")
    made, added = lists.create_list(floor.manager, plan)
    assert (added.leads, added.people, added.no_phone, added.same_owner) == (4, 2, 1, 1)
    row = Member.objects.get(campaign=made, lead=other)
    assert (row.priority, row.calls, row.status, row.zones, row.states) == (
        7, True, Member.Status.ACTIVE, ["America/New_York"], ["MA"],
    )  # fmt: skip
    assert (made.members, made.steps.get().channel) == (2, "call")
    assert lists.add_leads(floor.manager, made.pk).people == 0  # who is in it stays as she is
    edit_lead(lead=twin, by=floor.ann, changes={"phone": number_of(1)})
    assert lists.add_leads(floor.manager, made.pk).people == 1
    lists.open_list(floor.manager, made.pk)
    assert offer(floor.caller()).lead == other


def test_the_preset_high_value_calls_by_equity(floor: Floor) -> None:
    for place, lead in enumerate(floor.leads):
        Lead.objects.filter(pk=lead.pk).update(
            estimated_value=900_000, high_equity=True, estimated_equity=100_000 * (place + 1)
        )
    floor.list(audience=Audience(bucket_id=floor.bucket.pk, preset="highValue"))
    assert offer(floor.caller()).lead == floor.leads[2]


def test_a_list_is_opened_paused_and_closed_by_a_manager_alone(floor: Floor) -> None:
    made = floor.list(opened=False)
    for deed in (lists.open_list, lists.pause_list, lists.close_list, lists.delete_list):
        with pytest.raises(CampaignError) as error:
            deed(floor.caller(), made.pk)
        assert error.value.code == "FORBIDDEN"
    assert isinstance(next_lead(floor.caller()), Nobody)  # a draft
    assert lists.open_list(floor.manager, made.pk).status == "running"
    found = offer(floor.caller())
    assert lists.pause_list(floor.manager, made.pk).status == "paused"
    assert isinstance(next_lead(floor.caller(1)), Nobody)
    assert renew(floor.caller(), found.member.pk).lead == found.lead  # she finishes what she has
    lists.open_list(floor.manager, made.pk)
    lists.close_list(floor.manager, made.pk)
    assert not taken()
    with pytest.raises(CampaignError, match="the list was closed"):
        renew(floor.caller(), found.member.pk)
    with pytest.raises(CampaignError, match="closed"):
        lists.open_list(floor.manager, made.pk)


def test_a_list_is_worked_by_whom_it_is_assigned_to(floor: Floor) -> None:
    made = floor.list(callers=[floor.callers[0].pk])
    assert isinstance(next_lead(floor.caller(1)), Nobody)
    offer(floor.caller())
    lists.change_list(floor.manager, made.pk, {"callers": [floor.callers[1].pk], "name": "Tuesday"})
    offer(floor.caller(1))
    stranger = User.objects.create_user("stranger")
    with pytest.raises(CampaignError) as error:
        lists.change_list(floor.manager, made.pk, {"callers": [stranger.pk]})
    assert (error.value.code, error.value.field) == ("INVALID", "callers")
    assert isinstance(next_lead(own_access(stranger)), Nobody)


# --- Who comes next ---------------------------------------------------------------------------------------------------


def test_the_order_is_my_callback_then_anyones_then_priority_attempts_and_waiting(settings: Any) -> None:
    floor = make_floor(5, settings)
    made = floor.list()
    people = {one.lead_id: one for one in Member.objects.filter(campaign=made)}
    Member.objects.filter(pk=people[floor.leads[2].pk].pk).update(priority=9)
    Member.objects.filter(pk=people[floor.leads[3].pk].pk).update(attempts=1)
    past = clock.now() - HOUR
    plans = ((floor.leads[4], floor.callers[0], False), (floor.leads[1], floor.callers[1], True))
    for lead, owner, anyone in plans:
        Event.objects.create(
            team_id=floor.team_id, owner=owner, lead=lead, kind="callback", starts_at=past, anyone=anyone,
            ends_at=past + HOUR, changed_at=past,
        )  # fmt: skip
    order = []
    for _ in range(5):
        found = offer(floor.caller())
        order.append(found.lead)
        Member.objects.filter(pk=found.member.pk).update(
            status=Member.Status.DONE, next_at=None, taken_by=None, lease_until=None, taken_at=None
        )
        if len(order) == 1:
            assert found.why.startswith("Your callback, due")
    assert order == [floor.leads[place] for place in (4, 1, 2, 0, 3)]


def taken_by(user: User) -> Member:
    return Member.objects.get(taken_by=user)


def test_a_colleagues_callback_and_one_of_later_are_nobodys_turn(floor: Floor) -> None:
    floor.list()
    now = clock.now()
    for lead, at in ((floor.leads[0], now - HOUR), (floor.leads[1], now + HOUR)):
        Event.objects.create(
            team_id=floor.team_id, owner=floor.callers[1], lead=lead, kind="callback", starts_at=at,
            ends_at=at + HOUR, changed_at=now,
        )  # fmt: skip
    assert offer(floor.caller()).lead == floor.leads[2]
    assert offer(floor.caller(1)).lead == floor.leads[0]
    hand_back(floor.caller(1), taken_by(floor.callers[1]).pk)
    skip(floor.caller(), taken_by(floor.callers[0]).pk, "")
    assert isinstance(next_lead(floor.caller()), Nobody)
    Membership.objects.filter(user=floor.callers[1], team=floor.team_id).delete()  # she left: somebody else makes it
    assert offer(floor.caller()).lead == floor.leads[0]


@pytest.mark.long
def test_only_zones_that_are_open_are_offered_and_the_others_are_told_of(settings: Any) -> None:
    at_time(settings, NOON)
    floor = make_floor(12, settings, places=PLACES, moment=NOON - 3 * HOUR)  # 9 AM in Boston, 6 AM in Phoenix
    floor.list()
    seen = set()
    while isinstance(found := next_lead(floor.caller()), Offer):
        seen.add(found.member.states[0])
        Member.objects.filter(pk=found.member.pk).update(
            status=Member.Status.DONE, next_at=None, taken_by=None, lease_until=None, taken_at=None
        )
    nobody = next_lead(floor.caller())
    assert isinstance(nobody, Nobody)
    assert "AZ" not in seen and "CA" not in seen and {"MA", "NY"} <= seen
    assert nobody.waiting == 12 - len(seen)
    assert "may not be called until" in nobody.words and "AM their time" in nobody.words
    assert nobody.again_at is not None and nobody.again_at > clock.now()
    assert not Receipt.objects.filter(verdict="later").exists()  # those in closed zones were not asked


def test_a_second_tab_shows_the_same_lead_and_two_callers_never_do(floor: Floor) -> None:
    floor.list()
    first = offer(floor.caller())
    assert offer(floor.caller()).member == first.member
    assert offered(floor.caller()) is not None
    assert offer(floor.caller(1)).lead != first.lead
    assert offered(floor.manager) is None


def test_what_the_gate_refuses_is_not_offered_and_a_lasting_no_ends_it(floor: Floor) -> None:
    made = floor.list()
    suppress([(1, number_of(0))], reason="dnc_request", source="user:1")
    change_status(lead=floor.leads[1], by=floor.ann, status="lost")
    message(floor.team_id, number_of(2), NOON - HOUR / 4, lead=floor.leads[2])
    nobody = next_lead(floor.caller())
    assert isinstance(nobody, Nobody)
    people = {one.lead_id: one for one in Member.objects.filter(campaign=made)}
    lost, later = people[floor.leads[1].pk], people[floor.leads[2].pk]
    assert (lost.status, lost.why) == (Member.Status.STOPPED, "lead_status")
    assert (later.status, later.why, later.next_at) == (Member.Status.ACTIVE, "gap", NOON + 3 * HOUR / 4)
    assert nobody.again_at == later.next_at
    receipt = Receipt.objects.get(lead_id=floor.leads[2].pk)
    assert (receipt.verdict, receipt.first, receipt.campaign_id) == ("later", "gap", made.pk)
    move(HOUR)
    assert offer(floor.caller()).lead == floor.leads[2]


def test_a_company_that_is_not_set_up_calls_nobody_and_loses_nobody(floor: Floor) -> None:
    made = floor.list()
    type(floor.seller).objects.filter(pk=floor.seller.pk).update(policy_text="", attested_at=None, attested_by_id=None)
    nobody = next_lead(floor.caller())
    assert isinstance(nobody, Nobody) and "Set up your company first" in nobody.words
    assert Member.objects.filter(campaign=made, status=Member.Status.ACTIVE, taken_by=None).count() == 3


def test_skipped_for_an_hour_and_the_third_time_to_the_end(floor: Floor) -> None:
    first, second = floor.leads[:2]
    floor.list(audience=Audience(lead_ids=(first.pk,)))
    for _ in range(3):
        found = offer(floor.caller())
        assert found.lead == first
        skip(floor.caller(), found.member.pk, "on the other line")
        assert isinstance(next_lead(floor.caller()), Nobody)
        move(HOUR + timedelta(minutes=1))
    assert Activity.objects.filter(lead=first, text="Skipped: on the other line").count() == 3
    lists.add_leads(floor.manager, floor.lists[0].pk, Audience(lead_ids=(second.pk,)))
    assert offer(floor.caller()).lead == second  # though she waits longer
    with pytest.raises(CampaignError) as error:
        skip(floor.caller(1), found.member.pk, "")
    assert error.value.code == "NOT_YOURS"


# --- T16 --------------------------------------------------------------------------------------------------------------


def test_a_double_press_calls_once_and_leaves_the_lead_before_her(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    floor.list()
    found = offer(floor.caller())
    call(floor.caller(), found)
    stands = standing_of  # the second press has looked before the first was written
    monkeypatch.setattr(calling, "standing_of", lambda user: replace(stands(user), has_unsaid=False))
    with pytest.raises(CampaignError) as error:
        call(floor.caller(), found)
    assert (error.value.code, Receipt.objects.filter(verdict="later").count()) == ("CALL_OPEN", 0)
    assert taken_by(floor.callers[0]) == found.member and CallAttempt.objects.count() == 1


def test_t16_called_again_two_minutes_later_on_another_list_or_by_hand(floor: Floor) -> None:
    one = floor.list("One", audience=Audience(lead_ids=(floor.leads[0].pk,)), callers=[floor.callers[0].pk])
    floor.list("Two", audience=Audience(lead_ids=(floor.leads[0].pk,)), callers=[floor.callers[1].pk])
    attempt = call(floor.caller())
    assert (attempt.started_at - NOON).total_seconds() < 60
    dispose(floor.caller(), attempt.pk, code="no_answer")
    move(timedelta(minutes=2))
    nobody = next_lead(floor.caller(1))
    assert isinstance(nobody, Nobody)
    receipt = Receipt.objects.filter(lead_id=floor.leads[0].pk, verdict="later").get()
    assert receipt.first == "gap" and receipt.again_at == attempt.started_at + HOUR
    assert nobody.again_at == receipt.again_at
    by_hand = refusal(floor.manager, floor.leads[0], number_of(0))  # no exemption for a person's own press
    assert by_hand.again_at == receipt.again_at and "Wait 60 minutes" in str(by_hand)
    assert Receipt.objects.get(pk=str(by_hand.receipt_id)).purpose == "manual"
    assert CallAttempt.objects.filter(campaign=one).count() == CallAttempt.objects.count() == 1


def test_t16_a_page_that_closes_gives_the_lead_back_uncounted(floor: Floor) -> None:
    floor.list()
    found = offer(floor.caller())
    assert renew(floor.caller(), found.member.pk).lease_until >= found.lease_until
    assert reaping.reap() == 0
    late(found.member)
    with pytest.raises(CampaignError) as error:
        renew(floor.caller(), found.member.pk)
    assert error.value.code == "NOT_YOURS"
    assert (reaping.reap(), reaping.reap()) == (1, 0)
    row = Member.objects.get(pk=found.member.pk)
    assert (row.taken_by, row.attempts, CallAttempt.objects.count()) == (None, 0, 0)
    assert offer(floor.caller(1)).lead == found.lead


@pytest.mark.long
def test_t16_a_call_that_was_handed_over_and_lost_is_in_doubt_ended_and_counted(floor: Floor) -> None:
    floor.list()
    found = offer(floor.caller())
    attempt = call(floor.caller(), found)
    late(found.member)
    assert reaping.reap() == 1
    attempt.refresh_from_db()
    assert attempt.state == "in_doubt" and attempt.ended_at is not None and attempt.disposition is None
    lead = Lead.objects.get(pk=found.lead.pk)
    assert (lead.status, Activity.objects.get(lead=lead, ref=attempt.pk).kind) == ("contacted", "call")
    answer = may_contact(lead.pk, "call", by=None, purpose="manual", record=False)
    assert len(answer.facts.attempts) == 1 and answer.decision.first == "gap"
    assert offer(floor.caller()).lead != lead  # she is not kept waiting for its outcome
    said = dispose(floor.caller(), attempt.pk, code="no_answer", note="she had called back")  # and may still say it
    assert (said.state, said.disposition and said.disposition.code) == ("ended", "no_answer")
    assert Activity.objects.filter(lead=lead).exclude(kind="status").count() == 2


def test_t16_nothing_is_dialed_without_a_caller_who_asks(floor: Floor) -> None:
    floor.list()
    suppressing.write_due()
    reaping.reap()
    assert not CallAttempt.objects.exists() and not taken()


def test_t16_a_caller_who_is_back_before_the_reaper_has_her_lead_still(floor: Floor) -> None:
    floor.list()
    found = offer(floor.caller())
    late(found.member)
    assert offered(floor.caller()) is None
    assert offer(floor.caller()).member == found.member
    assert reaping.reap() == 0
    attempt = call(floor.caller(), found)
    CallAttempt.objects.filter(pk=attempt.pk).update(state="in_doubt")  # nobody knows whether the vendor placed it
    again = offer(floor.caller())
    assert (again.member, again.attempt) == (found.member, attempt)
    dispose(floor.caller(), attempt.pk, code="no_answer")
    assert offer(floor.caller()).lead != found.lead


# --- T13's call -------------------------------------------------------------------------------------------------------


def test_t13_messages_of_two_users_count_when_a_third_presses_call(floor: Floor) -> None:
    lead, number = floor.leads[0], number_of(0)
    message(floor.team_id, number, NOON - 4 * HOUR, lead=lead)
    message(floor.team_id, number, NOON - 3 * HOUR, lead=lead, channel="email")
    refused = refusal(floor.manager, lead, number)
    assert refused.again_at == NOON + 20 * HOUR  # 86,400 seconds after the first
    assert "Already contacted 2 of 2 allowed times in 24 hours" in refused.words
    assert not CallAttempt.objects.exists()


def test_t13_calls_count_for_the_cap_of_texts_over_the_person_and_teams(floor: Floor) -> None:
    found = call_by_hand(floor, 0)
    move(2 * HOUR)
    hang_up(floor.manager, found.pk, seconds=40)
    dispose(floor.manager, found.pk, code="no_answer")
    second = call_by_hand(floor, 0)
    hang_up(floor.manager, second.pk)
    dispose(floor.manager, second.pk, code="no_answer")
    move(2 * HOUR)
    text = may_contact(floor.leads[0].pk, "sms", by=None, purpose="campaign", record=False)
    assert (text.decision.first, len(text.facts.attempts)) == ("cap_24h", 2)


def call_by_hand(floor: Floor, place: int) -> CallAttempt:
    return place_call(floor.manager, lead_id=floor.leads[place].pk, number=number_of(place))


# --- The press --------------------------------------------------------------------------------------------------------


def test_a_call_stands_with_its_receipt_and_the_next_waits_for_its_outcome(floor: Floor) -> None:
    floor.list()
    found = offer(floor.caller())
    attempt = call(floor.caller(), found)
    assert (attempt.state, attempt.mode, attempt.number, attempt.by) == (
        "intended", "tel", number_of(0), floor.callers[0],
    )  # fmt: skip
    receipt = Receipt.objects.get(pk=str(attempt.receipt_id))
    assert (receipt.verdict, receipt.channel) == ("yes", "call")
    assert key_of(number_of(0)).last_attempt_at == attempt.started_at
    assert Member.objects.get(pk=found.member.pk).attempts == 1
    again = offer(floor.caller())
    assert again.member == found.member and again.attempt == attempt
    with pytest.raises(CampaignError) as error:
        call(floor.caller(), again)
    assert error.value.code == "CALL_OPEN"
    for deed in (lambda: hand_back(floor.caller(), found.member.pk), lambda: skip(floor.caller(), found.member.pk, "")):
        with pytest.raises(CampaignError, match="Say how this call ended first"):
            deed()
    ended = hang_up(floor.caller(), attempt.pk, seconds=33)
    assert (ended.state, ended.seconds, hang_up(floor.caller(), attempt.pk, seconds=9).seconds) == ("ended", 33, 33)
    assert offer(floor.caller()).attempt == attempt  # ended, and not said how
    dispose(floor.caller(), attempt.pk, code="busy")
    assert offer(floor.caller()).lead != found.lead


def test_a_call_by_hand_waits_for_its_outcome_too(floor: Floor) -> None:
    floor.list()
    attempt = call_by_hand(floor, 0)
    with pytest.raises(CampaignError) as error:
        next_lead(floor.manager)
    assert (error.value.code, error.value.more["attemptId"]) == ("CALL_OPEN", str(attempt.pk))
    assert offer(floor.caller()).lead != floor.leads[0]  # who is on a call is before nobody else
    with pytest.raises(CampaignError, match="no such lead"):  # a caller: leads assigned to her alone
        place_call(floor.caller(1), lead_id=floor.leads[0].pk, number=number_of(0))
    with pytest.raises(CampaignError) as wrong:
        dispose(floor.caller(), attempt.pk, code="busy")
    assert wrong.value.code == "NOT_FOUND"


@pytest.mark.parametrize(
    ("more", "code", "field"),
    [({"number": "+16175559999"}, "INVALID", "number"), ({"mode": "pigeon"}, "INVALID", "mode"),
     ({"mode": "signalhouse"}, "NO_VENDOR", "mode")],
)  # fmt: skip
def test_a_press_that_makes_no_sense_is_refused(floor: Floor, more: dict[str, str], code: str, field: str) -> None:
    with pytest.raises(CampaignError) as error:
        place_call(floor.manager, **({"lead_id": floor.leads[0].pk, "number": number_of(0)} | more))  # type: ignore[arg-type]
    assert (error.value.code, error.value.field) == (code, field)
    reader = User.objects.create_user("reader")
    Membership.objects.filter(user=reader).update(role="reader")
    with pytest.raises(CampaignError, match="does not call"):
        next_lead(own_access(reader))


@pytest.mark.long
def test_what_closed_since_the_offer_is_refused_at_the_press_and_goes_back(floor: Floor) -> None:
    floor.list()
    found = offer(floor.caller())
    move(9 * HOUR)  # 9 PM in Boston
    refused = refusal(floor.caller(), found.lead, number_of(0), found.member)
    assert refused.again_at is not None and "Outside calling hours" in refused.words
    row = Member.objects.get(pk=found.member.pk)
    assert (row.taken_by, row.next_at, row.attempts) == (None, refused.again_at, 0)


# --- Outcomes ---------------------------------------------------------------------------------------------------------


def test_no_answer_comes_back_by_the_next_number_and_the_fourth_ends_it(floor: Floor) -> None:
    lead = floor.leads[0]
    with transaction.atomic():
        save_facts(CONTACT, [FactRow(lead.pk, {
            "phone": number_of(0), "phone_type": "mobile", "secondary_phone": "+16175559001",
        }, NOON)])  # fmt: skip
    made = floor.list(audience=Audience(lead_ids=(lead.pk,)))
    Team.objects.filter(pk=floor.team_id).update(daily_contacts=5)
    attempt = call(floor.caller())
    dispose(floor.caller(), attempt.pk, code="no_answer", note="rang out")
    row = Member.objects.get(campaign=made)
    assert (row.number, row.status, row.taken_by) == (1, Member.Status.ACTIVE, None)
    assert row.next_at is not None and attempt.started_at + 4 * HOUR <= row.next_at < NOON + 5 * HOUR
    lead.refresh_from_db()
    assert (lead.status, lead.activity_count) == ("contacted", 2)
    line = Activity.objects.get(lead=lead, ref=attempt.pk)
    assert (line.kind, line.text, line.by) == ("call", "No answer: rang out", floor.callers[0])
    floor.bucket.refresh_from_db()
    assert floor.bucket.contacted_leads == 1
    outcome = Disposition.objects.get(code="no_answer")
    for _ in range(3):
        CallAttempt.objects.bulk_create([_like(attempt, outcome)])
    CallAttempt.objects.filter(pk=attempt.pk).update(disposition=None, disposed_at=None)
    Member.objects.filter(pk=row.pk).update(taken_by=floor.callers[0], taken_at=NOON, lease_until=database_now() + HOUR)
    dispose(floor.caller(), attempt.pk, code="no_answer")
    assert Member.objects.get(pk=row.pk).status == Member.Status.DONE


def _like(attempt: CallAttempt, outcome: Disposition) -> CallAttempt:
    same = ("team_id", "campaign_id", "member_id", "step_id", "lead_id", "key_id", "by_id", "started_at", "ended_at")
    row = CallAttempt.objects.get(pk=attempt.pk)
    return CallAttempt(
        id=uuid7(), token=uuid4(), state="ended", disposition=outcome, disposed_at=NOON,
        **{name: getattr(row, name) for name in same},
    )  # fmt: skip


def test_busy_waits_for_the_pause_and_not_for_its_own_half_hour(floor: Floor) -> None:
    floor.list(audience=Audience(lead_ids=(floor.leads[0].pk,)))
    attempt = call(floor.caller())
    ended = dispose(floor.caller(), attempt.pk, code="busy")
    assert ended.ended_at is not None
    assert Member.objects.get().next_at == ended.ended_at + HOUR  # recycle = max(30 min, the gap)


def test_a_callback_stands_in_the_calendar_and_comes_first_when_it_is_due(floor: Floor) -> None:
    floor.list()
    found = offer(floor.caller())
    attempt = call(floor.caller(), found)
    at = clock.now() + 3 * HOUR
    with pytest.raises(CampaignError) as error:
        dispose(floor.caller(), attempt.pk, code="callback")
    assert (error.value.code, error.value.field) == ("INVALID", "at")
    with pytest.raises(CampaignError) as past:
        dispose(floor.caller(), attempt.pk, code="callback", at=clock.now() - HOUR)
    assert past.value.field == "at"
    dispose(floor.caller(), attempt.pk, code="callback", at=at, note="after work")
    event = Event.objects.get(lead=found.lead)
    assert (event.kind, event.starts_at, event.owner, event.source, event.anyone) == (
        "callback", at, floor.callers[0], "dialer", False,
    )  # fmt: skip
    assert Lead.objects.get(pk=found.lead.pk).callback_at == at
    assert offer(floor.caller()).lead != found.lead
    hand_back(floor.caller(), offer(floor.caller()).member.pk)
    move(3 * HOUR + timedelta(minutes=1))  # a set clock is the calendar's, too
    back = offer(floor.caller())
    assert back.lead == found.lead and back.why.startswith("Your callback")


def test_an_appointment_qualifies_and_ends_it(floor: Floor) -> None:
    floor.list()
    found = offer(floor.caller())
    attempt = call(floor.caller(), found)
    at = database_now() + 30 * HOUR
    dispose(floor.caller(), attempt.pk, code="appointment", at=at, minutes=45)
    event = Event.objects.get(lead=found.lead)
    assert (event.kind, event.starts_at, event.ends_at - event.starts_at) == ("appointment", at, timedelta(minutes=45))
    assert Lead.objects.get(pk=found.lead.pk).status == "qualified"
    row = Member.objects.get(pk=found.member.pk)
    assert (row.status, row.why) == (Member.Status.DONE, "appointment")


@pytest.mark.parametrize(("code", "status"), [("interested", "qualified"), ("not_interested", "lost")])
def test_an_outcome_moves_the_lead_and_ends_a_list(floor: Floor, code: str, status: str) -> None:
    floor.list()
    found = offer(floor.caller())
    dispose(floor.caller(), call(floor.caller(), found).pk, code=code)
    assert Lead.objects.get(pk=found.lead.pk).status == status
    assert Member.objects.get(pk=found.member.pk).status == Member.Status.DONE


def test_do_not_call_holds_at_the_keypress_is_written_later_and_never_overwritten(floor: Floor) -> None:
    other = floor.list("Other", callers=[floor.callers[1].pk])
    made = floor.list()
    found = offer(floor.caller())
    attempt = call(floor.caller(), found)
    dispose(floor.caller(), attempt.pk, code="do_not_call", note="take me off")
    assert Member.objects.get(pk=found.member.pk).status == Member.Status.STOPPED
    for channel in ("call", "sms"):
        asked = may_contact(found.lead.pk, channel, by=None, purpose="manual", record=False)
        assert "suppressed" in {one.code for one in asked.decision.answers if one.verdict == "no"}
    assert not Suppression.objects.exists() and suppressing.write_due() == 0
    for code in ("interested", "no_answer"):
        with pytest.raises(CampaignError) as error:
            dispose(floor.caller(), attempt.pk, code=code)
        assert error.value.code == "DISPOSED"
    assert dispose(floor.caller(), attempt.pk, code="do_not_call").pk == attempt.pk  # a double press
    due(attempt)
    assert (suppressing.write_due(), suppressing.write_due()) == (1, 0)
    row = Suppression.objects.get()
    assert (row.reason, row.scope, row.source) == ("dnc_request", "any", f"call:{attempt.pk.hex}")
    assert Member.objects.get(campaign=other, lead=found.lead).why == "opted_out"
    with pytest.raises(CampaignError) as too_late:
        take_back(floor.caller(), attempt.pk)
    assert too_late.value.code == "TOO_LATE"
    assert made.pk != other.pk


def test_do_not_call_outranks_what_was_said_before(floor: Floor) -> None:
    floor.list()
    attempt = call(floor.caller())
    dispose(floor.caller(), attempt.pk, code="no_answer")
    with pytest.raises(CampaignError):
        dispose(floor.caller(), attempt.pk, code="busy")
    said = dispose(floor.caller(), attempt.pk, code="do_not_call")
    assert said.disposition is not None and said.disposition.code == "do_not_call" and said.suppress_at is not None


def test_do_not_call_after_what_another_outcome_suppresses_was_written_is_written_too(floor: Floor) -> None:
    floor.list()
    found = offer(floor.caller())
    attempt = call(floor.caller(), found)
    due(dispose(floor.caller(), attempt.pk, code="wrong_number"))
    assert suppressing.write_due() == 1
    said = dispose(floor.caller(), attempt.pk, code="do_not_call")
    asked = may_contact(found.lead.pk, "sms", by=None, purpose="manual", record=False)
    assert "suppressed" in {one.code for one in asked.decision.answers if one.verdict == "no"}
    due(said)
    assert suppressing.write_due() == 1
    assert Suppression.objects.filter(reason="dnc_request", scope="any").count() == 1


def test_do_not_call_calls_off_the_callback_once_it_is_written(floor: Floor) -> None:
    floor.list()
    attempt = call(floor.caller())
    dispose(floor.caller(), attempt.pk, code="callback", at=clock.now() + HOUR)
    said = dispose(floor.caller(), attempt.pk, code="do_not_call")
    assert Event.objects.get().status == "planned"  # the key may be taken back
    due(said)
    assert suppressing.write_due() == 1
    lead = Event.objects.get().lead
    assert lead is not None
    assert (Event.objects.get().status, lead.callback_at) == ("cancelled", None)


def test_who_changes_teams_is_not_held_by_a_call_of_the_team_she_left(floor: Floor) -> None:
    floor.list()
    hers, user = floor.caller(), floor.callers[0]
    call(hers)
    other = Team.objects.create(name="Second Street")
    Membership.objects.create(user=user, team=other, role="caller")
    there = access_of(user, other.pk)
    with pytest.raises(CampaignError, match=f"you made it for {floor.bucket.team.name}. Switch to that team"):
        next_lead(there)
    Membership.objects.filter(user=user, team=floor.team_id).delete()
    assert isinstance(next_lead(there), Nobody)
    Member.objects.filter(taken_by=user).update(taken_by=None, taken_at=None, lease_until=None)
    assert reaping.reap() == 1  # nobody else can end it
    assert CallAttempt.objects.get().state == "in_doubt"


def test_a_key_is_taken_back_within_ten_seconds(floor: Floor) -> None:
    floor.list()
    found = offer(floor.caller())
    attempt = call(floor.caller(), found)
    dispose(floor.caller(), attempt.pk, code="do_not_call")
    back = take_back(floor.caller(), attempt.pk)
    assert (back.disposition, back.suppress_at) == (None, None)
    again = offer(floor.caller())
    assert again.member == found.member and again.attempt == attempt
    dispose(floor.caller(), attempt.pk, code="not_interested")
    assert suppressing.write_due() == 0 and not Suppression.objects.exists()
    nothing = call(floor.caller())
    dispose(floor.caller(), nothing.pk, code="busy")
    with pytest.raises(CampaignError):  # it suppresses nothing
        take_back(floor.caller(), nothing.pk)


@pytest.mark.long
def test_a_wrong_number_binds_its_owner_and_the_next_number_is_called(floor: Floor) -> None:
    lead = floor.leads[0]
    with transaction.atomic():
        save_facts(CONTACT, [FactRow(lead.pk, {
            "phone": number_of(0), "phone_type": "mobile", "secondary_phone": "+16175559001",
        }, NOON)])  # fmt: skip
    with transaction.atomic():
        save_facts(PROPERTY, [FactRow(lead.pk, {"owner_name": "Maria Alvarez"}, NOON)])
    made = floor.list(audience=Audience(lead_ids=(lead.pk,)))
    attempt = call(floor.caller())
    dispose(floor.caller(), attempt.pk, code="wrong_number")
    take_back(floor.caller(), attempt.pk)
    assert taken_by(floor.callers[0]).number == 0
    dispose(floor.caller(), attempt.pk, code="wrong_number")
    row = Member.objects.get(campaign=made)
    assert (row.status, row.number, row.key) == (Member.Status.ACTIVE, 1, key_of("+16175559001"))
    due(attempt)
    suppressing.write_due()
    rows = list(Suppression.objects.order_by("scope"))
    assert [(one.scope, one.reason) for one in rows] == [("call", "wrong_number"), ("sms", "wrong_number")]
    assert all(one.owner_key_id for one in rows)
    assert Member.objects.get(campaign=made).status == Member.Status.ACTIVE
    move(2 * HOUR)
    checked(floor.seller, "+16175559001")
    found = offer(floor.caller())
    assert found.numbers[found.chosen].number == "+16175559001"
    dispose(floor.caller(), call(floor.caller(), found).pk, code="disconnected")
    assert Member.objects.get(campaign=made).why == "wrong_number"


# --- What happens meanwhile -------------------------------------------------------------------------------------------


def test_whoever_stops_deletes_or_closes_while_a_lead_is_taken_takes_it_back(floor: Floor) -> None:
    made = floor.list()
    found = offer(floor.caller())
    attempt = call(floor.caller(), found)
    suppress([(1, number_of(0))], reason="stop", source="user:1")
    row = Member.objects.get(pk=found.member.pk)
    assert (row.status, row.why, row.taken_by) == (Member.Status.STOPPED, "opted_out", None)
    with pytest.raises(CampaignError, match="opted out"):
        renew(floor.caller(), found.member.pk)
    dispose(floor.caller(), attempt.pk, code="no_answer")  # what she says of the call still stands
    assert Member.objects.get(pk=found.member.pk).status == Member.Status.STOPPED
    second = offer(floor.caller())
    User.objects.filter(pk=floor.callers[0].pk).update(is_active=False)
    late(second.member)
    reaping.reap()
    assert offer(floor.caller(1)).lead == second.lead
    assert Campaign.objects.get(pk=made.pk).status == "running"


@pytest.mark.long
def test_a_lead_that_is_deleted_while_it_is_called_leaves_the_call(floor: Floor) -> None:
    floor.list()
    found = offer(floor.caller())
    attempt = call(floor.caller(), found)
    delete_lead(lead=found.lead)
    assert not taken()
    said = dispose(floor.caller(), attempt.pk, code="do_not_call", note="gone")
    assert said.lead_id is None
    due(said)
    assert suppressing.write_due() == 1
    assert Suppression.objects.get().reason == "dnc_request"
    offer(floor.caller())


# --- Outcomes of the team ---------------------------------------------------------------------------------------------


def test_outcomes_are_seeded_once_and_changed_by_a_manager(floor: Floor) -> None:
    rows = dispositions.of_team(floor.team_id)
    assert [one.hotkey for one in rows] == list("1234567890")
    assert dispositions.of_team(floor.team_id) == rows
    by_code = {one.code: one for one in rows}
    changed = dispositions.change(floor.manager, by_code["busy"].pk, {"label": "Engaged", "recycle_minutes": 45})
    assert (changed.label, changed.recycle_minutes) == ("Engaged", 45)
    assert dispositions.change(floor.manager, by_code["do_not_call"].pk, {"label": "Never"}).label == "Never"
    dispositions.retire(floor.manager, by_code["voicemail"].pk)
    made = dispositions.make(floor.manager, {"label": "Asked for mail", "hotkey": "3", "outcome": "contact"})
    assert (made.code, len(dispositions.of_team(floor.team_id))) == ("asked_for_mail", 10)


@pytest.mark.parametrize(
    ("code", "values", "field"),
    [
        ("do_not_call", {"suppress": ""}, "suppress"), ("do_not_call", {"outcome": "contact"}, "outcome"),
        ("wrong_number", {"suppress": ""}, "suppress"), ("busy", {"hotkey": "1"}, "hotkey"),
        ("busy", {"hotkey": "x"}, "hotkey"), ("busy", {"label": " "}, "label"), ("busy", {"outcome": "x"}, "outcome"),
        ("busy", {"max_attempts": 21}, "maxAttempts"), ("busy", {"recycle_minutes": 0}, "recycleMinutes"),
        ("busy", {"needs": "money"}, "needs"), ("busy", {"lead_status": "gone"}, "leadStatus"),
        ("callback", {"needs": ""}, "needs"), ("busy", {"outcome": "dnc"}, "suppress"),
        ("busy", {"outcome": "bad_number"}, "suppress"),
    ],
)  # fmt: skip
def test_an_outcome_that_cannot_be_is_refused(floor: Floor, code: str, values: dict[str, Any], field: str) -> None:
    row = next(one for one in dispositions.of_team(floor.team_id) if one.code == code)
    with pytest.raises(CampaignError) as error:
        dispositions.change(floor.manager, row.pk, values)
    assert (error.value.code, error.value.field) == ("INVALID", field)
    if code == "do_not_call":
        with pytest.raises(CampaignError, match="always be able"):
            dispositions.retire(floor.manager, row.pk)
    with pytest.raises(CampaignError) as forbidden:
        dispositions.change(floor.caller(), row.pk, {"label": "x"})
    assert forbidden.value.code == "FORBIDDEN"


# --- Who else hears of it ---------------------------------------------------------------------------------------------


def test_webhooks_hear_of_a_call_when_it_ends_and_when_its_end_is_said(floor: Floor) -> None:
    create_endpoint(by=floor.ann, team_id=floor.team_id, url="https://example.com/", events=["call.ended"])
    floor.list()
    attempt = call(floor.caller())
    hang_up(floor.caller(), attempt.pk, seconds=7)
    dispose(floor.caller(), attempt.pk, code="no_answer", note="tell nobody")
    told = list(WebhookDelivery.objects.filter(event="call.ended").order_by("sequence").values_list("data", flat=True))
    assert [(one["outcome"], one["result"], one["seconds"]) for one in told] == [
        (None, None, 7), ("no_answer", "no_contact", 7),
    ]  # fmt: skip
    assert "tell nobody" not in str(told) and "+1617" not in str(told)


def test_a_forgotten_person_is_taken_out_of_calls(floor: Floor) -> None:
    first = call_by_hand(floor, 0)
    dispose(floor.manager, first.pk, code="no_answer", note="she asked twice")
    second = call_by_hand(floor, 1)
    dispose(floor.manager, second.pk, code="no_answer", note=f"call {number_of(0)} instead")
    her = Her([(1, digest(number_of(0)))], since=database_now())
    after: str | None = ""
    while after is not None:
        after = in_calls(after, her).after
    rows = {row.pk: row for row in CallAttempt.objects.all()}
    assert (rows[first.pk].number, rows[first.pk].note) == (None, "")
    assert (rows[second.pk].number, rows[second.pk].note) == (number_of(1), "call [forgotten] instead")
    assert in_calls("", her).changed == 0  # nothing of hers is left
