"""Users and tokens: who gets in, how long, and what is kept of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import RequestFactory
from django.utils import timezone
from knox.models import AuthToken

from accounts.models import User
from accounts.services import (
    WrongPassword,
    create_api_token,
    forget_expired_tokens,
    revoke_all_tokens,
    revoke_token,
    sign_in,
)
from accounts.tasks import forget_expired
from tests.leads.samples import together

pytestmark = pytest.mark.django_db

ASKED = RequestFactory().post("/api/auth/token")


def left(token: AuthToken) -> timedelta:
    end: datetime = token.expiry
    return end - timezone.now()


def test_a_new_user_has_the_limits_of_the_settings(settings: Any) -> None:
    settings.DAILY_LEAD_LIMIT, settings.MONTHLY_BUDGET = 7, Decimal("12.50")
    user = User.objects.create_user("ann")
    user.refresh_from_db()
    assert (user.daily_lead_limit, user.monthly_budget) == (7, Decimal("12.50"))


def test_a_token_makes_its_user_who_has_no_password() -> None:
    user, token, made = create_api_token(username="ann")
    assert (user.username, made, user.has_usable_password()) == ("ann", True, False)
    (row,) = AuthToken.objects.all()
    assert (row.user, row.token_key) == (user, token[:15])
    assert token not in str(AuthToken.objects.values().get())
    assert timedelta(days=89, hours=23) < left(row) <= timedelta(days=90)


def test_another_token_changes_nothing_about_the_user() -> None:
    ann = User.objects.create_user("ann", password="correct horse", daily_lead_limit=1)
    before = User.objects.values().get()
    user, token, made = create_api_token(username="ann", days=1)
    assert (user, made) == (ann, False)
    assert User.objects.values().get() == before
    assert create_api_token(username="ann")[1] != token
    assert AuthToken.objects.filter(user=ann).count() == 2


@pytest.mark.parametrize("name", ["", "a b", "a;b", "a\0b", "a\nb", "x" * 151])
def test_a_name_that_cannot_be_one_makes_nothing(name: str) -> None:
    with pytest.raises((ValueError, ValidationError)):
        create_api_token(username=name)
    assert (User.objects.count(), AuthToken.objects.count()) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_two_tokens_at_once_make_one_user() -> None:
    results = together(*[partial(create_api_token, username="ann")] * 4)
    assert sorted(made for _, _, made in results) == [False, False, False, True]
    assert (User.objects.count(), AuthToken.objects.count()) == (1, 4)


def test_signing_in_takes_the_password_of_an_active_user() -> None:
    User.objects.create_user("ann", password="correct horse")
    token, expiry = sign_in(request=ASKED, username="ann", password="correct horse")
    assert AuthToken.objects.get().token_key == token[:15]
    assert AuthToken.objects.get().expiry == expiry
    for name, password in (("ann", "wrong"), ("bob", "correct horse"), ("", "")):
        with pytest.raises(WrongPassword):
            sign_in(request=ASKED, username=name, password=password)
    assert AuthToken.objects.count() == 1
    User.objects.update(is_active=False)
    with pytest.raises(WrongPassword):
        sign_in(request=ASKED, username="ann", password="correct horse")


def test_a_user_made_by_a_token_cannot_sign_in() -> None:
    create_api_token(username="ann")
    with pytest.raises(WrongPassword):
        sign_in(request=ASKED, username="ann", password="")


def test_revoking_ends_one_token_or_all_of_one_user() -> None:
    for name in ("ann", "ann", "ann", "bob"):
        create_api_token(username=name)
    ann = User.objects.get(username="ann")
    revoke_token(token=AuthToken.objects.filter(user=ann)[0])
    assert AuthToken.objects.filter(user=ann).count() == 2
    assert revoke_all_tokens(user=ann) == 2
    assert [token.user.username for token in AuthToken.objects.all()] == ["bob"]


def test_only_tokens_whose_time_is_over_are_forgotten() -> None:
    for days in (-1, 0, 1, None):
        row = AuthToken.objects.create(User.objects.get_or_create(username="ann")[0])[0]
        AuthToken.objects.filter(pk=row.pk).update(
            expiry=None if days is None else timezone.now() + timedelta(days=days)
        )
    assert forget_expired_tokens() == 2
    assert AuthToken.objects.count() == 2
    forget_expired()
    assert AuthToken.objects.count() == 2
