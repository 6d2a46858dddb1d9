from django.db import migrations, models


class Migration(migrations.Migration):
    """The rows are workers' leases and signs of life: each worker writes its own again."""

    dependencies = [("enrichment", "0015_teams")]

    operations = [
        migrations.DeleteModel(name="PumpLease"),
        migrations.CreateModel(
            name="PumpLease",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "lease_until",
                    models.DateTimeField(
                        blank=True, help_text="A worker has it until", null=True, verbose_name="worker until"
                    ),
                ),
                (
                    "token",
                    models.UUIDField(blank=True, help_text="Who has it", null=True, verbose_name="worker"),
                ),
                (
                    "stage",
                    models.SmallIntegerField(
                        choices=[(0, "Done"), (1, "Property detail"), (2, "Skip trace"), (3, "Apollo")],
                        help_text="Which step of enrichment",
                        verbose_name="works on",
                    ),
                ),
                (
                    "host",
                    models.CharField(
                        db_default="",
                        default="",
                        help_text="The worker's name, one a host",
                        max_length=200,
                        verbose_name="worker",
                    ),
                ),
                (
                    "number",
                    models.PositiveSmallIntegerField(
                        db_default=1, default=1, help_text="Which of those that the host has for the step"
                    ),
                ),
                (
                    "beat_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="When it last said that it is running",
                        null=True,
                        verbose_name="last sign of life",
                    ),
                ),
            ],
            options={
                "verbose_name": "worker",
                "verbose_name_plural": "workers",
                "constraints": [
                    models.UniqueConstraint(fields=("stage", "host", "number"), name="pump_once_per_host")
                ],
            },
        ),
    ]
