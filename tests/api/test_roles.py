"""Every address, as each role of the team, as an operator, as a superuser, and as staff without any role."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from django.db import transaction

from accounts.access import SCOPES_OF, Scope
from accounts.api.permissions import scope_needed
from accounts.models import Membership, User
from accounts.tokens import issue_token
from buckets.models import BucketShare
from buckets.services import create_bucket
from enrichment.models import Run
from leads.models import Lead
from leads.services import add_tag, edit_lead
from tests.api.client import Api, body_of, refused
from tests.api.test_tenancy import ADDRESSES, OPEN, SAMPLES, SECRET, World, ask
from tests.support import make_user, mostly_long

PHONE, EMAIL = "2065550142", "jo@nowhere-else.com"
VENDORS = {"vendors", "vendor-confirm-prices", "vendor-price", "delivery-resolve"}


@pytest.fixture(scope="module")
def standing(standing: World) -> World:
    edit_lead(lead=standing.lead, by=standing.ann, changes={"phone": f"+1{PHONE}", "email": EMAIL})
    standing.lead.refresh_from_db()
    return standing


def joined(world: World, role: str, name: str = "cleo", **more: Any) -> User:
    """Somebody whose only team is Ann's."""
    user = User.objects.create(username=name, **more)
    Membership.objects.create(team_id=world.bucket.team_id, user=user, role=role)
    return user


def statuses(user: User, world: World) -> dict[tuple[str, str], tuple[int, bytes]]:
    """What every address answers, each as if nothing had been asked before."""
    api, found = Api(user), {}
    for name, method in sorted(SAMPLES):
        if name in ("logout", "token", "run-events", "docs", "schema"):
            continue
        with transaction.atomic():
            answer = ask(api, world, name, method)
            content = b"".join(answer) if answer.streaming else answer.content
            transaction.set_rollback(True)
        found[name, method] = answer.status_code, content
    return found


def told(who: str, found: dict[tuple[str, str], tuple[int, bytes]]) -> None:
    by_status = Counter(status for status, _ in found.values())
    print(f"{who}: {len(found)} addresses; {dict(sorted(by_status.items()))}")  # noqa: T201  # shown by `pytest -s`


@pytest.mark.parametrize("role", mostly_long(["caller", "reader", "buyer", "manager"]))
def test_a_role_gets_what_it_is_for_and_is_refused_the_rest(world: World, role: str) -> None:
    cleo = joined(world, role)
    Lead.objects.filter(pk=world.lead.pk).update(assigned_to=cleo)

    found = statuses(cleo, world)

    told(role, found)
    for (name, method), (status, content) in found.items():
        view = ADDRESSES[name][1].view_class
        if getattr(view, "teamless", False) or method in OPEN.get(name, ()):
            continue
        may = scope_needed(view, method) in SCOPES_OF[role]
        may = may and (role != "caller" or method in getattr(view, "for_callers", ()))
        assert (status == 403) is not may, (name, method, status, content[:200])
        if role == "reader":
            assert PHONE.encode() not in content, (name, method)
            assert EMAIL.encode() not in content, (name, method)


@pytest.mark.parametrize("kind", mostly_long(["staff", "superuser", "operator"]))
def test_who_has_no_role_in_the_team_sees_nothing_of_it(world: World, kind: str) -> None:
    if kind == "staff":  # added by hand: in no team at all
        dora = User.objects.create(username="dora", is_staff=True)
    else:
        dora = make_user("dora", is_superuser=kind == "superuser", is_operator=kind == "operator")

    found = statuses(dora, world)

    told(kind, found)
    for (name, method), (status, content) in found.items():
        teamless = getattr(ADDRESSES[name][1].view_class, "teamless", False)
        if kind == "staff" and not teamless and method not in OPEN.get(name, ()):
            assert status == 403, (name, method)
        if name in VENDORS:
            assert (status == 403) is (kind == "staff"), (name, method, status)
        hidden: tuple[str, ...] = (PHONE, EMAIL)
        if (kind, name) != ("superuser", "audit"):  # of which superusers read every team's
            hidden += (SECRET, "Ann's", str(world.bucket.pk), str(world.lead.pk))
        for secret in hidden:
            assert secret.encode() not in content, (name, method, secret)


