"""A worker's part: one e-mail a person for all that she is to be told of, again where it could not be sent.

A run that brings 50,000 replies sends one e-mail every few minutes. What is in an e-mail is written down before it
leaves (`Notification.batch`); a worker that is killed before it has noted that it left leads to the same e-mail once
more, under the same Message-ID, and never to a lost one.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.template.loader import render_to_string

from accounts.models import Membership, NoticeKind, NoticeMailbox, Notification, User
from accounts.sign_in.notices import MAIL_TROUBLE
from accounts.sign_in.proving import is_proved
from common.contact_access import masked_text
from common.db.clock import CLOCK, database_now
from common.db.ids import uuid7
from common.values.backoff import backoff

log = logging.getLogger(__name__)
BUNDLE = timedelta(minutes=2)  # what happens within it goes into one e-mail
APART = timedelta(minutes=5)  # between two e-mails to a person, but of a callback
LATE = timedelta(hours=1)  # a callback's time is over then: no e-mail of it
GIVE_UP = timedelta(days=1)
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)
LEASE = timedelta(minutes=2)  # a mail server's deadline is 30 s
SLICE = 30.0  # seconds of one task
PEOPLE = 200  # looked at together
NAMED = 20  # lines of one e-mail
Mail = Notification.Mail


def mail_notices(seconds: float = SLICE) -> int:
    """Mails everybody for whom it is time. Returns how many e-mails have left."""
    until, sent, seen = time.monotonic() + seconds, 0, set[int]()
    while time.monotonic() < until:
        due = [user_id for user_id in people_due(database_now()) if user_id not in seen][:PEOPLE]
        if not due:
            break
        for user_id in due:
            seen.add(user_id)
            sent += _serve(user_id)
            if time.monotonic() >= until:
                break
    return sent


def people_due(now: datetime) -> list[int]:
    """Whom no worker is mailing, and for whom something waits long enough."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT n.user_id, u.time_zone, b.digest_hour, b.mailed_at, bool_or(n.batch IS NOT NULL),
                   bool_or(n.mail = 'soon' AND n.kind = 'callback'),
                   min(n.created_at) FILTER (WHERE n.mail = 'soon'), min(n.created_at) FILTER (WHERE n.mail = 'digest')
              FROM accounts_notification n JOIN accounts_user u ON u.id = n.user_id
              LEFT JOIN accounts_noticemailbox b ON b.user_id = n.user_id
             WHERE n.mail IN ('soon', 'digest') AND (b.lease_until IS NULL OR b.lease_until <= %(now)s)
               AND (b.not_before IS NULL OR b.not_before <= %(now)s)
             GROUP BY n.user_id, u.time_zone, b.digest_hour, b.mailed_at ORDER BY min(n.created_at)
            """,
            {"now": now},
        )
        rows = cursor.fetchall()
    found = []
    for user_id, zone, hour, mailed_at, is_begun, is_urgent, soon, digest in rows:
        rested = mailed_at is None or mailed_at <= now - APART
        is_soon = soon is not None and soon <= now - BUNDLE and rested
        if is_begun or is_urgent or is_soon or (digest is not None and digest < digest_moment(now, zone, hour)):
            found.append(user_id)
    return found


def digest_moment(now: datetime, zone: str, hour: int | None) -> datetime:
    """When the latest digest was due, by a person's clock: what happened before it goes into it."""
    try:
        local = now.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError):  # chosen on a host with other zones
        local = now
    hour = NoticeMailbox.DIGEST_HOUR if hour is None else hour
    at = local.replace(hour=hour, minute=0, second=0, microsecond=0)
    return at if at <= local else at - timedelta(days=1)


