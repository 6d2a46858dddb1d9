from collections.abc import Sequence
from typing import Any

import pytest
from django.db import connection
from django.template.response import SimpleTemplateResponse
from django.test.utils import CaptureQueriesContext

from accounts.access import access_of
from buckets.models import BucketShare
from buckets.services import create_bucket
from leads.admin import columns
from leads.admin.filters import FILTERS as PAGE_FILTERS
from leads.admin.leads import LeadAdmin
from leads.fields.definitions import make_field
from leads.listing.saved_views import ViewRefused, save_view
from leads.models import Activity, CustomField, Lead, SavedView, Tag
from leads.selection.counting import TooSlow
from leads.selection.filters import FILTERS, MATCH
from leads.selection.sorting import SORTS
from leads.services import add_activity, add_tag
from tests.admin_site import address, member, sees_contacts, signed_in, staff, superuser

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_badge")]
WORK = {"do": "work", "kind": "note", "text": "", "was": "new", "seen": "0"}


@pytest.fixture
def ann() -> Any:
    return staff("ann")


@pytest.fixture
def bob() -> Any:
    return staff("bob")


def lead_of(user: Any, property_id: str = "11", **facts: Any) -> Lead:
    bucket, _ = create_bucket(by=user, name=f"{user}'s", property_ids=[property_id])
    Lead.objects.filter(bucket=bucket).update(**facts)
    return bucket.leads.get()


def found(client: Any, **query: Any) -> set[str]:
    page = client.get(address(Lead, "changelist"), query)
    return {lead.property_id for lead in page.context_data["cl"].result_list}


@pytest.fixture
def unrendered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages are made without their HTML, half of the time, for who asks many of them what they list."""
    monkeypatch.setattr(SimpleTemplateResponse, "rendered_content", "")


def test_staff_see_their_own_leads_tags_and_activities_only(ann, bob):
    mine, theirs = lead_of(ann[0]), lead_of(bob[0], "21")
    pairs: list[Sequence[Any]] = [(mine, theirs)]
    pairs += [tuple(Tag.objects.create(owner=lead.owner, name="hot") for lead in (mine, theirs))]
    pairs += [tuple(add_activity(lead=lead, by=lead.owner, kind="note", text="x") for lead in (mine, theirs))]

    for own, other in pairs:
        listed = ann[1].get(address(type(own), "changelist")).context["cl"].result_list
        assert [row.pk for row in listed] == [own.pk]
        assert ann[1].get(address(type(own), "change", own.pk)).status_code == 200
        elsewhere = ann[1].get(address(type(own), "change", other.pk))
        assert elsewhere.status_code == (404 if type(own) is Lead else 302)


def test_a_lead_is_found_by_its_property_and_its_own_id(ann, bob):
    mine = lead_of(ann[0], "11")
    lead_of(bob[0], "21")

    assert found(ann[1], q="11") == found(ann[1], q=str(mine.pk)) == {"11"}
    assert found(ann[1], q="1") == found(ann[1], q="21") == set()
    assert found(superuser()[1], q="21", team="all") == {"21"}


@pytest.mark.usefixtures("unrendered")
@pytest.mark.parametrize("text", ["a-1", "12 main", "SMITH LIV", "smith", "Jo smi", "12 Main St", "  12 MAIN ", "Main"])
def test_a_lead_is_found_by_the_words_of_its_address_parcel_or_owner(ann, bob, text):
    facts = {"apn": "A-1", "property_address": "12 Main St", "owner_name": "Smith Living Trust"}
    facts |= {"first_name": "Jo", "last_name": "Smith"}
    mine = lead_of(ann[0], "11", **facts)
    lead_of(ann[0], "12", property_address="9 Elm St", owner_name="Doe")
    lead_of(bob[0], "21", **facts)

    assert found(ann[1], q=text) == found(ann[1], q=text, bucket=str(mine.bucket_id)) == {"11"}
    assert found(superuser()[1], q=text, team="all") == {"11", "21"}
    assert found(ann[1], q="1") == set()


@pytest.mark.usefixtures("unrendered")
@pytest.mark.parametrize("text", ["+1206", "+12065550100", "(206) 555-0100", "2065550101", "jo@EX", "jo@example.com"])
def test_by_phone_and_e_mail_leads_are_found_by_who_may_see_them_only(ann, bob, text):
    reach = {"phone": "+12065550100", "secondary_phone": "+12065550101", "email": "jo@example.com"}
    lead_of(ann[0], "11", **reach)
    lead_of(bob[0], "21", **reach)

    assert found(ann[1], q=text) == set()
    sees_contacts(ann[0])
    assert found(ann[1], q=text) == {"11"}
    boss, client = superuser()
    lead_of(boss, "31", **reach)
    assert (found(client, q=text), found(client, q=text, team="all")) == ({"31"}, set())


@pytest.mark.parametrize("text", ["%", "_2 Main", "x' OR 1=1 --", "\\", "ü" * 300, "@", "+", "+1' OR"])
def test_a_search_takes_no_text_for_a_pattern(ann, text):
    lead_of(ann[0], "11", property_address="12 Main St", email="jo@example.com")
    sees_contacts(ann[0])

    assert found(ann[1], q=text) == set()


@pytest.fixture
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten rows instead of fifty, so that few leads fill three pages: it is the rows that take the time."""
    monkeypatch.setattr(LeadAdmin, "list_per_page", 10)


