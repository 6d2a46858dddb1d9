"""Child processes: started with a log file, ended with everything they started, never left behind."""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LAUNCH = Path(__file__).with_name("launch.py")
TAIL_BYTES = 2_000  # of a log, enough for the reason of a death


class LocalError(RuntimeError):
    """Something of the development place does not work; the text is one line for a person."""


def wheel(package: str) -> Path:
    """Where an installed package stands. It is not imported: only the programs inside it are of use."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise LocalError(f"{package} is not installed: it is one of the development extras, see requirements-dev.lock")
    return Path(spec.origin).parent


@dataclass(frozen=True, kw_only=True)
class RunAs:
    """The unprivileged user that servers run as when we are root."""

    uid: int
    gid: int
    keep_access: bool  # may pass through directories that only root may enter

    @classmethod
    def unprivileged(cls, *paths: Path) -> RunAs | None:
        """`nobody`, when we are root; None when we already are somebody else. `paths` are what it must reach."""
        if os.geteuid() != 0:
            return None
        try:
            nobody = pwd.getpwnam("nobody")
        except KeyError:
            raise LocalError("PostgreSQL cannot run as root, and there is no user `nobody`: set DATABASE_URL") from None
        closed = [p for path in paths for p in path.resolve().parents if not p.stat().st_mode & 0o001]
        return cls(uid=nobody.pw_uid, gid=nobody.pw_gid, keep_access=bool(closed))

    def give(self, directory: Path) -> None:
        """Makes the directory theirs, and nobody else's."""
        os.chown(directory, self.uid, self.gid)
        directory.chmod(0o700)


def spawn(
    program: Sequence[str | Path],
    *,
    log: Path,
    dies_with: signal.Signals = signal.SIGTERM,
    run_as: RunAs | None = None,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    text: bytes | None = None,
    lasting: bool = False,
) -> subprocess.Popen[bytes]:
    """Starts a program in a session of its own (Ctrl-C is ours to pass on), its output appended to `log`.

    It gets `dies_with` when this *thread* ends (Linux), so call it from one that lasts; a `lasting` one does not and
    is on its own. `text` is its standard input.
    """
    who = (run_as.uid, run_as.gid, int(run_as.keep_access)) if run_as else (-1, -1, 0)
    command = [sys.executable, "-I", "-S", LAUNCH, os.getpid(), 0 if lasting else int(dies_with), *who, *program]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL if text is None else subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment) if environment is not None else None,
            cwd=directory,
            start_new_session=True,
        )
    if process.stdin is not None:
        process.stdin.write(text or b"")
        process.stdin.close()
    return process


def end(process: subprocess.Popen[bytes], signum: signal.Signals = signal.SIGTERM, *, patience: float = 30) -> int:
    """Ends a process of ours and waits; after `patience` seconds it and all of its session are killed."""
    if process.poll() is None:
        process.send_signal(signum)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            kill_session(process)
    return process.wait()


def kill_session(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL to a process of ours and to all it started, as when a host dies."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_until(
    ready: Callable[[], bool],
    *,
    process: subprocess.Popen[bytes],
    log: Path,
    what: str,
    seconds: float,
) -> None:
    """Polls `ready` until it is true. Raises LocalError with the end of the log if the process dies or time is up."""
    deadline = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None:
            raise LocalError(f"{what} ended with status {process.returncode}. {tail(log)}")
        if time.monotonic() > deadline:
            raise LocalError(f"{what} was not ready after {seconds:.0f} s. {tail(log)}")
        time.sleep(0.05)


def tail(log: Path, lines: int = 5) -> str:
    """The last lines of a log as one line, with where to read on."""
    if not log.exists():
        return f"It left no log at {log}."
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL_BYTES))
        text = file.read().decode(errors="replace")
    return f"Its log {log} ends: " + " | ".join([line.strip() for line in text.splitlines() if line.strip()][-lines:])


class Lock:
    """An flock on a file: the kernel gives it back however its owner ends, and it never outlives them."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def take(self, *, shared: bool = False, wait: bool = True) -> bool:
        """True when it is ours. `shared` with other sharers; without `wait` False when somebody has it."""
        try:
            fcntl.flock(self._fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        return True

    def take_within(self, seconds: float) -> bool:
        """True when it became ours within that time."""
        deadline = time.monotonic() + seconds
        while not self.take(wait=False):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def release(self) -> None:
        fcntl.flock(self._fd, fcntl.LOCK_UN)

    def close(self) -> None:
        os.close(self._fd)
