"""What is to be called back stands in the calendar. In pieces, each a transaction of its own: killed, it goes on with
those that have no event yet.
"""

from typing import Any

from django.db import migrations, transaction

PIECE = 10_000
_FILL = """
    WITH piece AS MATERIALIZED (
        SELECT l.id, l.team_id, l.callback_at, coalesce(l.assigned_to_id, a.by_id, l.owner_id) AS whose, a.by_id, a.text
          FROM leads_lead l
          LEFT JOIN LATERAL (SELECT by_id, text FROM leads_activity
                              WHERE lead_id = l.id AND kind = 'callback' AND due_at = l.callback_at
                              ORDER BY id DESC LIMIT 1) a ON true
         WHERE l.callback_at IS NOT NULL AND l.merged_into_id IS NULL
           AND l.id > %(after)s
         ORDER BY l.id LIMIT %(piece)s),
    made AS (
        INSERT INTO leads_event (id, team_id, owner_id, lead_id, kind, title, note, starts_at, ends_at, zone, status,
            anyone, place, guest_zone, sequence, source, by_id, created_at, changed_at)
        SELECT uuidv7(), p.team_id, p.whose, p.id, 'callback', '', coalesce(p.text, ''), p.callback_at,
               p.callback_at + interval '15 minutes', u.time_zone, 'planned', false, '', '', 0, 'import', p.by_id,
               now(), now()
          FROM piece p JOIN accounts_user u ON u.id = p.whose
         WHERE NOT EXISTS (SELECT FROM leads_event e
                            WHERE e.lead_id = p.id AND e.kind = 'callback' AND e.status = 'planned')
        ON CONFLICT DO NOTHING)
    SELECT id FROM piece ORDER BY id DESC LIMIT 1
"""


def fill(_apps: Any, schema_editor: Any, piece: int = PIECE) -> None:
    after: Any = "00000000-0000-0000-0000-000000000000"
    while after is not None:
        with transaction.atomic(using=schema_editor.connection.alias), schema_editor.connection.cursor() as cursor:
            cursor.execute(_FILL, {"after": after, "piece": piece})
            after = (cursor.fetchone() or (None,))[0]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("leads", "0036_calendar")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop, elidable=False)]
