from django.db import migrations

# What was sold when this was written. Later operations, and other sellers of these, are made on their first use.
PAIRS = (
    ("apollo", "apollo_organizations"),
    ("apollo", "apollo_people"),
    ("realestateapi", "autocomplete"),
    ("realestateapi", "property_detail"),
    ("realestateapi", "property_search"),
    ("realestateapi", "skip_trace"),
    ("signalhouse", "skip_trace"),
)


def seed(apps, schema_editor):
    vendors, operations = apps.get_model("integrations", "Vendor"), apps.get_model("integrations", "Operation")
    vendors.objects.bulk_create([vendors(name=name) for name in dict(PAIRS)], ignore_conflicts=True)
    operations.objects.bulk_create([operations(vendor_id=v, name=name) for v, name in PAIRS], ignore_conflicts=True)


class Migration(migrations.Migration):
    dependencies = [("integrations", "0001_initial")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
