"""What a report tells of a person: every place that forgetting searches, of the teams somebody may be told of."""

from __future__ import annotations

import json
import zlib
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import Func, TextField, Value

from accounts.access import own_access
from accounts.audit import record
from accounts.models import IdempotentRequest, Membership, Notification, Team, User
from accounts.services import create_api_token
from buckets.models import Bucket, Fill, Import, ImportedChange, ImportFailure, ImportPiece
from campaigns.models import (
    CallAttempt,
    Campaign,
    Conversation,
    Delivery,
    Inbound,
    IncomingMessage,
    Preview,
    PreviewLine,
    Recording,
    Snippet,
    Template,
    TemplateVersion,
)
from enrichment.models import Run, Schedule
from integrations.ledger import catalogue
from integrations.models import Lookup, PhoneReveal, UnreadableAnswer, VendorCall
from leads.keys import key_secrets
from leads.keys.owner_keys import PHONE
from leads.models import (
    Activity,
    BulkJob,
    Consent,
    ContactKey,
    CustomField,
    Event,
    EvidenceText,
    Lead,
    Merge,
    SavedView,
    Seller,
    StatusLabel,
    Suppression,
    Tag,
    Upload,
)
from leads.privacy.finding import EVERYWHERE, Asked, Found, Reach
from leads.privacy.places import places, tellers
from leads.privacy.reporting import MayNotReport, in_lines, person_report, unsearched
from leads.privacy.telling import Look
from leads.privacy.texts import json_with
from tests.admin_site import member, signed_in
from tests.api.client import Api, body_of, refused
from tests.command_line import assert_refused
from tests.command_line import run as run_command
from tests.leads.privacy.samples import NOON, TRACE, land, operator
from tests.leads.samples import make_leads

pytestmark = pytest.mark.django_db
PHONE_SAID, OTHER = "206-555-0143", "206-555-0177"
OF_THE_INSTALLATION = {
    "phones delivered", "unreadable answers", "repeated requests", "suppressions", "users", "vendors' posts"
}  # fmt: skip


def fill_every_place(by: User) -> Lead:
    """A lead of hers in this person's team, and her phone in every place that there is, beside somebody else's."""
    bucket, (lead, other, twin) = make_leads(3, by=by)
    land(lead)
    said = json.dumps({"people": [{"name": "Ann", "cell": PHONE_SAID}, {"name": "Bea", "cell": OTHER}]})
    Activity.objects.create(lead=lead, text="Sells in spring")
    Activity.objects.create(lead=other, text=f"Her sister is at {PHONE_SAID}")
    Activity.objects.create(lead=other, text=f"Call {OTHER}")
    SavedView.objects.create(owner=by, name="Ann Doe", query="status=new")
    SavedView.objects.create(owner=by, name="Bea", query="q=2065550177")
    Merge.objects.create(
        older=lead, younger=twin, why="apn", merged_at=NOON, before={"owner_name": "Ann Doe"}, after={"owner_name": "X"}
    )
    Bucket.objects.filter(pk=bucket.pk).update(description=f"Ask {PHONE_SAID}")
    Fill.objects.create(bucket=bucket, criteria={"phone": PHONE_SAID})
    Run.objects.create(bucket=bucket, bucket_name=f"For {PHONE_SAID}", owner=by, total=1)
    Schedule.objects.create(
        bucket=bucket,
        bucket_name=f"For {PHONE_SAID}",
        owner=by,
        kind="refresh",
        cadence="0 6 * * 1",
        time_zone="UTC",
        enabled=False,
    )
    job = Import.objects.create(
        bucket=bucket, file_name=f"{PHONE_SAID}.csv", size=1, encoding="utf-8", delimiter=",",
        columns=["Name", "Cell"], total=9,
    )  # fmt: skip
    ImportFailure.objects.create(job=job, line=2, reason="No address.", cells=["Ann", PHONE_SAID])
    ImportFailure.objects.create(job=job, line=3, reason="No address.", cells=["Bea", OTHER])
    ImportPiece.objects.create(
        job=job, number=1, first_line=4, content=zlib.compress(f"Bea,{OTHER}\nAnn,(206) 555 01 43\n".encode())
    )
    ImportedChange.objects.create(job=job, lead=lead, before={"phone": None}, after={"phone": "+12065550143"})
    record("contacts.shown", by=by, team_id=lead.team_id, about=lead, after={"via": "api", "page": "lead", "leads": 1})
    record("export.taken", by=by, team_id=lead.team_id, about=bucket, after={"via": "admin"})
    operation = catalogue.operation("skip_trace")
    call = VendorCall.objects.create(
        operation=operation, user=by, inputs=1, reserved=1, created_at=NOON, slot_at=NOON, lease_until=NOON
    )
    Lookup.objects.create(operation=operation, key=f"k{by.pk}", facts=TRACE, state="answered", fetched_at=NOON)
    Lookup.objects.create(
        operation=catalogue.operation("property_search"), key=f"s{by.pk}", state="answered", fetched_at=NOON,
        facts={"rows": [{"phone": "+12065550143", "property_id": "1"}, {"phone": "+12065550177"}]},
    )  # fmt: skip
    Tag.objects.create(owner=by, name=PHONE_SAID)
    PhoneReveal.objects.create(call=call, raw=said.encode(), created_at=NOON)
    UnreadableAnswer.objects.create(call=call, raw=said.encode(), length=len(said), created_at=NOON)
    IdempotentRequest.objects.create(user=by, key="k", fingerprint="f", body=said, created_at=NOON)
    words = f"Enrichment job of {PHONE_SAID} done."
    told = {"kind": "runDone", "about": "enrichment.run", "about_id": "1", "created_at": NOON}
    Notification.objects.create(team_id=lead.team_id, user=by, words=words, **told)
    CustomField.objects.create(team=lead.team, key="note", name=PHONE_SAID, kind="text")
    StatusLabel.objects.create(team=lead.team, status="new", name=PHONE_SAID)
    BulkJob.objects.create(team=lead.team, by=by, kind="tag", arguments={"tag": PHONE_SAID}, leads=1)
    fill_campaigns(by, lead)
    return lead