def test_a_caller_sees_the_leads_assigned_to_her_alone(world: World) -> None:
    cleo = joined(world, "caller")
    mine, other = Lead.objects.filter(bucket=world.bucket).order_by("pk")[1:3]
    Lead.objects.filter(pk=mine.pk).update(assigned_to=cleo)
    api = Api(cleo)

    assert [lead["id"] for lead in body_of(api.get("/api/leads"))["leads"]] == [str(mine.pk)]
    assert body_of(api.get(f"/api/leads/{mine.pk}"))["lead"]["assignedTo"] == str(cleo.pk)
    refused(api.get(f"/api/leads/{other.pk}"), 404)
    refused(api.post(f"/api/leads/{other.pk}/activities", {"text": "x"}), 404)
    refused(api.get("/api/property/bucket"), 403)
    assert body_of(api.get("/api/callbacks"))["callbacks"] == []  # Ann's lead has one
    assert body_of(api.get(f"/api/leads?q={other.property_id}"))["leads"] == []
    body_of(api.post(f"/api/leads/{mine.pk}/activities", {"kind": "call", "text": "No answer"}), 201)
    assert body_of(api.patch(f"/api/leads/{mine.pk}", {"status": "contacted"}))["lead"]["status"] == "contacted"
    assert body_of(api.patch(f"/api/leads/{mine.pk}", {"phone": "+12065550199"}))["lead"]["phone"] == "+12065550199"
    refused(api.patch(f"/api/leads/{other.pk}", {"phone": "+12065550199"}), 404)
    refused(api.patch(f"/api/leads/{mine.pk}", {"bedrooms": 3}), 403)


def test_a_caller_sees_the_tags_on_the_leads_assigned_to_her_alone(world: World) -> None:
    cleo = joined(world, "caller")
    mine, other = Lead.objects.filter(bucket=world.bucket).order_by("pk")[1:3]
    Lead.objects.filter(pk=mine.pk).update(assigned_to=cleo)
    add_tag(leads=[mine, other], name="Warm")
    add_tag(leads=[other], name="Divorce")

    assert [tag["name"] for tag in body_of(Api(cleo).get("/api/tags"))["tags"]] == ["Warm"]
    assert {tag["name"] for tag in body_of(Api(world.bucket.owner).get("/api/tags"))["tags"]} >= {"Warm", "Divorce"}


def test_a_reader_finds_nobody_by_a_phone_and_sees_none(world: World) -> None:
    cleo, api = joined(world, "reader"), None
    api = Api(cleo)

    assert body_of(api.get(f"/api/leads?q={PHONE}"))["leads"] == []
    assert body_of(api.get(f"/api/leads?q={EMAIL}"))["leads"] == []
    assert body_of(api.get(f"/api/leads/{world.lead.pk}"))["lead"]["phone"] == "•••• 0142"


def test_contacts_masked_for_a_buyer_stay_out_of_her_export(world: World) -> None:
    cleo = joined(world, "buyer")
    Membership.objects.filter(user=cleo).update(is_masked=True)
    api, address = Api(cleo), f"/api/property/bucket/{world.bucket.pk}/export"

    content = b"".join(api.get(address)).decode()

    assert not {"Phone", "Second phone", "E-mail", "Other values"} & set(content.splitlines()[0].split(","))
    assert PHONE not in content and EMAIL not in content
    refused(api.get(f"{address}?columns=phone"), 403)
    refused(api.get(f"/api/property/bucket/{world.bucket.pk}/import/{world.ids['import_id']}/failed"), 403)


def test_in_several_teams_without_a_header_is_refused_by_name(world: World, bob: User) -> None:
    Membership.objects.create(team_id=world.bucket.team_id, user=bob, role="reader")
    api = Api(bob)  # a token without a grant is of his own team
    assert body_of(api.get("/api/leads"))["leads"] == []
    api.client.force_login(bob)
    session = Api()
    session.client = api.client

    refused(session.get("/api/leads"), 400, "X-Team")
    told_team = body_of(session.get("/api/leads", X_Team=str(world.bucket.team_id)))
    assert len(told_team["leads"]) == 3
    refused(session.get("/api/leads", X_Team="999999"), 404, "X-Team")
    assert {team["role"] for team in body_of(session.get("/api/teams"))["teams"]} == {"manager", "reader"}


