from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0046_mail"), ("campaigns", "0050_list_fill")]

    operations = [
        migrations.AddField(
            "member",
            "planned_at",
            models.DateTimeField(blank=True, help_text="While it is held: when the step was to be due", null=True),
        ),
        migrations.AddField(
            "member",
            "passed",
            models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Channels whose other steps are passed over",
                max_length=20,
            ),
        ),
        migrations.AddField(
            "preview",
            "texts",
            models.JSONField(
                blank=True,
                help_text="Of an edit after approval: step -> text's name -> version; empty: of the campaign as it stands",
                null=True,
            ),
        ),
    ]
