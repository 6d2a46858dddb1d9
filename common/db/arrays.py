"""Long arrays and many rows as parameters of SQL: the driver quotes an array's elements one by one, a text at once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from django.db.models import CharField, Field, Lookup


def joined(values: Iterable[object]) -> str:
    """For `string_to_array(%s, ',')::bigint[]`, and of ids for `::uuid[]`."""
    return ",".join(map(str, values))


def recordset(rows: Sequence[Mapping[str, Any]]) -> str:
    """For `jsonb_to_recordset(%s::jsonb)`. A value that JSON has no word for goes as its text."""
    try:
        return orjson.dumps(rows, default=str, option=orjson.OPT_PASSTHROUGH_DATETIME).decode()
    except TypeError:  # a whole number of more than 64 bits
        return json.dumps(rows, default=str)


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
