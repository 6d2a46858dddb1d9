from django.db import migrations

from common.db.migrations import OnDeleteInDatabase


class Migration(migrations.Migration):
    dependencies = [("leads", "0010_identity")]
    operations = [
        OnDeleteInDatabase("leadname", "lead", "CASCADE"),
        OnDeleteInDatabase("lead", "merged_into", "SET NULL"),
    ]
