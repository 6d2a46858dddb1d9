from __future__ import annotations

import csv
import io
import tracemalloc
from datetime import UTC, datetime
from typing import Any
from zipfile import ZipFile

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.services import create_api_token
from buckets.services import create_bucket
from enrichment.options import RunOptions
from enrichment.services import start_run
from leads.facts.saving import CONTACT, PROPERTY, FactRow, save_facts
from leads.models import Lead
from leads.selection.export import PLAIN, csv_pieces
from leads.selection.export_columns import HEADER
from leads.services import add_tag
from tests.api.client import Api, refused
from tests.support import contacts_told, make_user

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture
def bucket(ann):
    return create_bucket(by=ann, name="Leads", property_ids=[str(n) for n in range(100, 105)])[0]


def export(api, bucket, query=""):
    answer = api.get(f"/api/property/bucket/{bucket.pk}/export{query}")
    assert answer.status_code == 200, answer.content
    assert answer.streaming
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return answer, list(csv.DictReader(io.StringIO(text)))


def test_it_works_while_django_logs_queries_as_debug_does(api, bucket):
    with CaptureQueriesContext(connection):
        _, rows = export(api, bucket)

    assert len(rows) == 5


def test_every_lead_is_a_row_under_named_columns(api, bucket):
    lead = Lead.objects.order_by("pk")[0]
    Lead.objects.filter(pk=lead.pk).update(
        property_address="10 Alder St", property_city="Seattle", property_state="WA", property_zip="98103",
        bedrooms=3, bathrooms="2.25", estimated_value=400_000, estimated_equity=-5_000, longitude="-122.34",
        owner_name="Ann Lee", phone="+12065550100", phone_do_not_call=True, secondary_phone="+12065550101",
        email="ann@example.com", absentee_owner=False, enrichment_status="completed",
        enriched_at="2026-11-24T15:00:00Z", callback_at="2026-12-01T22:30:00Z",
    )  # fmt: skip

    answer, rows = export(api, bucket)

    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="leads.csv"'
    assert tuple(rows[0]) == HEADER
    assert [row["Property ID"] for row in rows] == ["100", "101", "102", "103", "104"]
    wanted = {
        "Lead ID": str(lead.pk), "Address": "10 Alder St", "City": "Seattle", "State": "WA", "ZIP": "98103",
        "Beds": "3", "Baths": "2.25", "Estimated value": "400000", "Estimated equity": "-5000",
        "Longitude": "-122.3400000", "Owner": "Ann Lee", "Phone": "+12065550100", "Phone do not call": "true",
        "Second phone": "+12065550101", "Second phone do not call": "", "E-mail": "ann@example.com",
        "Absentee owner": "false", "Vacant": "", "Status": "new", "Enrichment": "completed",
        "Enriched at": "2026-11-24T15:00:00Z", "Call back at": "2026-12-01T22:30:00Z",
    }  # fmt: skip
    assert {name: rows[0][name] for name in wanted} == wanted


def test_where_each_contact_is_from_is_exported_and_so_is_what_is_not_shown(api, bucket):
    said = {"source": "file", "at": "2026-11-20T09:00:00+00:00"}
    lead = Lead.objects.order_by("pk")[0]
    Lead.objects.filter(pk=lead.pk).update(
        phone="+12065550199", email="own@example.com", owner_name="Ann Doe",
        fact_sources=dict.fromkeys(("phone", "email", "owner_name"), said),
    )  # fmt: skip
    at = datetime(2026, 11, 24, tzinfo=UTC)
    save_facts(PROPERTY, [FactRow(lead.pk, {"owner_name": "=ROE", "mailing_address": "7 Record Ave"}, at)])
    trace = {"phone": "+15125550101", "phone_do_not_call": True, "secondary_phone": "+15125550102",
             "email": "bought@example.com", "mailing_address": "9 Traced St", "contact_name": "Jane Roe",
             "contact_is_other": True}  # fmt: skip
    save_facts(CONTACT, [FactRow(lead.pk, trace, at)])

    row, clean = export(api, bucket)[1][:2]

    wanted = {
        "Phone": "+12065550199", "Phone source": "file", "Second phone": "+15125550101",
        "Second phone do not call": "true", "Second phone source": "trace", "E-mail": "own@example.com",
        "E-mail source": "file", "Owner": "Ann Doe", "Owner source": "file", "Mailing address": "7 Record Ave",
        "Mailing source": "detail", "Traced address": "9 Traced St", "Skip-traced person": "Jane Roe",
        "Another person's contacts": "true",
        "Other values": "email: bought@example.com (trace, 2026-11-24, Jane Roe); owner_name: =ROE (detail, 2026-11-24)"
        "; phone: +15125550102 (trace, 2026-11-24, Jane Roe)",
    }  # fmt: skip
    assert {name: row[name] for name in wanted} == wanted
    assert {clean[name] for name in clean if "source" in name or name == "Other values"} == {""}


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+1", "'+1"),
        ("-1+1", "'-1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("\n=1", "'\n=1"),
        ("  =1", "'  =1"),
        ("＝1", "'＝1"),
        ('O\'Brien, "Bo"\nJr — 電話 🏠', 'O\'Brien, "Bo"\nJr — 電話 🏠'),
        ("a=b", "a=b"),
        ("%s {} \\.", "%s {} \\."),
    ],
)
def test_no_cell_is_a_formula_and_no_text_is_lost(api, bucket, text, cell):
    Lead.objects.update(owner_name=text, phone=text[:20])

    _, rows = export(api, bucket)

    assert [row["Owner"] for row in rows] == [cell] * 5
    assert rows[0]["Phone"] == (cell if text[:20] == text else rows[0]["Phone"])


