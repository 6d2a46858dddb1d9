"""Failed sign-ins are counted in PostgreSQL, so that no guess goes uncounted while Redis is away.

An attempt counts as failed before its password is looked at, and is taken back when it was right: of a hundred at the
same moment no more are looked at than of a hundred in a row. An attempt that is refused counts for nothing.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from accounts import audit
from accounts.models import SignInCount, User

log = logging.getLogger(__name__)
HOUR = timedelta(hours=1)
PAIR_MOST = 5  # failures an hour of a name from an address, then neither until the hour is over
ADDRESS_MOST = 30  # of all names from an address: an office shares one
FREE = 5  # failures of an account, from wherever, before it makes wait
LONGEST_DELAY = timedelta(minutes=5)  # 12 guesses an hour from all the world: 300 a day, and nobody is locked out

_COUNT = """
INSERT INTO accounts_signincount AS c (name, address, failures, began_at, last_at)
VALUES (%(name)s, %(address)s, 1, %(now)s, %(now)s)
ON CONFLICT (name, address) DO UPDATE
   SET failures = CASE WHEN c.began_at <= %(since)s THEN 1 ELSE c.failures + 1 END,
       began_at = CASE WHEN c.began_at <= %(since)s THEN excluded.began_at ELSE c.began_at END,
       last_at = excluded.last_at
RETURNING new.failures, new.began_at, old.last_at
"""


class SignInLocked(Exception):
    """Too many have failed. seconds: until the next attempt is looked at."""

    def __init__(self, seconds: float) -> None:
        self.seconds = max(1, round(seconds))
        minutes = -(-self.seconds // 60)
        wait = f"{self.seconds} second{'s' * (self.seconds > 1)}" if self.seconds < 60 else (
            f"{minutes} minute{'s' * (minutes > 1)}"
        )  # fmt: skip
        super().__init__(f"Too many failed attempts to sign in. Try again in {wait}, or use a passkey.")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One that was counted. of_pair, of_address: failures with it. before: when the account's last one was."""

    name: str
    address: str | None
    at: datetime
    before: datetime | None
    of_pair: int
    of_address: int


def begin(*, name: str, address: str, is_known_device: bool = False, now: datetime | None = None) -> Attempt:
    """Counts an attempt; raises SignInLocked, and counts nothing, where it may not be made.

    name: an account's own, exactly: another one that is spelled alike counts by itself. address: empty where there is
    none (a command). is_known_device: the account's delay is lifted.
    """
    name, at, now = name[:150], address or None, now or timezone.now()
    with transaction.atomic():
        of_address = of_pair = 0
        if at is not None:
            of_address = _hard("", at, ADDRESS_MOST, now)
            of_pair = _hard(name, at, PAIR_MOST, now)
        failures, _, before = _count(name, None, now)
        due = before + delay(failures - 1) if before and failures > 1 else now
        if due > now and not is_known_device:
            raise SignInLocked((due - now).total_seconds())
    return Attempt(name, at, now, before, of_pair, of_address)


def delay(failures: int) -> timedelta:
    """How long an account waits after so many: 1, 2, 4 … s from the fifth on."""
    if failures < FREE:
        return timedelta(0)
    return min(timedelta(seconds=2 ** min(failures - FREE, 20)), LONGEST_DELAY)


def _hard(name: str, address: str, most: int, now: datetime) -> int:
    failures, began, _ = _count(name, address, now)
    if failures > most:
        raise SignInLocked((began + HOUR - now).total_seconds())
    return failures


def _count(name: str, address: str | None, now: datetime) -> tuple[int, datetime, datetime | None]:
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"name": name, "address": address, "now": now, "since": now - HOUR})
        failures, began, before = cursor.fetchone()
    return failures, began, before


def take_back(attempt: Attempt) -> None:
    """The password was right. What failed before stays: a person who has not given her code yet is not signed in."""
    with transaction.atomic():
        for name, address in (("", attempt.address), (attempt.name, attempt.address), (attempt.name, None)):
            row = _row(name, address)
            row.filter(failures__gt=0).update(failures=F("failures") - 1)
            if address is None and attempt.before:  # her code comes next, and does not wait for this
                row.filter(last_at=attempt.at).update(last_at=attempt.before)


def failed(attempt: Attempt) -> None:
    """It stays counted; the log and the audit hear of it, and of the lock it may be the last straw of."""
    log.warning("Sign-in failed: %r from %s", attempt.name, attempt.address)
    audit.record("signin.failed", by=None, name=attempt.name)
    locks = {"pair": attempt.of_pair == PAIR_MOST, "address": attempt.of_address == ADDRESS_MOST}
    for what in (name for name, begins in locks.items() if begins):
        log.warning("Sign-in locked for an hour (%s): %r from %s", what, attempt.name, attempt.address)
        audit.record("signin.locked", by=None, name=attempt.name, after={"what": what})


def succeeded(*, user: User, address: str, means: str) -> None:
    """Signed in, with all that was asked for: the pair and the account begin anew; the address does not.

    means: password, code, passkey, by commas.
    """
    name = user.get_username()
    with transaction.atomic():
        _row(name, address or None).delete()
        _row(name, None).delete()
        audit.record("signin.succeeded", by=user, about=user, name=user.get_username(), after={"by": means})
    log.info("Signed in: %r from %s by %s", user.get_username(), address, means)


def unlock(*, by: User | None, name: str = "", address: str = "") -> int:
    """Forgets the failures of a name, of an address, or of both together; returns how many locks and delays ended."""
    if not name and not address:
        raise ValueError("Give a user name or an address.")
    rows = SignInCount.objects.all()
    rows = rows.filter(name__in=(name, name.lower())) if name else rows
    if address:  # with its account's delay, where a name is given
        rows = rows.filter(Q(address=address) | Q(address__isnull=True) if name else Q(address=address))
    with transaction.atomic():
        held = held_now().filter(pk__in=rows.values("pk")).count()
        rows.delete()
        audit.record("signin.unlocked", by=by, name=" ".join(filter(None, (name, address))))
    log.warning("Sign-in unlocked: %r from %s by %s", name, address or "anywhere", by or "a command")
    return held


def held_now() -> QuerySet[SignInCount]:
    """What is locked or makes wait."""
    counted = SignInCount.objects.filter(began_at__gt=timezone.now() - HOUR)
    is_pair = Q(address__isnull=False, failures__gte=PAIR_MOST) & ~Q(name="")
    is_address = Q(name="", failures__gte=ADDRESS_MOST)
    return counted.filter(is_pair | is_address | Q(address__isnull=True, failures__gte=FREE)).order_by("-last_at")


def _row(name: str, address: str | None) -> QuerySet[SignInCount]:
    rows = SignInCount.objects.filter(name=name)
    return rows.filter(address=address) if address else rows.filter(address__isnull=True)


def forget_old() -> int:
    """Deletes counts whose hour is over; returns how many."""
    deleted, _ = SignInCount.objects.filter(began_at__lte=timezone.now() - HOUR).delete()
    return deleted
