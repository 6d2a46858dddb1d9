"""What every command shares: one line on error, `--json`, a person by name, a row by id, criteria from the shell."""

from __future__ import annotations

import argparse
import contextvars
import json
import math
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser, DjangoHelpFormatter
from django.core.serializers.json import DjangoJSONEncoder
from django.db import InterfaceError, OperationalError
from django.db.models import Model, QuerySet

from common.api.parser import once
from common.dates import own_zone, use_zone_of
from common.values import numbers

M = TypeVar("M", bound=Model)


# What a command asks before it does anything, of the rooms above: each raises SystemExit with one line to refuse.
REFUSE_FIRST: list[Callable[[], None]] = []


class _Help(DjangoHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Keeps the example's lines."""


class _Once(argparse.Action):
    """A flag with one value: argparse takes the last of several, and a second `--max-cost` would win unseen."""

    seen: argparse.Namespace | None = None

    def __call__(
        self,
        _parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        _option: str | None = None,
    ) -> None:
        if self.option_strings and self.seen is namespace:
            raise argparse.ArgumentError(self, "give it once")
        self.seen = namespace
        setattr(namespace, self.dest, values)


class ProductCommand(BaseCommand):
    """Parses, makes one service call, prints. What a service refuses is one line on stderr and exit status 1.

    example: shown below `--help`. refusals: what the services it calls raise when they refuse, beside ValueError.
    reports: whether it takes `--json`. writes_leads: whether it asks REFUSE_FIRST.
    """

    example = ""
    refusals: tuple[type[Exception], ...] = ()
    reports = True
    writes_leads = False
    requires_system_checks: list[str] = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """A parser that shows the example and raises CommandError for a bad argument."""
        parser = super().create_parser(
            prog_name, subcommand, epilog=f"example:\n  {self.example}", formatter_class=_Help, **kwargs
        )
        parser.called_from_command_line = False  # argparse's own way out is a page of usage and status 2
        if self.reports:
            parser.add_argument("--json", action="store_true", help="Print one JSON object")
        return parser

    def add_base_argument(self, parser: CommandParser, *args: str, **kwargs: object) -> None:
        """Django's own arguments are the first a parser is given: this one and all after it may be given once."""
        parser.register("action", None, _Once)
        super().add_base_argument(parser, *args, **kwargs)

    def run_from_argv(self, argv: list[str]) -> None:
        """Runs from the shell: a bad argument ends as a refusal does."""
        try:
            super().run_from_argv(argv)
        except CommandError as error:
            self.stderr.write(f"{type(error).__name__}: {error}")
            raise SystemExit(error.returncode) from None
        except BrokenPipeError:  # `| head` has read enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(141) from None

    def execute(self, *args: object, **options: object) -> str | None:
        """Runs the command, by the clock of the user it names (UTC). Raises CommandError for whatever was refused.

        In a context of its own: what it says of itself for the audit ends with it.
        """
        try:
            with own_zone():
                for refuse in REFUSE_FIRST if self.writes_leads else ():
                    refuse()
                said: str | None = contextvars.copy_context().run(super().execute, *args, **options)
                return said
        except CommandError:
            raise
        except SystemExit as error:
            if not isinstance(error.code, str):
                raise
            raise CommandError(_line(error.code)) from None
        except KeyboardInterrupt:
            raise CommandError("Interrupted.", returncode=130) from None
        except ValidationError as error:
            raise CommandError(_line(" ".join(error.messages))) from error
        except (OperationalError, InterfaceError) as error:
            raise CommandError(f"PostgreSQL does not answer: {_line(str(error))}") from error
        except Exception as error:
            if not isinstance(error, (ValueError, *self.refusals)):
                raise
            raise CommandError(_line(str(error))) from error

    def report(self, options: Mapping[str, Any], facts: Mapping[str, Any], lines: Iterable[str]) -> None:
        """Prints the facts as one JSON object where `--json` asks for it, else the lines."""
        if options["json"]:
            self.stdout.write(json.dumps(facts, cls=DjangoJSONEncoder))
            return
        for line in lines:
            self.stdout.write(line)

    def note(self, words: str) -> None:
        """A line beside the result, on stderr."""
        self.stderr.write(words, str)


def _line(words: str) -> str:
    return " ".join(words.split())


# --- Who and which ---------------------------------------------------------------------------------------------------


def add_user(parser: CommandParser, *, required: bool, help: str) -> None:
    """`--user USERNAME`."""
    parser.add_argument("--user", required=required, metavar="USERNAME", help=help)


def user_named(username: str) -> Any:
    """The active user of this name, by whose clock the command goes on. Raises CommandError."""
    user = get_user_model().objects.filter(username=username).first()
    if user is None:
        raise CommandError(f"There is no user {username!r}: create_api_token {username} makes one.")
    if not user.is_active:
        raise CommandError(f"The user {username!r} is turned off.")
    use_zone_of(user)
    return user


def id_of(text: str, what: str) -> UUID:
    """The id in this text. Raises CommandError."""
    try:
        return UUID(text)
    except ValueError:
        raise CommandError(f"{text[:80]!r} is not the id of a {what}.") from None


def row_of(rows: QuerySet[M], text: str) -> M:
    """The row with this id. Raises CommandError."""
    what = str(rows.model._meta.verbose_name)
    found = rows.filter(pk=id_of(text, what)).first()
    if found is None:
        raise CommandError(f"There is no {what} {text}.")
    return found


# --- Money and time --------------------------------------------------------------------------------------------------


def dollars(text: str) -> Decimal:
    """An argument in US dollars, of 0 or more; what is refused above that is the service's word."""
    try:
        amount = numbers.read(text.removeprefix("$"))
    except ValueError:
        raise CommandError(f"{text[:40]!r} is not an amount in US dollars, such as 12.50.") from None
    if abs(amount) >= 10**8:
        raise CommandError(f"{text[:40]!r} is not an amount in US dollars, such as 12.50.")
    return amount


def span_of(text: str) -> tuple[datetime, datetime]:
    """What a time in an argument stands for, from its beginning to before its end: a day, a minute or a second.

    ISO 8601, UTC where it names no zone. Raises CommandError.
    """
    try:
        begins = datetime.fromisoformat(text.strip())
    except ValueError:
        raise CommandError(f"{text[:40]!r} is not a time, such as 2026-11-29 or 2026-11-29T14:30.") from None
    begins = begins if begins.tzinfo else begins.replace(tzinfo=UTC)
    if re.fullmatch(r"\d{4}-?\d{2}-?\d{2}", text.strip()):
        return begins, begins + timedelta(days=1)
    return begins, begins + timedelta(seconds=1 if begins.second else 60)


# --- Named values ----------------------------------------------------------------------------------------------------

# Filters whose values are text whatever they look like: a ZIP is no number.
_PLACES = ("address", "house", "street", "city", "county", "state", "zip", "neighborhood_id", "stateId", "countyId")
_NUMBERED = ("id", "ids", "fips", "apn", "parcel_account_number", "census_block", "census_block_group", "census_tract")
_TEXT = frozenset((*_PLACES, *_NUMBERED))


def add_criteria(parser: CommandParser, *, required: bool) -> None:
    """`--where NAME=VALUE` and `--json-criteria`."""
    either = parser.add_mutually_exclusive_group(required=required)
    either.add_argument(
        "--where",
        action="append",
        metavar="NAME=VALUE",
        help="A filter in the vendor's own name, repeatable: state=WA, county=King, beds_min=3, absentee_owner=true; "
        "the same name twice makes a list",
    )
    either.add_argument(
        "--json-criteria", metavar="JSON", help='The whole search: \'{"state": "WA", "zip": ["98101"]}\''
    )


def criteria_of(options: Mapping[str, Any]) -> dict[str, Any] | None:
    """The search the options name; None: they name none. Raises CommandError."""
    if options["json_criteria"] is not None:
        try:
            criteria = json.loads(options["json_criteria"], object_pairs_hook=once)
        except ValueError as error:
            raise CommandError(f"--json-criteria is not JSON: {error}") from None
        if not isinstance(criteria, dict) or not criteria:
            raise CommandError('--json-criteria must be an object of filters, such as {"state": "WA"}.')
        return criteria
    return pairs_of(options["where"], "--where") if options["where"] else None


def pairs_of(texts: Iterable[str], flag: str) -> dict[str, Any]:
    """`name=value` texts as a mapping; numbers, true and false are read, a name given twice has a list.

    Raises CommandError.
    """
    return _alone({name: [_value(name, text) for text in found] for name, found in _named(texts, flag).items()})


def texts_of(texts: Iterable[str], flag: str) -> dict[str, Any]:
    """`name=value` texts as a mapping of texts, for what reads them itself (lead filters). A name given twice: a list.

    Raises CommandError.
    """
    return _alone(_named(texts, flag))


def _named(texts: Iterable[str], flag: str) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not name or not equals or not value:
            raise CommandError(f"{flag} {text[:80]!r}: write it as name=value.")
        values.setdefault(name, []).append(value)
    return values


def _alone(values: dict[str, list[Any]]) -> dict[str, Any]:
    return {name: found[0] if len(found) == 1 else found for name, found in values.items()}


def _value(name: str, text: str) -> Any:
    if name in _TEXT or re.match(r"0[0-9]", text):  # what begins with a zero is a code, not a number
        return text
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        number = int(text) if re.fullmatch(r"-?[0-9]+", text) else float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else text
