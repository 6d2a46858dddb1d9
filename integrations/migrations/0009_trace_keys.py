"""Contacts that were bought by the former key of a skip trace are found by the new one too.

Recomputed from the details that they were asked from. A copy that cost nothing, beside the row that was paid for: while
both versions run, and after a step back, the old code is still served by the old row. It names no request, so that
shares of answers with a phone do not count it twice. A million details take about four minutes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.db import migrations

from integrations.migrations._trace_keys import asked_by, former_key, trace_key

PART = 5000  # details at a time


def copy_under_new_keys(apps: Any, schema_editor: Any) -> None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE renamed (old text, new text) ON COMMIT DROP")
        for details in _details(cursor):
            with cursor.copy("COPY renamed (old, new) FROM STDIN") as copy:
                for detail in details:
                    for pair in _keys(detail):
                        copy.write_row(pair)
        cursor.execute("ANALYZE renamed")
        cursor.execute(
            """
            INSERT INTO integrations_lookup (operation_id, key, state, facts, category, cost, fetched_at)
            SELECT DISTINCT ON (l.operation_id, r.new)
                   l.operation_id, r.new, 'answered', l.facts, l.category, 0, l.fetched_at
              FROM renamed r
              JOIN integrations_lookup l ON l.key = r.old AND l.state = 'answered'
              JOIN integrations_operation o ON o.id = l.operation_id AND o.name = 'skip_trace'
             ORDER BY l.operation_id, r.new, l.facts->>'phone' IS NULL, l.facts->>'email' IS NULL, l.fetched_at DESC
            ON CONFLICT (operation_id, key) DO NOTHING
            """
        )
        cursor.execute("DROP TABLE renamed")


def _details(cursor: Any) -> Iterator[list[dict[str, Any]]]:
    last = 0
    while True:
        cursor.execute(
            """
            SELECT l.id, l.facts FROM integrations_lookup l
              JOIN integrations_operation o ON o.id = l.operation_id AND o.name = 'property_detail'
             WHERE l.id > %s AND l.facts IS NOT NULL AND l.category = '' ORDER BY l.id LIMIT %s
            """,
            [last, PART],
        )
        rows = cursor.fetchall()
        if not rows:
            return
        last = rows[-1][0]
        yield [json.loads(facts) if isinstance(facts, str) else facts for _, facts in rows]


def _keys(detail: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(former, new): as a run asked, and as a person did who knew neither the mailing address nor perhaps the ZIP."""
    asked = asked_by(detail)
    new = trace_key(asked)
    if new is None:
        return
    bare = asked | dict.fromkeys(("mail_address", "mail_city", "mail_state", "mail_zip"))
    for old in dict.fromkeys(former_key(form) for form in (asked, bare, bare | {"zip": None})):
        if old is not None:
            yield old, new


class Migration(migrations.Migration):
    dependencies = [("integrations", "0008_property_names")]
    operations = [migrations.RunPython(copy_under_new_keys, migrations.RunPython.noop)]
