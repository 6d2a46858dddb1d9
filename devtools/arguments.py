"""What `manage.py up` and `demo` let a person say about the stack."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from common.values.bounds import PACE, PRICE, Bounds
from devtools.mode import Mode
from devtools.stack import Options
from devtools.steps import step


def add_stack_arguments(parser: CommandParser, *, port: str) -> None:
    """The flags of a stack."""
    parser.add_argument("--port", default=port, help=f"Of the web server; 0 takes a free one ({port})")
    parser.add_argument(
        "--parcels", action="append", default=[], type=Path, metavar="FILE", help="Parcels as CSV, repeatable"
    )
    for flag, what in (("--pace", "requests a minute, 0: no pace"), ("--price", "US dollars a unit")):
        parser.add_argument(
            flag, action="append", default=[], metavar="OPERATION=NUMBER", help=f"{what}, with both sides; repeatable"
        )
    parser.add_argument(
        "--sandbox",
        action="append",
        nargs="?",
        const="",
        default=[],
        metavar="ARGUMENT",
        help="Made-up vendors, also where keys are set; =ARGUMENT is one of the sandbox's own, such as =--seed=2",
    )


def options_of(options: Mapping[str, Any], mode: Mode = Mode.SANDBOX) -> Options:
    """The stack the flags mean. Raises CommandError."""
    port = str(options["port"])
    if not port.isdigit() or int(port) > 65535:
        raise CommandError(f"PORT={port} is not a port.")
    for path in options["parcels"]:
        if not path.is_file():
            raise CommandError(f"--parcels {path}: there is no such file.")
    if options["parcels"] and mode == Mode.REAL:
        raise CommandError("--parcels is for made-up vendors, and a vendor's key is set: add --sandbox.")
    return Options(
        mode=mode,
        port=int(port),
        parcels=tuple(path.resolve() for path in options["parcels"]),
        paces=_numbers("--pace", options["pace"], PACE),
        prices=_numbers("--price", options["price"], PRICE),
        sandbox=tuple(argument for argument in options["sandbox"] if argument),
        tell=step,
    )


def _numbers(flag: str, texts: list[str], allowed: Bounds) -> dict[str, Decimal]:
    numbers = {}
    for text in texts:
        name, _, number = text.partition("=")
        value = allowed.read(number)
        if name not in settings.OPERATIONS or value is None:
            operations = ", ".join(settings.OPERATIONS)
            raise CommandError(f"{flag} {text}: OPERATION=NUMBER, {allowed}, OPERATION one of {operations}.")
        numbers[name] = value
    return numbers
