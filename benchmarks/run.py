"""`make bench`: all benchmarks, or those named in ARGS. QUICK=1 takes a tenth of the rows. SIZE=10m measures `sizes`
alone: what people wait for at ten million leads, against a tenth of them.

Prints a table of each, then one JSON object with everything on the last line.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable

from benchmarks import (
    admin_lists,
    bulk,
    claim,
    decide,
    deliveries,
    dialer,
    dry_run,
    enrich,
    export,
    forget,
    hosts,
    imports,
    inbound,
    leads_page,
    mails,
    namespaces,
    pace,
    pages,
    queues,
    save_ids,
    search,
    sequences,
    sizes,
    suppressions,
    touches,
)
from benchmarks.harness import Report, circumstances, show
from benchmarks.place import Place
from devtools.process import LocalError

NAMES = (
    "save_ids",
    "export",
    "leads_page",
    "admin_lists",
    "pages",
    "claim",
    "pace",
    "enrich",
    "fleet",
    "queues",
    "search",
    "forget",
    "suppressions",
    "bulk",
    "imports",
    "decide",
    "dry_run",
    "deliveries",
    "inbound",
    "dialer",
    "sequences",
    "mails",
    "touches",
)
ENRICH = {"leads": 20_000, "looped": 2_000, "short": 1_000, "long": 100_000, "paced": 2_000}
ENRICH_QUICK = {"leads": 2_000, "looped": 200, "short": 200, "long": 2_000, "paced": 300}

QUEUES = {"jobs": 4_000, "killed": 400, "seconds": 90, "window": 60}
QUEUES_QUICK = {"jobs": 500, "killed": 200, "seconds": 20, "window": 10}


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench ARGS=", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; none: all")
    chosen = parser.parse_args().names or list(NAMES)
    if size := os.environ.get("SIZE"):
        run_sizes(sizes.size_of(size))
        return
    if unknown := sorted(set(chosen) - set(NAMES)):
        sys.exit(f"There is no benchmark {', '.join(unknown)}; there are {', '.join(NAMES)}.")
    quick = os.environ.get("QUICK", "") not in ("", "0")
    try:
        run(chosen, quick=quick)
    except LocalError as error:
        sys.exit(str(error))


def run_sizes(leads: int) -> None:
    print(f"Making a bucket of {leads // 10:,} leads …", file=sys.stderr, flush=True)
    with Place(leads=leads // 10) as place:
        with place.connect() as database:
            report = circumstances(database)
        report["reports"] = [sizes.measure(place, leads=leads, samples=20)]
        show(report["reports"][0])
    print(json.dumps(report))


def run(names: list[str], *, quick: bool) -> None:
    leads, ids, samples = (100_000, 20_000, 50) if quick else (1_000_000, 100_000, 300)
    print(f"Making a bucket of {leads:,} leads …", file=sys.stderr, flush=True)
    with Place(leads=leads) as place:
        with place.connect() as database:
            report = circumstances(database) | {"quick": quick, "reports": []}
        measures: dict[str, Callable[[], Report | list[Report]]] = {
            "leads_page": lambda: leads_page.measure(place, samples=samples),
            "export": lambda: export.measure(place, rounds=3),
            "save_ids": lambda: save_ids.measure(place, ids=ids, rounds=5),
            "admin_lists": lambda: admin_lists.measure(place, samples=2 if quick else 5),
            "pages": lambda: pages.measure(place, samples=3 if quick else 5),
            "claim": lambda: claim.measure(place, items=place.leads // 2),
            "pace": lambda: pace.measure(place, seconds=10 if quick else 120, window=10 if quick else 60, quick=quick),
            "search": lambda: search.measure(place, samples=10 if quick else 40),
            "forget": lambda: forget.measure(place, samples=5 if quick else 20),
            "dry_run": lambda: dry_run.measure(place, rounds=2 if quick else 5),
            "suppressions": lambda: suppressions.measure(place, rows=place.leads, rounds=1),
            "bulk": lambda: bulk.measure(place, rows=place.leads // 5, rounds=1),
            "imports": lambda: imports.measure(place, rows=place.leads),
            "decide": lambda: decide.measure(rounds=2 if quick else 5),
            "deliveries": lambda: deliveries.measure(place, messages=200 if quick else 2_000, looped=1_000),
            "inbound": lambda: inbound.measure(place, seconds=5 if quick else 30),
            "dialer": lambda: dialer.measure(place, people=10_000 if quick else 100_000, seconds=20 if quick else 60),
            "sequences": lambda: sequences.measure(place, people=10_000 if quick else 100_000),
            "mails": lambda: mails.measure(place, mails=200 if quick else 2_000, looped=1_000),
            "touches": lambda: touches.measure(place, people=2_000 if quick else 20_000, samples=5 if quick else 20),
            "enrich": lambda: enrich.measure(place, **(ENRICH_QUICK if quick else ENRICH)),
            "fleet": lambda: [
                *hosts.measure(place, leads=2_000 if quick else 6_000, rounds=2 if quick else 3),
                namespaces.measure(place, leads=300 if quick else 1_500),
            ],
            "queues": lambda: queues.measure(place, **(QUEUES_QUICK if quick else QUEUES)),
        }
        for name in names:
            print(f"Measuring {name} …", file=sys.stderr, flush=True)
            found = measures[name]()
            for one in found if isinstance(found, list) else [found]:
                report["reports"].append(one)
                show(one)
    print(json.dumps(report))
