"""Which passwords are taken; and a forgotten one."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.tokens import PasswordResetTokenGenerator, default_token_generator
from django.core import mail
from django.core.exceptions import ValidationError
from django.test import Client
from knox.models import AuthToken

from accounts.models import AuditEvent, User
from accounts.sign_in.passwords import WORDS
from accounts.sign_in.services import LinkOver, use_link
from accounts.tokens import issue_token
from tests.admin_site import signed_in, superuser, words

FIELD = re.compile(r'<input[^>]*name="(?:old_|new_)?password[12]?"[^>]*>')
FORGOTTEN = "/admin/login/forgotten/"
SENT = "If there is an account with this e-mail, a link is on its way. It works once, for one hour."
ANN = User(username="annabel", first_name="Annabel", last_name="Lindquist", email="lindy@example.com")


@pytest.mark.parametrize(
    "password",
    [
        "Summer2026", "Summer2026!!", "Summer-2026-!!", "Winter2025Winter2025", "Welcome12345", "W3lcome12345!",
        "Password2026!", "P@ssw0rd2026!!", "October2026!!", "qwertyuiop123", "1qaz2wsx3edc", "QWERTY!234567",
        "123456789012", "abcdefghijkl", "aaaaaaaaaaaa", "abababababab", "Buckets2026!!", "Annabel2026!!",
        "Lindquist!1234", "lindylindy2026", "dragon123456", "Football2026!", "eleven char", "kT9#vLq2xWz8" * 11,
    ],
)  # fmt: skip
def test_what_programs_guess_first_is_refused(password: str) -> None:
    with pytest.raises(ValidationError):
        validate_password(password, ANN)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "four unrelated words here",
        "ünïcödé ist völlig ok",
        "雨の日に傘を忘れて走った朝",
        "kT9#vLq2xWz8",
        "one phrase of very many words, as long as anybody types, and longer than that " + "k9 v2 x7 q4 " * 2,
    ],
)
def test_phrases_any_script_and_spaces_are_taken(password: str) -> None:
    assert validate_password(password, ANN) is None  # type: ignore[func-returns-value]


def test_the_words_that_the_page_lists_are_those_that_are_refused() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "sign-in.md").read_text()
    listed = re.findall(r"Words of this place: ([a-z ,]+)\.", page)[0].split(", ")
    assert len(listed) > 15 and set(listed) <= WORDS


@pytest.mark.django_db
def test_passwords_are_typed_unseen_and_a_manager_may_fill_them_in() -> None:
    boss = User.objects.create_superuser("boss", password=OLD)
    places = ["/admin/accounts/user/add/", OWN, "/admin/account/confirm/"]
    pages = [Client().get("/admin/login/"), *map(at_work(boss).get, places)]
    seen = [field for page in pages for field in FIELD.findall(page.content.decode())]

    assert len(seen) == 7
    assert [field for field in seen if 'type="password"' not in field] == []
    assert [field for field in seen if 'autocomplete="off"' in field or "onpaste" in field] == []


def test_a_validator_answers_quickly_whatever_it_is_given() -> None:
    began = time.process_time()
    with pytest.raises(ValidationError):
        validate_password("ab" * 500_000, ANN)
    assert time.process_time() - began < 10


# --- Forgotten -------------------------------------------------------------------------------------------------------


@pytest.fixture
def ann(db: Any) -> User:
    return User.objects.create_user("ann", "ann@example.com", "correct horse battery", is_staff=True)


def link() -> str:
    found = re.search(r"http://testserver(/\S+)", str(mail.outbox[-1].body))
    assert found
    return found[1]


def test_the_answer_is_the_same_whether_there_is_an_account(ann: User) -> None:
    answers = [Client().post(FORGOTTEN, {"email": email}) for email in ("ann@example.com", "nobody@example.com")]

    assert [(answer["Location"], words(answer)) for answer in answers] == [("/admin/login/", [SENT])] * 2
    assert [message.to for message in mail.outbox] == [["ann@example.com"]]


def test_a_link_gives_a_new_password_once_and_ends_everything(ann: User) -> None:
    elsewhere = Client()
    elsewhere.post("/admin/login/", {"username": "ann", "password": "correct horse battery"})
    issue_token(user=ann, name="Nightly")
    client = Client()
    client.post(FORGOTTEN, {"email": "ANN@example.com"})
    page = client.get(link())["Location"]
    assert list(
        client.post(page, {"new_password1": "Summer2026!!", "new_password2": "Summer2026!!"}).context["form"].errors
    )
    new = "a quite different phrase"

    answer = client.post(page, {"new_password1": new, "new_password2": new})

    assert (
        words(answer)[-1] == "The password is changed, and 1 API token ended. You are signed out everywhere: sign in."
    )
    ann.refresh_from_db()
    assert ann.check_password(new)
    assert elsewhere.get("/admin/").status_code == 302
    assert not AuthToken.objects.exists()
    event = AuditEvent.objects.get(action="password.changed")
    assert (event.user_name, event.after) == ("ann", {"by": "link", "tokens": 1})
    assert "This link was used or is older than an hour." in Client().get(link(), follow=True).content.decode()


def test_a_link_that_several_browsers_have_open_works_in_one(ann: User) -> None:
    by_link = default_token_generator.make_token(ann)
    before = User.objects.get()  # as another browser's request has read her
    use_link(user=ann, link=by_link, password="a quite different phrase", keep=[])

    with pytest.raises(LinkOver):
        use_link(user=before, link=by_link, password="a third and other phrase", keep=[])

    assert User.objects.get().check_password("a quite different phrase")


def test_a_link_works_for_an_hour(ann: User, monkeypatch: Any) -> None:
    Client().post(FORGOTTEN, {"email": "ann@example.com"})
    real = PasswordResetTokenGenerator._now
    monkeypatch.setattr(PasswordResetTokenGenerator, "_now", lambda self: real(self) + timedelta(seconds=3601))

    assert "This link was used or is older than an hour." in Client().get(link(), follow=True).content.decode()


def test_no_mailbox_is_filled_from_here(ann: User) -> None:
    for _ in range(6):
        answer = Client().post(FORGOTTEN, {"email": "ann@example.com"})

    assert len(mail.outbox) == 5
    assert answer.context["form"].non_field_errors()[0].startswith("Too many failed attempts")


def test_where_no_mail_server_is_set_up_it_says_so(ann: User, settings: Any) -> None:
    settings.MAIL_IS_SET_UP = False

    answer = Client().post(FORGOTTEN, {"email": "ann@example.com"})

    assert "No mail server is set up here" in answer.content.decode()
    assert mail.outbox == []


def test_who_is_switched_off_gets_no_link(ann: User) -> None:
    User.objects.update(is_active=False)

    Client().post(FORGOTTEN, {"email": "ann@example.com"})

    assert mail.outbox == []


# --- Changed ---------------------------------------------------------------------------------------------------------

OWN, OLD, NEW = "/admin/password_change/", "correct horse battery", "a quite different phrase"
TYPED = {"new_password1": NEW, "new_password2": NEW}


def at_work(user: User) -> Client:
    client = Client()
    client.post("/admin/login/", {"username": user.get_username(), "password": OLD})
    return client


def is_in(client: Client) -> bool:
    return client.get("/admin/profile/").status_code == 200


def test_her_own_page_ends_other_sessions_and_all_tokens_but_those_she_keeps(
    ann: User, django_capture_on_commit_callbacks: Any
) -> None:
    here, there = at_work(ann), at_work(ann)
    kept, lost = (issue_token(user=ann, name=name)[0] for name in ("Zapier", "Nightly"))
    page = here.get(OWN)
    assert page.context["form"]["keep"].value() is None  # all end, unless she says otherwise
    assert f"Zapier ({kept.token_key[:8]}…)" in page.content.decode()

    with django_capture_on_commit_callbacks(execute=True):
        answer = here.post(OWN, {"old_password": OLD, **TYPED, "keep": [kept.token_key]})

    assert words(answer) == ["The password is changed, and 1 API token ended. You are signed out everywhere else."]
    assert list(AuthToken.objects.values_list("pk", flat=True)) == [kept.pk]
    assert (is_in(here), is_in(there)) == (True, False)
    assert [is_this for *_, is_this in here.get("/admin/account/sessions/").context["rows"]] == [True]
    event = AuditEvent.objects.get(action="password.changed")
    assert (event.user_name, event.after) == ("ann", {"by": "own page", "tokens": 1})
    assert [(one.to, one.subject) for one in mail.outbox] == [
        (["ann@example.com"], "Your password for Bucket System was changed")
    ]
    assert lost.token_key[:8] in AuditEvent.objects.get(action="token.revoked").object_id


def test_by_default_every_token_ends(ann: User) -> None:
    client = at_work(ann)
    issue_token(user=ann, name="Nightly")
    assert client.post(OWN, {"old_password": OLD, **TYPED, "keep": ["another's"]}).status_code == 200
    assert AuthToken.objects.exists()

    client.post(OWN, {"old_password": OLD, **TYPED})

    assert not AuthToken.objects.exists()


def test_wrong_old_passwords_are_counted_as_at_sign_in(ann: User) -> None:
    client = at_work(ann)
    for _ in range(5):
        wrong = client.post(OWN, {"old_password": "a guess", **TYPED}).context["form"].errors["old_password"]
        assert wrong == ["This is not your password."]

    refused = client.post(OWN, {"old_password": OLD, **TYPED}).context["form"].errors["old_password"]

    assert refused[0].startswith("Too many failed attempts to sign in.")
    ann.refresh_from_db()
    assert ann.check_password(OLD)
    assert AuditEvent.objects.filter(action="signin.failed", object_name="ann").count() == 5
    assert not AuditEvent.objects.filter(action="password.changed").exists()


def test_a_superuser_who_sets_one_ends_the_persons_sessions_and_tokens_and_goes_on(ann: User) -> None:
    hers = at_work(ann)
    kept, _ = (issue_token(user=ann, name=name)[0] for name in ("Zapier", "Nightly"))
    boss, client = superuser()
    page = f"/admin/accounts/user/{ann.pk}/password/"
    assert "Zapier" in client.get(page).content.decode()

    answer = client.post(page, {**TYPED, "keep": [kept.token_key]})

    assert answer["Location"] == f"/admin/accounts/user/{ann.pk}/change/"
    assert words(answer)[-1] == "The password is changed, and 1 API token ended. ann is signed out everywhere."
    ann.refresh_from_db()
    assert (ann.check_password(NEW), is_in(hers), is_in(client)) == (True, False, True)
    event = AuditEvent.objects.get(action="password.changed")
    assert (event.user_name, event.object_name, event.after) == ("boss", "ann", {"by": "superuser", "tokens": 1})
    assert client.get(f"/admin/accounts/user/{boss.pk}/password/")["Location"] == OWN
    assert client.get("/admin/accounts/user/999999/password/").status_code == 404
    assert signed_in(ann).get(f"/admin/accounts/user/{boss.pk}/password/").status_code == 403


# --- The e-mail that a forgotten one is sent to ----------------------------------------------------------------------


def test_a_new_e_mail_is_told_to_the_old_one(ann: User, django_capture_on_commit_callbacks: Any) -> None:
    _, boss = superuser()
    hers = at_work(ann)
    with django_capture_on_commit_callbacks(execute=True):
        hers.post("/admin/profile/", {"email": "ann@new.example", "time_zone": "UTC"})

    assert [(one.to, one.subject) for one in mail.outbox] == [
        (["ann@new.example"], "Confirm your e-mail at Bucket System"),
        (["ann@example.com"], "Your e-mail at Bucket System was changed"),
    ]
    assert "from 127.0.0.1" in str(mail.outbox[1].body)
    assert AuditEvent.objects.get(action="user.changed").after == {"fields": ["email"]}
    page = f"/admin/accounts/user/{ann.pk}/change/"
    form = boss.get(page).context["adminform"].form
    filled = {name: form[name].value() or "" for name in form.fields if form[name].value() not in (False, None, [])}
    inline = {"memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0}
    with django_capture_on_commit_callbacks(execute=True):
        answer = boss.post(page, {**filled, **inline, "email": "ann@boss.example"})

    assert answer.status_code == 302, answer.context["errors"]
    assert [one.to for one in mail.outbox[2:]] == [["ann@new.example"]]
    assert "changed by boss" in str(mail.outbox[2].body)
