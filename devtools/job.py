"""The main job over the HTTP API, as any client would do it: count, save, choose, quote, enrich, export."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import requests

from common.commands.progress import Tick
from devtools.process import LocalError

PAGE = 500  # the API's most
SMALLEST_CAP = Decimal("0.01")  # US dollars: a cap must be above 0, also where nothing is to be bought
TIMEOUT = 60  # seconds
STALL_SECONDS = 300  # without a change in a run: far longer than any pace makes it wait
ENRICHING = ("property_detail", "skip_trace", "signalhouse_skip_trace")  # operations of a run, in the sandbox's words
Follow = Callable[[Callable[[], Tick], str], None]
Json = dict[str, Any]


class Api:
    """The product's HTTP API with a token. An answer that is no success raises LocalError with its message."""

    def __init__(self, url: str, token: str) -> None:
        self.url = f"{url}/api"
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Token {token}"

    def get(self, path: str, **parameters: str | int) -> Json:
        return self._answer(self._session.get(self.url + path, params=parameters, timeout=TIMEOUT))

    def post(self, path: str, body: Mapping[str, Any]) -> Json:
        return self._answer(self._session.post(self.url + path, json=body, timeout=TIMEOUT))

    def put(self, path: str, body: Mapping[str, Any]) -> Json:
        return self._answer(self._session.put(self.url + path, json=body, timeout=TIMEOUT))

    def download(self, path: str, to: Path, **parameters: str | int) -> int:
        """Saves the answer; returns how many lines it has after the first."""
        with self._session.get(self.url + path, params=parameters, timeout=TIMEOUT, stream=True) as answer:
            if not answer.ok:
                self._answer(answer)
            try:
                with to.open("wb") as file:
                    for chunk in answer.iter_content(1 << 16):
                        file.write(chunk)
            except requests.RequestException as error:
                raise LocalError(f"GET {answer.request.path_url} broke off: {error}") from error
        with to.open("rb") as file:
            return max(0, sum(1 for _ in file) - 1)

    @staticmethod
    def _answer(answer: requests.Response) -> Json:
        try:
            body = answer.json(parse_float=Decimal)
        except requests.JSONDecodeError:
            body = {}
        if not answer.ok or not body.get("success"):
            message = (body.get("error") or {}).get("message") or answer.reason
            request = answer.request
            raise LocalError(f"{request.method} {request.path_url} was answered {answer.status_code}: {message}")
        return dict(body)


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """What the made-up vendors have counted so far, of the operations of a run."""

    billed: Decimal
    requests: int
    rejected: int

    @classmethod
    def read(cls, sandbox_url: str) -> Ledger:
        facts = requests.get(f"{sandbox_url}/sandbox/ledger", timeout=TIMEOUT).json()
        tallies = [facts["operations"].get(name, {}) for name in ENRICHING]
        return cls(
            billed=Decimal(str(facts["billed"])),
            requests=sum(tally.get("requests", 0) for tally in tallies),
            rejected=int(facts["rejected_429"]),
        )

    def since(self, before: Ledger) -> Ledger:
        return Ledger(
            billed=self.billed - before.billed,
            requests=self.requests - before.requests,
            rejected=self.rejected - before.rejected,
        )


def counties(sandbox_url: str) -> list[Json]:
    """Where the sandbox has parcels, most first: county (None: the file does not say), state, parcels."""
    answer = requests.get(f"{sandbox_url}/sandbox/parcels", timeout=TIMEOUT)
    answer.raise_for_status()
    found: list[Json] = answer.json()["counties"]
    return sorted(found, key=lambda county: -county["parcels"])


