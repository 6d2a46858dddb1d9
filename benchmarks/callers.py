"""Callers of one process, a thread each, for the dialer's benchmark: `python -m benchmarks.callers TEAM SECONDS USER …`

Prints what each step took as JSON, in seconds; statements: of a next lead, one of which is the benchmark's own clock.
Of each caller the first lead does not count: with it a new process opens its connections and reads the rules.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from datetime import UTC, datetime
from typing import Any

OPENS = datetime(2026, 9, 15, 13, 30, tzinfo=UTC)  # a Tuesday: 9:30 AM in New York, 6:30 AM in Los Angeles
NEXT, CALL, DISPOSE, CPU, STATEMENTS = "next", "call", "outcome", "cpu", "statements"


def main() -> None:
    import django

    django.setup()
    from django.test import override_settings

    from accounts.access import access_of
    from accounts.models import User

    team_id, seconds, *user_ids = sys.argv[1:]
    spent: dict[str, list[float]] = {name: [] for name in (NEXT, CALL, DISPOSE, CPU, STATEMENTS)}
    with override_settings(CAMPAIGN_CLOCK=(OPENS, 1)):
        callers = [access_of(User.objects.get(pk=int(pk)), int(team_id)) for pk in user_ids]
        until = time.monotonic() + float(seconds)
        threads = [threading.Thread(target=work, args=(one, until, spent)) for one in callers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    print(json.dumps(spent))


def work(access: Any, until: float, spent: dict[str, list[float]]) -> None:
    from django.db import connection

    statements: list[str] = []

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:  # Django's
        statements.append(sql)
        return execute(sql, params, many, context)

    from campaigns.dialing.calling import Refused, place_call
    from campaigns.dialing.disposing import dispose
    from campaigns.dialing.offering import Nobody, next_lead

    chance, is_first = random.Random(access.user.pk), True

    def note(**took: float) -> None:
        for name, value in {} if is_first else took.items():
            spent[name].append(value)

    try:
        while time.monotonic() < until:
            statements.clear()
            begin, began = time.perf_counter(), time.thread_time()
            with connection.execute_wrapper(count):
                found = next_lead(access)
            note(next=time.perf_counter() - begin, cpu=time.thread_time() - began, statements=len(statements))
            if isinstance(found, Nobody):
                raise AssertionError(found.words)
            number = found.numbers[found.chosen].number
            begin = time.perf_counter()
            try:
                attempt = place_call(access, lead_id=found.lead.pk, member_id=found.member.pk, number=number)
            except Refused:
                continue
            note(call=time.perf_counter() - begin)
            time.sleep(chance.uniform(1, 3))
            begin = time.perf_counter()
            dispose(access, attempt.pk, code=chance.choice(["no_answer", "busy", "interested", "not_interested"]))
            note(outcome=time.perf_counter() - begin)
            is_first = False
    finally:
        connection.close()


if __name__ == "__main__":
    main()
