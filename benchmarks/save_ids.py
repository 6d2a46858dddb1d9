"""Saving property ids into a table that has many leads already.

Measured: from the first byte of the request to the last of the answer, of `POST /api/property/bucket` over loopback to
gunicorn (one process, as the product runs it), with authentication, JSON, validation, the bucket and its counters,
committed to disk. The baseline is the least PostgreSQL can be asked for: psycopg's COPY of the same rows, the same
columns and indexes, from text that was made beforehand, and its commit. `insert_ids` is the service alone, in this
process; bulk_create is what Django offers.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID

from benchmarks.harness import Contestant, Report, by_rate, race
from benchmarks.place import Place

COPY = "raw COPY"
AIM = 0.6
BLOCK = 1 << 16  # bytes handed to COPY at a time
_run = count(1)


def measure(place: Place, *, ids: int, rounds: int) -> Report:
    from buckets.models import Bucket
    from buckets.services import create_bucket
    from common.db.ids import uuid7
    from leads.models import Lead

    database = place.connect()
    client = place.client()

    def property_ids() -> list[str]:
        """Ids no lead has yet, in no order, as a search brings them."""
        first = 1_000_000_000 + next(_run) * ids
        step = 7919  # coprime to `ids`
        return [str(first + n * step % ids) for n in range(ids)]

    def empty_bucket() -> Bucket:
        return create_bucket(by=place.user, name="Few")[0]

    def forget() -> None:
        database.execute("DELETE FROM leads_lead WHERE bucket_id <> %s", [place.bucket.pk])
        database.execute("DELETE FROM buckets_bucket WHERE id <> %s", [place.bucket.pk])
        place.settle()

    def body() -> bytes:
        return json.dumps({"name": "Few", "propertyIds": property_ids()}).encode()

    def post(request: bytes) -> int:
        return int(client.post("/api/property/bucket", request)["stats"]["inserted"])

    def blocks() -> list[bytes]:
        bucket, at = empty_bucket(), datetime.now(UTC).isoformat()
        rest = f"{bucket.pk}\t{place.user.pk}\treal-estate"
        return _blocks([f"{uuid7()}\t{rest}\t{one}\t{at}\t{at}\n" for one in property_ids()])

    def copy(text: Sequence[bytes]) -> int:
        columns = "id, bucket_id, owner_id, source, property_id, created_at, updated_at"
        with database.transaction(), database.cursor() as cursor:
            with cursor.copy(f"COPY leads_lead ({columns}) FROM STDIN") as into:
                for block in text:
                    into.write(block)
            return cursor.rowcount

    def bulk(given: tuple[UUID, list[str]]) -> int:
        bucket, found = given
        leads = [Lead(bucket_id=bucket, owner_id=place.user.pk, property_id=one) for one in found]
        return len(Lead.objects.bulk_create(leads, batch_size=1000))

    contestants = [
        Contestant(COPY, copy, blocks, forget),
        Contestant("POST /api/property/bucket", post, body, forget),
        Contestant("insert_ids", _insert, lambda: (empty_bucket(), property_ids()), forget),
        Contestant("bulk_create(1000)", bulk, lambda: (empty_bucket().pk, property_ids()), forget),
    ]
    results = by_rate(race(contestants, rounds=rounds, rows=ids), rows=ids, baseline=COPY)
    database.close()
    return {
        "benchmark": "save_ids",
        "what": f"{ids:,} ids into a table of {place.leads:,} leads",
        "baseline": COPY,
        "aim": f"{AIM} of raw COPY by HTTP; {results[1]['ratio']} measured",
        "results": results,
    }


def _insert(given: tuple[Any, list[str]]) -> int:
    from buckets.services import add_ids

    bucket, found = given
    return add_ids(bucket=bucket, property_ids=found)


def _blocks(rows: Sequence[str]) -> list[bytes]:
    text = "".join(rows).encode()
    return [text[start : start + BLOCK] for start in range(0, len(text), BLOCK)]
