from typing import Any

import pytest
from django.db import connection

from buckets.services import create_bucket
from leads.models import Activity, Lead, Tag
from leads.services import add_activity
from tests.admin_site import address, staff, superuser

pytestmark = pytest.mark.django_db


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
    return {lead.property_id for lead in page.context["cl"].result_list}


def test_staff_see_their_own_leads_tags_and_activities_only(ann, bob):
    mine, theirs = lead_of(ann[0]), lead_of(bob[0], "21")
    pairs = [(mine, theirs)]
    pairs += [tuple(Tag.objects.create(owner=lead.owner, name="hot") for lead in (mine, theirs))]
    pairs += [tuple(add_activity(lead=lead, by=lead.owner, kind="note", text="x") for lead in (mine, theirs))]

    for own, other in pairs:
        listed = ann[1].get(address(type(own), "changelist")).context["cl"].result_list
        assert [row.pk for row in listed] == [own.pk]
        assert ann[1].get(address(type(own), "change", own.pk)).status_code == 200
        assert ann[1].get(address(type(own), "change", other.pk)).status_code == 302


def test_a_lead_is_found_by_its_property_and_its_own_id(ann, bob):
    mine = lead_of(ann[0], "11")
    lead_of(bob[0], "21")

    assert found(ann[1], q="11") == found(ann[1], q=str(mine.pk)) == {"11"}
    assert found(ann[1], q="1") == found(ann[1], q="21") == set()
    assert found(superuser()[1], q="21") == {"21"}


def test_within_a_bucket_a_lead_is_found_by_parcel_phone_and_address(ann):
    mine = lead_of(ann[0], apn="A-1", phone="+12065550100", property_address="12 Main St")

    for text in ("A-1", "+1206", "12 main"):
        assert found(ann[1], q=text, bucket=str(mine.bucket_id)) == {"11"}
        assert found(ann[1], q=text) == set()
    assert found(ann[1], q="Main", bucket=str(mine.bucket_id)) == set()


def test_somebody_elses_bucket_is_an_empty_filter_and_its_name_is_not_shown(ann, bob):
    theirs = lead_of(bob[0])

    page = ann[1].get(address(Lead, "changelist"), {"bucket": str(theirs.bucket_id)})

    assert list(page.context["cl"].result_list) == []
    assert "bob&#x27;s" not in page.content.decode()


def test_a_filter_that_is_no_id_is_refused_without_a_crash(ann):
    answer = ann[1].get(address(Lead, "changelist"), {"bucket": "x' OR 1=1"})

    assert (answer.status_code, answer.url) == (302, "/admin/leads/lead/?e=1")


def test_a_status_is_moved_on_with_its_history_and_the_buckets_count(ann):
    lead = lead_of(ann[0])

    saved = ann[1].post(address(Lead, "change", lead.pk), {"status": "contacted"})

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
        {
            "status": "new",
            "phone": "+12065550199",
            "owner_name": "Me",
            "enrichment_status": "pending",
            "property_id": "9",
        },
    )

    after = Lead.objects.get()
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


def test_a_tag_keeps_its_owner_when_a_superuser_renames_it(ann):
    tag = Tag.objects.create(owner=ann[0], name="hot")

    superuser()[1].post(address(Tag, "change", tag.pk), {"name": "warm", "color": "#ff0000"})

    tag.refresh_from_db()
    assert (tag.owner, tag.name) == (ann[0], "warm")


def plan_of(client: Any, **query: Any) -> str:
    """PostgreSQL's plan for the page's rows."""
    page = client.get(address(Lead, "changelist"), query)
    sql, params = page.context["cl"].queryset[:50].query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}", params)
        return "\n".join(row[0] for row in cursor.fetchall())


def test_lists_and_searches_go_by_an_index(ann):
    bucket, _ = create_bucket(by=ann[0], name="Large", property_ids=[str(n) for n in range(20_000)])
    create_bucket(by=staff("bob")[0], name="Other", property_ids=[str(n) for n in range(5_000)])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE leads_lead, buckets_bucket")

    assert "Index Scan Backward using leads_lead_pkey" in plan_of(superuser()[1])
    for query in ({}, {"q": "11"}, {"bucket": str(bucket.pk)}, {"bucket": str(bucket.pk), "q": "+1206"}):
        assert "Seq Scan on leads_lead" not in plan_of(ann[1], **query)
    assert "using lead_once_per_bucket" in plan_of(ann[1], q="11")
    assert "using lead_once_per_bucket" in plan_of(superuser("chief")[1], q="11")
