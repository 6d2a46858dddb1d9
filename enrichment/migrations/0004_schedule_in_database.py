from django.db import migrations

from common.db.migrations import OnDeleteInDatabase


class Migration(migrations.Migration):
    dependencies = [("buckets", "0002_database_cascade"), ("enrichment", "0003_schedule")]
    operations = [
        OnDeleteInDatabase("schedule", "bucket", "SET NULL"),
        OnDeleteInDatabase("schedule", "last_fill", "SET NULL"),
        OnDeleteInDatabase("schedule", "last_run", "SET NULL"),
    ]
