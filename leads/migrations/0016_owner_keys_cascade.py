from django.db import migrations

from common.db.migrations import OnDeleteInDatabase

# Leads that are older than keys get theirs from the sweep (`leads.refresh_owner_keys`), not while everybody waits.
OLDER_LEADS = "INSERT INTO leads_keyrefresh (id) SELECT 1 WHERE EXISTS (SELECT FROM leads_lead)"


class Migration(migrations.Migration):
    dependencies = [("leads", "0015_merging_cascade")]
    operations = [
        OnDeleteInDatabase("leadkey", "lead", "CASCADE"),
        migrations.RunSQL(OLDER_LEADS, "DELETE FROM leads_keyrefresh"),
    ]
