"""`with_phones` always was what `enriched` is: a lead of a run is enriched if it has a phone."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("enrichment", "0012_work_rows")]

    operations = [migrations.RemoveField("run", "with_phones")]
