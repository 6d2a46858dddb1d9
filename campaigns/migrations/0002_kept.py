"""Receipts refuse to be changed; a deleted lead leaves who was contacted; steps' texts and rules stay as they were."""

from django.db import migrations

from common.db.migrations import OnDeleteInDatabase

KEPT = """
CREATE TRIGGER kept_rows BEFORE UPDATE OR DELETE ON campaigns_receipt
    FOR EACH ROW EXECUTE FUNCTION accounts_audit_kept();
CREATE TRIGGER kept BEFORE TRUNCATE ON campaigns_receipt
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_audit_kept();
CREATE TRIGGER kept_rows BEFORE UPDATE OR DELETE ON campaigns_receiptrepeat
    FOR EACH ROW EXECUTE FUNCTION accounts_audit_kept();
CREATE TRIGGER kept BEFORE TRUNCATE ON campaigns_receiptrepeat
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_audit_kept();
"""
BACK = """
DROP TRIGGER kept ON campaigns_receipt;
DROP TRIGGER kept_rows ON campaigns_receipt;
DROP TRIGGER kept ON campaigns_receiptrepeat;
DROP TRIGGER kept_rows ON campaigns_receiptrepeat;
"""


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0001_initial")]

    operations = [
        migrations.RunSQL(KEPT, BACK),
        OnDeleteInDatabase("member", "lead", "SET NULL"),
        OnDeleteInDatabase("conversation", "lead", "SET NULL"),
        OnDeleteInDatabase("campaign", "bucket", "SET NULL"),
    ]
