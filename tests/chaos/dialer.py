"""Twenty callers over two lists that share their people: laptops close, callers' processes and workers are killed,
PostgreSQL is restarted. Nobody is before two callers, nobody is called twice within the pause, counters are the count.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.db.models import Count

from accounts.access import access_of, team_of
from accounts.models import Membership, User
from campaigns.dialing.filling import at_work_on
from campaigns.dialing.lists import ListPlan, create_list, open_list
from campaigns.models import CallAttempt, ClockSetting, ListFill, Member
from campaigns.planning.audience import Audience
from common.db.clock import database_now
from devtools.servers import PROJECT
from integrations.ledger.persistence import persist
from leads.models import Activity, Lead, Suppression
from tests.campaigns.sending import world
from tests.chaos.place import Broken, Place, Setting

CALLERS, PROCESSES = 20, 4
LONGEST = 900.0  # seconds that a caller's process may live: longer than the scenario
CALLED = Setting(environment={"CAMPAIGN_CLOCK": f"{world.NOON:%Y-%m-%dT%H:%MZ}/1"})
# People with a number or an owner in common, both before a caller or on an open call; by every key that is not crowded.
BEFORE_TWO = """
WITH before AS (
     SELECT taken_by_id AS caller, lead_id FROM campaigns_member WHERE taken_by_id IS NOT NULL AND lease_until > now()
     UNION SELECT by_id, lead_id FROM campaigns_callattempt WHERE ended_at IS NULL)
SELECT count(*) FROM before a JOIN leads_leadkey k ON k.lead_id = a.lead_id
  JOIN leads_contactkey c ON c.id = k.key_id AND NOT c.crowded
  JOIN leads_leadkey o ON o.key_id = k.key_id JOIN before b ON b.lead_id = o.lead_id AND b.caller <> a.caller
