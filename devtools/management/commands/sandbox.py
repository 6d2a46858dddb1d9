"""`manage.py sandbox`: the stand-in for the vendors. A thin entry to `sandbox.cli`."""

import argparse
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandParser

from sandbox.cli import EXAMPLE, BadFlag, add_arguments, serve


def _one_line(message: str) -> NoReturn:
    raise SystemExit(f"sandbox: {message}")  # to standard error, exit code 1


class Command(BaseCommand):
    """Runs until interrupted."""

    help = "RealEstateAPI, SignalHouse, Apollo and Twilio in one process, made up, on 127.0.0.1."
    requires_system_checks: list[str] = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Keeps the example's lines; a flag nobody knows is one line, as any other bad one."""
        parser = super().create_parser(
            prog_name, subcommand, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter, **kwargs
        )
        parser.error = _one_line  # type: ignore[method-assign]
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        """The package's own flags."""
        add_arguments(parser)

    def handle(self, *_args: object, **options: Any) -> None:
        """Serves; a bad flag is one line and exit code 1."""
        try:
            serve(argparse.Namespace(**options))
        except BadFlag as error:
            _one_line(str(error))
