"""A person on the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from leads.privacy.finding import Asked


def add_person(parser: CommandParser) -> None:
    """`--phone --email --person --address --zip`."""
    parser.add_argument("--phone", default="", help="Their phone, in any spelling")
    parser.add_argument("--email", default="", help="Their e-mail")
    parser.add_argument("--person", default="", metavar="NAME", help="Their first and last name; needs --address too")
    parser.add_argument("--address", default="", help="Street line of a mailing or property address")
    parser.add_argument("--zip", default="", help="Its ZIP")


def asked_of(options: Mapping[str, Any]) -> Asked:
    """Raises BadPerson, which is a ValueError."""
    return Asked.of(
        phone=options["phone"], email=options["email"], name=options["person"], address=options["address"],
        zip=options["zip"],
    )  # fmt: skip
