"""The board: columns by status and label, the last touched first, a page at a time; leads moved and moved back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.access import access_of
from accounts.models import Role
from leads.admin import board
from leads.models import Lead, StatusLabel
from leads.pipeline.board import Place, board_of, column_of, headings
from leads.pipeline.labels import make_label, retire_label
from leads.pipeline.moving import Stage, move_lead, stage_of
from tests.admin_site import member, staff, words
from tests.api.client import Api, body_of, refused
from tests.leads.samples import make_leads
from tests.support import make_user

pytestmark = pytest.mark.django_db
BOARD, MOVE = "/admin/leads/lead/board/", "/admin/leads/lead/board/move/"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
JSON: dict[str, Any] = {"headers": {"Accept": "application/json"}}


def team_of(user: Any) -> int:
    team_id = access_of(user).team_id
    assert team_id is not None
    return team_id


def touched(leads: list[Lead], hours: list[int | None], **more: Any) -> None:
    for lead, hour in zip(leads, hours, strict=True):
        at = NOON + timedelta(hours=hour) if hour is not None else None
        Lead.objects.filter(pk=lead.pk).update(last_activity_at=at, **more)


def heading_of(user: Any, status: str, label: StatusLabel | None = None) -> Any:
    key = Stage(status, label.pk if label else None).key
    return next(one for one in headings(team_of(user)) if one.key == key)


def test_a_column_has_the_last_touched_first_then_the_newest_in_pages_without_gaps():
    ann = make_user()
    _, leads = make_leads(7, by=ann)
    touched(leads, [3, None, 9, 3, None, 1, None])
    wanted = [leads[n].pk for n in (2, 3, 0, 5, 6, 4, 1)]
    for limit in (1, 2, 3, 5, 7):
        found: list[Any] = []
        at: Place | None = None
        while True:
            column = column_of(Lead.objects.all(), heading_of(ann, "new"), at=at, limit=limit)
            found += [lead.pk for lead in column.leads]
            assert column.count == 7
            if column.after is None:
                break
            at = Place.read(str(column.after))
        assert found == wanted, limit


def test_a_label_has_a_column_behind_its_status_and_a_retired_one_while_leads_have_it():
    ann = make_user()
    warm = make_label(access_of(ann), {"name": "Warm", "status": "contacted"})
    cold = make_label(access_of(ann), {"name": "Cold", "status": "contacted"})
    _, (first, _second) = make_leads(2, by=ann)
    move_lead(first.pk, by=ann, to=Stage("contacted", warm.pk))
    retire_label(access_of(ann), warm.pk)
    retire_label(access_of(ann), cold.pk)
    told = [(one.heading.words, one.counted, one.heading.offered) for one in board_of(Lead.objects.all(), team_of(ann))]
    assert told == [("New", "1", True), ("Contacted", "0", True), ("Warm", "1", False), ("Qualified", "0", True),
                    ("Closed", "0", True), ("Lost", "0", True)]  # fmt: skip


def test_the_page_shows_cards_and_moves_one_back_and_forth_without_a_script():
    user, client = staff("ann")
    _, (lead, other) = make_leads(2, by=user)
    page = client.get(BOARD).content.decode()
    assert page.count('desk-board-card"') == 2 and str(lead) in page and f'value="{lead.pk}"' in page
    answer = client.post(MOVE, {"lead": lead.pk, "to": "qualified", "was": "new", "query": "hasPhone=false"})
    assert words(answer) == [f"{lead}: moved to Qualified."] and "hasPhone=false" in answer.headers["Location"]
    assert stage_of(Lead.objects.get(pk=lead.pk)) == Stage("qualified")
    back = client.get(answer.headers["Location"]).content.decode()
    assert "Undo the last move" in back and 'name="to" value="new"' in back
    client.post(MOVE, {"lead": lead.pk, "to": "new", "was": "qualified"})
    assert stage_of(Lead.objects.get(pk=lead.pk)) == Stage("new")
    assert Lead.objects.get(pk=other.pk).activity_count == 0


def test_a_script_is_told_in_json_and_of_a_lead_that_was_moved_meanwhile():
    user, client = staff("ann")
    warm = make_label(access_of(user), {"name": "Warm", "status": "contacted"})
    _, (lead,) = make_leads(1, by=user)
    key = f"contacted:{warm.pk}"
    told = client.post(MOVE, {"lead": lead.pk, "to": key, "was": "new"}, **JSON)
    assert told.json() == {
        "words": f"{lead}: moved to Contacted · Warm.", "lead": str(lead.pk), "now": key, "before": "new"}  # fmt: skip
    late = client.post(MOVE, {"lead": lead.pk, "to": "lost", "was": "new"}, **JSON)
    assert (late.status_code, late.json()["now"]) == (409, key)
    assert "moved this lead meanwhile" in late.json()["words"]
    for wrong in ({"to": "sold", "was": key}, {"to": "lost", "was": "x"}, {"to": "lost"}):
        assert client.post(MOVE, {"lead": lead.pk, **wrong}, **JSON).status_code == 400
    assert client.get(MOVE).status_code == 405
    assert stage_of(Lead.objects.get(pk=lead.pk)) == Stage("contacted", warm.pk)


def test_filters_search_and_bucket_of_the_list_hold_on_the_board():
    user, client = staff("ann")
    bucket, leads = make_leads(3, by=user)
    Lead.objects.filter(pk=leads[0].pk).update(property_city="Tacoma", property_address="12 Oak St")
    make_leads(1, by=user, name="Other", first=50)
    page = client.get(BOARD, {"propertyCity": "Tacoma"}).content.decode()
    assert page.count('desk-board-card"') == 1 and "City: Tacoma" in page
    assert client.get(BOARD, {"q": "12 oak"}).content.decode().count('desk-board-card"') == 1
    assert client.get(BOARD, {"bucket": str(bucket.pk)}).content.decode().count('desk-board-card"') == 3
    for wrong in ({"hasPhone": "maybe"}, {"bucket": "x"}, {"custom.pool": "1"}):
        page = client.get(BOARD, wrong).content.decode()
        assert "cannot be read" in page and 'desk-board-card"' not in page


def test_a_column_goes_on_behind_its_last_card():
    user, client = staff("ann")
    make_leads(25, by=user)
    page = client.get(BOARD).content.decode()
    assert page.count('desk-board-card"') == 20 and "More" in page
    column = column_of(Lead.objects.all(), heading_of(user, "new"))
    more = client.get(BOARD, {"column": "new", "after": str(column.after)}).content.decode()
    assert more.count('desk-board-card"') == 5
    for wrong in ({"column": "sold"}, {"column": "new", "after": "x"}, {"column": "new", "after": "2026-01-01~x"}):
        assert client.get(BOARD, wrong).status_code == 404


def test_a_caller_sees_and_moves_her_own_a_reader_moves_none_a_stranger_sees_none():
    user, _client = staff("ann")
    _, (lead, other) = make_leads(2, by=user)
    caller, client = member(lead.team, Role.CALLER)
    _, reads = member(lead.team, Role.READER)
    _, stranger = staff("bob")
    Lead.objects.filter(pk=lead.pk).update(assigned_to=caller)
    page = client.get(BOARD).content.decode()
    assert page.count('desk-board-card"') == 1 and str(lead) in page
    said = {"to": "lost", "was": "new"}
    assert client.post(MOVE, {"lead": other.pk, **said}).status_code == 404
    assert client.post(MOVE, {"lead": lead.pk, **said}, **JSON).status_code == 200
    assert "<select" not in reads.get(BOARD).content.decode().partition('class="desk-board"')[2]
    assert reads.post(MOVE, {"lead": other.pk, **said}).status_code == 403
    assert 'desk-board-card"' not in stranger.get(BOARD).content.decode()
    assert stranger.post(MOVE, {"lead": other.pk, **said}).status_code == 404
    assert Lead.objects.get(pk=other.pk).status == "new"


def test_the_api_has_the_board_and_moves_leads():
    ann = make_user()
    _, leads = make_leads(3, by=ann)
    touched(leads, [1, 2, None])
    api = Api(ann)
    first = body_of(api.get("/api/leads/board?limit=2"))["columns"][0]
    assert (first["key"], first["name"], first["count"], first["labelId"]) == ("new", "New", 3, None)
    assert [one["id"] for one in first["leads"]] == [str(leads[1].pk), str(leads[0].pk)]
    cursor = first["nextCursor"]  # goes into an address as it is, as every cursor does
    rest = body_of(api.get(f"/api/leads/board?column=new&limit=2&cursor={cursor}"))["columns"]
    assert [one["id"] for one in rest[0]["leads"]] == [str(leads[2].pk)] and rest[0]["nextCursor"] is None
    refused(api.get("/api/leads/board?column=sold"), 400, "column")
    refused(api.get("/api/leads/board?bucketId=7"), 400, "bucketId")
    one = body_of(api.get(f"/api/leads/board?bucketId={leads[0].bucket_id}"))["columns"][0]
    assert one["count"] == 3
    refused(api.get("/api/leads/board?cursor=x"), 400, "cursor")
    refused(api.get("/api/leads/board?column=new&cursor=x"), 400, "cursor")
    refused(api.get("/api/leads/board?hasPone=1"), 400, "hasPone")
    refused(api.get("/api/leads/board?custom.pool=1"), 400, "custom.pool")
    path = f"/api/leads/{leads[0].pk}/move"
    assert body_of(api.post(path, {"to": "lost", "was": "new"}))["lead"]["status"] == "lost"
    assert api.post(path, {"to": "closed", "was": "new"}).json()["error"]["code"] == "MOVED"
    refused(api.post(path, {"to": "sold"}), 400, "to")
    refused(api.post(path, {"to": "new", "was": "sold"}), 400, "was")
    refused(Api(make_user("bob")).post(path, {"to": "new"}), 404)
    moved_at = Lead.objects.get(pk=leads[0].pk).last_activity_at
    assert moved_at is not None and moved_at <= timezone.now()


def test_the_filters_above_the_board_are_named_as_in_the_list():
    assert board._words({"hasPhone": ["true"], "propertyCity": ["Kent"]}) == "Has a phone: Yes; City: Kent"
