from django.db import migrations, models


class Migration(migrations.Migration):
    """Where the number of a call was from, when it was called: what the scorecard counts by."""

    dependencies = [("campaigns", "0034_call_lists")]

    operations = [
        migrations.AddField(
            model_name="callattempt",
            name="number_kind",
            field=models.CharField(
                blank=True, db_default="", default="", help_text="mobile, landline …", max_length=10
            ),
        ),
        migrations.AddField(
            model_name="callattempt",
            name="number_source",
            field=models.CharField(
                blank=True, db_default="", default="", help_text="Of whom the number was: a vendor, file, typed",
                max_length=20,
            ),
        ),
        migrations.AddField(
            model_name="callattempt",
            name="number_at",
            field=models.DateTimeField(
                blank=True, help_text="Since when we had it, when it was called", null=True
            ),
        ),
    ]  # fmt: skip
