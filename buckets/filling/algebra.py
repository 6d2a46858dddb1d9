"""Sets of properties over buckets: in all of these, in any of those, in none of others. Ids only: nothing is bought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db import connection

from buckets.filling.identity import Matching, have_names
from buckets.locks import keep_buckets
from buckets.models import Bucket
from leads.counters import change_counters
from leads.facts.batches import CONTACTS
from leads.facts.columns import OF_FILE

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
FIELDS = {"all_of": "allOf", "any_of": "anyOf", "none_of": "noneOf"}
PLACES = (  # what a form offers for each bucket
    ("", "–"),
    ("all_of", "Include leads on all of"),
    ("any_of", "Include leads on any of"),
    ("none_of", "Exclude leads on"),
)


Params = dict[str, Any]


class SetError(ValueError):
    """An expression that cannot be meant or holds nothing. `code`: INVALID, NOT_FOUND, EMPTY; `field` as in the API."""

    def __init__(self, code: str, message: str, field: str = "") -> None:
        super().__init__(message)
        self.code, self.field = code, field


@dataclass(frozen=True, slots=True)
class Sets:
    """The properties that are in every bucket of `all_of`, in one of `any_of` (if any) and in none of `none_of`.

    A ∩ B − C is all_of=(A, B), none_of=(C,); A ∪ B is any_of=(A, B). A property is told by its
    identity (`buckets.filling.identity`); what is possibly in one of `none_of` is left out too.
    """

    all_of: tuple[UUID, ...] = ()
    any_of: tuple[UUID, ...] = ()
    none_of: tuple[UUID, ...] = ()

    @property
    def ids(self) -> set[UUID]:
        """Every bucket it names."""
        return {*self.all_of, *self.any_of, *self.none_of}

    @property
    def parts(self) -> int:
        """How many SELECTs it takes, each of one bucket's leads."""
        return 1 if self.all_of else len(self.any_of)

    def sql(self, columns: str = "id, property_id", *, left_out: bool = False) -> tuple[str, Params]:
        """One lead a property, as a SELECT of these columns of leads, with its parameters: all at once."""
        matching = Matching(few=False, named=have_names(list(self.ids)))
        texts: list[str] = []
        params: Params = {}
        for number in range(self.parts):
            text, values = self.part(number, columns, matching, left_out=left_out)
            texts.append(text)
            params |= values
        return " UNION ALL ".join(texts), params

    def part(self, number: int, columns: str, matching: Matching, *, left_out: bool = False) -> tuple[str, Params]:
        """The same of one bucket's leads, to which more conditions may be added.

        A union is each bucket without those before it: joins over the unique index on (bucket, property id), which two
        processes share. DISTINCT would sort all of it, three times as long (two buckets of a million, measured).
        left_out: instead those that are missing only because they are possibly the same as one of `none_of`.
        """
        own, params = self._own(number)
        if matching.named:
            own.append("merged_into_id IS NULL")  # where there are no names, nothing is merged
        bucket = f"p{number}_own"
        for name in [name for name in params if "_in" in name]:
            own.append(matching.same(bucket, name))
        if f"p{number}_before" in params:
            own.append(matching.not_same(bucket, f"p{number}_before"))
        if self.none_of:
            without = f"p{number}_without"
            own.append(matching.not_same(bucket, without))
            also = matching.possibly(bucket, without) if left_out else matching.not_possibly(bucket, without)
            own += [also] if also else []
        elif left_out:
            own.append("false")
        return f"SELECT {columns} FROM leads_lead l WHERE {' AND '.join(own)}", params  # noqa: S608  # columns: ours

    def _own(self, number: int) -> tuple[list[str], Params]:
        """The condition on the bucket, and the parameters of the part: own, in…, before, without."""
        name = f"p{number}"
        if self.all_of:
            own, *rest = self.all_of
            within = [*([one] for one in rest), *([list(self.any_of)] if self.any_of else [])]
            params: Params = {f"{name}_in{n}": buckets for n, buckets in enumerate(within)}
        else:
            own, params = self.any_of[number], {}
            if number:
                params[f"{name}_before"] = list(self.any_of[:number])
        if self.none_of:
            params[f"{name}_without"] = list(self.none_of)
        return [f"bucket_id = %({name}_own)s"], {f"{name}_own": own, **params}

    def as_json(self) -> dict[str, list[str]]:
        """By the API's names, for a column."""
        return {name: [str(one) for one in getattr(self, part)] for part, name in FIELDS.items()}

    def as_query(self) -> str:
        """As the parameters of an address."""
        return urlencode({name: ",".join(ids) for name, ids in self.as_json().items() if ids}, safe=",")

    @classmethod
    def of_places(cls, chosen: Mapping[UUID, str]) -> Sets:
        """chosen: the place, of PLACES, of each bucket."""
        return cls(**{part: tuple(pk for pk, place in chosen.items() if place == part) for part in FIELDS})

    @classmethod
    def from_json(cls, stored: Mapping[str, Sequence[str]]) -> Sets:
        """Of `as_json`."""
        return cls(**{part: tuple(UUID(one) for one in stored[name]) for part, name in FIELDS.items()})