def fill_campaigns(by: User, lead: Lead) -> None:
    """What campaigns and lists of numbers keep of her."""
    team, number = lead.team, "+12065550143"
    digest = key_secrets.digest(key_secrets.listed()[0], PHONE, number)
    key = ContactKey.objects.get_or_create(kind=PHONE, digest=digest, defaults={"hint": "…0143"})[0]
    seller = Seller.objects.create(team=team, legal_name="Acme")
    consent = Consent.objects.create(
        key_kind=PHONE, digest=digest, channel="sms", kind="express", how="form", seller=seller, given_at=NOON,
        created_at=NOON,
    )  # fmt: skip
    EvidenceText.objects.create(parent=consent.pk, text="I agree", created_at=NOON)
    Upload.objects.create(team=team, kind="suppressions", file_name=f"{PHONE_SAID}.csv", status="previewed")
    campaign = Campaign.objects.create(owner=by, team=team, name=f"For {PHONE_SAID}", seller=seller)
    template = Template.objects.create(owner=by, team=team, name=f"Ask {PHONE_SAID}")
    TemplateVersion.objects.create(template=template, number=1, text=f"Call {PHONE_SAID}", digest="x")
    Snippet.objects.create(seller=seller, name="signature", text=f"Call {PHONE_SAID}")
    preview = Preview.objects.create(campaign=campaign)
    PreviewLine.objects.create(preview=preview, lead_id=lead.pk, step=1, verdict="yes", text=f"Call {PHONE_SAID}")
    Delivery.objects.create(
        team=team, key=key, lead_id=lead.pk, channel="sms", purpose="manual", state="due", address=number, body="Hi",
        callback_token=uuid4(),
    )  # fmt: skip
    CallAttempt.objects.create(
        team=team, key=key, lead=lead, number=number, by=by, token=uuid4(), note="No", started_at=NOON, ended_at=NOON,
        state="ended",
    )  # fmt: skip
    Event.objects.create(
        team=team, owner=by, lead=lead, kind="reminder", title=f"Ring {PHONE_SAID}", starts_at=NOON, changed_at=NOON,
        ends_at=NOON + timedelta(minutes=5),
    )  # fmt: skip
    Recording.objects.create(team=team, name=f"For {PHONE_SAID}", file="x", kind="audio/wav", seconds=1, sha256="x")
    talk = Conversation.objects.create(team=team, lead=lead, key=key, address=number, opened_at=NOON)
    IncomingMessage.objects.create(
        conversation=talk, inbound_id=uuid4(), key=key, text=f"Call {PHONE_SAID}", meaning="reply", received_at=NOON
    )
    Inbound.objects.create(
        vendor="twilio", kind="message", dedupe=f"SM{by.pk}", body=json.dumps({"From": number}).encode(),
        received_at=NOON, handled_at=NOON,
    )  # fmt: skip


