from datetime import timedelta

import pytest
from django.utils import timezone
from knox.auth import TokenAuthentication
from knox.models import AuthToken

from accounts.models import User
from tests.command_line import assert_refused, run

pytestmark = pytest.mark.django_db


def test_the_token_stands_alone_on_stdout_and_opens_the_api():
    ran = run("create_api_token", "ann")

    token = ran.out.rstrip("\n")
    assert (ran.status, ran.out.count("\n"), ran.err) == (0, 1, "Made the user ann.\n")
    user, _ = TokenAuthentication().authenticate_credentials(token.encode())
    assert user == User.objects.get(username="ann")
    assert not user.has_usable_password()


def test_a_user_who_exists_gets_another_token_and_keeps_the_password():
    ann = User.objects.create_user("ann", password="correct horse battery")

    ran = run("create_api_token", "ann")

    assert (ran.status, ran.err) == (0, "")
    assert User.objects.get().check_password("correct horse battery")
    assert AuthToken.objects.filter(user=ann).count() == 1


def test_a_token_lives_for_the_days_given():
    run("create_api_token", "ann", "--days", 3)

    left = AuthToken.objects.get().expiry - timezone.now()
    assert timedelta(days=2, hours=23) < left <= timedelta(days=3)


@pytest.mark.parametrize("days", [0, -1, 3651])
def test_days_nobody_can_mean_are_refused(days: int):
    assert_refused(run("create_api_token", "ann", f"--days={days}"), f"A token lives from 1 to 3650 days, not {days}.")
    assert not User.objects.exists()


def test_a_name_that_cannot_be_one_is_refused():
    ran = run("create_api_token", "ann and bob")

    assert (ran.status, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert ran.err.startswith("CommandError: Enter a valid username.")
    assert not User.objects.exists()


def test_a_name_of_151_characters_is_refused():
    assert_refused(run("create_api_token", "a" * 151), "A user name has at most 150 characters.")
    assert not User.objects.exists()


def test_a_missing_argument_is_one_line_and_status_1():
    assert_refused(run("create_api_token"), "Error: the following arguments are required: USERNAME")


def test_help_shows_an_example():
    ran = run("create_api_token", "--help")

    assert ran.status == 0
    assert "example:\n  TOKEN=$(python manage.py create_api_token ann)" in ran.out
