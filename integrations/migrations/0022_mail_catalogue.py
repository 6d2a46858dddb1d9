from django.db import migrations


def seed(apps, schema_editor):
    """Who carries e-mail: the mail server or provider of CAMPAIGN_EMAIL_URL."""
    apps.get_model("integrations", "Vendor").objects.get_or_create(name="mail")
    apps.get_model("integrations", "Operation").objects.get_or_create(vendor_id="mail", name="email")


class Migration(migrations.Migration):
    dependencies = [("integrations", "0021_call_catalogue")]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
