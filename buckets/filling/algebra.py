"""Sets of properties over buckets: in all of these, in any of those, in none of others. Ids only: nothing is bought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

from django.db import connection

from accounts.models import User
from buckets.locks import keep_buckets
from buckets.models import Bucket
from leads.counters import change_counters
from leads.facts.columns import OF_FILE
from leads.facts.incoming import CONTACTS

BUCKETS_MAX = 20  # in one expression: each is a join of all ids
NAME_MAX = 200
# Nothing was bought for it, or it is called by its address or APN (`integrations.realestateapi.naming`).
_OWN_FACTS = "(coalesce(enriched_at, skip_traced_at, apollo_enriched_at) IS NULL OR strpos(property_id, ':') > 0)"
# Of `fact_sources` what persons said, and all of it where their file is all there is; where a lead has none it costs
# nothing.
_SAID = """CASE WHEN coalesce(enriched_at, skip_traced_at, apollo_enriched_at) IS NULL THEN fact_sources
    WHEN fact_sources IS NOT NULL THEN (
    SELECT jsonb_object_agg(s.key, s.value) FROM jsonb_each(fact_sources) s
     WHERE s.value ->> 'source' IN ('file', 'typed')) END"""
# Whether a property is in one of some buckets: for all of a bucket's leads at once, and for a few of them, in order.
# With the first and a LIMIT, PostgreSQL, whose statistics did not know a new bucket yet, ran for minutes.
_SAME = "SELECT 1 FROM leads_lead o WHERE o.bucket_id = ANY(%s) AND o.property_id = l.property_id"
_EXISTS = f"EXISTS ({_SAME})"
_PROBED = f"(({_SAME} LIMIT 1) IS NOT NULL)"
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
        """One lead a property, as a SELECT of these columns of leads, with its parameters."""
        parts = self.parts(columns)
        return " UNION ALL ".join(text for text, _ in parts), [value for _, params in parts for value in params]

    def parts(self, columns: str, there: str = _EXISTS) -> list[tuple[str, list[Any]]]:
        """The same bucket by bucket: a SELECT of one bucket's leads each, to which more conditions may be added.

        A union is each bucket without those before it: joins over the unique index on (bucket, property id), which two
        processes share. DISTINCT would sort all of it, three times as long (two buckets of a million, measured).
        """
        if self.all_of:
            first, *rest = self.all_of
            within = [*([one] for one in rest), *([list(self.any_of)] if self.any_of else [])]
            return [_leads_of(first, columns, there, within=within, without=self.none_of)]
        return [
            _leads_of(one, columns, there, within=[], without=(*self.any_of[:n], *self.none_of))
            for n, one in enumerate(self.any_of)
        ]

    def as_json(self) -> dict[str, list[str]]:
        """By the API's names, for a column."""
        return {name: [str(one) for one in getattr(self, part)] for part, name in FIELDS.items()}

    @classmethod
    def from_json(cls, stored: Mapping[str, Sequence[str]]) -> Sets:
        """Of `as_json`."""
        return cls(**{part: tuple(UUID(one) for one in stored[name]) for part, name in FIELDS.items()})


def _leads_of(
    bucket_id: UUID, columns: str, there: str, *, within: Sequence[list[UUID]], without: Sequence[UUID]
) -> tuple[str, list[Any]]:
    """The leads of a bucket whose property is in one bucket of each list of `within`, and in none of `without`."""
    conditions = ["bucket_id = %s", *[there for _ in within], *([f"NOT {there}"] if without else [])]
    text = f"SELECT {columns} FROM leads_lead l WHERE {' AND '.join(conditions)}"  # noqa: S608  # columns: ours
    return text, [bucket_id, *within, *([list(without)] if without else [])]


def check_sets(*, by: User, sets: Sets) -> dict[UUID, str]:
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


def in_words(sets: Sets, names: Mapping[UUID, str]) -> str:
    """On all of “A”, “B”; not on “C”."""
    parts = [
        f"{words} {', '.join(f'“{names[bucket_id]}”' for bucket_id in chosen)}"
        for words, chosen in (
            ("on all of", sets.all_of),
            ("on any of", sets.any_of),
            ("not on", sets.none_of),
        )
        if chosen
    ]
    words = "; ".join(parts)
    return f"{words[:1].upper()}{words[1:]}."


def count(sets: Sets) -> int:
    """How many properties an expression holds: a second or two where two buckets of a million meet."""
    chosen, params = sets.sql("id")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({chosen}) AS chosen", params)  # noqa: S608  # text of this file only
        row = cursor.fetchone()
    return int(row[0]) if row else 0


@dataclass(frozen=True, slots=True)
class Copied:
    """Of one piece. leads: there were to copy; saved: were new to the bucket, `phones` of them with a phone of a
    person's own; last: the latest that was copied.
    """

    leads: int
    saved: int
    phones: int
    last: UUID | None


def copy_piece(*, bucket: Bucket, sets: Sets, part: int, after: UUID | None, most: int) -> Copied:
    """Copies the next leads of one of an expression's parts, in the order they were saved in. In a transaction.

    Bought facts wait in the look-ups; what a person's own file said of a lead is nowhere else, and comes along. Ids are
    of PostgreSQL's own clock, which ascend as ours do. Raises SetError where a bucket of the expression is gone.
    """
    _keep(bucket.owner_id, sets)
    own = [f"CASE WHEN {_OWN_FACTS}{_said_of(name)} THEN {name} END AS {name}" for name in OF_FILE]
    own.append(f"{_SAID} AS fact_sources")
    chosen, params = sets.parts(", ".join(["id", "source", "property_id", *own]), _PROBED)[part]
    names = ", ".join((*OF_FILE, "fact_sources"))
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH chosen AS MATERIALIZED ({chosen} AND id > %s ORDER BY id LIMIT %s),
                 added AS (
                     INSERT INTO leads_lead
                            (id, bucket_id, owner_id, source, property_id, {names}, created_at, updated_at)
                     SELECT uuidv7(), %s, %s, source, property_id, {names}, now(), now() FROM chosen
                     ON CONFLICT (bucket_id, property_id) DO NOTHING RETURNING phone)
            SELECT (SELECT count(*) FROM chosen), (SELECT count(*) FROM added),
                   (SELECT count(phone) FROM added), (SELECT id FROM chosen ORDER BY id DESC LIMIT 1)
            """,  # noqa: S608  # text of this file only; what a person gave is a parameter
            [*params, after or UUID(int=0), most, bucket.pk, bucket.owner_id],
        )
        copied = Copied(*(cursor.fetchone() or (0, 0, 0, None)))
    change_counters(bucket.pk, total_leads=copied.saved, phone_leads=copied.phones)
    return copied


def _said_of(column: str) -> str:
    """Or a person gave this contact, whatever was bought since: a condition to add, in SQL."""
    phone = column.removesuffix("_do_not_call").removesuffix("_type")
    names = [name for name, columns in CONTACTS.items() if column in columns or phone in columns]
    return "".join(f" OR fact_sources #>> '{{{name},source}}' IN ('file', 'typed')" for name in names)


def _keep(owner_id: int, sets: Sets) -> None:
    """Keeps the buckets from being deleted meanwhile: A − C with C half gone would hold C's leads."""
    if keep_buckets(list(sets.ids), owner_id) < len(sets.ids):
        raise SetError("NOT_FOUND", "A bucket of the combination was deleted meanwhile; combine anew.")
