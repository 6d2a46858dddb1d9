from django.db import migrations

from common.db.migrations import OnDeleteInDatabase


class Migration(migrations.Migration):
    dependencies = [("buckets", "0012_teams")]
    operations = [OnDeleteInDatabase("bucketshare", "bucket", "CASCADE")]
