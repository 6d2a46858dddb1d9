"""What `manage.py check --database default` says of the rule table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Warning
from django.db import DEFAULT_DB_ALIAS, DatabaseError
from django.utils import timezone

from campaigns.gate.rule_rows import load_rules
from campaigns.rule_table.running_out import states_without_dates

ID = "campaigns.W001"


def check_holidays(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """A warning for each state whose holidays run out within 60 days. Asked only where the database is."""
    if DEFAULT_DB_ALIAS not in (databases or ()):
        return []
    try:
        missing = states_without_dates(load_rules(), timezone.now().date())
    except DatabaseError:  # before the first migration
        return []
    return [
        Warning(
            f"{state} closes on holidays, and the rule table does not have those of {year}: it is closed on every day "
            "of that year.",
            hint="A superuser enters them on the page Holidays; docs/rules.md says where from.",
            id=ID,
        )
        for state, year in missing
    ]