def test_an_empty_bucket_is_a_header(api, ann):
    answer, rows = export(api, create_bucket(by=ann, name="—")[0])

    assert rows == []
    assert answer["Content-Disposition"] == 'attachment; filename="leads.csv"'


def test_the_file_is_named_after_the_bucket(api, bucket):
    bucket.name = "King & Co\r\nX: 國王"
    bucket.save()

    answer, _ = export(api, bucket)

    assert answer["Content-Disposition"] == "attachment; filename*=utf-8''king-co-x-%E5%9C%8B%E7%8E%8B.csv"


def test_the_filters_of_the_list_choose_the_rows(api, bucket):
    first, second = Lead.objects.order_by("pk")[:2]
    Lead.objects.filter(pk__in=[first.pk, second.pk]).update(phone="+12065550100", enrichment_status="completed")
    Lead.objects.filter(pk=second.pk).update(property_state="WA")

    assert len(export(api, bucket, "?enrichedOnly=true")[1]) == 2
    assert len(export(api, bucket, "?enrichedOnly=true&propertyState=WA")[1]) == 1
    refused(api.get(f"/api/property/bucket/{bucket.pk}/export?colour=red"), 400, "colour")
    refused(api.get(f"/api/property/bucket/{bucket.pk}/export?enrichedOnly=x"), 400, "enrichedOnly")
    refused(api.get(f"/api/property/bucket/{bucket.pk}/export?limit=5"), 400, "limit")
    refused(api.get(f"/api/property/bucket/{bucket.pk}/export?runId=5"), 400, "runId")


def test_a_run_chooses_its_own_leads(api, ann, bob, bucket):
    run, _ = start_run(bucket=bucket, by=ann, options=RunOptions(limit=2))
    his = create_bucket(by=bob, name="His", property_ids=["100"])[0]
    his_run, _ = start_run(bucket=his, by=bob, options=RunOptions())

    _, rows = export(api, bucket, f"?runId={run.pk}")

    assert [row["Property ID"] for row in rows] == ["100", "101"]
    refused(api.get(f"/api/property/bucket/{bucket.pk}/export?runId={his_run.pk}"), 404, "runId")
    refused(Api(bob).get(f"/api/property/bucket/{bucket.pk}/export"), 404)


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_a_client_that_goes_away_leaves_the_database_connection_usable():
    user = make_user("carla")
    bucket, _ = create_bucket(by=user, name="Big", property_ids=[str(n) for n in range(1, 60_001)])
    Lead.objects.update(owner_name="x" * 200, property_address="y" * 200)
    token = create_api_token(username="carla")[1]

    answer: Any = Client().get(f"/api/property/bucket/{bucket.pk}/export", headers={"Authorization": f"Token {token}"})
    pieces = iter(answer.streaming_content)
    for _ in range(10):
        next(pieces)
    answer.close()

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE state <> 'idle' AND query LIKE 'COPY (SELECT%'")
        assert cursor.fetchone() == (0,)
    assert Lead.objects.count() == 60_000


@pytest.mark.long
def test_memory_stays_flat_however_many_rows(ann):
    create_bucket(by=ann, name="Big", property_ids=[str(n) for n in range(1, 20_001)])
    Lead.objects.update(owner_name=F("property_id"), property_address="y" * 100)
    size = 0

    tracemalloc.start()
    for piece, _ in csv_pieces(Lead.objects.all()):
        size += len(piece)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert size > 3_000_000
    assert peak < 1_000_000, peak  # of it, half a megabyte is the statement being put together


def test_a_filter_that_nothing_can_pass_exports_a_header(api, bucket):
    assert export(api, bucket, "?estimatedValueMin=1e30")[1] == []


