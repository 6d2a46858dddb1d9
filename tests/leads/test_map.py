"""Leads on a map: pins, clusters past 500, nothing outside the country, nobody else's leads, no contact."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from accounts.models import User
from accounts.services import create_api_token
from common.values.geo import Box
from leads.models import Lead
from leads.selection.map import CELLS_ACROSS, PINS_MOST, cell_of, shown_on_map
from tests.api.client import Api, body_of, refused
from tests.leads.samples import make_leads

pytestmark = pytest.mark.django_db
US = Box(-125.0, 24.0, -66.0, 50.0)
SEATTLE, MIAMI = (Decimal("47.6062"), Decimal("-122.3321")), (Decimal("25.7617"), Decimal("-80.1918"))


@pytest.fixture
def ann() -> User:
    return create_api_token(username="ann")[0]


def put(lead: Lead, at: tuple[Any, Any], **values: Any) -> None:
    Lead.objects.filter(pk=lead.pk).update(latitude=at[0], longitude=at[1], **values)


def ids(leads: list[Lead]) -> set[str]:
    return {lead.property_id for lead in leads}


def test_a_few_leads_are_pins_of_the_window_alone(django_assert_num_queries: Any) -> None:
    _, (seattle, miami, nowhere, zero, abroad) = make_leads(5)
    put(seattle, SEATTLE)
    put(miami, MIAMI)
    put(zero, (0, 0))
    put(abroad, (Decimal("48.8566"), Decimal("2.3522")))

    with django_assert_num_queries(1):
        everywhere = shown_on_map(Lead.objects.all(), box=Box(-180.0, -90.0, 180.0, 90.0), zoom=3)
    assert (ids(everywhere.pins), everywhere.clusters, everywhere.total) == ({"1", "2"}, [], 2)
    west = shown_on_map(Lead.objects.all(), box=Box(-125.0, 45.0, -120.0, 49.0), zoom=8)
    assert ids(west.pins) == {"1"}
    assert nowhere.latitude is None


def test_alaska_lies_on_both_sides_of_the_date_line() -> None:
    _, (attu, adak) = make_leads(2)
    put(attu, (Decimal("52.9"), Decimal("172.9")))
    put(adak, (Decimal("51.88"), Decimal("-176.65")))
    assert ids(shown_on_map(Lead.objects.all(), box=Box(170.0, 50.0, -170.0, 60.0), zoom=5).pins) == {"1", "2"}


def test_past_500_pins_postgresql_counts_them_by_cell(django_assert_num_queries: Any) -> None:
    """Each lead once, by status, within its cluster's box; one statement more."""
    _, leads = make_leads(PINS_MOST + 3)
    Lead.objects.update(latitude=SEATTLE[0], longitude=SEATTLE[1])
    put(leads[0], MIAMI, status="qualified")
    put(leads[1], (MIAMI[0] + Decimal("0.02"), MIAMI[1]), status="contacted")
    put(leads[2], (0, 0))

    with django_assert_num_queries(2):
        shown = shown_on_map(Lead.objects.all(), box=US, zoom=4)
    assert (shown.pins, shown.total) == ([], PINS_MOST + 2)
    miami, seattle = shown.clusters
    assert (miami.leads, dict(miami.by_status)) == (2, {"contacted": 1, "qualified": 1})
    assert miami.box == Box(-80.1918, 25.7617, -80.1918, 25.7817)
    assert (round(miami.latitude, 4), round(miami.longitude, 4)) == (25.7717, -80.1918)
    assert (seattle.leads, dict(seattle.by_status)) == (PINS_MOST, {"new": PINS_MOST})


@pytest.mark.parametrize("zoom", [0, 4, 12, 22])
@pytest.mark.parametrize("box", [US, Box(-180.0, -90.0, 180.0, 90.0), Box(170.0, 50.0, -170.0, 60.0)])
def test_no_window_has_more_cells_than_a_map_can_show(box: Box, zoom: int) -> None:
    wide = (box.east - box.west) % 360 or 360
    assert wide / cell_of(box, zoom) <= CELLS_ACROSS
    assert (360 / cell_of(box, zoom) * 4).is_integer()  # cells stay where they are while the window moves


