"""Suppressions refuse to be changed, deleted or truncated whatever a connection sets, as the audit does."""

import pgtrigger.migrations
from django.db import migrations

KEPT = """
CREATE TRIGGER kept_rows BEFORE UPDATE OR DELETE ON leads_suppression
    FOR EACH ROW EXECUTE FUNCTION accounts_audit_kept();
CREATE TRIGGER kept BEFORE TRUNCATE ON leads_suppression
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_audit_kept();
"""
BACK = """
DROP TRIGGER kept ON leads_suppression;
DROP TRIGGER kept_rows ON leads_suppression;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0013_append_only"), ("leads", "0024_disclosures_to_audit")]

    operations = [
        migrations.RunSQL(KEPT, BACK),
        pgtrigger.migrations.RemoveTrigger(model_name="suppression", name="append_only"),
    ]
