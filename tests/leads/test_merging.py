"""Leads of one bucket that turn out to be one property: merged, hidden, shown by one, and separated again."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from redis.exceptions import RedisError

from accounts.models import Role
from buckets.deleting.services import delete_bucket
from buckets.models import Bucket
from buckets.services import add_ids, create_bucket, recount
from enrichment.models import Run, RunItem
from enrichment.worker.lead_deletion import delete_lead
from integrations.ledger import catalogue
from integrations.lookups.identity import hash64, names_of
from integrations.models import Lookup, PropertyName
from leads.calendar.table import Event
from leads.merging import rows as merging_rows
from leads.merging import services
from leads.merging.pairs import pairs_of
from leads.merging.services import NotMerged, merge_bucket, merges_of, separate, sweep
from leads.merging.table import Merge
from leads.models import Lead, LeadName
from leads.selection.export import csv_pieces
from leads.selection.filters import matching
from leads.selectors import activities_of, tags_and_owners
from leads.services import add_activity, change_status, edit_lead, set_tags
from tests.leads.bulk.world import hers, member, start
from tests.leads.samples import counters, together
from tests.support import make_user

APN = {"apn": "12-345", "fips": "53033"}
HOUSE = {"property_address": "12 Main St", "property_zip": "98101", "property_city": "Seattle", "property_state": "WA"}


def a_bucket(by: Any = None, name: str = "Leads") -> Bucket:
    return create_bucket(by=by or make_user(), name=name)[0]


def add(bucket: Bucket, property_id: str = "", **facts: Any) -> Lead:
    """A lead as a file brings it: called by the surest of its names, and by all of them."""
    names = names_of(facts)
    lead = Lead.objects.create(
        bucket=bucket, owner=bucket.owner, property_id=property_id or names[0].text, source="import", **facts
    )
    Lead.every.filter(pk=lead.pk).update(updated_at=lead.created_at)
    LeadName.objects.bulk_create(
        LeadName(lead=lead, bucket_id=bucket.pk, exact=n.exact, loose=n.possible, bare=n.bare, source="file")
        for n in names
    )
    recount(bucket_ids=[bucket.pk])
    lead.refresh_from_db()
    return lead


def learn(property_id: str, **facts: Any) -> None:
    """Everybody knows what this property is called."""
    PropertyName.objects.bulk_create(
        PropertyName(name=n.text, property_id=property_id, exact=n.exact, loose=n.possible, bare=n.bare)
        for n in names_of(facts)
    )


def twice(**of_younger: Any) -> tuple[Bucket, Lead, Lead]:
    """A house by its parcel number and by its address with that number."""
    bucket = a_bucket()
    older = add(bucket, **APN)
    return bucket, older, add(bucket, property_id="address:12 MAIN ST|98101", **{**APN, **HOUSE, **of_younger})


def again(lead: Lead) -> Lead:
    return Lead.every.get(pk=lead.pk)


pytestmark = pytest.mark.django_db(transaction=True)


# --- What is merged ---------------------------------------------------------------------------------------------------


def test_a_lead_by_parcel_number_and_the_same_property_by_its_id_are_one_lead():
    bucket = a_bucket()
    older, younger = add(bucket, **APN), add(bucket, property_id="77")
    assert merge_bucket(bucket.pk) == 0
    learn("77", **APN)

    assert sweep() == 1

    assert (again(younger).merged_into_id, list(Lead.objects.all())) == (older.pk, [older])
    assert again(older).property_id == "77"
    assert counters(bucket) == (1, 0, 0, 0) and recount() == {}


def test_two_leads_with_the_same_parcel_number_are_one_lead_and_the_older_shows_the_values_of_both():
    bucket, older, younger = twice(owner_name="Ann Doe")

    assert merge_bucket(bucket.pk) == 1

    shown = again(older)
    assert (shown.property_address, shown.owner_name, shown.apn) == ("12 Main St", "Ann Doe", "12-345")
    assert again(younger).owner_name == "Ann Doe"
    assert merges_of(shown)[0].why == "apn"
    assert shown.updated_at == shown.created_at


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            {**APN, **HOUSE, "property_address": "12 Main St Apt 1"},
            {**APN, **HOUSE, "property_address": "12 Main St #2"},
        ),
        ({**APN, **HOUSE, "property_address": "12 Main St"}, {**APN, **HOUSE, "property_address": "14 Main St"}),
        ({**APN}, {"apn": "12-346", "fips": "53033"}),
        ({**APN}, {"apn": "12-345", "fips": "53035"}),
    ],
)
def test_another_unit_house_parcel_or_county_is_another_lead(one, other):
    bucket = a_bucket()
    add(bucket, property_id="address:a", **one), add(bucket, property_id="address:b", **other)

    assert (merge_bucket(bucket.pk), Lead.objects.count()) == (0, 2)


def test_a_lead_without_a_unit_is_none_of_several_units_of_a_parcel():
    bucket = a_bucket()
    add(bucket, property_id="address:a", **APN)
    for unit in (1, 2):
        add(bucket, property_id=f"address:{unit}", **{**APN, **HOUSE, "property_address": f"12 Main St Unit {unit}"})

    assert merge_bucket(bucket.pk) == 0


def test_two_ids_of_the_vendor_that_share_an_address_and_a_parcel_number_are_two_leads():
    bucket = a_bucket()
    add(bucket, property_id="1", **APN, **HOUSE), add(bucket, property_id="2", **APN, **HOUSE)
    learn("1", **HOUSE)

    assert merge_bucket(bucket.pk) == 0


def test_an_equal_address_alone_merges_nothing():
    bucket = a_bucket()
    add(bucket, property_id="address:a", **HOUSE), add(bucket, property_id="address:b", **HOUSE)

    assert merge_bucket(bucket.pk) == 0


def test_a_lead_whose_names_are_known_as_two_properties_is_neither():
    bucket = a_bucket()
    add(bucket, **APN, **HOUSE), add(bucket, property_id="1"), add(bucket, property_id="2")
    learn("1", **APN)
    learn("2", **HOUSE)

    assert merge_bucket(bucket.pk) == 0


@pytest.mark.parametrize(("segmented", "merges"), [(["12-3"], 1), (["12-3", "1-23"], 0)])
def test_a_bare_parcel_number_is_the_one_segmented_one_with_its_digits_and_else_none(segmented, merges):
    bucket = a_bucket()
    with connection.cursor() as cursor:  # names as they are told apart: segment by segment
        for n, apn in enumerate([*segmented, "123"]):
            lead = Lead.objects.create(bucket=bucket, owner=bucket.owner, property_id=f"apn:53033:{apn}", apn=apn)
            cursor.execute(
                "INSERT INTO leads_leadname (lead_id, bucket_id, exact, loose, bare, source) "
                "VALUES (%s, %s, %s, 5, %s, 'file')",
                [lead.pk, bucket.pk, hash64(f"apn:53033:{apn}"), n == len(segmented)],
            )
    recount(bucket_ids=[bucket.pk])

    assert merge_bucket(bucket.pk) == merges


def test_nothing_is_merged_while_a_lead_waits_in_a_run_or_phones_are_to_come():
    bucket, _older, younger = twice()
    run = Run.objects.create(bucket=bucket, bucket_name="", owner=bucket.owner, total=1)
    item = RunItem.objects.create(run=run, lead=younger, stage=RunItem.Stage.DETAIL)

    assert merge_bucket(bucket.pk) == 0

    RunItem.objects.filter(pk=item.pk).update(stage=0, outcome=1)
    assert merge_bucket(bucket.pk) == 1


def test_there_is_never_a_chain():
    bucket = a_bucket()
    oldest = add(bucket, property_id="address:z", **HOUSE)
    middle, youngest = add(bucket, **APN, owner_name="Ann Doe"), add(bucket, property_id="address:y", **APN, sqft=900)
    assert merge_bucket(bucket.pk) == 1
    learn("9", **APN, **HOUSE)

    assert merge_bucket(bucket.pk) == 1

    assert {again(one).merged_into_id for one in (middle, youngest)} == {oldest.pk}
    assert (again(oldest).owner_name, again(oldest).sqft, recount()) == ("Ann Doe", 900, {})
    separate(lead=again(middle), by=bucket.owner)
    assert (again(middle).merged_into_id, again(middle).sqft, again(oldest).owner_name) == (None, None, None)
    assert (again(oldest).sqft, again(youngest).merged_into_id, recount()) == (900, oldest.pk, {})
    assert sweep() == 0


# --- What the one lead shows ------------------------------------------------------------------------------------------


def test_the_strictest_marks_the_furthest_status_and_the_earliest_callback_hold():
    bucket, older, younger = twice()
    sooner, later = (timezone.now() + timedelta(days=days) for days in (1, 2))
    Lead.objects.filter(pk=older.pk).update(
        phone="+12065550101", phone_do_not_call=False, status="contacted", callback_at=later, do_not_mail=False
    )
    Lead.objects.filter(pk=younger.pk).update(
        phone="+12065550101", phone_do_not_call=True, secondary_phone="+12065550102", status="qualified",
        callback_at=sooner, litigator=True, do_not_mail=True,
    )  # fmt: skip
    recount()

    merge_bucket(bucket.pk)

    one = again(older)
    assert (one.phone, one.phone_do_not_call, one.secondary_phone) == ("+12065550101", True, "+12065550102")
    assert (one.status, one.callback_at, one.litigator, one.do_not_mail) == ("qualified", sooner, True, True)
    assert recount() == {} and counters(bucket) == (1, 0, 0, 1)

    separate(lead=one, by=bucket.owner)

    parted = again(older)
    assert (parted.status, parted.callback_at, parted.secondary_phone) == ("contacted", later, None)
    assert (parted.phone_do_not_call, parted.litigator, parted.do_not_mail) == (True, True, True)
    assert again(younger).status == "qualified"
    assert recount() == {} and counters(bucket) == (2, 0, 0, 2)


@pytest.mark.parametrize("older_is", [None, "cody"])
def test_who_worked_the_younger_keeps_it_unless_the_older_is_somebodys_and_who_works_it_has_its_callback(older_is):
    bucket, older, younger = twice()
    bob, cody = (member(bucket.owner, name, Role.CALLER)[0] for name in ("bob", "cody"))
    Lead.objects.filter(pk=younger.pk).update(assigned_to=bob)
    Lead.objects.filter(pk=older.pk).update(assigned_to=cody if older_is else None)
    add_activity(lead=again(younger), by=bob, kind="callback", due_at=timezone.now() + timedelta(days=1))

    merge_bucket(bucket.pk)

    works = cody if older_is else bob
    assert again(older).assigned_to == works
    assert Event.objects.values_list("lead", "owner", "status").get() == (older.pk, works.pk, "planned")

    separate(lead=again(older), by=bucket.owner)

    assert (again(older).assigned_to, again(younger).assigned_to) == (cody if older_is else None, bob)
    assert Event.objects.values_list("lead", "owner", "status").get() == (younger.pk, bob.pk, "planned")


def test_both_rows_tags_notes_and_activities_are_shown_filtered_by_and_exported():
    bucket, older, younger = twice()
    set_tags(lead=older, names=["Vacant"]), set_tags(lead=younger, names=["Hot", "vacant"])
    add_activity(lead=older, by=bucket.owner, kind="note", text="one")
    add_activity(lead=younger, by=bucket.owner, kind="call", text="two")

    merge_bucket(bucket.pk)

    assert tags_and_owners([older])[0] == {older.pk: ["Hot", "Vacant"]}
    assert [a.text for a in activities_of(older).order_by("pk")] == ["one", "two"]
    assert again(older).activity_count == 2
    assert list(matching(Lead.objects.filter(bucket=bucket), {"tag": "hot"})) == [older]
    assert b"".join(piece for piece, _ in csv_pieces(Lead.objects.filter(bucket=bucket))).count(b"\n") == 2

    separate(lead=again(older), by=bucket.owner)

    assert tags_and_owners([older, younger])[0] == {older.pk: ["Vacant"], younger.pk: ["Hot", "Vacant"]}
    assert ([a.text for a in activities_of(older)], again(older).activity_count) == (["one"], 1)


def test_a_value_that_loses_stays_with_its_source():
    bucket, older, _younger = twice(owner_name="Ann Doe", email="ann@example.com")
    at = datetime(2026, 11, 1, tzinfo=UTC)
    Lead.objects.filter(pk=older.pk).update(
        owner_name="Bob Roe", email="bob@example.com", enriched_at=at, skip_traced_at=at, sqft=900
    )

    merge_bucket(bucket.pk)

    one = again(older)
    assert one.other_facts and one.fact_sources
    assert (one.owner_name, one.email, one.sqft) == ("Ann Doe", "ann@example.com", 900)  # a file outranks a purchase
    assert [e["value"] for e in one.other_facts["owner_name"]] == ["Bob Roe"]
    assert one.fact_sources["owner_name"]["source"] == "file"


def test_what_was_done_and_typed_since_stays_with_the_older_when_they_are_separated():
    bucket, older, younger = twice(owner_name="Ann Doe", phone="+12065550101")
    merge_bucket(bucket.pk)
    edit_lead(lead=again(older), by=bucket.owner, changes={"owner_name": "Ann B. Doe"})
    change_status(lead=again(older), by=bucket.owner, status="closed")

    separate(lead=again(older), by=bucket.owner)

    one = again(older)
    assert (one.owner_name, one.status, one.phone) == ("Ann B. Doe", "closed", None)
    assert (again(younger).owner_name, again(younger).status, again(younger).phone) == (
        "Ann Doe",
        "new",
        "+12065550101",
    )
    assert recount() == {}


# --- Once and never again ---------------------------------------------------------------------------------------------


def test_separated_leads_are_not_merged_again_by_themselves():
    bucket, older, younger = twice()
    merge_bucket(bucket.pk)

    assert separate(lead=again(older), by=bucket.owner) == [younger.pk]

    assert (merge_bucket(bucket.pk), Lead.objects.count()) == (0, 2)
    kept = Merge.objects.get()
    assert (kept.state, kept.parted_by) == ("apart", bucket.owner)
    with pytest.raises(NotMerged):
        separate(lead=again(older), by=bucket.owner)


def test_ids_go_back_to_where_they_were():
    bucket = a_bucket()
    older, younger = add(bucket, **APN), add(bucket, property_id="77")
    learn("77", **APN)
    merge_bucket(bucket.pk)
    assert add_ids(bucket=bucket, property_ids=["77"]) == 0

    separate(lead=again(older), by=bucket.owner)

    assert (again(older).property_id, again(younger).property_id) == (older.property_id, "77")
    assert LeadName.objects.filter(lead=older).count() == 1


def test_the_lead_is_called_by_what_its_data_was_bought_by():
    bucket = a_bucket()
    older, _younger = add(bucket, **APN), add(bucket, property_id="77")
    learn("77", **APN)
    detail = catalogue.operation("property_detail")
    Lookup.objects.create(
        operation=detail, key=older.property_id, state="answered", facts={"sqft": 1}, fetched_at=timezone.now()
    )

    merge_bucket(bucket.pk)

    assert again(older).property_id == older.property_id


def test_the_older_is_found_by_all_names_and_the_younger_by_none():
    bucket, older, younger = twice()
    merge_bucket(bucket.pk)

    assert set(LeadName.objects.values_list("lead", flat=True)) == {older.pk}
    separate(lead=again(older), by=bucket.owner)
    assert LeadName.objects.filter(lead=older).count() == 1
    assert LeadName.objects.filter(lead=younger).count() == len(names_of({**APN, **HOUSE}))


def test_leads_that_were_moved_since_the_page_was_read_are_separated_and_counted_where_they_are():
    bucket, older, younger = twice()
    into = a_bucket(bucket.owner, "Into")
    merge_bucket(bucket.pk)
    read = again(older)
    start(hers(bucket.owner), "move", [older], bucketId=str(into.pk))

    assert separate(lead=read, by=bucket.owner) == [younger.pk]

    assert (recount(mend=False), counters(bucket)[0], counters(into)[0]) == ({}, 0, 2)


def test_deleting_the_one_lead_leaves_the_younger_as_a_lead_of_its_own():
    bucket, older, younger = twice(phone="+12065550101")
    merge_bucket(bucket.pk)

    delete_lead(lead=again(older))

    assert list(Lead.objects.all()) == [younger]
    assert recount() == {} and counters(bucket) == (1, 0, 0, 0)


def test_deleting_the_bucket_takes_the_hidden_leads_too():
    bucket, *_ = twice()
    merge_bucket(bucket.pk)

    delete_bucket(bucket=bucket)

    assert (Lead.every.count(), Merge.objects.count(), LeadName.objects.count()) == (0, 0, 0)


# --- Two at once, killed in the middle --------------------------------------------------------------------------------


def many(bucket: Bucket, count: int) -> None:
    for n in range(count):
        facts = {"apn": f"9-{n}", "fips": "53033"}
        add(bucket, **facts, phone=f"+120655501{n:02}")
        add(bucket, property_id=f"address:{n}", **facts, sqft=n)


def test_two_sweeps_at_once_merge_each_pair_once():
    bucket = a_bucket()
    many(bucket, 10)

    assert sum(together(sweep, sweep)) == 10

    assert (Lead.objects.count(), Merge.objects.count(), recount()) == (10, 10, {})


def test_a_merge_and_a_change_of_the_younger_at_once_lose_nothing():
    bucket, older, younger = twice()

    merged, changed = together(
        lambda: merge_bucket(bucket.pk), lambda: change_status(lead=younger, by=bucket.owner, status="closed")
    )

    assert merged == 1
    if not isinstance(changed, Exception):
        assert again(older).status == "closed"
    assert recount() == {}


WORKER = """
import django
django.setup()
from leads.calendar.table import Event
from leads.merging.services import sweep
sweep()
"""


@pytest.mark.parametrize(
    "point", ["leads.merge.before_commit:3", pytest.param("leads.merge.after_commit:3", marks=pytest.mark.long)]
)
def test_a_sweep_that_is_killed_in_the_middle_leaves_whole_pairs_and_the_next_does_the_rest(point, tmp_path):
    bucket = a_bucket()
    many(bucket, 5)
    database = urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}"))
    environment = {"DATABASE_URL": database, "FAULT_POINT": point, "DEBUG": "1"}
    done = subprocess.run(
        [sys.executable, "-c", WORKER], env=os.environ | environment, cwd=Path(__file__).parents[2], check=False
    )

    assert done.returncode == -9
    assert Merge.objects.count() == (2 if "before" in point else 3)
    assert recount() == {}
    sweep()
    assert (Lead.objects.count(), Merge.objects.count(), recount()) == (5, 5, {})


# --- In the instant of a merge ----------------------------------------------------------------------------------------


def meanwhile(bucket: Bucket, act: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What `act` gives, or raises, that waits for a lead while the leads of the bucket are merged."""
    begun, joined = threading.Event(), merging_rows.join

    def join(*arguments: Any, **options: Any) -> Any:
        begun.set()
        for _ in range(200):  # the merge has both leads, and goes on once the other waits for one
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted")
                if cursor.fetchone()[0]:
                    break
            time.sleep(0.05)
        return joined(*arguments, **options)

    monkeypatch.setattr("leads.merging.services.join", join)

    def wait_and_act() -> Any:
        assert begun.wait(10)
        return act()

    merges, said = together(lambda: merge_bucket(bucket.pk), wait_and_act)
    assert merges == 1
    return said


