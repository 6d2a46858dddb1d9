"""Every admin page there is, walked: it answers, shows no secret, and costs the same with 3 rows as with 30."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule
from knox.models import AuthToken

from accounts.audit import record
from accounts.models import AuditEvent, Membership, Team, User, WebhookEndpoint
from accounts.tokens import issue_token
from accounts.webhooks import queue
from buckets.models import Bucket, Fill, Import
from campaigns.models import (
    CallAttempt,
    Campaign,
    ContactRule,
    Conversation,
    Disposition,
    Emergency,
    Inbound,
    MailSender,
    Recording,
    RuleHoliday,
    Sender,
    Snippet,
    StateAnswer,
    Template,
    TemplateVersion,
)
from common.admin_teams import TeamAdmin
from common.db.ids import uuid7
from enrichment.models import PumpLease, Run, RunItem, Schedule
from integrations.ledger import catalogue
from integrations.models import Budget, Lookup, Operation, PhoneReveal, Vendor, VendorCall
from leads.models import (
    Activity,
    BulkJob,
    Consent,
    ContactKey,
    CustomField,
    Lead,
    Seller,
    StatusLabel,
    Suppression,
    Tag,
    Upload,
)
from tests.admin_site import act, actions_of
from tests.dates import odd_dates
from tests.support import mostly_long

pytestmark = pytest.mark.django_db

KEYS = {
    "realestateapi": "KEY-realestateapi-8c1f",
    "signalhouse": "KEY-signalhouse-77aa",
    "apollo": "KEY-apollo-5e0b",
    "twilio": "KEY-twilio-1d93",
    "signalhouse_messaging": "KEY-messaging-c44e",
    "mail": "KEY-mail-2b60",
}
NAMES: dict[type[Model], str] = {Import: "import_"}  # what Python keeps for itself
THEIR_OWN_WORDS = {  # django-celery-beat's, of schedules that the product has none of
    ClockedSchedule: r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+\+00:00",
    CrontabSchedule: r"0\d:\d\d [AP]M",
    SolarSchedule: "Solar noon",
}
NOT_PER_ROW = (Vendor, Operation, PumpLease)  # a handful of rows, made by migrations and pumps


class Rows:
    """Makes one more row of any registered model, with whatever it hangs on."""

    def __init__(self) -> None:
        self.count = 0

    def user(self) -> User:
        return User.objects.create_user(f"user-{self.count}", email=f"user-{self.count}@example.com")

    def team(self) -> Team:
        return self.user().memberships.get().team

    def group(self) -> Group:
        return Group.objects.create(name=f"group-{self.count}")

    def authtoken(self) -> AuthToken:
        return issue_token(user=self._bosses(), name="Nightly export")[0]

    def webhookendpoint(self) -> WebhookEndpoint:
        webhook = WebhookEndpoint.objects.create(
            team=self.user().memberships.get().team, url="https://x.example/", events=["run.paused"], secret="x"
        )
        queue.write([webhook.pk], "run.paused", "1", {})
        return webhook

    def bucket(self) -> Bucket:
        return Bucket.objects.create(owner=self.user(), name=f"Bucket {self.count}", total_leads=1)

    def fill(self) -> Fill:
        return Fill.objects.create(bucket=self.bucket(), criteria={"state": "WA"}, error="the vendor is away")

    def import_(self) -> Import:
        return Import.objects.create(
            bucket=self.bucket(),
            file_name="list.csv",
            size=9,
            encoding="utf-8",
            delimiter=",",
            columns=["Address"],
            total=2,
            status="completed",
            read=2,
            new=1,
            failed=1,
        )

    def lead(self) -> Lead:
        bucket = self.bucket()
        lead = Lead.objects.create(
            bucket=bucket,
            owner=bucket.owner,
            property_id=f"{self.count}",
            property_address="1 Main St",
            phone="+12065550100",
            enrichment_status="completed",
            apollo_data={"title": "Owner"},
        )
        lead.tags.add(Tag.objects.create(owner=bucket.owner, name="hot"))
        Activity.objects.create(lead=lead, by=bucket.owner, text="Called")
        return lead

    def statuslabel(self) -> StatusLabel:
        team = self.user().memberships.get().team
        return StatusLabel.objects.create(team=team, name=f"Warm {self.count}", status="contacted")

    def customfield(self) -> CustomField:
        team = self.user().memberships.get().team
        return CustomField.objects.create(team=team, key=f"price{self.count}", name=f"Price {self.count}", kind="text")

    def tag(self) -> Tag:
        return Tag.objects.create(owner=self.user(), name="hot")

    def activity(self) -> Activity:
        lead = self.lead()
        return Activity.objects.create(lead=lead, by=lead.owner, text="Called again")

    def suppression(self) -> Suppression:
        return Suppression.objects.create(
            kind=1, digest=bytes([self.count]) * 32, reason="operator", source="user:1", created_at=timezone.now()
        )

    def seller(self) -> Seller:
        return Seller.objects.create(team=self.user().memberships.get().team, legal_name=f"Acme {self.count}")

    def consent(self) -> Consent:
        return Consent.objects.create(
            key_kind=1, digest=bytes([self.count]) * 32, hint="…0112", channel="sms", kind="written",
            seller=self.seller(), text_hash="x", given_at=timezone.now(), how="paper", created_at=timezone.now(),
        )  # fmt: skip

    def bulkjob(self) -> BulkJob:
        user, said = self.user(), {"tag": f"t{self.count}"}
        return BulkJob.objects.create(team=user.memberships.get().team, by=user, kind="tag", arguments=said)

    def upload(self) -> Upload:
        team = self.user().memberships.get().team
        return Upload.objects.create(team=team, kind="suppressions", file_name="list.csv", status="completed")

    def auditevent(self) -> AuditEvent:
        record("export.taken", by=self.user(), after={"via": "api", "filters": ["status"]})
        return AuditEvent.objects.latest("pk")

    def run(self) -> Run:
        lead = self.lead()
        run = Run.objects.create(bucket=lead.bucket, bucket_name="Bucket", owner=lead.owner, total=1)
        RunItem.objects.create(run=run, lead=lead, stage=0, outcome=3, category="NOT_FOUND")
        Budget.objects.create(scope=run.budget_scope, spent=Decimal("1.25"))
        return run

    def runitem(self) -> RunItem:
        return self.run().items.get()

    def schedule(self) -> Schedule:
        run = self.run()
        return Schedule.objects.create(
            owner=run.owner,
            bucket=run.bucket,
            bucket_name="Bucket",
            kind="enrich",
            max_cost=5,
            cadence="30 2 * * *",
            time_zone="America/New_York",
            next_at=timezone.now(),
            last_run=run,
        )

    def pumplease(self) -> PumpLease:
        return PumpLease.objects.get_or_create(stage=1, defaults={"beat_at": timezone.now()})[0]

    def vendor(self) -> Vendor:
        return catalogue.vendor("apollo")

    def operation(self) -> Operation:
        return catalogue.operation("property_detail")

    def budget(self) -> Budget:
        return Budget.objects.create(scope=f"user:{self.count}:2026-11", spent=1)

    def vendorcall(self) -> VendorCall:
        now = timezone.now()
        return VendorCall.objects.create(
            id=uuid7(),
            operation=self.operation(),
            user=self.user(),
            state="in_doubt",
            inputs=2,
            reserved=Decimal("0.10"),
            created_at=now,
            slot_at=now,
            sent_at=now,
            lease_until=now,
        )

    def phonereveal(self) -> PhoneReveal:
        return PhoneReveal.objects.create(
            call=self.vendorcall(),
            state="in_doubt",
            raw=b"+12065550100",
            people={"1": ["a"]},
            created_at=timezone.now(),
        )

    def lookup(self) -> Lookup:
        return Lookup.objects.create(
            operation=self.operation(),
            key=f"{self.count}",
            call=self.vendorcall(),
            state="answered",
            facts={"owner_name": "Jo Smith"},
            fetched_at=timezone.now(),
        )

    def campaign(self) -> Campaign:
        bucket = self.bucket()
        return Campaign.objects.create(
            owner=bucket.owner, name=f"Spring {self.count}", bucket=bucket, bucket_name="Bucket",
            audience={"bucketId": str(bucket.pk)},
        )  # fmt: skip

    def calllist(self) -> Campaign:
        owner = self.user()
        return Campaign.objects.create(owner=owner, name=f"List {self.count}", channel="call")

    def disposition(self) -> Disposition:
        team = self._bosses().memberships.get().team  # whose list it is: its ten are there by then
        return Disposition.objects.create(
            team=team, code=f"odd_{self.count}", label=f"Odd {self.count}", hotkey="1", outcome="no_contact",
            retired_at=timezone.now(),
        )  # fmt: skip

    def callattempt(self) -> CallAttempt:
        by = self.user()
        key = ContactKey.objects.create(kind=1, digest=bytes([self.count]) * 32, hint="…0112")
        now = timezone.now()
        return CallAttempt.objects.create(
            team=by.memberships.get().team, key=key, by=by, number="+16145550112", token=uuid4(), state="ended",
            started_at=now, ended_at=now, seconds=90, note="Ring her at +1 614 555 0112",
        )  # fmt: skip

    def template(self) -> Template:
        user = self.user()
        team = user.memberships.get().team
        template = Template.objects.create(owner=user, team=team, name=f"First {self.count}")
        TemplateVersion.objects.create(template=template, number=1, text="Hi {{firstName}}", digest="x", segments=1)
        return template

    def snippet(self) -> Snippet:
        return Snippet.objects.create(seller=self.seller(), name=f"signature-{self.count}", text="Jane")

    def contactrule(self) -> ContactRule:
        return ContactRule.objects.create(
            jurisdiction="US-ZZ" if self.count % 2 else "US-ZY",
            channel=("any", "call", "sms", "email")[self.count % 4],
            weekdays_open="08:00",
            weekdays_close="20:00",
            from_date=date(2026, 1, 1) + timedelta(days=self.count),
            until_date=date(2026, 1, 2) + timedelta(days=self.count),
            source="Code 1",
            checked_on=date(2026, 1, 1),
            confidence="h",
            created_at=timezone.now(),
        )

    def ruleholiday(self) -> RuleHoliday:
        day = date(2030, 1, 1) + timedelta(days=self.count)
        return RuleHoliday.objects.create(jurisdiction="US-AL", date=day, name="A day", source="Code 1")

    def emergency(self) -> Emergency:
        now = timezone.now()
        return Emergency.objects.create(jurisdiction="US-LA", from_at=now, reason="Hurricane", created_at=now)

    def inbound(self) -> Inbound:
        return Inbound.objects.create(
            vendor="twilio", kind="unreadable", dedupe=f"SM{self.count}", body=b"Body=STOP", received_at=timezone.now(),
            error="it names no message",
        )  # fmt: skip

    def conversation(self) -> Conversation:
        team = self._bosses().memberships.get().team
        key = ContactKey.objects.create(kind=2, digest=bytes([self.count]) * 32, hint="…0112")
        return Conversation.objects.create(
            team=team, key=key, address="+16145550112", state="open", opened_by="inbound", opened_at=timezone.now()
        )

    def sender(self) -> Sender:
        number = f"+1614555{self.count:04}"
        return Sender.objects.create(seller=self.seller(), number=number, vendor="twilio", registration_id="C1")

    def mailsender(self) -> MailSender:
        return MailSender.objects.create(
            seller=self.seller(), name="Jane", address=f"jane{self.count}@mail.example.com"
        )

    def stateanswer(self) -> StateAnswer:
        return StateAnswer.objects.create(seller=self.seller(), state="OH", answer="registered", words="No. 12")

    def recording(self) -> Recording:
        team = self._bosses().memberships.get().team
        return Recording.objects.create(
            team=team, name=f"Hello {self.count}", file="hello.wav", kind="audio/wav", seconds=3, sha256="x"
        )

    def _bosses(self) -> User:
        """The superuser's, of what nobody else opens; else somebody's."""
        return User.objects.filter(username="boss").first() or self.user()

    def crontabschedule(self) -> CrontabSchedule:
        return CrontabSchedule.objects.create(hour=str(self.count % 24))

    def intervalschedule(self) -> IntervalSchedule:
        return IntervalSchedule.objects.create(every=self.count, period="seconds")

    def clockedschedule(self) -> ClockedSchedule:
        return ClockedSchedule.objects.create(clocked_time=timezone.now())

    def solarschedule(self) -> SolarSchedule:
        return SolarSchedule.objects.create(event="sunrise", latitude=self.count, longitude=1)

    def periodictask(self) -> PeriodicTask:
        every = self.intervalschedule()
        return PeriodicTask.objects.create(name=f"task-{self.count}", task="enrichment.ring", interval=every)

    def one_more(self, model: type[Model]) -> Any:
        self.count += 1
        make: Callable[[], Any] | None = getattr(self, NAMES.get(model, model._meta.model_name or ""), None)
        assert make is not None, f"{model.__name__} is in the admin: give it a sample row here"
        return model._default_manager.get(pk=make().pk)  # the database knows its team


def registered() -> list[Any]:
    models = sorted(admin.site._registry, key=lambda model: model._meta.label)
    return [pytest.param(model, id=model._meta.label) for model in models]


def address(model: type[Model], page: str, *arguments: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=arguments)


def everybody(model: type[Model]) -> dict[str, str]:
    """The superuser's list of all teams' rows."""
    return {"team": "all"} if isinstance(admin.site._registry[model], TeamAdmin) else {}


def key_of(row: Any) -> str:
    return str(row.token_key if isinstance(row, AuthToken) else row.pk)


@pytest.fixture
def boss(settings: Any) -> Client:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # quick
    settings.VENDORS = {name: place | {"key": KEYS[name]} for name, place in settings.VENDORS.items()}
    client = Client(raise_request_exception=True)
    client.force_login(User.objects.create_superuser("boss", password="correct horse battery staple"))
    return client


def own(row: Any) -> Any:
    """The same row, with the boss in its team: a superuser changes no other team's."""
    model_admin = admin.site._registry[type(row)]
    if isinstance(model_admin, TeamAdmin):
        boss = User.objects.get(username="boss")
        boss.memberships.all().delete()
        Membership.objects.create(team_id=model_admin.team_of(row), user=boss, role="manager", is_own=True)
    return row


