"""Teams by command: made, joined, and never without a manager. Operators look after vendors."""

from __future__ import annotations

import pytest

from accounts.models import AuditEvent, Membership, Team, User
from accounts.services import create_api_token
from tests.command_line import run
from tests.support import make_user

pytestmark = pytest.mark.django_db


def roles(team: Team) -> dict[str, str]:
    return dict(Membership.objects.filter(team=team).values_list("user__username", "role"))


def test_a_team_is_made_and_people_come_and_go() -> None:
    make_user("ann")
    make_user("bob")
    run("teams", "create", "Acquisitions", "--user", "ann")
    team = Team.objects.get(name="Acquisitions")
    run("teams", "add", "acquisitions", "--user", "bob", "--role", "caller")
    assert roles(team) == {"ann": "manager", "bob": "caller"}

    assert "needs a manager" in run("teams", "remove", str(team.pk), "--user", "ann").err
    assert "needs a manager" in run("teams", "role", str(team.pk), "--user", "ann", "--role", "reader").err
    run("teams", "role", str(team.pk), "--user", "bob", "--role", "manager")
    run("teams", "remove", str(team.pk), "--user", "ann")
    assert roles(team) == {"bob": "manager"}
    actions = AuditEvent.objects.filter(team_id=team.pk).order_by("at").values_list("action", flat=True)
    assert list(actions) == ["team.created", "member.added", "member.changed", "member.removed"]


def test_an_operator_may_change_vendors_and_nothing_else_of_django() -> None:
    make_user("olga")
    run("teams", "operator", "--user", "olga")
    olga = User.objects.get(username="olga")
    assert olga.has_perm("integrations.change_vendor")
    assert not olga.has_perm("leads.view_contact_details")
    assert not olga.has_perm("accounts.change_user")
    run("teams", "operator", "--user", "olga", "--off")
    assert not User.objects.get(username="olga").has_perm("integrations.change_vendor")


def test_who_is_made_with_a_token_or_as_superuser_manages_a_team_of_one() -> None:
    create_api_token(username="ann")
    create_api_token(username="ann")
    User.objects.create_superuser("boss")
    for name in ("ann", "boss"):
        (member,) = Membership.objects.filter(user__username=name)
        assert (member.role, member.is_own) == ("manager", True)
