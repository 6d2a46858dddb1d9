"""Backups: consistent while everything is at work, whole or not there, and good when they are put back."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from campaigns.gate.contact import may_contact
from common.db.owner import pointed_at
from devtools.postgres import FAST, Postgres
from enrichment.models import Run
from leads.models import Lead, Suppression
from leads.services import edit_lead
from operations.database import backups, clients, restoring
from operations.reconcile import find_drift
from sandbox.server import Sandbox
from tests.campaigns.gate.samples import digest
from tests.command_line import run
from tests.leads.privacy.samples import forget
from tests.support import finish, make_bucket, make_user, pump_until_still, start

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A PostgreSQL that has never seen our tables."""
    fresh = Postgres(tmp_path_factory.mktemp("fresh"), FAST)
    fresh.start()
    yield fresh
    fresh.clean_up()


@pytest.fixture
def fresh(server: Postgres) -> str:
    """The address of its database, empty."""
    with psycopg.connect(server.url, autocommit=True) as database:
        for statement in restoring._EMPTIED.split(";"):
            database.execute(statement)
    return server.url


def restored(fresh: str, backup: Path, settings: Any, *arguments: str) -> Any:
    settings.OWNER_DATABASE_URL = settings.DATABASE_URL = fresh
    return run("restore", backup, "--json", *arguments)


@pytest.mark.long
def test_a_backup_while_a_run_is_at_work_is_consistent_and_what_was_dumped_comes_back(
    sandbox: Sandbox, owner_url: str, fresh: str, settings: Any, tmp_path: Path
) -> None:
    bucket = make_bucket(sandbox, make_user("ann"), 60)
    started = start(bucket)
    working = threading.Thread(target=pump_until_still)
    working.start()
    while not Run.objects.get(pk=started.pk).done:
        pass
    made = run("backup", tmp_path / "first", "--json")
    working.join()
    assert made.status == 0, made.err
    done = finish(started)
    assert (done.status, done.done) == ("completed", 60)
    back = restored(fresh, tmp_path / "first", settings)
    assert back.status == 0, back.out + back.err
    assert back.json["rows"] == sum(made.json["rows"].values())
    with pointed_at(fresh):
        assert find_drift() == []
        assert Lead.objects.count() == 60
        assert 0 < Run.objects.get().done <= 60
    assert Run.objects.get().done == 60, "the database of before was not touched"


@pytest.mark.long
def test_a_second_backup_and_a_second_restore_overwrite_nothing(
    owner_url: str, fresh: str, settings: Any, tmp_path: Path
) -> None:
    make_user("ann")
    to = tmp_path / "first"
    assert run("backup", to).status == 0
    assert {file.name: file.stat().st_mode & 0o777 for file in to.iterdir()} == {
        "database.dump": 0o600,
        "manifest.json": 0o600,
    }
    again = run("backup", to)
    assert (again.status, again.err) == (
        1,
        f"CommandError: {to} is there already. A backup never overwrites: name another directory.\n",
    )
    assert restored(fresh, to, settings).status == 0
    refused = restored(fresh, to, settings)
    assert (refused.status, refused.err) == (
        1,
        "CommandError: The database buckets is not empty: it holds tables of ours. To throw away what is in it: "
        "--yes-empty buckets\n",
    )
    assert restored(fresh, to, settings, "--yes-empty", "another").status == 1
    assert restored(fresh, to, settings, "--yes-empty", "buckets").status == 0