@pytest.mark.usefixtures("short_pages", "unrendered")
def test_a_search_is_paged_best_first_there_and_back(ann):
    bucket, _ = create_bucket(by=ann[0], name="Many", property_ids=[str(n) for n in range(24)])
    Lead.objects.update(property_city="Main")
    Lead.objects.filter(property_id="7").update(apn="MAIN")
    wanted = ["7", *(str(n) for n in reversed(range(24)) if n != 7)]

    assert walk(ann[1], q="main") == walk(ann[1], q="main", bucket=str(bucket.pk)) == wanted


def walk(client: Any, **query: Any) -> list[str]:
    """The property ids of all pages, and whether each page is found again on the way back."""
    places = [client.get(address(Lead, "changelist"), query).context_data["cl"]]
    while places[-1].older:
        places.append(client.get(address(Lead, "changelist") + places[-1].older).context_data["cl"])
    assert len(places) == -(-len({row.pk for place in places for row in place.result_list}) // 10) > 2
    back = places[-1]
    for place in places[-2::-1]:
        back = client.get(address(Lead, "changelist") + back.newer).context_data["cl"]
        assert [row.pk for row in back.result_list] == [row.pk for row in place.result_list]
    return [lead.property_id for place in places for lead in place.result_list]


@pytest.mark.usefixtures("short_pages", "unrendered")
@pytest.mark.parametrize(
    "query",
    [
        {"bucket": "its own"},
        *(pytest.param(q, marks=pytest.mark.long) for q in ({}, {"q": "kent"}, {"hasPhone": "false"})),
    ],
)
@pytest.mark.parametrize("sort", ["estimatedEquity", "-estimatedEquity", "bedrooms", "-bedrooms", "createdAt"])
def test_the_list_is_sorted_and_paged_there_and_back(ann, query, sort):
    bucket, _ = create_bucket(by=ann[0], name="Many", property_ids=[str(n) for n in range(22)])
    create_bucket(by=ann[0], name="More", property_ids=[str(n) for n in range(100, 108)])
    Lead.objects.update(property_city="Kent")
    for lead in Lead.objects.all():
        if int(lead.property_id) % 3:
            Lead.objects.filter(pk=lead.pk).update(estimated_equity=int(lead.property_id) % 7, bedrooms=2)
    query = {name: str(bucket.pk) if name == "bucket" else value for name, value in query.items()}
    leads = list(Lead.objects.filter(bucket=bucket) if "bucket" in query else Lead.objects.all())
    column = {"estimatedEquity": "estimated_equity", "bedrooms": "bedrooms"}.get(sort.removeprefix("-"), "pk")
    leads.sort(key=lambda lead: lead.pk, reverse=sort.startswith("-"))
    with_value = [lead for lead in leads if getattr(lead, column) is not None]
    with_value.sort(key=lambda lead: getattr(lead, column), reverse=sort.startswith("-"))
    wanted = [*with_value, *(lead for lead in leads if getattr(lead, column) is None)]

    assert walk(ann[1], sort=sort, **query) == [lead.property_id for lead in wanted]


@pytest.mark.long
@pytest.mark.usefixtures("short_pages", "unrendered")
@pytest.mark.parametrize("sort", ["bucketName", "assignedTo", "phone", "phoneType", "email", "doNotCall", "custom.ask"])
@pytest.mark.parametrize("sign", ["", "-"])
def test_every_column_sorts_and_pages_lead_there_and_back(ann, sort, sign):
    sees_contacts(ann[0])
    team = ann[0].memberships.get().team
    make_field(access_of(ann[0], team.pk), {"name": "Ask", "kind": "number"})
    people = [None, ann[0], member(team, "caller", "cal")[0]]
    for place, name in enumerate(("Yakima", "Bend", "Miami")):
        create_bucket(by=ann[0], name=name, property_ids=[str(10 * place + n) for n in range(8)])
    for lead in Lead.objects.all():
        n = int(lead.property_id)
        has = n % 4 != 0
        Lead.objects.filter(pk=lead.pk).update(
            assigned_to=people[n % 3], phone=f"+1206555{9000 - n}" if has else None,
            phone_type=["mobile", "voip"][n % 2] if has else None, email=f"{n % 5}@example.com" if has else None,
            phone_do_not_call=[True, False, None][n % 3] if has else None, custom={"ask": (n % 7) * 5} if has else None,
        )  # fmt: skip
    value: Any = {
        "bucketName": lambda lead: lead.bucket.name, "assignedTo": lambda lead: str(lead.assigned_to or "") or None,
        "phone": lambda lead: lead.phone, "phoneType": lambda lead: lead.phone_type, "email": lambda lead: lead.email,
        "doNotCall": lambda lead: lead.phone_do_not_call, "custom.ask": lambda lead: (lead.custom or {}).get("ask"),
    }[sort]  # fmt: skip
    leads = sorted(Lead.objects.all(), key=lambda lead: lead.pk, reverse=bool(sign))
    there = sorted((one for one in leads if value(one) is not None), key=value, reverse=bool(sign))
    wanted = [*there, *(one for one in leads if value(one) is None)]

    client = signed_in(ann[0])
    assert walk(client, sort=sign + sort) == [lead.property_id for lead in wanted]
    page: Any = client.get(address(Lead, "changelist"), {"sort": sign + sort})
    assert [one.sorted for one in page.context_data["headers"] if one.sorted] == ["descending" if sign else "ascending"]
    middle = wanted[11]
    lead_page: Any = client.get(f"{address(Lead, 'change', middle.pk)}?from=sort%3D{sign}{sort}")
    beside = lead_page.context_data["walk"]
    assert (str(wanted[12].pk) in beside.next, str(wanted[10].pk) in beside.previous) == (True, True)


def test_who_sees_no_contacts_cannot_put_leads_in_the_order_of_their_phones(ann):
    lead_of(ann[0], phone="+12065550142")
    rae = member(ann[0].memberships.get().team, "reader", "rae")[1]

    listed, page = shown_error(rae, "sort=phone")

    assert (listed, "cannot sort by them" in page) == (set(), True)
    headers = {one.title: one.address for one in rae.get(address(Lead, "changelist")).context["headers"]}
    assert (headers["Phone"], headers["E-mail"], headers["DNC"] != "") == ("", "", True)
    assert 'value="-phone"' not in rae.get(address(Lead, "changelist")).content.decode()


@pytest.mark.long
def test_a_shared_buckets_leads_are_not_put_in_the_order_of_what_their_team_does(ann, bob):
    bucket = lead_of(ann[0]).bucket
    BucketShare.objects.create(bucket=bucket, team=bob[0].memberships.get().team)
    CustomField.objects.create(team=bucket.team, key="ask", name="Ask", kind="number")

    assert found(bob[1], bucket=str(bucket.pk), sort="-estimatedValue") == {"11"}
    for sort in ("-lastActivityAt", "callbackAt", "-assignedTo", "custom.ask"):
        assert found(bob[1], bucket=str(bucket.pk), sort=sort) == set()
        assert found(ann[1], bucket=str(bucket.pk), sort=sort) == {"11"}


def test_an_order_that_does_not_exist_lists_nothing_and_says_so(ann):
    lead_of(ann[0])

    listed, page = shown_error(ann[1], "sort=phones")

    assert listed == set()
    assert "Sort by: this filter cannot be read" in page


def test_more_leads_than_can_be_sorted_are_refused_in_words(ann, monkeypatch):
    def slow(*_given: Any, **_options: Any) -> None:
        raise TooSlow

    create_bucket(by=ann[0], name="Many", property_ids=["1", "2", "3"])
    assert found(ann[1], sort="estimatedEquity") == found(ann[1], sort="-bedrooms") == {"1", "2", "3"}

    monkeypatch.setattr("leads.selection.sorting._by_parts", slow)
    assert "too many leads to be sorted this way" in shown_error(ann[1], "sort=bedrooms")[1]


def test_any_of_the_filters_is_enough_where_the_list_says_so(ann):
    lead_of(ann[0], "11", vacant=True)
    lead_of(ann[0], "12", tax_lien=True)
    lead_of(ann[0], "13")
    both = {"vacant": "true", "taxLien": "true"}

    assert found(ann[1], **both) == found(ann[1], **both, match="all") == set()
    assert found(ann[1], **both, match="any") == {"11", "12"}
    assert found(ann[1], **both, match="any", bucket=str(Lead.objects.get(property_id="11").bucket_id)) == {"11"}
    assert found(ann[1], match="any") == {"11", "12", "13"}
    assert shown_error(ann[1], "vacant=maybe&taxLien=true&match=any")[0] == set()


def shown_error(client: Any, query: str) -> tuple[set[str], str]:
    """The leads that are listed, and the page."""
    page = client.get(f"{address(Lead, 'changelist')}?{query}", follow=True)
    assert page.status_code == 200
    return {lead.property_id for lead in page.context["cl"].result_list}, page.content.decode()


@pytest.mark.usefixtures("by_the_lead_alone")
@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("doNotCall=0", {"11"}),
        ("doNotCall=No", {"11"}),
        ("doNotCall=TRUE", {"12"}),
        ("doNotCall=unknown", {"13"}),
        ("hasPhone=1", {"11", "12", "13"}),
        ("hasPhone=0", {"14"}),
        ("contactable=false", {"12", "14"}),
        ("contactable=yes", {"11", "13"}),
        ("propertyState=wa&propertyState=OR", {"11", "12"}),
        ("status=new&status=lost&propertyState=wa", {"11"}),
        ("hasPhone=1&hasPhone=&status=", {"11", "12", "13"}),
    ],
)
def test_a_filter_of_the_list_is_read_as_the_api_reads_it(ann, query, wanted):
    known = {"phone": "+12065550100", "enrichment_status": "completed"}
    lead_of(ann[0], "11", **known, phone_do_not_call=False, property_state="WA")
    lead_of(ann[0], "12", **known, phone_do_not_call=True, property_state="OR")
    lead_of(ann[0], "13", **known)
    lead_of(ann[0], "14")

    listed, page = shown_error(ann[1], query)

    assert listed == wanted
    assert "cannot be read" not in page


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("hasPhone=maybe", "Has a phone"),
        ("doNotCall=2", "On DNC"),
        ("taxLien=true&taxLien=false", "Tax lien"),
        ("status=hot", "Status"),
        ("estimatedEquityMin=1_000", "Equity from ($)"),
        ("bucket=7", "Bucket"),
    ],
)
def test_a_filter_that_cannot_be_read_is_named_and_lists_nothing(ann, query, title):
    lead_of(ann[0], "11", phone="+12065550100")

    listed, page = shown_error(ann[1], query)

    assert listed == set()
    assert f"{title}: this filter cannot be read, so no lead is shown." in page


