"""Empties the database after a test that committed, in one call to PostgreSQL.

Django truncates all 43 tables, a new file for each of them and of their indexes, and then writes content types and
permissions anew: 0.3 s a test, for tests that leave a few dozen rows in ten tables. Even to ask a hundred tables what
they hold costs more than most tests, unless PostgreSQL keeps the plans: so a function does it, one for each connection.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

from django.apps import apps
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import ProgrammingError, connection, transaction
from django.db.models import Model
from django.db.models.expressions import DatabaseDefault
from psycopg import sql

from campaigns.models import ContactRule, RuleHoliday
from integrations.models import Operation, Vendor
from operations.database.roles import APPEND_ONLY

CATALOGUES = ("0002_catalogue", "0020_messaging_catalogue", "0021_call_catalogue", "0022_mail_catalogue")
PAIRS = [pair for name in CATALOGUES for pair in import_module(f"integrations.migrations.{name}").PAIRS]
RULES = import_module("campaigns.migrations.0010_rule_table")
TABLES_OF_RULES = {ContactRule._meta.db_table, RuleHoliday._meta.db_table}
# As the migrations left them. No test writes the first two; the rules are written anew where one has.
KEPT = {ContentType._meta.db_table, Permission._meta.db_table, *TABLES_OF_RULES}
MANY = 500  # rows of a table from which on truncating is the quicker way


def empty(_case: Any = None) -> None:
    """Deletes every row but content types, permissions and the shipped rules; writes the catalogue of vendors anew.

    Stands in for `TransactionTestCase._fixture_teardown`.
    """
    with connection.cursor() as cursor:
        try:
            cursor.execute(CALL)
        except ProgrammingError:  # this connection has no such function yet
            _prepare()
            cursor.execute(CALL)
        counted = cursor.fetchone()
    if counted != _shipped():  # a rule is only added or ended, a holiday only added: the counts tell
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute("; ".join(f'DELETE FROM "{table}"' for table in sorted(TABLES_OF_RULES)))
            RULES.fill(apps, None)


CALL = "SELECT rules, ended, holidays FROM pg_temp.emptied()"
# Without triggers, since append-only tables refuse, and in any order, since nothing looks at foreign keys.
FUNCTION = """
CREATE FUNCTION pg_temp.emptied(OUT rules bigint, OUT ended bigint, OUT holidays bigint) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('session_replication_role', 'replica', true);
    {emptied}
    {written}
    SELECT count(*), count(until_date) INTO rules, ended FROM campaigns_contactrule;
    SELECT count(*) INTO holidays FROM campaigns_ruleholiday;
END $$
"""
APPENDED = 'IF EXISTS (SELECT FROM "{0}") THEN TRUNCATE "{0}" CASCADE; END IF;'  # no row of these is ever deleted
DELETED = """IF EXISTS (SELECT FROM "{0}" OFFSET {1}) THEN TRUNCATE "{0}" CASCADE;
    ELSIF EXISTS (SELECT FROM "{0}") THEN DELETE FROM "{0}"; END IF;"""


def _prepare() -> None:
    """Gives this connection the function, which dies with it."""
    emptied = [(APPENDED if table in APPEND_ONLY else DELETED).format(table, MANY - 1) for table in _tables()]
    vendors = [Vendor(name=name) for name in dict(PAIRS)]
    operations = [Operation(vendor_id=vendor, name=name) for vendor, name in PAIRS]
    with connection.cursor() as cursor:
        written = [_insert(row) for row in (*vendors, *operations)]
        cursor.execute(FUNCTION.format(emptied="\n    ".join(emptied), written="\n    ".join(written)))


def _insert(row: Model) -> str:
    """The statement that writes a new row, whose own id PostgreSQL gives."""
    given = {f.column: f.get_db_prep_save(getattr(row, f.attname), connection) for f in row._meta.concrete_fields}
    given = {column: value for column, value in given.items() if not isinstance(value, DatabaseDefault)}
    if row.pk is None:
        del given[row._meta.pk.column]
    columns = ", ".join(f'"{column}"' for column in given)
    values = ", ".join(sql.Literal(value).as_string(None) for value in given.values())
    return f'INSERT INTO "{row._meta.db_table}" ({columns}) VALUES ({values});'


@cache
def _shipped() -> tuple[int, int, int]:
    """How many rules there are, how many of them have ended, and how many holidays."""
    rules = [*RULES.rules()]
    return len(rules), sum(row["until_date"] is not None for row in rules), len([*RULES.holidays()])


@cache
def _tables() -> list[str]:
    models = [model for model in apps.get_models(include_auto_created=True) if model._meta.managed]
    return sorted({model._meta.db_table for model in models} - KEPT)
