"""PostgreSQL and Valkey for development and tests, started when they are needed.

`local()` serves any number of processes of one checkout: the first starts the servers, the last one to end stops them.
`Servers` is a private pair for tests and chaos, which may be killed and restarted. All data stands under `.local/`.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import environ
import psycopg
from psycopg import sql

from common.values.secrets import BadSecret, from_files
from devtools.postgres import Postgres
from devtools.process import LocalError, Lock, spawn, tail
from devtools.valkey import Valkey

PROJECT = Path(__file__).resolve().parents[1]
LOCAL = PROJECT / ".local"
START_SECONDS = 150  # with a crash recovery of PostgreSQL
STOP_SECONDS = 60
MAKERS: Mapping[str, Callable[[Path], Postgres | Valkey]] = {"postgres": Postgres, "valkey": Valkey}
VARIABLES = {"DATABASE_URL": "postgres", "REDIS_URL": "valkey"}


class Servers:
    """A private PostgreSQL and Valkey with their data in `home`, which they hold for themselves.

    They end with this process, however it ends.
    """

    def __init__(self, home: Path, *, postgres_settings: Mapping[str, str] | None = None) -> None:
        self.home = home
        self.postgres = Postgres(home / "postgres", postgres_settings)
        self.valkey = Valkey(home / "valkey")
        self._owner = Lock(home / "owner.lock")

    @property
    def database_url(self) -> str:
        return self.postgres.url

    @property
    def redis_url(self) -> str:
        return self.valkey.url

    def start(self) -> Self:
        """Returns when both answer. Raises LocalError when another process holds `home`."""
        if not self._owner.take(wait=False):
            raise LocalError(f"the servers in {self.home} belong to another process that still runs")
        atexit.register(self.stop)
        try:
            self.valkey.start()
            self.postgres.start()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stops both. Doing it twice is harmless."""
        atexit.unregister(self.stop)
        try:
            self.valkey.clean_up()
        finally:
            self.postgres.clean_up()
            self._owner.release()

    def remove(self) -> None:
        """Stops both and deletes their data."""
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


_shares: dict[str, Share] = {}  # of this process, by variable


def local(*variables: str) -> dict[str, str]:
    """Addresses for DATABASE_URL and REDIS_URL, of servers of this checkout that run until we end.

    Raises LocalError when a server cannot be started.
    """
    for variable in variables:
        if variable not in _shares:
            _shares[variable] = Share(LOCAL / VARIABLES[variable], VARIABLES[variable])
            _shares[variable].begin()
    return {variable: _shares[variable].url() for variable in variables}


def read_env() -> None:
    """Puts `.env`, or the file that ENV_FILE names, into the environment, as the settings do; and NAME_FILE's secrets.

    Raises LocalError where such a file cannot be read.
    """
    file = PROJECT / os.environ.get("ENV_FILE", ".env")
    if file.exists():
        environ.Env.read_env(file, overwrite=False)
    try:
        found = from_files(os.environ)
    except BadSecret as error:
        raise LocalError(str(error)) from None
    for name in os.environ.keys() - found:  # NAME_FILE: a child process would find both it and NAME
        del os.environ[name]
    os.environ.update(found)


def make_database(server_url: str, name: str) -> None:
    """Makes a database on the server of this address, unless it is there."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
            with contextlib.suppress(psycopg.errors.DuplicateDatabase):  # another process was faster
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def is_empty(database_url: str) -> bool:
    """Whether no migration has ever run there."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT to_regclass('django_migrations') IS NULL").fetchone()
        return bool(row and row[0])


def remove_abandoned(parent: Path, pattern: str) -> None:
    """Deletes the data of private servers whose process is gone, for instance killed."""
    for home in parent.glob(pattern):
        owner = Lock(home / "owner.lock")
        if owner.take(wait=False):
            shutil.rmtree(home, ignore_errors=True)
        owner.close()


class Share:
    """One process's use of a server that all processes of this checkout share.

    Users hold `users.lock` together; a keeper process (keeper.py) holds `keeper.lock` and the server, writes its
    address to `url`, and ends when it gets `users.lock` alone. The kernel gives locks back however a process ends.
    """

    def __init__(self, home: Path, kind: str) -> None:
        self.home, self.kind = home, kind
        self.users = Lock(home / "users.lock")
        self.keeper = Lock(home / "keeper.lock")
        self.address = home / "url"
        self.log = home / "keeper.log"
        self._process: subprocess.Popen[bytes] | None = None  # the keeper, when it was we who started it

    def begin(self) -> None:
        """From here on the server stays. It may still be starting."""
        self.users.take(shared=True)
        atexit.register(self.end)
        starting = Lock(self.home / "start.lock")
        starting.take()
        try:
            if not self._kept():
                self.address.unlink(missing_ok=True)
                self.log.unlink(missing_ok=True)
                program: list[str | Path] = [sys.executable, "-m", "devtools.keeper", self.kind, self.home]
                process = self._process = spawn(program, log=self.log, directory=PROJECT, lasting=True)
                self._wait(lambda: self._kept() or process.poll() is not None, START_SECONDS)
        finally:
            starting.close()

    def url(self) -> str:
        """Where the server answers. Raises LocalError with the reason when it does not."""
        self._wait(lambda: self.address.exists() or not self._kept(), START_SECONDS)
        if not self.address.exists():
            raise LocalError(f"The local {self.kind} did not start. {tail(self.log)}")
        return self.address.read_text()

    def end(self) -> None:
        """Lets go; the last one waits until the server is gone."""
        atexit.unregister(self.end)
        if self.users.take(wait=False) and self._kept():
            try:
                os.kill(int((self.home / "keeper.pid").read_text()), signal.SIGTERM)
            except (OSError, ValueError):
                self.users.release()  # it is just starting or just ending, and looks for itself
            self.keeper.take_within(STOP_SECONDS)
            if self._process is not None:
                self._process.wait()
        self.users.close()
        self.keeper.close()

    def _kept(self) -> bool:
        """Whether a keeper runs."""
        if self.keeper.take(wait=False):
            self.keeper.release()
            return False
        return True

    @staticmethod
    def _wait(ready: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not ready() and time.monotonic() < deadline:
            time.sleep(0.05)
