"""Who sees phones and e-mails: masked for whoever may not, shown one lead at a time, every showing recorded."""

from __future__ import annotations

from typing import Any

import pytest

from buckets.models import Bucket
from buckets.services import create_bucket
from common.contact_access import masked
from integrations.ledger import catalogue
from integrations.models import Lookup
from leads.models import Disclosure, Lead
from leads.selection.disclosures import export_pieces
from tests.admin_site import act, address, sees_contacts, staff, superuser
from tests.api.client import Api
from tests.support import make_user

pytestmark = pytest.mark.django_db
PHONE, SECOND, EMAIL = "+12065550142", "+12065550143", "jo.smith@example.com"
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


def recorded() -> list[tuple[Any, ...]]:
    rows = Disclosure.objects.order_by("pk")
    return [(row.by.username if row.by else None, row.what, row.via, row.leads) for row in rows]


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
    for client in (ann[1], superuser()[1]):
        for page in (address(Lead, "changelist"), address(Lead, "change", lead.pk)):
            words = shows_nothing(client.get(page))
            assert "•••• 0142" in words
            assert "j••••@example.com" in words
        shows_nothing(client.get(address(Lead, "history", lead.pk)))
    assert recorded() == []


def test_without_the_permission_there_is_no_button_and_the_server_refuses(ann):
    lead = lead_of(ann[0])

    assert 'value="show"' not in ann[1].get(address(Lead, "change", lead.pk)).content.decode()
    refused = ann[1].post(address(Lead, "change", lead.pk), {"do": "show"})

    assert refused.status_code == 403
    assert PHONE not in refused.content.decode()
    assert recorded() == []


def test_one_lead_is_unmasked_by_a_button_and_each_time_is_recorded(ann):
    lead = lead_of(ann[0])
    sees_contacts(ann[0])
    page = address(Lead, "change", lead.pk)
    assert 'value="show"' in ann[1].get(page).content.decode()

    for _ in range(2):
        words = ann[1].post(page, {"do": "show"}).content.decode()
        assert "+1 206 555 0142" in words
        assert EMAIL in words

    assert recorded() == [("ann", "unmask", "admin", 1)] * 2
    row = Disclosure.objects.latest("pk")
    assert (row.lead_id, row.bucket_id) == (lead.pk, lead.bucket_id)
    shows_nothing(ann[1].get(page))


def test_a_phone_on_a_do_not_call_list_is_shown_as_such_and_is_no_link(ann):
    lead = lead_of(ann[0], secondary_phone_do_not_call=False)
    sees_contacts(ann[0])

    words = ann[1].post(address(Lead, "change", lead.pk), {"do": "show"}).content.decode()

    assert "Do not call" in words
    assert f"tel:{PHONE}" not in words
    assert f"tel:{SECOND}" in words


def test_somebody_elses_lead_is_not_unmasked(ann):
    lead = lead_of(make_user("bob"))
    sees_contacts(ann[0])

    assert ann[1].post(address(Lead, "change", lead.pk), {"do": "show"}).status_code == 404
    assert recorded() == []


def test_a_lead_without_contacts_has_nothing_to_show_or_record(ann):
    lead = lead_of(ann[0], phone=None, secondary_phone=None, email=None, enrichment_status="pending")
    sees_contacts(ann[0])

    assert 'value="show"' not in ann[1].get(address(Lead, "change", lead.pk)).content.decode()
    ann[1].post(address(Lead, "change", lead.pk), {"do": "show"})
    assert recorded() == []


# --- Files ------------------------------------------------------------------------------------------------------------


def test_exports_from_the_admin_need_the_permission_and_are_recorded_with_their_rows(ann):
    lead = lead_of(ann[0])
    for model, row in ((Bucket, lead.bucket), (Lead, lead)):
        assert act(ann[1], model, "export", [row]).status_code == 403
    assert recorded() == []

    sees_contacts(ann[0])
    for model, row in ((Bucket, lead.bucket), (Lead, lead)):
        file = b"".join(act(ann[1], model, "export", [row]).streaming_content).decode()
        assert file.count("\n") == 2
        assert PHONE in file
    assert recorded() == [("ann", "export", "admin", 1)] * 2
    assert {row.bucket_id for row in Disclosure.objects.all()} == {lead.bucket_id}


