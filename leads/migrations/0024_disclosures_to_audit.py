"""Who saw whose contacts is told by the audit, with token, address and request. What was recorded before moves there."""

from django.db import migrations

# The table is locked until it is gone: who shows a contact meanwhile waits, and then shows none.
MOVE = """
LOCK TABLE leads_disclosure IN ACCESS EXCLUSIVE MODE;
INSERT INTO accounts_auditevent (id, at, team_id, user_id, user_name, token_key, address, request_id, action, kind,
                                 object_id, object_name, before, after)
SELECT d.id, d.created_at, (SELECT l.team_id FROM leads_lead l WHERE l.bucket_id = d.bucket_id LIMIT 1),
       d.by_id, coalesce(u.username, ''), '', NULL, '',
       CASE d.what WHEN 'unmask' THEN 'contacts.shown' ELSE 'export.taken' END,
       CASE WHEN d.lead_id IS NOT NULL THEN 'lead' WHEN d.bucket_id IS NOT NULL THEN 'bucket' ELSE '' END,
       coalesce(d.lead_id::text, d.bucket_id::text, ''), '', NULL,
       jsonb_strip_nulls(jsonb_build_object('via', d.via, 'leads', d.leads, 'bucket', d.bucket_id))
  FROM leads_disclosure d LEFT JOIN accounts_user u ON u.id = d.by_id;
SELECT accounts_audit_months();
"""


class Migration(migrations.Migration):
    dependencies = [("leads", "0021_forgotten"), ("accounts", "0011_audit_months")]

    operations = [migrations.RunSQL(MOVE), migrations.DeleteModel(name="Disclosure")]
