"""The next lead of a call list: 100,000 people on two lists that share them, 20 callers at once, nine in ten asleep.

Timed at the callers (`benchmarks.callers`), over HTTP on the web server of the Dockerfile: two processes of gunicorn,
production's settings with the clock set (`benchmarks.settings`). `next` is from the press to the lead with all of its
numbers, every rule asked and the receipt written; beside it the press of the call and its outcome. It is half past nine
in New York: of the people on the lists one in ten may be called.

Twice: *paced*, a caller takes 6 s for a lead, ten times as fast as people do; *tight*, a press follows the other, so
that the time is what a queue of twenty at two cores takes. Callers, web server and PostgreSQL share the machine. CPU
and statements are those of one process that works alone. The baseline is the claim alone: the statement that takes the
next row of a list, without rule, number or receipt.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from benchmarks.callers import CALL, DISPOSE, ENDS, NEXT, OPENS
from benchmarks.dry_run import PROFILE
from benchmarks.harness import Report, by_latency
from benchmarks.place import Place
from devtools.process import end, spawn, wait_until
from devtools.servers import PROJECT
from devtools.valkey import free_port

CALLERS = 20
AIM = 0.050  # seconds, p95
WORKERS = 2  # of gunicorn, as in the Dockerfile
PACES = {"paced": 6.0, "tight": 0.0}  # seconds that a turn takes besides the requests
ALONE = 60  # turns
CLAIM = "claim alone"
# state, ZIP, area code; the first is awake
PLACES = (("NY", "10001", "212"), *[("CA", "90012", "213"), ("WA", "98101", "206"), ("OR", "97201", "503")] * 3)
FILL = """
    INSERT INTO leads_lead (id, bucket_id, owner_id, team_id, source, property_id, created_at, updated_at,
        enrichment_status, phone, phone_type, owner_name, first_name, last_name, property_address, property_state,
        property_zip, mailing_address, mailing_state, mailing_zip, estimated_value, estimated_equity)
    SELECT uuidv7(), %(bucket)s, %(owner)s, %(team)s, 'real-estate', (800000000 + n)::text, now(), now(), 'completed',
        '+1' || p.area || (2000000 + n), 'mobile', 'Ada Love' || translate(n::text, '0123456789', 'abcdefghij'), 'Ada',
        'Love' || translate(n::text, '0123456789', 'abcdefghij'), n || ' Oak St', p.state, p.zip, n || ' Oak St',
        p.state, p.zip, 300000 + n::bigint * 7919 %% 800000, n::bigint * 104729 %% 500000
      FROM generate_series(%(first)s::int, %(last)s::int) n
      JOIN unnest(%(states)s::text[], %(zips)s::text[], %(areas)s::text[]) WITH ORDINALITY AS p(state, zip, area, place)
        ON p.place = n %% %(places)s + 1
"""
SCRUB = """
    INSERT INTO leads_scrub (id, seller_id, digest, list, listed, checked_at, version_date, source, san)
    SELECT uuidv7(), %s, c.digest, 'federal', false, now(), %s, 'file', '' FROM leads_contactkey c WHERE c.kind = 1
    ON CONFLICT DO NOTHING
