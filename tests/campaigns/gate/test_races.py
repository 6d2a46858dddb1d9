"""Who locks the keys first wins: no text commits after a committed opt-out, no cap is passed."""

from __future__ import annotations

import random
import time

import pytest
from django.db import transaction

from buckets.models import Bucket
from campaigns.gate import predicates
from campaigns.gate.contact import decide_many
from campaigns.gate.facts import Contact
from campaigns.models import Receipt
from leads.merging.services import merge_bucket
from leads.models import Lead
from leads.permission.suppressing import suppress
from tests.buckets.imports.files import csv_of, imported
from tests.campaigns.gate.races import cap_races, stop_races
from tests.campaigns.gate.samples import NOON, bucket_of, company, person
from tests.leads.samples import together
from tests.leads.test_merging import add
from tests.support import make_user

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 40  # 300 in `make chaos`


def test_no_text_leaves_after_a_committed_stop() -> None:
    ann = make_user("ann")
    bucket_of(ann, ROUNDS)

    tally = stop_races(company(ann), list(Lead.objects.order_by("pk")), ROUNDS)

    assert (tally.broken, tally.late) == ([], 0)
    assert tally.sent and tally.refused, "both came first at times"
    assert tally.sent + tally.refused == Receipt.objects.count() == ROUNDS


def test_two_senders_never_pass_one_owners_cap() -> None:
    ann = make_user("ann")
    bucket_of(ann, 2 * ROUNDS)

    tally = cap_races(company(ann), list(Lead.objects.order_by("pk")), ROUNDS)

    assert (tally.broken, tally.over, tally.sent, tally.refused) == ([], 0, ROUNDS, ROUNDS)


# --- Leads that change while their person opts out --------------------------------------------------------------------


def numbers_of(n: int) -> tuple[str, str]:
    return f"+1617555{n:04d}", f"+1617556{n:04d}"


def opt_outs(numbers: list[str], seconds: float) -> None:
    """One after the other, over so many seconds."""
    for number in random.Random(1).sample(numbers, len(numbers)):
        with transaction.atomic():
            suppress([(1, number)], reason="stop", source=f"inbound:{number[1:]}", spread=True, at=NOON)
        time.sleep(seconds / len(numbers))


def open_contacts(bucket: Bucket) -> list[tuple[str, str]]:
    """The leads' numbers that may still be called or texted, or whose lead is not shown as suppressed."""
    leads = list(Lead.objects.filter(bucket=bucket))
    contacts = [
        Contact(lead.pk, None, number, channel)
        for lead in leads
        for number in (lead.phone, lead.secondary_phone)
        for channel in ("call", "sms")
    ]
    asked = decide_many(contacts, team_id=bucket.team_id, by=None, purpose="manual", at=NOON)
    shown = set(Lead.objects.filter(predicates.suppressed()).values_list("pk", flat=True))
    return [
        (str(contact.address), contact.channel)
        for contact, one in asked.items()
        if contact.lead_id not in shown
        or not {"suppressed"} & {answer.code for answer in one.decision.answers if answer.verdict == "no"}
    ]


@pytest.mark.long
def test_a_stop_while_the_same_number_is_imported_closes_the_lead_however_they_meet() -> None:
    ann = make_user("ann")
    company(ann)
    bucket = bucket_of(ann, 0)
    rows = [[f"{n + 1} Main St", "Boston", "MA", "02108", *numbers_of(n)] for n in range(ROUNDS)]
    file = csv_of(rows, ("Address", "City", "State", "Zip", "Phone", "Phone 2"))

    job, stopped = together(lambda: imported(bucket, file), lambda: opt_outs([n for *_, n, _ in rows], 0.5))

    assert stopped is None
    assert (job.status, job.new) == ("completed", ROUNDS)
    assert open_contacts(bucket) == []


@pytest.mark.long
def test_a_stop_while_two_leads_are_merged_closes_both_numbers_for_the_one_that_stays() -> None:
    ann = make_user("ann")
    company(ann)
    bucket = bucket_of(ann, 0)
    for n in range(ROUNDS):
        parcel = {"apn": f"12-{n}", "fips": "25025"}
        house = {"property_address": f"{n + 1} Main St", "property_zip": "02108", "property_state": "MA"}
        older = add(bucket, **parcel)
        younger = add(bucket, property_id=f"address:{n + 1} MAIN ST|02108", **parcel, **house)
        for lead, number in zip((older, younger), numbers_of(n), strict=True):
            person(lead, phone=number)

    merged, stopped = together(
        lambda: merge_bucket(bucket.pk), lambda: opt_outs([numbers_of(n)[n % 2] for n in range(ROUNDS)], 0.5)
    )

    assert (merged, stopped) == (ROUNDS, None)
    assert Lead.objects.filter(bucket=bucket, secondary_phone__isnull=False).count() == ROUNDS
    assert open_contacts(bucket) == []