def test_a_shared_bucket_is_looked_into_and_no_more(world: World, bob: User) -> None:
    team = bob.memberships.get().team
    api, ann = Api(bob), Api(world.bucket.owner)
    refused(api.get(f"/api/property/bucket/{world.bucket.pk}"), 404)
    add_tag(leads=[world.lead], name="secret")
    Lead.objects.filter(pk=world.lead.pk).update(assigned_to=world.bucket.owner)
    body_of(ann.post(f"/api/property/bucket/{world.bucket.pk}/shares", {"team": str(team.pk)}), 201)

    shared = body_of(api.get("/api/property/bucket?shared=true"))["buckets"]
    assert [bucket["id"] for bucket in shared] == [str(world.bucket.pk)]
    leads = body_of(api.get(f"/api/property/bucket/leads?bucketId={world.bucket.pk}"))["leads"]
    assert len(leads) == 3
    lead = body_of(api.get(f"/api/leads/{world.lead.pk}"))["lead"]
    assert PHONE not in str([*leads, lead]), "masked, as on the page and in the export, whatever he is in his own team"
    assert body_of(api.get(f"/api/property/bucket/leads?bucketId={world.bucket.pk}&q={PHONE}"))["leads"] == []
    for one in (lead, *(row for row in leads if row["id"] == lead["id"])):
        assert (one["tags"], one["assignedTo"], one["callbackAt"]) == ([], None, None)
    for asked in ("tag=secret", "assignedTo=none", "sort=callbackAt", "callback=any"):
        refused(api.get(f"/api/property/bucket/leads?bucketId={world.bucket.pk}&{asked}"), 403)
    assert PHONE not in b"".join(api.get(f"/api/property/bucket/{world.bucket.pk}/export")).decode()
    refused(api.patch(f"/api/leads/{world.lead.pk}", {"status": "lost"}), 404)
    refused(api.post("/api/property/bucket/process", {"bucketId": str(world.bucket.pk)}), 404)
    refused(api.delete(f"/api/property/bucket/{world.bucket.pk}"), 404)
    assert body_of(api.get("/api/leads"))["leads"] == []

    body_of(ann.delete(f"/api/property/bucket/{world.bucket.pk}/shares/{team.pk}"))
    refused(api.get(f"/api/leads/{world.lead.pk}"), 404)
    assert not BucketShare.objects.filter(team=team).exists()


def test_a_tag_confirms_no_guessed_phone_to_who_sees_none(world: World, ann: User) -> None:
    _, text = issue_token(user=ann, name="Tags", scopes=["read", "write"])
    body_of(Api(ann).post("/api/tags", {"name": "617 555 0112"}), 201)
    for guess in ("617 555 0112", "617 555 0113"):
        refused(Api(token=text).post("/api/tags", {"name": guess}), 400, "name")
    refused(Api(ann).post("/api/tags", {"name": "617 555 0112"}), 409, "name")


def test_the_last_manager_can_neither_be_lowered_nor_leave(world: World, ann: User) -> None:
    api, cleo = Api(ann), joined(world, "buyer")
    refused(api.patch(f"/api/team/members/{ann.pk}", {"role": "reader"}), 409)
    refused(api.post("/api/team/leave"), 409)

    assert body_of(api.patch(f"/api/team/members/{cleo.pk}", {"role": "manager"}))["member"]["role"] == "manager"
    body_of(api.post("/api/team/leave"))
    refused(Api(cleo).delete(f"/api/team/members/{ann.pk}"), 404)
    assert set(Membership.objects.filter(team=world.bucket.team_id).values_list("user", flat=True)) == {cleo.pk}


def test_a_token_makes_nobody_more_than_it_is_itself(world: World, ann: User) -> None:
    cleo = joined(world, "reader")
    _, text = issue_token(user=ann, name="People", scopes=["read", "manage"])
    api = Api(token=text)

    for who, change in ((ann.pk, {"isMasked": True}), (cleo.pk, {"role": "manager"}), (cleo.pk, {"role": "buyer"})):
        assert refused(api.patch(f"/api/team/members/{who}", change), 403)
    refused(api.post("/api/team/invitations", {"email": "x@example.com", "role": "manager"}), 403)
    body_of(api.patch(f"/api/team/members/{cleo.pk}", {"isMasked": True}))
    assert list(world.bucket.team.memberships.order_by("pk").values_list("role", "is_masked")) == [
        ("manager", False), ("reader", True),
    ]  # fmt: skip


