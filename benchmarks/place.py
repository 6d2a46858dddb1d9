"""Where it is measured: a PostgreSQL that keeps its promises, a bucket of many leads, and the product's web server."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import psycopg

from devtools.mode import APART
from devtools.process import LocalError, end, spawn, tail, wait_until
from devtools.servers import LOCAL, PROJECT, Servers
from devtools.valkey import free_port

# fsync, synchronous_commit and full_page_writes stay on, as PostgreSQL has them.
POSTGRES = {"shared_buffers": "1GB", "max_wal_size": "4GB", "autovacuum": "off"}
WEB_THREADS = 16  # as in the Dockerfile
# A third of the leads has been bought and carries facts; the rest is an id.
FILL = """
    INSERT INTO leads_lead (id, bucket_id, owner_id, source, property_id, created_at, updated_at, enrichment_status,
        phone, email, first_name, last_name, owner_name, property_address, property_city, property_state, property_zip,
        property_type, bedrooms, bathrooms, sqft, year_built, estimated_value, estimated_equity, equity_percent,
        absentee_owner, vacant, tax_lien, high_equity, enriched_at, skip_traced_at)
    SELECT uuidv7(), %(bucket)s, %(owner)s, 'real-estate', (200000000 + n)::text, now(), now(), 'pending',
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL::numeric, NULL, NULL, NULL, NULL,
        NULL::numeric, NULL::boolean, NULL::boolean, NULL::boolean, NULL::boolean, NULL::timestamptz, NULL::timestamptz
      FROM generate_series(%(first)s::int, %(last)s::int) n WHERE n %% 3 <> 0
    UNION ALL
    SELECT uuidv7(), %(bucket)s, %(owner)s, 'real-estate', (200000000 + n)::text, now(), now(), 'completed',
        '+15125550100', 'owner' || n || '@example.com', 'Ada', 'Lovelace', 'Ada Lovelace', n || ' Main St', 'Olympia',
        (ARRAY['WA', 'OR', 'CA', 'TX'])[n / 3 %% 4 + 1], '98501', 'SFR', n %% 5, 2.5, 1200 + n %% 900, 1950 + n %% 70,
        200000 + n::bigint * 7919 %% 800000, 100000 + n %% 300000, n %% 100, n %% 2 = 0, n %% 7 = 0, n %% 11 = 0,
        n %% 100 > 50, now(), now()
      FROM generate_series(%(first)s::int, %(last)s::int) n WHERE n %% 3 = 0
