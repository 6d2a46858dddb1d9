from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0015_sending")]

    operations = [
        migrations.AddIndex(
            "inbound", models.Index(fields=["-id"], condition=~models.Q(error=""), name="inbound_to_look_at")
        ),
        migrations.AddIndex(
            "inbound",
            models.Index(fields=["handled_at"], condition=models.Q(body__isnull=False), name="inbound_with_body"),
        ),
        migrations.AlterModelOptions("inbound", options={"verbose_name": "vendor post"}),
        migrations.CreateModel(
            name="VendorPoll",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("vendor", models.CharField(help_text="Who was asked", max_length=30, unique=True)),
                (
                    "heard_until",
                    models.DateTimeField(help_text="When it was last asked for all of it, by our clock"),
                ),
            ],
        ),
        migrations.AlterField(
            "inbound",
            "kind",
            models.CharField(help_text="opt_out, message, status, health, unreadable, ignored", max_length=12),
        ),
        migrations.AlterField(
            "inbound",
            "error",
            models.CharField(
                blank=True, help_text="How it broke, or what an operator should know, in words", max_length=300
            ),
        ),
    ]
