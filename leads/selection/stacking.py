"""How many of a team's buckets hold the same property, or other properties of the same owner. Reads only."""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from leads.models import ContactKey, Lead

# A bucket holds an id once, so that leads are buckets. The same property goes by a vendor's id in one bucket and by an
# address or a parcel number in another: those share a name exactly.
_PROPERTY = """
    SELECT l.id FROM leads_lead l JOIN (
        SELECT property_id FROM leads_lead WHERE team_id = %s GROUP BY property_id HAVING count(*) >= %s
    ) AS many ON many.property_id = l.property_id WHERE l.team_id = %s
"""
_NAME = """
    SELECT n.lead_id FROM leads_leadname n JOIN (
        SELECT n.exact FROM leads_leadname n JOIN leads_lead l ON l.id = n.lead_id WHERE l.team_id = %s
         GROUP BY n.exact HAVING count(DISTINCT l.bucket_id) >= %s
    ) AS many ON many.exact = n.exact
"""
_OWNER = f"""
    SELECT k.lead_id FROM leads_leadkey k JOIN (
        SELECT k.key_id FROM leads_leadkey k JOIN leads_contactkey c ON c.id = k.key_id
          JOIN leads_lead l ON l.id = k.lead_id
         WHERE l.team_id = %s AND c.kind = {ContactKey.Kind.OWNER.value} AND NOT c.crowded
         GROUP BY k.key_id HAVING count(DISTINCT l.bucket_id) >= %s
    ) AS many ON many.key_id = k.key_id
"""  # noqa: S608  # constants


def team_of(leads: QuerySet[Lead]) -> int | None:
    """Whose leads these are: the first one's team. None: there are none."""
    return leads.order_by().values_list("team_id", flat=True).first()


def property_on(buckets: int, team_id: int | None) -> Q:
    """Leads whose property is on so many buckets of the team, or more."""
    return _in(_PROPERTY, team_id, buckets, team_id) | _in(_NAME, team_id, buckets)


def owner_on(buckets: int, team_id: int | None) -> Q:
    """Leads whose owner, by name and mailing address, has leads on so many buckets of the team, or more."""
    return _in(_OWNER, team_id, buckets)


def _in(sql: str, *params: int | None) -> Q:
    return Q(pk__in=RawSQL(sql, params))  # noqa: S611  # constants