def suppress(reason: str) -> None:
    digest = key_secrets.digest(key_secrets.listed()[0], PHONE, "+12065550143")
    Suppression.objects.create(kind=PHONE, digest=digest, reason=reason, source="inbound:1", created_at=NOON)


def report(by: User, within: Reach | None, **more: Any) -> dict[str, Any]:
    return person_report(access=own_access(by), asked=Asked.of(phone=PHONE_SAID), within=within, **more)


def test_every_place_that_forgetting_searches_is_reported_or_says_why_it_is_not() -> None:
    assert set(tellers()) - set(places()) == {"contact access log", "suppressions", "users"}
    assert set(places()) <= set(tellers())
    assert {place: why for place, why in tellers().items() if isinstance(why, str)} == {
        "leads again": "The same rows as leads.",
        "bulk changes": "What stood in a custom field before a bulk job, for 30 days: what stands there now is told "
        "with the lead.",
        "keys": "Hashes and last digits of what leads hold, and told with them.",
        "waiting lists": "Files of phones and e-mails alone, told as suppressions and consents.",
    }


def test_a_superuser_is_told_of_every_place_and_of_nobody_else() -> None:
    ann, bob = User.objects.create_user("ann", email="ANN@example.com"), User.objects.create_user("bob")
    hers, his = fill_every_place(ann), fill_every_place(bob)
    suppress("stop")

    told = report(operator(), EVERYWHERE, seconds=None)

    assert set(told["more"]) == {place for place, tell in tellers().items() if callable(tell)} - {
        "leads", "purchased data"
    }  # fmt: skip
    assert {one["leadId"] for one in told["leads"]} == {hers.pk, his.pk}
    assert [one["operation"] for one in told["purchasedData"]] == ["skip_trace", "skip_trace"] + 2 * ["property_search"]
    assert told["purchasedData"][-1]["data"]["rows"] == [{"phone": "+12065550143", "property_id": "1"}]
    assert {place for place, rows in told["more"].items() if len(rows) != 2} == {
        "contact access log", "suppressions", "users"
    }  # fmt: skip
    assert [(one["what"], one["data"]["user"]) for one in told["more"]["contact access log"]] == [
        ("A list or an export of their bucket", "bob"), ("Their own lead", "bob"),
        ("A list or an export of their bucket", "ann"), ("Their own lead", "ann"),
    ]  # fmt: skip
    assert told["more"]["suppressions"][0]["data"]["reason"] == "Texted STOP"
    assert told["more"]["phones delivered"][0]["data"] == {"content": [{"name": "Ann", "cell": PHONE_SAID}]}
    assert told["more"]["waiting files"][0]["data"]["row"] == {"Name": "Ann", "Cell": "(206) 555 01 43"}
    assert told["more"]["failed rows"][0]["data"]["line"] == 2
    text = "\n".join(in_lines(told))
    assert "555-0177" not in text and "5550177" not in text and "Bea" not in text
    assert "ann, Failed rows: row of a file that could not be used" in text
    assert (told["leftOut"], told["notSearched"], unsearched(told)) == (0, [], "")


def test_a_manager_is_told_of_her_team_alone_and_nobody_of_all_teams_by_having_none() -> None:
    ann, bob = User.objects.create_user("ann"), User.objects.create_user("bob")
    hers = fill_every_place(ann)
    fill_every_place(bob)
    suppress("stop")

    told = report(ann, hers.team_id, seconds=None)

    assert [one["leadId"] for one in told["leads"]] == [hers.pk]
    assert told["purchasedData"] == []
    assert set(told["more"]) == {place for place, tell in tellers().items() if callable(tell)} - {
        "leads", "purchased data", *OF_THE_INSTALLATION
    }  # fmt: skip
    assert {row["team"] for rows in told["more"].values() for row in rows} == {"ann"}
    team_of_bob = own_access(bob).team_id
    ann.memberships.all().delete()
    for within in (None, EVERYWHERE, team_of_bob, hers.team_id):
        with pytest.raises(MayNotReport):
            report(ann, within)
    with pytest.raises(MayNotReport):
        report(operator(), None)


