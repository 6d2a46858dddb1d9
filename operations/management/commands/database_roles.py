"""`manage.py database_roles`: the application's role gets exactly its rights, from the owner of the tables."""

from __future__ import annotations

from typing import Any

import psycopg
from django.conf import settings

from common.commands.base import ProductCommand
from operations.database.roles import grant_rights


class Command(ProductCommand):
    help = (
        "Gives the role of DATABASE_URL its rights, as the owner of the tables (OWNER_DATABASE_URL): rows of all "
        "tables, but no change of the audit and of the do-not-contact list, no new table, no TRUNCATE. Makes the role "
        "where it is missing. To be run after each `migrate`."
    )
    example = "python manage.py database_roles"
    refusals = (psycopg.Error,)

    def handle(self, *_args: object, **options: Any) -> None:
        if settings.OWNER_DATABASE_URL == settings.DATABASE_URL:
            words = "One role does everything here: OWNER_DATABASE_URL is not set."
            self.report(options, {"role": None}, [words])
            return
        name = grant_rights()
        self.report(options, {"role": name}, [f"{name} may read and write rows, and nothing more."])