def _serve(user_id: int) -> bool:
    """One person's e-mail. 1. Takes her mailbox, or another worker has it. 2. Writes down what is in the e-mail.
    3. Sends it. 4. Notes that it left; or when it is tried again, and after a day that it was not sent.
    """
    NoticeMailbox.objects.bulk_create([NoticeMailbox(user_id=user_id)], ignore_conflicts=True)
    box, token = NoticeMailbox.objects.filter(pk=user_id), uuid7()
    if not box.due().take(LEASE, token=token):
        return False
    mine = box.filter(token=token)
    user = User.objects.get(pk=user_id)
    batch, rows = _batch_of(user, box.get().digest_hour)
    if not rows:
        mine.update(token=None, lease_until=None)
        return False
    try:
        _send(user, batch, rows)
    except MAIL_TROUBLE as error:
        log.error("Notifications could not be mailed: %s", type(error).__name__)
        _not_sent(mine, batch, rows)
        return False
    with transaction.atomic():
        Notification.objects.filter(user=user_id, batch=batch, mail__in=Notification.QUEUED).update(mail=Mail.SENT)
        mine.update(token=None, lease_until=None, mailed_at=CLOCK, tries=0, not_before=None)
    return True


def _batch_of(user: User, hour: int) -> tuple[UUID, list[Notification]]:
    """What one e-mail tells: what was begun before, else what is due now. Without what does not concern her any more:
    of a team she has left, or when she has no e-mail that is confirmed, or is switched off; and without callbacks whose
    time is over.
    """
    now = database_now()
    queued = Notification.objects.filter(user=user.pk, mail__in=Notification.QUEUED)
    teams = (
        Membership.objects.filter(user=user.pk).values_list("team_id", flat=True)
        if user.is_active and is_proved(user)
        else []
    )
    queued.exclude(team_id__in=teams).update(mail=Mail.NONE)
    queued.filter(kind=NoticeKind.CALLBACK, mail=Mail.SOON, created_at__lt=now - LATE).update(mail=Mail.FAILED)
    begun = queued.filter(batch__isnull=False).order_by("batch").values_list("batch", flat=True).first()
    batch = begun or uuid7()
    if begun is None:
        before = digest_moment(now, user.time_zone, hour)
        queued.filter(Q(mail=Mail.SOON) | Q(created_at__lt=before)).update(batch=batch)
    return batch, list(queued.filter(batch=batch).order_by("pk"))


def _send(user: User, batch: UUID, rows: Sequence[Notification]) -> None:
    """Names no owner, and neither phones nor e-mails that somebody has typed: a mailbox is not ours to keep."""
    lines = [masked_text(row.words) for row in rows[:NAMED]]
    place = settings.PUBLIC_URL
    about = {"user": user, "lines": lines, "more": len(rows) - NAMED, "list": f"{place}/admin/notifications/",
             "choices": f"{place}/admin/notifications/settings/"}  # fmt: skip
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip(" >") or "localhost"
    headers = {"Message-ID": f"<notice-{batch}@{domain}>", "Auto-Submitted": "auto-generated"}
    words = render_to_string("account/email/notifications.txt", about)
    EmailMessage(" ".join(_subject(rows, lines).split()), words, None, [user.email], headers=headers).send()


def _subject(rows: Sequence[Notification], lines: Sequence[str]) -> str:
    if len(rows) == 1:
        return lines[0]
    counts = Counter(row.kind for row in rows)
    parts = [f"{NoticeKind(kind).label.lower()} ({many:,})" for kind, many in counts.most_common()]
    return f"{len(rows):,} notifications: {', '.join(parts)}"


def _not_sent(mine: QuerySet[NoticeMailbox], batch: UUID, rows: Sequence[Notification]) -> None:
    """Again after 1, 2, 4 … 60 minutes; after a day no more."""
    now, box = database_now(), mine.first()
    if rows[0].created_at < now - GIVE_UP:
        Notification.objects.filter(batch=batch, mail__in=Notification.QUEUED).update(mail=Mail.FAILED)
    wait = backoff((box.tries if box else 0) + 1, first=FIRST_WAIT, most=LONGEST_WAIT)
    mine.update(token=None, lease_until=None, tries=F("tries") + 1, not_before=now + wait)
