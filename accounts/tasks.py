"""Housekeeping."""

from __future__ import annotations

from celery import shared_task

from accounts.services import forget_expired_tokens, forget_old_keys


@shared_task(name="accounts.forget_expired")
def forget_expired() -> None:
    forget_expired_tokens()
    forget_old_keys()
