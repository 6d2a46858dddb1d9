"""Views of the leads in the API: the team's and one's own, with counts; renamed, ordered, deleted."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from accounts.models import Membership, Role, User
from leads.models import Lead, SavedView
from leads.selection.counting import TooSlow, at_most_seconds, count_each
from tests.api.client import Api, body_of, refused
from tests.leads.samples import make_leads
from tests.support import make_user

pytestmark = pytest.mark.django_db
VIEWS = "/api/leads/views"


@pytest.fixture
def leads(ann: User) -> list[Lead]:
    _, leads = make_leads(3, by=ann)
    Lead.objects.filter(pk=leads[0].pk).update(property_city="Kent", phone="+12065550142", status="lost")
    return leads


def save(user: User, name: str = "Kent", **said: Any) -> Any:
    return body_of(Api(user).post(VIEWS, {"name": name, "filters": {"propertyCity": "Kent"}, **said}), 201)["view"]


def colleague(ann: User, name: str, role: Role) -> User:
    user = make_user(name)
    user.memberships.all().delete()
    Membership.objects.create(user=user, team=ann.memberships.get().team, role=role)
    return user


def test_presets_and_views_are_told_with_counts(ann: User, leads: list[Lead]) -> None:
    view = save(ann, filters={"propertyCity": ["Kent", "Yelm"], "hasPhone": True, "sort": "-estimatedEquity"})
    told = body_of(Api(ann).get(VIEWS))
    presets = {one["key"]: (one["count"], one["countIsExact"]) for one in told["presets"]}
    assert presets["all"] == (3, True)
    assert (presets["withPhone"], presets["readyToCall"]) == ((1, True), (0, True))
    assert told["first"] == "withPhone"
    assert "profile" in told["missing"]
    assert told["views"] == [view]
    assert view | {"id": ""} == {
        "id": "", "name": "Kent", "count": 1, "countIsExact": True, "shared": True, "columns": None,
        "ownerId": ann.pk,
        "filters": {"hasPhone": "true", "propertyCity": ["Kent", "Yelm"], "sort": "-estimatedEquity"},
    }  # fmt: skip


def test_a_view_is_renamed_kept_to_oneself_given_columns_and_deleted(ann: User, leads: list[Lead]) -> None:
    view, other = save(ann), save(ann, "Other")
    path = f"{VIEWS}/{view['id']}"
    changed = body_of(Api(ann).patch(path, {"name": "Kent, WA", "shared": False, "columns": ["owner", "phone"]}))[
        "view"
    ]
    assert (changed["name"], changed["shared"], changed["columns"]) == ("Kent, WA", False, ["owner", "phone"])
    assert body_of(Api(ann).patch(path, {"columns": None}))["view"]["columns"] is None
    assert body_of(Api(ann).patch(VIEWS, {"order": [other["id"]]}))["order"] == [other["id"], view["id"]]
    bob = colleague(ann, "bob", Role.MANAGER)
    assert [one["name"] for one in body_of(Api(bob).get(VIEWS))["views"]] == ["Other"]
    refused(Api(bob).patch(path, {"name": "Mine"}), 404)
    refused(Api(ann).patch(path, {"name": "x" * 51}), 400, "name")
    save(ann, "other", shared=False)  # one's own beside the team's of the same name
    refused(Api(ann).patch(path, {"name": "OTHER"}), 400, "name")
    assert body_of(Api(ann).delete(path))["id"] == view["id"]
    refused(Api(ann).delete(path), 404)


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"filters": {}}, "filters"),
        ({"filters": {"nothing": 1}}, "filters"),
        ({"filters": {"propertyCity": {"a": 1}}}, "filters"),
        ({"filters": {"propertyCity": None}}, "filters"),
        ({"filters": {"q": "a\x00"}}, "filters"),
        ({"filters": {"sort": "nothing"}}, "filters"),
        ({"filters": []}, "filters"),
        ({"name": ""}, "name"),
        ({"name": "a\x00"}, "name"),
        ({"columns": ["2065550143"]}, "columns"),
        ({"columns": []}, "columns"),
        ({"shared": "perhaps"}, "shared"),
        ({"more": 1}, "more"),
    ],
)
def test_what_could_not_be_opened_is_refused_by_field(ann: User, said: dict[str, Any], field: str) -> None:
    refused(Api(ann).post(VIEWS, {"name": "Kent", "filters": {"propertyCity": "Kent"}, **said}), 400, field)
    assert SavedView.objects.count() == 0


def test_a_reader_reads_a_caller_has_her_own_and_a_stranger_finds_nothing(ann: User, leads: list[Lead]) -> None:
    view = save(ann)
    reader, caller = colleague(ann, "rita", Role.READER), colleague(ann, "cleo", Role.CALLER)
    assert [one["count"] for one in body_of(Api(reader).get(VIEWS))["views"]] == [1]
    refused(Api(reader).post(VIEWS, {"name": "Kent", "filters": {"propertyCity": "Kent"}}), 403)
    assert save(caller, "Hers")["shared"] is False
    refused(Api(caller).post(VIEWS, {"name": "Ours", "filters": {"hasPhone": True}, "shared": True}), 403)
    assert [(one["name"], one["count"]) for one in body_of(Api(caller).get(VIEWS))["views"]] == [("Hers", 0)]
    refused(Api(make_user("bob")).patch(f"{VIEWS}/{view['id']}", {"name": "Mine"}), 404)
    refused(Api(ann).patch(VIEWS, {"order": [str(leads[0].pk)]}), 404, "order")


def test_a_count_that_takes_too_long_is_none_and_hides_no_other(ann: User, leads: list[Lead], monkeypatch: Any) -> None:
    with pytest.raises(TooSlow), at_most_seconds(0.05), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(5)")
    monkeypatch.setattr("leads.selection.counting.TOGETHER", 0.2)
    monkeypatch.setattr("leads.selection.counting.ALONE", 0.2)
    slow = Lead.objects.extra(where=["pg_sleep(5) IS NOT NULL"])
    counts = count_each({"slow": slow, "all": Lead.objects.all(), "none": Lead.objects.none()}, at_most=2)
    assert counts == {"slow": None, "all": 3, "none": 0}
