"""The next lead of a call list: 100,000 people on two lists that share them, 20 callers at once, nine in ten asleep.

Timed in each caller's thread, ten of them a process (`benchmarks.callers`): `next_lead` from the press to the lead with
all of its numbers, every rule asked and the receipt written; beside it the press of the call and its outcome. Between
two leads a caller speaks for a second or two, as fast as nobody does. It is half past nine in New York: of the people
on the lists one in ten may be called.

The baseline is the claim alone: the statement that takes the next row of a list, without rule, number or receipt.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from datetime import timedelta
from typing import Any
from uuid import UUID

from benchmarks.callers import CALL, CPU, DISPOSE, NEXT, OPENS, STATEMENTS
from benchmarks.dry_run import PROFILE
from benchmarks.harness import Report, by_latency
from benchmarks.place import Place
from devtools.servers import PROJECT

CALLERS = 20
AIM = 0.050  # seconds, p95
PROCESSES = 2  # of gunicorn, on this machine's cores
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
        load = os.getloadavg()[0]
        spent |= _call([access.user.pk for access in callers], access.team_id, seconds)
        _check()
    p95 = statistics.quantiles(spent[NEXT], n=20)[-1]
    cpu, statements = (statistics.median(spent.pop(name)) for name in (CPU, STATEMENTS))
    return {
        "benchmark": "dialer",
        "what": f"{people:,} people on two lists, {CALLERS} callers in {PROCESSES} processes; "
        f"a list of them is made in {made['seconds']:.1f} s",
        "baseline": CLAIM,
        "aim": f"next under {AIM * 1000:.0f} ms p95; {p95 * 1000:.0f} ms measured over {len(spent[NEXT]):,} leads, "
        f"{cpu * 1000:.1f} ms of CPU and {statements:.0f} statements each; the machine's load was {load:.1f} before",
        "results": by_latency(spent, dict.fromkeys((NEXT, CALL, DISPOSE), CLAIM)),
    }


def _call(user_ids: list[int], team_id: int | None, seconds: float) -> dict[str, list[float]]:
    """By callers in processes of their own, as gunicorn has them: threads of one share a GIL."""
    command = [sys.executable, "-m", "benchmarks.callers", str(team_id), str(seconds)]
    running = [
        subprocess.Popen([*command, *map(str, user_ids[one::PROCESSES])], stdout=subprocess.PIPE, cwd=PROJECT)
        for one in range(PROCESSES)
    ]
    spent: dict[str, list[float]] = {}
    for process in running:
        told, _ = process.communicate()
        if process.returncode:
            raise AssertionError("callers failed")
        for name, times in json.loads(told).items():
            spent.setdefault(name, []).extend(times)
    return spent


def _floor(place: Place, people: int) -> tuple[Any, list[Any], dict[str, Any]]:
    """A company, twenty callers, and the lists: made by the product, and timed."""
    from accounts.access import access_of, own_access
    from accounts.models import Membership, User
    from buckets.services import create_bucket, recount
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
    begin = time.perf_counter()
    half = [user.pk for user in callers[::2]]
    rest = [user.pk for user in callers[1::2]]
    plan = ListPlan("One", Audience(bucket_id=bucket.pk), half, None, "equity")
    one, added = create_list(access, plan)
    took = time.perf_counter() - begin
    if added.people != people:
        raise AssertionError(f"{added}")
    two, _ = create_list(access, ListPlan("Two", Audience(bucket_id=bucket.pk), rest, None, "value"))
    lists = [open_list(access, row.pk) for row in (one, two)]
    with place.connect() as database:
        database.execute("VACUUM ANALYZE campaigns_member, leads_contactkey, leads_leadkey")
    return access, [access_of(user, team_id) for user in callers], {"lists": lists, "seconds": took}


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
    from common.db.clock import database_now

    places, found = open_places([campaign], load_rules(), clock.now()), []
    for _ in range(100):
        begin = time.perf_counter()
        taken = claim(places, user_id=access.user.pk, team_id=access.team_id, at=clock.now(), real=database_now())
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
