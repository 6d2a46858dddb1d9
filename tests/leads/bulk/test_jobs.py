"""What is done to many leads, and undone."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import AuditEvent, Notification, Role
from buckets.services import create_bucket, recount
from leads.bulk import services
from leads.bulk.kinds import BulkError
from leads.bulk.services import cancel_bulk, count_of, leads_found, why_not_undo
from leads.bulk.working import forget_old
from leads.fields.definitions import make_field
from leads.models import Activity, BulkChange, BulkJob, BulkPiece, CustomField, Lead, Suppression, Tag
from leads.pipeline.labels import make_label
from leads.services import add_tag, change_status
from tests.leads.bulk.world import hers, make_leads, member, start, told, undo, work
from tests.support import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann() -> Any:
    return make_user("ann")


def statuses() -> list[str]:
    return list(Lead.objects.order_by("pk").values_list("status", flat=True))


def test_a_status_is_set_noted_and_counted_and_undone_where_nobody_moved_the_lead_since(ann):
    bucket, leads = make_leads(3, by=ann)
    change_status(lead=leads[2], by=ann, status="lost")
    job = start(hers(ann), "status", status="lost")
    assert told(job) == ("completed", 3, 3, 2, {"had this status already": 1})
    assert statuses() == ["lost"] * 3
    notes = Activity.objects.filter(lead=leads[0]).values_list("kind", "text", "by")
    assert list(notes) == [("status", "new → lost", ann.pk)]
    change_status(lead=leads[1], by=ann, status="qualified")

    job = undo(job)
    assert (job.status, job.restored, job.kept) == ("undone", 1, 1)
    assert statuses() == ["new", "qualified", "lost"]
    assert list(Activity.objects.filter(lead=leads[0]).order_by("pk").values_list("text", flat=True)) == [
        "new → lost", "lost → new",
    ]  # fmt: skip
    assert recount(bucket_ids=[bucket.pk], mend=False) == {}
    assert BulkChange.objects.count() == BulkPiece.objects.count() == 0
    assert list(
        AuditEvent.objects.filter(action__startswith="bulk.").order_by("pk").values_list("action", "after")
    ) == [
        ("bulk.started", {"action": "status", "leads": 3}),
        ("bulk.finished", {"action": "status", "leads": 3, "changed": 2}),
        ("bulk.undone", {"action": "status", "leads": 2}),
        ("bulk.finished", {"action": "status", "leads": 3, "restored": 1}),
    ]


def test_a_label_of_the_team_is_set_with_its_status_and_undoing_brings_back_the_label_of_before(ann):
    _, leads = make_leads(2, by=ann)
    warm = make_label(hers(ann), {"name": "Warm", "status": "contacted"})
    cold = make_label(hers(ann), {"name": "Cold", "status": "lost"})
    start(hers(ann), "status", leads[:1], statusLabel="warm")
    job = start(hers(ann), "status", statusLabel=str(cold.pk))
    stages = lambda: list(Lead.objects.order_by("pk").values_list("status", "status_label"))  # noqa: E731
    assert (job.changed, stages()) == (2, [("lost", cold.pk)] * 2)
    assert Activity.objects.filter(lead=leads[0]).latest("pk").text == "contacted (Warm) → lost (Cold)"
    assert undo(job).restored == 2
    assert stages() == [("contacted", warm.pk), ("new", None)]
    with pytest.raises(BulkError, match="This label is under lost"):
        start(hers(ann), "status", status="new", statusLabel="cold")


def test_a_tag_is_put_on_where_it_is_not_and_undoing_takes_off_what_the_job_put_on(ann):
    _, leads = make_leads(3, by=ann)
    add_tag(leads=leads[:1], name="Hot")
    job = start(hers(ann), "tag", tag="hot")
    assert told(job) == ("completed", 3, 3, 2, {"had the tag already": 1})
    tag = Tag.objects.get()
    leads[1].tags.remove(tag)
    leads[1].tags.add(tag)  # somebody's own by now
    job = undo(job)
    assert (job.restored, job.kept) == (1, 1)
    assert [list(lead.tags.all()) for lead in leads] == [[tag], [tag], []]


def test_a_tag_is_taken_off_and_put_back(ann):
    _, leads = make_leads(3, by=ann)
    add_tag(leads=leads[:2], name="Hot")
    job = start(hers(ann), "untag", tag="HOT")
    assert told(job) == ("completed", 3, 3, 2, {"did not have the tag": 1})
    assert Lead.tags.through.objects.count() == 0
    job = undo(job)
    assert (job.restored, job.kept) == (2, 0)
    assert [lead.tags.count() for lead in leads] == [1, 1, 0]


def test_leads_are_given_in_turn_and_given_back_to_whom_they_were_with(ann):
    _, leads = make_leads(4, by=ann)
    bob, _ = member(ann, "bob")
    cleo, _ = member(ann, "cleo")
    Lead.objects.filter(pk=leads[0].pk).update(assigned_to=cleo)
    job = start(hers(ann), "assign", to=["bob", cleo.pk])
    assert told(job) == ("completed", 4, 4, 4, {})
    whom = lambda: list(Lead.objects.order_by("pk").values_list("assigned_to__username", flat=True))  # noqa: E731
    assert whom() == ["bob", "cleo", "bob", "cleo"]
    Lead.objects.filter(pk=leads[1].pk).update(assigned_to=bob)
    job = undo(job)
    assert (job.restored, job.kept) == (3, 1)
    assert whom() == ["cleo", "bob", None, None]


def test_a_call_is_logged_about_all_and_cannot_be_undone(ann):
    _, leads = make_leads(2, by=ann)
    job = start(hers(ann), "activity", kind="call", text="No answer")
    assert told(job) == ("completed", 2, 2, 2, {})
    assert list(Activity.objects.values_list("kind", "text")) == [("call", "No answer")] * 2
    lead = Lead.objects.get(pk=leads[0].pk)
    assert (lead.activity_count, lead.last_contact_at == lead.last_activity_at) == (1, True)
    assert why_not_undo(job) == "This cannot be undone."


def test_nobody_is_contacted_any_more_and_it_stays_so(ann):
    _, leads = make_leads(3, by=ann)
    from leads.services import edit_lead

    edit_lead(lead=leads[0], by=ann, changes={"phone": "+16175550112", "email": "pat@example.com"})
    edit_lead(lead=leads[1], by=ann, changes={"phone": "+16175550113"})
    job = start(hers(ann), "doNotContact", expect=3, reason="dnc_request", words="All of them asked")
    assert told(job) == ("completed", 3, 3, 2, {"have no phone and no e-mail": 1})
    assert Suppression.objects.filter(reason="dnc_request", scope="any", by_id=ann.pk).count() == 3
    assert why_not_undo(job) == "This cannot be undone."


def test_a_job_of_no_lead_and_a_job_of_another_number_are_refused_and_leave_nothing(ann):
    _, leads = make_leads(2, by=ann)
    with pytest.raises(BulkError, match="No lead that you may change"):
        start(hers(ann), "status", [], status="lost")
    with pytest.raises(BulkError, match="These are 2 leads now, and not the 3"):
        start(hers(ann), "status", expect=3, status="lost")
    with pytest.raises(BulkError, match="This is 1 lead now, and not the 2"):
        start(hers(ann), "status", leads[:1], expect=2, status="lost")
    assert (BulkJob.objects.count(), BulkPiece.objects.count(), statuses()) == (0, 0, ["new", "new"])


@pytest.mark.parametrize(
    ("kind", "said", "field"),
    [
        ("status", {}, "arguments.status"),
        ("status", {"status": "sold"}, "arguments.status"),
        ("status", {"status": "lost", "all": True}, "arguments.all"),
        ("tag", {"tag": ""}, "arguments.tag"),
        ("tag", {"tag": "x" * 51}, "arguments.tag"),
        ("tag", {"tag": "a\x00b"}, "arguments.tag"),
        ("tag", {"tag": ["a"]}, "arguments.tag"),
        ("untag", {"tag": "none such"}, "arguments.tag"),
        ("assign", {}, "arguments.to"),
        ("assign", {"to": []}, "arguments.to"),
        ("assign", {"to": "nobody I know"}, "arguments.to"),
        ("assign", {"to": [{}]}, "arguments.to"),
        ("activity", {"kind": "callback"}, "arguments.kind"),
        ("activity", {"kind": "note"}, "arguments.text"),
        ("move", {"bucketId": "x"}, "arguments.bucketId"),
        ("copy", {"bucketId": "01890000-0000-7000-8000-000000000000"}, "arguments.bucketId"),
        ("export", {"format": "pdf"}, "arguments.format"),
        ("delete", {"sure": True}, "arguments.sure"),
        ("doNotContact", {"reason": "erased"}, "arguments.reason"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_the_name_of_the_field(ann, kind, said, field):
    make_leads(1, by=ann)
    with pytest.raises(BulkError) as refused:
        start(hers(ann), kind, **said)
    assert refused.value.field == field
    assert not BulkJob.objects.exists()


def test_a_role_does_to_many_what_it_may_do_to_one(ann):
    _, leads = make_leads(2, by=ann)
    _, reads = member(ann, "rae", Role.READER)
    caller, calls = member(ann, "cal", Role.CALLER)
    _, buys = member(ann, "bea", Role.BUYER)
    Lead.objects.filter(pk=leads[0].pk).update(assigned_to=caller)
    arguments: dict[str, dict[str, Any]] = {
        "tag": {"tag": "Hot"}, "status": {"status": "lost"}, "activity": {"text": "Hi"}, "doNotContact": {},
        "assign": {"to": None}, "export": {}, "enrich": {}, "delete": {}, "field": {"field": "roofAge", "value": 1},
    }  # fmt: skip
    make_field(hers(ann), {"name": "Roof age", "kind": "number"})
    may: dict[str, set[str]] = {"reads": set(), "calls": set(), "buys": set()}
    for name, access in (("reads", reads), ("calls", calls), ("buys", buys)):
        for kind, said in arguments.items():
            try:
                job = start(access, kind, **said)
            except BulkError as refused:
                assert refused.code == "FORBIDDEN"
            else:
                may[name].add(kind)
                assert job.leads == (1 if name == "calls" else 2)
    assert may == {
        "reads": set(),
        "calls": {"tag", "status", "field", "activity", "doNotContact"},
        "buys": {"tag", "status", "field", "activity", "doNotContact", "assign", "export", "enrich"},
    }


def test_what_a_callers_undo_leaves_a_manager_undoes_and_who_undid_it_hears_that_it_stopped(ann, monkeypatch):
    _, leads = make_leads(3, by=ann)
    caller, calls = member(ann, "cal", Role.CALLER)
    Lead.objects.update(assigned_to=caller)
    done = start(calls, "status", status="lost")
    Lead.objects.filter(pk__in=[leads[0].pk, leads[2].pk]).update(assigned_to=None)
    Lead.objects.filter(pk=leads[2].pk).update(status="closed")
    undone = undo(done)
    assert (undone.status, undone.restored, undone.kept, statuses()) == ("undone", 1, 2, ["lost", "new", "closed"])
    assert (why_not_undo(undone, calls), why_not_undo(undone, hers(ann))) == ("It was undone.", "")
    assert undo(undone).undone_by == caller  # a second press of hers: nothing

    monkeypatch.setattr(services, "SOON", 1)
    boss, _ = member(ann, "boss", Role.MANAGER)
    services.undo_bulk(job=undone, by=boss)  # a worker is to do it
    boss.memberships.update(role=Role.READER)
    assert work(undone).status == "failed"
    assert list(Notification.objects.values_list("user", "words")) == [
        (boss.pk, "Change status: undoing stopped, 1 of 3 leads.")
    ]

    again = undo(undone, by=ann)
    assert (again.status, again.restored, again.kept, statuses()) == ("undone", 2, 1, ["new", "new", "closed"])
    assert why_not_undo(again) == "It was undone."
    assert not BulkChange.objects.exists()


def test_a_custom_field_is_set_emptied_and_put_back_where_nobody_changed_it_since(ann):
    _, leads = make_leads(4, by=ann)
    make_field(hers(ann), {"name": "Roof age", "kind": "number"})
    make_field(hers(ann), {"name": "Remark", "kind": "text"})
    long = "A roof. " * 60
    for lead, custom in zip(leads, ({"roofAge": 12}, {"roofAge": 3, "remark": long}, {"remark": "x"}), strict=False):
        Lead.objects.filter(pk=lead.pk).update(custom=custom)
    held = lambda: list(Lead.objects.order_by("pk").values_list("custom", flat=True))  # noqa: E731
    before = held()

    aged = start(hers(ann), "field", field="roofAge", value="12")
    assert told(aged) == ("completed", 4, 4, 3, {"had this value already": 1})
    now: list[Any] = [{"roofAge": 12}, {"roofAge": 12, "remark": long}, {"roofAge": 12, "remark": "x"}, {"roofAge": 12}]
    assert held() == now
    bare = start(hers(ann), "field", field="remark", value=None)
    assert (bare.changed, held()) == (2, [{"roofAge": 12}] * 4)
    Lead.objects.filter(pk=leads[2].pk).update(custom={"roofAge": 12, "remark": "y"})

    assert (undo(bare).restored, held()[1:3]) == (1, [now[1], {"roofAge": 12, "remark": "y"}])
    Lead.objects.filter(pk=leads[2].pk).update(custom={"roofAge": 12, "remark": "x"})
    assert (undo(aged).restored, held()) == (3, before)
    assert start(hers(ann), "field", field="roofAge", value="").changed == 2


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"field": "nosuch", "value": 1}, "arguments.field"), ({"field": "roofAge"}, "arguments.value"),
        ({"value": 1}, "arguments.field"), ({"field": "roofAge", "value": "old"}, "arguments.value"),
        ({"field": "roofAge", "value": [1]}, "arguments.value"), ({"field": "theirs", "value": 1}, "arguments.field"),
    ],
)  # fmt: skip
def test_a_field_or_value_that_is_none_is_refused_and_nothing_is_changed(ann, given, field):
    make_leads(1, by=ann)
    make_field(hers(ann), {"name": "Roof age", "kind": "number"})
    make_field(hers(make_user("eve")), {"name": "Theirs", "kind": "number"})
    with pytest.raises(BulkError) as refused:
        start(hers(ann), "field", **given)
    assert (refused.value.field, BulkJob.objects.exists()) == (field, False)


def test_a_field_that_is_retired_meanwhile_stops_the_job_and_what_is_done_can_be_undone(ann, monkeypatch):
    make_leads(2, by=ann)
    field = make_field(hers(ann), {"name": "Roof age", "kind": "number"})
    monkeypatch.setattr(services, "SOON", 0)
    job = start(hers(ann), "field", field="roofAge", value=3)
    CustomField.objects.filter(pk=field.pk).update(retired_at=timezone.now())
    assert (work(job).status, work(job).error) == ("failed", "The custom field was retired meanwhile.")


def test_undoing_leaves_alone_what_was_taken_from_the_caller_and_ends_where_the_role_is_gone(ann, monkeypatch):
    _, leads = make_leads(2, by=ann)
    caller, calls = member(ann, "cal", Role.CALLER)
    Lead.objects.update(assigned_to=caller)
    done = start(calls, "status", status="lost")
    Lead.objects.filter(pk=leads[0].pk).update(assigned_to=None)
    undone = undo(done)
    assert (undone.status, undone.restored, undone.kept, statuses()) == ("undone", 1, 1, ["lost", "new"])

    Lead.objects.update(assigned_to=caller)
    job = start(calls, "status", status="closed")
    monkeypatch.setattr(services, "SOON", 1)
    services.undo_bulk(job=job, by=caller)  # a worker is to do it
    caller.memberships.update(role=Role.READER)
    stopped = work(job)
    assert (stopped.status, stopped.restored, statuses()) == ("failed", 0, ["closed"] * 2)
    assert list(Notification.objects.values_list("user", "words")) == [
        (caller.pk, "Change status: undoing stopped, 0 of 2 leads.")
    ]
    assert (undo(stopped, by=ann).restored, statuses()) == (2, ["lost", "new"])


def test_a_job_over_what_the_filters_find_is_over_those_found_when_it_began(ann):
    _, leads = make_leads(3, by=ann)
    Lead.objects.filter(pk=leads[0].pk).update(phone="+16175550112", property_city="Salem")
    access = hers(ann)
    found = leads_found(access, filters={"hasPhone": "true"}, contacts=True)
    assert count_of(found) == 1
    assert start(access, "tag", found, expect=1, tag="Hot").changed == 1
    other, _ = create_bucket(by=ann, name="Other", property_ids=["77"])
    assert count_of(leads_found(access, filters={}, bucket=other.pk, contacts=True)) == 1


def test_a_strangers_leads_are_nobodys_to_change(ann):
    make_leads(1, by=ann)
    _, theirs = make_leads(2, by=make_user("eve"), first=50)
    job = start(hers(ann), "status", status="lost")
    assert (job.leads, {lead.status for lead in Lead.objects.filter(pk__in=[one.pk for one in theirs])}) == (1, {"new"})


def test_a_job_that_was_stopped_keeps_what_is_done_and_can_be_undone(ann, monkeypatch):
    from dataclasses import replace

    from leads.bulk import kinds, services

    make_leads(5, by=ann)
    monkeypatch.setitem(kinds._kinds, "status", replace(kinds.kind_of("status"), piece=2))
    monkeypatch.setattr(services, "SOON", 0)
    job = start(hers(ann), "status", status="lost")
    assert told(job) == ("queued", 5, 0, 0, {})
    from leads.bulk.working import continue_job

    assert continue_job(job.pk, seconds=0.0001) is True
    job.refresh_from_db()
    assert told(job) == ("running", 5, 2, 2, {})
    job = cancel_bulk(job=job, by=ann)
    assert (continue_job(job.pk), job.status, job.changed) == (False, "cancelled", 2)
    with pytest.raises(BulkError, match="nothing to stop"):
        cancel_bulk(job=job, by=ann)
    assert undo(job).restored == 2
    assert statuses() == ["new"] * 5


def test_what_was_before_is_kept_for_30_days_and_the_leads_of_a_price_or_a_file_for_7(ann):
    make_leads(2, by=ann)
    done, asked, file = start(hers(ann), "tag", tag="Hot"), start(hers(ann), "enrich"), start(hers(ann), "export")
    assert (forget_old(), BulkPiece.objects.count(), BulkChange.objects.count()) == (0, 2, 2)
    long_ago = timezone.now() - timedelta(days=31)
    BulkJob.objects.exclude(status="asking").update(finished_at=long_ago)
    BulkJob.objects.update(created_at=long_ago)
    assert (forget_old(), forget_old()) == (3, 0)
    assert (BulkPiece.objects.count(), BulkChange.objects.count()) == (0, 0)
    for job in (done, asked, file):
        job.refresh_from_db()
    assert (asked.status, why_not_undo(done)) == (
        "cancelled", "It is more than 30 days old: what was before is not kept any longer.",
    )  # fmt: skip
