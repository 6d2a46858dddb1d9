from django.db import migrations

# Who carries e-mail: the mail server or provider of CAMPAIGN_EMAIL_URL.
PAIRS = (("mail", "email"),)


def seed(apps, schema_editor):
    vendors, operations = apps.get_model("integrations", "Vendor"), apps.get_model("integrations", "Operation")
    for vendor, name in PAIRS:
        vendors.objects.get_or_create(name=vendor)
        operations.objects.get_or_create(vendor_id=vendor, name=name)


class Migration(migrations.Migration):
    dependencies = [("integrations", "0021_call_catalogue")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