def test_a_filter_is_drawn_by_no_template_and_its_box_names_what_is_wrong_with_it(ann):
    lead_of(ann[0], "11")
    query = {"view": "all", "status": ["new", "lost"], "bedroomsMin": "x", "propertyCity": '"><b>'}

    answer = ann[1].get(address(Lead, "changelist"), query)

    page = answer.content.decode()
    assert len(answer.templates) < 90  # 740 where each box, and each of its choices, was a template
    assert '<option value="new" selected>New</option>' in page
    assert '<option value="lost" selected>Lost</option>' in page
    assert 'aria-describedby="filter_bedroomsMin_error"' in page
    assert '<span class="desk-error" role="alert" id="filter_bedroomsMin_error">Enter a number.</span>' in page
    assert 'id="filter_propertyCity" name="propertyCity" type="text" value="&quot;&gt;&lt;b&gt;"' in page


def test_a_filter_of_another_list_that_cannot_be_read_is_not_dropped_without_a_word(ann):
    add_activity(lead=lead_of(ann[0]), by=ann[0], kind="note", text="x")

    page = ann[1].get(address(Activity, "changelist") + "?lead=7", follow=True)

    assert "These filters cannot be read and are ignored: lead" in page.content.decode()


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("status=new&status=lost&hasPhone=1", "hasPhone=1&status=new&status=lost"),
        ("?vacant=&propertyState=WA", "propertyState=WA"),
    ],
)
def test_a_view_keeps_every_value_of_a_filter(ann, query, kept):
    assert save_view(by=ann[0], name="Mine", query=query).query == kept


