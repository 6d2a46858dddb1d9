"""The Celery application: it wakes workers and runs them. Queue, leases, pace and money stand in PostgreSQL."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("REMAP_SIGTERM", "SIGQUIT")  # a stop hands running work back instead of holding it an hour

app = Celery("buckets")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