"""


def measure(place: Place, *, people: int, seconds: float) -> Report:
    from django.test import override_settings

    with override_settings(CAMPAIGN_CLOCK=(OPENS, 1)):
        access, callers, made = _floor(place, people)
        spent = {CLAIM: _claims(made["lists"][0], access)}
        alone = _alone(callers[0])
        load = os.getloadavg()[0]
        with _web_server(place) as port:
            for name, pace in PACES.items():
                found = _call(port, made["tokens"], seconds, pace)
                spent |= {f"{step}, {name}": times for step, times in found.items()}
        _check()
    p95 = {name: 1000 * statistics.quantiles(spent[f"{NEXT}, {name}"], n=20)[-1] for name in PACES}
    return {
        "benchmark": "dialer",
        "what": f"{people:,} people on two lists, {CALLERS} callers at {WORKERS} web processes; "
        f"a list of them is asked for in {made['asked']:.1f} s and made in {made['seconds']:.1f} s",
        "baseline": CLAIM,
        "aim": f"next under {AIM * 1000:.0f} ms p95; paced {p95['paced']:.0f} ms, tight {p95['tight']:.0f} ms; "
        f"CPU ms and statements alone: {alone}; the machine's load was {load:.1f} before",
        "results": by_latency(spent, {name: CLAIM for name in spent if name != CLAIM}),
    }


@contextmanager
def _web_server(place: Place) -> Iterator[int]:
    """As the Dockerfile has it; its port."""
    port, log = free_port(), place.home / "dialer.log"
    command = [sys.executable, "-m", "gunicorn", "--config", "python:config.gunicorn", "config.wsgi"]
    command += ["--bind", f"127.0.0.1:{port}", "--workers", str(WORKERS)]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "benchmarks.settings"}
    web = spawn(command, log=log, environment=environment, directory=PROJECT)
    try:
        wait_until(lambda: _answers(port), process=web, log=log, what="the web server", seconds=60)
        yield port
    finally:
        end(web)


def _answers(port: int) -> bool:
    import http.client

    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False


def _call(port: int, tokens: list[str], seconds: float, pace: float) -> dict[str, list[float]]:
    """By callers in a process of their own, which shares no GIL with anybody."""
    command = [sys.executable, "-m", "benchmarks.callers", str(port), str(seconds), str(pace), *tokens]
    told = subprocess.run(command, stdout=subprocess.PIPE, cwd=PROJECT, check=False)
    if told.returncode:
        raise AssertionError("callers failed")
    found: dict[str, list[float]] = json.loads(told.stdout)
    return found


def _alone(access: Any) -> str:
    """What a turn costs this process where nobody else works: milliseconds of its CPU, and statements."""
    from django.db import connection

    from campaigns.dialing.calling import place_call
    from campaigns.dialing.disposing import dispose
    from campaigns.dialing.offering import next_lead

    statements: list[str] = []
    spent: dict[str, list[tuple[float, int]]] = {NEXT: [], CALL: [], DISPOSE: []}

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:  # Django's
        statements.append(sql)
        return execute(sql, params, many, context)

    def timed(name: str, work: Callable[[], Any]) -> Any:
        statements.clear()
        began = time.thread_time()
        with connection.execute_wrapper(count):
            found = work()
        spent[name].append((1000 * (time.thread_time() - began), len(statements)))
        return found

    for number in range(ALONE):
        found = timed(NEXT, lambda: next_lead(access))
        phone = found.numbers[found.chosen].number
        call = timed(
            CALL,
            lambda: place_call(access, lead_id=found.lead.pk, member_id=found.member.pk, number=phone),  # noqa: B023
        )
        timed(DISPOSE, lambda: dispose(access, call.pk, code=ENDS[number % len(ENDS)]))  # noqa: B023
    return ", ".join(
        f"{name} {statistics.median(cpu for cpu, _ in rows):.1f} and {statistics.median(n for _, n in rows):.0f}"
        for name, rows in spent.items()
    )


def _floor(place: Place, people: int) -> tuple[Any, list[Any], dict[str, Any]]:
    """A company, twenty callers, and the lists: made by the product, and timed."""
    from accounts.access import access_of, own_access
    from accounts.models import Membership, User
    from accounts.services import create_api_token
    from buckets.services import create_bucket, recount
    from campaigns.dialing.filling import continue_fill
    from campaigns.dialing.lists import ListPlan, create_list, open_list
    from campaigns.planning.audience import Audience
    from campaigns.setup.state_answers import Given, answer_states
    from leads.models import Lead
    from leads.permission.selling import save_seller

    access = own_access(place.user)
    team_id = access.team_id
    assert team_id is not None
    seller = save_seller(team_id=team_id, by=place.user, values=PROFILE, attest=True)
    states = sorted({state for state, _, _ in PLACES})
    answer_states(by=place.user, seller=seller, answers=[Given(state, "not_needed") for state in states])
    bucket, _ = create_bucket(by=place.user, name="Call list", team_id=team_id)
    with place.connect() as database:
        for first in range(1, people + 1, 50_000):
            columns = [list(column) for column in zip(*PLACES, strict=True)]
            database.execute(
                FILL,
                {"bucket": bucket.pk, "owner": place.user.pk, "team": team_id, "first": first,
                 "last": min(first + 49_999, people), "states": columns[0], "zips": columns[1], "areas": columns[2],
                 "places": len(PLACES)},
            )  # fmt: skip
    leads = list(Lead.objects.filter(bucket=bucket).order_by("pk").values_list("pk", flat=True))
    for start in range(0, people, 5_000):
        link_keys(leads[start : start + 5_000])
    with place.connect() as database:
        database.execute(SCRUB, [seller.pk, (OPENS - timedelta(days=5)).date()])
        database.execute("VACUUM ANALYZE")
    recount(bucket_ids=[bucket.pk])
    callers = []
    for number in range(CALLERS):
        user = User.objects.create_user(f"bench-caller-{number}")
        Membership.objects.filter(user=user).delete()
        Membership.objects.create(user=user, team_id=team_id, role="caller")
        callers.append(user)
    half = [user.pk for user in callers[::2]]
    rest = [user.pk for user in callers[1::2]]
    begin = time.perf_counter()
    plan = ListPlan("One", Audience(bucket_id=bucket.pk), half, None, "equity")
    one, fill = create_list(access, plan)
    asked = time.perf_counter() - begin
    while continue_fill(fill.pk):
        pass
    took = time.perf_counter() - begin
    one.refresh_from_db()
    if one.members != people:
        raise AssertionError(f"{one.members} of {people} people")
    two, fill = create_list(access, ListPlan("Two", Audience(bucket_id=bucket.pk), rest, None, "value"))
    while continue_fill(fill.pk):
        pass
    lists = [open_list(access, row.pk) for row in (one, two)]
    with place.connect() as database:
        database.execute("VACUUM ANALYZE campaigns_member, leads_contactkey, leads_leadkey")
    tokens = [create_api_token(username=user.username)[1] for user in callers]
    made = {"lists": lists, "seconds": took, "asked": asked, "tokens": tokens}
    return access, [access_of(user, team_id) for user in callers], made


def link_keys(lead_ids: list[UUID]) -> None:
    from django.db import transaction

    from leads.keys import contact_keys
    from leads.keys.owner_keys import READ
    from leads.models import Lead

    with transaction.atomic():
        rows = Lead.objects.filter(pk__in=lead_ids).order_by("pk").values("pk", *READ)
        contact_keys.write({row.pop("pk"): row for row in rows})


def _claims(campaign: Any, access: Any) -> list[float]:
    """Taken and given back by the statement alone."""
    from campaigns import clock
    from campaigns.dialing.locks import claim
    from campaigns.dialing.places import open_places
    from campaigns.gate.rule_rows import load_rules
    from campaigns.models import Member

    places, found = open_places([campaign], load_rules(), clock.now()), []
    for _ in range(100):
        begin = time.perf_counter()
        taken = claim(places, user_id=access.user.pk, team_id=access.team_id, at=clock.now())
        found.append(time.perf_counter() - begin)
        assert taken is not None
        Member.objects.filter(pk=taken.member.pk).update(taken_by=None, taken_at=None, lease_until=None)
    return found


def _check() -> None:
    """Nobody was called twice."""
    from django.db.models import Count

    from campaigns.models import CallAttempt

    twice = CallAttempt.objects.values("key").annotate(n=Count("pk")).filter(n__gt=1).count()
    if twice:
        raise AssertionError(f"{twice} people were called twice")
