"""A second factor: asked for on the desk and in the API, taken once, required of whom the settings name."""

from __future__ import annotations

import json
import re
import time
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from allauth.socialaccount.models import SocialAccount
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, Membership, Role, Team, User
from accounts.sign_in.factors import must_have_factor
from accounts.sign_in.services import set_password
from accounts.sign_in.sessions import end_all
from tests.admin_site import signed_in, staff, superuser, words
from tests.api.client import Api, body_of, refused
from tests.command_line import run

pytestmark = pytest.mark.django_db

LOGIN, TOKEN, PASSWORD = "/admin/login/", "/api/auth/token", "correct horse battery"
CODE, FACTORS = "/admin/account/factors/authenticate/", "/admin/account/factors/"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
WRONG = "This code is wrong, was used before, or has expired."


@pytest.fixture
def ann() -> User:
    """With an app, set up yesterday, and recovery codes."""
    user = User.objects.create_user("ann", password=PASSWORD, is_staff=True)
    one = TOTP.activate(user, SECRET).instance
    Authenticator.objects.filter(pk=one.pk).update(created_at=timezone.now() - timedelta(days=1))
    RecoveryCodes.activate(user)
    return user


def code(periods: int = 0) -> str:
    return str(format_hotp_value(hotp_value(SECRET, int(time.time()) // 30 + periods)))


def recovery_code(user: User) -> str:
    codes: list[str] = Authenticator.objects.get(user=user, type="recovery_codes").wrap().get_unused_codes()
    return codes[0]


def after_the_password() -> Client:
    client = Client()
    answer = client.post(LOGIN, {"username": "ann", "password": PASSWORD, "next": "/admin/profile/"})
    assert answer["Location"] == CODE
    return client


def token(**more: Any) -> Any:
    return Api().post(TOKEN, {"username": "ann", "password": PASSWORD, **more})


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


# --- On the desk -----------------------------------------------------------------------------------------------------


def test_the_password_alone_does_not_sign_in_and_the_code_does(ann: User) -> None:
    client = after_the_password()
    assert not is_signed_in(client)
    assert client.get("/admin/")["Location"].startswith(LOGIN)

    answer = client.post(CODE, {"code": code()})

    assert (answer["Location"], is_signed_in(client)) == ("/admin/profile/", True)
    assert AuditEvent.objects.get(action="signin.succeeded").after == {"by": "password, code"}


@pytest.mark.parametrize("ended", ["new password", "signed out everywhere"])
def test_a_sign_in_that_waits_for_its_code_ends_with_the_others(ann: User, ended: str) -> None:
    client = after_the_password()
    if ended == "new password":
        set_password(user=ann, by=ann, password="four other quiet words", keep=[], means="own page")
    else:
        end_all(user=ann, by=ann)

    answer = client.post(CODE, {"code": code()}, follow=True)

    assert (answer.redirect_chain[0][0], is_signed_in(client)) == (LOGIN, False)
    assert "This sign-in has ended. Sign in again." in words(answer)
    assert client.get(CODE)["Location"] == LOGIN
    if ended == "signed out everywhere":  # by the password of now, she comes in
        again = after_the_password()
        again.post(CODE, {"code": code(1)})
        assert is_signed_in(again)


def test_a_code_is_taken_once_however_it_is_sent(ann: User) -> None:
    now = code()
    after_the_password().post(CODE, {"code": now})
    again = after_the_password()

    answer = again.post(CODE, {"code": now})

    assert answer.context["form"].errors == {"code": [WRONG]}
    assert not is_signed_in(again)
    refused(token(code=now), 401, "code")
    again.post(CODE, {"code": f"{code(1)[:3]} {code(1)[3:]}"})
    assert is_signed_in(again)
    later = after_the_password()
    later.post(CODE, {"code": now})
    assert not is_signed_in(later)


def test_wrong_codes_are_counted_as_wrong_passwords_are(ann: User) -> None:
    client = after_the_password()
    for _ in range(5):
        client.post(CODE, {"code": "000000"})

    answer = client.post(CODE, {"code": code()})

    assert answer.context["form"].errors["code"][0].startswith("Too many failed attempts to sign in.")
    assert not is_signed_in(client)
    refused(token(code=code()), 429)
    assert AuditEvent.objects.filter(action="signin.failed").count() == 5


def test_a_recovery_code_signs_in_once(ann: User) -> None:
    given = recovery_code(ann)
    client, again = after_the_password(), after_the_password()

    client.post(CODE, {"code": given})
    again.post(CODE, {"code": given})

    assert (is_signed_in(client), is_signed_in(again)) == (True, False)


def test_secrets_lie_encrypted_and_a_new_secret_key_reads_them(ann: User, settings: Any) -> None:
    stored = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert (SECRET in stored, recovery_code(ann) in stored) == (False, False)

    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another-secret-key-" + 40 * "y"

    client = after_the_password()
    client.post(CODE, {"code": code()})
    assert is_signed_in(client)


# --- In the API ------------------------------------------------------------------------------------------------------


def test_the_api_asks_for_the_code_too(ann: User) -> None:
    assert refused(token(), 403, "code") == "code: Send the code of your authenticator app, or a recovery code."
    assert refused(token(code="000000"), 401, "code") == f"code: {WRONG}"
    assert token(code="000000").json()["error"]["code"] == "WRONG_CODE"

    body_of(token(code=code()))
    body_of(token(code=recovery_code(ann)))


def test_who_must_have_a_factor_and_has_none_gets_no_token(settings: Any) -> None:
    settings.FACTOR_REQUIRED_FOR = ["manager"]
    User.objects.create_user("ann", password=PASSWORD)  # manages her own team

    answer = token()

    assert "set up an authenticator app or a passkey" in refused(answer, 403)
    assert answer.json()["error"]["code"] == "FACTOR_REQUIRED"


# --- Required --------------------------------------------------------------------------------------------------------


def test_it_is_required_by_role_or_of_all(settings: Any) -> None:
    caller = User(username="cat")
    caller.save()
    Membership.objects.create(user=caller, team=Team.objects.create(name="Blue"), role=Role.CALLER)
    boss = superuser()[0]
    operator = User(username="oda", is_operator=True)
    operator.save()

    def asked_of(*named: str) -> list[bool]:
        settings.FACTOR_REQUIRED_FOR = list(named)
        return [must_have_factor(one) for one in (caller, boss, operator)]

    assert asked_of() == [False, False, False]
    assert asked_of("caller") == [True, False, False]
    assert asked_of("superuser", "reader") == [False, True, False]
    assert asked_of("operator") == [False, False, True]
    assert asked_of("all") == [True, True, True]


@pytest.mark.long
def test_until_she_has_one_she_gets_only_the_pages_that_set_it_up(
    settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.FACTOR_REQUIRED_FOR = ["all"]
    ann, client = staff()

    answer = client.get("/admin/leads/lead/")

    assert (answer["Location"], client.post("/admin/profile/", {})["Location"]) == (FACTORS, FACTORS)
    assert words(answer) == ["Your team requires a second factor: set up an authenticator app or a passkey to go on."]
    assert client.get("/api/usage").json()["error"]["code"] == "FACTOR_REQUIRED"
    assert client.get(FACTORS).status_code == 200
    page = client.get(f"{FACTORS}totp/activate/").content.decode()
    secret = re.findall(r"<code[^>]*>([A-Z2-7]{32})</code>", page)[0]
    right = format_hotp_value(hotp_value(secret, int(time.time()) // 30))
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(f"{FACTORS}totp/activate/", {"code": right})
    assert answer["Location"] == f"{FACTORS}recovery-codes/"
    assert client.get(answer["Location"]).content.decode().count("<li><code>") == 10
    assert client.get("/admin/leads/lead/").status_code == 200
    added = AuditEvent.objects.get(action="factor.added")
    assert (added.user_name, added.after) == ("ann", {"what": "authenticator app"})
    removed = client.post(f"{FACTORS}totp/deactivate/", {})
    assert "You must have a second factor here." in removed.content.decode()
    assert Authenticator.objects.filter(user=ann, type="totp").exists()


def test_a_factor_is_removed_where_none_is_required_and_that_is_written_down(ann: User) -> None:
    client = signed_in(ann)
    client.get("/admin/")

    assert client.post(f"{FACTORS}totp/deactivate/", {}).status_code == 302

    assert not Authenticator.objects.filter(user=ann).exists()
    assert AuditEvent.objects.get(action="factor.removed").after == {"what": "authenticator app"}


@pytest.mark.long
def test_every_page_of_factors_is_there_in_the_desk(ann: User) -> None:
    client = signed_in(ann)
    client.get("/admin/")

    for page in (
        "",
        "totp/deactivate/",
        "recovery-codes/",
        "recovery-codes/generate/",
        "webauthn/",
        "webauthn/add/",
    ):
        answer = client.get(f"{FACTORS}{page}")
        assert (page, answer.status_code) == (page, 200)
        assert "desk/desk.css" in answer.content.decode()


# --- The last one, and a lost one ------------------------------------------------------------------------------------


def passkey(user: User) -> Authenticator:
    made: Authenticator = Authenticator.objects.create(user=user, type="webauthn", data={"name": "Phone"})
    return made


def test_a_passkeys_own_pages_open(ann: User) -> None:
    key, client = passkey(ann), signed_in(ann)
    client.get("/admin/")

    assert client.get(f"{FACTORS}webauthn/keys/{key.pk}/edit/").status_code == 200
    page = client.get(f"{FACTORS}webauthn/keys/{key.pk}/remove/").content.decode()
    assert "“Phone” will no longer sign you in." in page


@pytest.mark.parametrize(
    "sent",
    [
        {"id": 1, "rawId": None, "response": None},
        {"id": "x", "rawId": "x", "response": {}},
        {"id": "eA", "rawId": "eA", "type": "public-key", "response": {"userHandle": 5, "clientDataJSON": "e30"}},
        {"id": "eA", "rawId": "eA", "type": "public-key", "response": {
            "clientDataJSON": "e30", "attestationObject": "oA", "authenticatorData": "eA", "signature": "eA",
            "userHandle": "_____w"}},
        ["x"],
        "x",
        7,
    ],
)  # fmt: skip
def test_what_no_browser_sends_as_a_passkeys_answer_is_refused_in_words(ann: User, sent: Any) -> None:
    client, stranger, entrance = signed_in(ann), Client(), f"{FACTORS}webauthn/login/"
    client.get(f"{FACTORS}webauthn/add/")
    stranger.get(entrance, headers={"X-Requested-With": "XMLHttpRequest"})

    page = client.post(f"{FACTORS}webauthn/add/", {"name": "x", "credential": json.dumps(sent)})
    answer = stranger.post(entrance, {"credential": json.dumps(sent)})

    assert (page.status_code, WRONG in page.content.decode()) == (200, True)
    assert words(answer) == [WRONG]


def test_the_last_passkey_stays_where_one_is_required(ann: User, settings: Any) -> None:
    settings.FACTOR_REQUIRED_FOR = ["all"]
    key, client = passkey(ann), signed_in(ann)
    client.get("/admin/")
    client.post(f"{FACTORS}totp/deactivate/", {})  # there is another one
    assert not Authenticator.objects.filter(user=ann, type="totp").exists()

    page = client.post(f"{FACTORS}webauthn/keys/{key.pk}/remove/")

    assert "You must have a second factor here. Add another one before you remove this." in page.content.decode()
    assert Authenticator.objects.filter(pk=key.pk).exists()
    settings.FACTOR_REQUIRED_FOR = []
    assert client.post(f"{FACTORS}webauthn/keys/{key.pk}/remove/").status_code == 302
    assert not Authenticator.objects.filter(user=ann).exists()
    assert AuditEvent.objects.filter(action="factor.removed").count() == 2


def test_a_superuser_takes_a_lost_factor_off_somebody(ann: User, django_capture_on_commit_callbacks: Any) -> None:
    User.objects.update(email="ann@example.com")
    passkey(ann)
    hers = signed_in(ann)
    sessions = after_the_password()
    sessions.post(CODE, {"code": code()})
    boss, client = superuser()
    page = f"/admin/accounts/user/{ann.pk}/factors/"
    assert page in client.get(f"/admin/accounts/user/{ann.pk}/change/").content.decode()
    assert "signed out everywhere" in client.get(page).content.decode()
    assert hers.post(page, {"confirmed": "Remove"}).status_code == 403

    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(page, {"confirmed": "Remove"})

    assert words(answer)[-1] == "Removed from ann: recovery codes, authenticator app, passkey."
    assert not Authenticator.objects.filter(user=ann).exists()
    assert sessions.get("/admin/profile/").status_code == 302
    told = AuditEvent.objects.filter(action="factor.removed", user_name="boss", object_name="ann")
    what = [(event.after or {})["what"] for event in told.order_by("pk")]
    assert what == ["recovery codes", "authenticator app", "passkey"]
    assert [(one.to, "removed by boss" in str(one.body)) for one in mail.outbox] == [(["ann@example.com"], True)]
    assert words(client.post(page, {"confirmed": "Remove"}))[-1] == "ann has no second factor."
    own = client.post(f"/admin/accounts/user/{boss.pk}/factors/", {"confirmed": "Remove"})
    assert words(own)[-1] == "Your own are removed under Second factor and passkeys."


def test_the_command_takes_a_lost_factor_off(ann: User) -> None:
    SocialAccount.objects.create(user=ann, provider="oidc", uid="p-1")

    done = run("remove_factors", "ann", "--json")

    assert done.json == {"user": "ann", "removed": ["recovery codes", "authenticator app", "single sign-on link"]}
    again = run("remove_factors", "ann")
    assert (again.status, "ann has no second factor." in again.err) == (1, True)
