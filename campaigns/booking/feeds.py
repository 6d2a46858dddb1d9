"""A person's calendar at a secret address, for her phone or her other calendar to read."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.access import Access, NotAllowed, Scope, access_in
from accounts.audit import record
from campaigns import clock
from campaigns.booking import ics
from campaigns.models import Feed
from common.db.clock import CLOCK, database_now
from leads.models import Event

FEEDS_MOST = 10  # open ones of a person
PAST = timedelta(days=30)  # that long what is over stays, and what was cancelled as such
READ_NOTED_EVERY = timedelta(minutes=5)  # a calendar that polls writes one row that often
KINDS = tuple(Event.Kind.values)


class TooManyFeeds(Exception):
    """Ten are open."""

    def __str__(self) -> str:
        return f"You have {FEEDS_MOST} feeds. Revoke one that is not read any more."


@dataclass(frozen=True, slots=True)
class Read:
    """What a fetch gets. etag: of exactly these bytes."""

    body: bytes
    etag: str


def feeds_of(access: Access) -> QuerySet[Feed]:
    """Her own that are open, the latest first. A manager's too: nobody else's secret is hers to see."""
    return Feed.objects.filter(team=access.team_id, user=access.user, revoked_at__isnull=True).order_by("-pk")


def make(*, access: Access, name: str = "", kinds: Sequence[str] = KINDS, with_names: bool = False) -> tuple[Feed, str]:
    """A new feed and its address, which nobody can be shown again. with_names: streets, names and titles leave the
    installation for whoever knows the address, and so may phones that were typed into a title: only for who sees
    contacts; that is written into the audit as a disclosure. Raises NotAllowed, TooManyFeeds.
    """
    if access.team_id is None or not access.can(Scope.WRITE):
        raise NotAllowed("Your role or token may not make feeds.")
    if with_names and not access.can(Scope.CONTACTS):
        raise NotAllowed("Your role or token sees no phones and e-mails: make a feed without names.")
    if feeds_of(access).count() >= FEEDS_MOST:
        raise TooManyFeeds
    name, token = " ".join(name.split()), secrets.token_urlsafe(32)
    with transaction.atomic():
        feed = Feed.objects.create(
            team_id=access.team_id, user=access.user, name=name, digest=_digest(token),
            kinds=sorted(set(kinds)), with_names=with_names,
        )  # fmt: skip
        after = {"with_names": with_names, "kinds": feed.kinds}
        record("feed.created", by=access.user, team_id=access.team_id, about=feed, after=after)
        if with_names:
            shown = {"via": "feed", "page": "calendar", "leads": None}
            record("contacts.shown", by=access.user, team_id=access.team_id, about=feed, after=shown)
    return feed, token


def revoke(*, access: Access, feed_id: UUID) -> bool:
    """Its address answers nobody from now on. False: there is no such feed of hers."""
    with transaction.atomic():
        if not feeds_of(access).filter(pk=feed_id).update(revoked_at=CLOCK):
            return False
        record("feed.revoked", by=access.user, team_id=access.team_id, about=("feed", feed_id))
    return True


def address_of(token: str, base: str = "") -> str:
    """Where it is read."""
    return f"{settings.PUBLIC_URL or base}/calendar/{token}.ics"


def read(token: str) -> Read | None:
    """The calendar behind an address; None: revoked, guessed, or whose it is works there no more."""
    feed = Feed.objects.select_related("user").filter(digest=_digest(token), revoked_at__isnull=True).first()
    if feed is None or not (whose := access_in(feed.user, feed.team_id)).can(Scope.READ):
        return None
    now = database_now()
    Feed.objects.filter(Q(last_read_at__isnull=True) | Q(last_read_at__lt=now - READ_NOTED_EVERY), pk=feed.pk).update(
        last_read_at=now
    )
    name = feed.name or f"Calendar of {feed.user.get_full_name() or feed.user.get_username()}"
    body = ics.calendar_of(name, _events(feed), with_names=feed.with_names and whose.can(Scope.CONTACTS))
    return Read(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


def _events(feed: Feed) -> list[Event]:
    """What is to come, what was of late, and what was cancelled of late; in the order of their ids."""
    since = clock.now() - PAST
    cancelled = Q(status=Event.Status.CANCELLED)
    of_late = Q(cancelled, changed_at__gte=timezone.now() - PAST) | Q(~cancelled, ends_at__gte=since)
    rows = Event.objects.filter(of_late, owner=feed.user, team=feed.team_id, kind__in=feed.kinds)
    rows = rows.exclude(status=Event.Status.HELD, held_until__lte=CLOCK)  # nobody confirmed it in time
    return list(rows.select_related("lead").order_by("pk"))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
