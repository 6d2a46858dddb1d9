from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0068_pressed")]

    operations = [
        migrations.AddField(
            model_name="inbound",
            name="closed_at",
            field=models.DateTimeField(
                blank=True, help_text="When an operator has looked at it: nothing is tried any more", null=True
            ),
        ),
    ]