def test_a_status_changed_in_the_instant_of_a_merge_is_the_shown_leads(monkeypatch):
    bucket, older, younger = twice()
    ann = bucket.owner

    said = meanwhile(bucket, lambda: change_status(lead=younger, by=ann, status="lost"), monkeypatch)

    assert (said.pk, said.status, again(younger).merged_into_id) == (older.pk, "lost", older.pk)
    assert [one.text for one in activities_of(again(older))] == ["new → lost"]
    assert recount() == {}


def test_what_is_typed_and_noted_in_the_instant_of_a_merge_is_the_shown_leads(monkeypatch):
    bucket, older, younger = twice()
    ann = bucket.owner

    def work() -> Lead:
        edited = edit_lead(
            lead=younger, by=ann, changes={"owner_name": "Pat Poe", "phone": "+16175550112", "status": "contacted"}
        )
        add_activity(lead=younger, by=ann, kind="call", text="Will sell")
        return edited

    said = meanwhile(bucket, work, monkeypatch)

    shown = again(older)
    assert (said.pk, shown.owner_name, shown.phone, shown.status) == (older.pk, "Pat Poe", "+16175550112", "contacted")
    assert [one.text for one in activities_of(shown).order_by("pk")] == ["new → contacted", "Will sell"]
    assert (again(younger).phone, recount()) == (None, {})


