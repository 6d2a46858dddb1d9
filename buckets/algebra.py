"""Sets of properties over buckets: in all of these, in any of those, in none of others. Ids only: nothing is bought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from buckets.models import Bucket
from leads.counters import change_counters
from leads.incoming import COLUMNS

BUCKETS_MAX = 20  # in one expression: each is a join of all ids
NAME_MAX = 200
DESCRIPTION_MAX = 2000
# Nothing was bought for it, or it is called by its address or APN (`integrations.realestateapi.naming`).
_OWN_FACTS = "(coalesce(enriched_at, skip_traced_at, apollo_enriched_at) IS NULL OR strpos(property_id, ':') > 0)"
FIELDS = {"all_of": "allOf", "any_of": "anyOf", "none_of": "noneOf"}


class SetError(ValueError):
    """An expression that cannot be meant or holds nothing. `code`: INVALID, NOT_FOUND, EMPTY; `field` as in the API."""

    def __init__(self, code: str, message: str, field: str = "") -> None:
        super().__init__(message)
        self.code, self.field = code, field


@dataclass(frozen=True, slots=True)
class Sets:
    """The properties that are in every bucket of `all_of`, in one of `any_of` (if any) and in none of `none_of`.

    A ∩ B − C is all_of=(A, B), none_of=(C,); A ∪ B is any_of=(A, B). A property is told by its property id.
    """

    all_of: tuple[UUID, ...] = ()
    any_of: tuple[UUID, ...] = ()
    none_of: tuple[UUID, ...] = ()

    @property
    def ids(self) -> set[UUID]:
        """Every bucket it names."""
        return {*self.all_of, *self.any_of, *self.none_of}

    def sql(self, columns: str = "id, property_id") -> tuple[str, list[Any]]:
        """One lead a property, as a SELECT of these columns of leads, with its parameters.

        A union is each bucket without those before it: joins over the unique index on (bucket, property id), which two
        processes share. DISTINCT would sort all of it, three times as long (two buckets of a million, measured).
        """
        if self.all_of:
            first, *rest = self.all_of
            within = [*([one] for one in rest), *([list(self.any_of)] if self.any_of else [])]
            return _leads_of(first, columns, within=within, without=self.none_of)
        parts = [
            _leads_of(one, columns, within=[], without=(*self.any_of[:n], *self.none_of))
            for n, one in enumerate(self.any_of)
        ]
        return " UNION ALL ".join(text for text, _ in parts), [value for _, params in parts for value in params]


def _leads_of(
    bucket_id: UUID, columns: str, *, within: Sequence[list[UUID]], without: Sequence[UUID]
) -> tuple[str, list[Any]]:
    """The leads of a bucket whose property is in one bucket of each list of `within`, and in none of `without`."""
    there = "EXISTS (SELECT 1 FROM leads_lead o WHERE o.bucket_id = ANY(%s) AND o.property_id = l.property_id)"
    conditions = ["bucket_id = %s", *[there for _ in within], *([f"NOT {there}"] if without else [])]
    text = f"SELECT {columns} FROM leads_lead l WHERE {' AND '.join(conditions)}"  # noqa: S608  # columns: ours
    return text, [bucket_id, *within, *([list(without)] if without else [])]


def check_sets(*, by: Any, sets: Sets) -> dict[UUID, str]:
    """The names of the buckets an expression names. Raises SetError: none to take from, too many, not this user's."""
    if not sets.all_of and not sets.any_of:
        raise SetError("INVALID", "Say which buckets to take from: all of, or any of.", "allOf")
    if len(sets.ids) > BUCKETS_MAX:
        raise SetError("INVALID", f"At most {BUCKETS_MAX} buckets.", "allOf")
    names = dict(Bucket.objects.owned_by(by).filter(pk__in=sets.ids).values_list("pk", "name"))
    for part in fields(sets):
        if not names.keys() >= set(getattr(sets, part.name)):
            raise SetError("NOT_FOUND", "There is no such bucket.", FIELDS[part.name])
    return names


def combine(*, by: Any, name: str, sets: Sets, description: str | None = None) -> Bucket:
    """Makes a bucket of the properties of an expression over this user's buckets, for $0. Raises SetError.

    One transaction: killed, it has made nothing. The same expression twice makes two buckets.
    """
    if not 1 <= len(name.strip()) <= NAME_MAX:
        raise SetError("INVALID", f"A bucket's name has 1 to {NAME_MAX} characters.", "name")
    with transaction.atomic():
        _keep(sets)
        names = check_sets(by=by, sets=sets)
        words = in_words(sets, names)[:DESCRIPTION_MAX] if description is None else description
        bucket = Bucket.objects.create(owner=by, name=name.strip(), description=words)
        if not _fill(bucket, sets):
            raise SetError("EMPTY", "No property is in this combination: no bucket was made.")
    bucket.refresh_from_db()
    return bucket


def duplicate(*, bucket: Bucket, name: str = "") -> Bucket:
    """Makes another bucket of the same property ids, for $0, for the same owner. Raises SetError where it is gone.

    What people did with the leads stays in the first; facts that were bought serve the copy for $0 while fresh.
    """
    title = (name or f"Copy of {bucket.name}")[:NAME_MAX]
    sets = Sets(all_of=(bucket.pk,))
    with transaction.atomic():
        _keep(sets)
        check_sets(by=bucket.owner, sets=sets)
        copy = Bucket.objects.create(
            owner=bucket.owner,
            name=title,
            description=bucket.description,
            source=bucket.source,
            filters=bucket.filters,
            signals=bucket.signals,
        )
        _fill(copy, sets)
    copy.refresh_from_db()
    return copy


def in_words(sets: Sets, names: Mapping[UUID, str]) -> str:
    """In all of “A”, “B”; in none of “C”."""
    parts = [
        f"{words} {', '.join(f'“{names[bucket_id]}”' for bucket_id in chosen)}"
        for words, chosen in (
            ("in all of", sets.all_of),
            ("in any of", sets.any_of),
            ("in none of", sets.none_of),
        )
        if chosen
    ]
    words = "; ".join(parts)
    return f"{words[:1].upper()}{words[1:]}."


def _keep(sets: Sets) -> None:
    """Holds off whoever deletes one of the buckets meanwhile: A − C with C half gone would hold C's leads.

    A key share lock stops a deletion, which ends with the bucket's row, and nobody who counts or renames.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM buckets_bucket WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE", [list(sets.ids)])


def _fill(bucket: Bucket, sets: Sets) -> int:
    """The leads in the order they were saved in, by ids of PostgreSQL's own clock, which ascend as ours do.

    Bought facts wait in the look-ups; what a person's own file said of a lead is nowhere else, and comes along.
    """
    own = [f"CASE WHEN {_OWN_FACTS} THEN {name} END AS {name}" for name in COLUMNS]
    chosen, params = sets.sql(", ".join(["id", "source", "property_id", *own]))
    names = ", ".join(COLUMNS)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO leads_lead (id, bucket_id, owner_id, source, property_id, {names}, created_at, updated_at)
            SELECT uuidv7(), %s, %s, source, property_id, {names}, now(), now() FROM ({chosen} ORDER BY id) AS chosen
            """,  # noqa: S608  # text of this file only; what a person gave is a parameter
            [bucket.pk, bucket.owner_id, *params],
        )
        inserted = int(cursor.rowcount)
    change_counters(bucket.pk, total_leads=inserted)
    return inserted