"""
# The same without the trigger that gives a lead its team.
FILL_OF_TEAM = FILL.replace("owner_id, source,", "owner_id, team_id, source,").replace(
    "%(owner)s, 'real-estate'", "%(owner)s, %(team)s, 'real-estate'"
)
STEP = 50_000  # rows a statement: the two kinds of lead lie among each other


class Place:
    """`with Place(leads=1_000_000) as place:` — servers, schema, data and web server; all of it is gone afterwards."""

    def __init__(self, *, leads: int) -> None:
        self.leads = leads
        self.home = LOCAL / f"bench-{os.getpid()}"
        self.servers = Servers(self.home, postgres_settings=POSTGRES)
        self.port = free_port()
        self._web: Any = None

    def __enter__(self) -> Self:
        try:
            self.servers.start()
            self._set_environment()
            self._prepare()
            self._start_web()
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._leave()

    def connect(self) -> psycopg.Connection[Any]:
        """A connection without Django, each statement its own transaction."""
        return psycopg.connect(self.servers.database_url, autocommit=True)

    def client(self) -> Client:
        return Client(self.port, self.token)

    def settle(self) -> None:
        """Nothing is left to clean or to flush for whoever is measured next."""
        with self.connect() as database:
            database.execute("VACUUM leads_lead, buckets_bucket")
            database.execute("CHECKPOINT")

    def restart_web(self) -> None:
        """The web server finds the style sheets and scripts that have been collected meanwhile."""
        end(self._web)
        self._start_web()

    def _set_environment(self) -> None:
        """Production's settings, without HTTPS, and without the throttle: one client here asks for many."""
        os.environ.update(
            APART,
            DJANGO_SETTINGS_MODULE="config.settings",
            DATABASE_URL=self.servers.database_url,
            REDIS_URL=self.servers.redis_url,
            SECRET_KEY="only-for-benchmarks-0123456789-abcdefghijklmnopqrstuvwxyz",
            CONTACT_KEY_SECRETS="only-for-benchmark-keys-0123456789-abcdefghijklmnopqrstuvwxyz",
            DEBUG="0",
            HTTPS="0",
            ALLOWED_HOSTS="127.0.0.1",
            THROTTLE_USER="100000/min",
            LOG_LEVEL="WARNING",
        )

    def _prepare(self) -> None:
        self._run("migrate", ["manage.py", "migrate", "--noinput"])
        import django

        django.setup()
        from accounts.models.team import give_own_team
        from accounts.services import create_api_token
        from buckets.services import create_bucket

        self.user, self.token, _ = create_api_token(username="bench")
        if not self.user.memberships.exists():
            give_own_team(self.user)
        self.bucket, _ = create_bucket(by=self.user, name="Many")
        with self.connect() as database:
            self._fill(database, self.bucket, 1, self.leads)
            database.execute("VACUUM ANALYZE")
            database.execute("CHECKPOINT")

    def grow(self, leads: int) -> None:
        """More buckets of as many leads as the first, until there are so many in all. Without triggers, and with the
        indexes made anew afterwards: a tenth of the time that ten million take otherwise.
        """
        from buckets.services import create_bucket

        with self.connect() as database:
            database.execute("SET session_replication_role = replica")
            database.execute("SET maintenance_work_mem = '1GB'")
            indexes = database.execute(
                "SELECT x.indexname, x.indexdef FROM pg_indexes x WHERE x.tablename = 'leads_lead' "
                "AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conname = x.indexname)"
            ).fetchall()
            for name, _ in indexes:
                database.execute(f'DROP INDEX "{name}"')
            first = self.leads
            for begin in range(self.leads + 1, leads + 1, first):
                bucket, _ = create_bucket(by=self.user, name=f"Many, from {begin:,}")
                self._fill(database, bucket, begin, min(begin + first - 1, leads))
            for _, definition in indexes:
                database.execute(definition)
            database.execute("VACUUM ANALYZE leads_lead, buckets_bucket")
            database.execute("CHECKPOINT")
        self.leads = leads

    def _fill(self, database: psycopg.Connection[Any], bucket: Any, first: int, last: int) -> None:
        of = {"bucket": bucket.pk, "owner": self.user.pk, "team": bucket.team_id}
        for begin in range(first, last + 1, STEP):
            part = {"first": begin, "last": min(begin + STEP - 1, last)}
            database.execute(FILL_OF_TEAM, of | part, prepare=False)
        bought = last // 3 - (first - 1) // 3
        database.execute(
            "UPDATE buckets_bucket SET total_leads = %s, enriched_leads = %s, detailed_leads = %s, phone_leads = %s "
            "WHERE id = %s",
            [last - first + 1, bought, bought, bought, bucket.pk],
        )

    def _run(self, what: str, arguments: list[str]) -> None:
        log = self.home / f"{what}.log"
        if spawn([sys.executable, *arguments], log=log, environment=os.environ, directory=PROJECT).wait():
            raise LocalError(f"{what} failed. {tail(log)}")

    def _start_web(self) -> None:
        command = [sys.executable, "-m", "gunicorn", "--config", "python:config.gunicorn", "config.wsgi"]
        command += ["--bind", f"127.0.0.1:{self.port}", "--threads", str(WEB_THREADS)]
        log = self.home / "web.log"
        self._web = spawn(command, log=log, environment=os.environ, directory=PROJECT)
        wait_until(self._answers, process=self._web, log=log, what="the web server", seconds=60)

    def _answers(self) -> bool:
        try:
            return self.client().get("/healthz")[0] == 200
        except OSError:
            return False

    def _leave(self) -> None:
        if self._web is not None:
            end(self._web)
        if "django" in sys.modules and hasattr(self, "user"):
            from django.db import connection

            connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's
        self.servers.stop()
        shutil.rmtree(self.home, ignore_errors=True)


class Client:
    """As little work as can be: what is measured is the server, which drops a connection that is silent for 2 s."""

    def __init__(self, port: int, token: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        self._headers = {"Authorization": f"Token {token}"}

    def get(self, path: str) -> tuple[int, bytes]:
        return self._ask("GET", path, None, self._headers)

    def post(self, path: str, body: bytes) -> Any:
        """The answer's JSON, over a new connection. Raises LocalError where it is a refusal."""
        self._connection.close()
        status, text = self._ask("POST", path, body, {**self._headers, "Content-Type": "application/json"})
        if status >= 400:
            raise LocalError(f"{path} answered {status}: {text[:300]!r}")
        return json.loads(text)

    def stream(self, path: str) -> tuple[int, int]:
        """Lines and bytes of an answer, thrown away as they come, over a new connection."""
        self._connection.close()
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        lines = size = 0
        while piece := answer.read1(1 << 20):
            lines += piece.count(b"\n")
            size += len(piece)
        if answer.status >= 400:
            raise LocalError(f"{path} answered {answer.status}")
        return lines, size

    def _ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> tuple[int, bytes]:
        self._connection.request(method, path, body=body, headers=dict(headers))
        answer = self._connection.getresponse()
        return answer.status, answer.read()