def body(response: Any) -> str:
    assert response.status_code == 200, response
    return str(response.content.decode())


def assert_no_secret(page: str) -> None:
    assert not [name for name, key in KEYS.items() if key in page]
    for token in AuthToken.objects.all():
        assert token.digest not in page
        assert token.token_key not in page.replace(f"/{token.token_key}/", "/")
    assert User.objects.get(username="boss").password not in page


@pytest.mark.usefixtures("no_badge")
@pytest.mark.parametrize("model", registered())
def test_the_list_and_the_page_of_every_model_answer_and_show_no_secret(boss: Client, model: type[Model]):
    row = Rows().one_more(model)

    assert_no_secret(body(boss.get(address(model, "changelist"), everybody(model))))
    assert_no_secret(body(boss.get(address(model, "change", key_of(row)))))


@pytest.mark.usefixtures("no_badge")
@pytest.mark.parametrize("model", registered())
def test_every_day_and_time_is_written_in_the_one_format(boss: Client, model: type[Model]):
    User.objects.filter(username="boss").update(time_zone="America/Denver")
    rows = Rows()
    row = rows.one_more(model)
    has_one = model is AuthToken  # a token has one page of its own
    places = ("changelist", "add")[: 1 if has_one else 2]
    answers = {name: boss.get(address(model, name), everybody(model)) for name in places}
    for name in ("change", "history", "delete")[: 1 if has_one else 3]:
        answers[name] = boss.get(address(model, name, key_of(row)))
    for action in ("delete_selected", *actions_of(model)):
        answers[action] = act(boss, model, action, [own(rows.one_more(model))])

    pages = {name: answer for name, answer in answers.items() if answer.status_code == 200 and not answer.streaming}
    shown = {name: answer.content.decode() for name, answer in pages.items()}
    theirs = THEIR_OWN_WORDS.get(model, r"\Z")
    assert {name: odd for name, page in shown.items() if (odd := odd_dates(re.sub(theirs, "", page)))} == {}
    assert "changelist" in shown