@pytest.mark.parametrize("query", ["hasPhone=maybe", "vacant=true&vacant=false", "status=hot", "q=a&q=b", "bucket=7"])
def test_a_view_of_filters_that_cannot_be_read_is_refused_by_name(ann, query):
    with pytest.raises(ViewRefused, match=query.partition("=")[0]):
        save_view(by=ann[0], name="Mine", query=query)
    assert not SavedView.objects.exists()


def test_a_masked_number_cannot_be_told_digit_by_digit_through_the_address_line(ann):
    lead_of(ann[0], "11", phone="+12065550100")

    for name in ("phone__startswith", "phone", "email__contains", "secondary_phone__gt", "owner__password__startswith"):
        for number in ("+1206", "+1999"):
            answer = ann[1].get(address(Lead, "changelist"), {name: number})
            assert (answer.status_code, answer["Location"]) == (302, f"{address(Lead, 'changelist')}?e=1")
    assert found(ann[1], o="6") == {"11"}


def test_pages_go_by_key_there_and_back_and_nothing_is_counted(ann):
    bucket, _ = create_bucket(by=ann[0], name="Many", property_ids=[str(n) for n in range(120)])
    page = ann[1].get(address(Lead, "changelist"), {"bucket": str(bucket.pk), "status": ""})
    seen, places = [], [page.context["cl"]]
    while places[-1].older:
        places.append(ann[1].get(address(Lead, "changelist") + places[-1].older).context["cl"])
    for place in places:
        seen += [lead.property_id for lead in place.result_list]
    assert [len(place.result_list) for place in places] == [50, 50, 20]
    assert seen == [str(n) for n in reversed(range(120))]

    back = ann[1].get(address(Lead, "changelist") + places[-1].newer).context["cl"]
    assert [row.pk for row in back.result_list] == [row.pk for row in places[1].result_list]
    first = ann[1].get(address(Lead, "changelist") + back.newer).context["cl"]
    assert [row.pk for row in first.result_list] == [row.pk for row in places[0].result_list]
    assert (first.newer, first.first) == (None, None)
    assert "bucket=" in back.newer
    form = ann[1].get(address(Lead, "changelist") + places[-1].newer).content.decode()
    assert 'name="before"' not in form  # other filters begin with their first page
    with CaptureQueriesContext(connection) as sent:
        ann[1].get(address(Lead, "changelist") + places[1].older)
    asked = [q["sql"] for q in sent if "accounts_notification" not in q["sql"]]  # the bell's
    assert not [sql for sql in asked if "COUNT(" in sql or "OFFSET" in sql]


