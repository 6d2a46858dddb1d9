"""API tokens: scopes, addresses, life, number; what ends them; who may make them."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from django.test import Client
from django.utils import timezone
from knox.models import AuthToken

from accounts.access import NoSuchTeam, own_access
from accounts.models import AuditEvent, Membership, Role, Team, TokenGrant, User
from accounts.services import create_api_token
from accounts.tokens import TokenRefused, TooManyTokens, issue_token, tokens_of
from tests.api.client import Api
from tests.support import make_user

pytestmark = pytest.mark.django_db


def api_of(user: User, **grant) -> Api:
    return Api(token=issue_token(user=user, name="A program", by=user, **grant)[1])


def in_team(user: User, role: str, name: str = "Acme") -> Team:
    team = Team.objects.get_or_create(name=name)[0]
    Membership.objects.create(team=team, user=user, role=role)
    return team


def test_a_token_may_do_what_its_scopes_say_and_no_more():
    ann = make_user()
    reads = api_of(ann, scopes=["read"])
    assert reads.get("/api/runs").status_code == 200
    refused = reads.post("/api/tags", {"name": "hot"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "FORBIDDEN")
    assert api_of(ann).post("/api/tags", {"name": "hot"}).status_code == 201


def test_a_lost_role_narrows_its_tokens_at_once():
    ann = make_user()
    team = in_team(ann, Role.MANAGER)
    api = api_of(ann, team_id=team.pk, scopes=["read", "write"])
    assert api.post("/api/tags", {"name": "hot"}).status_code == 201
    Membership.objects.filter(team=team, user=ann).update(role=Role.READER)
    assert api.post("/api/tags", {"name": "cold"}).status_code == 403
    Membership.objects.filter(team=team, user=ann).delete()
    assert api.get("/api/runs").status_code == 403


def test_a_token_without_a_team_follows_its_user_into_no_other():
    ann, bea = make_user(), User.objects.create(username="bea", is_staff=True)
    in_team(ann, Role.MANAGER)
    in_team(bea, Role.MANAGER)
    of_ann, of_bea = api_of(ann), api_of(bea)  # Bea was invited: she has no team of her own
    in_team(ann, Role.MANAGER, "Other")
    in_team(bea, Role.MANAGER, "Other")
    assert [api.get("/api/runs").status_code for api in (of_ann, of_bea)] == [200, 200]

    ann.memberships.get(is_own=True).delete()
    bea.memberships.get(team__name="Acme").delete()

    assert [api.get("/api/runs").status_code for api in (of_ann, of_bea)] == [403, 403]


def test_a_token_of_one_team_opens_no_other():
    ann = make_user()
    team, other = in_team(ann, Role.MANAGER), in_team(ann, Role.MANAGER, "Other")
    api = api_of(ann, team_id=team.pk)
    assert api.get("/api/runs", X_Team=str(team.pk)).status_code == 200
    assert api.get("/api/runs", X_Team=str(other.pk)).status_code == 404


def test_a_token_works_from_its_addresses_alone(client: Client):
    ann = make_user()
    token = issue_token(user=ann, name="Office", addresses=["203.0.113.0/24", "2001:db8::1"])[1]
    headers = {"Authorization": f"Token {token}"}
    for address, status in (
        ("203.0.113.9", 200),
        ("2001:db8::1", 200),
        ("::ffff:203.0.113.9", 200),
        ("198.51.100.1", 401),
        ("", 401),
    ):
        assert client.get("/api/runs", headers=headers, REMOTE_ADDR=address).status_code == status


def test_its_last_use_is_kept_to_the_minute():
    ann = make_user()
    api, grant = api_of(ann), TokenGrant.objects.get()
    assert grant.last_used_at is None
    api.get("/api/runs")
    first = TokenGrant.objects.get().last_used_at
    api.get("/api/runs")
    assert TokenGrant.objects.get().last_used_at == first is not None
    TokenGrant.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))
    api.get("/api/runs")
    latest = TokenGrant.objects.get().last_used_at
    assert latest is not None
    assert timezone.now() - latest < timedelta(minutes=1)


def test_a_limited_token_changes_nothing_of_its_users_account():
    ann = make_user()
    for limits in ({"scopes": ["read", "manage"]},):
        api = api_of(ann, **limits)
        assert api.patch("/api/profile", {"email": "eve@example.com"}).status_code == 403
        assert api.delete("/api/auth/token").status_code == 403
        assert api.post("/api/tokens", {"name": "Wider"}).status_code == 403
        assert api.get("/api/profile").status_code == 200
        assert api.post("/api/auth/logout").status_code == 200  # itself
    from_there = api_of(ann, addresses=["127.0.0.1"])
    assert from_there.post("/api/tokens", {"name": "From anywhere"}).status_code == 403


def test_tokens_are_made_listed_changed_and_ended_by_the_api():
    ann, bob = make_user(), make_user("bob")
    api = api_of(ann)
    made = api.post("/api/tokens", {"name": " Nightly  export ", "scopes": ["export", "read"], "days": 5})
    assert made.status_code == 201
    details = made.json()["details"]
    assert (details["name"], details["scopes"], details["addresses"], details["lastUsedAt"]) == (
        "Nightly export", ["read", "export"], [], None)  # fmt: skip
    new = Api(token=made.json()["token"])
    assert new.get("/api/runs").status_code == 200
    changed = api.patch(f"/api/tokens/{details['key']}", {"scopes": None, "addresses": ["10.0.0.1"]})
    assert changed.json()["details"]["scopes"] is None
    assert changed.json()["details"]["addresses"] == ["10.0.0.1/32"]
    assert new.get("/api/runs").status_code == 401
    assert api_of(bob).delete(f"/api/tokens/{details['key']}").status_code == 404
    assert api.delete(f"/api/tokens/{details['key']}").status_code == 200
    assert [row["name"] for row in api.get("/api/tokens").json()["tokens"]] == ["A program"]
    actions = AuditEvent.objects.filter(user_id=ann.pk).values_list("action", "object_name").order_by("id")
    assert list(actions) == [
        ("token.created", "A program"),
        ("token.created", "Nightly export"),
        ("token.changed", "Nightly export"),
        ("token.revoked", "Nightly export"),
    ]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "x", "scopes": []}, "scopes"),
        ({"name": "x", "scopes": ["everything"]}, "scopes.0"),
        ({"name": "x", "scopes": "read"}, "scopes"),
        ({"name": "x", "addresses": ["example.com"]}, "addresses"),
        ({"name": "x", "addresses": ["10.0.0.0/33"]}, "addresses"),
        ({"name": "x", "days": 0}, "days"),
        ({"name": "x", "days": 3651}, "days"),
        ({"name": "x", "teamId": 999_999_999}, "X-Team"),
        ({"name": "x", "digest": "y"}, "digest"),
    ],
)
def test_bad_input_names_its_field_and_makes_nothing(body, field):
    answer = api_of(make_user()).post("/api/tokens", body)
    assert answer.status_code in (400, 404)
    assert field in answer.json()["error"]["fields"]
    assert AuthToken.objects.count() == 1


def test_a_reader_makes_no_token_that_buys():
    ann = make_user()
    team = in_team(ann, Role.READER)
    with pytest.raises(TokenRefused, match="buy"):
        issue_token(user=ann, name="Buys", team_id=team.pk, scopes=["read", "buy"])
    with pytest.raises(NoSuchTeam):
        issue_token(user=make_user("bob"), name="Theirs", team_id=team.pk)


def test_there_are_no_more_tokens_than_a_person_and_a_team_may_have(settings):
    settings.TOKENS_A_PERSON, settings.TOKENS_A_TEAM = 2, 3
    ann, bob = make_user(), make_user("bob")
    team = in_team(ann, Role.MANAGER)
    in_team(bob, Role.MANAGER)
    for _ in range(2):
        issue_token(user=ann, name="One", team_id=team.pk)
    with pytest.raises(TooManyTokens, match="2 tokens a person"):
        issue_token(user=ann, name="One more")
    AuthToken.objects.filter(user=ann).update(expiry=timezone.now() - timedelta(days=1))  # the expired do not count
    issue_token(user=ann, name="One", team_id=team.pk)
    for _ in range(2):
        issue_token(user=bob, name="One", team_id=team.pk)
    settings.TOKENS_A_PERSON = 50
    with pytest.raises(TooManyTokens, match="3 tokens a team"):
        issue_token(user=bob, name="One more", team_id=team.pk)


@pytest.mark.django_db(transaction=True)
def test_two_at_once_do_not_pass_the_limit_together(settings):
    from tests.leads.samples import together

    settings.TOKENS_A_PERSON = 1
    ann = make_user()
    together(*[partial(_try, ann)] * 4)
    assert tokens_of(ann).count() == 1


def _try(user: User) -> None:
    try:
        issue_token(user=user, name="One")
    except TooManyTokens:
        return


def test_tokens_end_with_deactivation_and_stay_ended():
    ann = make_user()
    api = api_of(ann)
    User.objects.filter(pk=ann.pk).update(is_active=False)
    assert not AuthToken.objects.exists()
    User.objects.filter(pk=ann.pk).update(is_active=True)
    assert api.get("/api/runs").status_code == 401


def test_a_user_made_by_the_command_manages_a_team_of_one():
    user, token, made = create_api_token(username="erik", scopes=["read"])
    assert made
    assert (user.memberships.get().role, user.memberships.get().is_own) == (Role.MANAGER, True)
    assert Api(token=token).post("/api/tags", {"name": "hot"}).status_code == 403


def test_the_page_shows_a_new_token_once_and_nobody_elses(admin_client: Client, admin_user: User):
    page = admin_client.post(
        "/admin/knox/authtoken/add/", {"name": "Zapier", "scopes": ["read"], "addresses": "10.0.0.1"}
    )
    assert page.status_code == 200
    assert page.headers["Cache-Control"].startswith("no-store") or "no-store" in page.headers["Cache-Control"]
    row = AuthToken.objects.get(user=admin_user)
    assert row.token_key in page.content.decode()
    listed = admin_client.get("/admin/knox/authtoken/").content.decode()
    assert "Zapier" in listed
    assert row.token_key not in listed.replace(f"/{row.token_key}/", "/")
    changed = admin_client.post(f"/admin/knox/authtoken/{row.token_key}/", {"name": "Zap", "addresses": "nowhere"})
    assert "is no IP address" in changed.content.decode()
    admin_client.post(f"/admin/knox/authtoken/{row.token_key}/", {"name": "Zap", "addresses": ""})
    grant = TokenGrant.objects.get()
    assert (grant.name, grant.addresses, grant.scopes) == ("Zap", [], None)
    bobs = issue_token(user=make_user("bob"), name="Bob's")[0]
    assert admin_client.get(f"/admin/knox/authtoken/{bobs.token_key}/").status_code == 403


def test_a_request_by_a_token_asks_once_for_the_token_its_grant_and_the_roles(django_assert_num_queries):
    ann = make_user()
    api = api_of(ann, team_id=own_access(ann).team_id)
    issue_token(user=ann, name="Another")
    api.get("/api/tags")  # notes the use

    with django_assert_num_queries(2):  # token with its user, grant and roles; and the tags
        assert api.get("/api/tags").status_code == 200
