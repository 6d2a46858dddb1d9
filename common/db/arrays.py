"""Long arrays as parameters of SQL: the driver quotes an array's elements one by one, a text at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import CharField, Field, Lookup


def joined(values: Iterable[object]) -> str:
    """For `string_to_array(%s, ',')::bigint[]`, and of ids for `::uuid[]`."""
    return ",".join(map(str, values))


@Field.register_lookup
class Among(Lookup):
    """`column__among=values`: as `in`, with one parameter for all of them. Of `in` Django makes one for each, which it
    compiles and the driver quotes: 100 ids cost twice as much.
    """

    lookup_name = "among"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        column, params = self.process_lhs(compiler, connection)
        field = self.lhs.output_field
        if isinstance(field, CharField):  # which may hold a comma
            return f"{column} = ANY(%s::text[])", [*params, list(self.rhs)]
        return f"{column} = ANY(string_to_array(%s, ',')::{field.db_type(connection)}[])", [*params, joined(self.rhs)]


def hexed(values: Iterable[bytes]) -> str:
    """For `string_to_array(%s, ',')`, whose elements `decode(…, 'hex')` makes bytes of."""
    return ",".join(value.hex() for value in values)