def test_a_backup_that_is_cut_short_is_not_taken_for_one(
    owner_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(_program: str, _url: str, arguments: Any) -> None:
        Path(str(arguments[-1]).removeprefix("--file=")).write_bytes(b"half")
        raise KeyboardInterrupt

    to = tmp_path / "cut"
    with monkeypatch.context() as patch:
        patch.setattr(clients, "run", killed)
        assert run("backup", to).status == 130
    assert not to.exists()
    for looked_at in (to, tmp_path / "cut.part"):
        refused = run("restore", looked_at)
        assert refused.err == f"CommandError: {looked_at} is no whole backup: it has no manifest.json.\n"
    assert run("backup", to).status == 0
    assert not (tmp_path / "cut.part").exists()


def test_a_damaged_dump_and_a_newer_backup_are_refused_before_anything_is_touched(
    owner_url: str, fresh: str, settings: Any, tmp_path: Path
) -> None:
    to = tmp_path / "bad"
    assert run("backup", to).status == 0
    manifest = json.loads((to / "manifest.json").read_text())
    newer = manifest | {"migrations": manifest["migrations"] | {"leads": "9999_tomorrow"}}
    (to / "manifest.json").write_text(json.dumps(newer))
    assert "is of a newer version than this one: it has leads 9999_tomorrow." in restored(fresh, to, settings).err
    (to / "manifest.json").write_text(json.dumps(manifest))
    with (to / "database.dump").open("r+b") as dump:
        dump.seek(-20, 2)
        dump.write(b"x" * 20)
    assert "is damaged: it is not the file its manifest.json tells of." in restored(fresh, to, settings).err
    with psycopg.connect(fresh) as database:
        assert backups.rows_of(database) == {}


@pytest.mark.long
def test_a_restore_says_which_rows_are_lost_and_which_books_disagree(
    sandbox: Sandbox, owner_url: str, fresh: str, settings: Any, tmp_path: Path
) -> None:
    bucket = make_bucket(sandbox, make_user("ann"), 3)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE buckets_bucket SET total_leads = 7 WHERE id = %s", [bucket.pk])
    to = tmp_path / "odd"
    assert run("backup", to).status == 0
    manifest = json.loads((to / "manifest.json").read_text())
    manifest["rows"]["leads_lead"] = 5
    (to / "manifest.json").write_text(json.dumps(manifest))
    back = restored(fresh, to, settings)
    assert back.status == 1
    assert back.json["troubles"] == [
        "leads_lead has 3 rows, where 5 were dumped.",
        f"bucket counter: bucket {bucket.pk} total_leads says 7, but it is 3.",
    ]
    assert back.err == "CommandError: Do not use it yet: 2 of these must be looked at.\n"


@pytest.mark.long
def test_under_other_contact_secrets_nobody_is_forgotten_and_the_restore_says_so(
    sandbox: Sandbox, owner_url: str, fresh: str, settings: Any, tmp_path: Path
) -> None:
    from leads.keys import key_secrets

    key_secrets.listed()
    to = tmp_path / "keyed"
    assert run("backup", to).status == 0
    settings.CONTACT_KEY_SECRETS = ["another-" + 40 * "y"]
    back = restored(fresh, to, settings)
    assert back.status == 1
    assert back.json["forgotten"] == []
    assert back.json["troubles"][0].startswith("CONTACT_KEY_SECRETS lacks 1 of the 1 secrets")


@pytest.mark.long
def test_the_forgotten_list_lies_beside_the_backup_and_the_newest_is_replayed_first(
    owner_url: str, fresh: str, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.FORGOTTEN_FILE = str(tmp_path / "forgotten.jsonl")
    Path(settings.FORGOTTEN_FILE).write_text("a line\n")
    to = tmp_path / "first"
    assert run("backup", to).status == 0
    beside = tmp_path / "first.forgotten"
    assert beside.read_text() == "a line\n"
    assert beside.stat().st_mode & 0o777 == 0o600
    replayed: list[str] = []
    call = call_command
    monkeypatch.setattr(restoring, "get_commands", lambda: {"replay_forgotten": "leads"})

    def replay(name: str, **told: Any) -> None:
        if name != "replay_forgotten":
            call(name, **told)
            return
        replayed.append(told["file"])
        if len(replayed) == 1:
            raise CommandError("Line 1 cannot be read.")

    monkeypatch.setattr(restoring, "call_command", replay)
    back = restored(fresh, to, settings)
    assert replayed == back.json["forgotten"] == [settings.FORGOTTEN_FILE, str(beside)]
    assert (back.status, back.json["troubles"]) == (1, [f"{settings.FORGOTTEN_FILE}: Line 1 cannot be read."])


def test_who_is_forgotten_after_the_backup_is_suppressed_in_what_comes_back_and_one_json_object_is_printed(
    sandbox: Sandbox, owner_url: str, fresh: str, settings: Any, tmp_path: Path
) -> None:
    ann = make_user("ann")
    make_bucket(sandbox, ann, 1)
    lead = edit_lead(lead=Lead.objects.get(), by=ann, changes={"phone": "+12065550143"})
    forget(phone="+12065550199", name="Eve Poe")
    to = tmp_path / "first"
    assert run("backup", to).status == 0
    forget(phone="+12065550143", name="Ann Doe")

    back = restored(fresh, to, settings)

    assert (back.status, back.err) == (0, ""), back.out
    assert (len(back.json["forgotten"]), back.json["troubles"]) == (2, [])
    with pointed_at(fresh):
        assert Lead.objects.get(pk=lead.pk).phone is None
        asked = may_contact(lead.pk, "call", by=None, purpose="manual", address="+12065550143", record=False)
        assert asked.facts.erased == Suppression.objects.get(digest=digest("+12065550143")).pk
        assert asked.decision.verdict == "no"


def test_no_password_stands_in_the_command_of_a_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = tmp_path / "told"
    program = tmp_path / "pg_dump"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" "$PGPASSWORD" >{told}\necho "it is full" >&2\nexit 1\n')
    program.chmod(0o755)
    monkeypatch.setattr(clients, "OF_THE_IMAGE", tmp_path)
    with pytest.raises(clients.ClientFailed, match=r"^pg_dump failed: it is full$"):
        clients.run("pg_dump", "postgres://owner:hush@db.example:5433/buckets", ["--format=custom"])
    lines = told.read_text().splitlines()
    assert lines[-1] == "hush"
    assert not any("hush" in line for line in lines[:-1])
    assert "host=db.example" in lines[1] and "port=5433" in lines[1]
