"""Indexes by owner, which nothing asks by any more."""

from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("leads", "0019_lead_team_indexes")]
    operations = [
        RemoveIndexConcurrently(
            model_name='lead',
            name='lead_by_owner',
        ),
        RemoveIndexConcurrently(
            model_name='lead',
            name='lead_of_owner_by_status',
        ),
        RemoveIndexConcurrently(
            model_name='lead',
            name='lead_of_owner_by_enrichment',
        ),
        RemoveIndexConcurrently(
            model_name='lead',
            name='lead_to_call_back',
        ),
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS lead_by_words", migrations.RunSQL.noop),
    ]
