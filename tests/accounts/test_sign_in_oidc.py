"""Signing in by OpenID Connect: the whole way through a provider on a socket, and everybody whom it does not let in."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from allauth.mfa.totp.internal.auth import TOTP
from allauth.socialaccount.models import SocialAccount
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client

from accounts.fresh import SIGNED_IN_AT
from accounts.models import AuditEvent, User
from accounts.profile.services import change_profile
from accounts.sign_in.oidc import LINKED, NOT_OURS, UNKNOWN, UNVERIFIED
from tests.accounts.oidc_provider import Provider
from tests.admin_site import words

pytestmark = pytest.mark.django_db

LOGIN, START = "/admin/login/", "/admin/login/oidc/oidc/login/"


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    with Provider() as running:
        settings.ROOT_URLCONF = "tests.accounts.oidc_urls"
        settings.OIDC_URL, settings.OIDC_NAME = running.url, "Example login"
        settings.SOCIALACCOUNT_PROVIDERS = running.settings()
        yield running


@pytest.fixture
def ann() -> User:
    """She has no password here."""
    user = User.objects.create_user("ann", "Ann@example.com", is_staff=True)
    user.set_unusable_password()
    user.save()
    return user


def come_by(provider: Provider, client: Client | None = None, start: str = f"{START}?next=/admin/profile/") -> Any:
    """As a browser: the button, the provider's page, and back."""
    client = client or Client()
    there = client.post(start)["Location"]
    assert there.startswith(f"{provider.url}/authorize?")
    back = requests.get(there, allow_redirects=False, timeout=60).headers["Location"]
    return client.get(back.removeprefix("http://testserver"))


def is_signed_in(answer: Any) -> bool:
    return "_auth_user_id" in answer.client.session


def test_a_verified_e_mail_that_is_known_is_let_in_to_the_page_asked_for(provider: Provider, ann: User) -> None:
    assert "Sign in with Example login" in Client().get(LOGIN).content.decode()

    answer = come_by(provider)

    assert (answer["Location"], is_signed_in(answer)) == ("/admin/profile/", True)
    assert answer.client.get("/admin/profile/").status_code == 200
    event = AuditEvent.objects.get(action="signin.succeeded")
    assert (event.user_name, event.after) == ("ann", {"by": "OpenID Connect"})


def test_afterwards_she_is_known_by_the_providers_own_name_of_her(provider: Provider, ann: User) -> None:
    come_by(provider)
    provider.person["email"] = "ann.lee@example.com"

    assert is_signed_in(come_by(provider))
    assert SocialAccount.objects.get().uid == "p-1"


@pytest.mark.long
def test_whoever_gets_her_e_mail_at_the_provider_later_is_not_her(provider: Provider, ann: User) -> None:
    come_by(provider)
    provider.person["sub"] = "p-2"

    answer = come_by(provider)

    assert (words(answer)[-1], is_signed_in(answer)) == (LINKED, False)


@pytest.mark.parametrize(
    ("person", "said"),
    [
        ({"email": "nobody@example.com"}, UNKNOWN),
        ({"email": ""}, UNKNOWN),
        ({"email_verified": False}, UNVERIFIED),
        ({"email_verified": None}, UNVERIFIED),
    ],
)
def test_who_is_unknown_or_unverified_is_refused_in_words(
    provider: Provider, ann: User, person: dict[str, Any], said: str
) -> None:
    provider.person |= person

    answer = come_by(provider)

    assert (answer["Location"], words(answer)[-1], is_signed_in(answer)) == (LOGIN, said, False)
    assert not SocialAccount.objects.exists()
    assert User.objects.count() == 1


@pytest.mark.parametrize("is_met", [False, True])
@pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": False}])
def test_who_may_not_work_here_is_told_what_a_stranger_is_told(
    provider: Provider, ann: User, change: dict[str, bool], is_met: bool
) -> None:
    if is_met:
        come_by(provider)
    User.objects.update(**change)

    answer = come_by(provider)

    assert (words(answer)[-1], is_signed_in(answer)) == (UNKNOWN, False)


def test_an_e_mail_that_its_user_typed_links_nobody(provider: Provider) -> None:
    eve = User.objects.create_user("eve", "eve@example.com", is_staff=True)
    change_profile(user=eve, changes={"email": "ann@example.com"})

    assert words(come_by(provider))[-1] == UNKNOWN

    assert not SocialAccount.objects.exists()
    ann = User.objects.create_user("ann", "Ann@example.com", is_staff=True)
    assert is_signed_in(come_by(provider))
    assert SocialAccount.objects.get().user_id == ann.pk


