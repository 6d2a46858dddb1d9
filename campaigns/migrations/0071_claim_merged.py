"""The dialer's claim knows callbacks of merged leads; its body stands in `campaigns/dialing/locks.py`."""

from django.db import migrations

CLAIM = """
CREATE OR REPLACE FUNCTION campaigns_claim(
    p_me bigint, p_team bigint, p_at timestamptz, p_few integer, p_lease double precision, p_campaigns uuid[],
    p_zones text[], p_closed text[])
RETURNS TABLE (raw bigint, candidates bigint, rank integer, member campaigns_member)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
WITH open AS MATERIALIZED (
     SELECT * FROM unnest(p_campaigns::uuid[], p_zones::text[], p_closed::text[])
                   AS g(campaign_id, zones, closed)),
before AS MATERIALIZED (
     SELECT m.key_id, m.owner_key_id, m.lead_id FROM campaigns_member m WHERE m.taken_by_id IS NOT NULL),
busy AS MATERIALIZED (  -- who is before a caller, or on a call, by every number and owner
     SELECT t.key_id FROM before t
     UNION SELECT t.owner_key_id FROM before t WHERE t.owner_key_id IS NOT NULL
     UNION SELECT k.key_id FROM before t
             JOIN leads_leadkey k
               ON k.lead_id = coalesce((SELECT h.merged_into_id FROM leads_lead h WHERE h.id = t.lead_id), t.lead_id)
             JOIN leads_contactkey c ON c.id = k.key_id AND NOT c.crowded
     UNION SELECT a.key_id FROM campaigns_callattempt a WHERE a.ended_at IS NULL),
back AS MATERIALIZED (  -- callbacks that are due: hers, then anybody's; a merged lead's stands on the one shown for it
     SELECT m.id, CASE WHEN e.owner_id = p_me THEN 0 ELSE 1 END AS rank, e.starts_at AS due, m.priority, m.attempts,
            m.next_at, m.key_id, m.owner_key_id, m.lead_id
       FROM leads_event e
       JOIN LATERAL (SELECT e.lead_id AS id
                     UNION ALL SELECT h.id FROM leads_lead h WHERE h.merged_into_id = e.lead_id) l ON true
       JOIN campaigns_member m ON m.lead_id = l.id
       JOIN open ON open.campaign_id = m.campaign_id AND m.zones = string_to_array(open.zones, ',')::varchar[]
                AND (open.closed = ''
                     OR '|' || array_to_string(m.states, ',') <> ALL (string_to_array(open.closed, ';')))
      WHERE e.team_id = p_team AND e.kind = 'callback' AND e.status = 'planned' AND e.starts_at <= p_at
        AND (e.owner_id = p_me OR e.anyone)
        AND m.status = 2 AND m.calls AND m.taken_by_id IS NULL AND (m.next_at <= p_at OR m.why = 'callback')
      ORDER BY 2, 3 LIMIT p_few),
rest AS MATERIALIZED (
     SELECT f.id, 2 AS rank, NULL::timestamptz AS due, f.priority, f.attempts, f.next_at, f.key_id,
            f.owner_key_id, f.lead_id
       FROM open CROSS JOIN LATERAL (
            SELECT m.id, m.priority, m.attempts, m.next_at, m.key_id, m.owner_key_id, m.lead_id FROM campaigns_member m
             WHERE m.campaign_id = open.campaign_id AND m.zones = string_to_array(open.zones, ',')::varchar[]
               AND (open.closed = ''
                     OR '|' || array_to_string(m.states, ',') <> ALL (string_to_array(open.closed, ';')))
               AND m.status = 2 AND m.calls AND m.taken_by_id IS NULL AND m.next_at <= p_at
             ORDER BY m.priority DESC, m.attempts, m.next_at LIMIT p_few) f
      ORDER BY f.priority DESC, f.attempts, f.next_at LIMIT p_few),
raw AS MATERIALIZED (SELECT * FROM back UNION ALL SELECT * FROM rest),
candidates AS MATERIALIZED (
     SELECT DISTINCT ON (r.id) r.* FROM raw r
      WHERE NOT EXISTS (SELECT FROM busy b WHERE b.key_id IN (r.key_id, r.owner_key_id))
        AND NOT EXISTS (SELECT FROM leads_leadkey k JOIN busy b ON b.key_id = k.key_id WHERE k.lead_id = r.lead_id)
        AND (r.rank < 2 OR NOT EXISTS (  -- a callback of later, or of a colleague who is still of the team
             SELECT FROM leads_event e
              WHERE e.lead_id = coalesce((SELECT h.merged_into_id FROM leads_lead h WHERE h.id = r.lead_id), r.lead_id)
                AND e.kind = 'callback' AND e.status = 'planned'
                AND (e.starts_at > p_at OR NOT e.anyone AND e.owner_id <> p_me AND EXISTS (
                     SELECT FROM accounts_user u JOIN accounts_membership w ON w.user_id = u.id
                      WHERE u.id = e.owner_id AND u.is_active AND w.team_id = e.team_id))))
      ORDER BY r.id, r.rank)
,
one AS MATERIALIZED (
     SELECT m.id, c.rank FROM candidates c JOIN campaigns_member m ON m.id = c.id
      WHERE m.status = 2 AND m.calls AND m.taken_by_id IS NULL
      ORDER BY c.rank, c.due, c.priority DESC, c.attempts, c.next_at, c.id LIMIT 1 FOR NO KEY UPDATE OF m SKIP LOCKED),
taken AS (
     UPDATE campaigns_member m
        SET taken_by_id = p_me, taken_at = clock_timestamp(),
            lease_until = clock_timestamp() + make_interval(secs => p_lease)
       FROM one WHERE m.id = one.id RETURNING m AS member, one.rank)
SELECT (SELECT count(*) FROM raw), (SELECT count(*) FROM candidates), taken.rank, taken.member
  FROM (VALUES (1)) always LEFT JOIN taken ON true;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0070_claim")]

    operations = [migrations.RunSQL(CLAIM, migrations.RunSQL.noop)]
