"""Whether people may be contacted: every rule of the gate, on one core, without a database.

2,000 people of twelve states in five zones, some suppressed, without consent, contacted before, are each asked of at
ten moments, no two of which are the same: nothing that was answered is asked again. The baseline is the least that any
gate must do: each person's clocks by `zoneinfo`, compared with one pair of hours.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from benchmarks.harness import Report, by_rate

Asked = list[tuple[Any, datetime]]  # facts and moment

PEOPLE, MOMENTS = 2_000, 10
AIM = 20_000  # people a second
BASELINE = "the clocks alone, by zoneinfo"
START = datetime(2026, 9, 15, 13, tzinfo=UTC)
PLACES = (
    (("America/New_York",), ("MA",)), (("America/New_York",), ("NY",)), (("America/New_York",), ("PA",)),
    (("America/Chicago", "America/New_York"), ("FL",)), (("America/Chicago",), ("TX",)),
    (("America/Chicago",), ("AL",)), (("America/Chicago",), ("MS",)), (("America/Denver",), ("UT",)),
    (("America/Denver", "America/Phoenix"), ("AZ",)), (("America/Phoenix",), ("AZ",)),
    (("America/Los_Angeles",), ("CA",)), (("America/Los_Angeles",), ("WA",)),
    (("America/Boise", "America/Los_Angeles"), ("OR",)), (("America/New_York", "America/Phoenix"), ("AZ", "MA")),
)  # fmt: skip


def measure(*, rounds: int) -> Report:
    """`rounds`: each of all people at all moments, in turn. Seconds are the process's own: of one core, whoever else
    works beside it.
    """
    asked = _people()
    ways = {BASELINE: _clocks, "decide: 29 rules, all answered": _decide()}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, work in ways.items():
            begin = time.process_time()
            if work(asked) != len(asked):
                raise AssertionError(f"{name} left somebody out")
            if number:  # the first warms caches
                seconds[name].append(time.process_time() - begin)
    results = by_rate(seconds, rows=len(asked), baseline=BASELINE)
    results[1]["met"] = results[1]["rows_per_second"] >= AIM
    return {
        "benchmark": "decide",
        "what": f"{PEOPLE:,} people at {MOMENTS} moments each",
        "baseline": BASELINE,
        "aim": f"{AIM:,} people a second of one core",
        "results": results,
    }


def _decide() -> Callable[[Asked], int]:
    from campaigns.rules.decide import decide
    from campaigns.rules.rule_set import RuleSet
    from tests.campaigns.rules.table import MIGRATION, rule

    days: dict[str, dict[date, str]] = {}
    for day in MIGRATION.holidays():
        days.setdefault(day["jurisdiction"], {})[day["date"]] = day["name"]
    rows = [rule(row) for row in MIGRATION.rules()]

    def work(asked: Asked) -> int:
        rules = RuleSet(rows, days)  # anew: what it computes of places is on the clock
        return sum(len(decide(facts, rules, at, "campaign").answers) == 29 for facts, at in asked)

    return work


def _clocks(asked: Asked) -> int:
    done = 0
    for facts, at in asked:
        for zone in facts.zones:
            local = at.astimezone(ZoneInfo(zone))
            _ = 480 <= local.hour * 60 + local.minute < 1260
        done += 1
    return done


def _people() -> Asked:
    from campaigns.rules.facts import Attempt, Consented, Facts, Scrubbed, SellerFacts, Suppressed

    chosen = random.Random(12)
    seller = SellerFacts(
        (),
        {state: "registered" for _, states in PLACES for state in states},
        flag_acknowledged=False,
        sender_registered=True,
    )
    asked: Asked = []
    for number in range(PEOPLE):
        zones, states = chosen.choice(PLACES)
        key, given = UUID(int=number + 1), START - timedelta(days=chosen.randint(1, 400))
        facts = Facts(
            "sms",
            f"+1617555{number:04}",
            number_kind="mobile",
            zones=zones,
            states=states,
            vendor_margin=15,
            suppressions=(Suppressed(key, "any", "stop", given),) if chosen.random() < 0.02 else (),
            consents=(Consented(key, "sms", "written", given, None),) if chosen.random() < 0.85 else (),
            scrubs=(Scrubbed("federal", False, START - timedelta(days=5), date(2026, 9, 9), "file"),),
            attempts=(Attempt(given, "sms", number, True),) if chosen.random() < 0.5 else (),
            seller=seller,
        )
        offset = timedelta(seconds=number * 37 % 5_400)
        asked.extend((facts, START + offset + timedelta(minutes=97 * step)) for step in range(MOMENTS))
    chosen.shuffle(asked)
    return asked
