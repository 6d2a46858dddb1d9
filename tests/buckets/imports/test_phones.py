"""What a file says of phones: numbers, types, do-not-call marks; and that our own export brings them back."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest

from buckets.imports import cells as rules
from buckets.imports.columns import Chosen, guess
from buckets.imports.preview import preview
from buckets.imports.reading import Row
from buckets.imports.rows import Reader
from buckets.models import Bucket, Import
from buckets.services import recount
from leads.facts.saving import CONTACT, FactRow, save_facts
from leads.models import Lead
from leads.selection.export import csv_pieces
from tests.buckets.imports.files import csv_of, imported, totals, undone
from tests.leads.samples import source_of
from tests.support import make_user

pytestmark = pytest.mark.django_db

PLACE = ("Address", "City", "State", "Zip")
HOME = ("1 A St", "Boston", "MA", "02134")
PROPSTREAM = ("Phone 1", "Phone 1 Type", "Phone 1 DNC", "Phone 2", "Phone 2 Type", "Phone 2 DNC", "Litigator")


@pytest.fixture
def bucket() -> Bucket:
    return Bucket.objects.create(owner=make_user(), name="My list")


@pytest.mark.parametrize(
    ("names", "fields"),
    [
        (PROPSTREAM, ["phone", "phoneType", "phoneDoNotCall", "secondaryPhone", "secondaryPhoneType",
                      "secondaryPhoneDoNotCall", "litigator"]),
        (("Phone", "Line Type", "DNC", "Federal DNC", "TCPA Litigator"),
         ["phone", "phoneType", "doNotCall", "otherDoNotCall", "litigator"]),
        (("Phone", "DNC", "Do Not Call", "Phone 1 DNC", "Phone Type"),
         ["phone", "otherDoNotCall", "doNotCall", "phoneDoNotCall", "phoneType"]),
        (("Cell Phone", "Cell Phone Type", "Do Not Call"), ["phone", "phoneType", "doNotCall"]),
        (("Phone", "Phone type", "Phone do not call", "Second phone", "Second phone type", "Second phone do not call"),
         ["phone", "phoneType", "phoneDoNotCall", "secondaryPhone", "secondaryPhoneType", "secondaryPhoneDoNotCall"]),
        (("PHONE1", "PHONE1_DNC", "PHONE2", "PHONE2_DNC", "Phone2 Type"),
         ["phone", "phoneDoNotCall", "secondaryPhone", "secondaryPhoneDoNotCall", "secondaryPhoneType"]),
    ],
)  # fmt: skip
def test_columns_of_marks_and_types_are_guessed(names, fields):
    assert guess(names) == {field: n for n, field in enumerate(fields)}


@pytest.mark.parametrize(
    ("cell", "mark"),
    [("yes", True), ("Y", True), ("TRUE", True), ("1", True), ("x", True), ("DNC", True), ("no", False), ("N", False),
     ("Clean", False), ("0", False), ("maybe", None), ("2024-05-01", None)],
)  # fmt: skip
def test_a_mark_in_any_spelling(cell, mark):
    assert rules.mark(cell) is mark


def facts(**cells: str) -> dict[str, object]:
    fields = {"address": "1 Main St", "zip": "95757", **cells}
    reader = Reader(Chosen({field: n for n, field in enumerate(fields)}, {}), len(fields))
    lead = reader(list(fields.values()))
    return {name: value for name, value in lead.facts.items() if "phone" in name}


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"phone": "6175550101", "phoneDoNotCall": "N", "doNotCall": "Y"}, True),
        ({"phone": "6175550101", "phoneDoNotCall": "N", "litigator": "Yes"}, True),
        ({"phone": "6175550101", "phoneDoNotCall": "N", "litigator": "No"}, False),
        ({"phone": "6175550101", "litigator": "No"}, None),
        ({"phone": "6175550101", "doNotCall": "n/a", "otherDoNotCall": ""}, None),
        ({"phone": "6175550101", "doNotCall": "No", "otherDoNotCall": "X"}, True),
        ({"phone": "6175550101", "doNotCall": "see notes"}, True),
        ({"phone": "617-555-0101 (DNC)"}, True),
        ({"phone": "617-555-0101 (DNC)", "phoneDoNotCall": "No"}, True),
        ({"phone": "6175550101", "tags": "Probate, Do Not Call"}, True),
        ({"phone": "6175550101", "status": "Do not contact"}, True),
        ({"phone": "617-555-0101 not on DNC", "tags": "Probate"}, None),
    ],
)
def test_one_mark_of_the_row_is_enough_and_what_cannot_be_read_is_on_the_safe_side(cells, expected):
    assert facts(**cells).get("phone_do_not_call") is expected


def test_a_mark_without_its_phone_says_nothing_and_a_second_phone_alone_is_the_first():
    assert facts(phoneDoNotCall="Y", secondaryPhone="6175550102", secondaryPhoneDoNotCall="N") == {
        "phone": "+16175550102", "phone_do_not_call": False,
    }  # fmt: skip
    assert facts(phone="call me", doNotCall="Y") == {}


@pytest.mark.parametrize(
    ("cell", "numbers"),
    [
        ("(617) 555-0101", [("+16175550101", "")]),
        ("617-555-0103 x12", [("+16175550103", "12")]),
        ("617-555-0104 ext. 12", [("+16175550104", "12")]),
        ("+1-617-555-0111", [("+16175550111", "")]),
        ("617-555-0112/617-555-0113", [("+16175550112", ""), ("+16175550113", "")]),
        ("001 617 555 0114", [("+16175550114", "")]),
        ("1 (617) 555-0116", [("+16175550116", "")]),
        ("617-555-0117 (cell); 617.555.0118 extension 9", [("+16175550117", ""), ("+16175550118", "9")]),
        ("617-555-0112 or 617-555-0112", [("+16175550112", "")]),
        ("6175550101.0", [("+16175550101", "")]),
        ("none", None),
    ],
)
def test_every_phone_a_person_could_call_is_read_with_its_extension_apart(cell, numbers):
    assert rules.phones(cell) == numbers


def test_marks_types_and_every_number_of_a_file_are_on_the_lead_with_their_source(bucket):
    rows = [
        [*HOME, "(305) 555-0101 x7", "Mobile", "Yes", "(305) 555-0102 / 3055550109", "Land Line", "No", "No"],
        ["2 A St", *HOME[1:], "(305) 555-0103", "Wireless", "No", "", "", "", "Yes"],
        ["3 A St", *HOME[1:], "(305) 555-0104", "", "", "", "", "", ""],
    ]
    job = imported(bucket, csv_of(rows, (*PLACE, *PROPSTREAM)))

    assert totals(job) == (3, 3, 0, 0, 0)
    columns = ("phone", "phone_type", "phone_do_not_call", "secondary_phone", "secondary_phone_type",
               "secondary_phone_do_not_call")  # fmt: skip
    assert list(Lead.objects.order_by("pk").values_list(*columns)) == [
        ("+13055550101", "mobile", True, "+13055550102", "landline", False),
        ("+13055550103", "mobile", True, None, None, None),
        ("+13055550104", None, None, None, None, None),
    ]
    first = Lead.objects.order_by("pk")[0]
    said = {"source": "file", "at": job.created_at.isoformat()}
    assert first.fact_sources == {
        "phone": {**said, "extension": "7"}, "secondary_phone": said, "litigator": said,
    }  # fmt: skip
    assert first.other_facts == {"phone": [{**said, "value": "+13055550109", "type": "landline", "do_not_call": False}]}
    bucket.refresh_from_db()
    assert (bucket.total_leads, bucket.phone_leads, bucket.enriched_leads) == (3, 3, 0)
    undone(job)
    bucket.refresh_from_db()
    assert (bucket.total_leads, bucket.phone_leads, recount(mend=False)) == (0, 0, {})


def test_our_own_export_brings_marks_types_and_texts_back(bucket):
    imported(bucket, csv_of(
        [[*HOME, "305-555-0101", "mobile", "Y", "305-555-0102", "voip", "N", ""],
         ["2 A St", *HOME[1:], "305-555-0103", "", "", "305-555-0104", "landline", "Y", ""],
         ["3 A St", *HOME[1:], "305-555-0105", "", "", "", "", "", ""]],
        (*PLACE, *PROPSTREAM),
    ))  # fmt: skip
    Lead.objects.filter(phone="+13055550105").update(owner_name="+1 TRUST", apn="02-4203-100-0010")
    file = b"".join(piece for piece, _ in csv_pieces(Lead.objects.all()))
    again = Bucket.objects.create(owner=bucket.owner, name="Again")

    job = imported(again, file)

    assert totals(job) == (3, 3, 0, 0, 0)
    columns = ("phone", "phone_type", "phone_do_not_call", "secondary_phone", "secondary_phone_type",
               "secondary_phone_do_not_call", "owner_name", "apn")  # fmt: skip
    leads = Lead.objects.order_by("phone").values_list(*columns)
    brought, kept = (list(leads.filter(bucket=b)) for b in (again, bucket))
    assert brought == kept
    assert len(list(csv.reader(io.StringIO(file.decode())))) == 4


def test_a_column_of_marks_that_is_not_used_is_told_and_so_is_a_mark_that_cannot_be_read():
    names = [*PLACE, "Phone", "DNC", "State DNC", "Internal DNC"]
    rows = [Row(2, [*HOME, "3055550101", "perhaps", "No", "Yes"])]

    seen = preview(rows, names, Chosen(guess(names), {}))

    assert "Not used, and may say who must not be called: Internal DNC." in seen.warnings
    assert "1 row has a do-not-call mark that cannot be read, and is taken as do not call." in seen.warnings
    assert seen.shown()[0]["facts"]["phone_do_not_call"] == "true"


def marks_of(lead: Lead) -> tuple[bool | None, bool | None]:
    return lead.phone_do_not_call, lead.secondary_phone_do_not_call


def test_a_mark_in_a_later_row_of_the_same_property_counts_and_is_never_weakened(bucket):
    rows = [
        [*HOME, "305-555-0101", "N", "305-555-0102", ""],
        [*HOME, "305-555-0101", "Y", "305-555-0109", "Y"],
        [*HOME, "305-555-0101", "N", "", ""],
        ["2 A St", *HOME[1:], "305-555-0103", "N", "305-555-0104", "N"],
        ["2 A St", *HOME[1:], "305-555-0104", "", "", ""],
    ]
    job = imported(bucket, csv_of(rows, (*PLACE, "Phone", "Phone DNC", "Second phone", "Second phone DNC")))

    assert totals(job) == (5, 2, 3, 0, 0)
    first, other = Lead.objects.order_by("pk")
    assert (first.phone, first.secondary_phone, marks_of(first)) == ("+13055550101", "+13055550102", (True, None))
    assert marks_of(other) == (False, False)
    undone(job)
    assert not Lead.objects.exists()


def test_the_same_list_brought_again_with_marks_strengthens_those_of_leads_that_are_there(bucket):
    header = (*PLACE, "Phone", "Phone DNC", "Second phone", "Second phone DNC")
    rows = [[f"{n} A St", *HOME[1:], f"305-555-010{n}", "N", f"305-555-011{n} / 305-555-012{n}", "N"] for n in (1, 2)]
    job = imported(bucket, csv_of(rows, header))
    before = {lead.pk: lead.updated_at for lead in Lead.objects.all()}
    elsewhere = Bucket.objects.create(owner=bucket.owner, name="Elsewhere")
    imported(elsewhere, csv_of(rows, header))
    marked = [[*HOME, "305-555-0121", "Y", "305-555-0111", "X"], [*rows[1][:5], "", "", ""]]

    assert totals(imported(bucket, csv_of(marked, header))) == (2, 0, 2, 0, 0)

    first, second = bucket.leads.order_by("pk")
    assert marks_of(first) == (False, True)
    assert [(e["value"], e["do_not_call"]) for e in first.other_facts["phone"]] == [("+13055550121", True)]
    assert marks_of(second) == (False, False)
    assert [(e["value"], e["do_not_call"]) for e in second.other_facts["phone"]] == [("+13055550122", False)]
    assert {lead.pk: lead.updated_at for lead in bucket.leads.all()} == before
    assert not elsewhere.leads.filter(secondary_phone_do_not_call=True).exists()
    imported(bucket, csv_of(rows, header))  # the old list again takes nothing back
    first.refresh_from_db()
    assert marks_of(first) == (False, True)
    undone(job)
    assert bucket.leads.count() == 0


@pytest.mark.parametrize(
    ("phone", "about", "field"),
    [
        ("Mobile Phone 1", "Mobile Phone 1 DNC", "phoneDoNotCall"),
        ("Phone Number 1", "Phone Number 1 Do Not Call", "phoneDoNotCall"),
        ("Phone Number 1", "Phone Number 1 Type", "phoneType"),
        ("Owner 1 Phone 1", "Owner 1 Phone 1 DNC", "phoneDoNotCall"),
        ("Contact 1 Phone 1", "Contact 1 Phone 1 Line Type", "phoneType"),
        ("Landline 1", "Landline 1 DNC", "secondaryPhoneDoNotCall"),
        ("Wireless 1", "Wireless 1 DNC", "phoneDoNotCall"),
        ("Cell", "On DNC List", "doNotCall"),
        ("Phone 1", "Phone 1 Litigator", "phoneOtherDoNotCall"),
        ("Phone 1", "Is DNC Phone 1", "phoneDoNotCall"),
        ("Phone 1", "DNC 1", "phoneDoNotCall"),
        ("Phone 2", "Phone 2 Federal DNC", "secondaryPhoneDoNotCall"),
        ("Phone 3", "Phone 3 DNC", "phone3DoNotCall"),
        ("Mobile 4", "Mobile 4 DNC Status", "phone4DoNotCall"),
        ("Phone", "Mobile Phone 1 DNC", "phoneDoNotCall"),
    ],
)
def test_a_column_called_as_a_phones_and_a_word_more_tells_of_that_phone(phone, about, field):
    assert guess([*PLACE, phone, about])[field] == len(PLACE) + 1


def test_a_mark_goes_to_the_phone_it_is_named_after_and_not_to_the_first():
    names = ["Phone", "Mobile", "Mobile DNC", "Landline 1", "Landline 1 DNC", "Landline 1 Litigator", "Phone 11"]
    assert guess(names) == {
        "phone": 0, "secondaryPhone": 3, "secondaryPhoneDoNotCall": 4, "secondaryPhoneOtherDoNotCall": 5,
        "phone3": 1, "phone3DoNotCall": 2, "phone4": 6,
    }  # fmt: skip


def test_a_third_phone_is_kept_among_other_values_with_its_mark(bucket):
    row = [*HOME, "305-555-0101", "N", "No", "305-555-0102", "", "Yes", "305-555-0103", "Mobile", "Y"]
    header = ("Phone 1", "Phone 1 DNC", "Phone 1 Litigator", "Phone 2", "Phone 2 DNC", "Phone 2 Litigator",
              "Phone 3", "Phone 3 Type", "Phone 3 DNC")  # fmt: skip
    job = imported(bucket, csv_of([row], (*PLACE, *header)))

    lead = bucket.leads.get()
    assert marks_of(lead) == (False, True)
    assert lead.other_facts == {"phone": [{
        "source": "file", "at": job.created_at.isoformat(), "value": "+13055550103", "type": "mobile",
        "do_not_call": True,
    }]}  # fmt: skip


def again_from_export(bucket: Bucket) -> tuple[Bucket, Import]:
    file = b"".join(piece for piece, _ in csv_pieces(bucket.leads.all()))
    again = Bucket.objects.create(owner=bucket.owner, name="Again")
    return again, imported(again, file)


def bought(bucket: Bucket, at: datetime, **facts: object) -> None:
    save_facts(CONTACT, [FactRow(lead.pk, facts, at) for lead in bucket.leads.all()])


@pytest.mark.usefixtures("by_the_lead_alone")
def test_what_was_bought_comes_back_from_our_own_export_as_bought_and_another_persons_stays_that(bucket):
    imported(bucket, csv_of([HOME], PLACE))
    then = datetime(2026, 3, 1, tzinfo=UTC)
    bought(bucket, then, phone="+13055550101", phone_do_not_call=False, email="jo@example.com", contact_name="Jo Roe",
           contact_is_other=True)  # fmt: skip

    again, _ = again_from_export(bucket)

    lead = again.leads.get()
    entry = {"source": "trace", "at": then.isoformat(), "person": "Jo Roe"}
    assert lead.fact_sources == {"phone": entry, "email": entry}
    assert (lead.phone, lead.contact_is_other, lead.contact_name) == ("+13055550101", True, "Jo Roe")
    assert not again.leads.contactable().exists()
    third, _ = again_from_export(again)
    assert source_of(third.leads.get(), "phone") | {"at": ""} == entry | {"at": ""}
    bought(again, then + timedelta(days=1), phone="+13055550102", contact_name="Ann Lee", contact_is_other=False)
    lead.refresh_from_db()
    assert (lead.phone, lead.secondary_phone) == ("+13055550102", "+13055550101")
    assert again.leads.contactable().exists()


@pytest.mark.usefixtures("by_the_lead_alone")
def test_a_persons_own_phone_comes_back_as_theirs_beside_another_persons(bucket):
    imported(bucket, csv_of([[*HOME, "305-555-0101"]], (*PLACE, "Phone")))
    bought(bucket, datetime(2026, 3, 1, tzinfo=UTC), phone="+13055550109", contact_is_other=True)

    again, job = again_from_export(bucket)

    lead = again.leads.get()
    assert (lead.phone, lead.secondary_phone, lead.contact_is_other) == ("+13055550101", "+13055550109", True)
    assert source_of(lead, "phone") == {"source": "file", "at": job.created_at.isoformat()}
    second = source_of(lead, "secondary_phone")
    assert (second["source"], second["person"]) == ("trace", "somebody else")
    assert again.leads.contactable().exists()


@pytest.mark.usefixtures("by_the_lead_alone")
def test_another_persons_phone_without_its_source_is_nobodys_to_call_and_another_lists_source_is_a_file(bucket):
    header = (*PLACE, "Phone", "Another person's contacts", "E-mail", "E-mail source")
    rows = [[*HOME, "305-555-0101", "true", "jo@example.com", "BatchLeads"]]
    imported(bucket, csv_of([*rows, ["2 A St", *HOME[1:], "", "", "al@example.com", "BatchLeads"]], header))

    first, second = bucket.leads.order_by("pk")
    assert (first.fact_sources["phone"]["source"], first.fact_sources["phone"]["person"]) == ("trace", "somebody else")
    assert not bucket.leads.contactable().exists()
    assert second.fact_sources["email"]["source"] == "file"


@pytest.mark.parametrize("column", ["tags", "lists", "status"])
@pytest.mark.parametrize("said", [None, "No"])
def test_a_tag_or_status_of_do_not_call_marks_the_numbers_of_its_row_whatever_a_column_says(
    column: str, said: str | None
) -> None:
    cells = ["1 Main St", "95757", "617-555-0101", "617-555-0102", "Do not call", *([said] if said else [])]
    fields = ["address", "zip", "phone", "phone3", column, *(["doNotCall"] if said else [])]
    reader = Reader(Chosen({field: n for n, field in enumerate(fields)}, {}), len(fields))

    facts = reader(cells).facts

    assert (facts["phone_do_not_call"], facts["secondary_phone_do_not_call"]) == (True, True)
    same = {column: "Do not call"}
    always = Reader(Chosen({f: n for n, f in enumerate(fields) if f != column}, same), len(fields))(cells).facts
    assert always["phone_do_not_call"] is True
    cells[4] = "Call first"
    assert reader(cells).facts.get("phone_do_not_call") is (False if said else None)
