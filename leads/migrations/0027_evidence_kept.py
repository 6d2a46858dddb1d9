"""Consents, registry checks, withdrawals and their words refuse to be changed, as suppressions do. Forgetting a person may
empty words, and nothing else may change them.
"""

from django.db import migrations

KEPT = """
CREATE TRIGGER kept_rows BEFORE UPDATE OR DELETE ON leads_consent
    FOR EACH ROW EXECUTE FUNCTION accounts_audit_kept();
CREATE TRIGGER kept BEFORE TRUNCATE ON leads_consent
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_audit_kept();
CREATE TRIGGER kept_rows BEFORE UPDATE OR DELETE ON leads_scrub
    FOR EACH ROW EXECUTE FUNCTION accounts_audit_kept();
CREATE TRIGGER kept BEFORE TRUNCATE ON leads_scrub
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_audit_kept();
CREATE TRIGGER kept_rows BEFORE UPDATE OR DELETE ON leads_withdrawal
    FOR EACH ROW EXECUTE FUNCTION accounts_audit_kept();
CREATE TRIGGER kept BEFORE TRUNCATE ON leads_withdrawal
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_audit_kept();
CREATE FUNCTION leads_evidence_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.parent = OLD.parent AND NEW.created_at = OLD.created_at
       AND NEW.text IS NULL AND NEW.ip IS NULL AND NEW.file IS NULL THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'leads_evidencetext may only be emptied: % refused', TG_OP;
END
$$;
CREATE TRIGGER kept_rows BEFORE UPDATE OR DELETE ON leads_evidencetext
    FOR EACH ROW EXECUTE FUNCTION leads_evidence_kept();
CREATE TRIGGER kept BEFORE TRUNCATE ON leads_evidencetext
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_audit_kept();
"""
BACK = """
DROP TRIGGER kept ON leads_consent;
DROP TRIGGER kept_rows ON leads_consent;
DROP TRIGGER kept ON leads_scrub;
DROP TRIGGER kept_rows ON leads_scrub;
DROP TRIGGER kept ON leads_withdrawal;
DROP TRIGGER kept_rows ON leads_withdrawal;
DROP TRIGGER kept ON leads_evidencetext;
DROP TRIGGER kept_rows ON leads_evidencetext;
DROP FUNCTION leads_evidence_kept();
"""


class Migration(migrations.Migration):
    dependencies = [("leads", "0026_activation"), ("accounts", "0013_append_only")]

    operations = [migrations.RunSQL(KEPT, BACK)]
