from django.db import migrations

# Who places calls.
PAIRS = (("signalhouse_messaging", "call"), ("twilio", "call"))


def seed(apps, schema_editor):
    vendors, operations = apps.get_model("integrations", "Vendor"), apps.get_model("integrations", "Operation")
    vendors.objects.bulk_create([vendors(name=name) for name in dict(PAIRS)], ignore_conflicts=True)
    operations.objects.bulk_create([operations(vendor_id=v, name=name) for v, name in PAIRS], ignore_conflicts=True)


class Migration(migrations.Migration):
    dependencies = [("integrations", "0020_messaging_catalogue")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
