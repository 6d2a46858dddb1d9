"""From lead to lead of the list a page was opened from; contacts that stay shown; who else looks."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote_plus

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AuditEvent
from buckets.services import create_bucket
from leads.admin.lead_page import link
from leads.admin.presence import look
from leads.models import Lead
from tests.admin_site import address, member, sees_contacts, signed_in, staff
from tests.support import make_user, mostly_long

pytestmark = pytest.mark.django_db
WORK = {"do": "work", "status": "new", "was": "new", "kind": "note", "text": "Rang", "seen": "0"}


@pytest.fixture
def ann() -> Any:
    cache.clear()
    return staff("ann")


def leads_of(user: Any, count: int, **facts: Any) -> list[Lead]:
    bucket, _ = create_bucket(by=user, name=f"{user}'s", property_ids=[str(number) for number in range(1, count + 1)])
    rows = list(bucket.leads.order_by("pk"))
    for place, lead in enumerate(rows):
        values = {name: value(place) if callable(value) else value for name, value in facts.items()}
        Lead.objects.filter(pk=lead.pk).update(**values) if values else None
    return list(bucket.leads.order_by("pk"))


def walk(client: Any, lead: Lead, query: str, at: str = "") -> Any:
    answer = client.get(link(lead, query, at))
    assert answer.status_code == 200
    return answer.context["walk"]


def of(address_: str) -> str:
    """The lead's id in an address."""
    found = re.search(r"/([0-9a-f-]{36})/change/", address_)
    return found.group(1) if found else ""


def test_a_link_carries_the_list_and_nothing_where_there_is_none():
    lead = Lead(pk="019a0000-0000-7000-8000-000000000000")
    base = f"/admin/leads/lead/{lead.pk}/change/"

    assert link(lead) == base
    assert link(lead, "") == f"{base}?from="
    assert link(lead, "?status=new&q=12 main") == f"{base}?from={quote_plus('status=new&q=12 main')}"


@pytest.mark.long
def test_next_and_previous_go_through_the_list_as_it_is_filtered_and_sorted(ann):
    rows = leads_of(ann[0], 6, estimated_equity=lambda place: (place * 7) % 5 * 1000, property_state="WA")
    Lead.objects.filter(pk=rows[3].pk).update(property_state="OR")

    newest = walk(ann[1], rows[2], "")
    assert (of(newest.previous), of(newest.next), newest.words) == (str(rows[3].pk), str(rows[1].pk), "4 of 6")
    filtered = walk(ann[1], rows[2], "propertyState=WA")
    assert (of(filtered.previous), of(filtered.next), filtered.words) == (str(rows[4].pk), str(rows[1].pk), "3 of 5")
    by_equity = "sort=-estimatedEquity&propertyState=WA"
    order = [row.pk for row in Lead.objects.filter(property_state="WA").order_by("-estimated_equity", "-pk")]
    seen, at = [str(order[0])], rows[[row.pk for row in rows].index(order[0])]
    while following := of(walk(ann[1], at, by_equity).next):
        seen.append(following)
        at = Lead.objects.get(pk=following)
    assert seen == [str(pk) for pk in order]
    assert walk(ann[1], at, by_equity).back == f"/admin/leads/lead/?{by_equity}"


@pytest.mark.long
def test_a_search_is_walked_through_in_its_own_order(ann):
    rows = leads_of(ann[0], 4, property_address=lambda place: f"{place + 1} Main St" if place != 1 else "9 Elm St")

    found = walk(ann[1], rows[2], "q=main st")

    assert (of(found.previous), of(found.next), found.words) == (str(rows[3].pk), str(rows[0].pk), "2 of 3")
    assert walk(ann[1], rows[1], "q=main st").words == ""  # it is not in what was searched for


@pytest.mark.long
def test_a_lead_that_left_the_list_by_being_worked_on_leads_on_to_the_next(ann):
    rows = leads_of(ann[0], 4)
    page = link(rows[2], "status=new")

    saved = ann[1].post(page, WORK | {"status": "contacted"})

    assert saved.headers["Location"] == page
    after = ann[1].get(saved.headers["Location"]).context["walk"]
    assert (of(after.next), after.words) == (str(rows[1].pk), "No longer in this list of 3")
    onward = ann[1].post(
        page, WORK | {"text": "Again", "seen": "2", "was": "contacted", "status": "lost", "then": "next"}
    )
    assert of(onward.headers["Location"]) == str(rows[1].pk)
    assert "from=status%3Dnew" in onward.headers["Location"]


@pytest.mark.long
def test_where_work_changes_the_order_the_place_is_kept(ann):
    rows = leads_of(ann[0], 3, estimated_value=lambda place: (place + 1) * 100_000)
    page = link(rows[1], "sort=estimatedValue")
    sees_contacts(ann[0])
    ann[1].post(page, {"do": "show"})

    saved = ann[1].post(page, WORK)
    Lead.objects.filter(pk=rows[1].pk).update(estimated_value=900_000)

    assert of(ann[1].get(saved.headers["Location"]).context["walk"].next) == str(rows[2].pk)
    assert walk(ann[1], Lead.objects.get(pk=rows[1].pk), "sort=estimatedValue").next == ""


