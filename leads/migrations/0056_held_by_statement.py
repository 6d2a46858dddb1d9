"""Names and keys of leads are held to their leads a statement at a time.

PostgreSQL looks up each row of a foreign key by itself: of a file's lead that is four names and two keys by two, a fifth
of an import's work in the database. Triggers here do the same for all rows of a statement at once: what a row names must
be there and is kept from being deleted until the commit; the rows of a deleted lead go with it; a key that leads have
is not deleted.
"""

import django.db.models.deletion
from django.db import migrations, models

from common.db.migrations import AtOnce

# Behind a long transaction it gives up and `migrate` tries again: what waits for the whole table holds up everybody.
BRIEFLY = "SET LOCAL lock_timeout = '500ms'"
# {wanted}: the ids that the new rows name, each once. The plan is one for any number of them: by the index.
KNOWN = """
CREATE FUNCTION public.{table}_{column}_known() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    wanted {type}[] := ARRAY(SELECT DISTINCT c.{column} FROM changed c);
BEGIN
    IF (SELECT count(*) FROM (SELECT FROM public.{parent} p WHERE p.id = ANY(wanted) ORDER BY p.id FOR KEY SHARE) kept)
       < cardinality(wanted) THEN
        RAISE foreign_key_violation USING MESSAGE = '{column} of a row of {table} is none of {parent}',
              TABLE = '{table}', COLUMN = '{column}', CONSTRAINT = '{table}_{column}_known';
    END IF;
    RETURN NULL;
END $$
"""
GONE = """
CREATE FUNCTION public.leads_lead_gone() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    ids uuid[] := ARRAY(SELECT g.id FROM gone g);
BEGIN
    DELETE FROM public.leads_leadname n WHERE n.lead_id = ANY(ids);
    DELETE FROM public.leads_leadkey k WHERE k.lead_id = ANY(ids);
    RETURN NULL;
END $$
"""
WANTED = """
CREATE FUNCTION public.leads_contactkey_wanted() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    ids bigint[] := ARRAY(SELECT g.id FROM gone g);
BEGIN
    IF EXISTS (SELECT FROM public.leads_leadkey k WHERE k.key_id = ANY(ids)) THEN
        RAISE foreign_key_violation USING MESSAGE = 'leads have a key that is to be deleted',
              TABLE = 'leads_leadkey', COLUMN = 'key_id', CONSTRAINT = 'leads_leadkey_key_id_known';
    END IF;
    RETURN NULL;
END $$
"""
STAYS = """
CREATE FUNCTION public.leads_id_stays() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    RAISE foreign_key_violation USING MESSAGE = TG_ARGV[0] || ' of a row of ' || TG_TABLE_NAME || ' is never changed',
          TABLE = TG_TABLE_NAME, COLUMN = TG_ARGV[0], CONSTRAINT = TG_TABLE_NAME || '_' || TG_ARGV[0] || '_stays';
END $$
"""
HELD = (
    ("leads_leadname", "lead_id", "leads_lead", "uuid"),
    ("leads_leadkey", "lead_id", "leads_lead", "uuid"),
    ("leads_leadkey", "key_id", "leads_contactkey", "bigint"),
)
IDS = (("leads_lead", "id"), ("leads_contactkey", "id"), *(held[:2] for held in HELD))


def known(table, column, parent, type_):
    return [
        migrations.RunSQL(KNOWN.format(table=table, column=column, parent=parent, type=type_)),
        migrations.RunSQL(
            f"CREATE TRIGGER {column}_known AFTER INSERT ON {table} REFERENCING NEW TABLE AS changed "
            f"FOR EACH STATEMENT EXECUTE FUNCTION public.{table}_{column}_known()"
        ),
    ]


def gone(table, name, function):
    return migrations.RunSQL(
        f"CREATE TRIGGER {name} AFTER DELETE ON {table} REFERENCING OLD TABLE AS gone "
        f"FOR EACH STATEMENT EXECUTE FUNCTION public.{function}()"
    )


def stays(table, column):
    return migrations.RunSQL(
        f"CREATE TRIGGER {column}_stays BEFORE UPDATE OF {column} ON {table} FOR EACH ROW "
        f"WHEN (OLD.{column} IS DISTINCT FROM NEW.{column}) EXECUTE FUNCTION public.leads_id_stays('{column}')"
    )


class Migration(migrations.Migration):
    dependencies = [("leads", "0055_bulk_fields")]
    operations = [
        AtOnce([
            migrations.RunSQL(BRIEFLY),
            *(operation for held in HELD for operation in known(*held)),
            *(migrations.RunSQL(function) for function in (GONE, WANTED, STAYS)),
            gone("leads_lead", "names_and_keys_gone", "leads_lead_gone"),
            gone("leads_contactkey", "key_wanted", "leads_contactkey_wanted"),
            *(stays(*column) for column in IDS),
            migrations.AlterField(
                "leadname",
                "lead",
                models.ForeignKey(db_constraint=False, db_index=False, help_text="Whose name it is", on_delete=django.db.models.deletion.CASCADE, related_name="names", to="leads.lead"),
            ),
            migrations.AlterField(
                "leadkey",
                "lead",
                models.ForeignKey(db_constraint=False, db_index=False, help_text="Whose key it is", on_delete=django.db.models.deletion.CASCADE, related_name="keys", to="leads.lead"),
            ),
            migrations.AlterField(
                "leadkey",
                "key",
                models.ForeignKey(db_constraint=False, db_index=False, help_text="The key", on_delete=django.db.models.deletion.PROTECT, related_name="leads", to="leads.contactkey"),
            ),
        ])
    ]
