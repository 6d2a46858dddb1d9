"""Indexes by team, while people work; then the column is never empty (checked without a long lock)."""

import django.db.models.deletion
from django.db import migrations, models

from common.db.migrations import AddIndexOnce, drop_broken

# The team and the bucket first: a word that a million leads of others hold costs nothing. `gin_pending_list_limit`, in
# kB: rows an import has just brought lie in a list that each search reads whole; at 1 MB that is 3 ms (measured).
WORDS = """
CREATE INDEX CONCURRENTLY IF NOT EXISTS lead_of_team_by_words ON leads_lead USING gin (team_id, bucket_id, search)
    WITH (gin_pending_list_limit = 1024) WHERE search IS NOT NULL
"""
FULL = "lead_team_filled"
# The table's own changes take an instant, once they have their lock: they do not queue for it before everybody else.
BRIEFLY, AT_LEISURE = "SET lock_timeout = '500ms'", "RESET lock_timeout"


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("leads", "0018_lead_team_filled")]
    operations = [
        migrations.RunSQL(AT_LEISURE, migrations.RunSQL.noop),  # an earlier try may have ended before it
        AddIndexOnce(
            model_name='lead',
            index=models.Index(fields=['team', 'id'], name='lead_by_team'),
        ),
        AddIndexOnce(
            model_name='lead',
            index=models.Index(condition=models.Q(('assigned_to__isnull', False)), fields=['assigned_to', 'id'], name='lead_by_assignee'),
        ),
        AddIndexOnce(
            model_name='lead',
            index=models.Index(condition=models.Q(('status', 'new'), _negated=True), fields=['team', 'status', 'id'], name='lead_of_team_by_status'),
        ),
        AddIndexOnce(
            model_name='lead',
            index=models.Index(condition=models.Q(('enrichment_status', 'pending'), _negated=True), fields=['team', 'enrichment_status', 'id'], name='lead_of_team_by_enrichment'),
        ),
        AddIndexOnce(
            model_name='lead',
            index=models.Index(condition=models.Q(('callback_at__isnull', False)), fields=['team', 'callback_at', 'id'], name='lead_of_team_to_call_back'),
        ),
        migrations.RunPython(lambda _apps, editor: drop_broken(editor, "lead_of_team_by_words"), migrations.RunPython.noop),
        migrations.RunSQL(WORDS, "DROP INDEX CONCURRENTLY lead_of_team_by_words"),
        migrations.RunSQL(
            [
                BRIEFLY,
                f"ALTER TABLE leads_lead DROP CONSTRAINT IF EXISTS {FULL}",
                f"ALTER TABLE leads_lead ADD CONSTRAINT {FULL} CHECK (team_id IS NOT NULL) NOT VALID",
                AT_LEISURE,
            ],
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(f"ALTER TABLE leads_lead VALIDATE CONSTRAINT {FULL}", migrations.RunSQL.noop),
        migrations.RunSQL(BRIEFLY, AT_LEISURE),
        migrations.AlterField(
            model_name='lead',
            name='team',
            field=models.ForeignKey(db_constraint=False, db_index=False, help_text='The team of its bucket', on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.team'),
        ),
        migrations.RunSQL([f"ALTER TABLE leads_lead DROP CONSTRAINT IF EXISTS {FULL}", AT_LEISURE], migrations.RunSQL.noop),
    ]
