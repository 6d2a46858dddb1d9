"""One question to the rules, with what all of them look at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from campaigns.rules.facts import Consented, Facts, Purpose
from campaigns.rules.hours import Law, Place


@dataclass(frozen=True, slots=True)
class Asked:
    """at: UTC. consents: those in force, the latest first. law: what the table says of the place at that minute."""

    facts: Facts
    at: datetime
    purpose: Purpose
    consents: list[Consented]
    place: Place
    law: Law