def test_only_the_chosen_leads_of_ones_own_are_exported(ann):
    mine, theirs = lead_of(ann[0], "11"), lead_of(make_user("bob"), "21")
    sees_contacts(ann[0])

    file = b"".join(act(ann[1], Lead, "export", [mine, theirs]).streaming_content).decode()

    assert [line.split(",")[1] for line in file.splitlines()] == ["Property ID", "11"]


def test_an_export_that_is_broken_off_is_recorded_with_what_had_left(ann, monkeypatch):
    monkeypatch.setattr("leads.selection.export.PIECE", 1)
    bucket, _ = create_bucket(by=ann[0], name="Many", property_ids=[str(n) for n in range(100)])
    pieces = export_pieces(Lead.objects.filter(bucket=bucket), by=ann[0], via="api", bucket_id=bucket.pk)
    assert recorded() == [("ann", "export", "api", None)]
    for _ in range(10):
        next(pieces)
    pieces.close()
    assert recorded() == [("ann", "export", "api", 10)]


def test_the_record_is_read_by_superusers_and_changed_by_nobody(ann):
    lead_of(ann[0])
    boss, client = superuser()
    row = Disclosure.objects.create(by=boss, what="export", via="api", leads=3)

    assert ann[1].get(address(Disclosure, "changelist")).status_code == 403
    assert client.get(address(Disclosure, "changelist")).status_code == 200
    assert client.post(address(Disclosure, "change", row.pk), {"leads": 0}).status_code == 403
    assert client.post(address(Disclosure, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert client.get(address(Disclosure, "add")).status_code == 403


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
    assert recorded() == []
    assert PHONE in b"".join(api.get(f"/api/property/bucket/{lead.bucket_id}/export").streaming_content).decode()
    assert recorded() == [("ann", "export", "api", 1)]


@pytest.mark.parametrize("way", ["session", "token"])
def test_staff_without_the_permission_get_masked_leads_and_no_file(ann, way):
    lead = lead_of(ann[0])
    api = session(ann[1]) if way == "session" else Api(ann[0])  # a token of their own opens nothing more

    one = api.get(f"/api/leads/{lead.pk}").json()["lead"]
    listed = api.get(f"/api/property/bucket/leads?bucketId={lead.bucket_id}").json()["leads"][0]
    file = api.get(f"/api/property/bucket/{lead.bucket_id}/export")
    trace = api.post("/api/skip-trace", {"address": "1 Main St", "city": "Seattle", "state": "WA", "zip": "98101"})

    for shown in (one, listed):
        assert (shown["phone"], shown["secondaryPhone"]) == ("•••• 0142", "•••• 0143")
        assert shown["email"] == "j••••@example.com"
        assert shown["phoneDoNotCall"] is True
    assert (file.status_code, file.json()["error"]["code"]) == (403, "FORBIDDEN")
    assert "permission to view contact details" in file.json()["error"]["message"]
    assert trace.status_code == 403
    assert recorded() == []


def test_a_session_with_the_permission_sees_contacts_and_that_is_recorded(ann):
    lead = lead_of(ann[0])
    lead_of(ann[0], "12", phone=None, secondary_phone=None, email=None, enrichment_status="pending")
    sees_contacts(ann[0])
    api = session(ann[1])

    assert api.get(f"/api/leads/{lead.pk}").json()["lead"]["phone"] == PHONE
    assert api.get(f"/api/property/bucket/leads?bucketId={lead.bucket_id}").json()["leads"][0]["email"] == EMAIL
    assert b"".join(api.get(f"/api/property/bucket/{lead.bucket_id}/export").streaming_content)

    assert recorded() == [("ann", "unmask", "api", 1), ("ann", "unmask", "api", 1), ("ann", "export", "api", 1)]


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
