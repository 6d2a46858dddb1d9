"""Notifications: told in the transaction that makes them true, kept as rows, mailed by a worker."""

from accounts.notices.telling import Notice, notify, notify_many

__all__ = ["Notice", "notify", "notify_many"]
