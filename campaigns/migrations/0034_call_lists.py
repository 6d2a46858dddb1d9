from django.db import migrations, models


class Migration(migrations.Migration):
    """Call lists have a page of their own, and a script."""

    dependencies = [("campaigns", "0040_voice")]

    operations = [
        migrations.CreateModel(
            name="CallList",
            fields=[],
            options={"verbose_name": "call list", "proxy": True, "indexes": [], "constraints": []},
            bases=("campaigns.campaign",),
        ),
        migrations.AddField(
            model_name="campaign",
            name="script",
            field=models.TextField(
                blank=True, db_default="", default="", help_text="What callers say, with {{variables}}", max_length=5000
            ),
        ),
    ]
