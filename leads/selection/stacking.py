"""How many of a team's buckets hold the same property, or other properties of the same owner. Reads only."""

from __future__ import annotations

from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from leads.deletion.table import OF_NO_DELETED_BUCKET
from leads.models import ContactKey, Lead

# Which leads they are is read now, in one pass with this much memory: as a part of the list's own statement PostgreSQL
# groups a million ids on disk, again for each page.
MEMORY = "256MB"
# A bucket holds an id once, so that leads are buckets. The same property goes by a vendor's id in one bucket and by an
# address or a parcel number in another: those share a name exactly.
_PROPERTY = f"""
    WITH mine AS MATERIALIZED (
            SELECT l.id, l.bucket_id, l.property_id FROM leads_lead l
             WHERE l.team_id = %(team)s AND {OF_NO_DELETED_BUCKET}),
         ids AS (SELECT property_id FROM mine GROUP BY property_id HAVING count(*) >= %(many)s),
         named AS (SELECT n.lead_id, n.exact, m.bucket_id FROM leads_leadname n JOIN mine m ON m.id = n.lead_id),
         names AS (SELECT exact FROM named GROUP BY exact HAVING count(DISTINCT bucket_id) >= %(many)s)
    SELECT m.id FROM mine m JOIN ids USING (property_id)
     UNION SELECT n.lead_id FROM named n JOIN names USING (exact)
"""  # noqa: S608  # a constant
_OWNER = f"""
    WITH held AS MATERIALIZED (
        SELECT k.lead_id, k.key_id, l.bucket_id
          FROM leads_leadkey k JOIN leads_contactkey c ON c.id = k.key_id JOIN leads_lead l ON l.id = k.lead_id
         WHERE l.team_id = %(team)s AND {OF_NO_DELETED_BUCKET}
           AND c.kind = {ContactKey.Kind.OWNER.value} AND NOT c.crowded)
    SELECT DISTINCT h.lead_id FROM held h JOIN (
        SELECT key_id FROM held GROUP BY key_id HAVING count(DISTINCT bucket_id) >= %(many)s) AS o USING (key_id)
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


def _among(sql: str, buckets: int, team_id: int | None) -> Q:
    """One parameter, however many they are."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('work_mem'), set_config('work_mem', %s, true)", [MEMORY])
        before, _ = cursor.fetchone()
        cursor.execute(sql, {"team": team_id, "many": buckets})
        ids: list[UUID] = [pk for (pk,) in cursor.fetchall()]
        cursor.execute("SELECT set_config('work_mem', %s, true)", [before])
    return Q(pk__in=RawSQL("SELECT unnest(%s::uuid[])", [ids]))  # a constant
