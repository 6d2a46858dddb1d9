"""A person comes into a team by a link in an e-mail: once, within a week, as what she was invited for."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core import mail
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts.access import NotAllowed, own_access
from accounts.invitations import (
    InvitationOver,
    InvitationRefused,
    accept,
    accept_as_new,
    invite,
    invite_into_new_team,
    make_team,
)
from accounts.models import AuditEvent, Invitation, Membership, Role, Team, User
from accounts.profile.services import change_profile
from accounts.sign_in.proving import is_proved
from tests.admin_site import sees_contacts, signed_in, staff, superuser, words
from tests.api.client import Api, body_of, refused
from tests.command_line import run

pytestmark = pytest.mark.django_db

PEOPLE, JOIN, API = "/admin/account/invitations/", "/join/", "/api/team/invitations"
FILLED = {"username": "bea", "first_name": "Bea", "last_name": "Lee", "password": "four unrelated words here"}


def link_in_the_mail() -> str:
    found = re.search(r"http://testserver(/join/\S+)", str(mail.outbox[-1].body))
    assert found
    return found[1]


def manager(**more: Any) -> tuple[User, Client]:
    """Who sees contacts, and so may have others see them."""
    user, client = staff(**more)
    return sees_contacts(user), client


def member(user: User, role: str, team: Team) -> User:
    Membership.objects.create(user=user, team=team, role=role)
    return user


def events(noun: str) -> list[str]:
    rows = AuditEvent.objects.filter(action__startswith=noun).order_by("pk")
    return [f"{row.action} {row.user_name}" for row in rows]


# --- Inviting --------------------------------------------------------------------------------------------------------


def test_who_sees_no_contacts_invites_nobody_who_does() -> None:
    masked = own_access(staff()[0])
    for role in ("caller", "buyer", "manager"):
        with pytest.raises(NotAllowed, match="contacts"):
            invite(access=masked, email="bea@example.com", role=role, mail=False)
    assert invite(access=masked, email="bea@example.com", role="manager", is_masked=True, mail=False)[0].is_masked


def test_a_manager_invites_and_somebody_new_joins_her_team_and_no_other() -> None:
    ann, client = manager()

    answer = client.post(PEOPLE, {"email": "bea@example.com", "role": "caller", "is_masked": "on"})

    assert words(answer) == ["Invitation sent to bea@example.com. Its link works for 7 days."]
    assert (mail.outbox[0].to, mail.outbox[0].subject) == (["bea@example.com"], "Join ann on Bucket System")
    link, new = link_in_the_mail(), Client()
    stored = Invitation.objects.get()
    secret = link.removeprefix("/join/").strip("/")
    assert stored.digest == hashlib.sha256(secret.encode()).hexdigest()
    assert new.get(link)["Location"] == JOIN
    assert "as caller" in new.get(JOIN).content.decode()
    assert new.post(JOIN, FILLED)["Location"] == "/admin/"
    bea = User.objects.get(username="bea")
    assert (bea.email, bea.first_name, bea.is_staff, bea.is_superuser) == ("bea@example.com", "Bea", True, False)
    assert [(m.team, m.role, m.is_masked) for m in bea.memberships.all()] == [(own_access(ann).team, "caller", True)]
    assert new.get("/admin/").status_code == 200
    assert [e.split()[0] for e in events("invitation.")] == ["invitation.sent", "invitation.accepted"]
    assert events("member.") == ["member.added bea"]
    assert "bea@example.com" not in str(list(AuditEvent.objects.values()))


def test_a_link_works_once() -> None:
    _, secret = invite(access=own_access(manager()[0]), email="bea@example.com", role="caller", mail=False)
    accept_as_new(secret=secret, username="bea", password=FILLED["password"])

    with pytest.raises(InvitationOver):
        accept_as_new(secret=secret, username="eve", password=FILLED["password"])

    client = Client()
    assert "This invitation is over" in client.get(f"/join/{secret}/", follow=True).content.decode()
    assert not User.objects.filter(username="eve").exists()


def test_a_link_that_is_a_week_old_revoked_replaced_or_made_up_is_over() -> None:
    ann, client = manager()
    hers = own_access(ann)
    _, old = invite(access=hers, email="a@example.com", role="caller", mail=False)
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    revoked, second = invite(access=hers, email="b@example.com", role="caller", mail=False)
    client.post(PEOPLE, {"revoke": revoked.pk})
    _, replaced = invite(access=hers, email="c@example.com", role="caller", mail=False)
    _, latest = invite(access=hers, email="C@example.com", role="buyer", mail=False)

    for secret in (old, second, replaced, "made-up", "x" * 5000):
        assert "This invitation is over" in Client().get(f"/join/{secret}/", follow=True).content.decode()

    assert "as buyer" in Client().get(f"/join/{latest}/", follow=True).content.decode()


def test_somebody_who_has_an_account_signs_in_and_joins() -> None:
    _, secret = invite(access=own_access(manager()[0]), email="BOB@example.com", role="buyer", mail=False)
    bob, client = staff("bob", email="bob@example.com")
    stranger = Client()
    page = stranger.get(f"/join/{secret}/", follow=True).content.decode()
    assert 'href="/admin/login/?next=%2Fjoin%2F"' in page
    stranger.post(JOIN, FILLED)
    assert not User.objects.filter(username="bea").exists()

    client.get(f"/join/{secret}/")
    answer = client.post(JOIN)

    assert words(answer) == ["You have joined ann."]
    assert [(m.team.name, m.role) for m in bob.memberships.order_by("pk")] == [("bob", "manager"), ("ann", "buyer")]


def test_a_teams_name_is_no_header_of_a_mail() -> None:
    ann, client = manager()
    Team.objects.filter(memberships__user=ann).update(name="Blue\r\nBcc: thief@example.com\r\n\r\nRead this")

    client.post(PEOPLE, {"email": "bea@example.com", "role": "caller"})
    answer = client.post(PEOPLE, {"email": "bob@example.com\r\nBcc: thief@example.com", "role": "caller"})

    (sent,) = mail.outbox
    assert sent.subject == "Join Blue Bcc: thief@example.com Read this on Bucket System"
    assert (sent.recipients(), "Bcc" in sent.message()) == (["bea@example.com"], False)
    assert list(answer.context["form"].errors) == ["email"]


def test_an_invitation_of_somebody_else_is_not_taken() -> None:
    _, secret = invite(access=own_access(manager()[0]), email="bea@example.com", role="manager", mail=False)
    bob, client = staff("bob", email="bob@example.com")
    client.get(f"/join/{secret}/")

    client.post(JOIN)

    assert bob.memberships.count() == 1
    assert Invitation.objects.get().accepted_at is None


@pytest.mark.parametrize(
    ("bad", "field"),
    [({"password": "Summer2026!!"}, "password"), ({"username": "ann"}, "username"), ({"username": "a b"}, "username")],
)
def test_what_cannot_be_is_said_at_its_field_and_the_link_goes_on_working(bad: dict[str, str], field: str) -> None:
    _, secret = invite(access=own_access(manager()[0]), email="bea@example.com", role="caller", mail=False)
    client = Client()
    client.get(f"/join/{secret}/")

    assert list(client.post(JOIN, FILLED | bad).context["form"].errors) == [field]
    assert client.post(JOIN, FILLED).status_code == 302


def test_an_e_mail_that_its_user_typed_takes_no_invitation_and_keeps_nobody_out() -> None:
    team = own_access(manager()[0])
    _, secret = invite(access=team, email="bea@example.com", role="manager", mail=False)
    bob, client = staff("bob")
    change_profile(user=bob, changes={"email": "bea@example.com"})

    client.get(f"/join/{secret}/")
    assert "not confirmed yet" in client.get("/join/").content.decode()
    client.post("/join/")
    with pytest.raises(InvitationRefused):
        accept(secret=secret, user=User.objects.get(pk=bob.pk))

    assert Invitation.objects.get().accepted_at is None
    assert not Membership.objects.filter(user=bob, team=team.team).exists()
    bea = accept_as_new(secret=secret, username="bea", password=FILLED["password"])
    assert (is_proved(bea), is_proved(User.objects.get(pk=bob.pk))) == (True, False)


def test_only_managers_invite() -> None:
    team = Team.objects.create(name="Blue")
    for role in (Role.READER, Role.CALLER, Role.BUYER):
        user = User(username=f"{role}", is_staff=True)
        user.save()
        client = signed_in(member(user, role, team))
        assert client.get(PEOPLE).status_code == 403
        assert client.post(PEOPLE, {"email": "x@example.com", "role": "manager"}).status_code == 403
        refused(Api(user).post(API, {"email": "x@example.com", "role": "manager"}), 403)
        assert "Invite people" not in client.get("/admin/").content.decode()
    assert not Invitation.objects.exists()


def test_a_superuser_invites_the_first_person_of_a_new_team() -> None:
    boss, client = superuser()

    client.post(PEOPLE, {"email": "bea@example.com", "role": "manager", "team": "Blue house"})

    assert Invitation.objects.get().team.name == "Blue house"
    assert not boss.memberships.filter(team__name="Blue house").exists()
    staff("ann")[1].post(PEOPLE, {"email": "cat@example.com", "role": "manager", "team": "Mine"})
    assert not Team.objects.filter(name="Mine").exists()


def test_a_new_team_whose_first_person_cannot_be_invited_is_not_made(settings: Any) -> None:
    _, client = superuser()
    settings.EMAIL_BACKEND, settings.EMAIL_PORT = "django.core.mail.backends.smtp.EmailBackend", 9
    before = Team.objects.count()

    client.post(PEOPLE, {"email": "bea@example.com", "role": "manager", "team": "Northwind"})
    run("invite", "bea@example.com", "--by", "boss", "--new-team", "Northwind", "--base-url", "https://b.example")

    assert (Team.objects.count(), Invitation.objects.count()) == (before, 0)
    assert events("team.") == 2 * ["team.created boss", "team.deleted boss"]
    assert events("invitation.") == 2 * ["invitation.sent boss", "invitation.revoked boss"]


@pytest.mark.parametrize("role", ["owner", "caller"])
def test_a_mail_leaves_after_the_commit_and_none_of_what_is_rolled_back(role: str) -> None:
    """`tests/conftest.py` refuses every mail in a transaction."""
    boss, _ = superuser()
    invited: dict[str, Any] = {"by": boss, "name": "Northwind", "email": "bea@example.com", "role": role}
    if role == "owner":
        with pytest.raises(InvitationRefused):
            invite_into_new_team(**invited)
        assert (mail.outbox, Team.objects.filter(name="Northwind").exists()) == ([], False)
        return
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        invite_into_new_team(**invited)
    assert (mail.outbox, Team.objects.filter(name="Northwind").exists()) == ([], False)
    invite_into_new_team(**invited)
    assert [message.to for message in mail.outbox] == [["bea@example.com"]]


@pytest.mark.parametrize(
    ("public", "begins"), [("", "http://testserver/"), ("https://b.example", "https://b.example/")]
)
def test_a_mailed_link_does_not_take_the_port_that_a_request_names(settings: Any, public: str, begins: str) -> None:
    settings.PUBLIC_URL, settings.DEBUG = public, False
    ann, client = staff()
    sees_contacts(ann)
    User.objects.update(email="ann@example.com")
    asks, api = {"Host": "testserver:6666"}, Api(ann)

    client.post(PEOPLE, {"email": "bea@example.com", "role": "caller"}, headers=asks)
    body_of(api.post(API, {"email": "cat@example.com", "role": "caller"}, **asks), 201)
    ann.set_password(FILLED["password"])
    ann.save(update_fields=["password"])
    Client().post("/admin/login/forgotten/", {"email": "ann@example.com"}, headers=asks)

    links = [re.search(r"https?://\S+", str(message.body))[0] for message in mail.outbox]  # type: ignore[index]
    assert [link.startswith(begins) for link in links] == [True, True, True]


def test_whoever_is_in_the_team_is_not_invited_again() -> None:
    _, client = manager(email="ann@example.com")

    answer = client.post(PEOPLE, {"email": "ANN@example.com", "role": "buyer"})

    assert answer.context["form"].errors == {"email": ["Somebody with this e-mail is in the team already."]}


def test_a_mail_that_cannot_be_sent_leaves_no_invitation(settings: Any) -> None:
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = (
        "django.core.mail.backends.smtp.EmailBackend",
        "127.0.0.1",
        9,
    )

    answer = manager()[1].post(PEOPLE, {"email": "bea@example.com", "role": "buyer"})

    assert "nothing was sent" in answer.context["form"].non_field_errors()[0]
    assert not Invitation.objects.exists()


def test_where_no_mail_server_is_set_up_it_says_so(settings: Any) -> None:
    settings.MAIL_IS_SET_UP = False

    answer = manager()[1].post(PEOPLE, {"email": "bea@example.com", "role": "buyer"})

    assert answer.context["form"].non_field_errors() == [
        "No mail server is set up here: an administrator sets EMAIL_URL."
    ]


# --- The API and the command -----------------------------------------------------------------------------------------


def test_the_api_invites_lists_and_revokes() -> None:
    ann, _ = manager()
    api = Api(ann)

    made = body_of(api.post(API, {"email": "bea@example.com", "role": "caller", "isMasked": True}), 201)["invitation"]

    assert (made["email"], made["role"], made["isMasked"]) == ("bea@example.com", "caller", True)
    assert link_in_the_mail()
    assert [one["id"] for one in body_of(api.get(API))["invitations"]] == [made["id"]]
    stranger = Api(staff("bob")[0])
    assert body_of(stranger.get(API))["invitations"] == []
    refused(stranger.delete(f"{API}/{made['id']}"), 404)
    body_of(api.delete(f"{API}/{made['id']}"))
    refused(api.delete(f"{API}/{made['id']}"), 404)
    refused(api.delete(f"{API}/{uuid4()}"), 404)
    assert not Invitation.objects.exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"role": "caller"}, "email"),
        ({"email": "no address", "role": "caller"}, "email"),
        ({"email": "a@example.com", "role": "owner"}, "role"),
        ({"email": "a@example.com", "role": "caller", "team": 7}, "team"),
    ],
)
def test_what_is_no_invitation_is_refused_by_name(body: dict[str, Any], field: str) -> None:
    refused(Api(manager()[0]).post(API, body), 400, field)


def test_the_command_prints_the_link_or_mails_it() -> None:
    superuser()
    base = ("--by", "boss", "--base-url", "https://buckets.example.com/")

    out = run("invite", "bea@example.com", "--role", "manager", "--new-team", "Blue", "--print", *base).out

    assert re.fullmatch(r"https://buckets\.example\.com/join/\S{43}/\n", out)
    assert mail.outbox == []
    assert run("invite", "cat@example.com", *base).out == "Invitation into boss mailed to cat@example.com.\n"
    assert "https://buckets.example.com/join/" in str(mail.outbox[0].body)
    assert run("invite", "no address", *base).err.endswith("Enter an e-mail address.\n")


def test_only_a_superuser_makes_teams() -> None:
    with pytest.raises(NotAllowed):
        make_team(by=staff()[0], name="Mine")
