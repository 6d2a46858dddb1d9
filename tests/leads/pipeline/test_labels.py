"""A team's own words under the five statuses: made by managers, worn by leads, dropped when the status changes."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.access import access_of
from accounts.models import AuditEvent, Role, WebhookDelivery, WebhookEndpoint
from buckets.imports import services
from buckets.models import Bucket
from leads.merging.values import merged, row_of
from leads.models import Lead, StatusLabel
from leads.pipeline import labels
from leads.pipeline.labels import LABELS_MAX, change_label, label_named, labels_of, make_label, retire_label
from leads.pipeline.lists import Refused
from leads.pipeline.moving import MovedMeanwhile, Stage, move_lead, stage_at, stage_of
from leads.selection.filters import matching
from leads.services import change_status
from tests.admin_site import address, member, staff, words
from tests.api.client import Api, body_of, refused
from tests.buckets.imports.files import csv_of, uploaded, work
from tests.leads.samples import make_leads
from tests.support import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(db: Any) -> Any:
    return make_user("ann")


def made(user: Any, name: str = "Warm", status: str = "contacted", **more: Any) -> StatusLabel:
    return make_label(access_of(user), {"name": name, "status": status, **more})


def lead_of(user: Any) -> Lead:
    return make_leads(1, by=user)[1][0]


def test_a_label_is_made_renamed_ordered_and_retired(ann):
    access = access_of(ann)
    warm, hot = made(ann), made(ann, "Hot", position=0, color="#B91C1C")
    assert [(one.name, one.position) for one in labels_of(access.team_id)] == [("Hot", 0), ("Warm", 1)]
    change_label(access, warm.pk, {"name": "  Quite   warm ", "position": 0})
    assert [(one.name, one.color) for one in labels_of(access.team_id)] == [
        ("Quite warm", "#6b7280"), ("Hot", "#b91c1c")]  # fmt: skip
    retire_label(access, hot.pk)
    assert [one.name for one in labels_of(access.team_id)] == ["Quite warm"]
    assert [one.name for one in labels_of(access.team_id, retired=True)] == ["Quite warm", "Hot"]
    labels.restore_label(access, hot.pk)
    assert [one.name for one in labels_of(access.team_id)] == ["Quite warm", "Hot"]
    actions = AuditEvent.objects.filter(action__startswith="status_label.").order_by("pk")
    assert [one.action.partition(".")[2] for one in actions] == ["created", "created", "changed", "retired", "restored"]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": "WARM", "status": "lost"}, "name"),  # once a team, in any case
        ({"name": "", "status": "new"}, "name"),
        ({"name": "x" * 41, "status": "new"}, "name"),
        ({"name": "ann@example.com", "status": "new"}, "name"),
        ({"name": "512-555-0100", "status": "new"}, "name"),
        ({"name": "Closed", "status": "closed"}, "name"),  # a status itself
        ({"name": "Hot", "status": "sold"}, "status"),
        ({"name": "Hot", "status": "new", "color": "red"}, "color"),
    ],
)
def test_a_label_that_cannot_be_is_refused_by_field(ann, values, field):
    made(ann)
    with pytest.raises(Refused) as refusal:
        make_label(access_of(ann), values)
    assert (refusal.value.code, refusal.value.field) == ("INVALID", field)
    assert StatusLabel.objects.count() == 1


def test_a_team_has_so_many_labels_and_no_more(ann):
    team_id = ann.memberships.get().team_id
    StatusLabel.objects.bulk_create(StatusLabel(team_id=team_id, status="new", name=f"L{n}") for n in range(LABELS_MAX))
    with pytest.raises(Refused, match="at most 40"):
        made(ann)


def test_moving_a_lead_to_a_label_sets_its_status_counts_it_and_tells_of_it(ann):
    WebhookEndpoint.objects.create(
        team=ann.memberships.get().team, url="https://crm.example.com/", secret="x", events=["lead.status_changed"]
    )
    warm, lead = made(ann), lead_of(ann)
    moved = move_lead(lead.pk, by=ann, to=Stage("contacted", warm.pk))
    assert moved is not None and moved.is_new
    lead.refresh_from_db()
    assert (lead.status, lead.status_label_id, lead.bucket.contacted_leads) == ("contacted", warm.pk, 1)
    assert [one.text for one in lead.activities.all()] == ["new → contacted (Warm)"]
    move_lead(lead.pk, by=ann, to=Stage("contacted"))
    assert [one.text for one in lead.activities.order_by("pk")][1:] == ["contacted (Warm) → contacted"]
    told = [one.data for one in WebhookDelivery.objects.order_by("pk")]
    assert len(told) == 2 and str(warm.pk) in str(told[0])


def test_a_status_that_changes_by_any_way_drops_the_label(ann):
    warm, lead = made(ann), lead_of(ann)
    move_lead(lead.pk, by=ann, to=Stage("contacted", warm.pk))
    change_status(lead=lead, by=ann, status="contacted")  # the same status: it stays
    assert stage_of(Lead.objects.get(pk=lead.pk)) == Stage("contacted", warm.pk)
    with connection.cursor() as cursor:  # as campaigns and imports do
        cursor.execute("UPDATE leads_lead SET status = 'qualified' WHERE id = %s", [lead.pk])
    assert stage_of(Lead.objects.get(pk=lead.pk)) == Stage("qualified")


def test_postgresql_refuses_a_label_of_another_status_or_team(ann):
    warm, lead, bobs = made(ann), lead_of(ann), lead_of(make_user("bob"))
    for wrong, status in ((lead, "lost"), (bobs, "contacted")):
        with pytest.raises(IntegrityError), transaction.atomic():
            Lead.objects.filter(pk=wrong.pk).update(status=status, status_label=warm)
            connection.check_constraints()


def test_who_moves_a_lead_that_was_moved_meanwhile_is_told(ann):
    warm, lead = made(ann), lead_of(ann)
    move_lead(lead.pk, by=ann, to=Stage("contacted", warm.pk), was=Stage("new"))
    with pytest.raises(MovedMeanwhile, match="it is at Contacted · Warm now"):
        move_lead(lead.pk, by=ann, to=Stage("lost"), was=Stage("new"))
    assert stage_of(Lead.objects.get(pk=lead.pk)) == Stage("contacted", warm.pk)


def test_a_retired_label_is_not_moved_to_and_a_stranger_s_neither(ann):
    warm = made(ann)
    team = access_of(ann).team_id
    assert stage_at(f"contacted:{warm.pk}", team) == Stage("contacted", warm.pk)
    theirs = made(make_user("bob"))
    retire_label(access_of(ann), warm.pk)
    for key in (f"contacted:{warm.pk}", f"contacted:{theirs.pk}", f"lost:{warm.pk}", "contacted:x", "sold", ""):
        with pytest.raises(ValueError, match="no such"):
            stage_at(key, team)
    with pytest.raises(Refused):
        label_named(team, "warm")


def test_leads_are_filtered_by_label_in_any_case(ann):
    warm = made(ann)
    _, (first, second) = make_leads(2, by=ann)
    move_lead(first.pk, by=ann, to=Stage("contacted", warm.pk))
    every = Lead.objects.all()
    assert [one.pk for one in matching(every, {"statusLabel": "WARM"})] == [first.pk]
    assert [one.pk for one in matching(every, {"statusLabel": "none"})] == [second.pk]
    assert matching(every, {"statusLabel": ["warm", "none"]}).count() == 2
    assert matching(every, {"statusLabel": "Cold"}).count() == 0


def test_of_two_leads_that_are_one_the_furthest_status_brings_its_label(ann):
    warm = made(ann)
    _, (older, younger) = make_leads(2, by=ann)
    move_lead(younger.pk, by=ann, to=Stage("contacted", warm.pk))
    rows = [row_of(Lead.objects.get(pk=one.pk)) for one in (older, younger)]
    changes = merged(*rows)
    assert (changes["status"], changes["status_label_id"]) == ("contacted", warm.pk)


def test_the_api_makes_labels_and_moves_leads_to_them(ann):
    api, lead = Api(ann), lead_of(ann)
    label = body_of(api.post("/api/leads/statuses", {"name": "Warm", "status": "contacted"}), 201)["label"]
    assert (label["name"], label["status"], label["color"], label["position"]) == ("Warm", "contacted", "#6b7280", 0)
    path = f"/api/leads/statuses/{label['id']}"
    refused(api.post("/api/leads/statuses", {"name": "warm", "status": "new"}), 400, "name")
    told = body_of(api.patch(f"/api/leads/{lead.pk}", {"statusLabel": "warm"}))["lead"]
    assert (told["status"], told["statusLabel"]) == ("contacted", "Warm")
    refused(api.patch(f"/api/leads/{lead.pk}", {"statusLabel": "Cold"}), 400, "statusLabel")
    refused(api.patch(f"/api/leads/{lead.pk}", {"statusLabel": "Warm", "status": "lost"}), 400, "statusLabel")
    assert body_of(api.patch(f"/api/leads/{lead.pk}", {"statusLabel": None}))["lead"]["statusLabel"] is None
    assert body_of(api.patch(path, {"name": "Very warm"}))["label"]["name"] == "Very warm"
    assert body_of(api.delete(path))["label"]["retiredAt"] is not None
    assert body_of(api.get("/api/leads/statuses"))["labels"] == []
    assert len(body_of(api.get("/api/leads/statuses?retired=true"))["labels"]) == 1
    assert body_of(api.post(f"{path}/restore"))["label"]["retiredAt"] is None
    refused(Api(make_user("bob")).patch(path, {"name": "Mine"}), 404)


def test_only_a_manager_changes_labels_and_a_caller_moves_her_own_leads(ann):
    warm, lead = made(ann), lead_of(ann)
    team = lead.team
    caller, _ = member(team, Role.CALLER)
    buyer, _ = member(team, Role.BUYER)
    refused(Api(buyer).post("/api/leads/statuses", {"name": "Hot", "status": "new"}), 403)
    refused(Api(caller).patch(f"/api/leads/{lead.pk}", {"statusLabel": "Warm"}), 404)
    Lead.objects.filter(pk=lead.pk).update(assigned_to=caller)
    assert body_of(Api(caller).get("/api/leads/statuses"))["labels"][0]["id"] == str(warm.pk)
    assert body_of(Api(caller).patch(f"/api/leads/{lead.pk}", {"statusLabel": "Warm"}))["lead"]["status"] == "contacted"


@pytest.mark.long
def test_the_settings_pages_of_labels(db):
    user, client = staff("ann")
    answer = client.post(address(StatusLabel, "add"), {"name": "Warm", "status": "contacted", "color": "#0f766e"})
    assert words(answer) == ["Saved: Warm"]
    row = StatusLabel.objects.get()
    page = client.get(address(StatusLabel, "changelist")).content.decode()
    assert "Warm" in page and "Contacted" in page
    answer = client.post(address(StatusLabel, "add"), {"name": "warm", "status": "new", "color": "#0f766e"})
    assert "already" in answer.content.decode()
    change = address(StatusLabel, "change", row.pk)
    assert words(client.post(change, {"name": "Hot", "color": "#b91c1c"})) == ["Saved: Hot"]
    row.refresh_from_db()
    assert (row.name, row.color, row.status) == ("Hot", "#b91c1c", "contacted")
    asked = client.get(address(StatusLabel, "retire", row.pk)).content.decode()
    assert "Retire Hot?" in asked
    assert words(client.post(address(StatusLabel, "retire", row.pk), {"confirmed": "yes"})) == ["Retired: Hot"]
    assert "Offer again" in client.get(change).content.decode()
    _, buyer = member(user.memberships.get().team, Role.BUYER)
    assert buyer.post(change, {"name": "Mine", "color": "#b91c1c"}).status_code == 403
    _, stranger = staff("bob")
    assert stranger.get(change).status_code == 404


@pytest.mark.long
def test_the_lead_s_page_offers_the_labels_under_their_statuses(db):
    user, client = staff("ann")
    warm, lead = made(user), lead_of(user)
    change = address(Lead, "change", lead.pk)
    page = client.get(change).content.decode()
    assert '<optgroup label="Contacted">' in page and f'value="contacted:{warm.pk}"' in page
    form = {"do": "work", "kind": "note", "text": "", "seen": "0", "was": "new"}
    client.post(change, {**form, "status": f"contacted:{warm.pk}"})
    lead.refresh_from_db()
    assert (lead.status, lead.status_label_id) == ("contacted", warm.pk)
    assert "Warm (Contacted)" in client.get(change).content.decode()
    assert "Warm (Contacted)" in client.get(address(Lead, "changelist"), {"statusLabel": "Warm"}).content.decode()
    wrong = client.post(change, {**form, "status": "contacted:x"})
    assert wrong.status_code == 200 and Lead.objects.get(pk=lead.pk).status_label_id == warm.pk


def test_a_file_gives_leads_a_label_by_its_name_and_undoing_takes_it_back(ann: Any) -> None:
    access = access_of(ann)
    warm = make_label(access, {"name": "Warm", "status": "contacted"})
    dead = make_label(access, {"name": "Dead", "status": "closed"})
    fresh = make_label(access, {"name": "Fresh list", "status": "new"})
    retired = make_label(access, {"name": "Old word", "status": "lost"})
    retire_label(access, retired.pk)
    bucket = Bucket.objects.create(owner=ann, name="Mine")
    rows = [["1 A St", "warm "], ["2 A St", "Dead"], ["3 A St", "fresh  LIST"], ["4 A St", "qualified"],
            ["5 A St", "Old word"], ["6 A St", ""]]  # fmt: skip
    full = [[street, "Boston", "MA", "02134", label] for street, label in rows]
    header = ("Address", "City", "State", "Zip", "Status")

    def stages() -> list[tuple[str, Any]]:
        return list(Lead.objects.order_by("property_address").values_list("status", "status_label"))

    uploaded_ = uploaded(bucket, csv_of(full, header))
    seen = services.preview_of(uploaded_)
    assert seen.warnings == [
        "1 row has a status that is neither one of ours nor a label of your team, and is left out."
    ]
    work(services.start_import(job=uploaded_))
    assert stages() == [("contacted", warm.pk), ("closed", dead.pk), ("new", fresh.pk), ("qualified", None),
                        ("new", None), ("new", None)]  # fmt: skip
    bucket.refresh_from_db()
    assert bucket.contacted_leads == 3
    Lead.objects.filter(property_address__startswith="6").update(status_label=fresh)

    again = [[*full[4][:4], "Dead"], [*full[5][:4], "Warm"], [*full[0][:4], "Dead"]]
    job = services.choose(job=uploaded(bucket, csv_of(again, (*header[:4], "Status label"))), update=True)
    work(services.start_import(job=job))
    assert stages()[0] == ("contacted", warm.pk)
    assert stages()[4:] == [("closed", dead.pk), ("contacted", warm.pk)]
    work(services.undo_import(job=job))
    assert stages()[4:] == [("new", None), ("new", fresh.pk)]
