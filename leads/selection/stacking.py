"""How many of a team's buckets hold the same property, or other properties of the same owner. Reads only."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from leads.models import ContactKey, Lead

# Which leads they are is read now, in one pass with this much memory: as a part of the list's own statement PostgreSQL
# groups a million ids on disk, again for each page.
MEMORY = "256MB"
# A bucket holds an id once, so that leads are buckets. The same property goes by a vendor's id in one bucket and by an
# address or a parcel number in another: those share a name exactly. What is counted is grouped twice, not counted
# DISTINCT: that sorts every row.
_PROPERTY = """
    WITH ids AS (SELECT property_id FROM leads_lead WHERE bucket_id = ANY(%(buckets)s)
                  GROUP BY property_id HAVING count(*) >= %(many)s),
         names AS (SELECT exact FROM (SELECT DISTINCT exact, bucket_id FROM leads_leadname
                                       WHERE bucket_id = ANY(%(buckets)s)) AS named
                    GROUP BY exact HAVING count(*) >= %(many)s)
    SELECT l.id FROM leads_lead l JOIN ids USING (property_id) WHERE l.bucket_id = ANY(%(buckets)s)
     UNION SELECT n.lead_id FROM leads_leadname n JOIN names USING (exact) WHERE n.bucket_id = ANY(%(buckets)s)
"""
_OWNER = f"""
    WITH held AS MATERIALIZED (
        SELECT k.lead_id, k.key_id, l.bucket_id
          FROM leads_leadkey k JOIN leads_contactkey c ON c.id = k.key_id JOIN leads_lead l ON l.id = k.lead_id
         WHERE l.bucket_id = ANY(%(buckets)s) AND c.kind = {ContactKey.Kind.OWNER.value} AND NOT c.crowded)
    SELECT DISTINCT h.lead_id FROM held h JOIN (
        SELECT key_id FROM (SELECT DISTINCT key_id, bucket_id FROM held) AS pairs
         GROUP BY key_id HAVING count(*) >= %(many)s) AS o USING (key_id)
"""  # noqa: S608  # constants


def team_of(leads: QuerySet[Lead]) -> int | None:
    """Whose leads these are: the first one's team. None: there are none."""
    return leads.order_by().values_list("team_id", flat=True).first()


def property_on(buckets: int, team_id: int | None) -> Q:
    """Leads whose property is on so many buckets of the team, or more. Reads now which they are."""
    return _among(_PROPERTY, buckets, team_id)


def owner_on(buckets: int, team_id: int | None) -> Q:
    """Leads whose owner, by name and mailing address, has leads on so many buckets of the team, or more."""
    return _among(_OWNER, buckets, team_id)


def _among(sql: str, many: int, team_id: int | None) -> Q:
    """One parameter, however many they are, and a text: read and written as ids they took longer than the reading."""
    if team_id is None:  # no lead is asked about
        return Q(pk__in=[])
    of_team = Lead.every.filter(team_id=team_id).order_by()
    buckets = list(of_team.values_list("bucket_id", flat=True).distinct())
    if len(buckets) < many:
        return Q(pk__in=[])
    params: dict[str, Any] = {"buckets": buckets, "many": many}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('work_mem'), set_config('work_mem', %s, true)", [MEMORY])
        before, _ = cursor.fetchone()
        cursor.execute(f"SELECT array_agg(id)::text FROM ({sql}) AS found (id)", params)  # noqa: S608  # constants
        (ids,) = cursor.fetchone()
        cursor.execute("SELECT set_config('work_mem', %s, true)", [before])
    return Q(pk__in=RawSQL("SELECT unnest(%s::uuid[])", [ids])) if ids else Q(pk__in=[])  # a constant
