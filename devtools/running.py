"""Which stack of this checkout is running: one at a time, and what the commands typed beside it need to know."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from devtools.mode import ADDRESSES, THEIRS, VENDOR_NAMES, Mode
from devtools.process import LocalError, Lock

PATIENCE = 1.0  # seconds: a command holds the lock for an instant, to see whether a stack has it
TOLD = (*ADDRESSES, *THEIRS, "PUBLIC_URL", "CAMPAIGN_CLOCK")
KEYS = {
    "TWILIO_SIGNING_KEYS", "SIGNALHOUSE_WEBHOOK_SECRETS", "CAMPAIGN_EMAIL_URL", "IMAP_URL", "MAIL_WEBHOOK_SECRET",
    *(n for n in VENDOR_NAMES if not n.endswith("_URL")),
}  # fmt: skip
TOLD_PREFIXES = ("PACE_", "PRICE_")


@dataclass(frozen=True, kw_only=True)
class Facts:
    """A stack that runs. environment: what a command beside it works with; empty while the stack is starting."""

    pid: int
    url: str
    mode: Mode
    environment: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        vendors = "real vendors" if self.mode == Mode.REAL else "made-up vendors"
        return f"process {self.pid}, {self.url}, {vendors}"


class Running:
    """The claim of one stack on its home. The kernel gives the lock back however the process ends."""

    def __init__(self, home: Path) -> None:
        self._path, self._file = home / "stack.lock", home / "stack.json"
        self._lock: Lock | None = None

    def claim(self, *, url: str, mode: Mode) -> None:
        """From here on no other stack may start. Raises LocalError where one runs."""
        lock = Lock(self._path)
        if not lock.take_within(PATIENCE):
            lock.close()
            raise already(self.facts())
        self._lock = lock
        self._write(Facts(pid=os.getpid(), url=url, mode=mode))

    def tell(self, *, url: str, mode: Mode, environment: Mapping[str, str]) -> None:
        """The stack is up: commands may use its servers and vendors. Keys of real vendors are not written."""
        names = {*TOLD, *VENDOR_NAMES} - (KEYS if mode == Mode.REAL else set())
        told = {n: v for n, v in environment.items() if n in names or n.startswith(TOLD_PREFIXES)}
        self._write(Facts(pid=os.getpid(), url=url, mode=mode, environment=told))

    def release(self) -> None:
        """Does nothing where nothing was claimed."""
        if self._lock is not None:
            self._file.unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def facts(self) -> Facts | None:
        """The stack that runs, or None."""
        if not self._path.exists():
            return None
        lock = Lock(self._path)
        try:
            if lock.take(shared=True, wait=False):
                return None
        finally:
            lock.close()
        try:
            told = json.loads(self._file.read_text())
        except FileNotFoundError:
            return None  # it has just begun or just ended
        return Facts(**told | {"mode": Mode(told["mode"])})

    def _write(self, facts: Facts) -> None:
        new = self._file.with_suffix(".new")
        new.touch(mode=0o600)  # the broker's password stands in it
        new.write_text(json.dumps(asdict(facts)))
        new.rename(self._file)


def already(facts: Facts | None) -> LocalError:
    """What a second stack in one checkout is told."""
    who = f" ({facts})" if facts else ""
    return LocalError(f"a stack of this checkout is running already{who}: stop it first, with Ctrl-C where it runs")
