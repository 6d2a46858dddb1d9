"""A program that keeps a copy of the leads hears of every change once all that wrote before it is over; of no other."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction
from django.test import override_settings
from django.utils import timezone

from accounts.access import own_access
from buckets.deleting.services import delete_bucket
from buckets.services import add_ids, create_bucket
from common.db.clock import database_now
from leads.changes import reading
from leads.changes.reading import NotYet, TooOld, changes, cluster_now, gone_of
from leads.models import Activity, Change, Lead, Tag
from leads.permission.adding import add_suppression
from leads.services import add_activity, change_status, create_tag, delete_tag, edit_lead, set_tags
from operations import retention
from tests.api.client import Api, body_of, refused
from tests.leads.samples import make_leads, together
from tests.support import make_user, until_told

pytestmark = pytest.mark.django_db(transaction=True)
PATH = "/api/leads/changes"


def another() -> psycopg.Connection[Any]:
    """A connection beside the test's own."""
    with connection.cursor() as cursor:
        info = cursor.connection.info
    return psycopg.connect(host=info.host, port=info.port, user=info.user, password=info.password, dbname=info.dbname)


class Copy:
    """A program that asks until there is no more, and keeps what it is told."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.leads: dict[str, Any] = {}
        self.gone: dict[str, tuple[str, str | None]] = {}
        until_told()
        self.cursor = body_of(api.get(PATH))["nextCursor"]

    def sync(self, limit: int = 500, more: str = "", waits: bool = True) -> list[str]:
        """The property ids of the leads that this sync told, in its order. waits: until all may be told."""
        told: list[str] = []
        if waits:
            until_told()
        while True:
            answer = body_of(self.api.get(f"{PATH}?limit={limit}&cursor={self.cursor}{more}"))
            assert len(answer["leads"]) + len(answer["gone"]) <= limit
            self.cursor = answer["nextCursor"]
            for lead in answer["leads"]:
                self.leads[lead["id"]] = lead
                told.append(lead["propertyId"])
            for one in answer["gone"]:
                self.leads.pop(one["id"], None)
                self.gone[one["id"]] = (one["why"], one["mergedInto"])
            if not answer["hasMore"]:
                return told


@pytest.mark.long
def test_every_change_that_a_copy_must_hear_of_is_told_once() -> None:
    bucket, leads = make_leads(3)
    one, two, _ = leads
    team, ann = bucket.team_id, bucket.owner
    copy = Copy(Api(ann))
    assert copy.sync() == []

    change_status(lead=one, by=ann, status="qualified")
    assert copy.sync() == ["1"]
    assert copy.leads[str(one.pk)]["status"] == "qualified"
    edit_lead(lead=two, by=ann, changes={"phone": "+12065550100"})
    assert copy.sync() == ["2"]
    assert copy.leads[str(two.pk)]["phone"] == "+12065550100"
    set_tags(lead=one, names=["hot"])
    assert copy.sync() == ["1"]
    add_activity(lead=two, by=ann, kind="note", text="Rang")
    assert copy.sync(more="&include=activities") == ["2"]
    assert copy.leads[str(two.pk)]["activities"][0]["text"] == "Rang"
    Tag.objects.filter(name="hot").update(name="warm")
    assert copy.sync() == ["1"]
    assert copy.leads[str(one.pk)]["tags"] == ["warm"]
    delete_tag(tag=Tag.objects.get(), by=ann)
    assert copy.sync() == ["1"]
    assert copy.leads[str(one.pk)]["tags"] == []
    Lead.objects.filter(pk=two.pk).update(assigned_to=ann)
    assert copy.sync() == ["2"]
    Activity.objects.filter(lead=two, kind="note").update(text="")
    assert copy.sync() == ["2"]
    add_suppression(access=own_access(ann), phone="+12065550100", scope="call")
    assert copy.sync(more="&include=suppressions") == ["2"]
    assert [one["scope"] for one in copy.leads[str(two.pk)]["suppressions"]] == ["call"]
    create_tag(by=ann, team_id=team, name="unused", color="#6b7280")
    assert copy.sync() == []
    add_ids(bucket=bucket, property_ids=["8", "9"])
    assert copy.sync() == ["8", "9"]


def test_what_is_gone_is_told_without_a_word_of_it() -> None:
    bucket, (one, two, three) = make_leads(3)
    edit_lead(lead=three, by=bucket.owner, changes={"phone": "+12065550100"})
    copy = Copy(Api(bucket.owner))

    Lead.objects.filter(pk=one.pk).update(merged_into=two)
    gone = str(three.pk)
    three.delete()
    until_told()
    answer = body_of(copy.api.get(f"{PATH}?cursor={copy.cursor}"))
    told = {row["id"]: row for row in answer["gone"]}

    assert set(told) == {str(one.pk), gone}
    assert (told[str(one.pk)]["why"], told[str(one.pk)]["mergedInto"]) == ("merged", str(two.pk))
    assert (told[gone]["why"], told[gone]["mergedInto"]) == ("deleted", None)
    assert all(set(row) == {"id", "why", "mergedInto", "at"} for row in told.values())
    assert "5550100" not in str(answer)
    assert {type(value) for row in Change.objects.values("ids", "first", "last") for value in row.values()} <= {
        list, type(one.pk), type(None),
    }  # fmt: skip
    delete_bucket(bucket=bucket)
    copy.sync()
    assert set(copy.gone) == {str(one.pk), str(two.pk), gone}


def test_a_transaction_that_commits_late_is_not_passed_over() -> None:
    """The older transaction writes first and commits last; between the two a copy is made up to the newer one."""
    bucket, (one, two) = make_leads(2)
    copy = Copy(Api(bucket.owner))
    late = another()
    late.execute("UPDATE leads_lead SET status = 'contacted' WHERE id = %s", [one.pk])

    change_status(lead=two, by=bucket.owner, status="lost")
    assert copy.sync(waits=False) == []  # the newer one waits for the older: it is told with it, not before
    late.commit()
    late.close()

    assert sorted(copy.sync()) == ["1", "2"]
    assert copy.leads[str(one.pk)]["status"] == "contacted"
    assert copy.sync() == []


def test_a_time_reaches_back_to_what_was_written_before_it_and_committed_after() -> None:
    bucket, (one, two) = make_leads(2)
    Change.objects.all().delete()
    late = another()
    late.execute("UPDATE leads_lead SET status = 'contacted' WHERE id = %s", [one.pk])
    since = database_now()
    late.commit()
    late.close()
    change_status(lead=two, by=bucket.owner, status="lost")

    until_told()
    page = changes(bucket.team_id, after=None, since=since, limit=10)

    assert list(page.touched) == [one.pk, two.pk]
    with pytest.raises(NotYet):
        changes(bucket.team_id, after=None, since=since + timedelta(days=1), limit=10)


@pytest.mark.long
def test_many_at_once_write_and_a_copy_that_asks_all_the_while_misses_nothing() -> None:
    bucket, leads = make_leads(6)
    copy, statuses = Copy(Api(bucket.owner)), ("contacted", "qualified", "lost", "closed")

    def change(lead: Lead) -> None:
        for status in statuses:
            change_status(lead=lead, by=lead.owner, status=status)

    def asks() -> None:
        for _ in range(12):
            copy.sync(limit=2, waits=False)

    together(asks, *(lambda lead=lead: change(lead) for lead in leads))
    copy.sync(limit=2)

    assert {lead["propertyId"]: lead["status"] for lead in copy.leads.values()} == dict.fromkeys("123456", "closed")


@pytest.mark.long
def test_a_bulk_save_is_one_row_and_is_told_page_by_page_each_lead_once() -> None:
    ann = make_user("ann")
    other, _ = create_bucket(by=ann, name="Other", property_ids=["a"])
    copy = Copy(Api(ann))
    Change.objects.all().delete()
    bucket, _ = create_bucket(by=ann, name="Many", property_ids=[str(n) for n in range(2_500)])
    (row,) = Change.objects.all()

    told = copy.sync(limit=500)

    assert (row.bucket_id, row.ids) == (bucket.pk, None)
    assert told == [str(n) for n in range(2_500)]
    with transaction.atomic():
        Lead.objects.filter(bucket=bucket).update(status="lost")
        Lead.objects.filter(bucket=bucket, property_id__in=["3", "4"]).update(status="closed")
    assert [len(row.ids or ()) for row in Change.objects.filter(ids__isnull=False)] == [1000, 1000, 500, 2]
    told = copy.sync(limit=300)
    assert len(told) >= len(set(told)) == 2_500
    assert {lead["status"] for lead in copy.leads.values()} == {"lost", "closed"}
    assert other.pk != bucket.pk


def test_another_team_and_a_caller_hear_nothing() -> None:
    bucket, (one,) = make_leads(1)
    bob = make_user("bob")
    theirs = Copy(Api(bob))

    change_status(lead=one, by=bucket.owner, status="lost")

    assert (theirs.sync(), theirs.gone) == ([], {})
    bucket.team.memberships.update(role="caller")
    assert "caller" in refused(Api(bucket.owner).get(PATH), 403)


def test_too_old_a_cursor_a_time_and_a_restored_copy_are_refused_in_words(monkeypatch: Any) -> None:
    bucket, _ = make_leads(1)
    api = Api(bucket.owner)
    cursor = body_of(api.get(PATH))["nextCursor"]

    with override_settings(KEEP_CHANGES_DAYS=0):
        words = refused(api.get(f"{PATH}?cursor={cursor}"), 410, "cursor")
    assert "read all leads anew" in words
    since = (timezone.now() - timedelta(days=31)).isoformat().replace("+00:00", "Z")
    refused(api.get(f"{PATH}?updatedSince={since}"), 410, "updatedSince")
    monkeypatch.setattr(reading, "cluster_now", lambda: ("elsewhere", *cluster_now()[1:]))
    refused(api.get(f"{PATH}?cursor={cursor}"), 410, "cursor")
    monkeypatch.undo()
    for query, field in (
        ("cursor=abc", "cursor"), ("updatedSince=yesterday", "updatedSince"), ("sort=-createdAt", "sort"),
        (f"cursor={cursor}&updatedSince=2026-11-30T00:00:00Z", "updatedSince"), ("fields=phones", "fields"),
        ("updatedSince=2999-01-01T00:00:00Z", "updatedSince"), ("include=everything", "include"),
    ):  # fmt: skip
        refused(api.get(f"{PATH}?{query}"), 400, field)


def test_old_changes_are_dropped_a_day_after_their_cursors_end() -> None:
    bucket, (one, *_) = make_leads(2)
    Change.objects.update(at=database_now() - timedelta(days=30, hours=23))
    change_status(lead=one, by=bucket.owner, status="lost")
    kept = Change.objects.count()
    Change.objects.filter(ids__isnull=True).update(at=database_now() - timedelta(days=31, hours=1))

    retention.apply()

    assert 0 < Change.objects.count() < kept
    assert not Change.objects.filter(ids__isnull=True).exists()


def test_only_what_is_asked_for_is_told() -> None:
    bucket, (one, _) = make_leads(2)
    copy = Copy(Api(bucket.owner))
    change_status(lead=one, by=bucket.owner, status="lost")
    until_told()

    answer = body_of(copy.api.get(f"{PATH}?cursor={copy.cursor}&fields=id,status&include=bucket"))

    assert answer["leads"] == [
        {"id": str(one.pk), "status": "lost", "bucket": {"id": str(bucket.pk), "name": bucket.name}}
    ]
    assert gone_of(bucket.team_id, {}, []) == []
    with pytest.raises(TooOld):
        changes(bucket.team_id, after=None, since=database_now() - timedelta(days=40), limit=1)
