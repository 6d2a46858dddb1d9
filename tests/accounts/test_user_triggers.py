"""A user name is one name in whatever spelling, and sessions end with the right to enter the desk."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client

from accounts.access import own_access
from accounts.invitations import accept_as_new, invite
from accounts.models import User
from accounts.services import create_api_token
from accounts.sign_in import limits
from tests.accounts.test_sign_in import LOCKED, PASSWORD, is_signed_in, said, sign_in
from tests.admin_site import address, superuser
from tests.support import make_user

pytestmark = pytest.mark.django_db
PHRASE = "four unrelated words here"


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann", password=PASSWORD, is_staff=True)


@pytest.mark.long
@pytest.mark.parametrize("name", ["Ann", "ANN", "ann", "\uff21nn"])  # the last with a full-width A
def test_no_other_user_takes_a_name_that_reads_alike(ann: User, name: str) -> None:
    _, secret = invite(access=own_access(ann), email="x@example.com", role="caller", mail=False)
    boss, client = superuser()

    with pytest.raises(ValidationError, match="capitals make no difference"):
        accept_as_new(secret=secret, username=name, password=PHRASE)
    with pytest.raises(CommandError):
        call_command("createsuperuser", username=name, email="x@example.com", interactive=False)
    assert (
        client.post(address(User, "add"), {"username": name, "password1": PHRASE, "password2": PHRASE}).status_code
        == 200
    )
    filled = {"username": name, "time_zone": "UTC", "daily_lead_limit": "1", "monthly_budget": "1"}
    client.post(address(User, "change", boss.pk), filled)
    for past_all in (lambda: User.objects.bulk_create([User(username=name)]), lambda: rename(boss, name)):
        with pytest.raises(IntegrityError), transaction.atomic():
            past_all()
    if name not in ("ann", "\uff21nn"):
        with pytest.raises(ValidationError):
            create_api_token(username=name)

    assert sorted(User.objects.values_list("username", flat=True)) == ["ann", "boss"]


def rename(user: User, name: str) -> None:
    User.objects.filter(pk=user.pk).update(username=name)


def test_a_name_is_kept_as_the_sign_in_page_reads_it() -> None:
    _, secret = invite(access=own_access(make_user("bob")), email="x@example.com", role="caller", mail=False)

    accept_as_new(secret=secret, username="\uff2d\uff21", password=PHRASE)  # full width

    client = Client()
    sign_in(client, "\uff2d\uff21", PHRASE)
    assert (User.objects.latest("pk").username, is_signed_in(client)) == ("MA", True)
    assert (
        client.post("/api/auth/token", {"username": "\uff2d\uff21", "password": PHRASE}, "application/json").status_code
        == 200
    )


def test_two_of_before_whose_names_differ_in_capitals_do_not_reset_each_others_locks(ann: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_user DISABLE TRIGGER USER")
    thief = User(username="ANN", is_staff=True)
    thief.set_password(PHRASE)
    User.objects.bulk_create([thief])
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_user ENABLE TRIGGER USER")

    for _ in range(3):
        for _ in range(2):
            sign_in(Client(), "ann", "wrong")
        sign_in(Client(), "ANN", PHRASE)

    assert said(sign_in(Client(), "ann", "wrong")).startswith(LOCKED)
    assert limits.unlock(by=None, name="ann") > 0


@pytest.mark.parametrize("right", ["is_active", "is_staff"])
def test_a_session_does_not_outlive_the_right_to_enter(ann: User, right: str) -> None:
    client = Client()
    sign_in(client)
    assert is_signed_in(client)
    token = {"Authorization": f"Token {create_api_token(username='ann')[1]}"}

    User.objects.filter(pk=ann.pk).update(**{right: False})
    off: Any = (client.get("/api/usage").status_code, Client().get("/api/usage", headers=token).status_code)
    User.objects.filter(pk=ann.pk).update(**{right: True})

    assert off == (401, 401 if right == "is_active" else 200)
    assert (is_signed_in(client), client.get("/api/usage").status_code) == (False, 401)
