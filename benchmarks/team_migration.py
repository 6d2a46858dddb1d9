"""The migration to teams, of a million leads, while a worker of before teams goes on writing them.

    python -m benchmarks.team_migration [--leads 1000000]

1. The schema and the code of the last commit before teams; so many leads in twenty buckets.
2. Its worker saves ids and moves leads on, all the time; somebody holds a long transaction.
3. `migrate` of today's code, killed (-9) while it fills the column and again while it builds indexes, and run again.

Said: how long any statement of the worker's waited for a lock, what each part took, and that nothing is amiss.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.place import FILL, POSTGRES, STEP
from devtools.mode import APART
from devtools.servers import LOCAL, PROJECT, Servers

BEFORE = "f3155f6"  # the last commit before teams
BUCKETS = 20
LONG = 4.0  # seconds: a transaction that only reads, such as an export
BUSY_LIMIT = 1.0  # seconds: no statement of a worker's may wait longer for a lock
# What the worker of before teams does, in its own code. Each line: what, seconds, error.
WORKER = """
import django, json, random, sys, time
django.setup()
from django.db import transaction
from accounts.models import User
from buckets.models import Bucket
from leads.models import Lead
from leads.services import change_status, insert_ids
user = User.objects.get(username="bench")
buckets = list(Bucket.objects.order_by("pk"))
number = 900_000_000
print("begun", flush=True)
def timed(what, work):
    begin, wrong = time.monotonic(), ""
    try:
        work()
    except Exception as error:
        wrong = f"{type(error).__name__}: {error}"[:300]
    print(json.dumps([what, time.monotonic() - begin, wrong]), flush=True)
def save():
    global number
    ids = [str(number + n) for n in range(200)]
    number += 200
    bucket = random.choice(buckets)
    with transaction.atomic():
        insert_ids(bucket_id=bucket.pk, owner_id=user.pk, property_ids=ids, source="real-estate")
def move():
    bucket = random.choice(buckets)
    lead = Lead.objects.only("pk", "bucket_id", "status").filter(bucket=bucket).order_by("pk")[random.randrange(500)]
    change_status(lead=lead, by=user, status=random.choice(["new", "contacted", "qualified"]))
while True:
    timed("save 200 ids", save)
    timed("move a lead on", move)
    time.sleep(0.05)
"""
WAITS = """
    SELECT extract(epoch FROM clock_timestamp() - l.waitstart), coalesce(l.relation::regclass::text, l.locktype),
           l.mode, b.application_name, b.state, left(b.query, 200)
      FROM pg_locks l JOIN pg_stat_activity a USING (pid)
      LEFT JOIN pg_stat_activity b ON b.pid = (pg_blocking_pids(l.pid))[1]
     WHERE NOT l.granted AND l.waitstart IS NOT NULL AND a.application_name = 'worker' ORDER BY 1 DESC LIMIT 1