@pytest.mark.parametrize("accept", ["text/csv", "text/csv; charset=utf-8", "text/*", "*/*", "application/json"])
def test_whoever_asks_for_csv_gets_csv_and_a_refusal_is_json_still(api, bucket, accept):
    answer = api.get(f"/api/property/bucket/{bucket.pk}/export", Accept=accept)
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/csv; charset=utf-8")
    assert len(b"".join(answer.streaming_content).decode().splitlines()) == 6

    wrong = api.get(f"/api/property/bucket/{bucket.pk}/export?runId=x", Accept=accept)
    refused(wrong, 400, "runId")
    assert wrong["Content-Type"] == "application/json"
    gone = api.get(f"/api/property/bucket/{bucket.owner_id:032}/export", Accept=accept)
    assert (gone.status_code, gone["Content-Type"]) == (404, "application/json")


def test_what_is_neither_csv_nor_json_cannot_be_had(api, bucket):
    refused(api.get(f"/api/property/bucket/{bucket.pk}/export", Accept="application/pdf"), 406)


# --- What the file is like --------------------------------------------------------------------------------------------


def body(api, bucket, query=""):
    answer = api.get(f"/api/property/bucket/{bucket.pk}/export{query}")
    assert answer.status_code == 200, answer.content
    return b"".join(answer.streaming_content)


def test_excel_is_told_that_it_is_utf_8_unless_nobody_wants_that(api, bucket):
    Lead.objects.update(owner_name="José")

    assert body(api, bucket).startswith("\ufeffLead ID,".encode())
    assert body(api, bucket, "?bom=false").startswith(b"Lead ID,")
    refused(api.get(f"/api/property/bucket/{bucket.pk}/export?bom=perhaps"), 400, "bom")


def test_columns_are_chosen_by_name_and_stand_in_that_order(api, bucket):
    Lead.objects.update(apn="0123", property_city="Reno")

    assert body(api, bucket, "?bom=0&columns=city,%20apn,,city").splitlines()[:2] == [b"City,APN", b"Reno,0123"]
    mailing = body(api, bucket, "?bom=0&columns=mailing,apn").splitlines()[0].decode().split(",")
    assert (mailing[:2], mailing[-1], len(mailing)) == (["Owner", "Owner first name"], "Lead ID", 16)
    message = refused(api.get(f"/api/property/bucket/{bucket.pk}/export?columns=apn,colour"), 400, "columns")
    assert "There is no column 'colour', only leadId, propertyId, apn, " in message
    refused(api.get(f"/api/property/bucket/{bucket.pk}/export?columns=apn&columns=zip"), 400, "columns")


def test_only_what_was_purchased_is_chosen_by_a_filter(api, bucket):
    first, second, third = Lead.objects.order_by("pk")[:3]
    for lead, stamp in ((first, "enriched_at"), (second, "skip_traced_at"), (third, "apollo_enriched_at")):
        Lead.objects.filter(pk=lead.pk).update(**{stamp: "2026-11-24T15:00:00Z"})

    assert [row["Property ID"] for row in export(api, bucket, "?bought=true")[1]] == ["100", "101", "102"]
    assert [row["Property ID"] for row in export(api, bucket, "?bought=false")[1]] == ["103", "104"]
    assert len(export(api, bucket)[1]) == 5


def test_custom_fields_are_columns_of_their_own(api, bucket):
    first, second = Lead.objects.order_by("pk")[:2]
    Lead.objects.filter(pk=first.pk).update(data={"Lot size": "0.5 ac", "phone": "a word", "=1+1": "=2", "50%": "x"})
    Lead.objects.filter(pk=second.pk).update(data={"Lot size": "1 ac"})

    with CaptureQueriesContext(connection) as asked:
        one, two, three = export(api, bucket)[1][:3]

    names = ["50%", "Lot size", "phone (custom)", "'=1+1"]
    assert sorted(set(one) - set(HEADER)) == sorted(names)
    assert [one[name] for name in names] == ["x", "0.5 ac", "a word", "'=2"]
    assert [two[name] for name in names] == ["", "1 ac", "", ""]
    assert {three[name] for name in names} == {""}
    assert sum("jsonb_object_keys" in query["sql"] for query in asked) == 1
    assert list(export(api, bucket, "?columns=apn,customFields&hasPhone=true")[1]) == []


def test_custom_fields_are_bounded_by_those_most_leads_have(api, bucket, monkeypatch):
    monkeypatch.setattr("leads.selection.export_columns.CUSTOM_MOST", 2)
    Lead.objects.update(data={"b": "1", "c": "2"})
    Lead.objects.filter(property_id="100").update(data={"a": "0", "b": "1", "c": "2"})

    assert list(export(api, bucket, "?columns=customFields")[1][0]) == ["b", "c"]