@pytest.mark.parametrize(
    "query", mostly_long(["phone__startswith=1", "sort=nothing", "status=gone", "\x00", "q=" + "x" * 5000, "p=9"])
)
def test_an_address_that_names_no_list_is_a_page_without_neighbours_or_the_whole_list(ann, query):
    lead, _ = leads_of(ann[0], 2)

    answer = ann[1].get(address(Lead, "change", lead.pk), {"from": query})

    assert answer.status_code == 200
    assert "There is no such filter" not in answer.content.decode()
    assert answer.context["walk"].back.startswith("/admin/leads/lead/")
    assert ann[1].get(address(Lead, "change", lead.pk), {"from": "", "at": "nowhere"}).status_code == 200


def test_a_callers_walk_knows_her_own_leads_alone(ann):
    rows = leads_of(ann[0], 3)
    carl, client = member(rows[0].team, "caller", "carl")
    Lead.objects.filter(pk__in=[rows[0].pk, rows[2].pk]).update(assigned_to=carl)

    found = walk(client, rows[2], "")

    assert (of(found.next), found.previous, found.words) == (str(rows[0].pk), "", "1 of 2")


@pytest.mark.long
def test_a_walk_costs_the_same_few_statements_however_many_leads(ann):
    def statements(lead: Lead) -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            ann[1].get(link(lead, "status=new"))
        return len(asked)

    few = leads_of(ann[0], 3)
    statements(few[1])
    before = statements(few[1])
    create_bucket(by=ann[0], name="More", property_ids=[f"9{n}" for n in range(300)])
    assert statements(few[1]) == before


@pytest.mark.long
def test_phones_stay_shown_after_a_save_and_are_recorded_once(ann):
    first, second = leads_of(ann[0], 2, phone=lambda place: f"+1206555014{place}")
    sees_contacts(ann[0])
    client = signed_in(ann[0])

    shown = client.post(link(second, ""), {"do": "show", "walking": "1"})
    assert "+1 206 555 0141" in shown.content.decode()
    client.post(link(second, ""), WORK)
    assert "+1 206 555 0141" in client.get(link(second, "")).content.decode()
    assert AuditEvent.objects.filter(action="contacts.shown").count() == 1
    assert (
        "+1 206 555 0140" in client.get(link(first, "")).content.decode()
    )  # each lead of the list, and each is recorded
    assert [event.object_id for event in AuditEvent.objects.filter(action="contacts.shown").order_by("pk")] == [
        str(second.pk),
        str(first.pk),
    ]
    client.post(link(first, ""), {"do": "hide"})
    for lead in (first, second):
        assert "•••• 014" in client.get(link(lead, "")).content.decode()


@pytest.mark.long
def test_what_is_shown_ends_with_the_role_that_may_see_it(ann):
    (lead,) = leads_of(ann[0], 1, phone="+12065550142")
    sees_contacts(ann[0])
    client = signed_in(ann[0])
    client.post(link(lead), {"do": "show"})

    ann[0].memberships.update(is_masked=True)

    assert "+1 206 555 0142" not in client.get(link(lead)).content.decode()
    assert client.post(link(lead), {"do": "show"}).status_code == 403


@pytest.mark.long
def test_colleagues_who_look_at_a_lead_are_named_and_nobody_elses_people(ann):
    (lead,) = leads_of(ann[0], 1)
    _, bobs = member(lead.team, "buyer", "bob")
    stranger = make_user("eve")

    bobs.get(link(lead))
    assert "bob has this lead open right now." in ann[1].get(link(lead)).content.decode()
    piece = ann[1].get(link(lead), {"looking": "1"}).content.decode()
    assert "bob has this lead open right now." in piece and "<html" not in piece
    from accounts.access import own_access

    assert look(lead, own_access(stranger)) == []
    bobs_view = bobs.get(link(lead)).content.decode()
    assert "ann has this lead open right now." in bobs_view and "eve has" not in bobs_view


# --- What a person types ----------------------------------------------------------------------------------------------


def typed(client: Any, lead: Lead, **changes: str) -> Any:
    """The page's form as it stands, with these fields typed over."""
    form = client.get(link(lead)).context["typed"]
    said = {name: form[name].value() or "" for name in form.fields}
    return client.post(
        link(lead), {"do": "type", **{f"initial-{name}": text for name, text in said.items()}, **said, **changes}
    )