def test_two_people_with_one_e_mail_are_nobody(provider: Provider, ann: User) -> None:
    User.objects.create_user("anna", "ann@example.com", is_staff=True)

    assert words(come_by(provider))[-1] == UNKNOWN


@pytest.mark.parametrize(
    "claims", [{"iss": "https://evil.example"}, {"aud": "another client"}, {"exp": 1}, {"sub": "somebody else"}]
)
def test_an_id_token_of_another_issuer_client_time_or_person_is_refused(
    provider: Provider, ann: User, claims: dict[str, Any]
) -> None:
    provider.id_token = claims

    answer = come_by(provider)

    assert not is_signed_in(answer)
    said = answer.content.decode() if answer.status_code != 302 else words(answer)[-1]
    assert "Your provider could not sign you in." in said or said == NOT_OURS


@pytest.mark.parametrize(
    "signed_by",
    [
        (ec.generate_private_key(ec.SECP256R1()), "ES256"),
        ("a secret of 32 characters or more", "HS256"),
        (None, "none"),
    ],
)
def test_an_id_token_that_another_key_or_none_has_signed_is_refused(
    provider: Provider, ann: User, signed_by: tuple[Any, str]
) -> None:
    provider.signed_by = signed_by

    answer = come_by(provider)

    assert "Your provider could not sign you in." in answer.content.decode()
    assert not is_signed_in(answer)


def test_a_key_that_names_no_algorithm_is_taken_for_what_it_is(provider: Provider, ann: User) -> None:
    provider.names_algorithm = False

    assert is_signed_in(come_by(provider))
    assert len(provider.asked[-1]["state"]) == 43  # 256 bits


def test_a_provider_that_names_another_issuer_than_the_one_set_up_is_refused(
    provider: Provider, ann: User, settings: Any
) -> None:
    settings.OIDC_URL = "https://login.example.com"

    answer = come_by(provider)

    assert (words(answer)[-1], is_signed_in(answer)) == (NOT_OURS, False)


def test_an_answer_that_nobody_here_asked_for_is_refused(provider: Provider, ann: User) -> None:
    there = Client().post(START)["Location"]
    back = requests.get(there, allow_redirects=False, timeout=60).headers["Location"].removeprefix("http://testserver")

    answer = Client().get(back)

    assert "Your provider could not sign you in." in answer.content.decode()
    assert not is_signed_in(answer)


def test_who_cancels_there_is_told_so(provider: Provider) -> None:
    client = Client()
    state = client.post(START)["Location"].partition("state=")[2].partition("&")[0]

    answer = client.get(f"{START}callback/?error=access_denied&state={state}", follow=True)

    assert "You cancelled at your provider." in answer.content.decode()


# --- The second factor -----------------------------------------------------------------------------------------------


def test_a_factor_that_is_set_here_is_asked_for_whatever_the_provider_says(provider: Provider, ann: User) -> None:
    TOTP.activate(ann, "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
    provider.id_token = {"amr": ["pwd", "mfa"]}

    answer = come_by(provider)

    assert (answer["Location"], is_signed_in(answer)) == ("/admin/account/factors/authenticate/", False)


@pytest.mark.parametrize(
    ("amr", "asked"), [(["pwd", "mfa"], False), (["pwd"], True), (None, True), ("mfa", True), ([], True)]
)
def test_a_required_one_counts_as_given_where_the_provider_has_seen_one(
    provider: Provider, ann: User, settings: Any, amr: Any, asked: bool
) -> None:
    settings.FACTOR_REQUIRED_FOR = ["all"]
    provider.id_token = {} if amr is None else {"amr": amr}

    client = come_by(provider).client

    answer = client.get("/admin/profile/")
    assert answer.get("Location", "") == ("/admin/account/factors/" if asked else "")
    assert client.get("/api/usage").status_code == (403 if asked else 200)


def test_who_has_no_password_here_confirms_its_her_at_the_provider(provider: Provider, ann: User) -> None:
    client = come_by(provider).client
    session = client.session
    session[SIGNED_IN_AT], session["account_authentication_methods"] = time.time() - 660, []
    session.save()

    asked = client.get("/admin/knox/authtoken/add/")["Location"]

    assert asked.startswith(f"{START}?next=%2Fadmin%2Fknox%2Fauthtoken%2Fadd%2F")
    assert "Sign in with Example login" in client.get(asked).content.decode()
    answer = come_by(provider, client, asked)
    assert provider.asked[-1]["prompt"] == "login"
    assert answer["Location"] == "/admin/knox/authtoken/add/"
    assert client.get(answer["Location"]).status_code == 200
