"""What is printed: a table for people, JSON for programs, one id a line for pipes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table

FORMATS = ("table", "json", "jsonl", "ids")


def show_rows(rows: Iterable[Any], columns: Sequence[str], form: str, *, key: str = "id") -> None:
    """rows: of a list, which `jsonl` and `ids` print as they come; `json` is one array."""
    if form == "json":
        click.echo(json.dumps(list(rows), indent=2, ensure_ascii=False))
    elif form == "jsonl":
        for row in rows:
            click.echo(json.dumps(row, ensure_ascii=False))
    elif form == "ids":
        for row in rows:
            click.echo(row[key])
    else:
        _table(rows, columns)


def show(value: Any, form: str, names: Sequence[str] = ()) -> None:
    """One thing: its names beside its values, or JSON."""
    if form != "table":
        click.echo(json.dumps(value, indent=2 if form == "json" else None, ensure_ascii=False))
        return
    table = Table(box=None, show_header=False)
    for name in names or value:
        if value.get(name) not in (None, [], {}, ""):
            table.add_row(_words(name), _cell(value[name]))
    _console().print(table)


def _table(rows: Iterable[Any], columns: Sequence[str]) -> None:
    table, count = Table(box=None, header_style="bold"), 0
    for name in columns:
        table.add_column(_words(name), overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row.get(name)) for name in columns))
        count += 1
    if count:
        _console().print(table)
    click.echo(f"{count:,} shown", err=True)


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """rich would end the program with a failure."""
        raise BrokenPipeError


def _console() -> Console:
    """As wide as the terminal; a pipe is not folded at 80."""
    return _Console(soft_wrap=False, width=None if sys.stdout.isatty() else 200, highlight=False, markup=False)


def _words(name: str) -> str:
    """`ownerName` as a person reads it: Owner name."""
    spaced = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)
    return spaced[:1].upper() + spaced[1:]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:,}"
    if isinstance(value, list):
        return ", ".join(_cell(one) for one in value)
    if isinstance(value, dict):
        return ", ".join(f"{_words(name)}: {_cell(one)}" for name, one in value.items())
    return "".join(letter if letter.isprintable() else "·" for letter in str(value))  # nothing moves the cursor