@pytest.mark.usefixtures("no_badge")
@pytest.mark.parametrize(
    ("model", "names", "others"),
    [
        (BulkJob, ["leads"], {}),
        (BulkJob, ["changed"], {"leads": 2_000_000, "done": 2_000_000}),
        (Bucket, ["total_leads"], {}),
        (Import, ["read", "new"], {"total": 1_234_567, "failed": 0}),
        (Run, ["total"], {}),
    ],
)
def test_large_numbers_have_commas(boss: Client, model: type[Model], names: list[str], others: dict[str, int]):
    row = Rows().one_more(model)
    model._default_manager.filter(pk=row.pk).update(**dict.fromkeys(names, 1_234_567) | others)

    page = body(boss.get(address(model, "changelist"), everybody(model)))

    assert (page.count("1,234,567") >= len(names), "1234567" in page) == (True, False)


@pytest.mark.parametrize("place", ["", "profile/", "buckets/bucket/find/", "buckets/import/add/"])
def test_other_pages_write_days_and_times_in_it_too(boss: Client, place: str):
    User.objects.filter(username="boss").update(time_zone="America/Denver")
    Rows().one_more(Import)

    assert odd_dates(body(boss.get(f"/admin/{place}"))) == []


def test_a_list_loads_no_script_of_forms_but_in_a_window_that_pops_up(boss: Client):
    def scripts(query: str = "") -> set[str]:
        page = boss.get(f"/admin/buckets/bucket/{query}").content.decode()
        return set(re.findall(r"admin/js/(?:\w+/)*(\w+)[\w.]*\.js", page))

    assert scripts() == {"actions"}
    assert scripts("?_popup=1") >= {"jquery", "RelatedObjectLookups", "actions"}