def test_a_page_that_is_no_id_is_the_first(ann):
    lead_of(ann[0], "11")

    assert found(ann[1], after="x' OR 1=1") == found(ann[1], before="7") == found(ann[1], p="9") == {"11"}


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({"status": "new"}, {"11", "12"}),
        ({"status": "lost"}, set()),
        ({"status__exact": "new"}, {"11", "12"}),
        ({"enrichmentStatus": "completed"}, {"11"}),
        ({"hasPhone": "true"}, {"11"}),
        ({"hasPhone": "false"}, {"12"}),
        ({"doNotCall": "true"}, {"11"}),
        ({"contactable": "true"}, set()),
        ({"propertyState": "wa"}, {"11"}),
        ({"propertyType": "SFR"}, {"11"}),
        ({"estimatedEquityMin": "100000", "estimatedEquityMax": "300000"}, {"11"}),
        ({"estimatedEquityMin": "300001"}, set()),
        ({"absenteeOwner": "true"}, {"11"}),
        ({"vacant": "false"}, {"11"}),
        ({"tag": "HOT"}, {"11"}),
        ({"tag": "cold"}, set()),
    ],
)
def test_the_list_is_filtered(ann, query, wanted):
    facts = {"phone": "+12065550100", "enrichment_status": "completed", "phone_do_not_call": True}
    facts |= {"property_state": "WA", "property_type": "SFR", "estimated_equity": 300_000}
    add_tag(leads=[lead_of(ann[0], "11", absentee_owner=True, vacant=False, **facts)], name="hot")
    lead_of(ann[0], "12")

    assert found(ann[1], **query) == wanted


