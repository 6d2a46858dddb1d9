from django.db import migrations

from integrations.ledger.catalogue import known_pairs, make_rows


def seed(apps, schema_editor):
    make_rows(apps.get_model("integrations", "Vendor"), apps.get_model("integrations", "Operation"), known_pairs())


class Migration(migrations.Migration):
    dependencies = [("integrations", "0001_initial")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