@pytest.mark.long
@pytest.mark.usefixtures("no_badge")
@pytest.mark.parametrize("model", registered())
def test_searching_and_filtering_every_model_answers(boss: Client, model: type[Model]):
    Rows().one_more(model)
    model_admin = admin.site._registry[model]

    if model_admin.search_fields:
        for text in ("1", "Main", "ü' OR 1=1 --", "01890000-0000-7000-8000-000000000000"):
            body(boss.get(address(model, "changelist"), {"q": text}))
    first = boss.get(address(model, "changelist"), everybody(model))
    for spec in first.context["cl"].filter_specs if first.context and "cl" in first.context else []:
        for choice in spec.choices(first.context["cl"]):
            body(boss.get(address(model, "changelist") + choice["query_string"]))


@pytest.mark.long
@pytest.mark.usefixtures("no_badge")
def test_a_null_character_in_the_address_of_a_list_is_said_and_shows_no_row(boss: Client):
    """The search would be dropped without a word, and all rows shown; a filter would end in PostgreSQL's error."""
    for model in (param.values[0] for param in registered()):
        place = address(model, "changelist")
        names = ["q", "nosuch"]
        if "cl" in (page := boss.get(place, follow=True)).context:
            asked = (spec.expected_parameters() for spec in page.context["cl"].filter_specs)
            names += [one[0] for one in asked if one][:3]
        for query in [*(f"{name}=a%00b" for name in names), "%00=1"]:
            answer = boss.get(f"{place}?{query}")
            assert answer.status_code == 400, (model, query)
            assert "null character (%00)" in answer.content.decode()


