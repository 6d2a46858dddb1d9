from django.db import migrations

from common.db.migrations import OnDeleteInDatabase


class Migration(migrations.Migration):
    dependencies = [("leads", "0014_merging")]
    operations = [
        OnDeleteInDatabase("merge", "older", "CASCADE"),
        OnDeleteInDatabase("merge", "younger", "CASCADE"),
    ]
