"""Writing the keys of owners, phones and e-mails (`owner_keys`), in the transaction that changes their leads.

    prepare   before the leads are locked: the keys they will have are inserted, and those there were are locked
    relink    once the leads are changed: each has the keys that follow from what it holds now
    write     both, for leads that this transaction has just inserted

docs/locks.md has the order. All of them are set-based: a handful of statements, however many leads.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Manager, QuerySet

from common.db.arrays import hexed, joined
from leads.facts.sources import MAILING, NAMES
from leads.keys import key_secrets
from leads.keys.digested import Digested, One, Placed, digests_of
from leads.keys.key_secrets import digest
from leads.keys.owner_keys import READ, Key, keys_of
from leads.locks import KEYS_IN_ORDER
from leads.models import Lead

CROWDED = 20  # owners' names: a title company's phone and info@ are shared by more, a family's by fewer
_COUNTED = 500  # leads of a key whose names are told apart: more cost a lead each, at every import that has the key

Facts = Mapping[str, Any]
Ids = dict[tuple[int, str], list[int]]  # (kind, value) -> ids: one, but where two secrets have written the same


def write(leads: Mapping[UUID, Facts]) -> None:
    """Gives new leads their keys, by the columns of `owner_keys.READ`; a missing column is null."""
    keys = Digested.of([keys_of(facts) for facts in leads.values()])
    write_rows(list(leads), keys, keys.rows)


def write_rows(
    lead_ids: Sequence[object],
    keys: Digested,
    rows: Sequence[Sequence[Placed]],
    changes: Mapping[UUID, Facts] | None = None,
) -> Ids:
    """The same of leads whose keys were made beforehand: of each its id and, in step, its row of `keys`.

    They must have been inserted in this transaction: nobody else waits for them, so that keys may still be locked.
    changes: of leads that the same transaction is about to change, as `prepare`, whose ids it returns: keys are locked
    once. Without them it returns none.
    """
    made, places = keys.used(rows)
    more = _may_have(changes) if changes else []
    if not made and not more:
        return {}
    secrets = key_secrets.listed()
    if more or keys.secret != secrets[0]:
        hints = {(key.kind, key.value): key.hint for key in more} | {(one.kind, one.value): one.hint for one in made}
        every = digests_of(hints, secrets[0])
        at = {(one.kind, one.value): place for place, one in enumerate(every)}
        places = {place: at[made[n].kind, made[n].value] for place, n in places.items()}
        made = every
    ids, inserted = _insert(made, secrets[1:], locked=True)
    _copy(lead_ids, [[(ids[places[place]], role, at) for place, role, at in row] for row in rows])
    counts = Counter([place for row in rows for place, _, _ in row])
    added = {one: count for place, count in counts.items() for one in ids[places[place]]}
    _mark_crowded({one: count for one, count in added.items() if count > CROWDED or one not in inserted})
    return {(one.kind, one.value): found for one, found in zip(made, ids, strict=True)} if changes else {}


def prepare(changes: Mapping[UUID, Facts]) -> Ids:
    """Inserts and locks the keys that these leads may have once the facts are on them. Before the leads are locked.

    changes: by lead, facts by column that it may take, or may not: what it shows can outrank them. So the keys of both
    are made; the few that no lead takes in the end name nobody.
    """
    keys = _may_have(changes)
    return insert(keys) if keys else {}


def _may_have(changes: Mapping[UUID, Facts]) -> list[Key]:
    keys: list[Key] = []
    for lead_id, lead in _contacts(Lead.every, list(changes)).items():
        new = {name: value for name, value in changes[lead_id].items() if name in READ and value is not None}
        known = {name: value for name, value in lead.items() if value is not None}
        for facts in _mixtures(known, new):
            keys += keys_of(facts)
    return keys


def _mixtures(known: Facts, new: Facts) -> list[Facts]:
    """What a lead may hold once new facts are weighed against those it has, without nulls; each once."""
    found: list[Facts] = []
    for facts in (known, {**known, **new}, {**new, **known}, _whole(known, new)):
        if facts and facts not in found:
            found.append(facts)
    return found


def _whole(lead: Facts, new: Facts) -> Facts:
    """The lead with a new name or mailing address in place of the old one, whose parts do not stay beside it."""
    gone = {column for group in (NAMES, MAILING) if new.keys() & {*group} for column in group}
    return {**{column: value for column, value in lead.items() if column not in gone}, **new}


def relink(lead_ids: Iterable[UUID], prepared: Ids) -> None:
    """Gives these leads the keys of what they hold now, and takes the others off. prepared: of `prepare`.

    One that is merged into another has none: its owner is known by the lead that is shown.
    """
    ids = list(lead_ids)
    shown = _contacts(Lead.objects, ids)
    wanted = {lead_id: keys_of(shown[lead_id]) if lead_id in shown else [] for lead_id in ids}
    missing = [k for keys in wanted.values() for k in keys if (k.kind, k.value) not in prepared]
    if missing:  # somebody changed the lead between the reading and the lock
        prepared = {**prepared, **insert(missing)}
    _link(wanted, prepared)


def hold_keys_of(lead_ids: Sequence[UUID]) -> None:
    """Locks the keys that these leads have, before the leads are locked: who copies them to other leads."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT c.id FROM leads_contactkey c
             WHERE c.id IN (SELECT k.key_id FROM leads_leadkey k WHERE k.lead_id = ANY(%s)) {KEYS_IN_ORDER}
            """,  # noqa: S608  # a constant
            [list(lead_ids)],
        )


def crowded_among(keys: Iterable[Key]) -> set[tuple[int, str]]:
    """Those of these keys, as (kind, value), that more than CROWDED owners' names share. Reads only."""
    values = {(key.kind, key.value) for key in keys}
    if not values:
        return set()
    known = {
        (kind, key_secrets.digest(secret, kind, value)): (kind, value)
        for secret in key_secrets.for_reading()
        for kind, value in values
    }
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.kind, c.digest FROM leads_contactkey c
              JOIN unnest(string_to_array(%s, ',')::smallint[], string_to_array(%s, ',')) AS w(kind, digest)
                   ON (c.kind, c.digest) = (w.kind, decode(w.digest, 'hex'))
             WHERE c.crowded
            """,
            [joined(kind for kind, _ in known), hexed(one for _, one in known)],
        )
        return {known[kind, bytes(one)] for kind, one in cursor.fetchall()}


def _contacts(of: Manager[Lead] | QuerySet[Lead], lead_ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    rows = of.filter(pk__among=lead_ids).order_by().values("pk", *READ)
    return {row.pop("pk"): row for row in rows}


def insert(keys: Iterable[Key], *, locked: bool = True) -> Ids:
    """The ids of these keys. New ones are written under the first secret, sorted by digest; then those that were there
    are locked, sorted by id: two transactions that want the same keys never wait for each other in a circle.

    locked: False where the caller locks them next, with others.
    """
    secrets = key_secrets.listed()
    made = digests_of({(key.kind, key.value): key.hint for key in keys}, secrets[0])
    ids, _ = _insert(made, secrets[1:], locked=locked)
    return {(one.kind, one.value): found for one, found in zip(made, ids, strict=True)}


def _insert(keys: Sequence[One], older: Sequence[str], *, locked: bool) -> tuple[list[list[int]], set[int]]:
    """The ids of each of these keys, which are sorted, and which ids are new.

    1. Where an older secret is listed, what is known under any of them is not written again.
    2. The others are inserted.
    3. Those that were there are locked. Where two secrets have written one key, both are.
    """
    digests = {(one.kind, one.digest): place for place, one in enumerate(keys)}
    known = set[int]()
    if older:
        for secret in older:
            digests |= {(one.kind, digest(secret, one.kind, one.value)): place for place, one in enumerate(keys)}
        known = {digests[one] for one in _found(digests, locked=False).values()}
    new = [one for place, one in enumerate(keys) if place not in known]
    ids: list[list[int]] = [[] for _ in keys]
    inserted = set[int]()
    there = dict(digests)
    with connection.cursor() as cursor:
        if new:
            cursor.execute(
                """
                INSERT INTO leads_contactkey (kind, digest, hint)
                SELECT n.kind, decode(n.digest, 'hex'), n.hint
                  FROM unnest(string_to_array(%s, ',')::smallint[], string_to_array(%s, ','),
                              string_to_array(%s, chr(10))) AS n(kind, digest, hint)
                 ORDER BY n.kind, n.digest
                ON CONFLICT (kind, digest) DO NOTHING RETURNING id, kind, digest
                """,
                [joined(one.kind for one in new), hexed(one.digest for one in new), "\n".join([n.hint for n in new])],
            )
            for key_id, kind, one in cursor.fetchall():
                ids[there.pop((kind, bytes(one)))] = [key_id]
                inserted.add(key_id)
    for key_id, found in _found(there, locked=locked).items():
        ids[digests[found]].append(key_id)
    return ids, inserted


def _found(digests: Mapping[tuple[int, bytes], object], *, locked: bool) -> dict[int, tuple[int, bytes]]:
    """The keys among these that are there: id -> (kind, digest)."""
    if not digests:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT c.id, c.kind, c.digest FROM leads_contactkey c
             WHERE (c.kind, c.digest) IN (
                   SELECT n.kind, decode(n.digest, 'hex')
                     FROM unnest(string_to_array(%s, ',')::smallint[], string_to_array(%s, ',')) AS n(kind, digest))
             {KEYS_IN_ORDER if locked else ""}
            """,  # noqa: S608  # a constant
            [joined(kind for kind, _ in digests), hexed(one for _, one in digests)],
        )
        return {key_id: (kind, bytes(one)) for key_id, kind, one in cursor.fetchall()}


