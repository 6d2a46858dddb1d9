"""One lead enriched from its page, and one address looked up: the price on the button, bought once."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from accounts.access import own_access
from accounts.models import AuditEvent
from buckets.services import create_bucket
from enrichment.models import Run
from integrations.models import Lookup
from leads.admin.addresses import link
from leads.models import Lead
from leads.permission.adding import add_suppression
from tests.admin_site import member, sees_contacts, signed_in, staff
from tests.support import billed, make_bucket, pump_until_still, some_ids

pytestmark = pytest.mark.django_db(transaction=True)
ADDRESS = "/admin/buckets/bucket/find/address/"


def body(answer: Any) -> str:
    assert answer.status_code == 200, answer
    return " ".join(answer.content.decode().split())


def field(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    return found.group(1) if found else ""


def test_one_press_is_one_job_over_this_lead_and_its_facts_come_in(sandbox):
    ann, _ = staff("ann")
    sees_contacts(ann)
    client = signed_in(ann)
    lead = make_bucket(sandbox, ann, 3).leads.order_by("pk")[1]

    page = body(client.get(link(lead)))
    offer, once = field(page, "offer"), field(page, "once")
    price = offer.partition(" ")[2]
    assert re.search(rf"Enrich this lead \(\${float(price):.2f}\)", page)
    assert "Property data only" in page
    stale = body(client.post(link(lead), {"do": "enrich", "offer": "full 0.0001", "once": once}))
    assert "Nothing is bought yet" in stale and Run.objects.count() == 0

    for _ in range(2):
        client.post(link(lead), {"do": "enrich", "offer": offer, "once": once})
    run = Run.objects.get()
    assert (run.total, run.max_cost) == (1, Decimal(price))
    during = body(client.get(link(lead)))
    assert "is at work on this lead" in during
    assert "is at work" in body(client.get(f"/admin/leads/lead/{lead.pk}/enriching/"))
    pump_until_still()
    come = body(client.get(f"/admin/leads/lead/{lead.pk}/enriching/"))
    assert "It has come." in come
    lead.refresh_from_db()
    assert lead.enriched_at is not None and billed(sandbox) <= Decimal(price)
    after = body(client.get(link(lead)))
    assert "Enrich this lead" not in after
    fresh = {*re.findall(r"#([a-z-]+)", come)}  # parts that come in: with them what the page says of the lead is true
    assert {"lead-head", "contact", "may-contact", "facts"} <= fresh
    assert {name for name in fresh for page in (during, after) if f'id="{name}"' not in page} == set()
    before = billed(sandbox)
    client.post(link(lead), {"do": "enrich", "offer": offer, "once": once})
    assert billed(sandbox) == before


@pytest.mark.long
def test_who_buys_nothing_is_offered_nothing(sandbox):
    ann, _ = staff("ann")
    lead = make_bucket(sandbox, ann, 1).leads.get()
    carl, caller = member(lead.team, "caller", "carl")
    Lead.objects.update(assigned_to=carl)
    _, reader = member(lead.team, "reader", "rita")

    for client in (caller, reader):
        assert "Enrich this lead" not in body(client.get(link(lead)))
        assert client.post(link(lead), {"do": "enrich", "offer": "full 0.1", "once": "x" * 36}).status_code == 403
    assert reader.get(f"/admin/leads/lead/{lead.pk}/enriching/").status_code == 200
    assert caller.get(f"/admin/leads/lead/{lead.pk}/enriching/").status_code == 404
    assert staff("eve")[1].get(f"/admin/leads/lead/{lead.pk}/enriching/").status_code == 404
    assert Run.objects.count() == 0


@pytest.mark.long
def test_an_address_is_found_for_nothing_bought_at_its_price_and_saved_or_not(sandbox):
    ann, _ = staff("ann")
    sees_contacts(ann)
    client = signed_in(ann)
    bucket, _ = create_bucket(by=ann, name="Looked up", property_ids=[])
    (property_id,) = some_ids(sandbox, 1, 0)

    assert "Type at least 3 characters." in body(client.get(ADDRESS, {"q": "1"}))
    assert "?id=" in body(client.get(f"{ADDRESS}places/", {"q": "1"})) or billed(sandbox) == 0
    page = body(client.get(ADDRESS, {"id": property_id, "q": "12 Main"}))
    most, once = field(page, "most"), field(page, "once")
    assert f"Get property data (${float(most):.2f})" in page and billed(sandbox) == 0

    dear = body(client.post(ADDRESS, {"id": property_id, "most": "0.0001", "once": once, "do": "detail"}))
    assert "Nothing was bought" in dear and billed(sandbox) == 0
    for _ in range(2):
        bought = client.post(ADDRESS, {"id": property_id, "q": "12 Main", "most": most, "once": once, "do": "detail"})
        assert bought.status_code == 302
    assert billed(sandbox) == Decimal(most)
    known = body(client.get(bought.headers["Location"]))
    assert "Save ($0.00: already purchased)" in known and "Estimated value" in known
    assert Lead.objects.count() == 0

    saved = client.post(
        ADDRESS, {"id": property_id, "most": "0", "once": once, "bucket": str(bucket.pk), "do": "detail"}
    )
    lead = Lead.objects.get()
    assert saved.headers["Location"] == link(lead)
    pump_until_still()
    lead.refresh_from_db()
    assert lead.property_address and billed(sandbox) == Decimal(most)


@pytest.mark.long
def test_the_phones_of_an_address_are_bought_once_at_their_price_shown_and_saved_with_it(sandbox):
    ann, _ = staff("ann")
    sees_contacts(ann)
    client, team = signed_in(ann), ann.memberships.get().team
    bucket, _ = create_bucket(by=ann, name="Looked up", property_ids=[])
    said: dict[str, str] = {}
    for property_id in some_ids(sandbox, 20, 0):  # some owners have no phone
        said = {"id": property_id, "q": "12 Main"}
        page = body(client.get(ADDRESS, said))
        assert "Find the owner’s phones" not in page
        assert "Get the property data first." in body(client.post(ADDRESS, said | {"do": "trace", "most": "1"}))
        detail = {"do": "detail", "most": field(page, "most"), "once": field(page, "once")}
        client.post(ADDRESS, said | detail)
        page, before = body(client.get(ADDRESS, said)), billed(sandbox)
        most = page[: page.index('value="trace"')].rpartition('name="most" value="')[2].partition('"')[0]
        assert f"Find the owner’s phones and e-mail (${float(most):.2f})" in page and float(most) > 0
        dear = body(client.post(ADDRESS, said | {"do": "trace", "most": "0.0001"}))
        assert ("Nothing was bought" in dear, billed(sandbox)) == (True, before)
        for _ in range(2):
            traced = body(client.post(ADDRESS, said | {"do": "trace", "most": most}))
        if "<dt>Phone</dt>" in traced:
            break
    assert billed(sandbox) == before + Decimal(most)
    assert "Find the owner’s phones" not in traced and "Contact</h3>" in traced
    facts: Any = Lookup.objects.filter(operation__name="skip_trace", facts__has_key="phone").latest("pk").facts
    add_suppression(access=own_access(ann), phone=facts["phone"])
    again = body(client.post(ADDRESS, said | {"do": "trace", "most": "0"}))
    assert re.search(r"<dt>Phone</dt><dd>[^<]*, do not call</dd>", again), again[again.index("Contact</h3>") :][:300]
    shown = AuditEvent.objects.filter(action="contacts.shown", team_id=team.pk, after__page="address")
    assert shown.count() >= 3
    assert "<dt>Phone</dt>" not in body(client.get(ADDRESS, said))
    for role, status in (("reader", 403), ("caller", 403)):
        assert member(team, role)[1].post(ADDRESS, said | {"do": "trace", "most": most}).status_code == status

    client.post(ADDRESS, said | {"do": "detail", "most": "0", "once": str(uuid4()), "bucket": str(bucket.pk)})
    pump_until_still()

    lead = Lead.objects.get()
    assert (bool(lead.phone), billed(sandbox)) == (True, before + Decimal(most))
    assert Run.objects.get().max_cost == Decimal("0.0001")


@pytest.mark.parametrize("given", [{"id": "x"}, {"id": "-1"}, {"id": "9" * 40}, {"id": "1\x00"}])
def test_an_id_that_is_none_is_refused(given):
    client = staff("ann")[1]

    assert client.get(ADDRESS, given).status_code == 400
    assert client.post(ADDRESS, given | {"most": "nan", "do": "detail"}).status_code == 400
    assert client.post(ADDRESS, {"id": "5", "most": "nan", "do": "detail", "once": "x"}).status_code in (200, 400)
