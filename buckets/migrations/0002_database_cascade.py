from django.db import migrations

from common.db.migrations import OnDeleteInDatabase


class Migration(migrations.Migration):
    dependencies = [("buckets", "0001_initial")]
    operations = [OnDeleteInDatabase("fill", "bucket", "CASCADE")]
