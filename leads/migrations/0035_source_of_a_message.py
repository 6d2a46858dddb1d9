from django.db import migrations, models


class Migration(migrations.Migration):
    """`delivery:<id>` is 41 characters."""

    dependencies = [("leads", "0030_permission")]

    operations = [
        migrations.AlterField(
            "suppression",
            "source",
            models.CharField(help_text="forget:<id>, inbound:<id>, upload:<id>, user:<id>", max_length=48),
        ),
    ]
