"""The application's role: everything the product does is possible with it, and nothing that hides what was done."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.utils import ProgrammingError

from accounts.audit import record
from accounts.models import AuditEvent, User
from buckets.filling import fills
from buckets.models import Bucket
from common.db.owner import as_owner, pointed_at
from leads.models import Lead
from operations.database import roles
from operations.reconcile import find_drift
from sandbox.server import Sandbox
from tests.buckets.imports.files import csv_of, homes, imported
from tests.command_line import run
from tests.operations.conftest import url_of
from tests.support import finish, make_bucket, make_user, start

pytestmark = pytest.mark.django_db(transaction=True)
REFUSED = {
    "TRUNCATE leads_lead": "permission denied",
    "CREATE TABLE mine (id int)": "permission denied for schema public",
    "ALTER TABLE leads_lead ADD COLUMN mine int": "must be owner",
    "ALTER TABLE accounts_auditevent DISABLE TRIGGER ALL": "must be owner",
    "UPDATE accounts_auditevent SET action = 'none'": "permission denied",
    "DELETE FROM accounts_auditevent": "permission denied",
    "DELETE FROM accounts_auditevent_rest": "permission denied",
    "DELETE FROM django_migrations": "permission denied",
    "SET session_replication_role = replica": "permission denied",
    "CREATE ROLE another": "permission denied",
    "COPY leads_lead TO PROGRAM 'cat'": "permission denied",
    "SELECT pg_read_file('/etc/passwd')": "permission denied",
    "SET ROLE postgres": "permission denied",
}


def who() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        return str(cursor.fetchone()[0])


def test_the_main_job_is_done_by_the_plain_role_and_its_books_agree(sandbox: Sandbox, plain_role: str) -> None:
    ann = make_user("ann")
    bucket, fill = fills.create_bucket_from_search(by=ann, name="King", criteria={"state": "WA"}, limit=40)
    while fills.continue_fill(fill.pk):
        pass
    fill.refresh_from_db()
    assert (fill.status, fill.saved) == ("completed", 40)
    done = finish(start(bucket, limit=20))
    assert (done.status, done.done) == ("completed", 20)
    listed = Bucket.objects.create(owner=ann, name="My list")
    job = imported(listed, csv_of(homes(5)))
    assert (job.status, job.new) == ("completed", 5)
    assert make_bucket(sandbox, ann, 3).total_leads == 3
    assert who() == plain_role
    assert find_drift() == []
    assert Lead.objects.filter(bucket=listed).first().delete()[0] >= 1  # type: ignore[union-attr]


@pytest.mark.parametrize(("statement", "words"), REFUSED.items())
def test_what_would_hide_a_deed_or_change_the_tables_is_refused(plain_role: str, statement: str, words: str) -> None:
    with pytest.raises(ProgrammingError, match=words), connection.cursor() as cursor:
        cursor.execute(statement)


def test_a_temporary_table_stands_in_for_no_table_of_ours(plain_role: str) -> None:
    make_user("ann")
    connection.close()  # the path is the next connection's
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE accounts_user (id int, username text) ON COMMIT DROP")
        cursor.execute("SELECT string_agg(username, ' ') FROM accounts_user")
        assert cursor.fetchone() == ("ann",)
        cursor.execute("CREATE TEMPORARY TABLE incoming (id int) ON COMMIT DROP")
        cursor.execute("INSERT INTO incoming VALUES (1)")


def test_events_are_written_and_new_tables_are_append_only_until_the_next_grant(plain_role: str, settings: Any) -> None:
    with transaction.atomic():
        record("signin.succeeded", by=User.objects.create_user("ann"))
        assert AuditEvent.objects.get().action == "signin.succeeded"
        transaction.set_rollback(True)  # nobody could delete it after the test
    with psycopg.connect(settings.OWNER_DATABASE_URL, autocommit=True) as owner:
        owner.execute("CREATE TABLE later (id int)")
        try:
            with connection.cursor() as cursor:
                cursor.execute("INSERT INTO later VALUES (1)")
                with pytest.raises(ProgrammingError, match="permission denied"):
                    cursor.execute("DELETE FROM later")
            roles.grant_rights()
            with connection.cursor() as cursor:
                cursor.execute("DELETE FROM later")
        finally:
            owner.execute("DROP TABLE later")


def test_migrate_works_as_the_owner_and_everything_after_as_the_plain_role(
    plain_role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    monkeypatch.setattr("django.core.management.commands.migrate.Command.handle", lambda *_, **__: seen.append(who()))
    call_command("migrate", verbosity=0)
    assert seen == ["postgres"]
    assert who() == plain_role


def test_migrate_needs_no_role_but_the_owners(owner_url: str, settings: Any) -> None:
    settings.DATABASE_URL = url_of(owner_url, user="nobody_yet")
    with pointed_at(settings.DATABASE_URL):
        ran = run("migrate", "--plan")
    assert (ran.status, ran.out) == (0, "Planned operations:\n  No planned migration operations.\n")


def test_where_one_role_does_everything_nothing_changes(owner_url: str) -> None:
    ran = run("database_roles")
    assert (ran.status, ran.out) == (0, "One role does everything here: OWNER_DATABASE_URL is not set.\n")
    with as_owner():
        assert who() == "postgres"


def test_the_command_says_what_the_role_may(plain_role: str) -> None:
    ran = run("database_roles")
    assert (ran.status, ran.out) == (0, f"{plain_role} may read and write rows, and nothing more.\n")


@pytest.mark.parametrize(
    ("makes", "words"),
    [
        ("ALTER ROLE {role} CREATEDB", "The role {role} is too strong (createdb): ALTER ROLE {role} takes that away."),
        ("GRANT postgres TO {role}", "The role {role} is a member of postgres, whose rights it would have."),
    ],
)
def test_a_role_that_could_do_everything_is_refused(owner_url: str, settings: Any, makes: str, words: str) -> None:
    role = f"strong_{connection.settings_dict['NAME']}"
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute(f"CREATE ROLE {role} LOGIN")
        try:
            owner.execute(makes.format(role=role))
            settings.DATABASE_URL = url_of(owner_url, user=role)
            ran = run("database_roles")
            assert (ran.status, ran.err) == (1, f"CommandError: {words.format(role=role)}\n")
        finally:
            owner.execute(f"DROP OWNED BY {role}")
            owner.execute(f"DROP ROLE {role}")


def test_the_two_addresses_name_one_database(plain_role: str, settings: Any) -> None:
    settings.OWNER_DATABASE_URL = url_of(settings.OWNER_DATABASE_URL, database="another")
    assert run("database_roles").err == (
        "CommandError: OWNER_DATABASE_URL and DATABASE_URL must name the same database.\n"
    )