@pytest.mark.usefixtures("no_badge")
def test_an_address_with_a_filter_that_a_list_has_not_leads_to_the_list_and_says_so(boss: Client):
    """An old bookmark, a typed address: never an error page, in development neither."""
    for model in (param.values[0] for param in registered()):
        place = address(model, "changelist")
        answer = boss.get(f"{place}?nosuch=1&owner__password__startswith=p", follow=True)

        assert answer.status_code == 200, model
        page = answer.content.decode()
        told = "nosuch" in page and ("are ignored" in page or "There is no such filter" in page)
        assert told, model


@pytest.mark.parametrize("model", [p for p in registered() if p.values[0] not in NOT_PER_ROW])
def test_thirty_rows_cost_as_many_queries_as_three(boss: Client, model: type[Model]):
    rows = Rows()

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            body(boss.get(address(model, "changelist"), everybody(model)))
        return len(seen)

    for _ in range(3):
        rows.one_more(model)
    queries()  # the first page of a session writes it down
    with_three = queries()
    for _ in range(27):
        rows.one_more(model)

    assert model._default_manager.count() >= 30
    assert queries() == with_three


def test_an_apps_own_page_lists_its_models_and_no_other_page_has_django_list_them(boss: Client):
    models = address(Bucket, "changelist")
    page = boss.get(reverse("admin:app_list", args=["buckets"]))

    assert page.status_code == 200 and f'href="{models}"' in page.content.decode().partition("<main")[2]
    assert boss.get(models).context["available_apps"] == []