def test_the_api_tells_pins_without_contacts(ann: User) -> None:
    _, (lead, _) = make_leads(2, by=ann)
    put(lead, SEATTLE, property_address="12 Main St", owner_name="Call Ada 206 555 0143", phone="+12065550143")

    found = body_of(Api(ann).get("/api/leads/map?bbox=-125,45,-120,49&zoom=8&status=new&hasPhone=true"))

    assert found == {
        "success": True,
        "total": 1,
        "pins": [
            {
                "id": str(lead.pk), "latitude": 47.6062, "longitude": -122.3321, "status": "new",
                "address": "12 Main St", "owner": "Call Ada •••• 0143", "hasPhone": True,
            }
        ],
        "clusters": [],
        "filters": {"status": "new", "hasPhone": True},
    }  # fmt: skip


def test_nobody_elses_leads_and_buckets_are_on_her_map(ann: User) -> None:
    bob = create_api_token(username="bob")[0]
    bucket, (lead,) = make_leads(1, by=ann)
    put(lead, SEATTLE)
    window = "/api/leads/map?bbox=-125,45,-120,49&zoom=8"

    assert body_of(Api(ann).get(f"{window}&bucketId={bucket.pk}"))["total"] == 1
    assert body_of(Api(bob).get(window))["total"] == 0
    refused(Api(bob).get(f"{window}&bucketId={bucket.pk}"), 404, "bucketId")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"zoom": 4}, "bbox"),
        ({"bbox": "-125,45,-120,49"}, "zoom"),
        ({"bbox": "-125,45,-120", "zoom": 4}, "bbox"),
        ({"bbox": "-125,nan,-120,49", "zoom": 4}, "bbox"),
        ({"bbox": "-125,49,-120,45", "zoom": 4}, "bbox"),
        ({"bbox": "-125,45,-125,49", "zoom": 4}, "bbox"),
        ({"bbox": "-125,45,-120,\x00", "zoom": 4}, "bbox"),
        ({"bbox": "-125,45,-120,49", "zoom": 23}, "zoom"),
        ({"bbox": "-125,45,-120,49", "zoom": 4, "near": "0,0,5"}, "near"),
        ({"bbox": "-125,45,-120,49", "zoom": 4, "area": "47,-122 48,-122"}, "area"),
        ({"bbox": "-125,45,-120,49", "zoom": 4, "bucketId": "1"}, "bucketId"),
        ({"bbox": "-125,45,-120,49", "zoom": 4, "colour": "red"}, "colour"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(ann: User, query: dict[str, Any], field: str) -> None:
    refused(Api(ann).get(f"/api/leads/map?{urlencode(query)}"), 400, field)


@pytest.mark.long
def test_the_page_has_the_lists_filters_and_its_pins_lead_to_the_leads(ann: User) -> None:
    bucket, (near, far, _) = make_leads(3, by=ann)
    put(near, SEATTLE, property_address="1 Pine St", status="contacted")
    put(far, MIAMI, property_address="2 Palm St", status="contacted")
    User.objects.filter(pk=ann.pk).update(is_staff=True)
    client = Client()
    client.force_login(ann)
    page = client.get(f"/admin/leads/lead/map/?bucket={bucket.pk}&status=contacted&near=47.6,-122.3,5&after=x")
    text = page.content.decode()
    assert f'data-query="bucket={bucket.pk}&amp;status=contacted"' in text and 'value="47.6,-122.3,5"' in text

    window = {"bbox": "-125,24,-66,50", "zoom": "4", "bucket": str(bucket.pk)}
    found = client.get("/admin/leads/lead/map/points/", {**window, "near": "47.6,-122.3,5"}).json()
    assert [(pin["address"], pin["status"]) for pin in found["pins"]] == [("1 Pine St", "contacted")]
    assert found["pins"][0]["link"].startswith(f"/admin/leads/lead/{near.pk}/change/?from=bucket%3D{bucket.pk}")
    assert client.get("/admin/leads/lead/map/points/", window).json()["total"] == 2
    unread = client.get("/admin/leads/lead/map/points/", {**window, "near": "here"})
    assert unread.status_code == 400
    assert "this filter cannot be read, so no lead is shown" in unread.json()["error"]
    assert "cannot be read" not in client.get("/admin/").content.decode()  # it was told on the map, and there alone
    for wrong in ({"bbox": "1,2,3"}, {"zoom": "-1"}, {"zoom": "x"}, {"colour__startswith": "r"}):
        answer = client.get("/admin/leads/lead/map/points/", {**window, **wrong})
        assert (answer.status_code, "error" in json.loads(answer.content)) == (400, True), wrong
