from django.db import migrations

from common.db.migrations import OnDeleteInDatabase


class Migration(migrations.Migration):
    dependencies = [("leads", "0040_bulk_jobs")]
    operations = [
        OnDeleteInDatabase("bulkpiece", "job", "CASCADE"),
        OnDeleteInDatabase("bulkchange", "job", "CASCADE"),
    ]