def test_the_index_shows_no_secret_either(boss: Client):
    assert_no_secret(body(boss.get(reverse("admin:index"))))


def test_a_vendors_key_is_set_or_not_and_that_is_all(boss: Client, settings: Any):
    settings.VENDORS = settings.VENDORS | {"apollo": {"base_url": "http://127.0.0.1:9", "key": ""}}
    Vendor.objects.get_or_create(name="apollo")
    Vendor.objects.get_or_create(name="realestateapi")

    page = body(boss.get(address(Vendor, "changelist")))

    keys = re.findall(r'<td class="field-key[^"]*"[^>]*>\s*([a-z ]+?)\s*</td>', page)
    assert (keys.count("not set"), set(keys)) == (1, {"set", "not set"})


def test_a_list_counts_no_further_than_its_cap(boss: Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("common.admin.COUNTED_AT_MOST", 2)
    rows = Rows()
    for _ in range(4):
        rows.one_more(Budget)

    with CaptureQueriesContext(connection) as seen:
        page = boss.get(address(Budget, "changelist"))

    counts = [q["sql"] for q in seen if "COUNT(" in q["sql"] and "integrations_budget" in q["sql"]]
    assert page.context["cl"].result_count == 2
    assert len(counts) == 1
    assert "LIMIT 2" in counts[0]


# --- Each role, on every page -----------------------------------------------------------------------------------------

RULES = " ContactRule RuleHoliday Emergency"  # of everybody who works here
SEEN = {  # the lists that each role opens, with a row of her own team's in them
    "reader": "Bucket Fill Import Lead Tag Activity Run RunItem Schedule Budget AuthToken Consent Seller Suppression "
    "Upload Campaign Template Conversation Sender MailSender StateAnswer" + RULES,
    "caller": "BulkJob Lead Activity AuthToken Suppression Upload Conversation" + RULES,
    "buyer": "Bucket Fill Import Lead Tag Activity Run RunItem Schedule Budget AuthToken Consent Seller Suppression "
    "Upload Campaign Template Conversation Sender MailSender StateAnswer" + RULES,
    "manager": "Bucket Fill Import Lead Tag Activity Run RunItem Schedule Budget AuthToken Team "
    "Campaign Template AuditEvent WebhookEndpoint Consent Seller Suppression Upload Conversation Sender MailSender "
    "StateAnswer" + RULES,
    "operator": "Vendor Operation VendorCall PhoneReveal Budget PumpLease AuthToken AuditEvent Inbound",
    "nobody": "AuthToken",
}
for _role in ("reader", "buyer", "manager"):
    SEEN[_role] += " BulkJob Snippet Recording CallAttempt CallList Disposition StatusLabel CustomField"
SEEN["caller"] += " CallAttempt"
OF_TEAM = [param.values[0] for param in registered() if isinstance(admin.site._registry[param.values[0]], TeamAdmin)]
MAY = {  # the actions of lists that each role is given
    "reader": "",
    "caller": "status tag untag note do_not_contact",
    "buyer": "status tag untag note do_not_contact assign move copy export export_xlsx "
    "recount go_on enrich enrich_apollo retry_failed "
    "pause resume cancel retry now off on remove",
}


def with_role(role: str, team: Team) -> tuple[User, Client]:
    user = User(username=role, is_staff=True, is_operator=role == "operator")
    user.save()
    if role not in ("operator", "nobody"):
        Membership.objects.create(team=team, user=user, role=role)
    client = Client()
    client.force_login(user)
    return user, client


@pytest.mark.usefixtures("no_badge")
@pytest.mark.parametrize("role", mostly_long(["caller", *(role for role in SEEN if role != "caller")]))
def test_each_role_opens_its_own_lists_and_gets_a_403_in_our_look_elsewhere(role: str):
    team = Rows().team()
    Seller.objects.create(team=team, legal_name="Acme")  # who has none is led to it from what needs it
    _, client = with_role(role, team)
    opened = set()

    for param in registered():
        model = param.values[0]
        answer = client.get(address(model, "changelist"))
        if answer.status_code == 403:
            assert "<h1>Not permitted</h1>" in answer.content.decode()
        else:
            assert answer.status_code == (302 if model is Team else 200)  # a manager's only team
            opened.add(model.__name__)
        if model is not AuthToken:
            assert client.get(address(model, "add")).status_code in (200, 403)

    assert opened == set(SEEN[role].split())


@pytest.mark.usefixtures("no_badge")
@pytest.mark.parametrize("role", mostly_long(["caller", *(role for role in SEEN if role != "caller"), "superuser"]))
def test_nobody_reads_or_changes_another_teams_rows_and_a_superuser_only_looks(role: str):
    rows = Rows()
    theirs = [(model, rows.one_more(model)) for model in OF_TEAM]
    _, client = with_role(role, rows.one_more(Team)) if role != "superuser" else (None, Client())
    if role == "superuser":
        client.force_login(User.objects.create_superuser("boss"))
    before = [model._default_manager.filter(pk=row.pk).values().get() for model, row in theirs]
    count = Bucket.objects.count(), Lead.objects.count(), Run.objects.count()

    for model, row in theirs:
        listed = client.get(address(model, "changelist"))
        assert listed.status_code in (200, 403)
        if listed.status_code == 200:
            assert str(row.pk) not in {str(one.pk) for one in listed.context["cl"].result_list}
        for page in ("change", "history"):
            seen = client.get(address(model, page, key_of(row))).status_code
            boss = {"change": 200, "history": 302}[page]  # History leads to the audit log
            assert seen == boss if role == "superuser" else seen in (302, 403, 404), (model, page)
        posted = client.post(address(model, "change", key_of(row)), {"name": "Mine", "do": "show", "confirmed": "yes"})
        assert posted.status_code in (302, 403, 404), model
        for action in actions_of(model):
            act(client, model, action, [row], confirmed="yes", status="lost", tag="x", which="chosen")

    assert [model._default_manager.filter(pk=row.pk).values().get() for model, row in theirs] == before
    assert (Bucket.objects.count(), Lead.objects.count(), Run.objects.count()) == count
    assert not AuditEvent.objects.filter(action="contacts.shown").exists()


@pytest.mark.usefixtures("no_badge")
@pytest.mark.parametrize("role", mostly_long(["caller", *(role for role in MAY if role != "caller")]))
def test_each_role_is_given_the_actions_of_its_scopes_and_refused_all_others(role: str):
    rows = Rows()
    for model in OF_TEAM:
        row = rows.one_more(model)
        user, client = with_role(role, Team.objects.get(pk=admin.site._registry[model].team_of(row)))  # type: ignore[attr-defined]
        Lead.objects.update(assigned_to=user)
        refused = {name for name in actions_of(model) if act(client, model, name, [row]).status_code == 403}
        allowed = set(MAY[role].split())
        if role == "caller" and model not in (Lead, Activity):
            allowed = set()  # has no such page
        if role == "buyer" and model is Bucket:
            allowed -= {"delete"}
        assert refused == set(actions_of(model)) - allowed, model
        user.delete()
