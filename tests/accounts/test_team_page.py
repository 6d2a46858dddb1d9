"""A team's page and the switch between teams: who is what, limits, and nothing of another team."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, Membership, Team, User
from buckets.models import Bucket, BucketShare
from buckets.services import create_bucket
from common.db.ids import uuid7
from integrations.models import Operation, VendorCall
from leads.listing.saved_views import save_view
from leads.models import Activity, Lead
from leads.services import add_activity, add_tag
from tests.admin_site import act, address, boxes, member, sees_contacts, signed_in, staff, superuser, words
from tests.api.client import Api, refused

pytestmark = pytest.mark.django_db


def place(name: str, *ids: Any) -> str:
    return reverse(f"admin:accounts_team_{name}", args=ids)


def team_of(user: User) -> Team:
    return user.memberships.get(is_own=True).team


@pytest.fixture
def ann() -> Any:
    return staff("ann")


def test_a_manager_changes_roles_and_limits_and_the_audit_says_who(ann):
    team = team_of(ann[0])
    cat, _ = member(team, "caller", "cat")

    page = ann[1].get("/admin/accounts/team/", follow=True).content.decode()
    assert ("cat" in page, "Works the leads assigned to them" in page) == (True, True)
    ann[1].post(place("member", team.pk, cat.pk), {"role": "reader", "is_masked": "on"})
    limits = {"name": "Acquisitions", "monthly_budget": "500", "daily_lead_limit": "20", "lead_limit": "1"}
    answer = ann[1].post(place("change", team.pk), limits)

    assert words(answer)[-1] == "Team saved."
    assert list(cat.memberships.values_list("role", "is_masked")) == [("reader", True)]
    team.refresh_from_db()
    assert (team.name, team.monthly_budget, team.daily_lead_limit, team.lead_limit) == ("Acquisitions", 500, 20, None)
    assert list(AuditEvent.objects.order_by("pk").values_list("action", "user_name")) == [
        ("member.changed", "ann"), ("caps.changed", "ann"),
    ]  # fmt: skip
    page = ann[1].post(place("change", team.pk), limits | {"monthly_budget": "-1"}).content.decode()
    assert "$0 or more" in page or "greater than or equal to 0" in page


def test_a_page_of_before_gives_back_no_role_mask_or_budget_that_was_taken_meanwhile(ann):
    team = team_of(ann[0])
    cat, _ = member(team, "caller", "cat")
    page = ann[1].get(place("change", team.pk))
    limits, said = boxes(page), {"initial-role": "caller", "initial-is_masked": "False"}
    for name, value in said.items():
        assert f'name="{name}" value="{value}"' in page.content.decode()

    ann[1].post(place("member", team.pk, cat.pk), said | {"role": "caller", "is_masked": "on"})
    ann[1].post(place("member", team.pk, cat.pk), said | {"role": "reader"})
    ann[1].post(place("change", team.pk), limits | {"monthly_budget": "5"})
    ann[1].post(place("change", team.pk), limits | {"name": "Acquisitions"})

    assert list(cat.memberships.values_list("role", "is_masked")) == [("reader", True)]
    team.refresh_from_db()
    assert (team.name, team.monthly_budget) == ("Acquisitions", 5)


def test_who_is_masked_unmasks_nobody_and_nobody_decides_about_herself(ann):
    team = team_of(ann[0])
    Membership.objects.create(team=team, user=superuser("cleo")[0], role="manager", is_masked=True)
    dan, _ = member(team, "reader", "dan")

    own = ann[1].post(place("member", team.pk, ann[0].pk), {"role": "manager"})
    other = ann[1].post(place("member", team.pk, User.objects.get(username="cleo").pk), {"role": "manager"})
    caller = ann[1].post(place("member", team.pk, dan.pk), {"role": "caller"})
    masked = ann[1].post(place("member", team.pk, dan.pk), {"role": "caller", "is_masked": "on"})

    assert words(own)[-1] == "Another manager of the team decides what you are in it."
    beyond = "This gives contacts, which your role or token does not have itself."
    assert [words(answer)[-1] for answer in (other, caller)] == [beyond, beyond]
    assert words(masked)[-1] == "dan: Caller."
    people = team.memberships.order_by("user__username").values_list("user__username", "role", "is_masked")
    assert list(people) == [("ann", "manager", True), ("cleo", "manager", True), ("dan", "caller", True)]


def test_who_is_masked_shares_no_bucket_with_whoever_is_not(ann):
    bob, _ = staff("bob")
    bucket, _ = create_bucket(by=ann[0], name="King", property_ids=["1"])

    answer = ann[1].post(reverse("admin:buckets_bucket_share", args=[bucket.pk]), {"team": "bob"})
    refused(Api(ann[0]).post(f"/api/property/bucket/{bucket.pk}/shares", {"team": str(team_of(bob).pk)}), 403)

    assert (answer.status_code, BucketShare.objects.count()) == (403, 0)
    assert reverse("admin:buckets_bucket_share", args=[bucket.pk]) not in (
        ann[1].get(address(Bucket, "change", bucket.pk)).content.decode()
    )


def test_the_last_manager_stays(ann):
    team, user = team_of(ann[0]), ann[0]
    told = "A team keeps at least one manager: make somebody else one first."

    assert words(ann[1].post(place("member", team.pk, user.pk), {"role": "reader"}))[-1] == told
    assert words(ann[1].post(place("remove", team.pk, user.pk), {"confirmed": "Remove"}))[-1] == told
    assert team.memberships.get().role == "manager"


def test_a_person_is_removed_after_a_question_and_has_lost_the_team(ann):
    team = team_of(ann[0])
    cat, client = member(team, "buyer", "cat")
    bucket, _ = create_bucket(by=ann[0], name="King", property_ids=["1"])
    assert client.get(address(Bucket, "change", bucket.pk)).status_code == 200

    assert "Remove cat?" in ann[1].get(place("remove", team.pk, cat.pk)).content.decode()
    ann[1].post(place("remove", team.pk, cat.pk), {"confirmed": "Remove"})

    assert client.get(address(Bucket, "change", bucket.pk)).status_code == 403
    assert not cat.memberships.exists()


def test_only_managers_and_superusers_open_it_and_only_their_own_team(ann):
    team, other = team_of(ann[0]), team_of(staff("bob")[0])

    for role in ("reader", "caller", "buyer"):
        client = member(team, role)[1]
        assert client.get(place("change", team.pk)).status_code == 403
        assert client.post(place("member", team.pk, ann[0].pk), {"role": "reader"}).status_code == 403
    assert ann[1].get(place("change", other.pk)).status_code == 404
    assert ann[1].post(place("change", other.pk), {"name": "Mine"}).status_code == 404
    for page in ("member", "remove"):
        path = place(page, other.pk, other.memberships.get().user_id)
        assert ann[1].post(path, {"role": "reader", "confirmed": "yes"}).status_code == 404
    assert ann[1].post(place("add_member", team.pk), {"username": "bob", "role": "manager"}).status_code == 403
    assert ann[1].get(place("add")).status_code == 403
    assert Membership.objects.filter(team=other).count() == 1


def test_a_superuser_makes_a_team_and_puts_people_in(ann):
    client = superuser()[1]

    client.post(place("add"), {"name": "West", "manager": "ann", "confirmed": "Add"})
    team = Team.objects.get(name="West")
    staff("bob")
    client.post(place("add_member", team.pk), {"username": "bob", "role": "caller", "is_masked": "on"})
    again = client.post(place("add_member", team.pk), {"username": "bob", "role": "caller"})

    people = team.memberships.order_by("user__username").values_list("user__username", "role", "is_masked")
    assert list(people) == [("ann", "manager", False), ("bob", "caller", True)]
    assert "is in the team West already." in again.content.decode()
    assert (
        "There is no active user of this name."
        in client.post(place("add_member", team.pk), {"username": "x", "role": "caller"}).content.decode()
    )


# --- Several teams ----------------------------------------------------------------------------------------------------


def test_the_switch_leads_to_the_other_teams_rows_and_a_forged_team_nowhere(ann):
    bob = staff("bob")[0]
    Membership.objects.create(team=team_of(ann[0]), user=bob, role="reader")
    client = signed_in(bob)
    hers, _ = create_bucket(by=ann[0], name="Hers", property_ids=["1"])
    create_bucket(by=bob, name="His", property_ids=["1"])
    lists, switch = address(Bucket, "changelist"), reverse("team_switch")

    assert ("His" in (page := client.get(lists).content.decode()), "Hers" in page) == (True, False)
    assert 'class="desk-team"' in page
    answer: Any = client.post(switch, {"team": hers.team_id, "next": lists})
    assert (answer.url, words(answer)) == (lists, ["You now work in ann."])
    assert ("His" in (page := client.get(lists).content.decode()), "Hers" in page) == (False, True)
    assert (
        client.post(switch, {"team": hers.team_id, "next": address(Bucket, "change", hers.pk)})["Location"] == "/admin/"
    )
    assert client.post(switch, {"team": hers.team_id, "next": "https://evil.example/admin/"})["Location"] == "/admin/"
    for forged in (team_of(superuser()[0]).pk, "0", "x", "9" * 30, ""):
        assert client.post(switch, {"team": forged, "next": lists}).status_code == 404
    assert "Hers" in client.get(lists).content.decode()
    assert client.get(switch).status_code == 405
    assert 'class="desk-team"' not in ann[1].get(lists).content.decode()  # in one team there is nothing to choose


# --- Shared buckets ---------------------------------------------------------------------------------------------------


@pytest.mark.long
def test_a_shared_bucket_is_looked_at_and_its_contacts_stay_masked(ann):
    bob, client = staff("bob")
    sees_contacts(bob)
    sees_contacts(ann[0])
    bucket, _ = create_bucket(by=ann[0], name="King", property_ids=["1"])
    Lead.objects.update(phone="+12065550143", email="jo@example.com", property_address="12 Main St")
    lead = bucket.leads.get()
    add_tag(leads=[lead], name="absentee")
    add_activity(lead=lead, by=ann[0], kind="callback", text="Owe him", due_at=timezone.now() + timedelta(days=2))
    Lead.objects.update(assigned_to=ann[0])
    share = reverse("admin:buckets_bucket_share", args=[bucket.pk])
    assert client.get(address(Bucket, "change", bucket.pk)).status_code == 302  # it is not there

    assert words(ann[1].post(share, {"team": "bob"})) == ["bob can now look into this bucket."]

    page = client.get(address(Bucket, "change", bucket.pk)).content.decode()
    assert "Shared with you by ann" in page
    assert [word for word in ("Quote and enrich", "Duplicate", "Export", "Delete", "Money") if word in page] == []
    listed = client.get(address(Lead, "changelist"), {"bucket": str(bucket.pk)}).content.decode()
    shown = client.get(address(Lead, "change", lead.pk)).content.decode()
    for text in (listed, shown):
        assert ("12 Main St" in text, "2065550143" in text, "jo@example.com" in text) == (True, False, False)
    assert [word for word in ("Log activity", "Owe him", "absentee", "Assigned to", "Call back") if word in shown] == []
    assert "Bucket King" in shown
    assert client.get(address(Lead, "changelist"), {"bucket": str(bucket.pk)}).context["cl"].result_count == 1
    told = client.get(address(Lead, "changelist"), {"bucket": str(bucket.pk), "tag": "absentee"})
    assert told.context["cl"].result_count == 0
    found = client.get(address(Lead, "changelist"), {"bucket": str(bucket.pk), "q": "2065550143"})
    assert found.context["cl"].result_list == []
    assert client.post(address(Lead, "change", lead.pk), {"do": "show"}).status_code == 404
    act(client, Lead, "status", [lead], confirmed="yes", status="lost")
    act(client, Bucket, "delete", [bucket], confirmed="yes")
    assert client.post(reverse("admin:buckets_bucket_duplicate", args=[bucket.pk])).status_code == 404
    assert client.get(reverse("admin:buckets_bucket_enrich", args=[bucket.pk])).status_code == 403
    assert client.get(reverse("admin:buckets_bucket_export", args=[bucket.pk])).status_code == 403
    lead.refresh_from_db()
    assert (lead.status, Bucket.objects.count()) == ("new", 1)

    ann[1].post(reverse("admin:buckets_bucket_unshare", args=[bucket.pk, team_of(bob).pk]))
    assert client.get(address(Lead, "change", lead.pk)).status_code == 404
    assert not BucketShare.objects.exists()


# --- Assigning --------------------------------------------------------------------------------------------------------


@pytest.mark.long
def test_leads_are_assigned_to_several_in_turn_and_a_caller_sees_hers_alone(ann):
    team = team_of(ann[0])
    (cat, hers), (dan, _), (eve, _) = (member(team, "caller", "cat"), member(team, "buyer", "dan"), staff("eve"))
    create_bucket(by=ann[0], name="King", property_ids=[str(n) for n in range(6)])
    leads = list(Lead.objects.order_by("pk"))
    foreign, _ = create_bucket(by=eve, name="Hers", property_ids=["9"])
    wish: dict[str, Any] = {"confirmed": "yes", "to": [cat.pk, dan.pk]}

    asked = act(ann[1], Lead, "assign", leads[:1])
    assert [name for _, name in asked.context["form"].fields["to"].choices] == ["ann", "cat", "dan"]
    act(ann[1], Lead, "assign", [*leads[:2], foreign.leads.get()], **wish)
    assert [*Lead.objects.order_by("pk").values_list("assigned_to", flat=True)] == [cat.pk, dan.pk, *[None] * 5]
    done = ann[1].post(
        f"{address(Lead, 'changelist')}?assignedTo=none",
        {
            "action": "assign",
            "_selected_action": [leads[3].pk],
            "select_across": "1",
            "confirmed": "yes",
            "to": [cat.pk],
        },
    )
    assert words(done)[-1].startswith("4 of 4 leads newly assigned to cat. <a")
    refused = act(ann[1], Lead, "assign", leads[:1], confirmed="yes", to=[eve.pk])
    assert refused.context["form"].errors["to"]

    mine = hers.get(address(Lead, "changelist"))
    assert "My leads" in mine.content.decode()
    assert {lead.assigned_to_id for lead in mine.context["cl"].result_list} == {cat.pk}
    assert len(mine.context["cl"].result_list) == 5
    assert hers.get(address(Lead, "change", leads[1].pk)).status_code == 404
    assert hers.get(address(Lead, "change", leads[0].pk)).status_code == 200
    assert hers.post(address(Lead, "change", leads[0].pk), {"do": "assign", "to": ""}).status_code == 403
    given = ann[1].post(address(Lead, "change", leads[0].pk), {"do": "assign", "to": ""})
    assert words(given)[-1] == "Assigned to nobody."
    assert hers.get(address(Lead, "change", leads[0].pk)).status_code == 404


# --- Saved views ------------------------------------------------------------------------------------------------------


@pytest.mark.long
def test_a_view_that_searches_for_a_phone_is_hidden_from_who_sees_none_and_callers_have_their_own(ann):
    team, views = team_of(ann[0]), reverse("admin:leads_savedview_save")
    save_view(by=ann[0], name="Jo", query="q=2065550143", team_id=team.pk)
    hers = save_view(by=ann[0], name="Lost", query="status=lost", team_id=team.pk)

    def seen(client: Any) -> list[str]:
        return [view.name for view in client.get(address(Lead, "changelist")).context["saved_views"]]

    people = {role: member(team, role)[1] for role in ("reader", "caller", "buyer")}
    assert {role: seen(client) for role, client in people.items()} == {
        "reader": ["Lost"], "caller": [], "buyer": ["Jo", "Lost"],
    }  # fmt: skip

    for role, said in (
        ("caller", "Saved: lost"),  # her own: a caller shares none
        ("buyer", "A colleague’s view has this name: choose another."),
    ):
        client = people[role]
        assert client.post(reverse("admin:leads_savedview_delete", args=[hers.pk])).status_code == 404
        answer = client.post(views, {"name": "lost", "query": "status=new"})
        assert words(answer)[-1] == said
        client.post(views, {"name": f"Mine {client.session['_auth_user_id']}", "query": "status=new"})
    hers.refresh_from_db()
    assert (hers.query, len(seen(people["caller"])), len(seen(people["buyer"]))) == ("status=lost", 2, 3)
    asked = ann[1].post(views, {"name": "lost", "query": "status=new"})
    hers.refresh_from_db()
    assert hers.query == "status=lost"
    ann[1].post(asked["Location"], {"confirmed": "yes"})
    hers.refresh_from_db()
    assert hers.query == "status=new"


# --- What a role cannot open is not offered ---------------------------------------------------------------------------


def test_an_empty_list_offers_a_way_to_fill_it_to_whom_it_is_open(ann):
    schedules, add = "/admin/enrichment/schedule/", "/admin/enrichment/schedule/add/"
    reader, buyer = (member(team_of(ann[0]), role)[1] for role in ("reader", "buyer"))
    assert (add in reader.get(schedules).content.decode(), reader.get(add).status_code) == (False, 403)
    assert add in buyer.get(schedules).content.decode()


def test_an_operator_reads_of_a_request_and_gets_no_link_to_a_teams_job(ann):
    _, client = staff("olga", is_operator=True)
    operation = Operation.objects.get(name="property_detail")
    now = timezone.now()
    call = VendorCall.objects.create(
        operation=operation, user=ann[0], run_id=uuid7(), state="released", inputs=1, reserved=0, created_at=now,
        slot_at=now, ended_at=now, lease_until=now,
    )  # fmt: skip
    page = client.get(address(VendorCall, "change", call.pk)).content.decode()
    assert (str(call.run_id) in page, f"/run/{call.run_id}/" in page) == (True, False)


def test_a_users_page_is_linked_for_superusers_alone(ann):
    create_bucket(by=ann[0], name="King", property_ids=["1"])
    made = add_activity(lead=Lead.objects.get(), by=ann[0], kind="note", text="Owe him")
    user = address(User, "change", ann[0].pk)
    pages = [client.get(address(Activity, "change", made.pk)).content.decode() for client in (ann[1], superuser()[1])]
    assert [("ann" in page, f'href="{user}"' in page) for page in pages] == [(True, False), (True, True)]
