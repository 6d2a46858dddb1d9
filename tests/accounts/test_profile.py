"""One's own profile: name, e-mail, time zone; the browser's zone at first sign-in; everything by one's own clock."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.profile.services import change_profile, set_time_zone, take_browser_zone
from accounts.profile.zones import US, zone_choices
from accounts.sign_in.proving import is_proved
from leads.models import Activity, Lead
from tests.admin_site import address, signed_in, staff, words
from tests.command_line import run
from tests.leads.samples import make_leads

pytestmark = pytest.mark.django_db

PROFILE, ZONE = "/admin/profile/", "/admin/profile/time-zone/"
FILLED = {"first_name": "Ann", "last_name": "Lee", "email": "ann@example.com", "time_zone": "America/Denver"}


def stored(user: User) -> User:
    return User.objects.get(pk=user.pk)


def test_everybody_who_is_signed_in_changes_their_own_profile() -> None:
    caller = User.objects.create_user("caller")  # no staff
    client = signed_in(caller)

    assert client.get(PROFILE).status_code == 200
    answer = client.post(PROFILE, FILLED)

    assert (answer.status_code, answer.headers["Location"], words(answer)[0]) == (302, PROFILE, "Profile saved.")
    person = stored(caller)
    assert {name: getattr(person, name) for name in FILLED} == FILLED
    assert (person.time_zone_settled, person.is_staff) == (True, False)


def test_an_e_mail_that_is_typed_is_hers_once_she_has_pressed_the_mailed_link() -> None:
    ann, client = staff(email="ann@here.example")
    assert is_proved(ann)

    assert "A link was mailed to ann@example.com" in " ".join(words(client.post(PROFILE, FILLED)))

    (link,) = (found[0] for one in mail.outbox if (found := re.findall(r"/admin/profile/email/\S+", str(one.body))))
    assert "ann@example.com is not confirmed yet" in client.get(PROFILE).content.decode()
    assert not is_proved(stored(ann))
    bob, of_bob = staff("bob")
    change_profile(user=bob, changes={"email": "ann@example.com"})
    of_bob.get(link)  # another's account is not confirmed by her press, nor hers by his
    assert (is_proved(stored(bob)), is_proved(stored(ann))) == (False, False)
    client.get(link[:-3] + "xx/")
    assert not is_proved(stored(ann))
    for _ in range(2):
        assert "Your e-mail is confirmed." in words(client.get(link))
    assert (is_proved(stored(ann)), is_proved(stored(bob))) == (True, False)
    change_profile(user=ann, changes={"email": "other@example.com"})
    client.get(link)
    assert not is_proved(stored(ann))


def test_limits_and_rights_are_not_ones_own_to_change() -> None:
    ann, client = staff()

    client.post(PROFILE, FILLED | {"daily_lead_limit": "999999", "is_superuser": "on", "username": "boss"})

    person = stored(ann)
    assert (person.username, person.daily_lead_limit, person.is_superuser) == ("ann", ann.daily_lead_limit, False)


def test_a_page_of_before_gives_back_nothing_that_was_changed_meanwhile() -> None:
    ann, client = staff(email="ann@here.example")
    page = client.get(PROFILE).content.decode()
    shown = dict(re.findall(r'name="(initial-[a-z_]+)" value="([^"]*)"', page))
    assert shown["initial-email"] == "ann@here.example"
    User.objects.filter(pk=ann.pk).update(email="ann@new.example", time_zone="America/Chicago")  # by a superuser

    client.post(
        PROFILE, {**shown, "first_name": "Ann", "last_name": "", "email": "ann@here.example", "time_zone": "UTC"}
    )

    person = stored(ann)
    assert (person.first_name, person.email, person.time_zone) == ("Ann", "ann@new.example", "America/Chicago")


@pytest.mark.parametrize(("field", "bad"), [("time_zone", "Mars/Olympus"), ("email", "no address"), ("time_zone", "")])
def test_what_cannot_be_is_said_at_its_field_and_nothing_is_changed(field: str, bad: str) -> None:
    ann, client = staff()

    answer = client.post(PROFILE, FILLED | {field: bad})

    assert (answer.status_code, list(answer.context["form"].errors)) == (200, [field])
    assert (stored(ann).first_name, stored(ann).time_zone) == ("", "UTC")


def test_zones_of_the_united_states_come_first_and_each_zone_once() -> None:
    (first, ours), (_, others) = zone_choices()
    names = [name for name, _ in (*ours, *others)]

    assert (first, [name for name, _ in ours]) == ("United States", list(US))
    assert len(names) == len(set(names))
    assert "America/Sao_Paulo" in names


def test_who_is_signed_out_signs_in_first() -> None:
    assert Client().get(PROFILE).headers["Location"] == f"/admin/login/?next={PROFILE}"
    assert Client().post(ZONE, {"zone": "America/Denver"}).status_code == 302


def test_it_is_in_the_account_menu() -> None:
    page = staff()[1].get(reverse("admin:index")).content.decode()

    assert f'href="{PROFILE}"' in page
    assert 'href="/admin/password_change/"' in page


# --- The browser's zone ----------------------------------------------------------------------------------------------


def test_the_browsers_zone_is_taken_once_and_said() -> None:
    ann, client = staff()
    assert 'id="browser-zone"' in client.get("/admin/").content.decode()

    answer = client.post(ZONE, {"zone": "America/Denver"})

    assert answer.json() == {"changed": True}
    assert words(answer) == [
        f'Times are shown in Mountain time (Denver). <a class="desk-inline" href="{PROFILE}">Change</a>'
    ]
    assert (stored(ann).time_zone, stored(ann).time_zone_settled) == ("America/Denver", True)
    assert 'id="browser-zone"' not in client.get("/admin/").content.decode()
    assert client.post(ZONE, {"zone": "America/Chicago"}).json() == {"changed": False}
    assert stored(ann).time_zone == "America/Denver"


def test_a_browser_in_utc_changes_nothing_and_is_not_asked_again() -> None:
    _, client = staff()

    assert client.post(ZONE, {"zone": "UTC"}).json() == {"changed": False}
    assert 'id="browser-zone"' not in client.get("/admin/").content.decode()


def test_utc_that_was_chosen_stays() -> None:
    ann, client = staff()
    set_time_zone(user=ann, time_zone="UTC")

    assert 'id="browser-zone"' not in client.get("/admin/").content.decode()
    assert take_browser_zone(user=ann, time_zone="America/Denver") is False
    assert stored(ann).time_zone == "UTC"


def test_a_zone_of_before_this_was_asked_counts_as_chosen() -> None:
    ann, client = staff(time_zone="America/Phoenix")

    assert client.post(ZONE, {"zone": "America/Denver"}).json() == {"changed": False}
    assert stored(ann).time_zone == "America/Phoenix"


def test_a_zone_that_there_is_not_is_refused() -> None:
    ann, client = staff()

    assert client.post(ZONE, {"zone": "Mars/Olympus"}).status_code == 400
    assert client.get(ZONE).status_code == 405
    assert stored(ann).awaits_time_zone


def test_a_service_that_refuses_stores_nothing() -> None:
    ann, _ = staff()

    with pytest.raises(ValidationError) as refusal:
        change_profile(user=ann, changes={"first_name": "Ann", "time_zone": "Mars/Olympus"})

    assert list(refusal.value.message_dict) == ["time_zone"]
    assert stored(ann).first_name == ""


# --- By whose clock --------------------------------------------------------------------------------------------------


def test_pages_are_by_the_clock_of_whom_they_are_for() -> None:
    ann, client = staff(time_zone="America/Denver")
    lead = make_leads(1, by=ann)[1][0]
    Activity.objects.create(lead=lead, by=ann, text="Called")
    Activity.objects.update(created_at=datetime(2025, 12, 2, 4, 30, tzinfo=UTC))

    assert "Mon, Dec 1, 2025, 9:30 PM MST" in client.get(address(Activity, "changelist")).content.decode()
    assert "Mon, Dec 1, 2025, 9:30 PM MST" in client.get(address(Lead, "change", lead.pk)).content.decode()
    set_time_zone(user=ann, time_zone="America/New_York")
    assert "Mon, Dec 1, 2025, 11:30 PM EST" in client.get(address(Activity, "changelist")).content.decode()
    assert timezone.get_current_timezone_name() == "UTC"


def test_a_zone_that_this_host_does_not_know_is_utc() -> None:
    ann, client = staff()
    User.objects.filter(pk=ann.pk).update(time_zone="Mars/Olympus")

    page = client.get(address(Activity, "changelist"))

    assert page.status_code == 200


def test_a_command_for_a_user_is_by_their_clock() -> None:
    ann, _ = staff(time_zone="America/Denver")
    lead = make_leads(1, by=ann)[1][0]
    Lead.objects.filter(pk=lead.pk).update(callback_at=datetime(2025, 12, 2, 4, 30, tzinfo=UTC))

    assert run("callbacks", "--user", "ann").out.startswith("Mon, Dec 1, 2025, 9:30 PM MST  ")
    assert timezone.get_current_timezone_name() == "UTC"


def test_healthz_asks_nobody_who_they_are(django_assert_num_queries: Any) -> None:
    client = staff()[1]

    with django_assert_num_queries(0):
        assert client.get("/healthz").status_code == 200
