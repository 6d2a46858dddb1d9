"""`manage.py migrate`: Django's, and then what is derived by rules of ours that may have changed since."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.commands import migrate
from django.db import OperationalError, connections
from django.db.migrations.executor import MigrationExecutor
from psycopg.errors import LockNotAvailable

from common.db.owner import as_owner
from leads.facts.refreshing import refresh_names

TRIES, PAUSE = 120, 1.0  # seconds between two: a long export or backup is over by then


class Command(migrate.Command):
    def execute(self, *args: Any, **options: Any) -> str | None:
        """As the owner of the tables, with its checks: the application's role need not be there yet."""
        with as_owner():
            return super().execute(*args, **options)

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrates. Where nothing is left to migrate, names are brought up to date, a batch a transaction: killed, the
        next `migrate` or `refresh_names` goes on.
        """
        self._migrate(*args, **options)
        if options["plan"] or options["check_unapplied"] or options["prune"] or options["app_label"]:
            return
        executor = MigrationExecutor(connections[options["database"]])
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return
        batches = refresh_names()
        if options["verbosity"] >= 1 and any(batches.values()):
            self.stdout.write(self.style.SUCCESS("Names of properties and leads are up to date."))

    def _migrate(self, *args: Any, **options: Any) -> None:
        """Django's own. What waits behind a long transaction for a lock of a whole table gives up soon (`lock_timeout`
        in such migrations), so that nobody waits behind it, and comes again.
        """
        for attempt in range(TRIES):
            try:
                super().handle(*args, **options)
                return
            except OperationalError as error:
                if not isinstance(error.__cause__, LockNotAvailable) or attempt == TRIES - 1:
                    raise
                self.stdout.write("A table is in use; trying again.")
                connections[options["database"]].close()
                time.sleep(PAUSE)
