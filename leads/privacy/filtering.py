"""Whatever is stored of people passes here: what bears the key of a forgotten person is dropped.

By person, never by property: the next owner of her house can be bought. Call it in the transaction that stores the
records. It gives that transaction a number, so that `forgetting` can wait for those that did not see her hashes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol, TypeVar, cast

from django.db import connection
from django.db.models import Model
from django.utils import timezone

from common.db.arrays import hexed, joined
from leads.facts.typed import EditRefused
from leads.keys import key_secrets
from leads.privacy.person import OWNER_FORGOTTEN, Facts, applied, values_of, without
from leads.privacy.suppressions import Suppression
from leads.privacy.texts import Value, json_values, json_without

Said = TypeVar("Said")
WORDS = "This person asked to be forgotten: it is not kept."


class HasFacts(Protocol):
    @property
    def facts(self) -> Mapping[str, Any]: ...


def anybody_forgotten() -> bool:
    """Whether there is a list at all: without one, a batch costs one look."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT EXISTS (SELECT FROM leads_suppression WHERE reason = 'erased'),
                   CASE WHEN pg_current_xact_id() IS NOT NULL THEN true END
            """
        )
        return bool((cursor.fetchone() or (False,))[0])


def digests_of(values: Collection[Value]) -> dict[tuple[int, bytes], Value]:
    """Under every secret that is listed."""
    return {
        (kind, key_secrets.digest(secret, kind, value)): (kind, value)
        for secret in key_secrets.for_reading()
        for kind, value in values
    }


def listed_among(values: Collection[Value]) -> set[Value]:
    """Those of these values whose bearer is forgotten."""
    digests = digests_of(values)
    if not digests:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT s.kind, s.digest FROM leads_suppression s
              JOIN unnest(string_to_array(%s, ',')::smallint[], string_to_array(%s, ',')) AS n(kind, digest)
                ON s.kind = n.kind AND s.digest = decode(n.digest, 'hex')
             WHERE s.reason = %s
            """,
            [joined(kind for kind, _ in digests), hexed(one for _, one in digests), Suppression.Reason.ERASED],
        )
        return {digests[kind, bytes(one)] for kind, one in cursor.fetchall()}


def cleaned(records: Sequence[Facts]) -> list[Facts]:
    """These records, by a lead's columns, without forgotten people; the same object where nobody is in it."""
    if not records or not anybody_forgotten():
        return list(records)
    values = [values_of(record) for record in records]
    listed = listed_among(set().union(*values))
    if not listed:
        return list(records)
    now = timezone.now().isoformat()
    result: list[Facts] = []
    for record, own in zip(records, values, strict=True):
        cut = without(record, listed & own, at=now) if listed & own else None
        result.append(applied(record, cut) if cut and cut.changes else record)
    return result


def cleaned_facts(facts: Sequence[Facts]) -> list[Facts]:
    """A file's rows, by a lead's columns, cleaned."""
    after = cleaned(facts)
    return [one if left is one else _of_file(left) for one, left in zip(facts, after, strict=True)]


def cleaned_rows(rows: Sequence[Any]) -> list[Any]:
    """Named tuples with `facts` (`leads.facts.incoming.Incoming`), cleaned."""
    after = cleaned_facts([row.facts for row in rows])
    return [row if facts is row.facts else row._replace(facts=facts) for row, facts in zip(rows, after, strict=True)]


def _of_file(facts: Facts) -> dict[str, Any]:
    """A file's row as the import has it: a column that says nothing is not there."""
    return {name: value for name, value in facts.items() if value is not None and name != OWNER_FORGOTTEN}


def kept(value: Said) -> Said:
    """What a person types, a text or JSON, with "[forgotten]" in place of phones and e-mails of forgotten people."""
    values = json_values(value)
    if not values or not anybody_forgotten() or not (listed := listed_among(values)):
        return value
    return cast(Said, json_without(value, listed))


def kept_in(row: Model, column: str, value: Said) -> Said:
    """The same for a column, which "[forgotten]" may be too long for."""
    left, most = kept(value), getattr(row._meta.get_field(column), "max_length", None)  # Django's own name
    return cast(Said, left[:most]) if isinstance(left, str) and left != value else left


def names_forgotten(*texts: str) -> bool:
    """Whether one of these texts holds the phone or the e-mail of a forgotten person."""
    values = set().union(*map(json_values, texts))
    return bool(values) and anybody_forgotten() and bool(listed_among(values))


def refuse_forgotten(lead: Facts, said: Mapping[str, Any]) -> None:
    """Raises EditRefused, naming the column, where what a person types of this lead is a forgotten person's."""
    record = {**lead, **said}
    (after,) = cleaned([record])
    for column, value in said.items():
        if value and after.get(column) != value:
            raise EditRefused(column, WORDS)
