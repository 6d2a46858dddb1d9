"""The Celery application: it wakes workers and runs them. Queue, leases, pace and money stand in PostgreSQL."""

import os
from typing import Any, NoReturn

from celery import Celery, platforms
from celery.apps import beat
from celery.signals import beat_init, setup_logging, worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("REMAP_SIGTERM", "SIGQUIT")  # a stop hands running work back instead of holding it an hour


class Beat(beat.Beat):
    """Celery's, which a signal may end at any moment."""

    def install_sync_handler(self, service: Any) -> None:
        """Leaves the loop, whose end saves the schedule. Celery saves it in the handler: in the middle of a transaction
        that is an error of the database, which beat logs and goes on after.

        The loop is also told, should whatever the signal falls into not let SystemExit through.
        """

        def leave(*_: Any) -> NoReturn:
            service.stop()
            raise SystemExit

        platforms.signals.update(SIGTERM=leave, SIGINT=leave)


app = Celery("buckets")
app.Beat = app.subclass_with_self(Beat)  # type: ignore[misc]  # a cached property, which may be set
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def log_as_all_else(**_: object) -> None:
    """Celery leaves LOGGING in force: its own formatters would write down what a database's error quotes."""


@worker_init.connect
@beat_init.connect
def refuse_wrong_secret(**_: object) -> None:
    """No worker starts whose CONTACT_KEY_SECRETS lacks one that has written keys."""
    from leads.keys.key_secrets import refuse_wrong  # noqa: PLC0415  # Django is not set up before

    refuse_wrong()
