"""Migration operations that Django 5.2 lacks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState


class OnDeleteInDatabase(Operation):
    """Lets PostgreSQL carry out a foreign key's deletion rule ("CASCADE" or "SET NULL").

    Django's own cascade loads every child row first: a bucket of a million leads would not fit in memory.
    `field` may be a many-to-many field: then both keys of its table cascade.
    """

    reversible = True
    reduces_to_sql = True

    def __init__(self, model: str, field: str, rule: str) -> None:
        self.model, self.field, self.rule = model, field, rule

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (self.__class__.__name__, [self.model, self.field, self.rule], {})

    def state_forwards(self, _app_label: str, _state: ProjectState) -> None:
        return None

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, _from_state: ProjectState, to_state: ProjectState
    ) -> None:
        self._set(app_label, schema_editor, to_state, f"ON DELETE {self.rule}")

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, _from_state: ProjectState, to_state: ProjectState
    ) -> None:
        self._set(app_label, schema_editor, to_state, "")

    def _set(self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, state: ProjectState, rule: str) -> None:
        model = state.apps.get_model(app_label, self.model)
        field = model._meta.get_field(self.field)
        if field.many_to_many:
            through = field.remote_field.through
            keys = [(through, f) for f in through._meta.get_fields() if f.many_to_one]
        else:
            keys = [(model, field)]
        schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for owner, key in keys:
            self._replace(schema_editor, owner._meta.db_table, key, rule)

    @staticmethod
    def _replace(schema_editor: BaseDatabaseSchemaEditor, table: str, key: Any, rule: str) -> None:
        target = key.remote_field.model._meta
        with schema_editor.connection.cursor() as cursor:
            constraints = schema_editor.connection.introspection.get_constraints(cursor, table)
        name = next(n for n, c in constraints.items() if c["foreign_key"] and c["columns"] == [key.column])
        q = schema_editor.quote_name
        schema_editor.execute(f"ALTER TABLE {q(table)} DROP CONSTRAINT {q(name)}")
        schema_editor.execute(
            f"ALTER TABLE {q(table)} ADD CONSTRAINT {q(name)} FOREIGN KEY ({q(key.column)}) "
            f"REFERENCES {q(target.db_table)} ({q(target.pk.column)}) {rule} DEFERRABLE INITIALLY DEFERRED"
        )

    def describe(self) -> str:
        return f"{self.rule} of {self.model}.{self.field} in the database"


class AtOnce(Operation):
    """Several operations whose SQL is made first and then sent in one go.

    Django renders every model between two operations of a migration, while the first one's lock is held: with this
    product's models that is seconds on a busy machine. For operations that make SQL alone, such as no RunPython.
    """

    reversible = False
    reduces_to_sql = True

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.operations = operations

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """As each does. What was rendered is put away: the next operation renders once what these would each time."""
        state.__dict__.pop("apps", None)
        for operation in self.operations:
            operation.state_forwards(app_label, state)

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, _to_state: ProjectState
    ) -> None:
        """All their SQL, also what Django leaves to a migration's end."""
        with schema_editor.connection.schema_editor(collect_sql=True, atomic=False) as made:
            for operation in self.operations:
                after = from_state.clone()
                operation.state_forwards(app_label, after)
                operation.database_forwards(app_label, made, from_state, after)
                from_state = after
        for statement in made.collected_sql:
            if not str(statement).startswith("--"):
                schema_editor.execute(str(statement), params=None)

    def describe(self) -> str:
        """For `migrate --plan`."""
        return "; ".join(operation.describe() for operation in self.operations)


def drop_broken(schema_editor: BaseDatabaseSchemaEditor, name: str) -> bool:
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
    """Makes an index while people work. Goes on where it was killed: PostgreSQL keeps what was not finished, and Django
    would refuse what is there.
    """

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        if not drop_broken(schema_editor, self.index.name):
            super().database_forwards(app_label, schema_editor, from_state, to_state)
