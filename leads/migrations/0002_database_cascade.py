from django.db import migrations

from common.db.migrations import OnDeleteInDatabase


class Migration(migrations.Migration):
    dependencies = [("leads", "0001_initial")]
    operations = [
        OnDeleteInDatabase("lead", "bucket", "CASCADE"),
        OnDeleteInDatabase("lead", "tags", "CASCADE"),
        OnDeleteInDatabase("activity", "lead", "CASCADE"),
    ]
