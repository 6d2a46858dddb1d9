"""How many rows a page has is kept with each view of the list, for a person."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("leads", "0052_vacuumed_in_time")]
    operations = [
        migrations.AlterField(
            "columnchoice",
            "preset",
            models.CharField(help_text="Which preset (leads.selection.presets), or a saved view's id", max_length=36),
        ),
        migrations.AlterField(
            "columnchoice",
            "columns",
            models.JSONField(blank=True, help_text="Its columns in order; null: the usual ones", null=True),
        ),
        migrations.AddField(
            "columnchoice",
            "size",
            models.PositiveSmallIntegerField(blank=True, help_text="Rows of a page; null: the usual 50", null=True),
        ),
    ]
