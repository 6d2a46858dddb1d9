"""A list of numbers to suppress.

Measured: from the file's first byte to the commit of its last row, by the services that the API, the page and the
command call: reading and cutting the file, the preview, keys, suppressions, one transaction a piece, in one worker. The
baseline is the least PostgreSQL can be asked for: psycopg's COPY of as many rows into the two tables that it fills
(keys and suppressions), with their indexes, of digests that were made beforehand, and its commit.
"""

from __future__ import annotations

import io
from hashlib import sha256
from itertools import count
from typing import Any

from benchmarks.harness import Contestant, Report, by_rate, race
from benchmarks.place import Place

COPY = "raw COPY"
BLOCK = 1 << 16  # bytes handed to COPY at a time
_run = count(1)


def measure(place: Place, *, rows: int, rounds: int) -> Report:
    from common.db.ids import uuid7
    from leads.models import Upload
    from leads.permission import importing

    database = place.connect()
    team_id = place.user.memberships.get().team_id

    def numbers() -> list[str]:
        """Numbers nobody has had yet: of an area code for each run."""
        area = 201 + next(_run)
        return [f"({area}) {200 + n // 10_000 % 800:03}-{n % 10_000:04}" for n in range(min(rows, 8_000_000))]

    def file() -> io.BytesIO:
        return io.BytesIO("".join(["Phone,Note\n", *[f"{one},asked\n" for one in numbers()]]).encode())

    def bring(given: io.BytesIO) -> int:
        job = importing.upload(
            kind=Upload.Kind.SUPPRESSIONS, team_id=team_id, by=place.user, file=given, name="list.csv"
        )
        while importing.continue_upload(job.pk):
            pass
        job.refresh_from_db()
        importing.start_upload(upload=job, by=None, confirmed=True)
        while importing.continue_upload(job.pk):
            pass
        job.refresh_from_db()
        if (job.status, job.added + job.known + job.refused) != ("completed", job.rows):
            raise AssertionError(f"{job.status}: {job.rows} rows, {job.added} + {job.known} + {job.refused}")
        return job.added

    def text() -> tuple[list[bytes], list[bytes]]:
        digests = [sha256(one.encode()).hexdigest() for one in numbers()]
        keys = [f"1\t\\\\x{one}\t…0000\n" for one in digests]
        rest = "any\tupload\tupload:0\t2026-11-30T00:00:00Z"
        return _blocks(keys), _blocks([f"{uuid7()}\t1\t\\\\x{one}\t{rest}\n" for one in digests])

    def copy(given: tuple[list[bytes], list[bytes]]) -> int:
        tables = (
            "leads_contactkey (kind, digest, hint)",
            "leads_suppression (id, kind, digest, scope, reason, source, created_at)",
        )
        done = 0
        with database.transaction(), database.cursor() as cursor:
            for table, blocks in zip(tables, given, strict=True):
                with cursor.copy(f"COPY {table} FROM STDIN") as into:
                    for block in blocks:
                        into.write(block)
                done = cursor.rowcount
        return done

    def forget() -> None:
        with database.transaction():
            database.execute("SET LOCAL session_replication_role = replica")  # without the triggers that keep them
            database.execute("TRUNCATE leads_suppression, leads_uploadpiece, leads_refusedrow")
            database.execute(
                "DELETE FROM leads_contactkey c WHERE NOT EXISTS (SELECT FROM leads_leadkey k WHERE k.key_id = c.id)"
            )
        place.settle()

    results = by_rate(
        race(
            [Contestant(COPY, copy, text, forget), Contestant("import", bring, file, forget)], rounds=rounds, rows=rows
        ),
        rows=rows,
        baseline=COPY,
    )
    database.close()
    return {
        "benchmark": "suppressions",
        "what": f"{rows:,} numbers to suppress, beside {place.leads:,} leads",
        "baseline": COPY,
        "results": results,
    }


def _blocks(rows: list[Any]) -> list[bytes]:
    text = "".join(rows).encode()
    return [text[start : start + BLOCK] for start in range(0, len(text), BLOCK)]