def test_further_phones_and_e_mails_have_columns(api, bucket):
    said = {"source": "file", "at": "2026-11-20T09:00:00+00:00"}
    others = {
        "phone": [{**said, "value": "+12065550103", "type": "mobile", "do_not_call": True, "extension": "12"},
                  {"source": "trace", "at": "2026-11-21T09:00:00+00:00", "value": "+12065550104"}],
        "email": [{**said, "value": "=two@example.com"}],
    }  # fmt: skip
    Lead.objects.filter(property_id="100").update(
        phone="+12065550101", secondary_phone="+12065550102", other_facts=others,
        fact_sources={"phone": {**said, "extension": "7"}, "secondary_phone": said},
    )  # fmt: skip

    row = export(api, bucket)[1][0]

    wanted = {
        "Phone": "+12065550101", "Phone extension": "7", "Second phone": "+12065550102", "Second phone extension": "",
        "Phone 3": "+12065550103", "Phone 3 type": "mobile", "Phone 3 do not call": "true", "Phone 3 extension": "12",
        "Phone 3 source": "file", "Phone 4": "+12065550104", "Phone 4 type": "", "Phone 4 do not call": "",
        "Phone 4 source": "trace", "Phone 5": "", "E-mail 2": "'=two@example.com", "E-mail 2 source": "file",
        "E-mail 3": "",
    }  # fmt: skip
    assert {name: row[name] for name in wanted} == wanted


def test_tags_are_one_cell_that_is_no_formula(api, bucket):
    assert {row["Tags"] for row in export(api, bucket)[1]} == {""}
    for name in ("-hot", "Absentee"):
        add_tag(leads=list(Lead.objects.filter(property_id="100")), name=name)

    assert [row["Tags"] for row in export(api, bucket)[1]] == ["'-hot; Absentee", "", "", "", ""]


@pytest.mark.parametrize(
    ("query", "accept"),
    [("?format=xlsx", "*/*"), ("", XLSX), ("?format=xlsx&columns=apn", XLSX), ("?format=xlsx", "text/csv")],
)
def test_a_workbook_is_asked_for_by_format_or_by_accept(api, bucket, query, accept):
    answer = api.get(f"/api/property/bucket/{bucket.pk}/export{query}", Accept=accept)

    assert (answer.status_code, answer["Content-Type"], answer.streaming) == (200, XLSX, True)
    assert answer["Content-Disposition"] == 'attachment; filename="leads.xlsx"'
    book = ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    assert book.testzip() is None
    assert book.read("xl/worksheets/sheet1.xml").count(b"<row ") == 6
    assert [leads for *_, leads in contacts_told()] == [None, 5]


def test_an_unknown_format_is_refused_by_name(api, bucket):
    refused(api.get(f"/api/property/bucket/{bucket.pk}/export?format=pdf"), 400, "format")
    assert api.get(f"/api/property/bucket/{bucket.pk}/export?format=csv", Accept=XLSX)["Content-Type"].startswith(
        "text"
    )


def test_custom_fields_that_no_lead_has_leave_the_ids_and_nothing_else_of_the_table(api, bucket):
    ids = [str(pk) for pk in Lead.objects.order_by("pk").values_list("pk", flat=True)]
    for columns in ("customFields", "customFields,customFields"):
        _, rows = export(api, bucket, f"?columns={columns}")
        assert rows == [{"Lead ID": pk} for pk in ids]
    workbook = api.get(f"/api/property/bucket/{bucket.pk}/export?columns=customFields&format=xlsx")
    with ZipFile(io.BytesIO(b"".join(workbook.streaming_content))) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    assert (sheet.count("<row "), sheet.count("<c ")) == (6, 6)
    refused(api.get(f"/api/property/bucket/{bucket.pk}/export?columns=,"), 400, "columns")


def test_it_takes_the_lists_search_but_no_order(api, bucket):
    Lead.objects.filter(property_id="103").update(phone="+16025550123", property_city="Phoenix")
    for text in ("phoenix", "tel:+16025550123", "103"):
        assert [row["Property ID"] for row in export(api, bucket, f"?q={text.replace('+', '%2B')}")[1]] == ["103"]
    assert export(api, bucket, "?q=nobody")[1] == []
    refused(api.get(f"/api/property/bucket/{bucket.pk}/export?q={'x' * 10_000}"), 400, "q")
    refused(api.get(f"/api/leads?q={'x' * 10_000}"), 400, "q")
    refused(api.get(f"/api/property/bucket/{bucket.pk}/export?sort=createdAt"), 400, "sort")


@pytest.mark.parametrize(
    ("name", "file"),
    [("🏠🏠", "leads"), ("CON", "leads-con"), ("Nul", "leads-nul"), ("com1", "leads-com1"), ("Consul", "consul")],
)
def test_a_file_has_a_name_that_every_system_takes(name, file):
    assert PLAIN.file_name(name) == f"{file}.csv"
    assert PLAIN.file_name(name, at="2026-11-29-120000") == f"{file}-2026-11-29-120000.csv"
