"""The audit refuses to be changed whatever a connection sets: pgtrigger's triggers let pass who names them in a setting."""

import pgtrigger.migrations
from django.db import migrations

# On the partitioned table: PostgreSQL puts it on every partition, and on those that are attached later.
KEPT = """
CREATE OR REPLACE FUNCTION accounts_audit_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP;
END
$$;

CREATE TRIGGER kept_rows BEFORE UPDATE OR DELETE ON accounts_auditevent
    FOR EACH ROW EXECUTE FUNCTION accounts_audit_kept();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0012_one_name")]

    operations = [
        migrations.RunSQL(KEPT, "DROP TRIGGER kept_rows ON accounts_auditevent"),
        pgtrigger.migrations.RemoveTrigger(model_name="auditevent", name="append_only"),
    ]
