"""No rule, holiday or emergency is lost by truncating. A holiday that has come stays as it was, since it tells why
nobody was contacted; a coming one is corrected or taken off. Of an emergency the end alone is entered.
"""

from django.db import migrations

KEPT = """
CREATE TRIGGER kept BEFORE TRUNCATE ON campaigns_contactrule
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_audit_kept();
CREATE TRIGGER kept BEFORE TRUNCATE ON campaigns_ruleholiday
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_audit_kept();
CREATE TRIGGER kept BEFORE TRUNCATE ON campaigns_emergency
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_audit_kept();
CREATE FUNCTION campaigns_holiday_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.date > current_date AND (TG_OP = 'DELETE' OR NEW.date > current_date) THEN
        RETURN coalesce(NEW, OLD);
    END IF;
    RAISE EXCEPTION 'A holiday that has come is never changed or deleted.' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER kept_rows BEFORE UPDATE OR DELETE ON campaigns_ruleholiday
    FOR EACH ROW EXECUTE FUNCTION campaigns_holiday_kept();
CREATE FUNCTION campaigns_emergency_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - 'until_at' = to_jsonb(OLD) - 'until_at' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'An emergency is never changed or deleted: it ends.' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER kept_rows BEFORE UPDATE OR DELETE ON campaigns_emergency
    FOR EACH ROW EXECUTE FUNCTION campaigns_emergency_kept();
"""
BACK = """
DROP TRIGGER kept ON campaigns_contactrule;
DROP TRIGGER kept ON campaigns_ruleholiday;
DROP TRIGGER kept ON campaigns_emergency;
DROP TRIGGER kept_rows ON campaigns_ruleholiday;
DROP TRIGGER kept_rows ON campaigns_emergency;
DROP FUNCTION campaigns_holiday_kept();
DROP FUNCTION campaigns_emergency_kept();
"""


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0035_number_called"), ("accounts", "0013_append_only")]

    operations = [migrations.RunSQL(KEPT, BACK)]
