"""A team's custom fields: defined by managers, filled by page, API and file, asked for by filters, told in exports."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from accounts.access import access_of
from accounts.models import AuditEvent, Role
from buckets.filling.fills import duplicate
from buckets.imports import services
from leads.fields.definitions import FIELDS_MAX, change_field, fields_of, make_field, retire_field
from leads.fields.setting import BadValues, set_fields
from leads.models import CustomField, Lead, SavedView
from leads.pipeline.lists import Refused
from leads.privacy.person import given_values, without
from leads.selection.export import Layout, csv_pieces
from leads.selection.export_columns import UnknownColumn, check_fields, named
from leads.selection.filters import BadFilter, matching, understood
from leads.selection.sorting import Sort, place_of, sort_of, sorted_page
from tests.admin_site import address, member, sees_contacts, staff, words
from tests.api.client import Api, body_of, refused
from tests.leads.samples import make_leads
from tests.support import make_user

pytestmark = pytest.mark.django_db
KINDS = {"Asking price": "number", "Listed on": "date", "Heat": "choice", "Motivated": "yesNo", "Remark": "text"}


@pytest.fixture
def ann(db: Any) -> Any:
    return make_user("ann")


def define(user: Any) -> dict[str, CustomField]:
    """One of each kind, by key."""
    access = access_of(user)
    made = [
        make_field(access, {"name": name, "kind": kind, "choices": ["Hot", "Cold"] if kind == "choice" else []})
        for name, kind in KINDS.items()
    ]
    return {one.key: one for one in made}


def leads_of(user: Any, count: int = 3) -> list[Lead]:
    return make_leads(count, by=user)[1]


def found(user: Any, **params: Any) -> list[int]:
    """The places of the leads that pass, from 0."""
    every = list(Lead.objects.order_by("pk").values_list("pk", flat=True))
    rows = matching(Lead.objects.all(), params, team_id=access_of(user).team_id, contacts=True)
    return sorted(every.index(pk) for pk in rows.values_list("pk", flat=True))


def test_a_field_is_made_with_a_key_of_its_name_and_keeps_it(ann):
    fields = define(ann)
    assert list(fields) == ["askingPrice", "listedOn", "heat", "motivated", "remark"]
    access = access_of(ann)
    change_field(access, fields["heat"].pk, {"name": "How warm", "choices": ["Hot", "Warm", "hot"], "position": 0})
    assert [(one.key, one.name) for one in fields_of(access.team_id)][:2] == [
        ("heat", "How warm"), ("askingPrice", "Asking price")]  # fmt: skip
    assert CustomField.objects.get(key="heat").choices == ["hot", "Warm"]
    retire_field(access, fields["remark"].pk)
    again = make_field(access, {"name": "Remark!", "kind": "number"})
    assert again.key == "remark2"  # a key is never used again
    assert [one.kind for one in fields_of(access.team_id, retired=True)][-1] == "text"
    assert {one.action for one in AuditEvent.objects.filter(action__startswith="custom_field")} == {
        "custom_field.created", "custom_field.changed", "custom_field.retired"}  # fmt: skip


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": "asking PRICE", "kind": "text"}, "name"),
        ({"name": "", "kind": "text"}, "name"),
        ({"name": "Call 512-555-0100", "kind": "text"}, "name"),
        ({"name": "Pool", "kind": "list"}, "kind"),
        ({"name": "Pool", "kind": "text", "key": "Pool"}, "key"),
        ({"name": "Pool", "kind": "text", "key": "heat"}, "key"),
        ({"name": "Pool", "kind": "choice"}, "choices"),
        ({"name": "Pool", "kind": "choice", "choices": ["ann@example.com"]}, "choices"),
        ({"name": "Pool", "kind": "text", "choices": ["a"]}, "choices"),
    ],
)
def test_a_field_that_cannot_be_is_refused_by_name(ann, values, field):
    define(ann)
    with pytest.raises(Refused) as refusal:
        make_field(access_of(ann), values)
    assert refusal.value.field == field and CustomField.objects.count() == 5


def test_a_team_has_so_many_fields_and_no_more(ann):
    team = ann.memberships.get().team_id
    rows = [CustomField(team_id=team, key=f"k{n}", name=f"N{n}", kind="text") for n in range(FIELDS_MAX)]
    CustomField.objects.bulk_create(rows)
    with pytest.raises(Refused, match="at most 50"):
        make_field(access_of(ann), {"name": "One more", "kind": "text"})


def test_values_are_set_by_key_and_taken_away_by_null(ann):
    define(ann)
    (lead, *_) = leads_of(ann)
    assert set_fields(lead=lead, by=ann, said={"askingPrice": "$250,000", "heat": "hot"}) == {
        "askingPrice": 250000, "heat": "Hot"}  # fmt: skip
    assert set_fields(lead=lead, by=ann, said={"heat": None, "motivated": True}) == {
        "askingPrice": 250000, "motivated": True}  # fmt: skip
    with pytest.raises(BadValues) as error:
        set_fields(lead=lead, by=ann, said={"askingPrice": "cheap", "pool": 1, "motivated": False})
    assert set(error.value.errors) == {"askingPrice", "pool"}
    lead.refresh_from_db()
    assert lead.custom == {"askingPrice": 250000, "motivated": True}
    edited = AuditEvent.objects.filter(action="lead.edited").order_by("pk")
    assert [one.after for one in edited] == [
        {"fields": ["custom.askingPrice", "custom.heat"]}, {"fields": ["custom.heat", "custom.motivated"]}]  # fmt: skip


def test_filters_compare_as_each_kind_can_be_compared(ann):
    define(ann)
    first, second, _third = leads_of(ann)
    said = {"askingPrice": 100, "listedOn": "2026-11-01", "heat": "Hot", "motivated": True, "remark": "Big OAK"}
    set_fields(lead=first, by=ann, said=said)
    set_fields(lead=second, by=ann, said={"askingPrice": 250.5, "listedOn": "2026-12-01", "heat": "Cold",
                                          "motivated": False})  # fmt: skip
    cases: list[tuple[dict[str, Any], list[int]]] = [
        ({"custom.askingPrice": "250.50"}, [1]), ({"custom.askingPrice": ["100", "250.5"]}, [0, 1]),
        ({"custom.askingPrice.min": 100}, [0, 1]), ({"custom.askingPrice.min": "100.5"}, [1]),
        ({"custom.askingPrice.max": 250}, [0]), ({"custom.listedOn": "2026-12-01"}, [1]),
        ({"custom.listedOn.from": "2026-11-02"}, [1]), ({"custom.listedOn.before": "2026-12-01"}, [0]),
        ({"custom.heat": "hot"}, [0]), ({"custom.motivated": "no"}, [1]), ({"custom.motivated": True}, [0]),
        ({"custom.remark": "big oak"}, [0]), ({"custom.remark.contains": "OAK"}, [0]),
        ({"custom.remark.known": True}, [0]), ({"custom.remark.known": "false"}, [1, 2]),
        ({"custom.askingPrice.min": 1, "custom.heat": "cold"}, [1]),
        ({"custom.heat": "hot", "custom.askingPrice": 250.5, "match": "any"}, [0, 1]),
    ]  # fmt: skip
    for params, places in cases:
        assert found(ann, **params) == places, params


@pytest.mark.parametrize(
    "params",
    [
        {"custom.pool": "1"}, {"custom.": "1"}, {"custom.askingPrice.contains": "1"}, {"custom.remark.min": 1},
        {"custom.heat.from": "2026-01-01"}, {"custom.askingPrice": "cheap"}, {"custom.listedOn": "soon"},
        {"custom.motivated": "maybe"}, {"custom.askingPrice.min": ["1", "2"]}, {"custom.remark": "\x00"},
        {"custom.askingPrice; DROP": 1}, {"custom.remark": ""},
    ],
)  # fmt: skip
def test_a_filter_that_cannot_be_meant_is_refused_by_its_name(ann, params):
    define(ann)
    with pytest.raises(BadFilter) as error:
        matching(Lead.objects.all(), params, team_id=access_of(ann).team_id)
    assert set(error.value.errors) == set(params)


def test_without_a_team_a_field_is_no_error_and_finds_what_is_there(ann):
    define(ann)
    (lead, *_) = leads_of(ann)
    set_fields(lead=lead, by=ann, said={"askingPrice": 100, "motivated": True})
    assert understood({"custom.askingPrice.min": "5"}) == {"custom.askingPrice.min": 5}
    assert matching(Lead.objects.all(), {"custom.askingPrice": "100"}).count() == 1
    assert matching(Lead.objects.all(), {"custom.motivated": True}).count() == 1
    assert matching(Lead.objects.all(), {"custom.pool": "1"}).count() == 0


def test_who_sees_no_contacts_finds_none_by_a_hidden_number(ann):
    define(ann)
    first, second, _ = leads_of(ann)
    set_fields(lead=first, by=ann, said={"remark": "call 512-555-0100"})
    set_fields(lead=second, by=ann, said={"remark": "has a pool"})
    team = access_of(ann).team_id
    for value, places in (("512", 0), ("0100", 0), ("pool", 1)):
        rows = matching(Lead.objects.all(), {"custom.remark.contains": value}, team_id=team, contacts=False)
        assert rows.count() == places
    assert found(ann, **{"custom.remark.contains": "0100"}) == [0]


def test_who_sees_no_contacts_is_told_none_by_the_order_of_what_people_typed(ann):
    define(ann)
    first, second, third = leads_of(ann)
    for lead, text in ((first, "z 512-555-0100"), (second, "a pool"), (third, "b 512-555-0199")):
        set_fields(lead=lead, by=ann, said={"remark": text})
    shown, hidden = (sort_of("custom.remark", contacts=contacts) for contacts in (True, False))
    assert in_order(shown) == [second, third, first]
    assert in_order(hidden)[0] == second and in_order(sort_of("-custom.remark", contacts=False))[2] == second
    at = place_of(third, hidden)
    assert at.value == place_of(first, hidden).value == "••••"
    assert sorted_page(Lead.objects.all(), hidden, limit=9, at=place_of(second, hidden)) == [first, third]


def in_order(sort: Sort) -> list[Lead]:
    return sorted_page(Lead.objects.all(), sort, limit=9)


def test_no_team_sorts_by_a_field_or_keeps_a_view_of_a_field_that_it_never_had(ann):
    define(ann)
    retire_field(access_of(ann), fields_of(access_of(ann).team_id)[0].pk)
    api = Api(ann)
    body_of(api.get("/api/leads?sort=-custom.askingPrice"))  # retired: its values are there still
    refused(api.get("/api/leads?sort=-custom.askingprice"), 400, "sort")
    for query in ({"custom.askingprice": "1"}, {"custom.askingPrice.contains": "1"}):
        refused(api.post("/api/leads/views", {"name": "Mine", "filters": query}), 400)
    assert not SavedView.objects.exists()


def exported(leads: Any, *names: str, contacts: bool = True) -> list[dict[str, str]]:
    pieces = b"".join(piece for piece, _ in csv_pieces(leads, Layout(columns=names, contacts=contacts, bom=False)))
    return list(csv.DictReader(io.StringIO(pieces.decode())))


def test_exports_have_a_column_for_each_field(ann):
    define(ann)
    first, *_ = leads_of(ann)
    set_fields(lead=first, by=ann, said={"askingPrice": 1250.5, "listedOn": "2026-12-01", "heat": "Hot",
                                         "motivated": False, "remark": "=1+1 call 512-555-0100"})  # fmt: skip
    row, other, _ = exported(Lead.objects.all(), "status", "statusLabel", "teamFields")
    assert row == {"Status": "new", "Status label": "", "Asking price": "1250.5", "Listed on": "2026-12-01",
                   "Heat": "Hot", "Motivated": "false", "Remark": "'=1+1 call 512-555-0100"}  # fmt: skip
    assert other["Asking price"] == ""
    hidden = exported(Lead.objects.all(), "custom.remark", "custom.askingPrice", contacts=False)[0]
    assert hidden == {"Remark": "••••", "Asking price": "1250.5"}
    assert named(["custom.heat"]) == ("custom.heat",)
    with pytest.raises(UnknownColumn):
        check_fields(["custom.pool"], access_of(ann).team_id)
    with pytest.raises(UnknownColumn):
        named(["custom.no-key"])


def test_the_api_defines_fields_and_fills_them(ann):
    api = Api(ann)
    (lead, *_) = leads_of(ann)
    made = {"name": "Asking price", "kind": "number"}
    row = body_of(api.post("/api/leads/fields", made), 201)["field"]
    assert (row["key"], row["kind"], row["choices"], row["retiredAt"]) == ("askingPrice", "number", [], None)
    refused(api.post("/api/leads/fields", made), 400, "name")
    path = f"/api/leads/{lead.pk}"
    told = body_of(api.patch(path, {"customFields": {"askingPrice": "99"}}))["lead"]
    assert told["customFields"] == {"askingPrice": 99}
    refused(api.patch(path, {"customFields": {"askingPrice": "cheap"}}), 400, "customFields.askingPrice")
    refused(api.patch(path, {"customFields": {"pool": 1}}), 400, "customFields.pool")
    refused(api.patch(path, {"customFields": [1]}), 400, "customFields")
    listed = body_of(api.get("/api/leads?custom.askingPrice.min=50"))
    assert [one["id"] for one in listed["leads"]] == [str(lead.pk)]
    assert listed["filters"] == {"custom.askingPrice.min": 50}
    refused(api.get("/api/leads?custom.pool=1"), 400, "custom.pool")
    bucket = f"bucketId={lead.bucket_id}"
    assert body_of(api.get(f"/api/property/bucket/leads?{bucket}&custom.askingPrice=99"))["totalMatching"] == 1
    csv_ = api.get(f"/api/property/bucket/{lead.bucket_id}/export?columns=leadId,custom.askingPrice&bom=false")
    assert b"".join(csv_.streaming_content).splitlines()[:2] == [b"Lead ID,Asking price", f"{lead.pk},99".encode()]
    refused(api.get(f"/api/property/bucket/{lead.bucket_id}/export?columns=custom.pool"), 400, "columns")
    refused(Api(make_user("bob")).patch(f"/api/leads/fields/{row['id']}", {"name": "Mine"}), 404)
    assert body_of(api.delete(f"/api/leads/fields/{row['id']}"))["field"]["retiredAt"]
    refused(api.patch(path, {"customFields": {"askingPrice": 1}}), 400, "customFields.askingPrice")
    assert body_of(api.get(path))["lead"]["customFields"] == {"askingPrice": 99}  # readable still


def test_a_caller_fills_fields_of_her_leads_and_defines_none(ann):
    define(ann)
    (lead, *_) = leads_of(ann)
    caller, _ = member(lead.team, Role.CALLER)
    Lead.objects.filter(pk=lead.pk).update(assigned_to=caller)
    api = Api(caller)
    assert body_of(api.patch(f"/api/leads/{lead.pk}", {"customFields": {"heat": "Hot"}}))["lead"]["customFields"]
    refused(api.post("/api/leads/fields", {"name": "Pool", "kind": "text"}), 403)
    assert len(body_of(api.get("/api/leads/fields"))["fields"]) == 5


@pytest.mark.long
def test_the_lead_s_page_has_a_card_of_fields_that_saves_what_was_changed(db):
    user, client = staff("ann")
    sees_contacts(user)
    define(user)
    (lead, *_) = leads_of(user)
    set_fields(lead=lead, by=user, said={"remark": "as it was"})
    change = address(Lead, "change", lead.pk)
    page = client.get(change).content.decode()
    assert "Custom fields" in page and 'name="custom_askingPrice"' in page and 'value="as it was"' in page
    was = {
        f"initial-custom_{key}": value for key, value in (("askingPrice", ""), ("heat", ""), ("remark", "as it was"))
    }
    assert all(f'name="{name}"' in page for name in was)
    sent = {"do": "custom", "custom_askingPrice": "12,500", "custom_heat": "Cold", "custom_remark": "as it was", **was}
    assert words(client.post(change, sent)) == ["Custom fields saved."]
    assert Lead.objects.get(pk=lead.pk).custom == {"remark": "as it was", "askingPrice": 12500, "heat": "Cold"}
    # a colleague has typed meanwhile: what this page did not change stays hers
    set_fields(lead=Lead.objects.get(pk=lead.pk), by=user, said={"remark": "hers", "askingPrice": 9})
    client.post(change, sent | {"custom_askingPrice": "", "custom_heat": "Hot"})
    assert Lead.objects.get(pk=lead.pk).custom == {"remark": "hers", "askingPrice": 9, "heat": "Hot"}
    set_fields(lead=Lead.objects.get(pk=lead.pk), by=user, said={"askingPrice": 12500, "heat": "Cold"})
    again = client.post(change, {"do": "custom", "custom_askingPrice": "cheap"})
    assert "Write a number" in again.content.decode()
    assert (Lead.objects.get(pk=lead.pk).custom or {})["askingPrice"] == 12500
    listed = client.get(address(Lead, "changelist"), {"custom.heat": "Cold"}).content.decode()
    assert "1 lead" in listed or str(lead) in listed
    empty = client.get(address(Lead, "changelist"), {"custom.askingPrice.min": "many"}).content.decode()
    assert "cannot be read" in empty


def test_a_phone_that_stands_in_a_field_is_shown_by_a_press_alone_which_is_recorded(db):
    user, client = staff("ann")
    sees_contacts(user)
    define(user)
    (lead, *_) = leads_of(user)
    set_fields(lead=lead, by=user, said={"remark": "call 512-555-0100", "heat": "Hot"})
    change, shown = address(Lead, "change", lead.pk), AuditEvent.objects.filter(action="contacts.shown")
    hidden = client.get(change).content.decode()
    assert ("555-0100" in hidden, "show phones and e-mails first" in hidden, "custom_heat" in hidden) == (
        False, True, False)  # fmt: skip
    assert not shown.exists()
    assert 'value="call 512-555-0100"' in client.post(change, {"do": "show"}).content.decode()
    assert shown.count() == 1
    told = body_of(Api(user).get(f"/api/leads/{lead.pk}"))["lead"]["customFields"]
    assert (told["remark"], shown.count()) == ("call 512-555-0100", 2)


def test_a_file_s_column_fills_a_field_and_a_guess_knows_its_name(ann):
    define(ann)
    bucket, (there,) = make_leads(1, by=ann, name="Files")
    set_fields(lead=there, by=ann, said={"remark": "mine", "heat": "Cold"})
    api, path = Api(ann), f"/api/property/bucket/{bucket.pk}/import"
    file = b'Property ID,Asking Price,Heat,Other\n900,"$1,500",warm,x\n1,77,Hot,y\n'
    job = body_of(api.upload(path, file), 201)["import"]
    one = f"{path}/{job['id']}"
    assert job["mapping"] == {"custom.askingPrice": 1, "custom.heat": 2}
    refused(api.patch(one, {"mapping": {"propertyId": 0, "custom.pool": 1}}), 400, "mapping.custom.pool")
    mapping = {"propertyId": 0, "custom.askingPrice": 1, "custom.heat": "heat"}
    seen = body_of(api.patch(one, {"mapping": mapping, "update": True}))
    assert seen["import"]["mapping"] == mapping | {"custom.heat": 2}
    assert "1 row has a value of “Heat” that cannot be read, and is left out." in seen["preview"]["warnings"]
    assert "Not used: Other." in seen["preview"]["warnings"]
    body_of(api.post(f"{one}/start"), 202)
    while any(services.continue_import(pk) for pk in services.open_imports()):
        pass
    held = dict(Lead.objects.filter(bucket=bucket).values_list("property_id", "custom"))
    assert held == {"900": {"askingPrice": 1500}, "1": {"remark": "mine", "heat": "Hot", "askingPrice": 77}}
    body_of(api.post(f"{one}/undo"), 202)
    while any(services.continue_import(pk) for pk in services.open_imports()):
        pass
    held = dict(Lead.objects.filter(bucket=bucket).values_list("property_id", "custom"))
    assert held == {"1": {"remark": "mine", "heat": "Cold"}}


def test_copies_of_a_bucket_take_custom_fields_along(ann):
    define(ann)
    bucket, (lead,) = make_leads(1, by=ann)
    set_fields(lead=lead, by=ann, said={"heat": "Hot"})
    duplicate(bucket=bucket, by=ann)
    copied = Lead.objects.exclude(pk=lead.pk).get()
    assert (copied.custom, copied.status_label_id) == ({"heat": "Hot"}, None)


def test_a_forgotten_person_is_taken_out_of_custom_fields(ann):
    facts = {"custom": {"remark": "call 512-555-0100", "heat": "Hot", "askingPrice": 5}}
    cut = without(facts, given_values(phone="+15125550100"))
    assert cut.changes == {"custom": {"heat": "Hot", "askingPrice": 5}}


def test_the_settings_page_of_fields(db):
    _, client = staff("ann")
    sent = {"name": "Heat", "kind": "choice", "choices": "Hot\nCold\n\n"}
    assert words(client.post(address(CustomField, "add"), sent)) == ["Saved: Heat"]
    row = CustomField.objects.get()
    assert (row.key, row.choices) == ("heat", ["Hot", "Cold"])
    page = client.get(address(CustomField, "change", row.pk)).content.decode()
    assert "custom.heat" in page and "Retire" in page
    assert "heat" in client.get(address(CustomField, "changelist")).content.decode()
