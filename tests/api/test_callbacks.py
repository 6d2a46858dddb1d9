"""Callbacks by API: set with an activity, listed soonest first, finished."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from accounts.models import User
from leads.models import Activity, Lead
from tests.admin_site import signed_in
from tests.api.client import Api, body_of, refused
from tests.leads.samples import make_leads
from tests.support import contacts_told

NOON = datetime(2030, 1, 30, 12, 0, tzinfo=ZoneInfo("UTC"))


@pytest.fixture
def leads(ann: User) -> list[Lead]:
    User.objects.filter(pk=ann.pk).update(time_zone="America/Phoenix")
    return make_leads(6, by=ann, name="King")[1]


def note(api: Api, lead: Lead, **body: Any) -> Any:
    return api.post(f"/api/leads/{lead.pk}/activities", {"kind": "callback", **body})


def soon(**delta: float) -> datetime:
    return (timezone.now() + timedelta(**delta)).replace(microsecond=0)


def text(moment: datetime) -> str:
    return f"{moment.astimezone(ZoneInfo('UTC')):%Y-%m-%dT%H:%M:%SZ}"


def call_at(lead: Lead, moment: datetime | None, **facts: Any) -> None:
    Lead.objects.filter(pk=lead.pk).update(callback_at=moment, **facts)


def listed(api: Api, query: str = "") -> list[str]:
    return [one["leadId"] for one in body_of(api.get(f"/api/callbacks{query}"))["callbacks"]]


def test_a_callback_is_set_by_an_activity_and_shown_on_the_lead(api, leads):
    due = soon(days=2)

    activity = body_of(note(api, leads[0], text="After work", dueAt=text(due)), 201)["activity"]

    assert (activity["kind"], activity["text"], activity["dueAt"]) == ("callback", "After work", text(due))
    assert body_of(api.get(f"/api/leads/{leads[0].pk}"))["lead"]["callbackAt"] == text(due)
    shown = body_of(api.get(f"/api/property/bucket/leads?bucketId={leads[0].bucket_id}&callback=any"))
    assert [(lead["callbackAt"], shown["filters"]["callback"]) for lead in shown["leads"]] == [(text(due), "any")]


def test_a_time_without_an_offset_is_by_ones_own_clock(api, leads):
    due = soon(days=2)

    body_of(note(api, leads[0], dueAt=f"{due.astimezone(ZoneInfo('America/Phoenix')):%Y-%m-%dT%H:%M:%S}"), 201)

    assert Lead.objects.get(pk=leads[0].pk).callback_at == due


@pytest.mark.parametrize(
    "body",
    [
        {"dueAt": "2020-01-30T14:30:00Z"},
        {"dueAt": "2190-01-30T14:30:00Z"},
        {"dueAt": "9999-12-31T23:59:59-01:00"},
        {"dueAt": "0001-01-01T00:00:00+10:00"},
        {"dueAt": "tomorrow"},
        {"dueAt": "2030-02-30T14:30:00Z"},
        {"dueAt": 1_900_000_000},
        {"dueAt": True},
        {"dueAt": ["2030-01-30T14:30:00Z"]},
        {"dueAt": {}},
        {"dueAt": ""},
        {"dueAt": text(NOON), "kind": "call"},
        {"dueAt": text(NOON), "kind": "note", "text": "x"},
    ],
)
def test_a_time_that_cannot_be_is_a_400_that_names_it(api, leads, body):
    refused(note(api, leads[0], **body), 400, "dueAt")

    assert (Activity.objects.count(), Lead.objects.filter(callback_at__isnull=False).count()) == (0, 0)


def test_a_time_that_the_clock_is_put_forward_over_is_refused(api, ann, leads):
    User.objects.filter(pk=ann.pk).update(time_zone="America/New_York")

    assert "put forward" in refused(note(api, leads[0], dueAt="2027-03-14T02:30:00"), 400, "dueAt")
    assert "put forward" in refused(api.get("/api/callbacks?before=2027-03-14T02:30:00"), 400, "before")


def test_callbacks_are_listed_soonest_first_page_by_page(api, leads):
    same = soon(hours=3)
    for lead, time in zip(leads, (same, soon(hours=5), same, soon(hours=-1), None, same), strict=True):
        call_at(lead, time)
    wanted = [str(leads[n].pk) for n in (3, 0, 2, 5, 1)]

    assert listed(api) == wanted
    pages, cursor = [], ""
    while cursor is not None:
        answer = body_of(api.get(f"/api/callbacks?limit=2{cursor and f'&cursor={cursor}'}"))
        pages.append([one["leadId"] for one in answer["callbacks"]])
        cursor = answer["nextCursor"]
    assert pages == [wanted[:2], wanted[2:4], wanted[4:]]
    assert listed(api, "?due=true") == wanted[:1]
    assert listed(api, f"?before={quote(text(same))}") == wanted[:1]
    later = same + timedelta(seconds=1)
    assert listed(api, f"?before={quote(later.isoformat())}") == wanted[:4]
    assert listed(api, f"?before={later.astimezone(ZoneInfo('America/Phoenix')):%Y-%m-%dT%H:%M:%S}") == wanted[:4]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("due=maybe", "due"),
        ("before=soon", "before"),
        ("before=9999-12-31T23:59:59-01:00", "before"),
        ("cursor=AAAA", "cursor"),
        ("cursor=f" + "_" * 31, "cursor"),
        ("cursor=%25", "cursor"),
        ("limit=0", "limit"),
        ("after=x", "after"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(api, leads, query, field):
    refused(api.get(f"/api/callbacks?{query}"), 400, field)


def test_a_callback_says_whom_where_and_how(api, leads, django_assert_num_queries):
    facts = {"owner_name": "Jo Smith", "property_address": "12 Main St", "property_city": "Seattle"}
    due = soon(hours=1)
    call_at(leads[0], due, **facts, property_state="WA", phone="+12065550142", phone_do_not_call=True)

    for lead in leads[1:]:
        call_at(lead, soon(hours=2))
    with django_assert_num_queries(4):  # token with its grant and roles, its first use, leads, the record
        callbacks = body_of(api.get("/api/callbacks"))["callbacks"]

    assert len(callbacks) == 6
    assert callbacks[0] == {
        "leadId": str(leads[0].pk),
        "callbackAt": text(due),
        "bucketId": str(leads[0].bucket_id),
        "bucketName": "King",
        "status": "new",
        "ownerName": "Jo Smith",
        "propertyAddress": "12 Main St",
        "propertyCity": "Seattle",
        "propertyState": "WA",
        "phone": "+12065550142",
        "phoneDoNotCall": True,
    }


def test_phones_are_masked_by_the_rule_of_leads(ann, leads):
    ann.memberships.update(is_masked=True)
    call_at(leads[0], soon(hours=1), phone="+12065550142")
    client = signed_in(ann)

    assert client.get("/api/callbacks").json()["callbacks"][0]["phone"] == "•••• 0142"
    assert contacts_told() == []
    ann.memberships.update(is_masked=False)
    assert client.get("/api/callbacks").json()["callbacks"][0]["phone"] == "+12065550142"
    assert contacts_told() == [("ann", "contacts.shown", "api", 1)]


def test_it_is_finished_once(api, leads):
    call_at(leads[0], soon(hours=1))

    for _ in range(2):
        lead = body_of(api.delete(f"/api/leads/{leads[0].pk}/callback"))["lead"]
        assert (lead["callbackAt"], lead["activityCount"]) == (None, 1)
    assert listed(api) == []


def test_somebody_elses_callbacks_are_not_there(api, bob, leads):
    due = soon(hours=1)
    call_at(leads[0], due)

    refused(Api(bob).delete(f"/api/leads/{leads[0].pk}/callback"), 404)
    refused(note(Api(bob), leads[0], dueAt=text(due)), 404)
    assert listed(Api(bob)) == []
    assert Lead.objects.get(pk=leads[0].pk).callback_at == due


def test_the_filter_of_leads_ends_the_day_by_ones_own_clock(api, leads, monkeypatch):
    today = timezone.now().astimezone(ZoneInfo("America/Phoenix"))
    evening = today.replace(hour=20, minute=0, second=0, microsecond=0)  # in London it is tomorrow
    call_at(leads[0], evening + timedelta(hours=3))
    call_at(leads[1], evening + timedelta(hours=5))
    monkeypatch.setattr("django.utils.timezone.now", lambda: evening)
    place = f"/api/property/bucket/leads?bucketId={leads[0].bucket_id}&callback="

    assert [lead["propertyId"] for lead in body_of(api.get(f"{place}today"))["leads"]] == ["1"]
    assert [lead["propertyId"] for lead in body_of(api.get(f"{place}any"))["leads"]] == ["1", "2"]
    refused(api.get(f"{place}soon"), 400, "callback")