def _link(wanted: Mapping[UUID, Sequence[Key]], ids: Ids) -> None:
    """Rewrites the keys of these leads, and marks those that have become crowded."""
    of_leads = {
        lead_id: {
            key_id: key
            for key in reversed(keys)  # so that the best role of a key stays
            for key_id in ids[key.kind, key.value]
        }
        for lead_id, keys in wanted.items()
    }
    rows = {
        (lead_id, key_id): (key.role, key.position)
        for lead_id, keys in of_leads.items()
        for key_id, key in keys.items()
    }
    columns = [
        joined(lead_id for lead_id, _ in rows),
        joined(key_id for _, key_id in rows),
        joined(role for role, _ in rows.values()),
        joined(position for _, position in rows.values()),
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            DELETE FROM leads_leadkey k
             WHERE k.lead_id = ANY(string_to_array(%s, ',')::uuid[])
               AND (k.lead_id, k.key_id) NOT IN (
                   SELECT * FROM unnest(string_to_array(%s, ',')::uuid[], string_to_array(%s, ',')::bigint[]))
            RETURNING k.lead_id, k.key_id
            """,
            [joined(wanted), *columns[:2]],
        )
        gone = cursor.fetchall()
        added = Counter[int]()
        if rows:
            cursor.execute(
                """
                INSERT INTO leads_leadkey AS k (lead_id, key_id, role, position)
                SELECT * FROM unnest(string_to_array(%s, ',')::uuid[], string_to_array(%s, ',')::bigint[],
                                     string_to_array(%s, ',')::smallint[], string_to_array(%s, ',')::smallint[])
                           AS n(lead, key, role, place)
                 ORDER BY lead, key
                ON CONFLICT (lead_id, key_id) DO UPDATE SET role = excluded.role, position = excluded.position
                 WHERE (k.role, k.position) IS DISTINCT FROM (excluded.role, excluded.position)
                RETURNING k.key_id, k.xmax = 0
                """,
                columns,
            )
            added.update([key_id for key_id, is_new in cursor.fetchall() if is_new])
    if gone and rows:
        _carry_wrong_numbers(gone)
    _mark_crowded({key_id: added[key_id] for _, key_id in rows})


def _carry_wrong_numbers(gone: Sequence[tuple[UUID, int]]) -> None:
    """An owner of the same name at another mailing address has another key, and is behind a wrong number no more than
    before: what was reported of the old key is written of the new one, as the same report.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH gone AS (SELECT * FROM unnest(%s::uuid[], %s::bigint[]) AS g(lead_id, key_id)),
                 moved AS (
                   SELECT g.lead_id, old.id AS before, new.id AS after FROM gone g
                     JOIN leads_contactkey old ON old.id = g.key_id AND old.kind = 3
                     JOIN leads_leadkey k ON k.lead_id = g.lead_id
                     JOIN leads_contactkey new ON new.id = k.key_id AND new.kind = 3 AND new.hint = old.hint),
                 numbers AS (
                   SELECT m.before, m.after, c.kind, c.digest FROM moved m
                     JOIN (SELECT lead_id, key_id FROM leads_leadkey UNION ALL SELECT lead_id, key_id FROM gone) n
                       ON n.lead_id = m.lead_id
                     JOIN leads_contactkey c ON c.id = n.key_id AND c.kind IN (1, 2))
            INSERT INTO leads_suppression
                   (id, kind, digest, scope, reason, source, by_id, created_at, expires_at, owner_key_id)
            SELECT uuidv7(), s.kind, s.digest, s.scope, s.reason, s.source, s.by_id, s.created_at, s.expires_at, n.after
              FROM numbers n
              JOIN leads_suppression s ON s.kind = n.kind AND s.digest = n.digest AND s.owner_key_id = n.before
            ON CONFLICT DO NOTHING
            """,
            [[lead_id for lead_id, _ in gone], [key_id for _, key_id in gone]],
        )


def _copy(lead_ids: Sequence[object], keys: Sequence[Sequence[tuple[list[int], int, int]]]) -> None:
    """Writes the keys of new leads, each as (ids, role, position)."""
    lines = [
        f"{lead_id}\t{key_id}\t{role}\t{position}\n"
        for lead_id, of_lead in zip(lead_ids, keys, strict=True)
        for ids, role, position in of_lead
        for key_id in ids
    ]
    if not lines:
        return
    with (
        connection.cursor() as cursor,
        cursor.copy("COPY leads_leadkey (lead_id, key_id, role, position) FROM STDIN") as copy,
    ):
        copy.write("".join(lines))


def _mark_crowded(added: Mapping[int, int]) -> None:
    """Marks those of these keys that too many owners' names share. added: by key, the leads that have just got it.

    One that few leads have costs an index look. Of one that many have, names are told apart at every lead until there
    are twice as many leads as it takes, and from then on at every CROWDEDth: a person's phone with a hundred parcels
    would read them all at each.
    """
    if not added:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.id FROM unnest(string_to_array(%(keys)s, ',')::bigint[], string_to_array(%(added)s, ',')::int[])
                             AS a(id, added)
             CROSS JOIN LATERAL (  -- one look each: a join would read the whole table, which grows with every list
                   SELECT id FROM leads_contactkey WHERE id = a.id AND NOT crowded LIMIT 1) c
             CROSS JOIN LATERAL (
                   SELECT count(*) AS leads
                     FROM (SELECT FROM leads_leadkey WHERE key_id = c.id LIMIT %(most)s) k) k
             WHERE k.leads > %(crowded)s
               AND (k.leads <= 2 * %(crowded)s OR k.leads = %(most)s
                    OR k.leads / %(crowded)s > (k.leads - a.added) / %(crowded)s)
            """,
            {"keys": joined(added), "added": joined(added.values()), "most": _COUNTED, "crowded": CROWDED},
        )
        many = sorted(key_id for (key_id,) in cursor.fetchall())
        if not many:
            return
        cursor.execute(
            """
            UPDATE leads_contactkey c SET crowded = true
             WHERE c.id = ANY(%s) AND NOT c.crowded AND (
                SELECT count(DISTINCT upper(coalesce(l.owner_name, concat_ws(' ', l.first_name, l.last_name))))
                  FROM (SELECT lead_id FROM leads_leadkey WHERE key_id = c.id ORDER BY lead_id DESC LIMIT %s) k
                  JOIN leads_lead l ON l.id = k.lead_id) > %s
            """,
            [many, _COUNTED, CROWDED],
        )
