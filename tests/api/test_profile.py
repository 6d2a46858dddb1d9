"""One's own profile, and times over the API: given in UTC, taken with any offset, by one's own clock without one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.sign_in.limits import unlock
from leads.models import Activity, Lead
from tests.admin_site import signed_in
from tests.api.client import Api, body_of, refused
from tests.leads.samples import make_leads

pytestmark = pytest.mark.django_db

PROFILE = "/api/profile"
DENVER = "America/Denver"


def test_a_profile_is_read_and_changed(api: Api, ann: User):
    assert body_of(api.get(PROFILE))["profile"] == {
        "username": "ann", "firstName": "", "lastName": "", "email": ann.email, "timeZone": "UTC",
    }  # fmt: skip

    changed = body_of(api.patch(PROFILE, {"timeZone": DENVER, "firstName": "Ann", "email": ann.email}))

    assert changed["profile"] == {
        "username": "ann", "firstName": "Ann", "lastName": "", "email": ann.email, "timeZone": DENVER,
    }  # fmt: skip
    assert body_of(api.get(PROFILE)) == changed
    assert User.objects.get(pk=ann.pk).time_zone_settled


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"timeZone": "Mars/Olympus"}, "timeZone"),
        ({"timeZone": "-07:00"}, "timeZone"),
        ({"timeZone": ""}, "timeZone"),
        ({"timeZone": None}, "timeZone"),
        ({"email": "no address"}, "email"),
        ({"firstName": "a" * 151}, "firstName"),
        ({"username": "boss"}, "username"),
        ({"dailyLeadLimit": 5}, "dailyLeadLimit"),
        ({}, ""),
        ({"currentPassword": "only that"}, ""),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(api: Api, ann: User, body: dict[str, object], field: str):
    refused(api.patch(PROFILE, body), 400, field)

    assert User.objects.get(pk=ann.pk).time_zone == "UTC"


def test_a_token_alone_changes_no_e_mail_because_a_forgotten_password_is_sent_there(api: Api, ann: User):
    ann.set_password("correct horse battery")
    ann.save()
    new = {"email": "thief@example.com"}

    assert "Send it with a new e-mail" in refused(api.patch(PROFILE, new), 400, "currentPassword")
    answer = api.patch(PROFILE, {**new, "currentPassword": "a guess"})
    assert refused(answer, 401, "currentPassword") == "currentPassword: This is not your password."
    assert User.objects.get(pk=ann.pk).email == ann.email
    for _ in range(4):  # counted as at sign-in
        api.patch(PROFILE, {**new, "currentPassword": "a guess"})
    refused(api.patch(PROFILE, {**new, "currentPassword": "correct horse battery"}), 429)
    unlock(by=None, name="ann")

    changed = body_of(api.patch(PROFILE, {"email": "ann@example.com", "currentPassword": "correct horse battery"}))

    assert changed["profile"]["email"] == User.objects.get(pk=ann.pk).email == "ann@example.com"


def test_it_needs_a_token():
    refused(Api().get(PROFILE), 401)


@pytest.mark.parametrize("zone", ["UTC", DENVER, "Asia/Kolkata"])
def test_answers_give_the_same_instant_in_utc_whatever_the_zone(api: Api, ann: User, zone: str):
    User.objects.filter(pk=ann.pk).update(time_zone=zone)
    lead = make_leads(1, by=ann)[1][0]
    Activity.objects.create(lead=lead, by=ann, kind="callback", due_at=datetime(2027, 1, 30, 21, 30, tzinfo=UTC))
    Lead.objects.update(callback_at=datetime(2027, 1, 30, 21, 30, tzinfo=UTC))

    listed = body_of(api.get(f"/api/leads/{lead.pk}/activities"))["activities"][0]

    assert listed["dueAt"] == "2027-01-30T21:30:00Z"
    assert listed["createdAt"].endswith("Z")
    assert body_of(api.get("/api/callbacks"))["callbacks"][0]["callbackAt"] == "2027-01-30T21:30:00Z"
    assert body_of(api.get(f"/api/leads/{lead.pk}"))["lead"]["callbackAt"] == "2027-01-30T21:30:00Z"
    assert timezone.get_current_timezone_name() == "UTC"


@pytest.mark.parametrize("offset", ["-07:00", "+05:30", "Z", ""])
def test_a_time_is_taken_with_any_offset_and_by_ones_own_clock_without(api: Api, ann: User, offset: str):
    User.objects.filter(pk=ann.pk).update(time_zone=DENVER)
    lead = make_leads(1, by=ann)[1][0]
    due = (timezone.now() + timedelta(days=30)).astimezone(ZoneInfo(DENVER)).replace(microsecond=0)
    zones = {"-07:00": ZoneInfo("Etc/GMT+7"), "+05:30": ZoneInfo("Asia/Kolkata"), "Z": UTC, "": ZoneInfo(DENVER)}
    sent = f"{due.astimezone(zones[offset]):%Y-%m-%dT%H:%M:%S}{offset}"

    answer = body_of(api.post(f"/api/leads/{lead.pk}/activities", {"kind": "callback", "dueAt": sent}), 201)

    assert datetime.fromisoformat(answer["activity"]["dueAt"]) == due
    assert Lead.objects.get().callback_at == due


@pytest.mark.parametrize("bad", ["tomorrow", "2027-13-01T10:00", "10:00", 5, "2027-01-30T10:00+99:00"])
def test_a_time_that_cannot_be_read_is_refused_by_its_field(api: Api, ann: User, bad: object):
    lead = make_leads(1, by=ann)[1][0]

    refused(api.post(f"/api/leads/{lead.pk}/activities", {"kind": "callback", "dueAt": bad}), 400, "dueAt")
    refused(api.get(f"/api/callbacks?before={bad}".replace("+", "%2B")), 400, "before")


def test_today_ends_by_ones_own_clock_with_a_token_and_with_a_session(
    api: Api, ann: User, monkeypatch: pytest.MonkeyPatch
):
    """At 8 PM in Denver it is tomorrow in UTC already."""
    bucket, leads = make_leads(3, by=ann)
    now = datetime(2027, 1, 31, 3, tzinfo=UTC)
    for lead, hours in zip(leads, (-1, 3, 5), strict=True):
        Lead.objects.filter(pk=lead.pk).update(callback_at=now + timedelta(hours=hours))
    User.objects.filter(pk=ann.pk).update(time_zone=DENVER)
    place = f"/api/property/bucket/leads?bucketId={bucket.pk}&callback=today"
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)
    client = signed_in(ann)

    for answer in (api.get(place), client.get(place)):
        assert {lead["propertyId"] for lead in body_of(answer)["leads"]} == {"1", "2"}
