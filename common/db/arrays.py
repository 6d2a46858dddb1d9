"""Long arrays as parameters of SQL: the driver quotes an array's elements one by one, a text at once."""

from __future__ import annotations

from collections.abc import Iterable


def joined(numbers: Iterable[int]) -> str:
    """For `string_to_array(%s, ',')::bigint[]`."""
    return ",".join(map(str, numbers))


def hexed(values: Iterable[bytes]) -> str:
    """For `string_to_array(%s, ',')`, whose elements `decode(…, 'hex')` makes bytes of."""
    return ",".join(value.hex() for value in values)
