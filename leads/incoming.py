"""New leads that come with facts of their own, and property ids that the vendor tells us later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from config.common.ids import uuid7s
from leads.counters import change_counters, hold_bucket
from leads.models import Lead

# What a person's own file may say of a lead; nothing else is taken from it.
COLUMNS = (
    "apn",
    "fips",
    "property_address",
    "property_city",
    "property_state",
    "property_zip",
    "property_county",
    "owner_name",
    "first_name",
    "last_name",
    "mailing_address",
    "mailing_city",
    "mailing_state",
    "mailing_zip",
    "phone",
    "secondary_phone",
    "email",
)
Incoming = tuple[str, Mapping[str, str | None]]  # property id, and facts by COLUMNS, each one clean line of text


def insert_leads(*, bucket_id: UUID, owner_id: int, source: str, leads: Sequence[Incoming]) -> list[UUID]:
    """Saves these as new leads of a bucket and counts them; a lead that is there already stays as it is.

    Returns the ids of the new ones. The same property twice is one lead, the first. Must be inside a transaction.
    """
    names = ", ".join(COLUMNS)
    rows = zip(uuid7s(len(leads)), leads, strict=True)
    with connection.cursor() as cursor:
        kinds = ", ".join(f"{name} text" for name in COLUMNS)
        cursor.execute(f"CREATE TEMPORARY TABLE incoming (id uuid, property_id text, {kinds}) ON COMMIT DROP")
        with cursor.copy(f"COPY incoming (id, property_id, {names}) FROM STDIN") as copy:
            copy.write("".join([_line(one, property_id, facts) for one, (property_id, facts) in rows]))
        hold_bucket(bucket_id)  # as `insert_ids` does, and for the same reason
        cursor.execute(
            f"""
            INSERT INTO leads_lead (id, bucket_id, owner_id, source, property_id, {names}, created_at, updated_at)
            SELECT id, %s, %s, %s, property_id, {names}, now(), now() FROM incoming ORDER BY id
            ON CONFLICT (bucket_id, property_id) DO NOTHING RETURNING id
            """,  # noqa: S608  # names come from the constant above
            [bucket_id, owner_id, source],
        )
        new = [row[0] for row in cursor.fetchall()]
        cursor.execute("DROP TABLE incoming")
    change_counters(bucket_id, total_leads=len(new))
    return new


def _line(one: str, property_id: str, facts: Mapping[str, str | None]) -> str:
    """A row for COPY. A clean line has no tab and no line break, so only the backslash is left to escape."""
    cells = [property_id, *(facts.get(name) for name in COLUMNS)]
    return "\t".join([one, *(cell.replace("\\", "\\\\") if cell else "\\N" for cell in cells)]) + "\n"


def take_vendor_ids(ids: Mapping[UUID, str]) -> None:
    """Gives leads the property id the vendor has told us since. In the caller's transaction.

    A lead whose bucket has another of that id keeps its own: it is the same property twice, and both may have been
    worked on. A savepoint each, because only the unique index knows who comes first.
    """
    for lead_id, property_id in sorted(ids.items()):
        try:
            with transaction.atomic():
                Lead.objects.filter(pk=lead_id).exclude(property_id=property_id).update(property_id=property_id)
        except IntegrityError:
            continue
