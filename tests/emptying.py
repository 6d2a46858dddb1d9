"""Empties the database after a test that committed, at a tenth of the cost of Django's flush.

Django truncates all 43 tables, a new file for each of them and of their indexes, and then writes content types and
permissions anew: 0.3 s a test, for tests that leave a few dozen rows in ten tables.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

from django.apps import apps
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction

from campaigns.models import ContactRule, RuleHoliday
from integrations.models import Operation, Vendor
from operations.database.roles import APPEND_ONLY

CATALOGUES = ("0002_catalogue", "0020_messaging_catalogue")
PAIRS = [pair for name in CATALOGUES for pair in import_module(f"integrations.migrations.{name}").PAIRS]
RULES = import_module("campaigns.migrations.0010_rule_table")
TABLES_OF_RULES = {ContactRule._meta.db_table, RuleHoliday._meta.db_table}
# As the migrations left them. No test writes the first two; the rules are written anew where one has.
KEPT = {ContentType._meta.db_table, Permission._meta.db_table, *TABLES_OF_RULES}
MANY = 500  # rows of a table from which on truncating is the quicker way


def empty(_case: Any = None) -> None:
    """Deletes every row but content types, permissions and the shipped rules.

    Stands in for `TransactionTestCase._fixture_teardown`.
    """
    counts = " UNION ALL ".join(
        f"SELECT '{table}', (SELECT count(*) FROM (SELECT FROM \"{table}\" LIMIT {MANY}) first)" for table in _tables()
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # without triggers: append-only tables refuse
        cursor.execute(counts)
        rows = {table: count for table, count in cursor.fetchall() if count}
        names = [f'"{table}"' for table in rows]
        if max(rows.values(), default=0) == MANY:
            cursor.execute(f"TRUNCATE {', '.join(names)} CASCADE")
            names = []
        if append_only := sorted(rows.keys() & {*APPEND_ONLY}):  # no row of these is ever deleted
            cursor.execute(f"TRUNCATE {', '.join(append_only)} CASCADE")
        if names := [name for name in names if name.strip('"') not in APPEND_ONLY]:
            # in any order: foreign keys are looked at by the commit
            cursor.execute("; ".join(f"DELETE FROM {name}" for name in names))
    Vendor.objects.bulk_create([Vendor(name=name) for name in dict(PAIRS)])  # as the migrations left them
    Operation.objects.bulk_create([Operation(vendor_id=vendor, name=name) for vendor, name in PAIRS])
    _restore_rules()


def _restore_rules() -> None:
    """A rule is only added or ended, a holiday only added: what they count tells whether a test did."""
    shipped = [*RULES.rules()]
    ended = sum(row["until_date"] is not None for row in shipped)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), count(until_date), (SELECT count(*) FROM campaigns_ruleholiday)"
            " FROM campaigns_contactrule"
        )
        if cursor.fetchone() == (len(shipped), ended, len([*RULES.holidays()])):
            return
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("; ".join(f'DELETE FROM "{table}"' for table in sorted(TABLES_OF_RULES)))
        RULES.fill(apps, None)


@cache
def _tables() -> list[str]:
    models = [model for model in apps.get_models(include_auto_created=True) if model._meta.managed]
    return sorted({model._meta.db_table for model in models} - KEPT)
