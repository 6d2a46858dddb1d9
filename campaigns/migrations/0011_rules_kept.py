"""A rule is never changed: a new row ends the one before. Its last day alone is entered, once."""

from django.db import migrations

KEPT = """
CREATE FUNCTION campaigns_rule_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.until_date IS NULL
       AND to_jsonb(NEW) - 'until_date' = to_jsonb(OLD) - 'until_date' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'A rule is never changed or deleted: a new row ends it.' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER kept_rows BEFORE UPDATE OR DELETE ON campaigns_contactrule
    FOR EACH ROW EXECUTE FUNCTION campaigns_rule_kept();
"""
BACK = """
DROP TRIGGER kept_rows ON campaigns_contactrule;
DROP FUNCTION campaigns_rule_kept();
"""


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0010_rule_table")]

    operations = [migrations.RunSQL(KEPT, BACK)]
