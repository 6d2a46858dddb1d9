"""Some callers at work, a process of their own: `python -m tests.chaos.caller SEED SECONDS USER…`.

Each presses next, calls, says how it ended; now and then one closes her laptop: with the lead before her, or in the
middle of a call. Fifteen minutes are over at once then: her lease is put into the past, as nobody can wait so long.
"""

from __future__ import annotations

import os
import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

CLOSES, CALLS_FIRST = 0.08, 0.5  # of her turns she closes it; of these, after the press
ENDS = ("no_answer", "busy", "voicemail", "not_interested", "interested", "do_not_call", "wrong_number")


def main() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.conf import settings

    from tests.campaigns.sending.world import NOON

    settings.CAMPAIGN_CLOCK = (NOON, 1)
    seed, until = int(sys.argv[1]), time.monotonic() + float(sys.argv[2])
    users = [int(one) for one in sys.argv[3:]]
    with ThreadPoolExecutor(len(users)) as pool:
        list(pool.map(lambda user: _work(user, random.Random(seed * 1_000 + user), until), users))


def _work(user_id: int, chance: random.Random, until: float) -> None:
    from django.db import InterfaceError, OperationalError, connection

    from accounts.access import Access, access_in
    from accounts.models import Membership
    from campaigns.planning.refusals import CampaignError

    member = Membership.objects.select_related("user").get(user=user_id)
    access: Access = access_in(member.user, member.team_id)
    try:
        while time.monotonic() < until:
            try:
                _turn(access, chance)
            except CampaignError:  # her last call is to be reaped yet, or somebody was faster
                time.sleep(0.2)
            except (OperationalError, InterfaceError):  # PostgreSQL is restarting
                connection.close()
                time.sleep(0.5)
    finally:
        connection.close()


def _turn(access: Any, chance: random.Random) -> None:
    """One lead. What was open when this process was killed is before her again, and is said the end of first."""
    from campaigns.dialing.calling import place_call
    from campaigns.dialing.disposing import dispose
    from campaigns.dialing.offering import Nobody, next_lead

    found = next_lead(access)
    if isinstance(found, Nobody):
        time.sleep(0.5)
        return
    closes = chance.random() < CLOSES
    attempt = found.attempt
    if attempt is None and (not closes or chance.random() < CALLS_FIRST):
        number = found.numbers[found.chosen].number
        attempt = place_call(access, lead_id=found.lead.pk, member_id=found.member.pk, number=number)
    time.sleep(chance.uniform(0, 0.05))
    if closes:
        _close(found.member.pk, access.user.pk)
        time.sleep(chance.uniform(0, 4))  # the reaper comes first, or she does
    elif attempt is not None:
        dispose(access, attempt.pk, code=chance.choice(ENDS))


def _close(member_id: Any, user_id: int) -> None:
    from datetime import timedelta

    from campaigns.models import Member
    from common.db.clock import database_now

    past = database_now() - timedelta(seconds=1)
    Member.objects.filter(pk=member_id, taken_by=user_id).update(lease_until=past)


if __name__ == "__main__":
    main()
