"""Commands as a shell runs them: arguments in, exit status, stdout and stderr out. In this process and database."""

from __future__ import annotations

import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from django.core.management import execute_from_command_line


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its one JSON object."""
        return json.loads(self.out)


class _Stdin(io.StringIO):
    def __init__(self, text: str, terminal: bool) -> None:
        super().__init__(text)
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


def run(*arguments: object, stdin: str = "", terminal: bool = False) -> Ran:
    """Runs `manage.py` with these arguments. terminal: its stdin is one."""
    out, err = io.StringIO(), io.StringIO()
    status = 0
    with (
        redirect_stdout(out),
        redirect_stderr(err),
        patch.object(sys, "stdin", _Stdin(stdin, terminal)),
        patch("django.core.management.base.connections.close_all"),  # the test's own transaction goes on
    ):
        try:
            execute_from_command_line(["manage.py", *map(str, arguments)])
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
    return Ran(status, out.getvalue(), err.getvalue())


def assert_refused(ran: Ran, words: str) -> None:
    """Exit status 1, exactly one line on stderr with these words, and nothing on stdout."""
    assert (ran.status, ran.out, ran.err.strip().splitlines()) == (1, "", [f"CommandError: {words}"])