def test_a_team_has_a_name_and_caps(world: World, ann: User) -> None:
    answer = body_of(Api(ann).patch("/api/team", {"name": "Acquisitions", "monthlyBudget": 250, "dailyLeadLimit": 40}))

    assert (answer["team"]["name"], answer["team"]["monthlyBudget"]) == ("Acquisitions", 250)
    usage = body_of(Api(ann).get("/api/usage"))["usage"]
    assert (usage["team"]["monthlyBudget"], usage["team"]["dailyLeadLimit"]) == (250, 40)


def test_leads_are_given_to_several_in_turn_filtered_and_taken_back(world: World, ann: User) -> None:
    cleo, dan = joined(world, "caller"), joined(world, "buyer", "dan")
    reader = joined(world, "reader", "rita")
    api, bucket = Api(ann), str(world.bucket.pk)
    refused(api.post("/api/leads/assign", {"bucketId": bucket, "to": reader.username}), 400, "to")

    body = {"bucketId": bucket, "to": ["cleo", str(dan.pk)], "filters": {"assignedTo": "none"}}
    done = body_of(api.post("/api/leads/assign", body))

    assert (done["leads"], done["changed"], done["next"]) == (3, {str(cleo.pk): 2, str(dan.pk): 1}, None)
    for query, many in (
        ("assignedTo=cleo", 2),
        (f"assignedTo={dan.pk}", 1),
        ("assignedTo=none", 0),
        ("assignedTo=me", 0),
    ):
        assert len(body_of(api.get(f"/api/leads?{query}"))["leads"]) == many, query
    assert len(body_of(Api(dan).get("/api/leads?assignedTo=me"))["leads"]) == 1
    assert body_of(api.post("/api/leads/assign", {"leadIds": [str(world.lead.pk)], "to": None}))["changed"] == {
        "none": 1
    }
    assert len(body_of(Api(cleo).get("/api/leads"))["leads"]) == 1


def test_a_run_pauses_when_its_user_may_no_longer_buy_and_goes_on_after(world: World, ann: User) -> None:
    from enrichment.worker.sweeps import hold_runs_of_inactive_users

    cleo = joined(world, "buyer")
    other, _ = create_bucket(by=ann, name="Other", property_ids=["7", "8"])
    body = {"bucketId": str(other.pk), "limit": 2}
    run = Run.objects.get(pk=body_of(Api(cleo).post("/api/property/bucket/process", body), 202)["run"]["id"])
    Membership.objects.filter(user=cleo).update(role="caller")

    assert hold_runs_of_inactive_users() == 1
    run.refresh_from_db()
    assert (run.status, run.paused_by) == ("paused", "inactive")
    assert run.reason == "Its user may not spend in this team any more. It resumes once they may again."
    Membership.objects.filter(user=cleo).update(role="manager")
    assert hold_runs_of_inactive_users() == 1
    run.refresh_from_db()
    assert run.status == "running"


def test_quotas_of_a_team_are_refused_in_words(world: World, ann: User, settings: Any) -> None:
    api, bucket = Api(ann), f"/api/property/bucket/{world.bucket.pk}"
    settings.TEAM_RUNS_MAX = 1
    message = refused(api.post("/api/property/bucket/process", {"bucketId": str(world.bucket.pk), "limit": 1}), 409)
    assert message == "Your team has 1 enrichment jobs in progress, the most there can be."
    settings.TEAM_IMPORTS_MAX = 1
    assert api.upload(f"{bucket}/import", b"Address,Zip\n1 Main St,95757\n").status_code == 409
    settings.LEADS_MAX = 4
    refused(api.post(f"{bucket}/ids", {"propertyIds": ["11", "12"]}), 409)
    assert body_of(api.post(f"{bucket}/ids", {"propertyIds": ["11"]}))["stats"] == {"inserted": 1, "total": 4}
    world.bucket.team.lead_limit = 5
    world.bucket.team.save()
    assert body_of(api.post(f"{bucket}/ids", {"propertyIds": ["12"]}))["stats"]["total"] == 5
    refused(api.post(f"{bucket}/ids", {"propertyIds": ["13"]}), 409)


def test_scopes_are_words_an_api_token_may_be_made_for() -> None:
    assert {scope.value for scope in Scope} == {"read", "write", "contacts", "buy", "export", "campaign", "manage"}