def test_somebody_elses_bucket_is_an_empty_filter_and_its_name_is_not_shown(ann, bob):
    theirs = lead_of(bob[0])

    page = ann[1].get(address(Lead, "changelist"), {"bucket": str(theirs.bucket_id)})

    assert list(page.context["cl"].result_list) == []
    assert "bob&#x27;s" not in page.content.decode()


def test_a_status_is_moved_on_with_its_history_and_the_buckets_count(ann):
    lead = lead_of(ann[0])

    saved = ann[1].post(address(Lead, "change", lead.pk), WORK | {"status": "contacted"})

    lead.refresh_from_db()
    lead.bucket.refresh_from_db()
    assert (saved.status_code, lead.status, lead.activity_count, lead.bucket.contacted_leads) == (
        302,
        "contacted",
        1,
        1,
    )
    assert Activity.objects.get().text == "new → contacted"


def test_bought_facts_cannot_be_typed_in(ann):
    lead = lead_of(ann[0], phone="+12065550100", enrichment_status="completed")

    ann[1].post(
        address(Lead, "change", lead.pk),
        WORK
        | {
            "status": "lost",
            "phone": "+12065550199",
            "owner_name": "Me",
            "enrichment_status": "pending",
            "property_id": "9",
        },
    )

    after = Lead.objects.get()
    assert after.status == "lost"
    assert (after.phone, after.owner_name, after.enrichment_status, after.property_id) == (
        "+12065550100",
        None,
        "completed",
        "11",
    )


def test_leads_and_activities_are_neither_made_nor_deleted_here():
    boss, client = superuser()
    lead = lead_of(boss)
    activity = add_activity(lead=lead, by=boss, kind="note", text="x")

    for row in (lead, activity):
        assert client.get(address(type(row), "add")).status_code == 403
        assert client.post(address(type(row), "delete", row.pk), {"post": "yes"}).status_code == 403
    assert client.post(address(Activity, "change", activity.pk), {"text": "y"}).status_code == 403
    assert Activity.objects.get().text == "x"


def test_a_tag_is_made_for_whoever_makes_it_and_once(ann):
    first = ann[1].post(address(Tag, "add"), {"name": "Hot", "color": "#ff0000"})
    again = ann[1].post(address(Tag, "add"), {"name": "hot", "color": "#ff0000"})
    bad = ann[1].post(address(Tag, "add"), {"name": "cold", "color": "blue"})

    assert (first.status_code, again.status_code, bad.status_code) == (302, 200, 200)
    assert "There is a tag &#x27;hot&#x27; already." in again.content.decode()
    assert [(tag.owner, tag.name) for tag in Tag.objects.all()] == [(ann[0], "Hot")]


def test_a_superuser_looks_at_another_teams_tag_and_does_not_change_it(ann):
    tag = Tag.objects.create(owner=ann[0], name="hot")
    client = superuser()[1]

    assert client.get(address(Tag, "change", tag.pk)).status_code == 200
    client.post(address(Tag, "change", tag.pk), {"name": "warm", "color": "#ff0000"})

    tag.refresh_from_db()
    assert (tag.owner, tag.name) == (ann[0], "hot")


def plan_of(client: Any, **query: Any) -> str:
    """PostgreSQL's plan for the page's rows."""
    page = client.get(address(Lead, "changelist"), query)
    sql, params = page.context["cl"].queryset[:50].query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}", params)
        return "\n".join(row[0] for row in cursor.fetchall())


