"""The list of scenarios, and running them one after the other."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from devtools.servers import Servers
from tests.chaos import (
    answers,
    beside,
    booking,
    books,
    controls,
    crowds,
    dialer,
    dry_runs,
    hooks,
    kills,
    mail,
    messages,
    outages,
    permission,
    vendors,
)
from tests.chaos.place import Place, Setting


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is done to a place with this setting. `act` returns notes for the line."""

    setting: Setting
    act: Callable[[Place], Sequence[str]]


SCENARIOS = {
    "kills": Scenario(kills.PACED, kills.kills),
    **{f"kill:{point}": Scenario(kills.UNPACED, kills.at(point)) for point in kills.POINTS},
    "webhook-receiver": Scenario(hooks.UNPACED, hooks.receiver),
    "zombie": Scenario(kills.UNPACED, kills.zombie),
    "flushall": Scenario(outages.BUSY, outages.flushall),
    "broker-away": Scenario(outages.BUSY, outages.broker_away),
    "postgres": Scenario(outages.BUSY, outages.postgres),
    "postgres-at-answer": Scenario(outages.SLOW, outages.between_answer_and_settlement),
    "clocks": Scenario(outages.BUSY, outages.clocks),
    "everything-off": Scenario(outages.BUSY, outages.everything_off),
    "mixed-faults": Scenario(vendors.WELL, vendors.mixed),
    "429": Scenario(vendors.WELL, vendors.bursts),
    "429-daily": Scenario(vendors.WELL, vendors.daily_limit),
    **{kind: Scenario(vendors.WELL, vendors.refused(kind)) for kind in ("401", "402")},
    "403-batch": Scenario(vendors.WELL, vendors.batch_refused),
    "long-refusal": Scenario(vendors.WELL, vendors.long_refusal),
    "odd-batches": Scenario(vendors.WELL, vendors.odd_batches),
    "bills-then-500": Scenario(
        vendors.WELL, answers.lost_answers({"kind": "500", "billed": True, "rate": 0.12}, {"kind": "520", "rate": 0.04})
    ),
    "bills-then-cuts": Scenario(
        vendors.WELL, answers.lost_answers({"kind": "cut", "rate": 0.06}, {"kind": "cut_middle", "rate": 0.06})
    ),
    **{f"200-{kind}": Scenario(vendors.WELL, answers.no_answer(kind)) for kind in ("html", "text")},
    **{
        name: Scenario(vendors.WELL, answers.elsewhere(kind))
        for name, kind in {"301": "301", "308": "308", "404-html": "404_html", "404-json": "404"}.items()
    },
    "outage": Scenario(crowds.LONE, answers.outage),
    "credits-0": Scenario(vendors.WELL, answers.claims_nothing),
    "credits-10": Scenario(vendors.WELL, answers.claims_ten),
    "429-often": Scenario(vendors.WELL, answers.often_429),
    "left-out-at-rebuy": Scenario(vendors.WELL, answers.left_out_at_rebuy),
    "in-doubt-at-rebuy": Scenario(vendors.WELL, answers.in_doubt_at_rebuy),
    "apollo-pushes": Scenario(answers.PUSHED, answers.pushed),
    "ten-runs": Scenario(crowds.CROWDED, crowds.ten_runs),
    "behind-a-giant": Scenario(crowds.LONE, crowds.behind_a_giant),
    "stop-and-go": Scenario(outages.BUSY, controls.stop_and_go),
    "fifty-at-once": Scenario(outages.BUSY, controls.fifty_at_once),
    "sms-kills": Scenario(messages.TEXTS, messages.kills),
    "sms-dry-run": Scenario(dry_runs.SETTING, dry_runs.log_is_the_dry_run),
    "sms-beside-enrichment": Scenario(messages.FAST, beside.same_leads),
    "sms-stops": Scenario(messages.FAST, messages.stop_races),
    "sms-caps": Scenario(messages.FAST, messages.caps),
    "mail": Scenario(mail.SETTING, mail.sequences),
    "dialer": Scenario(dialer.CALLED, dialer.callers),
    "call-list": Scenario(kills.UNPACED, dialer.filled),
    "booking": Scenario(booking.BOOKED, booking.guests),
    "same-leads-twice": Scenario(outages.BUSY, controls.same_leads_twice),
    "suppression-races": Scenario(messages.FAST, permission.stop_races),
    "cap-races": Scenario(messages.FAST, permission.cap_races),
}


def run(servers: Servers, names: Sequence[str], *, quick: bool, one_stack: bool = False) -> list[str]:
    """Runs the scenarios named; returns those that broke a promise.

    one_stack: all on a stack without a pace, which those that need a pace or a webhook do not bear.
    """
    place, wrong = Place(servers, quick=quick), []
    try:
        for name in sorted(names, key=lambda name: repr(SCENARIOS[name].setting)):
            began = time.monotonic()
            try:
                place.open(kills.UNPACED if one_stack else SCENARIOS[name].setting)
                began = time.monotonic()
                notes = SCENARIOS[name].act(place)
                place.running.check()  # nothing has died but what was killed
                print(books.close(place, name, time.monotonic() - began, notes), flush=True)
            except Exception:
                wrong.append(name)
                print(f"{name:<18} BROKEN after {time.monotonic() - began:.0f} s", flush=True)
                traceback.print_exc(file=sys.stderr)
                place.close()
                logs = servers.home / "log"
                logs.rename(logs.with_name(f"log {name}"))  # to look at; the next stack begins new ones
    finally:
        place.close()
    return wrong
