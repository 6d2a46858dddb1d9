"""Sessions end by time, by their owner and with the account; what matters asks anew who sits there."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from knox.models import AuthToken

from accounts.fresh import SIGNED_IN_AT
from accounts.models import AuditEvent, Team, User, WebhookEndpoint
from accounts.sign_in.sessions import SEEN_AT
from accounts.tasks import forget_expired
from accounts.tokens import issue_token
from buckets.models import Bucket
from integrations.models import Operation, Vendor
from leads.models import Lead
from tests.admin_site import act, address, signed_in, staff, superuser, words
from tests.leads.samples import make_leads

pytestmark = pytest.mark.django_db

LOGIN, SESSIONS, CONFIRM = "/admin/login/", "/admin/account/sessions/", "/admin/account/confirm/"
PASSWORD = "correct horse battery"


@pytest.fixture
def ann() -> User:
    return User.objects.create_superuser("ann", password=PASSWORD)


def browser(name: str = "ann", agent: str = "Firefox", at: str = "198.51.100.7") -> Client:
    client = Client(headers={"User-Agent": agent}, REMOTE_ADDR=at)
    assert client.post(LOGIN, {"username": name, "password": PASSWORD}).status_code == 302
    return client


def set_back(client: Client, *names: str, seconds: float) -> None:
    session = client.session
    for name in names:
        session[name] = time.time() - seconds
    session["account_authentication_methods"] = []
    session.save()


def is_signed_in(client: Client) -> bool:
    return client.get("/admin/profile/").status_code == 200


# --- Limits ----------------------------------------------------------------------------------------------------------


def test_a_session_that_nobody_uses_ends(ann: User, settings: Any) -> None:
    settings.SESSION_IDLE_MINUTES = 30
    client = browser()
    set_back(client, SEEN_AT, seconds=29 * 60)
    assert is_signed_in(client)
    set_back(client, SEEN_AT, seconds=31 * 60)

    answer = client.get("/admin/profile/")

    assert answer["Location"] == f"{LOGIN}?next=/admin/profile/"
    assert words(answer) == ["You were signed out because this session had expired. What was saved is saved."]
    assert AuditEvent.objects.get(action="session.ended").user_name == "ann"


def test_a_session_ends_however_much_it_is_used(ann: User, settings: Any) -> None:
    settings.SESSION_ABSOLUTE_HOURS = 12
    client = browser()
    set_back(client, SIGNED_IN_AT, seconds=13 * 3600)

    assert not is_signed_in(client)


def test_a_page_left_open_that_asks_for_news_by_itself_keeps_no_session_alive(ann: User, settings: Any) -> None:
    client = browser()
    set_back(client, SEEN_AT, seconds=600)
    before = client.session[SEEN_AT]

    client.get("/admin/", headers={"HX-Request": "true"})
    assert client.session[SEEN_AT] == before
    client.get("/admin/")
    assert client.session[SEEN_AT] > before + 500


def test_being_seen_is_written_once_a_minute(ann: User) -> None:
    client = browser()
    client.get("/admin/account/locked/")
    before = client.session[SEEN_AT]

    client.get("/admin/account/locked/")

    assert client.session[SEEN_AT] == before


def test_expired_sessions_are_cleared_at_night(ann: User) -> None:
    browser()
    Session.objects.update(expire_date="2020-01-01T00:00:00Z")

    forget_expired()

    assert not Session.objects.exists()


# --- Her own list ----------------------------------------------------------------------------------------------------


def test_she_sees_where_she_is_signed_in_and_ends_one_or_all(ann: User) -> None:
    here, there, lost = browser(), browser(agent="Chrome on a phone", at="203.0.113.9"), browser(agent="An old laptop")
    page = here.get(SESSIONS)
    assert {row.user_agent: is_this for row, _, is_this in page.context["rows"]} == {
        "Firefox": True,
        "Chrome on a phone": False,
        "An old laptop": False,
    }
    phone = next(row for row, *_ in page.context["rows"] if row.ip == "203.0.113.9")

    here.post(SESSIONS, {"session": phone.pk})
    assert (is_signed_in(here), is_signed_in(there), is_signed_in(lost)) == (True, False, True)
    answer = here.post(SESSIONS)

    assert words(answer)[-1] == "Signed out of 1 other session."
    assert (is_signed_in(here), is_signed_in(lost)) == (True, False)
    assert AuditEvent.objects.filter(action="session.ended").count() == 2


def test_nobody_ends_the_session_of_somebody_else(ann: User) -> None:
    hers = browser()
    pk = hers.get(SESSIONS).context["rows"][0][0].pk
    _, client = staff("bob")

    for bad in (str(pk), "9" * 30, "x", "-1"):
        client.post(SESSIONS, {"session": bad})

    assert is_signed_in(hers)


def test_who_is_switched_off_is_out_at_once(ann: User) -> None:
    client = browser()

    User.objects.update(is_active=False)

    assert not is_signed_in(client)
    assert client.get("/api/usage").status_code == 401


def test_a_new_password_ends_all_other_sessions(ann: User) -> None:
    here, there = browser(), browser()
    new = "a quite different phrase"

    here.post("/admin/password_change/", {"old_password": PASSWORD, "new_password1": new, "new_password2": new})

    assert (is_signed_in(here), is_signed_in(there)) == (True, False)


def test_a_sign_in_and_every_proof_give_the_session_a_new_key_and_end_the_old_one(ann: User) -> None:
    client = Client()
    client.get("/join/no-such-secret/")  # a session before anybody is known
    keys = [client.cookies["sessionid"].value]

    for place, given in ((LOGIN, {"username": "ann", "password": PASSWORD}), (CONFIRM, {"password": PASSWORD})):
        assert client.post(place, given).status_code == 302
        keys.append(client.cookies["sessionid"].value)

    assert len(set(keys)) == 3
    assert list(Session.objects.values_list("pk", flat=True)) == keys[2:]
    assert [is_this for *_, is_this in client.get(SESSIONS).context["rows"]] == [True]
    client.post(CONFIRM, {"password": "wrong"})
    assert client.cookies["sessionid"].value == keys[2]
    for news in (True, False):  # another tab, whose page asked before the browser knew the new key
        tab = Client(headers={"HX-Request": "true"} if news else {})
        tab.cookies["sessionid"] = keys[1]
        assert ("sessionid" in tab.get("/admin/").cookies) is not news


@pytest.mark.long
def test_a_superuser_ends_the_sessions_of_whom_she_chooses_and_keeps_this_one_of_her_own(ann: User) -> None:
    User.objects.create_user("bea", password=PASSWORD, is_staff=True)
    User.objects.create_user("cat", password=PASSWORD, is_staff=True)
    here, others, cats = browser(), [browser(), browser("bea"), browser("bea")], browser("cat")

    answer = act(here, User, "sign_out", User.objects.filter(username__in=["ann", "bea"]))

    assert words(answer)[-1] == "3 sessions ended. API tokens still work."
    assert (is_signed_in(here), [*map(is_signed_in, others)], is_signed_in(cats)) == (True, [False] * 3, True)
    told = AuditEvent.objects.filter(action="session.ended", user_name="ann")
    assert {event.object_name: event.after for event in told} == {"ann": {"sessions": 1}, "bea": {"sessions": 2}}


# --- A fresh proof ---------------------------------------------------------------------------------------------------


def _asks_first(answer: Any) -> bool:
    return answer.status_code == 302 and str(answer["Location"]).startswith(f"{CONFIRM}?next=")


def test_users_tokens_caps_locks_and_exports_ask_for_a_fresh_proof(ann: User) -> None:
    client = browser()
    token, _ = issue_token(user=ann, name="Nightly")
    vendor, _ = Vendor.objects.get_or_create(name="realestateapi")
    operation, _ = Operation.objects.get_or_create(vendor=vendor, name="skip_trace")
    pages = [
        address(User, "changelist"),
        address(User, "add"),
        address(User, "change", ann.pk),
        address(AuthToken, "change", token.token_key),
        address(Vendor, "change", vendor.pk),
        address(Operation, "change", operation.pk),
        "/admin/account/locked/",
    ]
    assert [page for page in pages if client.get(page).status_code != 200] == []
    set_back(client, SIGNED_IN_AT, seconds=11 * 60)

    assert [page for page in pages if not _asks_first(client.get(page))] == []
    assert [page for page in pages if not _asks_first(client.post(page, {"confirmed": "Revoke"}))] == []
    assert AuthToken.objects.count() == 1


def test_a_teams_people_limits_and_webhooks_are_looked_at_without_a_proof_and_changed_with_one(ann: User) -> None:
    client, team = browser(), ann.memberships.get().team
    set_back(client, SIGNED_IN_AT, seconds=11 * 60)
    page = address(Team, "change", team.pk)
    assert client.get(page).status_code == 200
    posts = [
        (page, {"name": "Mine", "monthly_budget": "9999999"}),
        (address(Team, "add"), {"name": "Another", "manager": "ann"}),
        (address(Team, "add_member", team.pk), {"username": "ann", "role": "reader"}),
        (address(Team, "member", team.pk, ann.pk), {"role": "reader"}),
        (address(Team, "remove", team.pk, ann.pk), {"confirmed": "Remove"}),
        (address(WebhookEndpoint, "add"), {"url": "https://example.com/", "events": ["run.completed"]}),
        (SESSIONS, {}),
    ]
    assert client.get(SESSIONS).status_code == 200

    assert [path for path, filled in posts if not _asks_first(client.post(path, filled))] == []
    assert _asks_first(client.get(address(AuditEvent, "csv")))
    assert (Team.objects.get().monthly_budget, WebhookEndpoint.objects.count()) == (None, 0)


def test_the_page_asked_for_comes_after_the_password(ann: User) -> None:
    client = browser()
    set_back(client, SIGNED_IN_AT, seconds=11 * 60)
    asked = client.get(address(User, "changelist"))["Location"]
    page = client.get(asked)
    assert "Confirm it’s you" in page.content.decode()

    assert "Incorrect password." in client.post(asked, {"password": "wrong"}).content.decode()
    answer = client.post(CONFIRM, {"password": PASSWORD, "next": address(User, "changelist")})

    assert answer["Location"] == address(User, "changelist")
    assert client.get(address(User, "changelist")).status_code == 200


@pytest.mark.long
def test_guesses_there_are_counted_too(ann: User) -> None:
    client = browser()
    for _ in range(5):
        client.post(CONFIRM, {"password": "wrong"})

    page = client.post(CONFIRM, {"password": PASSWORD}).content.decode()

    assert "Too many failed attempts to sign in." in page


def test_nobody_is_led_away_after_confirming(ann: User) -> None:
    client = browser()

    assert client.post(CONFIRM, {"password": PASSWORD, "next": "https://evil.example/"})["Location"] == "/admin/"


def test_an_e_mail_is_changed_only_with_a_fresh_proof_because_passwords_are_sent_there(ann: User) -> None:
    client = browser()
    set_back(client, SIGNED_IN_AT, seconds=11 * 60)
    filled = {"first_name": "Ann", "last_name": "", "time_zone": "UTC", "email": ""}

    client.post("/admin/profile/", filled)
    assert User.objects.get().first_name == "Ann"
    answer = client.post("/admin/profile/", filled | {"email": "thief@example.com"})

    assert (_asks_first(answer), User.objects.get().email) == (True, "")


def test_an_export_asks_first(ann: User) -> None:
    client = signed_in(ann)
    client.get("/admin/")
    bucket, leads = make_leads(1, by=ann)
    page = address(Bucket, "export", bucket.pk)
    assert client.get(page).status_code == 200
    set_back(client, SIGNED_IN_AT, seconds=11 * 60)

    assert _asks_first(client.get(page))
    assert _asks_first(act(client, Lead, "export", leads))
    assert _asks_first(act(client, Bucket, "export", [bucket]))


def test_a_session_of_before_this_release_is_taken_for_new_once() -> None:
    _, client = superuser("old")

    assert client.get(address(User, "changelist")).status_code == 200
    assert SIGNED_IN_AT in client.session
