"""PostgreSQL takes a person's columns away with her: the key exists once 0042 is done."""

from django.db import migrations

from common.db.migrations import OnDeleteInDatabase


class Migration(migrations.Migration):
    dependencies = [("leads", "0042_shared_views")]
    operations = [OnDeleteInDatabase("ColumnChoice", "user", "CASCADE")]
