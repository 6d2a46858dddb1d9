from django.db import migrations

from common.db.migrations import OnDeleteInDatabase


class Migration(migrations.Migration):
    dependencies = [("buckets", "0004_imports")]
    operations = [
        OnDeleteInDatabase("import", "bucket", "CASCADE"),
        OnDeleteInDatabase("importpiece", "job", "CASCADE"),
        OnDeleteInDatabase("importfailure", "job", "CASCADE"),
        OnDeleteInDatabase("importedlead", "job", "CASCADE"),
        OnDeleteInDatabase("importedlead", "lead", "CASCADE"),
    ]
