from django.db import migrations

# As of this migration. What is sold since then gets its row where it is first used.
OPERATIONS = {
    "apollo": ("apollo_organizations", "apollo_people"),
    "realestateapi": ("autocomplete", "property_detail", "property_search", "skip_trace"),
    "signalhouse": ("skip_trace",),
}


def seed(apps, schema_editor):
    vendors, operations = apps.get_model("integrations", "Vendor"), apps.get_model("integrations", "Operation")
    vendors.objects.bulk_create([vendors(name=vendor) for vendor in OPERATIONS], ignore_conflicts=True)
    rows = [operations(vendor_id=vendor, name=name) for vendor, names in OPERATIONS.items() for name in names]
    operations.objects.bulk_create(rows, ignore_conflicts=True)


class Migration(migrations.Migration):
    dependencies = [("integrations", "0001_initial")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
