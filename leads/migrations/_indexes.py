"""Indexes that are made while people work, by migrations that may be killed."""

from django.contrib.postgres.operations import AddIndexConcurrently


def drop_broken(schema_editor, name):
    """Whether the index is there. One that a killed migration left unfinished is dropped."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relname = %s", [name]
        )
        (valid,) = cursor.fetchone() or (None,)
    if valid is False:
        schema_editor.execute(f"DROP INDEX CONCURRENTLY {name}")
    return bool(valid)


class AddIndexOnce(AddIndexConcurrently):
    """Goes on where it was killed: PostgreSQL keeps what was not finished, and Django would refuse what is there."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        if not drop_broken(schema_editor, self.index.name):
            super().database_forwards(app_label, schema_editor, from_state, to_state)
