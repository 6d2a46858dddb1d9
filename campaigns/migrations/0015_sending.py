from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0012_names_of_rules"), ("campaigns", "0025_preview_work")]

    operations = [
        migrations.AddField(
            "delivery",
            "refusal",
            models.CharField(blank=True, help_text="What the vendor's no means: opted_out, landline, …", max_length=13),
        ),
        migrations.AddField(
            "delivery",
            "repeated_at",
            models.DateTimeField(
                blank=True, help_text="When it was sent once more under the same key, as it was in doubt", null=True
            ),
        ),
        migrations.AddField(
            "deliveryevent",
            "refusal",
            models.CharField(blank=True, help_text="What its no means: opted_out, landline, …", max_length=13),
        ),
        migrations.AddIndex(
            "delivery",
            models.Index(
                fields=["id"],
                condition=Q(refusal__in=["opted_out", "bad_number", "landline"]),
                name="delivery_to_suppress",
            ),
        ),
        migrations.AddIndex(
            "delivery",
            models.Index(
                fields=["sender", "-intended_at"], condition=Q(intended_at__isnull=False), name="delivery_by_sender"
            ),
        ),
        migrations.AddIndex(
            "delivery",
            models.Index(fields=["key"], condition=Q(state__in=["due", "taken"]), name="delivery_waiting_by_key"),
        ),
    ]
