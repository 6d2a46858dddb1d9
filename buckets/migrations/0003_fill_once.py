from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("buckets", "0002_database_cascade")]

    operations = [
        migrations.AddField(
            model_name="fill",
            name="once",
            field=models.UUIDField(
                blank=True,
                editable=False,
                help_text="The press of a button that asked for it",
                null=True,
                unique=True,
            ),
        ),
    ]
