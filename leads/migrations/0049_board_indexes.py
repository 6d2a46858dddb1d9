"""Indexes of the board and of custom fields, while people work. None has a lead that is an id and nothing else."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class AddIndexOnce(AddIndexConcurrently):
    """Goes on where it was killed: PostgreSQL keeps what was not finished, and Django would refuse what is there."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        name = self.index.name
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(
                "SELECT i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relname = %s", [name]
            )
            (valid,) = cursor.fetchone() or (None,)
        if valid is False:
            schema_editor.execute(f"DROP INDEX CONCURRENTLY {name}")
        if not valid:
            super().database_forwards(app_label, schema_editor, from_state, to_state)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("leads", "0047_custom_fields")]
    operations = [
        AddIndexOnce(
            model_name='lead',
            index=models.Index(condition=models.Q(('last_activity_at__isnull', False), ('status_label__isnull', True)), fields=['team', 'status', 'last_activity_at', 'id'], name='lead_of_team_on_board'),
        ),
        AddIndexOnce(
            model_name='lead',
            index=models.Index(condition=models.Q(('status_label__isnull', False)), fields=['status_label', 'last_activity_at', 'id'], name='lead_by_label'),
        ),
        AddIndexOnce(
            model_name='lead',
            index=models.Index(condition=models.Q(('custom__isnull', False)), fields=['team', 'id'], name='lead_of_team_with_custom'),
        ),
    ]
