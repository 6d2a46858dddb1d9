from django.db import migrations

from common.db.migrations import OnDeleteInDatabase


class Migration(migrations.Migration):
    dependencies = [("buckets", "0009_import_choices")]
    operations = [
        OnDeleteInDatabase("importedchange", "lead", "CASCADE"),
        OnDeleteInDatabase("importedchange", "job", "CASCADE"),
    ]
