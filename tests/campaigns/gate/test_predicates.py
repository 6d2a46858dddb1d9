"""What SQL says of many leads is what `decide` says of each: over made-up people, seeded."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from accounts.access import team_of
from campaigns.gate import predicates
from campaigns.gate.contact import contact_of, decide_many
from campaigns.gate.people import known
from campaigns.models import StateAnswer
from common.db.ids import uuid7
from leads.facts.sources import other_person
from leads.models import Consent, Lead, Scrub, Seller, Suppression
from leads.permission.suppressing import suppress, suppress_wrong_number
from leads.querysets import NOT_CONTACTED
from tests.campaigns.gate.samples import NOON, bucket_of, company, digest, key_of, person
from tests.support import make_user

pytestmark = pytest.mark.django_db
SOME = 220  # people of a set
STATES = ["MA", "MA", "NY", "NY", "AZ", "FL", "CT", "NJ", "PA", "OR", "TX", None]
LISTS = ["federal", "federal", "state:TX", "litigator", "reassigned"]
REASONS = ["stop", "upload", "operator", "hard_bounce", "soft_bounces", "one_click", "erased", "wrong"]
CODES = [*["617", "212", "602"] * 4, "850", "203", "201", "215", "541", "800", "900", "416", "555"]


@pytest.fixture(autouse=True)
def _noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("campaigns.clock.now", lambda: NOON)


def _people(chance: random.Random, leads: list[Lead], sellers: list[Seller]) -> None:
    """A random house, phone, status, flag and source each; consents and checks of either company; suppressions."""
    for number, lead in enumerate(leads):
        phone = f"+1{chance.choice(CODES)}{chance.choice(['555'] * 9 + ['155'])}{number:04d}"
        owner = {"owner_name": f"OWNER N{number}", "mailing_address": f"{number} Elm St", "mailing_zip": "02108"}
        person(lead, phone=phone, owner=owner, email=f"p{number}@example.com")
        facts: dict[str, Any] = {
            "property_state": chance.choice(STATES), "mailing_state": chance.choice([None] * 12 + STATES),
            "phone": chance.choice([lead.phone] * 9 + [None]),
            "phone_type": chance.choice(["mobile", "landline", None]),
            "phone_do_not_call": chance.choice([False] * 5 + [None, True]),
            "litigator": chance.choice([None, None, None, False] * 4 + [True]),
            "status": chance.choice(["new"] * 12 + ["contacted", "lost", "closed"]),
            "traced_state": chance.choice([None, None, None, None, None, "CT", "MA"]),
            "skip_traced_at": NOON - timedelta(days=chance.choice([3, 3, 3, 31, 32, 60])),
            "fact_sources": chance.choice(
                [None] * 9 + [{"phone": {"source": "file", "at": "2026-09-10T00:00:00+00:00"}},
                 {"phone": {"source": "trace", "at": "2026-08-01T00:00:00+00:00"}},
                 {"phone": {"source": "trace", "at": "2026-09-10T00:00:00+00:00", "person": "Somebody"}}]
            ),
            "contact_is_other": chance.choice([None] * 9 + [False, True]),
        }  # fmt: skip
        Lead.objects.filter(pk=lead.pk).update(enrichment_status="partial", **facts)
        for _ in range(chance.choice([0, 0, 1, 2])):
            _consent(chance, phone, chance.choice(sellers))
        for name in chance.sample(
            ["federal", "federal", "state:TX", "litigator", "reassigned"], chance.choice([0, 1, 1, 2])
        ):
            _check(chance, phone, chance.choice(sellers), name)
        if chance.random() < 0.2:
            _suppress(chance, lead, phone)


def _consent(chance: random.Random, phone: str, seller: Seller) -> None:
    kind = chance.choice(["written", "express", "inquiry", "transaction", "start"])
    given_at = NOON - timedelta(
        days=chance.choice([10, 80, 100, 330, 400, 540, 560, 800]), seconds=chance.randrange(9999)
    )
    Consent.objects.create(
        id=uuid7(), key_kind=1, digest=digest(phone), hint="…", channel=chance.choice(["call", "call", "sms"]),
        kind=kind, seller=seller, text_hash="x" if kind == "written" else "", given_at=given_at,
        how="inbound" if kind == "start" else chance.choice(["form", "import"]), created_at=NOON,
        expires_at=chance.choice([None, None, NOON - timedelta(days=1), NOON + timedelta(days=1)]),
    )  # fmt: skip


def _check(chance: random.Random, phone: str, seller: Seller, name: str) -> None:
    at = NOON - timedelta(days=chance.choice([1, 20, 31, 32, 90]), minutes=chance.randrange(1000))
    source = chance.choice(["file", "connector", "vendor_flag"])
    Scrub.objects.create(
        seller=seller, digest=digest(phone), list=name, listed=chance.choice([False, False, True]), checked_at=at,
        version_date=at.date() if source == "file" else None, source=source,
    )  # fmt: skip


def _suppress(chance: random.Random, lead: Lead, phone: str) -> None:
    at = NOON - timedelta(days=chance.choice([5, 200]))
    value = chance.choice([(1, phone), (2, lead.email or "")])
    reason = chance.choice(
        ["stop", "upload", "operator", "hard_bounce", "soft_bounces", "one_click", "erased", "wrong"]
    )
    source = f"inbound:{lead.pk.hex[:20]}"
    if reason == "wrong":
        for n in range(chance.choice([1, 2])):
            leads = [lead.pk] if n == 0 else [chance.choice(list(Lead.objects.values_list("pk", flat=True)))]
            suppress_wrong_number(key_of(phone).pk, leads, source=f"{source}{n}", at=at)
        return
    suppress(
        [value], reason=reason, source=source, scope=chance.choice(["any", "sms", "call", "email"]), at=at,
        expires_at=NOON + timedelta(days=chance.choice([-1, 1])) if reason == "soft_bounces" else None,
    )  # fmt: skip


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.long)])
def test_ready_to_call_is_what_decide_says(seed: int) -> None:
    ann, bob, eve = (make_user(name) for name in ("ann", "bob", "eve"))
    chance = random.Random(seed)
    sellers = [
        company(ann, flag=True),
        company(bob, number="+16175550101", states=["MA", "NY", "CT", "NJ", "TX", "AZ"]),
    ]
    StateAnswer.objects.filter(seller=sellers[0], state="TX").update(answer="stay_out")
    StateAnswer.objects.filter(seller=sellers[0], state="GA").delete()
    teams = {user: list(bucket_of(user, SOME // 3).leads.order_by("pk")) for user in (ann, bob, eve)}
    with transaction.atomic():
        for leads in teams.values():
            _people(chance, leads, sellers)

    wrong: list[Any] = []
    seen: set[str] = set()
    found = set(Lead.objects.contactable().values_list("pk", flat=True))
    blocked = set(Lead.objects.filter(predicates.do_not_call()).values_list("pk", flat=True))
    for user in teams:
        leads = list(Lead.objects.filter(team=team_of(user)))
        contacts = {lead.pk: contact_of(lead, "call") for lead in leads}
        asked = decide_many(list(contacts.values()), team_id=team_of(user), by=user, purpose="manual", at=NOON)
        for lead in leads:
            decision = asked[contacts[lead.pk]].decision
            theirs = not other_person(vars(lead), "phone")
            expected = bool(decision.verdict != "no" and lead.status == "new" and lead.phone and theirs)
            seen |= {answer.code for answer in decision.answers if answer.verdict == "no"}
            if (lead.pk in found) != expected:
                no = [(answer.code, dict(answer.input)) for answer in decision.answers if answer.verdict == "no"]
                wrong.append((lead.pk in found, expected, lead.phone, lead.status, no))
            codes = {answer.code for answer in decision.answers if answer.verdict == "no"}
            if {"suppressed", "erased"} & codes and lead.phone and lead.pk not in blocked:
                wrong.append(("not blocked", codes))
    assert wrong == []
    assert 3 < len(found) < SOME
    assert seen >= {
        "address_missing", "invalid_number", "number_kind", "erased", "suppressed", "litigator", "registry",
        "scrub_age", "cold_closed", "lead_status", "seller", "state_answer",
    }  # fmt: skip
    assert not found & set(Lead.objects.filter(~NOT_CONTACTED).values_list("pk", flat=True))


def test_suppressed_leads_are_those_with_a_row_that_binds_them() -> None:
    ann = make_user("ann")
    company(ann)
    leads = list(bucket_of(ann, 6).leads.order_by("pk"))
    for number, lead in enumerate(leads):
        person(lead, phone=f"+1617555010{number}", email=f"p{number}@example.com")
    with transaction.atomic():
        suppress([(1, "+16175550100")], reason="stop", source="inbound:1", at=NOON)
        suppress([(2, "p1@example.com")], reason="hard_bounce", scope="email", source="vendor:x", at=NOON)
        suppress([(1, "+16175550102")], reason="soft_bounces", source="vendor:x", at=NOON, expires_at=NOON)
        suppress([(1, "+16175550103")], reason="stop", scope="sms", source="inbound:2", at=NOON - timedelta(days=9))
    seller = Seller.objects.get(team=team_of(ann))
    Consent.objects.create(
        id=uuid7(), key_kind=1, digest=digest("+16175550103"), hint="…", channel="sms", kind="start", seller=seller,
        given_at=NOON - timedelta(days=1), how="inbound", created_at=NOON,
    )  # fmt: skip

    found = Lead.objects.filter(predicates.suppressed()).order_by("pk")

    assert list(found) == leads[:2]
    since = dict(Lead.objects.annotate(since=predicates.suppressed_since()).values_list("pk", "since"))
    assert [since[lead.pk] for lead in leads] == [NOON, NOON, None, None, None, None]
    assert Suppression.objects.count() == 4
    assert known([(leads[0].pk, None, leads[0].phone)])[0].lead_keys