def test_typed_contacts_come_first_with_who_typed_them_and_what_was_bought_is_kept(ann):
    (lead,) = leads_of(
        ann[0], 1, phone="+12065550142", phone_type="landline", phone_do_not_call=False, owner_name="SMITH JO"
    )
    sees_contacts(ann[0])
    client = signed_in(ann[0])
    assert client.get(link(lead)).context["typed"] is None  # behind dots nothing is edited
    client.post(link(lead), {"do": "show"})

    saved = typed(client, lead, phone="(206) 555-0177", email="Jo@Example.com", owner_name="Jo Smith")

    assert saved.status_code == 302
    lead.refresh_from_db()
    assert (lead.phone, lead.phone_type, lead.phone_do_not_call) == ("+12065550177", "", None)
    assert (lead.email, lead.owner_name) == ("jo@example.com", "Jo Smith")
    assert (lead.fact_sources or {})["phone"]["by"] == "ann"
    page = client.get(link(lead)).content.decode()
    assert "typed by ann, " in page and "DNC unknown" in page and "+1 206 555 0142" in page
    assert [entry["value"] for entry in (lead.other_facts or {}).get("owner_name", [])] == ["SMITH JO"]


@pytest.mark.parametrize(
    ("field", "text", "said"),
    mostly_long(
        [
            ("phone", "12", "This is no phone number that could be called."),
            ("email", "jo@", "This is no e-mail address."),
            ("email", "jo..x@example.com", "This is no e-mail address."),
            ("mailing_state", "Washington State", "Two letters are needed"),
            ("phone", "", "This number was bought"),
            ("owner_name", "x" * 201, "at most 200 characters"),
            ("owner_name", "a\x00b", "Null characters are not allowed."),
        ]
    ),
)
def test_what_cannot_be_typed_is_said_at_its_field(ann, field, text, said):
    (lead,) = leads_of(ann[0], 1, phone="+12065550142", skip_traced_at=timezone.now())
    sees_contacts(ann[0])
    client = signed_in(ann[0])
    client.post(link(lead), {"do": "show"})

    answer = typed(client, lead, **{field: text})

    assert (answer.status_code, said in answer.content.decode()) == (200, True)
    assert Lead.objects.get().phone == "+12065550142"


@pytest.mark.long
def test_a_form_that_changes_nothing_says_so_and_a_colleagues_word_of_meanwhile_stays(ann):
    (lead,) = leads_of(ann[0], 1, phone="+12065550142")
    sees_contacts(ann[0])
    client = signed_in(ann[0])
    client.post(link(lead), {"do": "show"})
    assert "Nothing was changed." in typed(client, lead).content.decode()

    form = client.get(link(lead)).context["typed"]
    said = {name: form[name].value() or "" for name in form.fields}
    Lead.objects.filter(pk=lead.pk).update(first_name="Joan")
    client.post(link(lead), {"do": "type", **{f"initial-{n}": t for n, t in said.items()}, **said, "last_name": "Doe"})
    lead.refresh_from_db()
    assert (lead.first_name, lead.last_name) == ("Joan", "Doe")


@pytest.mark.long
def test_a_caller_types_on_her_own_leads_a_reader_nowhere(ann):
    mine, other = leads_of(ann[0], 2, phone="+12065550142")
    carl, client = member(mine.team, "caller", "carl")
    Lead.objects.filter(pk=mine.pk).update(assigned_to=carl)
    client.post(link(mine), {"do": "show"})

    assert typed(client, mine, email="jo@example.com").status_code == 302
    assert Lead.objects.get(pk=mine.pk).email == "jo@example.com"
    assert client.post(link(other), {"do": "type", "email": "x@example.com"}).status_code == 404
    _, reader = member(mine.team, "reader", "rita")
    assert reader.post(link(mine), {"do": "type", "email": "x@example.com"}).status_code == 403


@pytest.mark.long
def test_the_page_links_to_street_view_the_county_and_more_of_the_owners_properties(ann):
    rows = leads_of(
        ann[0], 13, property_state="WA", property_county="King County", latitude="47.6062095", longitude="-122.3320708",
        mailing_address="PO Box 7", mailing_city="Reno", mailing_state="NV", mailing_zip="89501", owner_name="Jo Smith",
    )  # fmt: skip
    from leads.keys.contact_keys import prepare, relink

    facts = {row.pk: {"owner_name": "Jo Smith", "mailing_address": "PO Box 7", "mailing_city": "Reno",
                      "mailing_state": "NV", "mailing_zip": "89501"} for row in rows}  # fmt: skip
    relink(list(facts), prepare(facts))

    page = ann[1].get(link(rows[0])).content.decode()

    assert "map_action=pano&amp;viewpoint=47.60621,-122.33207" in page
    assert (
        'href="https://publicrecords.netronline.com/state/WA/county/king" target="_blank" rel="noopener noreferrer"'
        in page
    )
    first = ann[1].get(link(rows[0])).context["owners"]
    assert (len(first.rows), first.count) == (10, "12")
    rest = ann[1].get(link(rows[0]), {"others": first.after}).context["owners"]
    assert (len(rest.rows), rest.after, rest.count) == (2, "", "12")
    assert not {row.pk for row, _ in first.rows} & {row.pk for row, _ in rest.rows}