@dataclass(kw_only=True)
class Job:
    """One search, one bucket, one run. Each step is one thing a user does, in this order."""

    api: Api
    criteria: Json
    name: str
    follow: Follow
    bucket: Json | None = None

    def count(self) -> int:
        """How many properties match; free."""
        return int(self.api.post("/property/search", {"mode": "count", "search": self.criteria})["count"])

    def save(self) -> tuple[int, bool]:
        """Saves all of them in the bucket of this name; free. How many were new, and whether the bucket was."""
        known = self.api.get("/property/bucket", name=self.name)["buckets"]
        if known:
            before = int(known[0]["totalLeads"])
            made = self.api.post(f"/property/bucket/{known[0]['id']}/ids", {"search": self.criteria})
        else:
            before = 0
            made = self.api.post("/property/bucket", {"name": self.name, "search": self.criteria})
        path = f"/property/bucket/{made['bucket']['id']}"

        def look() -> Tick:
            self.bucket = self.api.get(path)["bucket"]
            fill = self.bucket["fill"]
            if fill["status"] in ("failed", "cancelled"):
                raise LocalError(f"the bucket was not filled: {fill['error']}")
            return Tick(done=fill["fetched"], total=fill["found"], over=fill["status"] == "completed")

        self.follow(look, "ids")
        return self._bucket["totalLeads"] - before, not known

    def choose(self, most: int) -> list[str]:
        """The ids of the bucket's first leads, oldest first, page by page."""
        return [lead["id"] for _, lead in zip(range(most), self._leads(), strict=False)]

    def end_open_runs(self) -> int:
        """Ends what an interrupted demo has left running; returns how many runs."""
        ended = 0
        for status in ("queued", "running", "paused"):
            for run in self.api.get("/runs", bucketId=self._bucket["id"], status=status)["runs"]:
                self.api.post(f"/runs/{run['id']}/cancel", {})
                ended += 1
        return ended

    def quote(self, leads: list[str]) -> Json:
        """What buying facts of these leads would cost; free."""
        quote: Json = self.api.post(f"/property/bucket/{self._bucket['id']}/quote", {"leadIds": leads})["quote"]
        return quote

    def enrich(self, leads: list[str], price: Decimal) -> tuple[Json, float]:
        """Buys them, for at most the quoted price. The run when it is over, and the seconds it took."""
        body = {"bucketId": self._bucket["id"], "leadIds": leads, "maxCost": str(max(price, SMALLEST_CAP))}
        began = moved = time.monotonic()
        run = self.api.post("/property/bucket/process", body)["run"]

        def look() -> Tick:
            nonlocal run, moved
            before, run = run, self.api.get(f"/runs/{run['id']}")["run"]
            counts = run["counts"]
            if (counts, run["spent"]) != (before["counts"], before["spent"]):
                moved = time.monotonic()
            if time.monotonic() - moved > STALL_SECONDS:
                raise LocalError(f"nothing has moved for {STALL_SECONDS} s. {run['waiting']}")
            eta = f", {run['etaSeconds']} s to go" if run["etaSeconds"] else ""
            words = f"{counts['enriched']:,} with a phone, spent ${run['spent']:,.2f}{eta}"
            if run["status"] == "paused":
                raise LocalError(f"the run is paused: {run['reason']}")
            return Tick(counts["done"], counts["total"], words, over=run["status"] in ("completed", "cancelled"))

        self.follow(look, "leads")
        return run, time.monotonic() - began

    def export(self, run: Json, to: Path) -> int:
        """The leads of the run as CSV; returns how many rows."""
        to.parent.mkdir(parents=True, exist_ok=True)
        return self.api.download(f"/property/bucket/{self._bucket['id']}/export", to, runId=run["id"])

    @property
    def _bucket(self) -> Json:
        if self.bucket is None:
            raise LocalError("save() comes first")
        return self.bucket

    def _leads(self) -> Iterator[Json]:
        cursor: dict[str, str] = {}
        while True:
            page = self.api.get("/property/bucket/leads", bucketId=self._bucket["id"], limit=PAGE, **cursor)
            yield from page["leads"]
            if page["nextCursor"] is None:
                return
            cursor = {"cursor": page["nextCursor"]}


def as_line(result: Mapping[str, Any]) -> str:
    """One JSON object on one line; money as numbers."""
    return json.dumps({name: float(value) if isinstance(value, Decimal) else value for name, value in result.items()})
