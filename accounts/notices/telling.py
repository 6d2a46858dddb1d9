"""The one way in: who is told of what happened, in the transaction that makes it true."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Model

from accounts.models import NoticeKind, Notification, Role
from accounts.notices.choices import DEFAULTS
from common.db.clock import CLOCK
from common.enqueue import enqueue_on_commit

TASK = "accounts.mail_notices"
WORDS_MOST = Notification._meta.get_field("words").max_length or 0


@dataclass(frozen=True, slots=True)
class Notice:
    """What happened. about: a row, which the notification leads to. words: without any owner's name, phone or e-mail.

    to: users whom it concerns; of these who are members of the team are told, and where none is its managers are.
    """

    team_id: int | None
    about: Model
    words: str
    to: Sequence[int | None] = ()


def notify(*, team_id: int | None, kind: str, about: Model, words: str, to: Iterable[int | None] | None = None) -> None:
    """Tells of one thing, in the caller's transaction: rolled back, nobody was told. team_id: None: nobody's, of a row
    from before teams. See `Notice`.
    """
    notify_many(kind, [Notice(team_id, about, words, tuple(to or ()))])


def notify_many(kind: str, notices: Sequence[Notice], *, anew: bool = False) -> None:
    """One statement: a row for each person who wants to hear of this kind, on pages or by e-mail. Of a thing that she
    has an unread notification of already she gets no second one. anew: instead, that one is over.
    """
    told = [_as_json(one) for one in notices if one.team_id is not None]
    if not told:
        return
    if anew:
        _end([one["about_id"] for one in told], kind)
    with connection.cursor() as cursor:
        cursor.execute(
            _TELL,
            {
                "kind": NoticeKind(kind).value, "told": json.dumps(told), "default": DEFAULTS[kind].value,
                "mails": settings.MAIL_IS_SET_UP, "manager": Role.MANAGER.value,
            },
        )  # fmt: skip
        queued = {row[0] for row in cursor.fetchall()}
    if kind == NoticeKind.CALLBACK and Notification.Mail.SOON in queued:  # minutes before it begins
        enqueue_on_commit(TASK)


def _end(about_ids: Sequence[str], kind: str) -> None:
    """What was told of these before, as read; an e-mail of it that no worker has begun is not sent."""
    rows = Notification.objects.filter(kind=kind, about_id__in=about_ids)
    rows.filter(mail__in=Notification.QUEUED, batch__isnull=True).update(mail=Notification.Mail.NONE)
    rows.filter(read_at__isnull=True).update(read_at=CLOCK)


def _as_json(one: Notice) -> dict[str, Any]:
    return {
        "team": one.team_id, "about": one.about._meta.label_lower, "about_id": str(one.about.pk),
        "words": one.words[:WORDS_MOST], "to_users": [user for user in one.to if user is not None],
    }  # fmt: skip


_TELL = """
    WITH told AS MATERIALIZED (
         SELECT row_number() OVER () AS n, t.* FROM jsonb_to_recordset(%(told)s::jsonb)
             AS t(team bigint, about text, about_id text, words text, to_users bigint[])),
    members AS MATERIALIZED (
         SELECT t.n, m.user_id, m.role, m.user_id = ANY(t.to_users) AS is_named, u.email
           FROM told t JOIN accounts_membership m ON m.team_id = t.team
           JOIN accounts_user u ON u.id = m.user_id AND u.is_active),
    whom AS (
         SELECT * FROM members a
          WHERE is_named OR a.role = %(manager)s AND NOT EXISTS (
                SELECT FROM members b WHERE b.n = a.n AND b.is_named)),
    chosen AS (
         SELECT w.*, coalesce(c.on_pages, true) AS on_pages,
                CASE WHEN w.email = '' OR NOT %(mails)s OR EXISTS (
                          SELECT FROM account_emailaddress a  -- typed, and not yet confirmed: it may be a stranger's
                           WHERE a.user_id = w.user_id AND NOT a.verified AND a.email = lower(w.email))
                     THEN 'off' ELSE coalesce(c.mail, %(default)s) END AS mail
           FROM whom w LEFT JOIN accounts_noticechoice c ON c.user_id = w.user_id AND c.kind = %(kind)s)
    INSERT INTO accounts_notification
           (id, team_id, user_id, kind, about, about_id, words, created_at, is_shown, read_at, mail)
    SELECT uuidv7(), t.team, c.user_id, %(kind)s, t.about, t.about_id, t.words, now, c.on_pages,
           CASE WHEN NOT c.on_pages THEN now END, CASE c.mail WHEN 'off' THEN 'none' ELSE c.mail END
      FROM chosen c JOIN told t ON t.n = c.n, clock_timestamp() now
     WHERE c.on_pages OR c.mail <> 'off'
     ORDER BY c.user_id, t.about_id
        ON CONFLICT DO NOTHING RETURNING mail
"""
