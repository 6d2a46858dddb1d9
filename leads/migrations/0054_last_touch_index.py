"""The index by which a bucket's leads are sorted by their last touch, while people work. It has touched leads alone."""

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
    dependencies = [("leads", "0053_rows_of_a_page")]
    operations = [
        AddIndexOnce(
            model_name='lead',
            index=models.Index(condition=models.Q(('last_activity_at__isnull', False)), fields=['bucket', 'last_activity_at', 'id'], name='lead_by_last_touch'),
        ),
    ]
