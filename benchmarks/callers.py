"""Callers at a web server, a thread and a connection each: `python -m benchmarks.callers PORT SECONDS PACE TOKEN …`

PACE: seconds a turn takes besides the requests, on average: looking at the lead, the call, the note. 0: a press follows
the other. Prints what each request took as JSON, in seconds, from its first byte sent to its last byte read. The first
lead of each caller does not count: with it the web server's processes open connections and read the rules.
"""

from __future__ import annotations

import http.client
import json
import random
import sys
import threading
import time
from datetime import UTC, datetime
from typing import Any

OPENS = datetime(2026, 9, 15, 13, 30, tzinfo=UTC)  # a Tuesday: 9:30 AM in New York, 6:30 AM in Los Angeles
NEXT, CALL, DISPOSE = "next", "call", "outcome"
ENDS = ("no_answer", "busy", "interested", "not_interested")


class Caller:
    """One of them, and what her requests took."""

    def __init__(self, port: int, token: str, seed: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
        self._chance = random.Random(seed)
        self.spent: dict[str, list[float]] = {NEXT: [], CALL: [], DISPOSE: []}
        self.error: Exception | None = None

    def work(self, until: float, pace: float) -> None:
        try:
            self._pause(pace)  # they do not begin in the same moment
            is_first = True
            while time.monotonic() < until:
                self._turn(pace)
                if is_first:
                    self.spent, is_first = {name: [] for name in self.spent}, False
        except Exception as error:  # told by the thread that waits
            self.error = error

    def _turn(self, pace: float) -> None:
        """One lead: looked at for a sixth of the pause, called for four, and a note written."""
        found = self._ask(NEXT, "dialer/next", {})
        if found["offer"] is None:
            raise AssertionError(found["nobody"]["words"])
        offer = found["offer"]
        self._pause(pace / 6)
        number = offer["numbers"][offer["chosen"]]["number"]
        body = {"leadId": offer["lead"]["id"], "memberId": offer["memberId"], "number": number}
        call = self._ask(CALL, "calls", body)["call"]
        self._pause(pace * 4 / 6)
        self._ask(DISPOSE, f"calls/{call['id']}/dispose", {"code": self._chance.choice(ENDS)})
        self._pause(pace / 6)

    def _pause(self, mean: float) -> None:
        time.sleep(self._chance.uniform(0.5 * mean, 1.5 * mean))

    def _ask(self, name: str, path: str, body: Any) -> Any:
        if self._connection.sock is None:
            self._connection.connect()
        sent = json.dumps(body)
        begin = time.perf_counter()
        try:
            self._connection.request("POST", f"/api/{path}", body=sent, headers=self._headers)
            answer = self._connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):  # silent for too long
            self._connection.close()
            begin = time.perf_counter()
            self._connection.request("POST", f"/api/{path}", body=sent, headers=self._headers)
            answer = self._connection.getresponse()
        text = answer.read()
        self.spent[name].append(time.perf_counter() - begin)
        if answer.status >= 400:
            raise AssertionError(f"{path} answered {answer.status}: {text[:300]!r}")
        return json.loads(text)


def main() -> None:
    port, seconds, pace, *tokens = sys.argv[1:]
    callers = [Caller(int(port), token, number) for number, token in enumerate(tokens)]
    until = time.monotonic() + float(seconds)
    threads = [threading.Thread(target=one.work, args=(until, float(pace))) for one in callers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors := [one.error for one in callers if one.error is not None]:
        raise errors[0]
    print(json.dumps({name: [took for one in callers for took in one.spent[name]] for name in (NEXT, CALL, DISPOSE)}))


if __name__ == "__main__":
    main()
