from django.db import migrations, models

# Who carries text messages.
PAIRS = (("signalhouse_messaging", "sms"), ("twilio", "sms"))


def seed(apps, schema_editor):
    vendors, operations = apps.get_model("integrations", "Vendor"), apps.get_model("integrations", "Operation")
    vendors.objects.bulk_create([vendors(name=name) for name in dict(PAIRS)], ignore_conflicts=True)
    operations.objects.bulk_create([operations(vendor_id=v, name=name) for v, name in PAIRS], ignore_conflicts=True)


class Migration(migrations.Migration):
    dependencies = [("integrations", "0018_breaker_per_operation")]
    operations = [
        migrations.AlterField(
            model_name="vendor",
            name="name",
            field=models.CharField(
                help_text="realestateapi, signalhouse, twilio, …", max_length=30, primary_key=True, serialize=False
            ),
        ),
        migrations.RunPython(seed, migrations.RunPython.noop),
    ]
