"""A corrected file changes the leads that are there, once, never weaker, and undoing it changes them back."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import transaction

from buckets.imports import services, updates
from buckets.imports.reading import NoSuchHeader
from buckets.models import Bucket, Import, ImportedChange
from buckets.services import recount
from common.files import reading
from integrations.lookups.identity import hash64
from leads.facts.incoming import Incoming
from leads.facts.restoring import restore_leads
from leads.facts.saving import PROPERTY, FactRow, save_facts
from leads.facts.updating import Change, update_leads
from leads.models import Lead, LeadName
from leads.services import edit_lead, set_tags
from tests.buckets.imports.files import csv_of, imported, time_passes, totals, undone, uploaded, work
from tests.support import make_user

pytestmark = pytest.mark.django_db(transaction=True)

HEADER = ("Address", "City", "State", "Zip", "Owner", "Phone", "Phone 2", "DNC", "Email", "County", "Mailing Address",
          "Mailing City", "Mailing State", "Mailing Zip")  # fmt: skip
FIRST = ["1 A St", "Boston", "MA", "02134", "Ann Doe", "617-555-0101", "617-555-0102", "", "old@example.com", "",
         "5 B St", "Reno", "NV", "89501"]  # fmt: skip
SECOND = ["1 A St", "Boston", "MA", "02134", "Ann Roe", "617-555-0103", "", "", "new@example.com", "Suffolk",
          "7 C St", "Reno", "", ""]  # fmt: skip
SHOWN = ("owner_name", "phone", "secondary_phone", "email", "property_county", "mailing_address", "mailing_city",
         "mailing_state")  # fmt: skip


@pytest.fixture
def bucket() -> Bucket:
    return Bucket.objects.create(owner=make_user(), name="My list")


def corrected(bucket: Bucket, *rows: list[str], header: tuple[str, ...] = HEADER) -> Import:
    job = services.choose(job=uploaded(bucket, csv_of(rows, header)), update=True)
    return work(services.start_import(job=job))


def shown() -> tuple[object, ...]:
    lead = Lead.objects.get()
    return tuple(getattr(lead, column) for column in SHOWN)


def others_of(lead: Lead) -> dict[str, Any]:
    return lead.other_facts or {}


def sources_of(lead: Lead) -> dict[str, Any]:
    return lead.fact_sources or {}


BEFORE = ("Ann Doe", "+16175550101", "+16175550102", "old@example.com", None, "5 B St", "Reno", "NV")
AFTER = ("Ann Roe", "+16175550103", "+16175550102", "new@example.com", "Suffolk", "7 C St", "Reno", None)


def test_values_of_the_file_replace_an_older_files_fill_what_is_empty_and_come_back(bucket):
    imported(bucket, csv_of([FIRST], HEADER))
    assert shown() == BEFORE
    old: dict[str, Any] = dict(Lead.objects.values().get())

    job = corrected(bucket, SECOND)

    assert (totals(job), job.updated) == ((1, 0, 1, 0, 0), 1)
    assert shown() == AFTER
    lead = Lead.objects.get()
    assert [entry["value"] for entry in others_of(lead)["phone"]] == ["+16175550101"]
    assert {name: [e["value"] for e in others_of(lead)[name]] for name in ("owner_name", "email")} == {
        "owner_name": ["Ann Doe"], "email": ["old@example.com"],
    }  # fmt: skip
    assert sources_of(lead)["property_county"] == {"source": "file", "at": job.created_at.isoformat()}

    again = corrected(bucket, SECOND)
    assert (totals(again), again.updated) == ((1, 0, 1, 0, 0), 0)

    job = undone(job)
    assert (job.status, job.removed, job.kept) == ("undone", 0, {"changed": 0})
    new: dict[str, Any] = dict(Lead.objects.values().get())
    assert {name: value for name, value in new.items() if old[name] != value}.keys() == {"updated_at"}
    assert not ImportedChange.objects.exists()
    assert recount(mend=False) == {}


def test_without_update_what_is_there_stays_and_the_preview_offers_it(bucket):
    imported(bucket, csv_of([FIRST], HEADER))
    job = uploaded(bucket, csv_of([SECOND], HEADER))

    assert "1 row is there already: choose Update to change them." in services.preview_of(job).warnings
    assert not [w for w in services.preview_of(services.choose(job=job, update=True)).warnings if "Update" in w]
    assert totals(imported(bucket, csv_of([SECOND], HEADER))) == (1, 0, 1, 0, 0)
    assert shown() == BEFORE


def test_what_a_person_typed_and_what_was_bought_of_the_house_stay_and_the_file_is_kept_beside(bucket):
    imported(bucket, csv_of([FIRST], HEADER))
    lead = Lead.objects.get()
    edit_lead(lead=lead, by=bucket.owner, changes={"email": "typed@example.com", "phone": "+16175550199"})
    save_facts(PROPERTY, [FactRow(lead.pk, {"property_county": "Norfolk"}, datetime(2026, 11, 1, tzinfo=UTC))])

    job = corrected(bucket, SECOND)

    lead = Lead.objects.get()
    assert (lead.email, lead.phone, lead.property_county) == ("typed@example.com", "+16175550199", "Norfolk")
    assert {name: [e["value"] for e in others_of(lead)[name] if e["source"] == "file"]
            for name in ("email", "property_county")} == {
        "email": ["new@example.com", "old@example.com"], "property_county": ["Suffolk"],
    }  # fmt: skip
    assert (lead.owner_name, job.updated) == ("Ann Roe", 1)


def test_do_not_call_is_never_weakened_neither_by_the_file_nor_by_undoing_it(bucket):
    marked = [*FIRST[:7], "Yes", *FIRST[8:]]
    imported(bucket, csv_of([marked], HEADER))
    corrected(bucket, [*FIRST[:7], "No", *FIRST[8:]])
    assert Lead.objects.get().phone_do_not_call is True

    clean = Bucket.objects.create(owner=bucket.owner, name="Clean")
    imported(clean, csv_of([FIRST], HEADER))
    job = corrected(clean, [*SECOND[:5], "617-555-0101", "", "Yes", *SECOND[8:]])
    lead = Lead.objects.get(bucket=clean)
    assert (lead.phone, lead.phone_do_not_call) == ("+16175550101", True)
    undone(job)
    lead = Lead.objects.get(bucket=clean)
    assert (lead.owner_name, lead.phone, lead.phone_do_not_call) == ("Ann Doe", "+16175550101", True)


def test_undoing_leaves_what_was_changed_since_and_says_so(bucket):
    imported(bucket, csv_of([FIRST], HEADER))
    job = corrected(bucket, SECOND)
    edit_lead(lead=Lead.objects.get(), by=bucket.owner, changes={"email": "typed@example.com"})

    job = undone(job)

    assert job.kept == {"changed": 1}
    assert shown() == (*BEFORE[:3], "typed@example.com", *BEFORE[4:])


def test_the_first_row_of_a_lead_counts_and_rows_that_the_file_added_are_not_updated_by_it(bucket):
    imported(bucket, csv_of([FIRST], HEADER))
    other = ["2 A St", *SECOND[1:]]

    job = corrected(bucket, SECOND, [*SECOND[:4], "Bob Moe", *SECOND[5:]], other, [*other[:4], "Bob Moe", *other[5:]])

    assert (totals(job), job.updated) == ((4, 1, 3, 0, 0), 1)
    assert set(Lead.objects.values_list("owner_name", flat=True)) == {"Ann Roe"}
    job = undone(job)
    assert (job.removed, shown()) == (1, BEFORE)


@pytest.mark.long
def test_a_worker_that_dies_within_a_piece_has_updated_nothing_of_it(bucket, monkeypatch):
    monkeypatch.setattr(reading, "PIECE_ROWS", 2)
    rows = [[f"{n} A St", *FIRST[1:]] for n in range(1, 6)]
    imported(bucket, csv_of(rows, HEADER))
    job = services.choose(job=uploaded(bucket, csv_of([[*r[:4], *SECOND[4:]] for r in rows], HEADER)), update=True)
    services.start_import(job=job)
    note, died = updates._note, list[int]()

    def die_once(*args: object) -> None:
        note(*args)  # type: ignore[arg-type]
        if not died:
            died.append(1)
            raise KeyboardInterrupt

    monkeypatch.setattr(updates, "_note", die_once)
    with pytest.raises(KeyboardInterrupt):
        services.continue_import(job.pk)
    assert (Lead.objects.filter(owner_name="Ann Roe").count(), ImportedChange.objects.count()) == (0, 0)

    time_passes()
    job = work(job)
    assert (totals(job), job.updated) == ((5, 0, 5, 0, 0), 5)
    assert Lead.objects.filter(owner_name="Ann Roe", email="new@example.com").count() == 5

    monkeypatch.setattr(updates, "BATCH", 2)
    job = undone(job)
    assert (job.status, job.kept) == ("undone", {"changed": 0})
    assert Lead.objects.filter(owner_name="Ann Doe", email="old@example.com", phone="+16175550101").count() == 5


def test_tags_and_notes_are_added_once_and_taken_back(bucket):
    imported(bucket, csv_of([FIRST], HEADER))
    lead = Lead.objects.get()
    set_tags(lead=lead, names=["Mine"])
    row = Incoming(lead.property_id, {"tags": ["mine", "Probate"], "notes": "Roof is old", "status": "qualified"})

    def update() -> list[Change]:
        with transaction.atomic():
            return update_leads(
                bucket_id=bucket.pk,
                owner_id=bucket.owner_id,
                team_id=bucket.team_id,
                leads=[(lead.pk, row)],
                at=lead.created_at,
            )

    [change] = update()
    assert update() == []
    lead.refresh_from_db()
    assert (sorted(lead.tags.values_list("name", flat=True)), lead.status) == (["Mine", "Probate"], "qualified")
    assert list(lead.activities.values_list("text", flat=True)) == ["Roof is old"]
    assert (lead.activity_count, recount(mend=False)) == (1, {})

    with transaction.atomic():
        assert restore_leads(bucket_id=bucket.pk, changes=[change]) == 0
    lead.refresh_from_db()
    assert (list(lead.tags.values_list("name", flat=True)), lead.status) == (["Mine"], "new")
    assert (lead.activities.count(), lead.activity_count, lead.last_activity_at) == (0, 0, None)
    assert recount(mend=False) == {}


def test_another_header_row_is_read_again_and_a_wrong_one_is_refused(bucket):
    content = b"Foo,Bar\nx,y\nStreet address,Zip\n1 A St,02134\n2 A St,02134\n"
    job = services.upload(bucket=bucket, file=io.BytesIO(content), name="list.csv", header_row=1)
    assert (job.header_row, job.total, job.columns) == (1, 4, ["Foo", "Bar"])

    job = services.choose(job=job, header_row=3)

    assert (job.header_row, job.total, job.mapping) == (3, 2, {"address": 0, "zip": 1})
    for row in (0, 5, 6, 101):
        with pytest.raises(NoSuchHeader):
            services.choose(job=job, header_row=row)
    assert totals(work(services.start_import(job=job))) == (2, 2, 0, 0, 0)


def names_said(source: str = "file") -> set[int]:
    return set(LeadName.objects.filter(source=source).values_list("exact", flat=True))


def exact(*texts: str) -> set[int]:
    return {hash64(text) for text in texts}


def test_a_lead_is_found_by_the_address_and_parcel_number_a_corrected_file_gives_it_until_that_is_undone(bucket):
    header = ("Property ID", "APN", "FIPS", "Address", "City", "State", "Zip")
    first = ["253175355", "12-3", "53033", "1 A St", "Seattle", "WA", "98101"]
    old = exact("apn:53033:12-3", "address:1 A ST@98101", "address:1 A ST@SEATTLE,WA")
    mapping = {"propertyId": 0, "apn": 1, "fips": 2, "address": 3, "city": 4, "state": 5, "zip": 6}

    def brought(row: list[str]) -> Import:
        job = uploaded(bucket, csv_of([row], header))
        job = services.choose_columns(job=job, mapping=mapping, constants={})
        return work(services.start_import(job=services.choose(job=job, update=True)))

    brought(first)
    assert names_said() == old

    job = brought(["253175355", "12-4", "53033", "1 A St #2", "Seattle", "WA", "98101"])
    assert job.updated == 1
    assert names_said() == exact("apn:53033:12-4", "address:1 A ST #2@98101", "address:1 A ST #2@SEATTLE,WA")

    undone(job)
    assert names_said() == old
