import django.contrib.postgres.fields
from django.db import migrations, models

# As 0050 has it, but that no lead is added to a deleted bucket: PostgreSQL deletes those that it has by pieces.
INSERTED = """
CREATE OR REPLACE FUNCTION public.leads_inserted() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    {refuse}INSERT INTO public.leads_change (team_id, bucket_id, xid, at, first, last)
    SELECT c.team_id, c.bucket_id, pg_current_xact_id()::text::bigint, clock_timestamp(),
           encode(min(uuid_send(c.id)), 'hex')::uuid, encode(max(uuid_send(c.id)), 'hex')::uuid
      FROM changed c GROUP BY c.team_id, c.bucket_id;
    RETURN NULL;
END $$
"""
REFUSE = """IF EXISTS (SELECT FROM public.leads_bucketdeletion d WHERE EXISTS (SELECT FROM changed c WHERE c.bucket_id = d.bucket_id)) THEN
        RAISE foreign_key_violation USING MESSAGE = 'this bucket is deleted', CONSTRAINT = 'lead_of_no_deleted_bucket';
    END IF;
    """


class Migration(migrations.Migration):
    dependencies = [("leads", "0050_deltas")]
    operations = [
        migrations.CreateModel(
            name="BucketDeletion",
            fields=[
                ("lease_until", models.DateTimeField(blank=True, help_text="A worker has it until", null=True, verbose_name="worker until")),
                ("bucket_id", models.UUIDField(help_text="Which bucket: its table is a room's above", primary_key=True, serialize=False)),
                ("at", models.DateTimeField(auto_now_add=True, help_text="When it was deleted")),
                ("leads", models.PositiveIntegerField(help_text="Leads that it had")),
                ("done", models.PositiveIntegerField(default=0, help_text="Leads deleted so far, hidden ones too")),
                ("after", models.UUIDField(help_text="The last of them: they go in the order of their ids", null=True)),
                ("stopped", django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), default=list, help_text="Its runs for which a request may still be out", size=None)),
            ],
            options={"abstract": False},
        ),
        migrations.RunSQL(INSERTED.format(refuse=REFUSE), INSERTED.format(refuse="")),
    ]
