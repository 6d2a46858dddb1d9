"""Signing in: one path for the desk and the API, counted, logged, locked by the hour, and never against its owner."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEvent, SignInCount, User
from accounts.sign_in import limits
from accounts.sign_in.limits import SignInLocked
from accounts.tasks import forget_expired
from tests.admin_site import staff, superuser, words
from tests.api.client import Api, body_of, refused
from tests.command_line import run

pytestmark = pytest.mark.django_db

LOGIN, TOKEN, PASSWORD = "/admin/login/", "/api/auth/token", "correct horse battery"
LOCKED = "Too many failed attempts to sign in."


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann", password=PASSWORD, is_staff=True)


def sign_in(client: Client, name: str = "ann", password: str = PASSWORD, **more: Any) -> Any:
    return client.post(LOGIN, {"username": name, "password": password}, **more)


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def said(answer: Any) -> str:
    return " ".join(answer.context["form"].non_field_errors())


def actions() -> list[tuple[str, str, str | None]]:
    rows = AuditEvent.objects.filter(action__startswith="signin.").order_by("pk")
    return [(row.action, row.user_name or row.object_name, row.address) for row in rows]


def later(seconds: float) -> None:
    """As if so much time had passed since every count."""
    for row in SignInCount.objects.all():
        row.began_at -= timedelta(seconds=seconds)
        row.last_at -= timedelta(seconds=seconds)
        row.save()


# --- The page --------------------------------------------------------------------------------------------------------


def test_a_person_comes_to_the_page_she_asked_for_and_it_is_written_down(ann: User, caplog: Any) -> None:
    client = Client()
    caplog.set_level("INFO")

    answer = client.post(f"{LOGIN}?next=/admin/profile/", {"username": "ann", "password": PASSWORD})

    assert (answer.status_code, answer["Location"]) == (302, "/admin/profile/")
    assert client.get("/admin/profile/").status_code == 200
    assert actions() == [("signin.succeeded", "ann", "127.0.0.1")]
    assert "Signed in: 'ann' from 127.0.0.1 by password" in caplog.text
    assert PASSWORD not in caplog.text


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "\\\\evil.example"]
)
def test_nobody_is_led_to_another_site(ann: User, elsewhere: str) -> None:
    client = Client()

    assert client.post(LOGIN, {"username": "ann", "password": PASSWORD, "next": elsewhere})["Location"] == "/admin/"
    assert client.get(LOGIN, {"next": elsewhere})["Location"] == "/admin/"


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("ann", "wrong"), ("nobody", PASSWORD), ("cat", PASSWORD), ("off", PASSWORD),
        ("ann", f" {PASSWORD} "), ("ann", PASSWORD.upper()), ("ann", PASSWORD[:-1]), ("ann", f"{PASSWORD}{120 * 'x'}"),
    ],
)  # fmt: skip
def test_what_was_wrong_is_not_told(ann: User, name: str, password: str) -> None:
    User.objects.create_user("cat", password=PASSWORD)
    User.objects.create_user("off", password=PASSWORD, is_staff=True, is_active=False)
    client = Client()

    answer = sign_in(client, name, password)

    assert (answer.status_code, said(answer), is_signed_in(client)) == (200, "Wrong name or password.", False)


def test_a_signed_in_person_who_is_no_staff_sees_the_sign_in_page_and_no_loop() -> None:
    client = Client()
    client.force_login(User.objects.create_user("cat"))

    assert client.get("/admin/", follow=True).redirect_chain == [("/admin/login/?next=/admin/", 302)]


# --- Locks -----------------------------------------------------------------------------------------------------------


def test_sixty_wrong_passwords_and_then_the_right_one_do_not_sign_in(ann: User, caplog: Any) -> None:
    client = Client()
    for number in range(60):
        sign_in(client, password=f"wrong-{number}")

    answer = sign_in(client)

    assert said(answer) == f"{LOCKED} Try again in 60 minutes, or use a passkey."
    assert not is_signed_in(client)
    assert [action for action, *_ in actions()] == ["signin.failed"] * 5 + ["signin.locked"]
    assert caplog.text.count("Sign-in failed: 'ann' from 127.0.0.1") == 5
    assert "Sign-in locked for an hour (pair): 'ann' from 127.0.0.1" in caplog.text
    later(3600)
    sign_in(client)
    assert is_signed_in(client)


def test_the_desk_and_the_api_are_counted_together(ann: User) -> None:
    for _ in range(3):
        sign_in(Client(), password="wrong")
    for _ in range(2):
        refused(Api().post(TOKEN, {"username": "ANN", "password": "wrong"}), 401)

    answer = Api().post(TOKEN, {"username": "ann", "password": PASSWORD})

    assert refused(answer, 429).startswith(LOCKED)
    assert 3590 <= int(answer["Retry-After"]) <= 3600
    assert said(sign_in(Client())).startswith(LOCKED)


@pytest.mark.long
def test_an_address_that_tries_many_names_is_locked_and_others_are_not(ann: User) -> None:
    for number in range(30):
        refused(Api().post(TOKEN, {"username": f"user-{number}", "password": "wrong"}), 401)

    refused(Api().post(TOKEN, {"username": "ann", "password": PASSWORD}), 429)
    client = Client(REMOTE_ADDR="198.51.100.7")
    sign_in(client)
    assert is_signed_in(client)


@pytest.mark.long
def test_behind_the_proxy_each_client_is_counted_by_its_own_address(ann: User, settings: Any) -> None:
    settings.NUM_PROXIES = 1
    for number in range(31):
        sign_in(Client(), f"invented-{number}", headers={"X-Forwarded-For": "203.0.113.9"})
    assert said(sign_in(Client(), headers={"X-Forwarded-For": "203.0.113.9"})).startswith(LOCKED)

    client = Client()
    sign_in(client, headers={"X-Forwarded-For": "203.0.113.9, 198.51.100.7"})  # the first is the client's own invention

    assert is_signed_in(client)
    assert actions()[-1] == ("signin.succeeded", "ann", "198.51.100.7")


def test_strangers_everywhere_make_an_account_wait_longer_and_longer_but_never_lock_it(ann: User) -> None:
    assert [limits.delay(n).total_seconds() for n in (0, 4, 5, 6, 9, 12, 13, 14, 999)] == [
        0,
        0,
        1,
        2,
        16,
        128,
        256,
        300,
        300,
    ]
    for number in range(40):
        limits.begin(name="ann", address=f"198.51.100.{number}", is_known_device=True)  # all fail

    answer = sign_in(Client())

    assert said(answer) == f"{LOCKED} Try again in 5 minutes, or use a passkey."
    later(301)
    client = Client()
    sign_in(client)
    assert is_signed_in(client)


def test_her_own_browser_does_not_wait_for_strangers(ann: User) -> None:
    hers, thief = Client(), Client(REMOTE_ADDR="203.0.113.66")
    sign_in(hers)
    hers.post("/admin/logout/")
    for number in range(40):
        limits.begin(name="ann", address=f"198.51.100.{number}", is_known_device=True)
    thief.cookies["device"] = hers.cookies["device"].value[:-2] + "xx"  # not signed by us

    assert said(sign_in(thief)).startswith(LOCKED)
    sign_in(hers)

    assert is_signed_in(hers)


def test_a_new_password_makes_every_browser_unknown(ann: User) -> None:
    hers = Client()
    sign_in(hers)
    hers.post("/admin/logout/")
    ann.set_password("another horse battery")
    ann.save()
    for number in range(40):
        limits.begin(name="ann", address=f"198.51.100.{number}", is_known_device=True)

    assert said(sign_in(hers, password="another horse battery")).startswith(LOCKED)


@pytest.mark.long
def test_a_right_password_does_not_wipe_what_an_address_has_failed(ann: User) -> None:
    for number in range(29):
        sign_in(Client(), f"name-{number}", "wrong")
    sign_in(Client())

    sign_in(Client(), "name-x", "wrong")

    assert said(sign_in(Client())).startswith(LOCKED)


@pytest.mark.django_db(transaction=True)
def test_of_many_guesses_at_the_same_moment_five_are_looked_at() -> None:
    from concurrent.futures import ThreadPoolExecutor

    from django.db import connection

    def guess(_: int) -> bool:
        try:
            limits.begin(name="ann", address="198.51.100.7")
            return True
        except SignInLocked:
            return False
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(guess, range(40))) == 5


def test_signing_in_goes_on_while_redis_is_away(ann: User, settings: Any) -> None:
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:9/0"}
    }
    client = Client()

    sign_in(client, password="wrong")
    sign_in(client)

    assert is_signed_in(client)
    body_of(Api().post(TOKEN, {"username": "ann", "password": PASSWORD}))


# --- Unlocking -------------------------------------------------------------------------------------------------------


def test_an_administrator_unlocks_on_the_page(ann: User) -> None:
    for _ in range(5):
        sign_in(Client(), password="wrong")
    _, boss = superuser()
    page = boss.get("/admin/account/locked/").content.decode()
    assert "ann" in page and "127.0.0.1" in page

    answer = boss.post("/admin/account/locked/", {"name": "ann", "address": "127.0.0.1"})

    assert words(answer) == ["Unlocked: they may try again at once."]
    client = Client()
    sign_in(client)
    assert is_signed_in(client)
    assert ("signin.unlocked", "boss", "127.0.0.1") in actions()


def test_others_see_no_locks() -> None:
    assert staff("bob")[1].get("/admin/account/locked/").status_code == 403
    assert staff("bea")[1].post("/admin/account/locked/", {"name": "ann"}).status_code == 403


def test_nothing_is_unlocked_without_a_name_or_an_address() -> None:
    answer = superuser()[1].post("/admin/account/locked/", {"address": "nonsense"})

    assert answer.context["form"].errors == {"address": ["Enter a valid IPv4 or IPv6 address."]}
    assert said(superuser("boss2")[1].post("/admin/account/locked/", {})) == "Give a user name, an address, or both."


def test_the_command_lists_and_unlocks(ann: User) -> None:
    for _ in range(5):
        sign_in(Client(), password="wrong")
    listed = run("unlock_sign_in").out.splitlines()
    assert sorted(listed) == ["ann from 127.0.0.1: 5 failures", "ann: 5 failures"]

    assert run("unlock_sign_in", "ann").out == "Unlocked: 2 locks ended.\n"

    assert run("unlock_sign_in").out == "Nothing is locked.\n"
    client = Client()
    sign_in(client)
    assert is_signed_in(client)


def test_counts_are_forgotten_when_their_hour_is_over(ann: User) -> None:
    sign_in(Client(), password="wrong")
    later(3601)

    forget_expired()

    assert not SignInCount.objects.exists()


def test_a_wrong_password_is_told_once_and_the_button_signs_in(client):
    page = client.post("/admin/login/", {"username": "nobody", "password": "wrong"}).content.decode()
    assert page.count("Wrong name or password.") == 1
    assert "Please correct" not in page and "Log in" not in page
