"""Leads in the API: found by `q`, in the order of `sort`, a page at a time, and no page of another order."""

from __future__ import annotations

from typing import Any

import pytest

from buckets.models import Bucket
from buckets.services import create_bucket
from common.api.paging import cursor_of
from leads.models import Lead
from leads.selection.counting import TooSlow
from tests.api.client import Api, body_of, refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def bucket(ann: Any) -> Bucket:
    """Twelve leads; of the third to twelfth the equity is known, in two groups; another bucket and another user."""
    bucket, _ = create_bucket(by=ann, name="Many", property_ids=[str(n) for n in range(1, 13)])
    create_bucket(by=ann, name="More", property_ids=["21", "22"])
    for lead in Lead.objects.order_by("pk"):
        number = int(lead.property_id)
        facts = {"property_city": "Kent", "phone": f"+1206555{number:04}", "estimated_equity": number % 5 - 2}
        Lead.objects.filter(pk=lead.pk).update(**facts if number > 2 else {"property_city": "Kent"})
    Lead.objects.filter(property_id="5").update(apn="KENT")
    return bucket


def addresses(bucket: Bucket) -> list[str]:
    return [f"/api/property/bucket/leads?bucketId={bucket.pk}", "/api/leads?status=new"]


def walk(api: Api, address: str) -> list[str]:
    """The property ids of all pages of three."""
    ids, cursor = [], ""
    while True:
        answer = body_of(api.get(f"{address}&limit=3{cursor}"))
        assert answer["count"] == len(answer["leads"])
        ids += [lead["propertyId"] for lead in answer["leads"]]
        if answer["nextCursor"] is None:
            return ids
        cursor = f"&cursor={answer['nextCursor']}"


def in_order(bucket: Bucket | None, *, down: bool) -> list[str]:
    rows = list(Lead.objects.filter(bucket=bucket) if bucket else Lead.objects.all())
    rows.sort(key=lambda lead: lead.pk, reverse=down)
    known = [lead for lead in rows if lead.estimated_equity is not None]
    known.sort(key=lambda lead: lead.estimated_equity or 0, reverse=down)
    return [lead.property_id for lead in [*known, *(lead for lead in rows if lead.estimated_equity is None)]]


@pytest.mark.parametrize("sort", ["estimatedEquity", "-estimatedEquity"])
def test_pages_go_in_the_order_that_was_asked_for(ann, bucket, sort):
    of_bucket, mine = addresses(bucket)
    down = sort.startswith("-")

    assert walk(Api(ann), f"{of_bucket}&sort={sort}") == in_order(bucket, down=down)
    assert walk(Api(ann), f"{mine}&sort={sort}") == in_order(None, down=down)
    assert walk(Api(ann), f"{mine}&sort={sort}&q=kent") == in_order(None, down=down)


def test_my_leads_are_the_newest_first_and_only_mine(ann, bob, bucket):
    newest = ["22", "21", *(str(n) for n in range(12, 0, -1))]

    assert walk(Api(ann), addresses(bucket)[1]) == walk(Api(ann), "/api/leads?sort=-createdAt") == newest
    assert walk(Api(bob), addresses(bucket)[1]) == walk(Api(bob), "/api/leads?q=kent") == []


@pytest.mark.long
def test_the_best_match_comes_first_and_is_counted(ann, bucket):
    of_bucket, mine = addresses(bucket)
    best = ["5", *(str(n) for n in range(12, 0, -1) if n != 5)]

    assert walk(Api(ann), f"{of_bucket}&q=Kent") == best
    assert walk(Api(ann), f"{mine}&q=KENT") == ["5", "22", "21", *best[1:]]
    answer = body_of(Api(ann).get(f"{of_bucket}&q=kent&estimatedEquityMin=2"))
    assert (answer["totalMatching"], [lead["propertyId"] for lead in answer["leads"]]) == (2, ["9", "4"])


def test_more_than_are_counted_have_no_count(ann, bucket, monkeypatch):
    monkeypatch.setattr("leads.api.listing.COUNTED", 11)

    assert body_of(Api(ann).get(f"{addresses(bucket)[0]}&q=kent"))["totalMatching"] is None
    assert body_of(Api(ann).get(f"{addresses(bucket)[0]}&q=0007"))["totalMatching"] == 1


def test_by_phone_with_a_token_but_not_with_a_masked_persons(ann, bucket):
    for address in addresses(bucket):
        assert walk(Api(ann), f"{address}&q=555-0007") == ["7"]
    api = Api(ann)
    ann.memberships.update(is_masked=True)
    for address in addresses(bucket):
        assert walk(api, f"{address}&q=555-0007") == walk(api, f"{address}&q=5550007") == []
    ann.memberships.update(is_masked=False)
    assert walk(api, f"{addresses(bucket)[1]}&q=5550007") == ["7"]