"""


class Trial:
    def __init__(self, leads: int) -> None:
        self.leads, self.home = leads, LOCAL / f"bench-{os.getpid()}"
        self.servers = Servers(self.home, postgres_settings=POSTGRES | {"autovacuum": "on"})
        self.old = self.home / "before"
        self.longest_wait, self._over = 0.0, threading.Event()
        self.waited_for: list[Any] = []

    def run(self) -> dict[str, Any]:
        self.servers.start()
        try:
            return self._run()
        finally:
            self._over.set()
            self.servers.stop()
            subprocess.run(["git", "worktree", "remove", "--force", str(self.old)], cwd=PROJECT, check=False)
            shutil.rmtree(self.home, ignore_errors=True)

    def _run(self) -> dict[str, Any]:
        os.environ.update(
            APART, DJANGO_SETTINGS_MODULE="config.settings", DATABASE_URL=self.servers.database_url,
            REDIS_URL=self.servers.redis_url, SECRET_KEY="only-for-benchmarks-0123456789-abcdefghijklmnopqrstuvwxyz",
            CONTACT_KEY_SECRETS="only-for-benchmarks-0123456789-abcde", DEBUG="0", HTTPS="0", LOG_LEVEL="WARNING",
        )  # fmt: skip
        subprocess.run(["git", "worktree", "add", "--detach", "-f", str(self.old), BEFORE], cwd=PROJECT, check=True)
        subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=self.old, check=True)
        self._fill()
        log = (self.home / "worker.log").open("w+")
        environment = os.environ | {"PGAPPNAME": "worker", "PYTHONPATH": str(self.old)}
        worker = subprocess.Popen([sys.executable, "-c", WORKER], cwd=self.old, env=environment, stdout=log)
        sampler = threading.Thread(target=self._sample, daemon=True)
        reader = threading.Thread(target=self._read_long, daemon=True)
        try:
            time.sleep(8)
            sampler.start()
            reader.start()
            time.sleep(0.3)
            begin = time.monotonic()
            parts = self._migrate()
            total = time.monotonic() - begin
            time.sleep(2)
        finally:
            self._over.set()
            worker.kill()
            worker.wait()
        log.seek(0)
        return self._report(parts, total, [json.loads(line) for line in log if line.startswith("[")])

    def _fill(self) -> None:
        setup = (
            "import django; django.setup()\n"
            "from accounts.services import create_api_token\nfrom buckets.services import create_bucket\n"
            "user, _, _ = create_api_token(username='bench')\n"
            f"[create_bucket(by=user, name=f'Bucket {{n}}') for n in range({BUCKETS})]\n"
        )
        environment = os.environ | {"PYTHONPATH": str(self.old)}
        subprocess.run([sys.executable, "-c", setup], cwd=self.old, env=environment, check=True)
        with self._connect() as database:
            owner = database.execute("SELECT id FROM accounts_user").fetchone()[0]  # type: ignore[index]
            buckets = [pk for (pk,) in database.execute("SELECT id FROM buckets_bucket ORDER BY id").fetchall()]
            each = min(STEP, self.leads // BUCKETS)
            for number, first in enumerate(range(1, self.leads + 1, each)):
                last = min(first + each - 1, self.leads)
                given = {"bucket": buckets[number % BUCKETS], "owner": owner, "first": first, "last": last}
                database.execute(FILL, given, prepare=False)
            database.execute(
                "UPDATE buckets_bucket b SET (total_leads, enriched_leads, detailed_leads, phone_leads) = ("
                "SELECT count(*), count(enriched_at), count(enriched_at), count(phone) FROM leads_lead l "
                "WHERE l.bucket_id = b.id)"
            )
            database.execute("VACUUM ANALYZE")

    def _migrate(self) -> list[dict[str, Any]]:
        """Killed twice, then let through."""
        in_fill = "SELECT count(*) > %s FROM (SELECT FROM leads_lead WHERE team_id IS NOT NULL LIMIT %s) AS filled"
        some = self.leads // 4
        return [
            self._try("killed while it filled", lambda database: self._column(database) and _is(
                database, in_fill, [some, some + 1])),
            self._try("killed while it built an index", lambda database: _is(
                database, "SELECT count(*) > 0 FROM pg_index WHERE NOT indisvalid", [])),
            self._try("to the end", lambda _: False),
        ]  # fmt: skip

    def _column(self, database: psycopg.Connection[Any]) -> bool:
        return _is(database, "SELECT count(*) > 0 FROM information_schema.columns WHERE table_name = 'leads_lead' "
                   "AND column_name = 'team_id'", [])  # fmt: skip

    def _try(self, name: str, stop: Any) -> dict[str, Any]:
        begin = time.monotonic()
        process = subprocess.Popen([sys.executable, "manage.py", "migrate", "-v", "1"], cwd=PROJECT)
        with self._connect() as database:
            while process.poll() is None:
                if stop(database):
                    process.send_signal(signal.SIGKILL)
                    process.wait()
                    break
                time.sleep(0.05)
        return {"part": name, "seconds": round(time.monotonic() - begin, 1), "status": process.returncode}

    def _sample(self) -> None:
        with self._connect() as database:
            while not self._over.is_set():
                waited, *about = database.execute(WAITS).fetchone() or (0, "")
                if float(waited) > self.longest_wait:
                    self.longest_wait, self.waited_for = float(waited), about
                time.sleep(0.01)

    def _read_long(self) -> None:
        """Long transactions, one after the other, as exports are."""
        while not self._over.is_set():
            with self._connect() as database, database.transaction():
                database.execute("SELECT id FROM leads_lead LIMIT 1")
                time.sleep(LONG)
            time.sleep(LONG)

    def _connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.servers.database_url, autocommit=True, application_name="trial")

    def _report(self, parts: list[dict[str, Any]], total: float, done: list[list[Any]]) -> dict[str, Any]:
        with self._connect() as database:
            row = database.execute(
                "SELECT count(*), count(*) FILTER (WHERE team_id IS NULL), count(*) FILTER (WHERE team_id <> b.team) "
                "FROM leads_lead l JOIN (SELECT id, team_id AS team FROM buckets_bucket) b ON b.id = l.bucket_id"
            ).fetchone()
            broken = [name for (name,) in database.execute(
                "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE NOT i.indisvalid"
            ).fetchall()]  # fmt: skip
            (must,) = database.execute(
                "SELECT attnotnull FROM pg_attribute WHERE attrelid = 'leads_lead'::regclass AND attname = 'team_id'"
            ).fetchone() or (False,)
        leads, empty, wrong = row or (0, 0, 0)
        longest: list[Any] = max(done, key=lambda one: one[1], default=["", 0, ""])
        return {
            "leads": leads, "without_team": empty, "of_another_team": wrong, "broken_indexes": broken,
            "never_empty": must, "parts": parts, "seconds": round(total, 1),
            "longest_wait_for_a_lock": round(self.longest_wait, 3), "waited_for": self.waited_for,
            "longest_statement_of_the_worker": [longest[0], round(longest[1], 3)],
            "worker": {"done": len(done), "failed": [one[2] for one in done if one[2]][:5]},
        }  # fmt: skip


def _is(database: psycopg.Connection[Any], query: Any, parameters: list[Any]) -> bool:
    return bool((database.execute(query, parameters).fetchone() or (False,))[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leads", type=int, default=1_000_000)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    report = Trial(options.leads).run()
    text = json.dumps(report, indent=1)
    if options.output:
        options.output.write_text(text)
    print(text)
    good = not report["without_team"] and not report["of_another_team"] and not report["broken_indexes"]
    good = good and report["longest_wait_for_a_lock"] < BUSY_LIMIT and not report["worker"]["failed"]
    raise SystemExit(0 if good else 1)


if __name__ == "__main__":
    main()
