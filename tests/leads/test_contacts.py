"""Who sees phones and e-mails: masked for whoever may not, shown one lead at a time, every showing recorded."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import DatabaseError

from accounts.access import own_access
from accounts.audit import record
from accounts.models import AuditEvent
from buckets.models import Bucket
from buckets.services import create_bucket
from common.contact_access import masked
from integrations.ledger import catalogue
from integrations.models import Lookup
from leads.models import Activity, Lead, LeadKey
from leads.permission.adding import add_suppression, kept_from_calls
from leads.permission.suppressing import suppress_wrong_number
from leads.selection.disclosures import export_pieces
from leads.services import add_activity, edit_lead
from tests.admin_site import act, address, sees_contacts, staff, superuser
from tests.api.client import Api
from tests.support import contacts_told, make_user

pytestmark = pytest.mark.django_db
PHONE, SECOND, OTHER = "+12065550142", "+12065550143", "+12065550144"
EMAIL = "jo.smith@example.com"
FULL = (PHONE, "+1 206 555 0142", "2065550142", SECOND, "206 555 0143", EMAIL)


def lead_of(user: Any, property_id: str = "11", **facts: Any) -> Lead:
    bucket, _ = create_bucket(by=user, name=f"{user}'s", property_ids=[property_id])
    reach = {"phone": PHONE, "secondary_phone": SECOND, "email": EMAIL, "phone_do_not_call": True}
    reach |= {"enrichment_status": "completed"}
    Lead.objects.filter(bucket=bucket).update(**(reach | facts))
    return bucket.leads.get()


@pytest.fixture
def ann() -> Any:
    return staff("ann")


def shows_nothing(page: Any) -> str:
    words: str = page.content.decode()
    assert page.status_code == 200
    assert not [contact for contact in FULL if contact in words]
    return words


def shown(via: str, leads: int) -> tuple[Any, ...]:
    return ("ann", "contacts.shown", via, leads)


def exported(via: str, leads: int) -> list[tuple[Any, ...]]:
    """An export that came to its end: it is told before the first row leaves, and after the last."""
    return [("ann", "export.taken", via, None), ("ann", "export.finished", via, leads)]


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("phone", PHONE, "•••• 0142"),
        ("secondary_phone", SECOND, "•••• 0143"),
        ("email", EMAIL, "j••••@example.com"),
        ("email", "@", "••••@"),
        ("phone", None, None),
        ("owner_name", "Jo Smith", "Jo Smith"),
    ],
)
def test_what_a_mask_leaves(name, value, shown):
    assert masked(name, value) == shown


def test_lists_and_pages_are_masked_even_for_who_may_see(ann):
    lead = lead_of(ann[0])
    for client, teams in ((ann[1], ""), (superuser()[1], "?team=all")):
        for page in (address(Lead, "changelist") + teams, address(Lead, "change", lead.pk)):
            words = shows_nothing(client.get(page))
            assert "•••• 0142" in words
            assert "j••••@example.com" in words
        shows_nothing(client.get(address(Lead, "history", lead.pk), follow=True))
    assert contacts_told() == []


def test_without_the_permission_there_is_no_button_and_the_server_refuses(ann):
    lead = lead_of(ann[0])

    assert "Show phones" not in ann[1].get(address(Lead, "change", lead.pk)).content.decode()
    refused = ann[1].post(address(Lead, "change", lead.pk), {"do": "show"})

    assert refused.status_code == 403
    assert PHONE not in refused.content.decode()
    assert contacts_told() == []


@pytest.mark.long
def test_one_lead_is_unmasked_by_a_button_and_each_time_is_recorded(ann):
    lead = lead_of(ann[0])
    sees_contacts(ann[0])
    page = address(Lead, "change", lead.pk)
    assert 'value="show"' in ann[1].get(page).content.decode()

    for _ in range(2):
        words = ann[1].post(page, {"do": "show"}).content.decode()
        assert "+1 206 555 0142" in words
        assert EMAIL in words

    assert contacts_told() == [shown("admin", 1)] * 2
    row = AuditEvent.objects.filter(action="contacts.shown").latest("pk")
    assert (row.kind, row.object_id, row.team_id) == ("lead", str(lead.pk), lead.team_id)
    assert (row.after or {})["bucket"] == str(lead.bucket_id)
    ann[1].post(page, {"do": "hide"})
    shows_nothing(ann[1].get(page))


@pytest.mark.usefixtures("by_the_lead_alone")
def test_a_phone_on_a_do_not_call_list_is_shown_as_such_and_has_no_button(ann):
    lead = lead_of(ann[0], secondary_phone_do_not_call=False)
    sees_contacts(ann[0])

    words = ann[1].post(address(Lead, "change", lead.pk), {"do": "show"}).content.decode()

    assert "Do not call" in words
    assert f'name="number" value="{PHONE}"' not in words
    assert f'name="number" value="{SECOND}"' in words
    assert "tel:" not in words


def test_another_number_of_hers_that_is_suppressed_for_calls_is_marked_so_whatever_the_vendor_says(ann):
    clear: dict[str, Any] = {"phone_do_not_call": False, "secondary_phone_do_not_call": False}
    other = {"value": OTHER, "source": "trace", "at": "2026-11-01T00:00:00+00:00", "do_not_call": False}
    lead = lead_of(ann[0], **clear, other_facts={"phone": [other]})

    def marks() -> dict[str, str]:
        words = " ".join(ann[1].get(address(Lead, "change", lead.pk)).content.decode().split())
        found = re.findall(r">(Phone|Second phone|Other phone)<.*?(Not on DNC|Do not call|DNC unknown)", words)
        return dict(found)

    assert marks() == {"Phone": "Not on DNC", "Second phone": "Not on DNC", "Other phone": "Not on DNC"}
    for phone in (SECOND, OTHER):
        add_suppression(access=own_access(ann[0]), phone=phone, scope="call", reason="operator")
    assert marks() == {"Phone": "Not on DNC", "Second phone": "Do not call", "Other phone": "Do not call"}


def test_a_number_that_was_wrong_for_another_owner_is_none_that_is_kept_from_calls(ann):
    one, two = lead_of(ann[0]), lead_of(ann[0], "12")
    for lead, name in ((one, "Jo Roe"), (two, "Al Poe")):
        edit_lead(
            lead=lead, by=ann[0], changes={"owner_name": name, "mailing_address": "1 Elm St", "mailing_zip": "98101"}
        )
    number = LeadKey.objects.get(lead=one, role=LeadKey.Role.OTHER_PHONE)
    suppress_wrong_number(number.key_id, [one.pk], source="user:1")

    def kept(lead: Lead | None) -> set[str]:
        return kept_from_calls([PHONE, SECOND], team_id=one.team_id, lead=lead)

    assert (kept(one), kept(two), kept(None)) == ({SECOND}, set(), set())


def test_somebody_elses_lead_is_not_unmasked(ann):
    lead = lead_of(make_user("bob"))
    sees_contacts(ann[0])

    assert ann[1].post(address(Lead, "change", lead.pk), {"do": "show"}).status_code == 404
    assert contacts_told() == []


def test_a_lead_without_contacts_has_nothing_to_show_or_record(ann):
    lead = lead_of(ann[0], phone=None, secondary_phone=None, email=None, enrichment_status="pending")
    sees_contacts(ann[0])

    page = ann[1].get(address(Lead, "change", lead.pk)).content.decode()
    assert "Show phones and e-mails" not in page
    assert "Type a phone, an e-mail or a name" in page
    ann[1].post(address(Lead, "change", lead.pk), {"do": "show"})
    assert contacts_told() == []


# --- Files ------------------------------------------------------------------------------------------------------------


def test_exports_from_the_admin_need_the_permission_and_are_recorded_with_their_rows(ann):
    lead = lead_of(ann[0])
    for model, row in ((Bucket, lead.bucket), (Lead, lead)):
        assert act(ann[1], model, "export", [row]).status_code == 403
    assert contacts_told() == []

    sees_contacts(ann[0])
    for model, row in ((Bucket, lead.bucket), (Lead, lead)):
        file = b"".join(act(ann[1], model, "export", [row]).streaming_content).decode()
        assert file.count("\n") == 2
        assert PHONE in file
    assert contacts_told() == exported("admin", 1) * 2
    taken = AuditEvent.objects.filter(action__startswith="export.")
    assert set(taken.values_list("kind", "object_id", "team_id")) == {("bucket", str(lead.bucket_id), lead.team_id)}


def test_only_the_chosen_leads_of_ones_own_are_exported(ann):
    mine, theirs = lead_of(ann[0], "11"), lead_of(make_user("bob"), "21")
    sees_contacts(ann[0])

    file = b"".join(act(ann[1], Lead, "export", [mine, theirs]).streaming_content).decode()

    assert [line.split(",")[1] for line in file.splitlines()] == ["Property ID", "11"]


@pytest.mark.django_db(transaction=True)  # cancelling the COPY would end the test's own transaction
def test_an_export_that_is_broken_off_is_recorded_with_what_had_left(ann, monkeypatch):
    monkeypatch.setattr("leads.selection.export.PIECE", 1)
    bucket, _ = create_bucket(by=ann[0], name="Many", property_ids=[str(n) for n in range(100)])
    pieces = export_pieces(Lead.objects.filter(bucket=bucket), by=ann[0], via="api", bucket_id=bucket.pk)
    assert contacts_told() == exported("api", 0)[:1]
    for _ in range(10):
        next(pieces)
    pieces.close()
    assert contacts_told() == exported("api", 10)


@pytest.mark.parametrize("way", ["button", "list", "one", "callbacks", "owner", "file", "skip trace"])
def test_what_cannot_be_recorded_is_not_shown(ann, monkeypatch, way):
    """The record comes first: where it fails, no contact leaves."""
    lead = lead_of(ann[0], callback_at="2026-11-30T12:00Z")
    sees_contacts(ann[0])
    ways = {
        "button": ("post", address(Lead, "change", lead.pk), {"do": "show"}),
        "list": ("get", "/api/leads", {}),
        "one": ("get", f"/api/leads/{lead.pk}", {}),
        "callbacks": ("get", "/api/callbacks", {}),
        "owner": ("get", f"/api/leads/{lead.pk}/owner", {}),
        "file": ("get", f"/api/property/bucket/{lead.bucket_id}/export", {}),
        "skip trace": ("post", "/api/skip-trace", {"address": "1 Main St", "city": "X", "state": "WA", "zip": "98101"}),
    }
    method, where, body = ways[way]
    ann[1].raise_request_exception = False

    def full(*_: object, **__: object) -> None:
        raise DatabaseError("the disk is full")

    monkeypatch.setattr("accounts.audit.insert", full)
    json_body = {} if way == "button" else {"content_type": "application/json"}
    answer = getattr(ann[1], method)(where, body or None, **(json_body if method == "post" else {}))

    assert answer.status_code in (500, 503)
    assert PHONE not in answer.content.decode()


def test_the_record_is_read_by_superusers_and_managers_and_changed_by_nobody(ann):
    lead_of(ann[0])
    record("export.taken", by=ann[0], after={"via": "api"})
    row = AuditEvent.objects.latest("pk")
    client = superuser()[1]
    log = f"{address(AuditEvent, 'changelist')}?about=contacts"

    assert "Contact access log" in client.get(log).content.decode()
    assert ann[1].get(log).status_code == 200
    assert ann[1].get(address(AuditEvent, "change", row.pk)).status_code == 302  # of no team of hers: not there
    assert client.post(address(AuditEvent, "change", row.pk), {"after": "{}"}).status_code == 403
    assert client.post(address(AuditEvent, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert client.get(address(AuditEvent, "add")).status_code == 403
    assert client.get("/admin/leads/disclosure/")["Location"] == log


# --- API --------------------------------------------------------------------------------------------------------------


def session(client: Any) -> Api:
    """The API as a browser that is signed in asks for it."""
    api = Api()
    api.client = client
    return api


def test_a_token_sees_contacts_in_full_and_its_exports_are_recorded():
    ann = make_user("ann")
    lead = lead_of(ann)
    api = Api(ann)

    assert api.get(f"/api/leads/{lead.pk}").json()["lead"]["phone"] == PHONE
    listed = api.get(f"/api/property/bucket/leads?bucketId={lead.bucket_id}").json()["leads"]
    assert (listed[0]["secondaryPhone"], listed[0]["email"]) == (SECOND, EMAIL)
    assert contacts_told() == [shown("api", 1)] * 2
    assert PHONE in b"".join(api.get(f"/api/property/bucket/{lead.bucket_id}/export").streaming_content).decode()
    assert contacts_told() == [shown("api", 1)] * 2 + exported("api", 1)


@pytest.mark.parametrize("way", ["session", "token"])
def test_staff_without_the_permission_get_masked_leads_and_a_file_without_contacts(ann, way):
    lead = lead_of(ann[0])
    api = session(ann[1]) if way == "session" else Api(ann[0])  # a token of their own opens nothing more

    one = api.get(f"/api/leads/{lead.pk}").json()["lead"]
    listed = api.get(f"/api/property/bucket/leads?bucketId={lead.bucket_id}").json()["leads"][0]
    export = f"/api/property/bucket/{lead.bucket_id}/export"
    file = b"".join(api.get(export).streaming_content).decode()
    refused = api.get(f"{export}?columns=phone")
    trace = api.post("/api/skip-trace", {"address": "1 Main St", "city": "Seattle", "state": "WA", "zip": "98101"})

    for shown in (one, listed):
        assert (shown["phone"], shown["secondaryPhone"]) == ("•••• 0142", "•••• 0143")
        assert shown["email"] == "j••••@example.com"
        assert shown["phoneDoNotCall"] is True
    assert [contact for contact in (*FULL, "••••") if contact in file] == []
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "FORBIDDEN")
    assert trace.status_code == 403
    assert contacts_told() == exported("api", 1)


def test_a_session_with_the_permission_sees_contacts_and_that_is_recorded(ann):
    lead = lead_of(ann[0])
    lead_of(ann[0], "12", phone=None, secondary_phone=None, email=None, enrichment_status="pending")
    sees_contacts(ann[0])
    api = session(ann[1])

    assert api.get(f"/api/leads/{lead.pk}").json()["lead"]["phone"] == PHONE
    assert api.get(f"/api/property/bucket/leads?bucketId={lead.bucket_id}").json()["leads"][0]["email"] == EMAIL
    assert b"".join(api.get(f"/api/property/bucket/{lead.bucket_id}/export").streaming_content)

    assert contacts_told() == [shown("api", 1)] * 2 + exported("api", 1)


def test_the_ledger_of_bought_facts_is_masked_too():
    fact = {"phone": PHONE, "email": EMAIL, "first_name": "Jo"}
    row = Lookup.objects.create(
        operation=catalogue.operation("skip_trace"),
        key="k",
        state="answered",
        facts=fact,
        fetched_at="2026-11-24T12:00Z",
    )

    words = shows_nothing(superuser()[1].get(address(Lookup, "change", row.pk)))

    assert "first_name: Jo" in words


# --- Contacts that stand elsewhere than in the columns for them ------------------------------------------------------

NOTE = "Reach Mary at (206) 555-0177 or mo@example.com"
HIDDEN = "Reach Mary at •••• 0177 or m••••@example.com"


def noted(user: Any, **facts: Any) -> Lead:
    """A lead without a contact in its columns, about which a phone and an e-mail were noted."""
    lead = lead_of(
        user, **{"phone": None, "secondary_phone": None, "email": None, "enrichment_status": "partial", **facts}
    )
    add_activity(lead=lead, by=user, kind="note", text=NOTE)
    return lead


def test_notes_are_masked_for_a_token_that_may_not_see_contacts(ann):
    lead = noted(ann[0])
    address_of = f"/api/leads/{lead.pk}/activities"

    assert Api(ann[0]).get(address_of).json()["activities"][0]["text"] == HIDDEN
    assert Api(ann[0]).post(address_of, {"text": NOTE}).json()["activity"]["text"] == HIDDEN
    assert contacts_told() == []

    sees_contacts(ann[0])
    assert Api(ann[0]).get(address_of).json()["activities"][0]["text"] == NOTE
    assert contacts_told() == [shown("api", 1)]


def test_notes_are_masked_on_pages_until_they_are_asked_for_and_recorded(ann):
    lead = noted(ann[0])
    activity = lead.activities.get()
    sees_contacts(ann[0])

    for client, page in (
        (ann[1], address(Lead, "change", lead.pk)),
        (ann[1], address(Activity, "changelist")),
        (ann[1], address(Activity, "change", activity.pk)),
        (superuser()[1], address(Activity, "changelist") + "?team=all"),
    ):
        words = client.get(page).content.decode()
        assert HIDDEN in words, page
        assert "555-0177" not in words and "mo@" not in words
    assert contacts_told() == []

    assert NOTE in ann[1].post(address(Lead, "change", lead.pk), {"do": "show"}).content.decode()
    assert contacts_told() == [shown("admin", 1)]


@pytest.mark.parametrize(
    "facts",
    [
        {"data": {"Alt contact": "cell 206-555-0177"}},
        {"other_facts": {"phone": [{"value": "+12065550177", "source": "trace"}]}},
        {"other_facts": {"email": [{"value": "mo@example.com", "source": "trace"}]}},
    ],
)
def test_contacts_outside_the_columns_are_recorded_when_they_are_shown(ann, facts):
    lead = noted(ann[0], **facts)
    sees_contacts(ann[0])

    for address_of in (f"/api/leads/{lead.pk}", "/api/leads"):
        assert "0177" in (text := Api(ann[0]).get(address_of).content.decode()) or "mo@example.com" in text

    assert contacts_told() == [shown("api", 1)] * 2


def test_what_holds_no_contact_is_shown_without_a_record(ann):
    lead = lead_of(
        ann[0],
        phone=None,
        secondary_phone=None,
        email=None,
        enrichment_status="partial",
        data={"Parcel": "0012-003-04"},
    )
    add_activity(lead=lead, by=ann[0], kind="note", text="Rings back on 2026-12-01")
    sees_contacts(ann[0])

    for address_of in (f"/api/leads/{lead.pk}", "/api/leads", f"/api/leads/{lead.pk}/activities"):
        assert Api(ann[0]).get(address_of).status_code == 200
    assert contacts_told() == []
