"""A forgotten person is blanked everywhere, and nothing of her is stored again."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from accounts.models import AuditEvent, IdempotentRequest, User
from buckets.models import Import, ImportedChange, ImportFailure
from integrations.ledger import catalogue
from integrations.models import Lookup
from leads.facts.incoming import Incoming, insert_leads
from leads.facts.restoring import restore_leads
from leads.facts.typed import EditRefused
from leads.facts.updating import Change, update_leads
from leads.models import (
    Activity,
    BulkChange,
    BulkJob,
    ContactKey,
    Forgetting,
    Lead,
    LeadKey,
    SavedView,
    Suppression,
    Tag,
)
from leads.privacy import forgetting
from leads.privacy.finding import Asked, BadPerson
from leads.privacy.forgetting import MayNotForget, NotTyped, continue_job, forget_person, preview, replay
from leads.privacy.listing import Line, keep, read
from leads.services import edit_lead
from operations.reconcile import find_drift
from tests.leads.privacy.samples import ANN, HOUSE, NOON, POST, TRACE, contacts, forget, land, lines, operator
from tests.leads.samples import counters, make_lead, make_leads, together

pytestmark = pytest.mark.django_db
WHO = {"name": "Ann Doe", "address": "9 Elm St", "zip": "76701"}


def owned(operation: str, key: str, facts: dict[str, Any]) -> Lookup:
    return Lookup.objects.create(
        operation=catalogue.operation(operation), key=key, facts=facts, state="answered", fetched_at=NOON
    )


@pytest.mark.parametrize(
    "who",
    [
        WHO,
        {"phone": "(206) 555-0143"},
        {"phone": "206.555.0144"},
        {"email": "ANN@Example.com"},
        {"phone": "12065550143", **WHO},
    ],
    ids=["name", "phone", "other phone", "e-mail", "both"],
)
def test_her_contacts_go_however_she_is_named_and_the_house_stays(who: dict[str, str]) -> None:
    lead = land(make_lead())
    forget(**who)
    assert contacts(lead) == {}
    assert (lead.property_address, lead.enriched_at, lead.skip_traced_at) == ("12 Main St", NOON, NOON)
    assert lead.fact_sources is not None and lead.fact_sources["owner_name"]["source"] == "forgotten"
    assert lead.enrichment_status == "partial"
    assert (lead.bucket.phone_leads, lead.bucket.enriched_leads) == (0, 0)
    assert LeadKey.objects.filter(lead=lead).count() == 0
    assert set(ContactKey.objects.values_list("hint", flat=True)) == {""}


def test_a_co_owner_and_another_persons_phone_stay() -> None:
    lead = land(
        make_lead(),
        {**ANN, "owner_name": "DOE ANN & BOB"},
        {**TRACE, "contact_name": "Cid Roe", "contact_is_other": True},
    )
    Lead.objects.filter(pk=lead.pk).update(second_owner_name="EVE POE")
    forget(**WHO)
    lead.refresh_from_db()
    assert (lead.owner_name, lead.first_name, lead.second_owner_name) == ("DOE BOB", None, "EVE POE")
    assert (lead.mailing_address, lead.contact_name, lead.phone) == ("9 Elm Street", "Cid Roe", "+12065550143")


def test_what_undoing_a_bulk_job_would_put_back_of_her_goes_too() -> None:
    _, (hers, other, third) = make_leads(3)
    land(hers)
    job = BulkJob.objects.create(team=hers.team, kind="field", arguments={"field": "note", "value": "x"}, leads=3)
    for lead, before in ((hers, "call Ann"), (other, "her cell: 206-555-0143"), (third, "206-555-0177")):
        BulkChange.objects.create(job=job, lead_id=lead.pk, before=json.dumps(before))
    forget(**WHO, phone="2065550143")
    left = {row.lead_id: json.loads(row.before or "") for row in job.changes.all()}
    assert set(left) == {other.pk, third.pk}, "of her own lead it may be her name"
    assert "0143" not in left[other.pk] and left[third.pk] == "206-555-0177"


def test_a_second_owner_is_forgotten_and_the_first_stays() -> None:
    lead = land(make_lead(), {**ANN, "owner_name": "POE EVE", "first_name": "Eve", "last_name": "Poe"}, None)
    Lead.objects.filter(pk=lead.pk).update(second_owner_name="ANN DOE")
    forget(**WHO)
    assert contacts(lead)["owner_name"] == "POE EVE"
    assert lead.second_owner_name is None


def test_a_phone_that_stands_beside_two_names_goes_and_the_names_stay() -> None:
    _, (one, other) = make_leads(2)
    land(one)
    land(
        other,
        {**ANN, "owner_name": "ROE BEA", "first_name": "Bea", "last_name": "Roe"},
        {**TRACE, "contact_name": None},
    )
    seen = preview(by=operator(), asked=Asked.of(phone="2065550143"))
    assert (seen.leads, seen.several_names) == (2, True)
    forget(phone="2065550143")
    assert contacts(other) | {"contact_name": ""} == contacts(one) | {
        "owner_name": "ROE BEA", "first_name": "Bea", "last_name": "Roe", "contact_name": "",
    }  # fmt: skip
    assert (one.phone, one.email, one.owner_name) == ("+12065550144", "ann@example.com", "DOE ANN")


@pytest.mark.long
@pytest.mark.parametrize(("others", "stays"), [(2, False), (3, True), (24, True)])
def test_a_phone_that_several_other_owners_have_too_goes_from_her_lead_alone(others: int, stays: bool) -> None:
    _, (hers, *theirs) = make_leads(others + 1)
    land(hers)
    for n, lead in enumerate(theirs):
        family = f"Roe{chr(97 + n)}"
        owner = {"owner_name": f"{family.upper()} BEA", "first_name": "Bea", "last_name": family}
        land(lead, {**ANN, **owner, "mailing_address": f"{n + 1} Oak St"}, {"phone": "+12065550144"})
    seen = preview(by=operator(), asked=Asked.of(email="ann@example.com"))
    assert (seen.leads, seen.several_names, seen.shared) == (1 if stays else others + 1, False, int(stays))
    forget(email="ann@example.com")
    assert contacts(hers) == {}
    assert {contacts(lead).get("phone") for lead in theirs} == {"+12065550144" if stays else None}


def test_the_preview_counts_by_team_and_holds_no_contact() -> None:
    lead = land(make_lead())
    _, (theirs,) = make_leads(1, by=User.objects.create_user("bob"))
    land(theirs, trace=None)
    owned("skip_trace", "k", TRACE)
    Activity.objects.create(lead=lead, text="Called Ann")
    seen = preview(by=operator(), asked=Asked.of(phone="2065550143"))
    assert (sorted(seen.teams), seen.leads, seen.lookups, seen.activities) == ([("ann", 1), ("bob", 1)], 2, 1, 1)
    assert "Doe" not in repr(seen)


def test_only_operators_and_superusers_forget_and_what_is_typed_must_be_hers() -> None:
    lead = land(make_lead())
    asked = Asked.of(**WHO)
    with pytest.raises(MayNotForget):
        preview(by=lead.owner, asked=asked)
    with pytest.raises(MayNotForget):
        forget_person(by=lead.owner, asked=asked, typed="Ann Doe")
    with pytest.raises(NotTyped):
        forget_person(by=operator(), asked=asked, typed="Ann Roe")
    assert (Suppression.objects.count(), Forgetting.objects.count()) == (0, 0)
    assert contacts(lead)["phone"] == "+12065550143"
    assert forget_person(by=operator(), asked=asked, typed=" ANN  doe ")


@pytest.mark.parametrize(
    ("who", "field"),
    [
        ({}, "phone"), ({"phone": "911"}, "phone"), ({"email": "ann"}, "email"), ({"name": "Ann Doe"}, "phone"),
        ({"name": "Ann", "address": "9 Elm St", "zip": "76701"}, "name"),
        ({"name": "Ann Doe", "address": "9 Elm St"}, "zip"),
        ({"address": "9 Elm St", "zip": "76701"}, "name"), ({"name": "Ann Doe", "zip": "76701"}, "address"),
    ],
)  # fmt: skip
def test_who_names_nobody_is_told_which_field_is_wrong(who: dict[str, str], field: str) -> None:
    with pytest.raises(BadPerson) as refused:
        Asked.of(**who)
    assert list(refused.value.fields) == [field]


# --- Where else she is ------------------------------------------------------------------------------------------------


def test_purchased_data_and_the_rows_of_a_search_lose_her_and_stay_owned() -> None:
    detail = owned("property_detail", "1", {**HOUSE, **ANN, "bedrooms": 3})
    trace = owned("skip_trace", "k", TRACE)
    search = owned(
        "property_search", "s", {"rows": [{"property_id": "1", **ANN}, {"property_id": "2", "owner_name": "EVE POE"}]}
    )
    forget(phone="2065550143", **WHO)
    for row in (detail, trace, search):
        row.refresh_from_db()
    assert detail.facts is not None and trace.facts is not None and search.facts is not None
    assert {k: v for k, v in detail.facts.items() if v} == {
        **HOUSE, "bedrooms": 3, "owner_type": "individual", "owner_forgotten": True,
    }  # fmt: skip
    assert not any(trace.facts.get(name) for name in CONTACTS)
    assert search.facts["rows"][1] == {"property_id": "2", "owner_name": "EVE POE"}
    assert search.facts["rows"][0]["owner_name"] is None
    assert {detail.state, trace.state, search.state} == {"answered"}


CONTACTS = ("phone", "secondary_phone", "email", "first_name", "last_name", "contact_name", "mailing_address")


def test_an_answer_kept_for_a_repeat_is_read_object_by_object() -> None:
    by = operator()
    beside = {"contactName": "Bob Roe", "phone": "+13035550199", "mailingAddress": "9 Elm St", "mailingZip": "76702"}
    hers = {"firstName": "Ann", "lastName": "Doe", "email": "ann@x.com", "mailingAddress": "9 Elm St",
            "mailingZip": "76701", "data": "x", "other_facts": "y"}  # fmt: skip
    said = {"ok": True, "at": "2026-11-24T12:00:00Z", "contact": hers, "rows": [beside, [1, None], "Ann"]}
    bodies = [json.dumps(said), json.dumps({"rows": [beside]}, indent=1), "<p>Ann"]
    for number, body in enumerate(bodies):
        IdempotentRequest.objects.create(user=by, key=f"{number}", fingerprint="f", body=body, created_at=NOON)
    assert forget(**WHO).changed["repeated requests"] == 1
    first, *rest = IdempotentRequest.objects.order_by("pk").values_list("body", flat=True)
    gone = dict.fromkeys(("firstName", "lastName", "email", "mailingAddress", "mailingZip"))
    assert json.loads(first) == {**said, "contact": {**hers, **gone}}
    assert rest == bodies[1:]


def test_a_phone_typed_into_any_text_of_a_lead_or_a_tag_goes_and_the_rest_stays() -> None:
    said = "call 206-555-0143 Bob"
    texts = dict.fromkeys(("owner_name", "mailing_address", "apollo_title", "property_address", "property_city"), said)
    books: dict[str, Any] = {
        "other_facts": {"owner_name": [{"value": said, "source": "typed", "at": "2026-11-24T12:06:55.501430+00:00"}]},
        "data": {"206 555 0143": "blue"},
        "fact_sources": {"tags": {"value": [said], "source": "file", "at": NOON.isoformat()}},
    }
    lead = make_lead(**texts, **books)
    tags = [Tag.objects.create(owner=lead.owner, name=name) for name in ("206-555-0143", "2065550143", "hot")]
    forget(phone="2065550143")
    lead.refresh_from_db()
    left = "call [forgotten] Bob"
    assert {name: getattr(lead, name) for name in texts} == dict.fromkeys(texts, left)
    assert lead.other_facts == {"owner_name": [{**books["other_facts"]["owner_name"][0], "value": left}]}
    sources: Any = lead.fact_sources
    assert (lead.data, sources["tags"]["value"]) == ({"[forgotten]": "blue"}, [left])
    other = f"[forgotten] {tags[1].pk.hex[-8:]}"
    assert [*Tag.objects.order_by("pk").values_list("name", flat=True)] == ["[forgotten]", other, "hot"]


def test_what_hangs_on_her_lead_and_what_was_typed_anywhere_loses_her() -> None:
    lead = land(make_lead(data={"Spouse cell": "206-555-0143", "Gate": "blue"}))
    note = Activity.objects.create(lead=lead, text="Ann Doe, 206 555 0143, wants $200,000")
    view = SavedView.objects.create(owner=lead.owner, name="Her", query="q=%2B12065550143&status=new")
    asked_before = IdempotentRequest.objects.create(
        user=lead.owner, key="k", fingerprint="f", body=json.dumps({"phone": "+12065550143", "id": 7}), created_at=NOON
    )
    job = Import.objects.create(
        bucket=lead.bucket, file_name="a.csv", size=1, encoding="utf-8", delimiter=",", columns=["a"], total=1
    )
    failure = ImportFailure.objects.create(job=job, line=2, reason="no", cells=["DOE", "ANN", "9 Elm St", "76701", "x"])
    change = ImportedChange.objects.create(
        job=job,
        lead=lead,
        before={"owner_name": "Ann Doe", "phone": "+12065550143"},
        after={"owner_name": "Ann Doe", "phone": None},
    )
    forget(**WHO)
    for row in (lead, note, view, asked_before, failure, change):
        row.refresh_from_db()
    assert lead.data == {"Gate": "blue"}
    assert note.text == "[forgotten], [forgotten], wants $200,000"
    assert "555" not in view.query and "status=new" in view.query
    assert json.loads(asked_before.body) == {"phone": None, "id": 7}
    assert failure.cells == ["", "", "9 Elm St", "76701", "x"]
    assert (change.before, change.after) == ({"owner_name": None, "phone": None}, {"owner_name": None, "phone": None})


def test_her_name_and_number_leave_notes_and_views_however_they_are_typed() -> None:
    lead = land(make_lead(), {**ANN, "owner_name": "Tom and Sean O'Neil", "first_name": "Sean", "last_name": "O'Neil"})
    note = Activity.objects.create(lead=lead, text="O’Neil, Sean: (206) 555 – 01 43. Sean O'Neil prefers mornings")
    made = {"owner": lead.owner, "team_id": lead.team_id}
    views = [
        SavedView.objects.create(**made, name=name, query=query)
        for name, query in (
            ("Sean O'Neil", "q=Sean+O%27Neil&status=new"),
            ("206/555/0143", "q=%28206%29+555-0143"),
            ("Ours", "q=%2B1+206+555+0143"),
        )
    ]
    elsewhere = SavedView.objects.create(owner=User.objects.create_user("bob"), name="2065550143", query="q=2065550143")
    forget(name="Sean O'Neil", address="9 Elm St", zip="76701", phone="2065550143")
    for row in (lead, note, elsewhere, *views):
        row.refresh_from_db()
    assert lead.owner_name == "Tom O'Neil"
    assert note.text == "[forgotten]: [forgotten]. [forgotten] prefers mornings"
    assert [view.query for view in views] == ["q=%5Bforgotten%5D&status=new", "q=%5Bforgotten%5D", "q=%5Bforgotten%5D"]
    names = ["[forgotten]", f"[forgotten] {views[1].pk.hex[-8:]}", "Ours"]
    assert [view.name for view in views] == names
    assert (elsewhere.name, elsewhere.query) == ("[forgotten]", "q=%5Bforgotten%5D")


# --- She stays forgotten ----------------------------------------------------------------------------------------------


def test_a_later_purchase_names_nobody_and_the_next_owner_can_be_bought() -> None:
    lead = land(make_lead())
    forget(**WHO)
    land(lead)
    assert contacts(lead) == {}
    _, (theirs,) = make_leads(1, by=User.objects.create_user("bob"))
    land(theirs)
    assert contacts(theirs) == {}
    land(lead, {**ANN, "owner_name": "ROE BEA", "first_name": "Bea", "last_name": "Roe"}, {"phone": "+12065550199"})
    assert (lead.owner_name, lead.phone, lead.fact_sources) == ("ROE BEA", "+12065550199", {})


def test_a_detail_that_names_her_takes_the_former_owner_off_the_lead() -> None:
    lead = land(make_lead(), {**ANN, "owner_name": "ROE BEA", "first_name": "Bea", "last_name": "Roe"}, None)
    forget(**WHO)
    land(lead, ANN, None)
    assert contacts(lead) == {}


def test_files_bring_her_back_neither_new_nor_as_an_update_and_nobody_types_her() -> None:
    lead = land(make_lead())
    forget(**WHO)
    row = {**HOUSE, "owner_name": "Ann Doe", **POST, "phone": "+12065550143",
           "more_phones": [{"value": "+12065550144"}],
           "data": {"Cell": "(206) 555-0144", "Gate": "blue"}, "notes": "call 2065550144"}  # fmt: skip
    with transaction.atomic():
        (new,) = insert_leads(
            bucket_id=lead.bucket_id,
            owner_id=lead.owner_id,
            team_id=lead.team_id,
            source="import",
            leads=[Incoming("77", {**row, "property_address": "5 Oak"})],
        )
        update_leads(
            bucket_id=lead.bucket_id,
            owner_id=lead.owner_id,
            team_id=lead.team_id,
            leads=[(lead.pk, Incoming("1", row))],
            at=NOON,
        )
    added = Lead.objects.get(pk=new)
    assert (contacts(added), added.data, added.other_facts) == ({}, {"Gate": "blue"}, None)
    assert contacts(lead) == {}
    assert set(Activity.objects.values_list("text", flat=True)) == {"call [forgotten]"}
    with pytest.raises(EditRefused) as refused:
        edit_lead(lead=lead, by=lead.owner, changes={"phone": "+12065550144"})
    assert refused.value.column == "phone"


def test_undoing_a_file_brings_her_back_neither_by_name_nor_by_phone() -> None:
    lead = land(make_lead(), {**ANN, "owner_name": "ROE BEA", "first_name": "Bea", "last_name": "Roe"}, None)
    shown = {"owner_name": "ROE BEA", "first_name": "Bea", "last_name": "Roe", "phone": None}
    hers = {"owner_name": "DOE ANN", "first_name": "Ann", "last_name": "Doe", "phone": "+12065550143"}
    forget(**WHO)
    with transaction.atomic():
        restore_leads(bucket_id=lead.bucket_id, changes=[Change(lead.pk, hers, shown)])
    assert contacts(lead) == {}
    assert LeadKey.objects.filter(lead=lead).count() == 0


def test_she_stays_forgotten_when_another_secret_writes(settings: Any) -> None:
    lead = land(make_lead())
    forget(**WHO)
    settings.CONTACT_KEY_SECRETS = ["a-new-secret-" + 40 * "n", *settings.CONTACT_KEY_SECRETS]
    land(lead)
    assert contacts(lead) == {}


# --- The list, the file, the job --------------------------------------------------------------------------------------


def test_the_file_holds_hashes_alone_and_replaying_it_forgets_her_in_an_older_database(forgotten_file: Path) -> None:
    forget(phone="2065550143", **WHO)
    text = forgotten_file.read_text()
    assert "Doe" not in text and "0143" not in text.replace("\n", " ").split('"digest"')[0]
    assert lines(forgotten_file) == Suppression.objects.count()
    assert replay(read(forgotten_file).lines) is None


def test_the_list_of_another_host_is_kept_here_although_everybody_on_it_is_known(forgotten_file: Path) -> None:
    forget(phone="2065550143", **WHO)
    there, listed = forgotten_file.read_text(), read(forgotten_file).lines
    forgotten_file.unlink()  # a new host, and a backup from after she was forgotten

    assert replay(listed) is None
    assert forgotten_file.read_text() == there
    assert replay(listed) is None
    assert forgotten_file.read_text() == there


def line_of(digit: str) -> str:
    return json.dumps({"kind": 1, "digest": 64 * digit, "at": NOON.isoformat()}) + "\n"


@pytest.mark.parametrize(
    ("text", "digits", "broken"),
    [
        (line_of("1") + line_of("2")[:20], "1", []),  # a power cut
        (line_of("1") + "\0\0\0", "1", []),
        (line_of("1") + line_of("2")[:-1], "12", []),
        (line_of("1")[:20] + line_of("2") + "\n" + line_of("3"), "3", [1]),
        (line_of("1") + "{}\n" + line_of("2") + "\udcff\n", "12", [2, 4]),
        (line_of("1").replace(": 1", ": 9") + line_of("2"), "2", [1]),
        ("a line", "", [1]),
    ],
)
def test_all_whole_lines_are_read_and_the_others_are_told(
    forgotten_file: Path, text: str, digits: str, broken: list[int]
) -> None:
    forgotten_file.parent.mkdir()
    forgotten_file.write_bytes(text.encode(errors="surrogateescape"))
    listed = read(forgotten_file)
    assert ("".join(line.digest.hex()[0] for line in listed.lines), listed.broken) == (digits, broken)


def test_the_next_line_is_not_glued_to_one_that_was_broken_off(
    forgotten_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = [Line(1, bytes.fromhex(64 * digit), NOON) for digit in "123"]
    keep(wanted[:1])
    for torn in (20, len(line_of("2")) - 1):
        with forgotten_file.open("a") as file:
            file.write(line_of("2")[:torn])
        keep(wanted[1:2])
        assert forgotten_file.read_text() == line_of("1") + line_of("2")

    write = os.write
    monkeypatch.setattr("os.write", lambda handle, text: write(handle, text[:9]))  # a full disk
    with pytest.raises(OSError, match="full"):
        keep(wanted)
    assert forgotten_file.read_text() == line_of("1") + line_of("2")


def test_where_the_file_cannot_be_written_the_job_waits_and_says_so(settings: Any, tmp_path: Path) -> None:
    lead = land(make_lead())
    settings.FORGOTTEN_FILE = "/proc/nowhere/forgotten.jsonl"
    asked = Asked.of(**WHO)
    job = forget_person(by=operator(), asked=asked, typed="Ann Doe")
    assert continue_job(job.pk)
    job.refresh_from_db()
    assert (job.status, job.error) == ("running", "The forgotten list (FORGOTTEN_FILE) cannot be written")
    settings.FORGOTTEN_FILE = str(tmp_path / "f.jsonl")
    assert not continue_job(job.pk)
    assert contacts(lead) == {}


def test_a_job_that_was_killed_goes_on_where_it_was_and_twice_changes_nothing_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lead = land(make_lead())
    asked = Asked.of(**WHO)
    job = forget_person(by=operator(), asked=asked, typed="Ann Doe")
    assert continue_job(job.pk, seconds=0)
    real, count = forgetting._step, 0

    def dies(held: Forgetting) -> Forgetting | None:
        nonlocal count
        count += 1
        if count == 3:
            raise KeyboardInterrupt
        return real(held)

    monkeypatch.setattr(forgetting, "_step", dies)
    with pytest.raises(KeyboardInterrupt):
        continue_job(job.pk)
    job.refresh_from_db()
    assert job.place == "leads again"
    assert not continue_job(job.pk)
    forget(**WHO)
    assert contacts(lead) == {}


def test_the_audit_has_counts_and_no_contact() -> None:
    land(make_lead())
    forget(phone="2065550143", **WHO)
    event = AuditEvent.objects.get(action="person.forgotten")
    assert event.after is not None
    assert (event.after["leads"], event.after["phones"]) == (1, 2)
    assert "Doe" not in json.dumps([event.after, event.object_name, event.before])


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_counters_agree_after_it() -> None:
    bucket, leads = make_leads(2)
    for lead in leads:
        land(lead)
    edit_lead(lead=leads[0], by=bucket.owner, changes={"phone": "+12065550149"})
    assert counters(bucket)[:2] == (2, 2)
    forget(phone="2065550143")
    bucket.refresh_from_db()
    assert (bucket.phone_leads, bucket.enriched_leads) == (0, 0)
    assert [drift for drift in find_drift() if "bucket" in drift.check] == []


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_two_at_once_forget_her_once() -> None:
    lead = land(make_lead())
    operator()
    jobs = together(lambda: forget(**WHO), lambda: forget(**WHO))
    assert [job.status for job in jobs] == ["completed", "completed"]
    assert contacts(lead) == {}
