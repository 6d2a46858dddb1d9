"""What an import added is held to its lead and its import a statement at a time: leads/migrations/0056 says why."""

import django.db.models.deletion
from django.db import migrations, models

from common.db.migrations import AtOnce

BRIEFLY = "SET LOCAL lock_timeout = '500ms'"  # as there
KNOWN = """
CREATE FUNCTION public.buckets_importedlead_{column}_known() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    wanted uuid[] := ARRAY(SELECT DISTINCT c.{column} FROM changed c);
BEGIN
    IF (SELECT count(*) FROM (SELECT FROM public.{parent} p WHERE p.id = ANY(wanted) ORDER BY p.id FOR KEY SHARE) kept)
       < cardinality(wanted) THEN
        RAISE foreign_key_violation USING MESSAGE = '{column} of a row of buckets_importedlead is none of {parent}',
              TABLE = 'buckets_importedlead', COLUMN = '{column}', CONSTRAINT = 'buckets_importedlead_{column}_known';
    END IF;
    RETURN NULL;
END $$
"""
GONE = """
CREATE FUNCTION public.{parent}_not_imported() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    ids uuid[] := ARRAY(SELECT g.id FROM gone g);
BEGIN
    DELETE FROM public.buckets_importedlead i WHERE i.{column} = ANY(ids);
    RETURN NULL;
END $$
"""
HELD = (("lead_id", "leads_lead"), ("job_id", "buckets_import"))


def held(column, parent):
    table = "buckets_importedlead"
    return [
        migrations.RunSQL(KNOWN.format(column=column, parent=parent)),
        migrations.RunSQL(GONE.format(column=column, parent=parent)),
        migrations.RunSQL(
            f"CREATE TRIGGER {column}_known AFTER INSERT ON {table} REFERENCING NEW TABLE AS changed "
            f"FOR EACH STATEMENT EXECUTE FUNCTION public.{table}_{column}_known()"
        ),
        migrations.RunSQL(
            f"CREATE TRIGGER imported_gone AFTER DELETE ON {parent} REFERENCING OLD TABLE AS gone "
            f"FOR EACH STATEMENT EXECUTE FUNCTION public.{parent}_not_imported()"
        ),
        migrations.RunSQL(
            f"CREATE TRIGGER {column}_stays BEFORE UPDATE OF {column} ON {table} FOR EACH ROW "
            f"WHEN (OLD.{column} IS DISTINCT FROM NEW.{column}) EXECUTE FUNCTION public.leads_id_stays('{column}')"
        ),
    ]


class Migration(migrations.Migration):
    dependencies = [("buckets", "0014_import_started_by"), ("leads", "0056_held_by_statement")]
    operations = [
        AtOnce([
            migrations.RunSQL(BRIEFLY),
            *(operation for each in HELD for operation in held(*each)),
            migrations.RunSQL(
                "CREATE TRIGGER id_stays BEFORE UPDATE OF id ON buckets_import FOR EACH ROW "
                "WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION public.leads_id_stays('id')"
            ),
            migrations.AlterField(
                "importedlead",
                "lead",
                models.OneToOneField(db_constraint=False, help_text="The lead it added", on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name="imported", serialize=False, to="leads.lead"),
            ),
            migrations.AlterField(
                "importedlead",
                "job",
                models.ForeignKey(db_constraint=False, db_index=False, help_text="The import that added it", on_delete=django.db.models.deletion.CASCADE, related_name="leads", to="buckets.import"),
            ),
        ])
    ]
