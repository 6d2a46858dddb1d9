from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0004_desk"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="lead",
            name="callback_at",
            field=models.DateTimeField(blank=True, help_text="When the owner is to be called back", null=True),
        ),
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                condition=models.Q(("callback_at__isnull", False)),
                fields=["owner", "callback_at", "id"],
                name="lead_to_call_back",
            ),
        ),
        migrations.AddField(
            model_name="activity",
            name="due_at",
            field=models.DateTimeField(blank=True, help_text="A callback: when to call back", null=True),
        ),
        migrations.AddConstraint(
            model_name="activity",
            constraint=models.CheckConstraint(
                condition=models.Q(("due_at__isnull", True), ("kind", "callback"), _connector="OR"),
                name="activity_due_is_callback",
            ),
        ),
    ]
