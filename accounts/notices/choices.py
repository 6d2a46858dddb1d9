"""How each person wants to hear of what: on pages, by e-mail, in a daily digest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction

from accounts.models import NoticeChoice, NoticeKind, NoticeMail, NoticeMailbox, Notification, User

# Without a choice: what waits for her comes within minutes, what is only over in the digest.
DEFAULTS: Mapping[str, NoticeMail] = {
    NoticeKind.RUN_DONE: NoticeMail.DIGEST,
    NoticeKind.CAP_HIT: NoticeMail.SOON,
    NoticeKind.IMPORT_DONE: NoticeMail.DIGEST,
    NoticeKind.REPLY: NoticeMail.SOON,
    NoticeKind.CALLBACK: NoticeMail.SOON,
    NoticeKind.BULK_DONE: NoticeMail.DIGEST,
}
_QUEUED_AS = {
    NoticeMail.OFF: Notification.Mail.NONE,
    NoticeMail.SOON: Notification.Mail.SOON,
    NoticeMail.DIGEST: Notification.Mail.DIGEST,
}


@dataclass(frozen=True, slots=True)
class Choice:
    """Of one kind. mail: off, soon, digest."""

    kind: NoticeKind
    on_pages: bool
    mail: str


@dataclass(frozen=True, slots=True)
class Choices:
    """Of all kinds, in their order. digest_hour: 0 to 23, by her clock."""

    digest_hour: int
    kinds: tuple[Choice, ...]


def choices_of(user: User) -> Choices:
    """Those she has made, and the defaults for the rest."""
    rows = {row.kind: row for row in NoticeChoice.objects.filter(user=user.pk)}
    box = NoticeMailbox.objects.filter(pk=user.pk).first()
    kinds = tuple(
        Choice(kind, rows[kind].on_pages, rows[kind].mail) if kind in rows else Choice(kind, True, DEFAULTS[kind])  # noqa: FBT003
        for kind in NoticeKind
    )
    return Choices(box.digest_hour if box else NoticeMailbox.DIGEST_HOUR, kinds)


def change_choices(
    *, user: User, kinds: Mapping[str, tuple[bool | None, str | None]], digest_hour: int | None = None
) -> Choices:
    """kinds: by kind, whether on pages and how by e-mail; None leaves it. E-mails that no worker has begun follow the
    new choice. The same again changes nothing.
    """
    with transaction.atomic():
        now = {choice.kind: choice for choice in choices_of(user).kinds}
        for kind in sorted(kinds):
            on_pages, mail = kinds[kind]
            before = now[NoticeKind(kind)]
            mail = mail or before.mail
            row = {"on_pages": before.on_pages if on_pages is None else on_pages, "mail": mail}
            NoticeChoice.objects.update_or_create(user_id=user.pk, kind=kind, defaults=row)
            if mail != before.mail:
                waiting = Notification.objects.filter(user=user.pk, kind=kind, mail__in=Notification.QUEUED)
                waiting.filter(batch__isnull=True).update(mail=_QUEUED_AS[NoticeMail(mail)])
        if digest_hour is not None:
            NoticeMailbox.objects.update_or_create(user_id=user.pk, defaults={"digest_hour": digest_hour})
    return choices_of(user)
