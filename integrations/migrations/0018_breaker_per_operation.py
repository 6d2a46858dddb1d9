from django.db import migrations, models


class Migration(migrations.Migration):
    """The breaker moves from the vendor to each of its operations, as open as it was."""

    dependencies = [("integrations", "0017_person_indexes")]

    operations = [
        migrations.AddField(
            "operation",
            "failures",
            models.PositiveSmallIntegerField(db_default=0, default=0, help_text="Failures in a row"),
        ),
        migrations.AddField(
            "operation",
            "breaker_openings",
            models.PositiveSmallIntegerField(db_default=0, default=0, help_text="Times the breaker opened in a row"),
        ),
        migrations.AddField(
            "operation",
            "breaker_open_until",
            models.DateTimeField(blank=True, help_text="Nothing is sent before; then one probe", null=True),
        ),
        migrations.RunSQL(
            "UPDATE integrations_operation o SET failures = v.failures, breaker_openings = v.breaker_openings, "
            "breaker_open_until = v.breaker_open_until FROM integrations_vendor v "
            "WHERE v.name = o.vendor_id AND (v.failures > 0 OR v.breaker_open_until IS NOT NULL)",
            migrations.RunSQL.noop,
        ),
        migrations.RemoveField("vendor", "failures"),
        migrations.RemoveField("vendor", "breaker_openings"),
        migrations.RemoveField("vendor", "breaker_open_until"),
    ]
