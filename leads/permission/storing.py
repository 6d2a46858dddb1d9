"""A piece of a file into the tables: suppressions, consents, registry checks. In the caller's transaction.

The keys come first, inserted and locked in the order of their ids (`leads.keys.contact_keys.insert`): what is written
bears the digest that its key has, under whichever secret, so that the gate finds it by that key for ever.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import connection

from common.db.arrays import joined
from common.db.ids import uuid7
from leads.keys import contact_keys
from leads.keys.owner_keys import EMAIL
from leads.models import Consent, Suppression, Upload
from leads.permission.consenting import ends_at, hash_of
from leads.permission.rows import Said
from leads.permission.suppressing import LIFTABLE, NOT_WITHDRAWN, Source, in_force, key_of
from leads.privacy.filtering import kept
from leads.registries import tell_suppressed

_WITHDRAWN_WITHIN = timedelta(days=30)  # as `importing`: until then a list may cease to count
_LIFTED_BY_FILE = "It is suppressed, and a file lifts no suppression: they have to say so themselves"


@dataclass(slots=True)
class Written:
    """added + known + refused = the rows that came."""

    added: int = 0
    known: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)


def _key_ids(rows: Sequence[Said]) -> contact_keys.Ids:
    return contact_keys.insert(key_of(value) for row in rows for value in row.values)


# --- Suppressions ----------------------------------------------------------------------------------------------------


def suppressions(job: Upload, rows: Sequence[Said], now: datetime) -> Written:
    """A row is known where each of its keys is suppressed already, by whatever.

    Known keys are written too while what suppresses them may end (a STOP that is lifted, a list that is withdrawn).
    """
    ids = _key_ids(rows)
    every = {key_id for some in ids.values() for key_id in some}
    there = _suppressed(job, every, now)
    result, seen = Written(), set[int]()
    for row in rows:
        keys = {key_id for value in row.values for key_id in ids[key_of(value)[:2]]}
        if keys - there - seen:
            result.added += 1
        else:
            result.known += 1
        seen |= keys
    if used := _of_leads(every):
        tell_suppressed(used, Suppression.Reason.UPLOAD)
    return result


def _suppressed(job: Upload, key_ids: set[int], now: datetime) -> set[int]:
    """Writes what has to be written, and returns the keys that were suppressed before."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH wanted AS MATERIALIZED (
                SELECT c.id, c.kind, c.digest, found.there, found.for_ever
                  FROM leads_contactkey c
                 CROSS JOIN LATERAL (
                       SELECT count(*) > 0 AS there,
                              coalesce(bool_or(s.reason <> ALL(%(may_end)s) AND (
                                  s.reason <> 'upload' OR s.created_at <= %(settled)s)), false) AS for_ever
                         FROM leads_suppression s
                        WHERE s.kind = c.kind AND s.digest = c.digest AND s.scope IN ('any', %(scope)s)
                          AND s.owner_key_id IS NULL AND (s.expires_at IS NULL OR s.expires_at > %(now)s)
                          AND {NOT_WITHDRAWN}) found
                 WHERE c.id = ANY(string_to_array(%(keys)s, ',')::bigint[])),
            written AS (
                INSERT INTO leads_suppression (id, kind, digest, scope, reason, source, by_id, created_at)
                SELECT uuidv7(), kind, digest, %(scope)s, 'upload', %(source)s, %(by)s, %(now)s
                  FROM wanted WHERE NOT for_ever ORDER BY kind, digest
                ON CONFLICT DO NOTHING)
            SELECT id FROM wanted WHERE there
            """,  # noqa: S608  # a constant
            {
                "may_end": [*LIFTABLE, Suppression.Reason.SOFT_BOUNCES], "settled": now - _WITHDRAWN_WITHIN,
                "scope": job.options["scope"], "now": now, "keys": joined(key_ids), "source": Source.upload(job.pk),
                "by": job.by_id,
            },
        )  # fmt: skip
        return {key_id for (key_id,) in cursor.fetchall()}


def _of_leads(key_ids: set[int]) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT key_id FROM leads_leadkey WHERE key_id = ANY(string_to_array(%s, ',')::bigint[])",
            [joined(key_ids)],
        )
        return {key_id for (key_id,) in cursor.fetchall()}


def _digests(key_ids: set[int]) -> Mapping[int, tuple[int, bytes]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, kind, digest FROM leads_contactkey WHERE id = ANY(string_to_array(%s, ',')::bigint[])",
            [joined(key_ids)],
        )
        return {key_id: (kind, bytes(digest)) for key_id, kind, digest in cursor.fetchall()}


# --- Consents --------------------------------------------------------------------------------------------------------


def consents(job: Upload, rows: Sequence[Said], now: datetime) -> Written:
    """One for each key of a row. A row with a suppressed key is refused, and with a channel that there is not."""
    ids = _key_ids(rows)
    digests = _digests({key_id for some in ids.values() for key_id in some})
    result, usable = Written(), list[tuple[Said, str]]()
    for row in rows:
        channel = row.channel or job.options.get("channel") or ""
        if channel not in Consent.Channel.values:
            result.refused.append((row.line, f"Its channel is none of {', '.join(Consent.Channel.values)}"))
            continue
        is_email = channel == Consent.Channel.EMAIL
        fits = tuple(value for value in row.values if (value.kind == EMAIL) is is_email)
        if fits:
            usable.append((replace(row, values=fits), channel))
        else:
            result.refused.append((row.line, f"It has no {'e-mail' if is_email else 'phone'}, and is for {channel}"))
    closed = {
        channel: in_force(set(digests.values()), channel, seller_id=job.seller_id) for channel in {c for _, c in usable}
    }
    wanted: list[tuple[Said, list[Consent]]] = []
    seller: Any = job.seller_id  # the table says that there is one
    for row, channel in usable:
        keys = [(key_of(value), digests[key_id]) for value in row.values for key_id in ids[key_of(value)[:2]]]
        if any(digest in closed[channel] for _, digest in keys):
            result.refused.append((row.line, _LIFTED_BY_FILE))
            continue
        assert row.given_at is not None  # `rows.read`
        kind, given_at, text_hash = job.options["type"], row.given_at, hash_of(row.text)
        told = [
            Consent(
                id=uuid7(), key_kind=kind_of_key, digest=digest, hint=key.hint, channel=channel, kind=kind,
                seller_id=seller, text_hash=text_hash, given_at=given_at, how=Consent.How.IMPORT,
                source_url=row.source, reference=Source.upload(job.pk), by_id=job.by_id, created_at=now,
                expires_at=ends_at(kind, given_at),
            )
            for key, (kind_of_key, digest) in keys
        ]  # fmt: skip
        wanted.append((row, told))
    new = _write_consents([one for _, told in wanted for one in told])
    _write_texts([(one, row.text) for row, told in wanted for one in told if one.pk in new], now)
    for _, told in wanted:
        if any(one.pk in new for one in told):
            result.added += 1
        else:
            result.known += 1
    return result


_CONSENT = {
    "id": "uuid", "key_kind": "smallint", "digest": "bytea", "hint": "text", "channel": "text", "kind": "text",
    "seller_id": "uuid", "text_hash": "text", "given_at": "timestamptz", "how": "text", "source_url": "text",
    "reference": "text", "by_id": "bigint", "created_at": "timestamptz", "expires_at": "timestamptz",
}  # fmt: skip


def _write_consents(rows: Sequence[Consent]) -> set[object]:
    """The ids of those that are new."""
    if not rows:
        return set()
    names, arrays = ", ".join(_CONSENT), ", ".join(f"%s::{kind}[]" for kind in _CONSENT.values())
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO leads_consent ({names}) SELECT * FROM unnest({arrays}) ON CONFLICT DO NOTHING RETURNING id",  # noqa: S608
            [[getattr(row, name) for row in rows] for name in _CONSENT],
        )
        return {pk for (pk,) in cursor.fetchall()}


def _write_texts(rows: Sequence[tuple[Consent, str]], now: datetime) -> None:
    texts = kept([text for _, text in rows])
    with (
        connection.cursor() as cursor,
        cursor.copy("COPY leads_evidencetext (parent, text, created_at) FROM STDIN") as copy,
    ):
        for (row, _), text in zip(rows, texts, strict=True):
            copy.write_row((row.pk, text, now))


# --- Registry checks -------------------------------------------------------------------------------------------------


def checks(job: Upload, rows: Sequence[Said], _now: datetime) -> Written:
    """Whether each number was on the list, as of the version of its file. Listed outlasts not listed."""
    ids = _key_ids(rows)
    digests = _digests({key_id for some in ids.values() for key_id in some})
    version = date.fromisoformat(job.options["versionDate"])
    moment = datetime.combine(version, time(), UTC)
    wanted: dict[tuple[bytes, bool], None] = {}
    keys: list[list[tuple[bytes, bool]]] = []
    for row in rows:
        listed = bool(job.options["allListed"]) if row.listed is None else row.listed
        keys.append([(digests[key_id][1], listed) for value in row.values for key_id in ids[key_of(value)[:2]]])
        wanted.update(dict.fromkeys(keys[-1]))
    columns: list[Any] = [
        [digest for digest, _ in wanted],
        [listed for _, listed in wanted],
        # A file that says both of a number: what it is listed by is the later of the two, and stands.
        [moment + timedelta(seconds=listed) for _, listed in wanted],
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO leads_scrub
                (id, seller_id, digest, list, listed, checked_at, version_date, source, san, upload_id)
            SELECT uuidv7(), %s, n.digest, %s, n.listed, n.at, %s, 'file', %s, %s
              FROM unnest(%s::bytea[], %s::boolean[], %s::timestamptz[]) AS n(digest, listed, at)
            ON CONFLICT DO NOTHING RETURNING digest, listed
            """,
            [job.seller_id, job.options["list"], version, job.options["san"], job.pk, *columns],
        )
        new = {(bytes(digest), listed) for digest, listed in cursor.fetchall()}
    result = Written()
    for told in keys:
        fresh = new & set(told)
        new -= fresh
        if fresh:
            result.added += 1
        else:
            result.known += 1
    return result
