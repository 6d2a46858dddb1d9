"""What properties are called, learned from every detail and search row that was bought so far.

A million details take about two minutes: names are copied into a temporary table, a part of the look-ups at a time, and
written with one statement.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.db import migrations

from integrations.migrations._frozen import is_stand_in, names_of

PART = 5000  # details at a time
PAGES = 100  # search pages at a time: 250 rows each


def learn(apps: Any, schema_editor: Any) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE told (name text, property_id text) ON COMMIT DROP")
        for operation, part, names in (("property_detail", PART, _of_detail), ("property_search", PAGES, _of_page)):
            for rows in _answers(cursor, operation, part):
                with cursor.copy("COPY told (name, property_id) FROM STDIN") as copy:
                    for key, facts in rows:
                        for pair in names(key, facts):
                            copy.write_row(pair)
        cursor.execute(
            """
            INSERT INTO integrations_propertyname (name, property_id)
            SELECT name, CASE WHEN min(property_id) = max(property_id) THEN min(property_id) ELSE '' END
              FROM told GROUP BY name ORDER BY name
            ON CONFLICT (name) DO UPDATE SET property_id = ''
             WHERE integrations_propertyname.property_id <> excluded.property_id
            """
        )
        cursor.execute("DROP TABLE told")


def _answers(cursor: Any, operation: str, part: int) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    last = 0
    while True:
        cursor.execute(
            """
            SELECT l.id, l.key, l.facts FROM integrations_lookup l
              JOIN integrations_operation o ON o.id = l.operation_id AND o.name = %s
             WHERE l.id > %s AND l.facts IS NOT NULL AND l.category = '' ORDER BY l.id LIMIT %s
            """,
            [operation, last, part],
        )
        rows = cursor.fetchall()
        if not rows:
            return
        last = rows[-1][0]
        yield [(key, json.loads(facts) if isinstance(facts, str) else facts) for _, key, facts in rows]


def _of_detail(key: str, facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    stand_in = is_stand_in(key)
    property_id = facts.get("property_id") if stand_in else key
    if property_id:
        yield from ((name, property_id) for name in names_of(facts))
        if stand_in:
            yield key, property_id


def _of_page(key: str, facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for row in facts.get("rows") or ():
        if row.get("property_id"):
            yield from ((name, row["property_id"]) for name in names_of(row))


# Django gives a text key a second index for LIKE: nobody asks for names by their beginning, and it doubles each insert.
WITHOUT_LIKE_INDEX = """
DO $$ DECLARE found text; BEGIN
  FOR found IN SELECT indexname FROM pg_indexes
                WHERE schemaname = current_schema() AND tablename = 'integrations_propertyname'
                  AND indexname LIKE '%\\_like' LOOP
    EXECUTE format('DROP INDEX %I', found);
  END LOOP;
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("integrations", "0007_billed_day")]
    operations = [
        migrations.RunSQL(WITHOUT_LIKE_INDEX, migrations.RunSQL.noop),
        migrations.RunPython(learn, migrations.RunPython.noop),
    ]
