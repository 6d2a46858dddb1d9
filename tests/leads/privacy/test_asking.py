"""Forgetting and reporting by command, API and page: who may, what is shown, and what is logged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from accounts.models import AuditEvent, User
from buckets.models import Bucket
from leads.models import Activity, Forgetting, Lead, Suppression
from tests.admin_site import member
from tests.command_line import run as run_command
from tests.leads.privacy.samples import contacts, forget, land, operator
from tests.leads.samples import make_lead, make_leads

pytestmark = pytest.mark.django_db
PHONE = "(206) 555-0143"


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def post(client: Client, path: str, **body: Any) -> Any:
    return client.post(f"/api/persons/{path}", json.dumps(body), content_type="application/json")


def test_the_api_previews_then_forgets_with_the_token_and_the_typed_phone() -> None:
    land(make_lead())
    client = signed_in(operator())
    seen = post(client, "forget", phone=PHONE).json()
    assert (seen["preview"]["leads"], Forgetting.objects.count()) == (1, 0)
    assert "5550143" not in json.dumps(seen["token"])
    refused = post(client, "forget", phone=PHONE, token=seen["token"], typed="x")
    assert (refused.status_code, list(refused.json()["error"]["fields"])) == (400, ["typed"])
    other = post(client, "forget", phone="2065550199", token=seen["token"], typed="2065550199")
    assert list(other.json()["error"]["fields"]) == ["token"]
    assert post(client, "forget", phone=PHONE, token="x", typed=PHONE).status_code == 400
    assert Suppression.objects.count() == 0
    assert post(client, "forget", phone=PHONE, token=seen["token"], typed="206 555 0143").status_code == 202
    assert Forgetting.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "phone"), ({"phone": "911"}, "phone"), ({"phone": 5 * "1" + "\x00"}, "phone"), ({"who": "x"}, "who"),
        ({"email": ["a"]}, "email"),
    ],
)  # fmt: skip
def test_bad_input_is_a_400_that_names_the_field(body: dict[str, Any], field: str) -> None:
    answered = post(signed_in(operator()), "forget", **body)
    assert (answered.status_code, list(answered.json()["error"]["fields"])) == (400, [field])


def test_whoever_is_neither_operator_nor_superuser_is_refused() -> None:
    lead = land(make_lead())
    client = signed_in(lead.owner)
    assert post(client, "forget", phone=PHONE).status_code == 403
    assert client.post("/admin/privacy/", {"phone": PHONE}).status_code == 403
    _, caller = member(lead.owner.memberships.get().team, "caller")
    assert caller.get("/admin/privacy/").status_code == 403
    assert contacts(lead)["phone"] == "+12065550143"


def test_a_manager_reports_on_her_own_team_and_a_superuser_on_all() -> None:
    lead = land(make_lead())
    Activity.objects.create(lead=lead, text="Called")
    bob = User.objects.create_user("bob")
    _, (theirs,) = make_leads(1, by=bob)
    land(theirs)
    own = post(signed_in(bob), "report", phone=PHONE)
    assert [one["leadId"] for one in own.json()["leads"]] == [str(theirs.pk)]
    assert (own.json()["purchasedData"], own["Cache-Control"]) == ([], "no-store")
    said = run_command("person_report", "--user", operator().username, "--phone", PHONE, "--json").json
    assert {one["leadId"] for one in said["leads"]} == {str(lead.pk), str(theirs.pk)}
    event = AuditEvent.objects.filter(action="person.reported").latest("at")
    assert event.after == {"leads": 2, "lookups": 0}


def test_a_manager_reads_the_report_on_the_page_and_forgets_nobody() -> None:
    lead = land(make_lead())
    Activity.objects.create(lead=lead, text="Sells in spring")
    client = signed_in(lead.owner)
    page = client.get("/admin/privacy/").content.decode()
    assert "Show report" in page and "Preview forgetting" not in page and "Forgotten so far" not in page
    told = client.post("/admin/privacy/", {"phone": PHONE, "report": "1"})
    assert "+12065550143" in told.content.decode() and "Sells in spring" in told.content.decode()
    assert "no-store" in told["Cache-Control"]
    assert AuditEvent.objects.filter(action="person.reported", user_id=lead.owner.pk).count() == 1


def test_a_masked_manager_and_an_operator_get_no_report() -> None:
    lead = land(make_lead())
    lead.owner.memberships.update(is_masked=True)
    operator = signed_in(User.objects.create(username="op", is_operator=True, is_staff=True))
    for client in (signed_in(lead.owner), operator):
        assert client.post("/admin/privacy/", {"phone": PHONE, "report": "1"}).status_code == 403


def test_the_command_shows_counts_and_forgets_when_the_name_is_typed() -> None:
    lead = land(make_lead())
    user = operator().username
    assert "ann: 1 lead" in run_command("forget_person", "--user", user, "--phone", PHONE).out
    assert "type the name again" in run_command("forget_person", "--user", user, "--phone", PHONE, "--yes").err
    refused = run_command("forget_person", "--user", lead.owner.username, "--phone", PHONE)
    assert (refused.status, Forgetting.objects.count()) == (1, 0)
    assert "Forgotten." in run_command("forget_person", "--user", user, "--phone", PHONE, "--yes", "--name", PHONE).out
    assert contacts(lead) == {}


def test_an_operator_sees_counts_on_the_page_and_forgets_with_the_typed_name() -> None:
    lead = land(make_lead())
    client = signed_in(User.objects.create(username="op", is_operator=True, is_staff=True))
    assert "Preview" in client.get("/admin/privacy/").content.decode()
    assert "Enter a US phone number" in client.post("/admin/privacy/", {"phone": "1"}).content.decode()
    seen = client.post("/admin/privacy/", {"phone": PHONE}).content.decode()
    assert "ann: 1 lead" in seen and "Doe" not in seen
    assert "Type exactly" in client.post("/admin/privacy/", {"phone": PHONE, "typed": "no"}).content.decode()
    assert client.post("/admin/privacy/", {"phone": PHONE, "typed": PHONE}).status_code == 302
    assert Forgetting.objects.count() == 1
    assert post(client, "report", phone=PHONE).status_code in (400, 403)
    assert contacts(lead)["phone"] == "+12065550143"


def test_a_restored_backup_forgets_her_again(forgotten_file: Path) -> None:
    lead = land(make_lead())
    before = Lead.objects.filter(pk=lead.pk).values().get()
    forget(phone=PHONE)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # an older database, not one somebody emptied
        cursor.execute("TRUNCATE leads_suppression, leads_forgetting")
        cursor.execute("SET session_replication_role = origin")
    Bucket.objects.update(phone_leads=1)
    Lead.objects.filter(pk=lead.pk).update(
        **{
            name: before[name]
            for name in (
                "phone",
                "email",
                "owner_name",
                "first_name",
                "last_name",
                "mailing_address",
                "mailing_zip",
                "contact_name",
            )
        }
    )
    lines = forgotten_file.read_text().splitlines(keepends=True)
    forgotten_file.write_text("".join([lines[0][:20], "\n", *lines]))
    told = run_command("replay_forgotten", "--file", str(forgotten_file))
    assert "Replayed." in told.out
    assert told.status == 1 and "Line 1 cannot be read in forgotten.jsonl" in told.err
    assert contacts(lead) == {}
    forgotten_file.write_text("".join([*lines, lines[0][:20]]))  # a power cut
    told = run_command("replay_forgotten")
    assert (told.status, told.out) == (0, "Everybody on the list is forgotten here.\n")
    assert "There is no file" in run_command("replay_forgotten", "--file", "/nowhere").err