def check_sets(*, team_id: int, sets: Sets) -> dict[UUID, str]:
    """The names of the buckets an expression names. Raises SetError: none to take from, too many, not this team's."""
    if not sets.all_of and not sets.any_of:
        raise SetError("INVALID", "Say which buckets to take from: all of, or any of.", "allOf")
    if len(sets.ids) > BUCKETS_MAX:
        raise SetError("INVALID", f"At most {BUCKETS_MAX} buckets.", "allOf")
    names = dict(Bucket.objects.filter(team_id=team_id, pk__in=sets.ids).values_list("pk", "name"))
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
    return _count(chosen, params)


def count_left_out(sets: Sets) -> int:
    """How many leads an expression leaves out only because they are possibly on one of the lists it excludes."""
    return _count(*sets.sql("id", left_out=True)) if sets.none_of and have_names(list(sets.ids)) else 0


def _count(chosen: str, params: Params) -> int:
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

    Bought facts wait in the look-ups; what a person's own file said of a lead is nowhere else, and comes along with its
    names. Ids are of PostgreSQL's own clock, which ascend as ours do. Raises SetError where a bucket of the expression
    is gone.
    """
    _keep(bucket.team_id, sets)
    own = [f"CASE WHEN {_OWN_FACTS}{_said_of(name)} THEN {name} END AS {name}" for name in OF_FILE]
    own.append(f"{_SAID} AS fact_sources")
    own.append("CASE WHEN team_id = %(team)s THEN custom END AS custom")  # no vendor brings it
    matching = Matching(few=True, named=have_names(list(sets.ids)))
    chosen, params = sets.part(part, ", ".join(["id", "source", "property_id", *own]), matching)
    names = ", ".join((*OF_FILE, "fact_sources", "custom"))
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH chosen AS MATERIALIZED ({chosen} AND id > %(after)s ORDER BY id LIMIT %(most)s),
                 new AS MATERIALIZED (SELECT uuidv7() AS new_id, chosen.* FROM chosen),
                 added AS (
                     INSERT INTO leads_lead
                            (id, bucket_id, owner_id, team_id, source, property_id, {names}, created_at, updated_at)
                     SELECT new_id, %(into)s, %(owner)s, %(team)s, source, property_id, {names}, now(), now() FROM new
                     ON CONFLICT (bucket_id, property_id) DO NOTHING RETURNING id, phone),
                 named AS (
                     INSERT INTO leads_leadname (lead_id, bucket_id, exact, loose, bare, source)
                     SELECT new.new_id, %(into)s, n.exact, n.loose, n.bare, n.source
                       FROM new JOIN leads_leadname n ON n.lead_id = new.id
                      WHERE new.new_id IN (SELECT id FROM added))
            SELECT (SELECT count(*) FROM chosen), (SELECT count(*) FROM added),
                   (SELECT count(phone) FROM added), (SELECT id FROM chosen ORDER BY id DESC LIMIT 1)
            """,  # noqa: S608  # text of this file only; what a person gave is a parameter
            {
                **params,
                "after": after or UUID(int=0),
                "most": most,
                "into": bucket.pk,
                "owner": bucket.owner_id,
                "team": bucket.team_id,
            },
        )
        copied = Copied(*(cursor.fetchone() or (0, 0, 0, None)))
    change_counters(bucket.pk, total_leads=copied.saved, phone_leads=copied.phones)
    return copied


def _said_of(column: str) -> str:
    """Or a person gave this contact, whatever was bought since: a condition to add, in SQL."""
    phone = column.removesuffix("_do_not_call").removesuffix("_type")
    names = [name for name, columns in CONTACTS.items() if column in columns or phone in columns]
    return "".join(f" OR fact_sources #>> '{{{name},source}}' IN ('file', 'typed')" for name in names)


def _keep(team_id: int, sets: Sets) -> None:
    """Keeps the buckets from being deleted meanwhile: A − C with C half gone would hold C's leads."""
    if keep_buckets(list(sets.ids), team_id) < len(sets.ids):
        raise SetError("NOT_FOUND", "A bucket of the combination was deleted meanwhile; combine anew.")
