"""Every lead of before teams gets that of its bucket, in pieces: each is a transaction, and a killed migration goes on.

What old code inserts meanwhile gets its team by the trigger of 0017.
"""

from django.db import migrations

PIECE = 2_000  # leads a transaction: 0.1 to 0.3 s, so that a worker that wants one of them hardly waits
FILL = """
WITH piece AS (
    SELECT id FROM leads_lead WHERE id > %s ORDER BY id LIMIT %s
), held AS (
    SELECT l.id FROM leads_lead l JOIN piece USING (id) WHERE l.team_id IS NULL ORDER BY l.id FOR NO KEY UPDATE OF l
), filled AS (
    UPDATE leads_lead l SET team_id = b.team_id
      FROM held, buckets_bucket b WHERE l.id = held.id AND b.id = l.bucket_id
)
SELECT max(id::text) FROM piece
"""


def fill(_apps, schema_editor):
    after = "00000000-0000-0000-0000-000000000000"
    with schema_editor.connection.cursor() as cursor:
        while after is not None:
            cursor.execute(FILL, [after, PIECE])
            after = cursor.fetchone()[0]


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("leads", "0017_teams")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
