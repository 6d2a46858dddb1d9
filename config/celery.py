"""The Celery application: it wakes workers and runs them. Queue, leases, pace and money stand in PostgreSQL."""

import os

from celery import Celery
from celery.signals import beat_init, setup_logging, worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("REMAP_SIGTERM", "SIGQUIT")  # a stop hands running work back instead of holding it an hour

app = Celery("buckets")
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
