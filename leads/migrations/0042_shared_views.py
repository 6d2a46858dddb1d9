"""A saved view is the team's or its owner's alone, has a place among the tabs and columns of its own; a person chooses
the columns of a preset for herself.
"""

import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0041_bulk_jobs_cascade"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name="ColumnChoice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("preset", models.CharField(help_text="Which preset: leads.selection.presets", max_length=20)),
                ("columns", models.JSONField(help_text="Its columns in order")),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        help_text="Whose choice it is",
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            "columnchoice",
            models.UniqueConstraint(fields=("user", "preset"), name="columns_once_per_preset"),
        ),
        migrations.RemoveConstraint("savedview", "view_once_per_team"),
        migrations.AddField(
            "savedview",
            "columns",
            models.JSONField(blank=True, help_text="Its columns in order; null: the usual ones", null=True),
        ),
        migrations.AddField(
            "savedview",
            "position",
            models.PositiveSmallIntegerField(db_default=0, default=0, help_text="Its place among the tabs"),
        ),
        migrations.AddField(
            "savedview",
            "shared",
            models.BooleanField(
                db_default=True, default=True, help_text="Whether the team sees it, or its owner alone"
            ),
        ),
        migrations.AddConstraint(
            "savedview",
            models.UniqueConstraint(
                models.F("team"),
                django.db.models.functions.text.Lower("name"),
                condition=models.Q(("shared", True)),
                name="view_once_per_team",
            ),
        ),
        migrations.AddConstraint(
            "savedview",
            models.UniqueConstraint(
                models.F("team"),
                models.F("owner"),
                django.db.models.functions.text.Lower("name"),
                condition=models.Q(("shared", False)),
                name="view_once_per_owner",
            ),
        ),
    ]