def test_the_names_of_a_young_bucket_are_not_gone_through_for_each_of_them() -> None:
    """Its table's statistics know no such bucket, and promise one row: a join would be a loop within a loop."""
    bucket, _ = create_bucket(by=make_user(), name="Young", property_ids=["1"])
    with CaptureQueriesContext(connection) as sent:
        pairs_of(bucket.pk)
    (by_name,) = [one["sql"] for one in sent if "WITH named" in one["sql"]]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {by_name}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert plan.count("CTE Scan on named") == 2
    assert "Join" not in plan


# --- Which buckets a sweep looks through ------------------------------------------------------------------------------


def long_ago() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE leads_change SET at = at - interval '1 hour'")


def looked_through() -> tuple[int, int]:
    """How many buckets a sweep looks through, and how many leads it merges."""
    with CaptureQueriesContext(connection) as sent:
        merges = sweep()
    return sum("WITH named" in one["sql"] and "= ANY" not in one["sql"] for one in sent), merges


def test_a_bucket_in_which_nothing_is_one_property_is_left_alone_until_a_lead_of_it_changes():
    lead = add(a_bucket(), **APN)
    add(a_bucket(by=lead.owner, name="Other"), apn="77-1", fips="53033")
    assert looked_through() == (2, 0)
    assert looked_through() == (2, 0), "what changed a moment ago may not have been seen"
    long_ago()
    assert looked_through() == (0, 0)

    Lead.objects.filter(pk=lead.pk).update(vacant=True)  # any change
    assert looked_through() == (1, 0)
    long_ago()
    add(Bucket.objects.get(pk=lead.bucket_id), property_id="address:12 MAIN ST|98101", **APN, **HOUSE)
    assert looked_through() == (1, 1)