"""


def callers(place: Place) -> Sequence[str]:
    """2,000 people in five zones, twenty callers in four processes of five."""
    count, kills = place.size(2_000, 150), place.size(12, 4)
    settings.CAMPAIGN_CLOCK, before = (world.NOON, 1), settings.CAMPAIGN_CLOCK
    try:
        leads, groups = _floor(place, count)
        killed: Counter[str] = Counter()
        with _watched() as seen, _at_work(place, groups) as processes:
            for number in range(kills):
                goal = count * (number + 1) // (kills + 2)
                place.until(lambda goal=goal: _called() >= goal, "calls are made")  # type: ignore[misc]
                killed[_kill(place, processes, groups, number)] += 1
                if number == kills // 2:
                    place.servers.postgres.restart()
            place.until(lambda: _called() >= count, "everybody was called", 600)
        persist(lambda: Member.objects.filter(taken_by__isnull=False).update(lease_until=database_now()))
        place.until(_rests, "nobody is before a caller, and nothing is to be written", 90)
        return [*_check(leads, seen), f"killed: {dict(killed)}"]
    finally:
        settings.CAMPAIGN_CLOCK = before


def filled(place: Place) -> Sequence[str]:
    """The worker dies before and after the commit of a piece of a large list: everybody is on it once."""
    count = 6_000  # two pieces; more are not made in one transaction of DATABASE_IDLE_SECONDS
    ann = place.person("ann").user
    persist(lambda: Membership.objects.filter(user=ann).update(role="manager"))
    seller, _ = persist(lambda: world.make_company(ann))
    bucket, _ = world.make_people(ann, seller, count, places=world.PLACES)
    access = access_of(ann, team_of(ann))
    for side in ("before", "after"):
        with place.armed(f"list.fill.{side}_commit", 2) as struck:
            made, fill = create_list(access, ListPlan(side, Audience(bucket_id=bucket.pk)))
            place.until(struck, "the worker dies while it adds people")
            persist(lambda: ListFill.objects.update(lease_until=None))  # as nobody can wait a minute
            place.until(lambda made=made: at_work_on(made.pk) is None, "everybody is on the list", 120)  # type: ignore[misc]
        made.refresh_from_db()
        fill.refresh_from_db()
        on_it = Member.objects.filter(campaign=made).count()
        if not made.members == on_it == fill.people == count or fill.error:
            raise Broken(f"{made.members} counted, {on_it} on the list, {fill.people} of {count} added. {fill.error}")
    return [f"{count} people on each list, the worker killed before and after a piece's commit"]


def _floor(place: Place, count: int) -> tuple[list[Lead], list[list[User]]]:
    ClockSetting.objects.all().delete()
    ann = place.person("ann").user
    persist(lambda: Membership.objects.filter(user=ann).update(role="manager"))
    seller, _ = persist(lambda: world.make_company(ann))
    bucket, leads = world.make_people(ann, seller, count, places=world.PLACES)
    team_id, users = team_of(ann), []
    for number in range(CALLERS):
        user = User.objects.create_user(f"caller{number}")
        Membership.objects.filter(user=user).delete()
        Membership.objects.create(user=user, team_id=team_id, role="caller")
        users.append(user)
    access = access_of(ann, team_id)
    for name, some in (("One", users[::2]), ("Two", users[1::2])):
        made, added = create_list(
            access, ListPlan(name, Audience(bucket_id=bucket.pk), [user.pk for user in some], None, "equity")
        )
        if added.people != count:
            raise Broken(f"{added}")
        open_list(access, made.pk)
    return leads, [users[number::PROCESSES] for number in range(PROCESSES)]


def _begin(place: Place, group: Sequence[User], seed: int) -> subprocess.Popen[bytes]:
    names = [str(user.pk) for user in group]
    command = [sys.executable, "-m", "tests.chaos.caller", str(seed), str(LONGEST), *names]
    with (place.servers.home / "log" / "callers.log").open("ab") as log:
        return subprocess.Popen(command, cwd=PROJECT, env=dict(os.environ), stdout=log, stderr=log)


@contextmanager
def _at_work(place: Place, groups: Sequence[Sequence[User]]) -> Iterator[list[subprocess.Popen[bytes]]]:
    processes = [_begin(place, group, number) for number, group in enumerate(groups)]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _kill(place: Place, processes: list[Any], groups: Sequence[Sequence[User]], number: int) -> str:
    """Five callers at once, or somebody of the workers."""
    if number % 3 == 2:
        return f"worker's {place.kill_somebody()}"
    victim = place.dice.randrange(len(processes))
    processes[victim].kill()
    processes[victim].wait()
    processes[victim] = _begin(place, groups[victim], 100 + number)
    return "callers' process"


@contextmanager
def _watched() -> Iterator[Counter[str]]:
    """Looks, several times a second, whether somebody is before two callers."""
    seen, over = Counter[str](), Event()

    def look() -> None:
        while not over.wait(0.1):
            try:
                with connection.cursor() as cursor:
                    cursor.execute(BEFORE_TWO)
                    seen["two"] += (cursor.fetchone() or (0,))[0]
                    seen["looks"] += 1
            except (OperationalError, InterfaceError):
                connection.close()
        connection.close()

    thread = Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def _called() -> int:
    """People, not calls."""
    return persist(lambda: CallAttempt.objects.values("key").distinct().count())


def _rests() -> bool:
    waits = CallAttempt.objects.filter(suppress_at__isnull=False, suppressed_at__isnull=True)
    is_open = CallAttempt.objects.filter(ended_at__isnull=True)
    return not (waits.exists() or is_open.exists() or Member.objects.filter(taken_by__isnull=False).exists())


def _check(leads: Sequence[Lead], seen: Counter[str]) -> list[str]:
    if seen["two"] or not seen["looks"]:
        raise Broken(f"somebody was before two callers: {dict(seen)}")
    calls = list(CallAttempt.objects.select_related("disposition"))
    if twice := [n for n in Counter(call.key_id for call in calls).values() if n > 1]:
        raise Broken(f"{len(twice)} people were called twice within the pause")
    lead_ids = {lead.pk for lead in leads}
    ends = Counter(call.disposition.code if call.disposition else call.state for call in calls)
    told = Activity.objects.filter(ref__in=[call.pk for call in calls]).values("ref").distinct().count()
    silent = sum(call.disposition is None and call.state == "ended" for call in calls)
    if told + silent != len(calls):
        raise Broken(f"{told} lines for {len(calls)} calls, {silent} of which nobody has said the end")
    contacted = Lead.objects.filter(pk__in=lead_ids).exclude(status="new").count()
    bucket = leads[0].bucket
    bucket.refresh_from_db()
    if not bucket.contacted_leads == contacted == told:
        raise Broken(f"{bucket.contacted_leads} counted, {contacted} leads moved, {told} lines")
    attempts = Member.objects.values("lead").annotate(n=Count("attempts_made")).filter(n__gt=0).count()
    if attempts != len(calls):
        raise Broken(f"{attempts} people of the lists have {len(calls)} calls")
    suppressed = set(Suppression.objects.values_list("source", flat=True))
    wanted = {f"call:{call.pk.hex}" for call in calls if call.disposition and call.disposition.suppress}
    if suppressed != wanted:
        raise Broken(f"{len(suppressed)} calls suppressed, {len(wanted)} said so")
    return [f"{len(calls)} calls of {CALLERS} callers: {dict(ends)}", f"{seen['looks']} looks, nobody before two"]
