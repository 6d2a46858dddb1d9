from django.db import migrations

# By PostgreSQL's defaults a fifth of a table changes before it is vacuumed or counted anew: of ten million leads two
# million. A fiftieth is a bucket of 200,000 that was deleted or saved: index entries of dead rows go before pages, claims and
# searches walk through many of them, and plans know a large new bucket. The lock waits for a vacuum at work and stops
# no reader or writer; nothing is rewritten, however full the table is.
STORAGE = {
    "autovacuum_vacuum_scale_factor": 0.02,
    "autovacuum_vacuum_insert_scale_factor": 0.02,
    "autovacuum_analyze_scale_factor": 0.02,
}
SET = ", ".join(f"{name} = {value}" for name, value in STORAGE.items())
TABLES = ("leads_lead", "leads_leadname", "leads_leadkey", "leads_contactkey", "leads_activity")


class Migration(migrations.Migration):
    dependencies = [("leads", "0051_bucket_deletion")]
    operations = [
        migrations.RunSQL(f"ALTER TABLE {table} SET ({SET})", f"ALTER TABLE {table} RESET ({', '.join(STORAGE)})")
        for table in TABLES
    ]
