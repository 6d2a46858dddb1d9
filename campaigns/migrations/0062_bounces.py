from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0064_sequences")]

    operations = [
        migrations.RemoveIndex("delivery", "delivery_to_suppress"),
        migrations.AddField(
            "delivery",
            "faults",
            models.PositiveSmallIntegerField(
                db_default=0, default=0, help_text="Times our own code broke on it before it left"
            ),
        ),
        migrations.AlterField(
            "delivery",
            "refusal",
            models.CharField(
                blank=True,
                help_text="What the vendor's no means: opted_out, landline, …; of e-mails hard_bounce, soft_bounce, "
                "blocked",
                max_length=13,
            ),
        ),
        migrations.AddIndex(
            "delivery",
            models.Index(
                condition=Q(refusal__in=["opted_out", "bad_number", "landline", "hard_bounce"]),
                fields=["id"],
                name="delivery_to_suppress",
            ),
        ),
        migrations.AddIndex(
            "delivery",
            models.Index(
                condition=Q(complained_at__isnull=False), fields=["id"], name="delivery_complained_about"
            ),
        ),
    ]