@pytest.mark.long
def test_a_cursor_of_another_order_is_refused_by_name(ann, bucket):
    api, (of_bucket, mine) = Api(ann), addresses(bucket)
    orders = [
        "",
        "&sort=estimatedEquity",
        "&sort=-estimatedEquity",
        "&sort=bedrooms",
        "&q=kent",
        "&q=kent&sort=-createdAt",
    ]
    for address in (of_bucket, mine):
        cursors = {order: body_of(api.get(f"{address}{order}&limit=1"))["nextCursor"] for order in orders}
        for order in orders:
            for other in orders:
                answer = api.get(f"{address}{order}&limit=1&cursor={cursors[other]}")
                if order == other:
                    assert answer.status_code == 200
                else:
                    refused(answer, 400, "cursor")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("sort=nothing", "sort"),
        ("sort=", "sort"),
        ("sort=-", "sort"),
        ("sort=estimatedValue&sort=bedrooms", "sort"),
        ("q=", "q"),
        ("q=" + "x" * 201, "q"),
        ("q=a&q=b", "q"),
        ("q=a%00b", "q"),
        ("sort=bedrooms&cursor=AAAA", "cursor"),
        ("q=kent&cursor=%25", "cursor"),
        ("match=some", "match"),
        ("match=any&match=all", "match"),
        ("yearsOwnedMin=-1", "yearsOwnedMin"),
        ("lastContactAfter=soon", "lastContactAfter"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(ann, bucket, query, field):
    for address in addresses(bucket):
        refused(Api(ann).get(f"{address}&{query}"), 400, field)


def test_too_many_leads_for_an_order_without_an_index_are_refused(ann, bucket, monkeypatch):
    def slow(*_given: Any, **_options: Any) -> None:
        raise TooSlow

    monkeypatch.setattr("leads.selection.sorting._by_parts", slow)
    for address in addresses(bucket):
        words = refused(Api(ann).get(f"{address}&sort=bedrooms"), 400, "sort")
        assert "choose a bucket or filters that hold fewer" in words


@pytest.mark.parametrize("sort", ["ownerName", "-propertyCity", "lastActivityAt", "-updatedAt", "status"])
def test_every_order_pages_through_all_leads_once_and_no_name_stands_in_a_cursor(ann, bucket, sort):
    for number, lead in enumerate(Lead.objects.order_by("pk")):
        name = None if number % 3 == 0 else f"Owner {number % 4}"
        Lead.objects.filter(pk=lead.pk).update(owner_name=name, property_city=name, last_activity_at=lead.created_at)
    whole = body_of(Api(ann).get(f"/api/leads?sort={sort}&limit=100"))["leads"]
    seen, cursor = [], ""
    while cursor is not None:
        page = body_of(Api(ann).get(f"/api/leads?sort={sort}&limit=3{cursor and f'&cursor={cursor}'}"))
        seen += page["leads"]
        cursor = page["nextCursor"]
        assert cursor is None or sort.endswith("At") or len(cursor) < 40
    assert [one["id"] for one in seen] == [one["id"] for one in whole]
    assert len(seen) == Lead.objects.count()


def test_any_of_the_filters_is_enough_where_match_says_so(ann, bucket):
    Lead.objects.filter(property_id="1").update(vacant=True)
    answer = body_of(Api(ann).get(f"{addresses(bucket)[0]}&vacant=true&estimatedEquityMin=2&match=any"))

    assert [lead["propertyId"] for lead in answer["leads"]] == ["1", "4", "9"]
    assert (answer["totalMatching"], answer["filters"]["match"]) == (3, "any")


@pytest.mark.parametrize(
    ("sort", "value"),
    [
        ("equityPercent", "NaN"), ("equityPercent", "sNaN"), ("-equityPercent", "Infinity"),
        ("equityPercent", "1E+999999"), ("equityPercent", "1E-999999"), ("equityPercent", "9" * 40),
        ("estimatedEquity", "9" * 30), ("estimatedEquity", "1.5"), ("bedrooms", "9" * 19), ("bedrooms", "NaN"),
        ("lastSaleDate", "2020-13-01"), ("callbackAt", "2026-11-29T12:00:00"),
        ("callbackAt", "0001-01-01T00:00:00+14:00"), ("lastContactAt", "9999-12-31T23:59:59-14:00"),
    ],
)  # fmt: skip
def test_a_cursor_with_a_value_that_no_lead_has_is_refused_by_name(ann, bucket, sort, value):
    lead = Lead.objects.order_by("pk")[0]
    for address in addresses(bucket):
        cursor = cursor_of(f"{sort} ", lead.pk, value)
        refused(Api(ann).get(f"{address}&sort={sort}&cursor={cursor}"), 400, "cursor")