def test_a_bucket_whose_pair_waits_for_a_vendor_is_looked_through_until_it_is_merged():
    bucket, _older, younger = twice()
    run = Run.objects.create(bucket=bucket, bucket_name="", owner=bucket.owner, total=1)
    item = RunItem.objects.create(run=run, lead=younger, stage=RunItem.Stage.DETAIL)
    assert looked_through() == (1, 0)
    long_ago()
    assert looked_through() == (1, 0)

    RunItem.objects.filter(pk=item.pk).update(stage=0, outcome=1)  # which changes no lead
    assert looked_through() == (1, 1)
    long_ago()
    assert (looked_through(), looked_through()) == ((1, 0), (0, 0))


def test_where_redis_is_away_no_bucket_is_left_alone(monkeypatch):
    bucket = a_bucket()
    add(bucket, property_id="100")
    add(bucket, **APN)
    sweep()
    long_ago()
    learn("100", **APN)
    assert looked_through() == (0, 0)

    def away(*_: object, **__: object) -> None:
        raise RedisError

    with monkeypatch.context() as patch:
        patch.setattr(cache, "get_many", away)
        patch.setattr(cache, "set", away)
        assert looked_through() == (1, 1)


def test_what_others_learn_of_its_names_is_noticed_when_its_time_is_over(monkeypatch):
    bucket = a_bucket()
    add(bucket, property_id="100")
    add(bucket, **APN)
    monkeypatch.setattr(services, "SETTLED", 2)
    sweep()
    long_ago()
    learn("100", **APN)
    deadline = time.monotonic() + 10
    while not (merges := sweep()) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert merges == 1
