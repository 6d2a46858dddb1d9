"""Months of the audit: partitions made ahead by whoever may write, and dropped by nobody but their owner."""

from django.db import migrations

# With the owner's rights, so that the application's role need not own the table. It takes no argument and makes nothing
# but this month, the next three, and those of rows that came while a month was missing: the DEFAULT partition is put
# aside, an empty one takes its place, and its rows go where they belong. A lock is waited for 3 s, so that writers do
# not queue up behind a long reader: the next night tries again.
MONTHS = """
CREATE FUNCTION accounts_audit_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The audit log is append-only: % of % refused', TG_OP, TG_TABLE_NAME;
END
$$;

CREATE FUNCTION accounts_audit_floor(month timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM month) * 1000)::bigint), 12, '0') || '7' || repeat('0', 19))::uuid
$$;

CREATE FUNCTION accounts_audit_months() RETURNS integer LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' SET lock_timeout = '3s' AS $$
DECLARE
    month timestamptz;
    name text;
    made integer := 0;
    months timestamptz[] := ARRAY(SELECT date_trunc('month', now()) + ahead * interval '1 month'
                                    FROM generate_series(0, 3) AS ahead);
    misplaced boolean := EXISTS (SELECT FROM accounts_auditevent_rest);
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('accounts_audit_months', 0));
    IF misplaced THEN
        ALTER TABLE accounts_auditevent DETACH PARTITION accounts_auditevent_rest;
        ALTER TABLE accounts_auditevent_rest RENAME TO accounts_auditevent_misplaced;
        CREATE TABLE accounts_auditevent_rest PARTITION OF accounts_auditevent DEFAULT;
        CREATE TRIGGER kept BEFORE TRUNCATE ON accounts_auditevent_rest
            FOR EACH STATEMENT EXECUTE FUNCTION accounts_audit_kept();
        months := months || ARRAY(
            SELECT DISTINCT date_trunc('month', uuid_extract_timestamp(id)) FROM accounts_auditevent_misplaced
             WHERE uuid_extract_timestamp(id) BETWEEN now() - interval '20 years' AND now() + interval '1 year');
    END IF;
    FOREACH month IN ARRAY months LOOP
        name := format('accounts_auditevent_y%sm%s', to_char(month, 'YYYY'), to_char(month, 'MM'));
        CONTINUE WHEN to_regclass('public.' || name) IS NOT NULL;
        EXECUTE format('CREATE TABLE %I (LIKE accounts_auditevent)', name);
        EXECUTE format('CREATE TRIGGER kept BEFORE TRUNCATE ON %I '
                       'FOR EACH STATEMENT EXECUTE FUNCTION accounts_audit_kept()', name);
        EXECUTE format('ALTER TABLE accounts_auditevent ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name,
                       accounts_audit_floor(month), accounts_audit_floor(month + interval '1 month'));
        made := made + 1;
    END LOOP;
    IF misplaced THEN
        INSERT INTO accounts_auditevent SELECT * FROM accounts_auditevent_misplaced;
        DROP TABLE accounts_auditevent_misplaced;
    END IF;
    RETURN made;
END
$$;

CREATE TRIGGER kept BEFORE TRUNCATE ON accounts_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_audit_kept();
CREATE TRIGGER kept BEFORE TRUNCATE ON accounts_auditevent_rest
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_audit_kept();
SELECT accounts_audit_months();
"""
# The months themselves stay: what they hold is not undone.
BACK = """
DROP FUNCTION accounts_audit_months();
DROP FUNCTION accounts_audit_floor(timestamptz);
DROP FUNCTION accounts_audit_kept() CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0010_token_grants")]

    operations = [migrations.RunSQL(MONTHS, BACK)]
