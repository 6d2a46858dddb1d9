"""What pages call them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0011_rules_kept")]

    operations = [
        migrations.AlterModelOptions(name="contactrule", options={"verbose_name": "rule"}),
        migrations.AlterModelOptions(name="ruleholiday", options={"verbose_name": "holiday"}),
        migrations.AlterField(
            model_name="contactrule",
            name="cap_24h",
            field=models.PositiveSmallIntegerField(
                blank=True, help_text="A person, at most; empty: no limit", null=True, verbose_name="attempts in 24 hours"
            ),
        ),
        migrations.AlterField(
            model_name="contactrule",
            name="gap_minutes",
            field=models.PositiveSmallIntegerField(
                blank=True, help_text="At least; empty: no limit", null=True, verbose_name="minutes between attempts"
            ),
        ),
    ]
