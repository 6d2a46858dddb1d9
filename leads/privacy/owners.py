"""An owner whose purchased detail says that she asked to be forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import connection

from leads.facts.sources import MAILING, NAMES
from leads.locks import LEADS_IN_ORDER


def forget_owners(lead_ids: Sequence[UUID]) -> None:
    """These leads name no owner any more, and say why: a former one is not shown in her place.

    In the transaction that has just written their details, which holds them.
    """
    if not lead_ids:
        return
    blank = ", ".join(f"{column} = NULL" for column in (*NAMES, *MAILING))
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH held AS MATERIALIZED (SELECT l.id FROM leads_lead l WHERE l.id = ANY(%s) {LEADS_IN_ORDER})
            UPDATE leads_lead l
               SET {blank}, fact_sources = coalesce(l.fact_sources, '{{}}') - 'mailing_address' || jsonb_build_object(
                       'owner_name', jsonb_build_object('source', 'forgotten', 'at', statement_timestamp()))
              FROM held WHERE held.id = l.id
            """,  # noqa: S608  # names from constants
            [list(lead_ids)],
        )
