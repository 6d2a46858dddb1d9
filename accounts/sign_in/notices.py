"""Mails about a person's own account, which also reach her when somebody else is at it."""

from __future__ import annotations

import logging
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string

from accounts.models import User
from accounts.origin import origin

log = logging.getLogger(__name__)
MAIL_TROUBLE = (OSError, SMTPException)


def password_changed(*, user: User, by: User) -> None:
    _tell(user, user.email, "Your password for Bucket System was changed", "password_changed", by)


def email_changed(*, user: User, before: str, by: User) -> None:
    """To the address that was: links for a forgotten password no longer go there."""
    _tell(user, before, "Your e-mail at Bucket System was changed", "email_changed", by)


def factors_removed(*, user: User, by: User | None) -> None:
    _tell(user, user.email, "Your second factor at Bucket System was removed", "factors_removed", by)


def _tell(user: User, to: str, subject: str, template: str, by: User | None) -> None:
    """After the commit. A mail server that is away undoes nothing."""
    if not (to and settings.MAIL_IS_SET_UP):
        return
    about = {"user": user, "by": by if by != user else None, "address": origin.get().address}
    words = render_to_string(f"account/email/{template}.txt", about)

    def send() -> None:
        try:
            send_mail(subject, words, None, [to])
        except MAIL_TROUBLE as error:
            log.error("A mail about an account could not be sent: %s", type(error).__name__)

    transaction.on_commit(send)
