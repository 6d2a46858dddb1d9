"""Keys of owners with their digests, made where there is time for it: by whoever reads a file. Pure: no query."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

from leads.keys import key_secrets
from leads.keys.key_secrets import digest
from leads.keys.owner_keys import Key

Placed = tuple[int, int, int]  # of a row: the key's place in `Digested.keys`, its role and position


class One(NamedTuple):
    """A key as it is stored, with what its digest is made of."""

    kind: int
    digest: bytes
    value: str
    hint: str


def digests_of(hints: Mapping[tuple[int, str], str], secret: str) -> list[One]:
    """Keys, {(kind, value): hint}, under a secret, sorted by kind and digest."""
    return sorted([One(kind, digest(secret, kind, value), value, hint) for (kind, value), hint in hints.items()])


@dataclass(slots=True)
class Digested:
    """keys: each once, sorted by kind and digest. rows: the keys of each row, the best role of a key first."""

    secret: str
    keys: list[One]
    rows: Sequence[Sequence[Placed]]

    @classmethod
    def of(cls, rows: Sequence[Sequence[Key]]) -> Self:
        """rows: `keys_of` each."""
        secret = key_secrets.first()
        hints = {(key.kind, key.value): key.hint for keys in rows for key in keys}
        made = digests_of(hints, secret)
        place = {(one.kind, one.value): place for place, one in enumerate(made)}
        placed = [tuple([(place[kind, value], role, at) for kind, value, _, role, at in keys]) for keys in rows]
        return cls(secret, made, placed)

    def used(self, rows: Iterable[Sequence[Placed]]) -> tuple[list[One], dict[int, int]]:
        """The keys of these rows, and the place of each among them by its place in `keys`."""
        places = sorted({place for row in rows for place, _, _ in row})
        return [self.keys[place] for place in places], {place: n for n, place in enumerate(places)}
