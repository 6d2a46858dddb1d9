"""A lead's own page and its forms, the actions on many leads, and a person's own views of the list."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.access import access_of
from buckets.services import create_bucket
from common.dates import day
from enrichment.models import Run, RunItem
from integrations.models import Budget
from leads.admin import columns
from leads.admin.lead_facts import groups
from leads.fields.definitions import make_field
from leads.listing.saved_views import VIEWS_AT_MOST, ViewRefused, save_view
from leads.models import Activity, ColumnChoice, Lead, SavedView, Tag
from leads.services import add_activity, add_tag, edit_lead
from tests.admin_site import act, address, member, staff, superuser, words
from tests.leads.samples import make_leads
from tests.support import make_user

pytestmark = pytest.mark.django_db
WORK = {"do": "work", "status": "new", "was": "new", "kind": "note", "text": "", "seen": "0"}
LIST = "/admin/leads/lead/"


@pytest.fixture
def ann() -> Any:
    return staff("ann")


def lead_of(user: Any, *property_ids: str, **facts: Any) -> Lead:
    bucket, _ = create_bucket(by=user, name=f"{user}'s", property_ids=property_ids or ["11"])
    Lead.objects.filter(bucket=bucket).update(**facts)
    return bucket.leads.order_by("pk")[0]


def page_of(client: Any, lead: Lead, **query: Any) -> str:
    answer = client.get(address(Lead, "change", lead.pk), query)
    assert answer.status_code == 200
    return str(answer.content.decode())


def post(client: Any, lead: Lead, **data: Any) -> Any:
    return client.post(address(Lead, "change", lead.pk), data)


def history(lead: Lead) -> list[tuple[str, str]]:
    return list(lead.activities.order_by("pk").values_list("kind", "text"))


def test_facts_stand_with_their_source_and_age(ann):
    days_ago = {days: timezone.now() - timedelta(days=days, hours=1) for days in (3, 5)}
    lead = lead_of(
        ann[0],
        property_address="12 Main St",
        property_city="Seattle",
        property_state="WA",
        property_county="King",
        estimated_value=650_000,
        equity_percent="45.20",
        mailing_address="PO Box 7",
        traced_address="9 Elm St",
        tax_lien=True,
        vacant=False,
        enriched_at=days_ago[5],
        skip_traced_at=days_ago[3],
        latitude="47.6062095",
        longitude="-122.3320708",
    )

    words = " ".join(page_of(ann[1], lead).replace("\xa0", " ").split())

    assert "Seattle, WA · King County" in words
    for text in ("$650,000", "45%", "PO Box 7", "Tax lien", "mlat=47.60621&amp;mlon=-122.33207"):
        assert text in words
    assert "RealEstateAPI detail, <time" in words
    assert "5 days, 1 hour ago" in words
    assert "Skip trace, <time" in words
    assert "3 days, 1 hour ago" in words
    assert "Vacant" not in words


def test_a_lead_that_is_an_id_says_so(ann):
    lead = lead_of(ann[0])

    words = page_of(ann[1], lead)

    assert "Only the property id is known: 11." in words
    assert "contacts have not been bought" in words


def test_what_a_vendor_or_a_person_wrote_is_text_and_no_markup(ann):
    lead = lead_of(ann[0], owner_name="<script>alert(1)</script>", apollo_linkedin_url="javascript:alert(1)")
    add_activity(lead=lead, by=ann[0], kind="note", text="<img src=x onerror=alert(1)>")

    words = page_of(ann[1], lead)

    assert "<script>alert" not in words
    assert "<img src=x" not in words
    assert 'href="javascript' not in words


def test_a_note_and_a_change_of_status_are_one_form(ann):
    lead = lead_of(ann[0])

    answer = post(ann[1], lead, **WORK | {"status": "contacted", "kind": "call", "text": "Will sell in May"})

    lead.refresh_from_db()
    lead.bucket.refresh_from_db()
    assert (answer.status_code, lead.status, lead.bucket.contacted_leads) == (302, "contacted", 1)
    assert history(lead) == [("status", "new → contacted"), ("call", "Will sell in May")]
    assert "Will sell in May" in page_of(ann[1], lead)


def test_a_form_pressed_twice_notes_once_and_again_on_a_new_page_notes_again(ann):
    lead = lead_of(ann[0])
    pressed = WORK | {"kind": "call", "text": "No answer", "status": "contacted"}

    for _ in range(2):
        assert post(ann[1], lead, **pressed).status_code == 302
    assert sorted(history(lead)) == [("call", "No answer"), ("status", "new → contacted")]

    seen = Lead.objects.get().activity_count
    post(ann[1], lead, **pressed | {"seen": str(seen), "was": "contacted"})
    assert history(lead).count(("call", "No answer")) == 2


def test_a_note_does_not_take_back_a_status_that_somebody_else_has_set(ann):
    lead = lead_of(ann[0])
    post(ann[1], lead, **WORK | {"status": "qualified"})

    post(ann[1], lead, **WORK | {"text": "Wrote a letter"})

    lead.refresh_from_db()
    assert lead.status == "qualified"
    assert history(lead) == [("status", "new → qualified"), ("note", "Wrote a letter")]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({}, "Change the status, or write a note."),
        ({"status": "gone"}, "is not one of the available choices"),
        ({"kind": "status", "text": "x"}, "is not one of the available choices"),
        ({"text": "x" * 2001}, "at most 2000 characters"),
        ({"text": "a\x00b"}, "Null characters are not allowed."),
        ({"seen": "x", "text": "a"}, ""),
    ],
)
def test_a_form_that_is_wrong_says_so_and_changes_nothing(ann, wrong, said):
    lead = lead_of(ann[0])

    answer = post(ann[1], lead, **WORK | wrong)

    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert (history(lead), Lead.objects.get().status) == ([], "new")


def test_tags_are_added_and_removed_and_belong_to_the_leads_owner(ann):
    lead = lead_of(ann[0])
    boss = ann[1]

    for name in ("Hot", "hot ", "HOT"):
        post(boss, lead, do="tag", tag=name)
    assert list(Tag.objects.values_list("owner__username", "name")) == [("ann", "Hot")]
    assert [tag.name for tag in lead.tags.all()] == ["Hot"]
    assert "at most 50 characters" in post(boss, lead, do="tag", tag="x" * 51).content.decode()

    for _ in range(2):
        assert post(ann[1], lead, do="untag", tag="hot").status_code == 302
    assert (lead.tags.count(), Tag.objects.count()) == (0, 1)


def test_nobody_works_on_somebody_elses_lead(ann):
    lead = lead_of(make_user("bob"))
    for data in (WORK | {"status": "lost"}, {"do": "tag", "tag": "x"}, {"do": "untag", "tag": "x"}):
        assert post(ann[1], lead, **data).status_code == 404
    assert ann[1].get(address(Lead, "change", "no-id")).status_code == 404
    assert (Lead.objects.get().status, Tag.objects.count()) == ("new", 0)


@pytest.mark.long
def test_the_timeline_goes_page_by_page_newest_first(ann):
    lead = lead_of(ann[0])
    for number in range(45):
        add_activity(lead=lead, by=ann[0], kind="note", text=f"note-{number:02}")

    first = ann[1].get(address(Lead, "change", lead.pk))
    seen = [text for _, text in first.context["timeline"]]
    older = first.context["older"]
    while older:
        page = ann[1].get(address(Lead, "change", lead.pk), {"before": str(older)})
        seen += [text for _, text in page.context["timeline"]]
        older = page.context["older"]
    assert seen == [f"note-{number:02}" for number in reversed(range(45))]
    assert "note-44" in page_of(ann[1], lead, before="x'")


def test_the_runs_it_was_in_stand_with_what_they_spent(ann):
    lead = lead_of(ann[0])
    run = Run.objects.create(bucket=lead.bucket, bucket_name="B", owner=ann[0], total=1234)
    RunItem.objects.create(run=run, lead=lead, stage=0, outcome=3, category="NOT_FOUND")
    Budget.objects.create(scope=run.budget_scope, spent="12.50")

    shown = " ".join(page_of(ann[1], lead).split())

    assert "Failed (Not known to the vendor)" in shown
    assert "the job spent $12.50 on 1,234 leads" in shown


# --- Many at once -----------------------------------------------------------------------------------------------------


def without_link(response: Any) -> list[str]:
    """What is said, without the way to the job."""
    return [said.partition(" <a")[0] for said in words(response)]


def test_many_leads_change_status_after_one_question(ann):
    lead = lead_of(ann[0], "1", "2", "3")
    leads = list(Lead.objects.all())

    asked = act(ann[1], Lead, "status", leads)
    assert "3 leads" in asked.content.decode()
    assert "Update quote" not in asked.content.decode()
    done = act(ann[1], Lead, "status", leads, confirmed="yes", status="lost")

    assert without_link(done) == ["3 of 3 leads changed to Lost."]
    assert set(Lead.objects.values_list("status", flat=True)) == {"lost"}
    lead.bucket.refresh_from_db()
    assert lead.bucket.contacted_leads == 3
    again = act(ann[1], Lead, "status", leads, confirmed="yes", status="lost")
    assert without_link(again) == ["0 of 3 leads changed to Lost. 3 had this status already."]
    assert Activity.objects.count() == 3
    assert "available choices" in act(ann[1], Lead, "status", leads, confirmed="yes", status="x").content.decode()


def test_many_leads_are_tagged_and_untagged(ann):
    lead_of(ann[0], "1", "2")
    theirs = lead_of(make_user("bob"), "9")
    leads = [*Lead.objects.filter(owner=ann[0]), theirs]

    tagged = act(ann[1], Lead, "tag", leads, confirmed="yes", tag="Hot")
    assert without_link(tagged) == ["2 of 2 leads tagged Hot."]
    tagged = act(ann[1], Lead, "tag", leads, confirmed="yes", tag="hot")
    assert without_link(tagged) == ["0 of 2 leads tagged Hot. 2 had the tag already."]
    assert theirs.tags.count() == 0
    act(superuser()[1], Lead, "tag", leads, confirmed="yes", tag="mine")
    assert sorted(Tag.objects.values_list("owner__username", "name")) == [("ann", "Hot")]
    untagged = act(ann[1], Lead, "untag", leads, confirmed="yes", tag="HOT")
    assert without_link(untagged) == ["2 of 2 leads untagged Hot."]
    assert theirs.tags.count() == 0


def test_without_a_lead_there_is_nothing_to_tag():
    assert add_tag(leads=[], name="hot") == 0


# --- Views ------------------------------------------------------------------------------------------------------------


def saved(client: Any, name: str, query: str) -> Any:
    client.cookies.pop("messages", None)
    return client.post(f"{LIST}views/", {"name": name, "query": query})


def test_a_view_keeps_the_filters_and_stands_above_the_list(ann):
    answer = saved(ann[1], " Hot  in WA ", "status=new&propertyState=WA&q=12+main&vacant=")

    view = SavedView.objects.get()
    assert answer.url == f"{LIST}?view={view.pk}"
    page = ann[1].get(answer.url)
    assert page.status_code == 200
    tab = f'href="?view={view.pk}&amp;propertyState=WA&amp;q=12+main&amp;status=new" aria-current="page">Hot in WA'
    assert tab in page.content.decode()
    assert "Hot in WA" not in staff("bob")[1].get(LIST).content.decode()


def test_a_name_that_is_used_is_asked_about_before_its_filters_are_replaced(ann):
    saved(ann[1], "Mine", "status=new&q=main")
    twice = saved(ann[1], "MINE", "status=new&q=main")
    assert twice.url == f"{LIST}?view={SavedView.objects.get().pk}"

    asked = saved(ann[1], "mine", "status=lost")

    assert asked.url.startswith(f"{LIST}views/replace/?name=mine&query=status%3Dlost")
    assert SavedView.objects.get().query == "q=main&status=new"
    page = ann[1].get(asked.url).content.decode()
    assert "There is a view “mine” already." in page and f'href="{LIST}?status=lost"' in page
    assert SavedView.objects.get().query == "q=main&status=new"
    bob = staff("bob")[1]
    bob.post(asked.url, {"confirmed": "yes"})  # it makes one of bob's own
    assert ann[1].post(asked.url, {"confirmed": "yes"}).status_code == 302
    assert sorted(SavedView.objects.values_list("name", "query", "owner__username")) == [
        ("mine", "status=lost", "ann"), ("mine", "status=lost", "bob")
    ]  # fmt: skip
    rae = member(ann[0].memberships.get().team, "reader", "rae")[1]
    assert (rae.get(asked.url).status_code, rae.post(asked.url, {"confirmed": "yes"}).status_code) == (403, 403)


@pytest.mark.long
def test_a_page_of_each_view_has_as_many_rows_as_a_person_chose_there(ann):
    make_leads(60, by=ann[0])
    view = save_view(by=ann[0], name="New ones", query="status=new")
    said = {"view": str(view.pk), "size": "25", "back": f"view={view.pk}&after={view.pk}&size=200"}

    assert ann[1].post(f"{LIST}views/columns/", said).url == f"{LIST}?view={view.pk}"
    ann[1].post(f"{LIST}views/columns/", {"view": "notEnriched", "size": "100"})
    for wrong in ({"view": "all", "size": "7"}, {"view": "nothing", "size": "25"}):
        ann[1].post(f"{LIST}views/columns/", wrong)

    def rows(query: str, client: Any = ann[1]) -> int:
        return len(client.get(f"{LIST}?{query}").context["rows"])

    asked = (f"view={view.pk}", "status=new", "view=notEnriched", "view=all", f"view={view.pk}&size=50")
    assert [rows(query) for query in asked] == [25, 25, 60, 50, 50]
    mia = member(ann[0].memberships.get().team, "manager", "mia")[1]
    assert rows(f"view={view.pk}", mia) == 50
    columns.choose(user_id=ann[0].pk, preset="notEnriched", keys=["owner"])
    assert rows("view=notEnriched") == 60
    ann[1].post(f"{LIST}views/{view.pk}/delete/")
    assert list(ColumnChoice.objects.values_list("preset", "size", "columns")) == [("notEnriched", 100, ["owner"])]


@pytest.mark.parametrize(
    ("name", "query", "said"),
    [
        ("", "status=new", "Give the view a name"),
        ("x" * 51, "status=new", "Give the view a name"),
        ("a", "", "Choose a filter"),
        ("a", "status=", "Choose a filter"),
        ("a", "status=gone", "status"),
        ("a", "phone__startswith=%2B1206", "phone__startswith: There is no such filter."),
        ("a", "bucket=1", "bucket: this is no bucket"),
        ("a", "absenteeOwner=maybe", "absenteeOwner"),
        ("a", "q=" + "x" * 1001, "too long"),
        ("a", "q=a%00b", "cannot"),
    ],
)
def test_a_view_that_could_not_be_opened_is_not_saved(ann, name, query, said):
    answer = saved(ann[1], name, query)

    assert (answer.status_code, answer.url) == (302, f"{LIST}?{query}" if "name" in said else LIST)
    assert said in words(answer)[0]
    assert SavedView.objects.count() == 0


def test_there_are_so_many_views_and_no_more(ann):
    for number in range(VIEWS_AT_MOST):
        save_view(by=ann[0], name=f"{number}", query="status=new")
    with pytest.raises(ViewRefused, match="delete one first"):
        save_view(by=ann[0], name="more", query="status=new")
    save_view(by=ann[0], name="7", query="status=lost", replaces=True)


def test_a_view_is_deleted_by_its_owner_alone(ann):
    view = save_view(by=ann[0], name="Mine", query="status=new")
    path = f"{LIST}views/{view.pk}/delete/"

    assert staff("bob")[1].post(path).status_code == 404
    assert superuser()[1].post(path).status_code == 404
    assert ann[1].get(path).status_code == 405
    assert ann[1].post(path).url == LIST
    assert ann[1].post(path).status_code == 404
    assert SavedView.objects.count() == 0


def test_a_view_is_renamed_moved_kept_to_oneself_and_has_columns(ann):
    first, second = (save_view(by=ann[0], name=name, query="status=new") for name in ("First", "Second"))
    path = f"{LIST}views/{second.pk}/"
    assert ann[1].post(path, {"name": "Mine", "whose": "mine"}).url == f"{LIST}?view={second.pk}"
    ann[1].post(path, {"move": "first"})
    tabs = [tab.words for tab in ann[1].get(LIST).context["tabs"]]
    assert tabs[:2] == ["Ready to call", "Callbacks due"]
    assert tabs[-2:] == ["Mine", "First"]
    assert staff("bob")[1].post(path, {"name": "Theirs"}).status_code == 404

    ann[1].post(f"{LIST}views/columns/", {"view": str(first.pk), "column": ["phone", "x", "estimatedEquity"]})
    shown = ann[1].get(f"{LIST}?view={first.pk}").context
    assert [one.title for one in shown["headers"]][:3] == ["Property", "Phone", "Equity"]
    ann[1].post(f"{LIST}views/columns/", {"view": str(first.pk), "usual": "1"})
    assert SavedView.objects.get(pk=first.pk).columns is None
    ann[1].post(f"{LIST}views/columns/", {"view": "all", "column": ["dnc"], "back": "view=all"})
    assert [one.title for one in ann[1].get(f"{LIST}?view=all").context["headers"]][:2] == ["Property", "DNC"]
    assert [one.title for one in ann[1].get(f"{LIST}?view=withPhone").context["headers"]][1] == "Bucket"


def test_the_list_opens_on_a_view_and_all_stays_all(ann):
    _, leads = make_leads(3, by=ann[0])
    Lead.objects.filter(pk=leads[0].pk).update(phone="+12065550142")
    opened = ann[1].get(LIST)
    assert (opened.context["tab"].key, len(opened.context["rows"])) == ("withPhone", 1)
    assert "Set up calling" in opened.content.decode()
    assert 'action="?hasPhone=true&amp;view=withPhone"' in opened.content.decode()  # all that match are these
    assert len(ann[1].get(f"{LIST}?view=all").context["rows"]) == 3
    assert len(ann[1].get(f"{LIST}?view=notEnriched&size=25").context["rows"]) == 3
    assert ann[1].get(f"{LIST}?view=nothing").context["tab"].key == "all"
    (chip,) = opened.context["chips"]
    assert (chip.words, chip.address) == ("Has a phone: Yes", "?view=all")
    counts = ann[1].get(f"{LIST}views/counts/?hasPhone=true").json()
    assert (counts["total"], counts["views"]["all"], counts["views"]["readyToCall"]) == ("1 lead", "3", "0")
    assert ann[1].get(f"{LIST}?view=readyToCall").content.decode().count("No lead is in this view now.") == 1


# --- Whose word it is -------------------------------------------------------------------------------------------------


def owned(user: Any, **facts: Any) -> Lead:
    _, (lead,) = make_leads(1, by=user)
    whole = {"owner_name": "YATES, LILLIAN", "first_name": "Lillian", "last_name": "Yates", "owner_type": "individual",
             "owner_occupied": True, "bedrooms": 3, "apn": "7", "enriched_at": timezone.now()}  # fmt: skip
    Lead.objects.filter(pk=lead.pk).update(**whole | facts)
    return Lead.objects.get(pk=lead.pk)


def test_a_typed_name_is_typed_and_what_was_purchased_beside_it_says_so(ann):
    lead = owned(ann[0])
    edit_lead(lead=lead, by=ann[0], changes={"owner_name": "Maria Lopez", "bedrooms": 4})
    lead.refresh_from_db()

    told = {group.title: group for group in groups(lead)}

    assert told["Owner"].source == "Typed by ann"
    today = f", {day(timezone.now())}"
    assert told["Owner"].facts == [
        ("Name", "Maria Lopez", ""), ("Person", "Maria Lopez", ""),
        ("Owner type", "Individual", f"RealEstateAPI detail{today}"),
        ("Owner-occupied", "Yes", f"RealEstateAPI detail{today}"),
    ]  # fmt: skip
    assert told["Property"].facts == [("Beds", "4", f"typed by ann{today}"), ("APN", "7", "")]
    assert "RealEstateAPI detail" in ann[1].get(address(Lead, "change", lead.pk)).content.decode()


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ({"owner_name": "Maria Lopez"}, ("Maria Lopez", "Maria", "Lopez")),
        ({"owner_name": "Lopez Holdings LLC"}, ("Lopez Holdings LLC", None, None)),
        ({"owner_name": "Lillian B Yates"}, ("Lillian B Yates", "Lillian", "Yates")),
        ({"first_name": "Maria"}, ("Maria Yates", "Maria", "Yates")),
        ({"first_name": "Maria", "last_name": "Lopez"}, ("Maria Lopez", "Maria", "Lopez")),
        ({"first_name": "Maria", "mailing_address": "1 Oak St", "bedrooms": 4}, ("Maria Yates", "Maria", "Yates")),
        ({"owner_name": "The Yates Trust", "first_name": "Al"}, ("The Yates Trust", "Al", "Yates")),
    ],
)
def test_a_part_of_a_name_that_is_typed_leaves_nobody_elses_beside_it(ann, said, names):
    lead = owned(ann[0])

    edit_lead(lead=lead, by=ann[0], changes=said)

    assert Lead.objects.values_list("owner_name", "first_name", "last_name").get() == names
    company = owned(staff("bob")[0], owner_name="Yates LLC")
    edit_lead(lead=company, by=company.owner, changes={"first_name": "Maria"})
    assert Lead.objects.get(pk=company.pk).owner_name == "Yates LLC"


def test_a_field_of_the_team_is_chosen_as_a_column_whether_or_not_the_list_is_filtered_by_it(ann):
    _, (lead, _) = make_leads(2, by=ann[0])
    make_field(access_of(ann[0], lead.team_id), {"name": "Asking price", "kind": "number"})
    Lead.objects.filter(pk=lead.pk).update(custom={"askingPrice": 125_000})
    page = ann[1].get(f"{LIST}?view=all")
    assert ("custom.askingPrice", False) in [(one.key, is_on) for one, is_on in page.context["column_choice"]]

    ann[1].post(f"{LIST}views/columns/", {"view": "all", "column": ["owner", "custom.askingPrice"]})

    page = ann[1].get(f"{LIST}?view=all")
    assert [one.title for one in page.context["headers"]][:3] == ["Property", "Owner", "Asking price"]
    assert "125,000" in page.content.decode()
