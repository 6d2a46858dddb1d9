"""Fetching what a vendor could not post to us, after an outage or at all, and who has opted out there."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from campaigns import clock
from campaigns.inbound.posts import keep, known, stored_as
from campaigns.models import VendorPoll
from common.db.clock import database_now
from integrations.vendors import available, messaging
from integrations.vendors.errors import VendorFailure
from leads.keys.owner_keys import PHONE
from leads.permission.suppressing import Source, suppress

log = logging.getLogger(__name__)
OVERLAP = timedelta(minutes=15)  # what the vendor may write late
FURTHEST = timedelta(days=7)  # back: at first, and after a longer outage
PIECE = 500  # posts looked up in a statement


def vendors() -> list[str]:
    """Those that carry messages here and have a key."""
    return [name for name in (settings.SMS_VENDOR,) if name and not available.lack(name)]


def fetch(vendor: str) -> int:
    """Stores what the vendor holds and we have not heard. Returns how many are new; of a vendor that goes away
    meanwhile, those that it told.

    From the last time on that it told all: a post that came since says nothing of those that did not.
    """
    now = clock.now()  # made-up vendors stamp by it as well
    poll = VendorPoll.objects.filter(vendor=vendor).first()
    since = max(poll.heard_until if poll else now - FURTHEST, now - FURTHEST) - OVERLAP
    new, posts = 0, []
    try:
        for post in messaging.notifications(vendor, since):
            posts.append(post)
            if len(posts) == PIECE:
                new += _keep(vendor, posts)
                posts = []
    except VendorFailure as error:
        log.warning("%s cannot be asked for its notifications: %s", vendor, type(error).__name__)
        return new + _keep(vendor, posts)  # an opt-out may be among them
    new += _keep(vendor, posts)
    _heard(vendor, now)
    return new


def _keep(vendor: str, posts: Sequence[messaging.RawPost]) -> int:
    there = known(vendor, [post.dedupe for post in posts])
    new = [post for post in posts if stored_as(post.dedupe) not in there]
    return sum(keep(vendor, post.headers, post.body, dedupe=post.dedupe) is not None for post in new)


def _heard(vendor: str, until: datetime) -> None:
    VendorPoll.objects.update_or_create(vendor=vendor, defaults={"heard_until": until})


def fetch_opt_outs(vendor: str, since_days: int = 8) -> int:
    """Suppresses who has opted out at the vendor. Returns how many are new. Raises VendorFailure."""
    since = clock.now() - timedelta(days=since_days)
    return sum(_suppress(vendor, one) for one in messaging.vendor_opt_outs(vendor, since))


def _suppress(vendor: str, one: messaging.VendorOptOut) -> int:
    """As of when they opted out, so that a START of theirs after that holds, and named by the second, so that a
    second opt-out after that START is another one.
    """
    now = database_now()  # as START's moment
    at = min(one.at, now) if one.at else now
    source = f"{Source.vendor(vendor)}:{at:%Y%m%d%H%M%S}" if one.at else Source.vendor(vendor)
    with transaction.atomic():
        done = suppress(
            [(int(PHONE), one.number)], reason="vendor_opt_out", source=source, words=one.words, spread=True, at=at
        )
    return len(done.added)
