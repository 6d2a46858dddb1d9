"""The columns of a work row come from one base: their help says the same in every table. No table changes."""

from django.db import migrations, models

LEASE = models.DateTimeField(blank=True, help_text="A worker has it until", null=True)


class Migration(migrations.Migration):
    dependencies = [("enrichment", "0011_pump_lease_fair_share")]

    operations = [
        migrations.AlterField("pumplease", "lease_until", LEASE),
        migrations.AlterField(
            "pumplease", "token", models.UUIDField(blank=True, help_text="Who has it", null=True)
        ),
        migrations.AlterField("runitem", "lease_until", LEASE),
        migrations.AlterField(
            "runitem",
            "not_before",
            models.DateTimeField(blank=True, help_text="Not to be tried again before", null=True),
        ),
        migrations.AlterField("schedule", "lease_until", LEASE),
    ]