@pytest.mark.long
def test_lists_go_by_an_index(ann):
    bucket, _ = create_bucket(by=ann[0], name="Large", property_ids=[str(n) for n in range(20_000)])
    create_bucket(by=staff("bob")[0], name="Other", property_ids=[str(n) for n in range(5_000)])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE leads_lead, buckets_bucket")

    assert "Index Scan Backward using leads_lead_pkey" in plan_of(superuser()[1], team="all")
    for query in ({}, {"bucket": str(bucket.pk)}):
        assert "Seq Scan on leads_lead" not in plan_of(ann[1], **query)
    caller, hers = member(bucket.team, "caller")
    few = Lead.objects.filter(
        bucket=bucket, pk__in=Lead.objects.filter(bucket=bucket).order_by("pk")[:200].values("pk")
    )
    few.update(assigned_to=caller)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE leads_lead")
    assert "lead_by_assignee" in plan_of(hers)
    assert "lead_by_assignee" in plan_of(ann[1], assignedTo=str(caller.pk))


def test_the_page_takes_every_filter_of_the_api_and_opens_every_view_of_them(ann):
    offered = {one.parameter_name for one in PAGE_FILTERS}
    assert offered == {*FILTERS, MATCH, "bucket", "sort"}
    lead_of(ann[0], bathrooms="2.5", equity_percent="60")
    for query in (
        "bathroomsMax=3&equityPercentMax=70",
        "bought=no&enrichedOnly=false&needsApollo=1&needsSkipTrace=YES",
    ):
        view = save_view(by=ann[0], name="Mine", query=query, replaces=True)
        page = ann[1].get(f"{address(Lead, 'changelist')}?{view.query}")
        assert (page.status_code, len(page.context["cl"].result_list)) == (200, 1)
    page = ann[1].get(f"{address(Lead, 'changelist')}?highEquity=true&foreclosure=false")
    assert (page.status_code, page.context["cl"].result_list) == (200, [])


def test_a_lead_without_an_address_is_called_by_what_it_is_known_by():
    for facts, title in (
        ({"property_id": "apn:32003:7-7-026", "apn": "7-7-026"}, "APN 7-7-026"),
        ({"property_id": "apn:32003:7-7-026"}, "APN 7-7-026"),
        ({"property_id": "address:9 ELM ST|76701"}, "9 ELM ST"),
        ({"property_id": "apn:~0f", "apn": "7"}, "APN 7"),
        ({"property_id": "12"}, "Property 12"),
        ({"property_id": "12", "property_address": "9 Elm St"}, "9 Elm St"),
    ):
        assert str(Lead(**facts)) == title


def test_the_list_shows_what_it_is_sorted_by(ann):
    sorted_by = {one.sort for one in (*columns._OWN, *columns._SORTED)} - {""}
    assert sorted_by == SORTS.keys()
    lead_of(
        ann[0], estimated_equity=-5_000, estimated_value=400_000, equity_percent="12.50", bedrooms=3, year_built=1950,
        last_sale_date="2020-07-04", last_contact_at="2026-11-01T12:00Z", callback_at="2026-12-01T12:00Z",
    )  # fmt: skip
    shown = {
        sort: ann[1].get(address(Lead, "changelist"), {"sort": sort}).content.decode()
        for sort in ("estimatedEquity", "-estimatedValue", "equityPercent", "yearBuilt", "-lastSaleDate", "callbackAt")
    }
    assert "-$5,000" in shown["estimatedEquity"] and "$400,000" not in shown["estimatedEquity"]
    assert "$400,000" in shown["-estimatedValue"]
    assert "12%" in shown["equityPercent"] and "1950" in shown["yearBuilt"] and "Jul 4, 2020" in shown["-lastSaleDate"]
    assert "Tue, Dec 1" in shown["callbackAt"]


def test_a_caller_without_leads_is_told_who_assigns_them():
    ann, _ = staff()
    _, caller = member(ann.memberships.get().team, "caller")

    page = caller.get("/admin/leads/lead/").content.decode()

    assert "Your team has assigned no leads to you yet. A manager or buyer does that." in page
    assert "Find properties" not in page


def test_a_view_that_is_saved_keeps_the_columns_that_stood_there(ann):
    columns.choose(user_id=ann[0].pk, preset="withPhone", keys=["owner", "equityPercent"])
    said = {"name": "Mine", "query": "hasPhone=true", "whose": "team"}
    for of, kept in (("withPhone", ["owner", "equityPercent"]), ("all", None), ("nosuch", None)):
        SavedView.objects.all().delete()
        ann[1].post("/admin/leads/lead/views/", {**said, "columns_of": of})
        assert (SavedView.objects.get().columns, of) == (kept, of)
