"""Notifications: told with the deed, to whom it concerns, once; mailed in bundles; hers to read and to choose."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from smtplib import SMTPServerDisconnected
from typing import Any
from uuid import UUID

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import transaction
from django.test import Client

from accounts.access import access_of, own_access
from accounts.models import Membership, NoticeMailbox, Notification, Team, User
from accounts.notices import mailing, notify
from accounts.notices.choices import change_choices
from accounts.notices.mailing import digest_moment, mail_notices
from accounts.notices.selectors import unread
from accounts.sign_in.proving import typed, vouched
from buckets.imports.services import start_import
from buckets.models import Bucket, Import
from common.db.clock import database_now
from enrichment.models import Run
from enrichment.worker.events import tell_completed, tell_paused
from operations.retention import apply
from tests.admin_site import member, staff
from tests.api.client import Api, body_of, refused
from tests.buckets.imports.files import csv_of, homes, imported, uploaded, work
from tests.leads.samples import together

pytestmark = pytest.mark.django_db
LONG_AGO = timedelta(minutes=10)


@pytest.fixture
def ann() -> User:
    user = User.objects.create_user("ann", email="ann@example.com", is_staff=True, time_zone="America/Phoenix")
    Membership.objects.filter(user=user).update(is_masked=False)
    return user


@pytest.fixture
def team(ann: User) -> Team:
    return Team.objects.get(memberships__user=ann)


def bucket(ann: User, name: str = "King County") -> Bucket:
    return Bucket.objects.create(owner=ann, name=name)


def run_of(one: Bucket, owner: User | None = None, **more: Any) -> Run:
    made = {"total": 9, "enriched": 4, "status": "completed"} | more
    run = Run.objects.create(bucket=one, bucket_name=one.name, owner=owner or one.owner, **made)
    run.refresh_from_db()  # its team
    return run


def told() -> list[tuple[str, str, str]]:
    return list(Notification.objects.order_by("pk").values_list("user__username", "kind", "words"))


def say(team: Team, ann: User, many: int = 1, **more: Any) -> None:
    """So many replies, ten minutes ago."""
    for number in range(many):
        notify(
            team_id=team.pk,
            kind="reply",
            about=Bucket(pk=UUID(int=number)),
            words="An owner replied.",
            **{"to": [ann.pk], **more},
        )
    Notification.objects.filter(mail="soon").update(created_at=database_now() - LONG_AGO)


# --- Who is told ------------------------------------------------------------------------------------------------------


def test_a_job_that_is_done_is_told_to_who_started_it_and_to_managers_where_she_has_left(ann: User, team: Team) -> None:
    buyer, _ = member(team, "buyer", "bea")
    member(team, "reader", "rob")
    one = bucket(ann)
    tell_completed(run_of(one, owner=buyer))
    words = "Enrichment job of King County done: 4 of 9 leads have a phone."
    assert told() == [("bea", "runDone", words)]
    Membership.objects.filter(user=buyer).delete()
    tell_completed(run_of(one, owner=buyer, failed=2))
    User.objects.filter(pk=ann.pk).update(is_active=False)
    tell_completed(run_of(one, owner=buyer))  # nobody is left
    assert told()[1:] == [("ann", "runDone", words.replace(".", ", 2 failed."))]
    tell_completed(run_of(one, total=0, enriched=0))
    assert len(told()) == 2


def test_a_spending_limit_that_is_reached_is_told_and_a_persons_pause_is_not(ann: User) -> None:
    one = bucket(ann)
    tell_paused(run_of(one, status="paused", paused_by="person"), by=ann)
    assert told() == []
    tell_paused(run_of(one, status="paused", paused_by="cap", reason="Reached its $5.00 spending limit"))
    words = "Enrichment job of King County paused after 4 of 9 leads: Reached its $5.00 spending limit"
    assert told() == [("ann", "capHit", words)]


def test_an_import_is_told_to_who_started_it_at_its_end_and_where_it_stops(ann: User, team: Team) -> None:
    bea, _ = member(team, "buyer", "bea")
    one = bucket(ann)  # ann owns it: what her colleague imports is no news to her
    work(start_import(job=uploaded(one, csv_of(homes(2))), by=bea))
    assert told() == [("bea", "importDone", "Import of list.csv done: 2 new leads, 0 rows failed.")]
    stopped = start_import(job=uploaded(one, csv_of(homes(2, first=9)), name="more.csv"), by=bea)
    Import.objects.filter(pk=stopped.pk).update(status="running", attempts=5)
    work(stopped)
    assert told()[1:] == [("bea", "importDone", "Import of more.csv stopped: 5 workers died over the same rows")]
    imported(one, csv_of(homes(1, first=20)))  # started before its row knew by whom
    assert [who for who, _, _ in told()[2:]] == ["ann"]


def test_what_was_rolled_back_was_told_to_nobody_and_of_an_unread_one_there_is_no_second(ann: User) -> None:
    run = run_of(bucket(ann))
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        tell_completed(run)
        raise ZeroDivisionError
    assert told() == []
    tell_completed(run)
    tell_completed(run)
    assert len(told()) == 1
    Notification.objects.update(read_at=database_now())
    tell_completed(run)
    assert len(told()) == 2


def test_who_wants_neither_pages_nor_email_of_a_kind_is_not_told_and_pages_may_be_off_alone(
    ann: User, team: Team
) -> None:
    change_choices(user=ann, kinds={"reply": (False, "off"), "runDone": (False, "soon")})
    say(team, ann)
    assert told() == []
    tell_completed(run_of(bucket(ann)))
    (only,) = Notification.objects.all()
    assert (only.is_shown, only.read_at is not None, only.mail) == (False, True, "soon")
    assert unread(own_access(ann)) == 0


# --- E-mails ----------------------------------------------------------------------------------------------------------


def test_fifty_replies_are_one_email_and_the_next_comes_five_minutes_later(ann: User, team: Team) -> None:
    say(team, ann, 50)
    notify(
        team_id=team.pk,
        kind="reply",
        about=Bucket(pk=UUID(int=99)),
        words="Call 202-555-0143 or jo@example.com",
        to=[ann.pk],
    )
    assert (mail_notices(), mail_notices()) == (1, 0)
    (sent,) = mail.outbox
    assert (sent.to, sent.subject) == (["ann@example.com"], "51 notifications: reply from an owner (51)")
    assert "and 31 more" in sent.body and "/admin/notifications/settings/" in sent.body
    assert set(Notification.objects.values_list("mail", flat=True)) == {"sent"}

    Notification.objects.all().delete()
    say(team, ann)
    assert mail_notices() == 0
    NoticeMailbox.objects.update(mailed_at=database_now() - timedelta(minutes=6))
    assert mail_notices() == 1
    assert mail.outbox[1].subject == "An owner replied."


def test_an_email_holds_no_phone_and_no_email_that_somebody_typed(ann: User) -> None:
    tell_paused(
        run_of(bucket(ann, "Call 202-555-0143, jo@example.com"), status="paused", paused_by="cap", reason="Why")
    )
    Notification.objects.update(created_at=database_now() - LONG_AGO)
    assert mail_notices() == 1
    text = f"{mail.outbox[0].subject} {mail.outbox[0].body}"
    assert "202-555" not in text and "jo@" not in text and "•••• 0143" in text


def test_a_digest_comes_once_a_day_from_her_hour_by_her_clock(ann: User, team: Team) -> None:
    phoenix = "America/Phoenix"  # seven hours behind UTC, the year round
    assert digest_moment(datetime(2026, 9, 15, 16, tzinfo=UTC), phoenix, 8) == datetime(2026, 9, 15, 15, tzinfo=UTC)
    assert digest_moment(datetime(2026, 9, 15, 14, tzinfo=UTC), phoenix, 8) == datetime(2026, 9, 14, 15, tzinfo=UTC)
    tell_completed(run_of(bucket(ann)))
    assert mail_notices() == 0
    Notification.objects.update(created_at=database_now() - timedelta(days=2))
    tell_completed(run_of(bucket(ann, "Later")))
    assert (mail_notices(), mail_notices(), len(mail.outbox)) == (1, 0, 1)
    assert "King County" in mail.outbox[0].body and "Later" not in mail.outbox[0].body


def test_a_mail_server_that_is_away_is_tried_again_with_the_same_message_and_given_up_after_a_day(
    ann: User, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(team, ann)

    def away(*_: Any) -> None:
        raise SMTPServerDisconnected

    with monkeypatch.context() as patched:
        patched.setattr(mailing, "_send", away)
        assert mail_notices() == 0
    box = NoticeMailbox.objects.get()
    assert (box.tries, box.token, box.not_before is not None) == (1, None, True)
    batch = Notification.objects.get().batch
    assert mail_notices() == 0  # not before
    NoticeMailbox.objects.update(not_before=None)
    assert mail_notices() == 1
    assert mail.outbox[0].extra_headers["Message-ID"].startswith(f"<notice-{batch}@")

    Notification.objects.all().delete()
    say(team, ann)
    Notification.objects.update(created_at=database_now() - timedelta(days=2))
    NoticeMailbox.objects.update(mailed_at=None)
    monkeypatch.setattr(mailing, "_send", away)
    assert mail_notices() == 0
    assert Notification.objects.get().mail == "failed"


def test_a_worker_that_was_killed_while_it_mailed_leaves_the_same_email_to_the_next(ann: User, team: Team) -> None:
    say(team, ann)
    batch, _ = mailing._batch_of(ann, 8)
    say(team, ann, 3)
    NoticeMailbox.objects.create(user=ann, lease_until=database_now() + timedelta(minutes=1), token=batch)
    assert mail_notices() == 0
    NoticeMailbox.objects.update(lease_until=database_now() - timedelta(seconds=1))
    assert mail_notices() == 1
    assert mail.outbox[0].body.count("An owner replied.") == 1
    assert mail.outbox[0].extra_headers["Message-ID"].startswith(f"<notice-{batch}@")


def test_who_has_left_the_team_or_turned_it_off_since_is_not_mailed(ann: User, team: Team) -> None:
    bea, _ = member(team, "buyer", "bea", email="bea@example.com")
    say(team, ann, to=[ann.pk, bea.pk])
    Membership.objects.filter(user=bea).delete()
    change_choices(user=ann, kinds={"reply": (None, "off")})
    assert mail_notices() == 0
    assert mail.outbox == [] and set(Notification.objects.values_list("mail", flat=True)) == {"none"}


def test_an_address_that_is_typed_and_not_confirmed_gets_no_email(ann: User, team: Team) -> None:
    say(team, ann)
    User.objects.filter(pk=ann.pk).update(email="Typo@example.com")  # while an e-mail waited
    typed(User.objects.get(pk=ann.pk), before="ann@example.com")
    assert mail_notices() == 0
    say(team, ann, 2)
    assert set(Notification.objects.values_list("mail", flat=True)) == {"none"}
    client = Client()
    client.force_login(ann)
    assert "is not confirmed" in client.get("/admin/notifications/settings/").content.decode()
    vouched(ann)
    say(team, ann, 3)
    assert mail_notices() == 1
    assert mail.outbox[0].to == ["Typo@example.com"]


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_send_one_email(ann: User, team: Team) -> None:
    say(team, ann, 5)
    assert sorted(together(mail_notices, mail_notices)) == [0, 1]
    assert len(mail.outbox) == 1


# --- Pages ------------------------------------------------------------------------------------------------------------


def test_the_head_of_every_page_counts_what_is_unread_and_open_leads_to_what_it_is_about(ann: User, team: Team) -> None:
    client = Client()
    client.force_login(ann)
    page = client.get("/admin/buckets/bucket/").content.decode()
    assert 'aria-label="Notifications"' in page
    assert "Here you are told when" in client.get("/admin/notifications/").content.decode()
    run = run_of(bucket(ann))
    tell_completed(run)
    say(team, ann, 2)
    assert 'aria-label="Notifications: 3 not read"' in client.get("/admin/buckets/bucket/").content.decode()
    notice = Notification.objects.get(kind="runDone")

    opened = client.post(f"/admin/notifications/{notice.pk}/")

    assert opened.headers["Location"] == f"/admin/enrichment/run/{run.pk}/change/"
    assert unread(own_access(ann)) == 2
    newest = Notification.objects.latest("pk")
    say(team, ann, 3)  # the third is new
    assert "2 marked as read" in client.post(
        "/admin/notifications/read/", {"until": newest.pk}, follow=True
    ).content.decode()  # fmt: skip
    assert unread(own_access(ann)) == 1
    assert client.get("/admin/notifications/?unread=1").content.decode().count("desk-notice is-new") == 1
    bob, bobs = staff("bob")
    assert bobs.post(f"/admin/notifications/{newest.pk}/").status_code == 404
    assert bobs.post("/admin/notifications/read/", {"until": "all"}).status_code == 404
    assert bobs.get("/admin/notifications/?before=x").status_code == 404
    assert unread(own_access(bob)) == 0


def test_she_chooses_on_a_page_what_she_hears_of_and_how(ann: User) -> None:
    client = Client()
    client.force_login(ann)
    page = client.get("/admin/notifications/settings/")
    assert "ann@example.com" in page.content.decode()
    kinds = ("runDone", "capHit", "importDone", "reply", "callback", "bulkDone")
    given = {f"{kind}_mail": "digest" for kind in kinds} | {"reply_pages": "on", "digest_hour": "17"}
    assert client.post("/admin/notifications/settings/", given).status_code == 302
    again = client.get("/admin/notifications/settings/").context["form"]
    assert (again["digest_hour"].value(), again["reply_pages"].value(), again["capHit_pages"].value()) == (
        17,
        True,
        False,
    )
    wrong = client.post("/admin/notifications/settings/", given | {"reply_mail": "hourly"})
    assert wrong.status_code == 200 and "desk-error" in wrong.content.decode()


# --- API --------------------------------------------------------------------------------------------------------------


def test_the_api_lists_reads_and_changes_settings(ann: User, team: Team) -> None:
    api = Api(ann)
    say(team, ann, 3)
    first = body_of(api.get("/api/notifications?limit=2"))
    assert (first["unread"], first["count"], first["notifications"][0]["kind"]) == (3, 2, "reply")
    rest = body_of(api.get(f"/api/notifications?limit=2&cursor={first['nextCursor']}"))
    assert (rest["count"], rest["nextCursor"]) == (1, None)
    ids = [one["id"] for one in first["notifications"]]
    assert body_of(api.post("/api/notifications/read", {"ids": ids}))["marked"] == 2
    assert body_of(api.post("/api/notifications/read", {"ids": ids}))["marked"] == 0
    assert body_of(api.get("/api/notifications?unread=true"))["count"] == 1
    assert body_of(api.post("/api/notifications/read", {"until": ids[0]}))["marked"] == 1
    assert body_of(api.get("/api/notifications?kind=capHit"))["count"] == 0
    wrongs: list[dict[str, Any]] = [
        {}, {"ids": []}, {"ids": ["x"]}, {"ids": ids, "until": ids[0]}, {"all": True}, {"ids": ids * 300},
    ]  # fmt: skip
    for wrong in wrongs:
        refused(api.post("/api/notifications/read", wrong), 400)
    refused(api.get("/api/notifications?kind=nothing"), 400)

    settings = body_of(api.get("/api/notifications/settings"))["settings"]
    assert settings["digestHour"] == 8
    assert {one["kind"]: one["email"] for one in settings["kinds"]} == {
        "runDone": "digest", "capHit": "soon", "importDone": "digest", "reply": "soon", "callback": "soon",
        "bulkDone": "digest",
    }  # fmt: skip
    given = {"digestHour": 0, "kinds": [{"kind": "reply", "email": "off"}]}
    changed = body_of(api.patch("/api/notifications/settings", given))["settings"]
    assert (changed["digestHour"], changed["kinds"][3]) == (0, {"kind": "reply", "onPages": True, "email": "off"})
    for bad in ({"digestHour": 24}, {"kinds": [{"kind": "x"}]}, {"kinds": [{"kind": "reply"}] * 2}, {"mail": 1}):
        refused(api.patch("/api/notifications/settings", bad), 400)
    caller, _ = member(team, "caller", "cal")
    assert body_of(Api(caller).get("/api/notifications"))["notifications"] == []
    assert access_of(caller, team.pk).only_assigned


def test_old_ones_are_dropped_by_retention(ann: User, team: Team) -> None:
    say(team, ann, 2)
    Notification.objects.filter(about_id=UUID(int=0)).update(created_at=database_now() - timedelta(days=181))
    apply()
    assert list(Notification.objects.values_list("about_id", flat=True)) == [str(UUID(int=1))]
    call_command("check")
