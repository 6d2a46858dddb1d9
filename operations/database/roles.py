"""What the application's role may do in the database: rows, and nothing that outlives or hides a deed.

Run by the owner after each migration, as often as one likes. New tables give the role SELECT and INSERT by themselves,
so that a new month of the audit is as append-only as the others; UPDATE and DELETE come with the next run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import environ
import psycopg
from django.conf import settings
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

# Nobody changes or deletes a row of these, nor of their partitions.
APPEND_ONLY = (
    "accounts_auditevent",
    "leads_suppression",
    "leads_consent",
    "leads_scrub",
    "leads_withdrawal",
    "campaigns_receipt",
    "campaigns_receiptrepeat",
)
# What would let a role do everything all the same.
POWERS = ("rolsuper", "rolcreaterole", "rolcreatedb", "rolreplication", "rolbypassrls")


class BadRole(ValueError):
    """The application's role cannot be what it should be; the message says why. Nothing was changed."""


def grant_rights() -> str:
    """Makes the application's role where it is missing, and gives it exactly its rights. Returns its name.

    One transaction, by the owner. Raises BadRole, psycopg.Error.
    """
    role = _application()
    with psycopg.connect(settings.OWNER_DATABASE_URL) as owner:
        name, own = str(role["USER"]), owner.info.user
        if name == own:
            raise BadRole(
                "DATABASE_URL and OWNER_DATABASE_URL name the same role: the application would own its tables."
            )
        _make(owner, name, str(role.get("PASSWORD") or ""))
        _check(owner, name, own)
        for statement in _STATEMENTS.split(";"):
            if statement.strip():
                owner.execute(_named(statement, role=name, owner=own, database=owner.info.dbname))
        for table in _append_only(owner):
            owner.execute(_named("REVOKE UPDATE, DELETE ON {table} FROM {role}", role=name, table=table))
    return name


# Imports and fills write through temporary tables; by the search path none of them stands in for a table of ours.
_STATEMENTS = """
    REVOKE ALL ON DATABASE {database} FROM PUBLIC, {role};
    GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {role};
    ALTER DATABASE {database} SET search_path = "$user", public, pg_temp;
    REVOKE ALL ON SCHEMA public FROM PUBLIC, {role};
    GRANT USAGE ON SCHEMA public TO {role};
    REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, {role};
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
    REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {role};
    REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM PUBLIC, {role};
    GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role};
    ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public REVOKE ALL ON TABLES FROM {role};
    ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT SELECT, INSERT ON TABLES TO {role};
    ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {role}
"""


def _application() -> Mapping[str, Any]:
    if settings.OWNER_DATABASE_URL == settings.DATABASE_URL:
        raise BadRole("OWNER_DATABASE_URL is not set: one role owns the tables and works in them.")
    role: dict[str, Any] = environ.Env.db_url_config(settings.DATABASE_URL)
    if not role.get("USER"):
        raise BadRole("DATABASE_URL names no role.")
    if conninfo_to_dict(settings.OWNER_DATABASE_URL).get("dbname") != role["NAME"]:
        raise BadRole("OWNER_DATABASE_URL and DATABASE_URL must name the same database.")
    return role


def _make(owner: psycopg.Connection[Any], name: str, password: str) -> None:
    """The role with the password of DATABASE_URL, which leaves this machine as a digest only. Where the owner may not
    make roles, whoever may has made it.
    """
    may = owner.execute("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user").fetchone()
    there = owner.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone()
    if not (may and may[0]):
        if not there:
            raise BadRole(f"There is no role {name}, and {owner.info.user} may not make it: CREATE ROLE {name} LOGIN.")
        return
    digest = owner.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256") if password else b""
    statement = "ALTER ROLE {role} LOGIN" if there else "CREATE ROLE {role} LOGIN NOINHERIT"
    parts = _named(statement, role=name)
    owner.execute(parts + sql.SQL(" PASSWORD {}").format(sql.Literal(digest.decode())) if password else parts)


def _check(owner: psycopg.Connection[Any], name: str, own: str) -> None:
    row = owner.execute(
        sql.SQL("SELECT {}, pg_has_role(%s, %s, 'MEMBER') FROM pg_roles WHERE rolname = %s").format(
            sql.SQL(", ").join(map(sql.Identifier, POWERS))
        ),
        [name, own, name],
    ).fetchone()
    assert row is not None
    powers = [power.removeprefix("rol") for power, has in zip(POWERS, row, strict=False) if has]
    if powers:
        raise BadRole(f"The role {name} is too strong ({', '.join(powers)}): ALTER ROLE {name} takes that away.")
    if row[-1]:
        raise BadRole(f"The role {name} is a member of {own}, whose rights it would have.")


def _append_only(owner: psycopg.Connection[Any]) -> list[str]:
    """The tables of APPEND_ONLY that there are, with their partitions."""
    rows = owner.execute(
        "SELECT DISTINCT part.relid::regclass::text FROM unnest(%s::text[]) AS named(name), "
        "LATERAL (SELECT to_regclass('public.' || named.name) AS relid UNION "
        "SELECT inhrelid FROM pg_inherits WHERE inhparent = to_regclass('public.' || named.name)) AS part "
        "WHERE part.relid IS NOT NULL",
        [list(APPEND_ONLY)],
    )
    return [row[0] for row in rows]


def _named(statement: str, **names: str) -> sql.Composed:
    return sql.SQL(statement).format(**{name: sql.Identifier(value) for name, value in names.items()})