def test_a_place_that_takes_too_long_is_named_and_what_indexes_know_is_told() -> None:
    lead = fill_every_place(User.objects.create_user("ann"))

    told = report(operator(), EVERYWHERE, seconds=-1)

    assert [one["leadId"] for one in told["leads"]] == [lead.pk]
    assert [one["operation"] for one in told["purchasedData"]] == ["skip_trace"]
    by_index = {
        "calendars",
        "calls",
        "merges",
        "import changes",
        "contact access log",
        "evidence",
        "conversations",
        "received texts",
    }
    assert set(told["more"]) == by_index
    assert {"leads", "purchased data", "failed rows", "waiting files", "buckets"} <= set(told["notSearched"])
    assert unsearched(told).endswith("The command person_report looks through everything.")


def test_a_query_that_takes_longer_than_its_place_has_is_given_up_and_no_later_one() -> None:
    make_leads(1)
    sleeps = Lead.objects.annotate(slept=Func(Value(0.5), function="pg_sleep", output_field=TextField()))
    look = Look(Found(set()), EVERYWHERE, 0.05)

    look.begin()
    assert (list(look.through(sleeps, "slept")), look.is_cut) == ([], True)
    look.begin()
    assert (len(list(look.through(Lead.objects.all(), "source"))), look.is_cut) == (1, False)
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)


def test_by_api_a_superuser_needs_no_team_and_x_team_or_a_narrow_token_narrows_her() -> None:
    boss = User.objects.create_superuser("boss")
    ann = User.objects.create_user("ann")
    lead = fill_every_place(ann)
    boss.memberships.all().delete()
    asked = {"phone": PHONE_SAID}

    api = Api(boss)

    told = body_of(api.post("/api/persons/report", asked))
    assert [one["leadId"] for one in told["leads"]] == [str(lead.pk)]
    assert told["more"]["buckets"][0]["team"] == "ann"

    both = Team.objects.create(name="Both")
    Membership.objects.create(team=both, user=boss, role="manager")
    assert body_of(Api(boss).post("/api/persons/report", asked))["leads"] == []  # a token of that team
    session = signed_in(boss)
    for more, leads in (({}, 1), ({"X-Team": str(both.pk)}, 0)):
        answer = session.post("/api/persons/report", json.dumps(asked), content_type="application/json", headers=more)
        assert len(answer.json()["leads"]) == leads
    for scopes in (["read", "contacts"], ["manage"]):
        token = create_api_token(username="boss", scopes=scopes)[1]
        refused(Api(token=token).post("/api/persons/report", asked), 403)


def test_the_command_reports_on_the_team_it_names() -> None:
    ann, boss = User.objects.create_user("ann"), operator()
    lead = fill_every_place(ann)
    both = Team.objects.create(name="Both")
    cat, _ = member(both, "manager", "cat")
    Membership.objects.create(team=lead.team, user=cat, role="manager")
    asks = ("person_report", "--phone", PHONE_SAID, "--json", "--user")

    assert [one["leadId"] for one in run_command(*asks, "cat", "--team", "ann").json["leads"]] == [str(lead.pk)]
    assert run_command(*asks, "cat", "--team", "Both").json["leads"] == []
    assert run_command(*asks, boss.username, "--team", "Both").json["leads"] == []
    assert len(run_command(*asks, boss.username).json["leads"]) == 1
    several = run_command(*asks, "cat")
    assert_refused(several, "cat is in several teams: say which, with --team.")
    bob = User.objects.create_user("bob")
    assert_refused(run_command(*asks, bob.username, "--team", "ann"), "bob is not in the team ann.")


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        ({"name": "Ann", "cell": PHONE_SAID, "age": 7}, [{"name": "Ann", "cell": PHONE_SAID, "age": 7}]),
        ({"name": "x", "rows": [{"name": "Al", "x": PHONE_SAID}, {"name": "Bea"}]}, [{"name": "Al", "x": PHONE_SAID}]),
        ({"rows": [[PHONE_SAID, OTHER], 7, None, True]}, [PHONE_SAID]),
        (2065550143, [2065550143]),
        ({"name": "Bea", "cell": OTHER}, []),
    ],
)  # fmt: skip
def test_of_json_only_her_part_is_told(value: Any, parts: list[Any]) -> None:
    assert json_with(value, lambda found: {(PHONE, "+12065550143")} & found) == parts
