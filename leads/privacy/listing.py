"""The forgotten list beside the database: a restored backup would not know whom it has to forget.

A line of JSON for each hash: {"kind": 1, "digest": "…", "at": "…"}. No contact. Appended and flushed to the disk; the
same line twice says nothing new. A last line without an end was broken off by a full disk or a power cut.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable
from datetime import datetime
from io import FileIO
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.utils import timezone


class Line(NamedTuple):
    kind: int
    digest: bytes
    at: datetime


class Listed(NamedTuple):
    """What a file says. broken: numbers of lines, from 1, that cannot be read; not that of a last line that was broken
    off behind whole ones.
    """

    lines: list[Line]
    broken: list[int]


def keep(lines: Iterable[Line]) -> None:
    """Writes those that are not there yet at the end of FORGOTTEN_FILE. Raises OSError."""
    path, wanted = Path(settings.FORGOTTEN_FILE), list(lines)
    if not wanted:
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with FileIO(os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600), "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # until it is closed
        there = file.read()
        end = there.rfind(b"\n") + 1
        if end < len(there):
            file.truncate(end)  # else the next line would be glued to what is broken off
        known = {(line.kind, line.digest) for line in _read(there[:end]).lines}
        if new := [line for line in wanted if (line.kind, line.digest) not in known]:
            _append(file, end, new)


def _append(file: FileIO, end: int, lines: Iterable[Line]) -> None:
    """At once, and to the disk; all of them or none."""
    text = "".join(
        json.dumps({"kind": line.kind, "digest": line.digest.hex(), "at": line.at.isoformat()}) + "\n" for line in lines
    ).encode()
    if os.write(file.fileno(), text) != len(text):
        file.truncate(end)
        raise OSError("The disk is full.")
    os.fsync(file)


def read(path: Path) -> Listed:
    """Every whole line of such a file. Raises OSError."""
    return _read(path.read_bytes())


def _read(content: bytes) -> Listed:
    lines, broken, last = list[Line](), list[int](), 0
    for number, text in enumerate(content.decode(errors="replace").split("\n"), start=1):
        if not text.strip():
            continue
        last, line = number, _line(text)
        if line is None:
            broken.append(number)
        else:
            lines.append(line)
    torn = bool(lines) and not content.endswith(b"\n") and broken[-1:] == [last]
    return Listed(lines, broken[:-1] if torn else broken)


def _line(text: str) -> Line | None:
    try:
        told = json.loads(text)
        line = Line(int(told["kind"]), bytes.fromhex(told["digest"]), datetime.fromisoformat(told["at"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return line if line.kind in (1, 2, 3) and len(line.digest) == 32 and timezone.is_aware(line.at) else None
