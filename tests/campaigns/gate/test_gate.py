"""The gate over rows: suppressed whatever becomes of the number (T7), one owner (T9), attempts of everybody (T13)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.access import team_of
from accounts.models import Team, User
from campaigns.gate.contact import decide_many, lock_and_decide, may_contact
from campaigns.gate.facts import Contact, facts_of
from campaigns.gate.words import words
from campaigns.models import Conversation, ConversationKey, Receipt, ReceiptRepeat
from leads.models import Activity, Lead, Suppression
from leads.permission.consenting import give
from leads.permission.importing import BadUpload
from leads.permission.scrubbing import checked_numbers
from leads.permission.suppressing import suppress, suppress_wrong_number
from leads.services import add_activity, edit_lead
from tests.campaigns.gate.races import mobiles
from tests.campaigns.gate.samples import (
    NOON,
    B,
    agreed,
    attempt,
    bucket_of,
    checked,
    company,
    due,
    key_of,
    owner_key_of,
    person,
)
from tests.leads.permission.samples import list_of, written
from tests.leads.privacy.samples import forget
from tests.support import make_user

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
PAT = {
    "owner_name": "PAT SMITH", "mailing_address": "9 Elm St", "mailing_city": "Boston", "mailing_state": "MA",
    "mailing_zip": "02108",
}  # fmt: skip


@pytest.fixture
def ann() -> User:
    return make_user("ann")


@pytest.fixture
def lead(ann: User) -> Lead:
    """B: checked, and agreed to be texted and called."""
    seller = company(ann)
    lead = person(bucket_of(ann).leads.order_by("pk")[0], owner=PAT)
    checked(seller)
    agreed(seller)
    return lead


def verdict(lead: Lead, channel: Any = "sms", **asked: Any) -> tuple[str, str]:
    by = asked.pop("by", None)
    asked = {"purpose": "manual", "at": NOON, "record": False, **asked}
    decision = may_contact(lead.pk, channel, by=by, **asked).decision
    return decision.verdict, decision.first


def suppressed_by(lead: Lead, channel: Any = "sms", **asked: Any) -> str:
    decision = may_contact(lead.pk, channel, by=None, purpose="manual", at=NOON, record=False, **asked).decision
    answers = {answer.code: answer for answer in decision.answers}
    assert decision.verdict == "no"
    return str(answers["suppressed"].input["rows"][0]["id"])


def test_whoever_is_checked_and_agreed_may_be_contacted(lead: Lead) -> None:
    assert verdict(lead) == ("yes", "")
    assert verdict(lead, "call") == ("yes", "")
    assert verdict(lead, "email") == ("no", "address_missing")
    assert verdict(lead, at=NOON + timedelta(hours=9)) == ("later", "hours")
    Lead.objects.filter(pk=lead.pk).update(litigator=True)
    assert verdict(lead) == ("no", "litigator")
    Lead.objects.filter(pk=lead.pk).update(litigator=None, phone_do_not_call=True)
    assert verdict(lead, "call") == ("no", "registry")


def test_what_belongs_to_another_company_opens_nothing(lead: Lead) -> None:
    bob = make_user("bob")
    company(bob, number="+16175550101")
    assert verdict(lead, "call", team_id=team_of(bob)) == ("no", "scrub_age")
    assert verdict(lead, "sms", team_id=team_of(bob))[0] == "no"
    nobody = make_user("eve")
    assert "seller" in {
        answer.code
        for answer in may_contact(
            lead.pk, "call", by=nobody, purpose="manual", at=NOON, team_id=team_of(nobody), record=False
        ).decision.answers
        if answer.verdict == "no"
    }


def test_the_registrys_whole_list_checks_who_is_not_on_it_also_later(ann: User) -> None:
    """Its own file names who is listed alone. An unreadable row may be the number: then it is no whole list."""
    seller, rows = company(ann), list(bucket_of(ann).leads.order_by("pk"))
    clean, listed, elsewhere = "+16175550112", "+16175550113", "+12125550114"
    for row, number in zip(rows, (clean, listed, elsewhere), strict=False):
        person(row, phone=number)
    how = {"kind": "scrub", "seller": seller.pk, "list": "federal", "san": "12-34", "versionDate": "2026-09-01"}
    whole = {**how, "listed": True, "areaCodes": "617, 857"}
    for wrong in ({"areaCodes": "61"}, {"list": "state:MA"}, {"listed": False}):
        with pytest.raises(BadUpload) as refusal:
            list_of(ann, "617,5550113\n", **{**whole, **wrong})  # type: ignore[arg-type]
        assert refusal.value.field == "areaCodes"

    def answers() -> list[tuple[str, str]]:
        return [verdict(row, "call") for row in rows[:3]]

    def ready() -> set[Any]:
        return set(Lead.objects.contactable().values_list("phone", flat=True))

    never = ("no", "scrub_age")
    written(list_of(ann, "617,5550113\n617,5550199\n617,55501\n", **whole), ann)  # type: ignore[arg-type]
    assert answers() == [never, ("no", "registry"), never]
    assert ready() == set()
    written(list_of(ann, "617,5550113\n", **whole), ann)  # type: ignore[arg-type]
    assert answers() == [("yes", ""), ("no", "registry"), never]
    assert ready() == {clean}
    person(rows[3], phone="+18575550115")
    assert verdict(rows[3], "call") == ("yes", "")
    assert verdict(rows[3], "call", at=NOON + timedelta(days=20)) == never
    assert [one.listed for one in checked_numbers(team_of(ann), [clean, listed]).values()] == [True, False]


# --- T7: nothing undoes a stop ----------------------------------------------------------------------------------------


def test_t7_a_stop_stays_whatever_becomes_of_the_number(lead: Lead, ann: User) -> None:
    """Imported again, traced again, typed on a new lead, deleted and imported, with a new number; then forgotten."""
    with transaction.atomic():
        (row,) = suppress([(1, B)], reason="stop", source="inbound:1", at=NOON - HOUR).added
    first = str(row.pk)
    assert suppressed_by(lead) == first
    assert suppressed_by(lead, "call") == first

    person(lead, phone_do_not_call=False)  # traced again
    assert suppressed_by(lead) == first
    other = person(bucket_of(ann, name="Again").leads.order_by("pk")[0])  # imported into another bucket
    assert suppressed_by(other) == first
    typed = bucket_of(ann, name="Typed").leads.order_by("pk")[0]
    edit_lead(lead=typed, by=ann, changes={"phone": B})
    assert suppressed_by(typed) == first
    Lead.objects.filter(pk__in=[lead.pk, other.pk]).delete()
    back = person(bucket_of(ann, name="Back").leads.order_by("pk")[0])
    assert suppressed_by(back) == first

    renewed = person(back, phone="+16175550119", owner=PAT)  # her next number, found beside the old one
    assert B in {renewed.secondary_phone, *(e["value"] for e in (renewed.other_facts or {}).get("phone", []))}
    assert suppressed_by(renewed) == first
    with transaction.atomic():  # said twice: the first row is told
        suppress([(1, B)], reason="stop", source="inbound:2", at=NOON - HOUR / 2)
    assert suppressed_by(back, address=B) == first

    for statement in ("DELETE FROM leads_suppression", "UPDATE leads_suppression SET reason = 'upload'"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    assert Suppression.objects.count() == 2


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_t7_a_forgotten_person_stays_forgotten() -> None:
    ann = make_user("ann")
    company(ann)
    lead = person(bucket_of(ann).leads.order_by("pk")[0], owner=PAT)
    forget(phone=B)
    row = Suppression.objects.get(reason="erased", kind=1)

    asked = may_contact(lead.pk, "sms", by=None, purpose="manual", at=NOON, address=B, record=False)

    assert (asked.decision.verdict, asked.facts.erased) == ("no", row.pk)
    assert {a.code for a in asked.decision.answers if a.verdict == "no"} >= {"erased"}


def test_a_wrong_number_binds_its_owner_and_after_two_everybody(lead: Lead, ann: User) -> None:
    from leads.permission.suppressing import suppress_wrong_number

    others = bucket_of(ann, name="Others").leads.order_by("pk")
    sue = person(others[0], owner={**PAT, "owner_name": "SUE JONES"})
    key = key_of(B)
    with transaction.atomic():
        suppress_wrong_number(key.pk, [lead.pk], source="inbound:1", at=NOON - HOUR)
    assert verdict(lead, "call") == ("no", "suppressed")
    assert verdict(sue, "call") == ("yes", "")
    with transaction.atomic():
        suppress_wrong_number(key.pk, [sue.pk], source="inbound:2", at=NOON - HOUR)
    third = person(others[1], owner={**PAT, "owner_name": "KIM LEE"})
    assert verdict(third, "call") == ("no", "suppressed")


def test_her_start_opens_that_number_to_texts_although_her_stop_went_to_all_of_them(lead: Lead, ann: User) -> None:
    """Not her other number, no call, no other company; and a STOP of later on any of them closes it again."""
    other = "+16175550177"
    person(lead, owner=PAT, secondary_phone=other, secondary_phone_type="mobile", email="p@example.com")
    seller, bob = company(ann), make_user("bob")
    agreed(seller, other)
    agreed(company(bob, number="+16175550101"))
    with transaction.atomic():
        assert len(suppress([(1, B)], reason="stop", source="inbound:1", at=NOON - 3 * HOUR, spread=True).added) == 3
    assert verdict(lead) == ("no", "suppressed")

    give((1, B), channel="sms", kind="start", seller=seller, given_at=NOON - HOUR, how="inbound", reference="inbound:2")

    assert verdict(lead) == ("yes", "")
    assert verdict(lead, address=other) == ("no", "suppressed")
    assert verdict(lead, "call") == ("no", "suppressed")
    assert verdict(lead, team_id=team_of(bob)) == ("no", "suppressed")
    with transaction.atomic():
        suppress([(1, other)], reason="stop", source="inbound:3", at=NOON - HOUR / 2)
    assert verdict(lead) == ("no", "suppressed")


def test_a_wrong_number_stays_wrong_for_an_owner_whose_mailing_address_changes(lead: Lead, ann: User) -> None:
    with transaction.atomic():
        suppress_wrong_number(key_of(B).pk, [lead.pk], source="inbound:1", at=NOON - HOUR)
    old = owner_key_of(lead)
    person(lead, owner={**PAT, "mailing_address": "700 Oak Ave", "mailing_zip": "02109"})
    assert owner_key_of(lead) != old
    assert verdict(lead, "call") == ("no", "suppressed")
    assert not Lead.objects.contactable().filter(pk=lead.pk).exists()

    person(lead, owner={**PAT, "owner_name": "RAY GREEN", "mailing_address": "1 New St", "mailing_zip": "02110"})
    assert verdict(lead, "call") == ("yes", ""), "somebody else"


# --- T13 and T9: attempts over the whole person -----------------------------------------------------------------------


def test_t13_attempts_of_every_team_count_and_the_answer_says_which(lead: Lead, ann: User) -> None:
    bob = make_user("bob")
    attempt(team_of(ann), B, NOON - 2 * HOUR)  # user 1's text, 14:00Z
    mail = person(lead, email="b@example.com")
    attempt(team_of(bob), "b@example.com", NOON - HOUR, channel="email")  # user 2's e-mail, 15:00Z
    attempt(team_of(bob), B, NOON - HOUR / 2, state="refused")  # refused by the gate: none

    decision = may_contact(mail.pk, "call", by=ann, purpose="manual", at=NOON, record=False).decision

    assert (decision.verdict, decision.first) == ("later", "cap_24h")
    assert decision.again_at == NOON - 2 * HOUR + timedelta(days=1)
    counted = next(answer.input["counted"] for answer in decision.answers if answer.code == "cap_24h")
    assert [channel for _, channel in counted] == ["another team", "sms"]
    said = " ".join(words(decision))
    assert "contact by another team Tue, Sep 15, 3:00 PM UTC" in said
    assert "text Tue, Sep 15, 2:00 PM UTC" in said


def test_an_attempt_on_another_lead_or_number_of_hers_counts_and_so_does_a_logged_call(lead: Lead, ann: User) -> None:
    """One hop over a shared owner; not over a chain; in doubt counts; a call that somebody logged counts."""
    more = bucket_of(ann, name="More").leads.order_by("pk")
    same = person(more[0], phone="+16175550121", owner=PAT)  # shares name and mailing address
    chained = person(more[1], phone="+16175550121", owner={**PAT, "owner_name": "KIM LEE"})  # shares a phone with that
    attempt(team_of(ann), "+16175550121", NOON - 3 * HOUR, state="in_doubt", lead=same)

    def attempts(of: Lead) -> int:
        return len(may_contact(of.pk, "call", by=ann, purpose="manual", at=NOON, record=False).facts.attempts)

    assert (attempts(lead), attempts(same), attempts(chained)) == (1, 1, 1)
    attempt(team_of(ann), B, NOON - 2 * HOUR, lead=lead)
    assert (attempts(lead), attempts(same), attempts(chained)) == (2, 2, 1)  # B is none of the chain's end
    add_activity(lead=same, by=ann, kind=Activity.Kind.CALL, text="no answer")
    assert (attempts(lead), attempts(same), attempts(chained)) == (3, 3, 2)


def test_t13_the_teams_cap_is_narrowed_by_the_state(ann: User) -> None:
    """MA at a cap of 5 allows the fourth; Florida never does, whichever of his numbers it is."""
    Team.objects.filter(pk=team_of(ann)).update(daily_contacts=5)
    seller, leads = company(ann), bucket_of(ann).leads.order_by("pk")
    boston, pensacola = person(leads[0]), person(leads[1], "P", secondary_phone="+18505550123")
    for number in (B, "+18505550113", "+18505550123"):
        checked(seller, number)
    for hours in (8, 6, 4):
        attempt(team_of(ann), B, NOON - hours * HOUR, channel="call")
        attempt(team_of(ann), "+18505550113", NOON - hours * HOUR, channel="call")
    assert verdict(boston, "call") == ("yes", "")
    assert verdict(pensacola, "call", address="+18505550123") == ("later", "cap_24h")


def test_an_open_conversation_of_somebody_else_waits(lead: Lead, ann: User) -> None:
    bob = make_user("bob")
    talk = Conversation.objects.create(
        team_id=team_of(ann), lead=lead, key=key_of(B), state="open", assigned_to=bob, opened_at=NOON - HOUR,
        last_in_at=NOON - HOUR, close_at=NOON + timedelta(days=6),
    )  # fmt: skip
    ConversationKey.objects.create(conversation=talk, key=owner_key_of(lead))
    assert verdict(lead, by=ann) == ("later", "conversation")
    assert verdict(lead, by=bob) == ("yes", "")
    Conversation.objects.filter(pk=talk.pk).update(state="held", decide_by=NOON + HOUR)
    assert verdict(lead, by=bob) == ("later", "held")


# --- Many at once, and what is written down ---------------------------------------------------------------------------


@pytest.mark.long
def test_facts_of_many_cost_as_many_queries_as_of_one(ann: User) -> None:
    seller, leads = company(ann), list(bucket_of(ann, 500).leads.order_by("pk"))
    mobiles(seller, {f"+1617555{number:04d}": lead for number, lead in enumerate(leads)})
    attempt(team_of(ann), "+16175550001", NOON - HOUR)
    contacts = [Contact(lead.pk, None, lead.phone, "sms") for lead in leads]

    def queries(of: list[Contact]) -> int:
        with CaptureQueriesContext(
            connection,
        ) as counted:
            found = facts_of(of, team_id=team_of(ann), by=ann, seller=seller, at=NOON)
        assert len(found) == len(of)
        return len(counted)

    assert queries(contacts[:1]) == queries(contacts) <= 14
    asked = decide_many(contacts, team_id=team_of(ann), by=ann, purpose="manual", at=NOON)
    assert [one.decision.verdict for one in asked.values()] == ["yes", "later"] + ["yes"] * 498
    assert decide_many([], team_id=team_of(ann), by=ann, purpose="campaign") == {}


def test_each_answer_is_a_receipt_and_a_repeated_later_is_counted(lead: Lead, ann: User) -> None:
    asked: dict[str, Any] = {"by": ann, "purpose": "manual"}
    yes = may_contact(lead.pk, "sms", **asked, at=NOON)
    late = [may_contact(lead.pk, "sms", **asked, at=NOON + timedelta(hours=h)) for h in (9, 10)]
    no = may_contact(lead.pk, "email", **asked, at=NOON)

    assert late[0].receipt_id == late[1].receipt_id
    rows = {row.pk: row for row in Receipt.objects.all()}
    assert [rows[one.receipt_id].verdict for one in (yes, late[0], no)] == ["yes", "later", "no"]  # type: ignore[index]
    assert len(rows) == 3
    assert ReceiptRepeat.objects.get().at == NOON + timedelta(hours=10)
    receipt = rows[yes.receipt_id]  # type: ignore[index]
    assert (receipt.team_id, receipt.lead_id, receipt.by_id, receipt.at) == (team_of(ann), lead.pk, ann.pk, NOON)
    assert {code for code, *_ in receipt.rules} >= {"suppressed", "registry", "hours", "cap_24h", "budget"}
    assert B not in str(receipt.rules)
    with pytest.raises(DatabaseError), transaction.atomic():
        Receipt.objects.filter(pk=receipt.pk).update(verdict="no")


def test_two_messages_to_one_person_in_one_call_know_of_each_other(lead: Lead, ann: User) -> None:
    seller = company(ann)
    other = person(bucket_of(ann, name="More").leads.order_by("pk")[0], phone="+16175550121", owner=PAT)
    checked(seller, "+16175550121")
    agreed(seller, "+16175550121")
    messages = [due(seller, B, lead), due(seller, "+16175550121", other)]

    with transaction.atomic():
        asked = lock_and_decide([message.pk for message in messages], at=NOON)

    assert [asked[message.pk].decision.verdict for message in messages] == ["yes", "later"]
    receipts = {row.delivery_id: row for row in Receipt.objects.all()}
    assert {message.pk for message in messages} == receipts.keys()
    assert (key_of(B).last_attempt_at, key_of("+16175550121").last_attempt_at) == (NOON, None)
