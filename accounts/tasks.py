"""Housekeeping, and the audit's months made ahead."""

from __future__ import annotations

from celery import shared_task
from django.core.management import call_command

from accounts.audit import make_months
from accounts.notices.mailing import mail_notices
from accounts.services import forget_expired_tokens, forget_old_keys
from accounts.sign_in import limits, sessions
from accounts.webhooks.delivering import deliver
from accounts.webhooks.services import clear_deliveries, turn_off_overfull


@shared_task(name="accounts.forget_expired")
def forget_expired() -> None:
    forget_expired_tokens()
    forget_old_keys()
    call_command("clearsessions")
    sessions.forget_dead()
    limits.forget_old()


@shared_task(name="accounts.audit_months")
def audit_months() -> None:
    make_months()


@shared_task(name="accounts.deliver_webhooks")
def deliver_webhooks() -> None:
    deliver()


@shared_task(name="accounts.mail_notices")
def mail_notifications() -> None:
    mail_notices()


@shared_task(name="accounts.look_after_webhooks")
def look_after_webhooks() -> None:
    turn_off_overfull()
    clear_deliveries()
