"""What a person does with a lead: its status, its history, its tags, the owner's name."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.models import User
from leads.models import Activity, Lead, Tag
from leads.services import add_activity, change_status, edit_lead, set_tags
from tests.leads.samples import counters, make_leads

pytestmark = pytest.mark.django_db

Row = dict[str, Any]


@pytest.fixture
def lead() -> Lead:
    return make_leads(2)[1][0]


def row(lead: Lead) -> Row:
    return dict(Lead.objects.values().get(pk=lead.pk))


def test_the_first_contact_is_counted_once_and_taken_back_when_it_is_undone(lead: Lead) -> None:
    by = lead.owner
    seen = []
    for status in ("contacted", "qualified", "closed", "lost", "new", "lost"):
        assert change_status(lead=lead, by=by, status=status).status == status
        seen.append(counters(lead.bucket)[3])
    assert seen == [1, 1, 1, 1, 0, 1]


def test_a_change_of_status_is_in_the_history(lead: Lead) -> None:
    moved = change_status(lead=lead, by=lead.owner, status="contacted")
    (activity,) = Activity.objects.filter(lead=lead)
    assert (activity.kind, activity.text, activity.by) == ("status", "new → contacted", lead.owner)
    assert (moved.activity_count, moved.last_activity_at) == (1, activity.created_at)
    assert moved.updated_at > lead.updated_at


def test_the_same_status_again_changes_nothing(lead: Lead) -> None:
    change_status(lead=lead, by=lead.owner, status="contacted")
    before = row(lead)
    change_status(lead=lead, by=lead.owner, status="contacted")
    assert row(lead) == before
    assert Activity.objects.count() == 1
    assert counters(lead.bucket) == (2, 0, 0, 1)


def test_an_unknown_status_is_refused_and_nothing_changes(lead: Lead) -> None:
    before = row(lead)
    with pytest.raises(IntegrityError), transaction.atomic():
        change_status(lead=lead, by=lead.owner, status="hot")
    assert row(lead) == before
    assert Activity.objects.count() == 0


def test_an_activity_is_counted_and_dates_the_lead(lead: Lead) -> None:
    add_activity(lead=lead, by=lead.owner, kind="call", text="No answer")
    last = add_activity(lead=lead, by=lead.owner, kind="note", text="Try on Monday")
    lead.refresh_from_db()
    assert (lead.activity_count, lead.last_activity_at) == (2, last.created_at)
    assert list(lead.activities.order_by("pk").values_list("kind", "text")) == [
        ("call", "No answer"),
        ("note", "Try on Monday"),
    ]
    assert counters(lead.bucket) == (2, 0, 0, 0)


def test_an_activity_of_an_unknown_kind_leaves_no_count(lead: Lead) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        add_activity(lead=lead, by=lead.owner, kind="fax")
    assert row(lead)["activity_count"] == 0


def test_history_outlives_who_made_it(lead: Lead) -> None:
    colleague = User.objects.create_user("bob")
    add_activity(lead=lead, by=colleague, kind="call")
    colleague.delete()
    assert Activity.objects.get(lead=lead).by is None


def test_tags_become_exactly_those_named_and_case_does_not_tell_them_apart(lead: Lead) -> None:
    Tag.objects.create(owner=lead.owner, name="Absentee", color="#123456")
    assert sorted(t.name for t in set_tags(lead=lead, names=[" absentee ", "Vacant", "VACANT"])) == [
        "Absentee",
        "VACANT",
    ]
    set_tags(lead=lead, names=["vacant"])
    assert [t.name for t in lead.tags.all()] == ["VACANT"]
    assert Tag.objects.count() == 2  # the other stays for the next lead
    set_tags(lead=lead, names=[])
    assert lead.tags.count() == 0


def test_somebody_elses_tag_of_the_same_name_is_left_alone(lead: Lead) -> None:
    other = Tag.objects.create(owner=User.objects.create_user("bob"), name="Vacant")
    (tag,) = set_tags(lead=lead, names=["Vacant"])
    assert (tag.owner, tag.pk == other.pk) == (lead.owner, False)


@pytest.mark.parametrize("name", ["  ", "x" * 51])
def test_a_tag_without_a_name_or_with_too_long_a_one_is_refused_and_tags_stay(lead: Lead, name: str) -> None:
    set_tags(lead=lead, names=["Vacant"])
    with pytest.raises(Exception, match=r"tag_has_name|too long|[Tt]ag"), transaction.atomic():
        set_tags(lead=lead, names=["Good", name])
    assert [t.name for t in lead.tags.all()] == ["Vacant"]
    assert Tag.objects.count() == 1


@pytest.mark.parametrize("names", [("ΟΔΟΣ", "οδοσ"), ("Straße", "STRASSE"), ("İstanbul", "istanbul"), ("É", "é")])
def test_a_tag_in_any_alphabet_is_put_on_the_lead(lead: Lead, names: tuple[str, str]) -> None:
    for name in names:
        assert len(set_tags(lead=lead, names=[name])) == 1
        assert lead.tags.count() == 1


def test_a_person_types_the_status_and_facts_and_nothing_else_of_a_lead(lead: Lead) -> None:
    changes = {"status": "contacted", "first_name": "Ada", "last_name": None, "apn": "7", "owner": None}
    edited = edit_lead(lead=lead, by=lead.owner, changes=changes)
    assert (edited.status, edited.first_name, edited.last_name, edited.apn) == ("contacted", "Ada", None, None)
    assert edited.owner == lead.owner
    assert counters(lead.bucket) == (2, 0, 0, 1)


def test_a_refused_edit_changes_nothing_of_what_came_with_it(lead: Lead) -> None:
    with pytest.raises(Exception), transaction.atomic():  # noqa: B017
        edit_lead(lead=lead, by=lead.owner, changes={"status": "contacted", "first_name": "x" * 201})
    assert (row(lead)["status"], row(lead)["first_name"], counters(lead.bucket)[3]) == ("new", None, 0)
