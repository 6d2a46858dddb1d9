"""A caller presses a key on her phone before the owner is dialed. Calls that are underway began without that question."""

from django.db import migrations, models

UNDERWAY = """
UPDATE campaigns_callattempt SET pressed_at = started_at WHERE mode = 'twilio' AND ended_at IS NULL
"""


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0067_replies_before")]

    operations = [
        migrations.AddField(
            model_name="callattempt",
            name="pressed_at",
            field=models.DateTimeField(
                blank=True, help_text="When its caller pressed a key on her phone to be connected", null=True
            ),
        ),
        migrations.AlterField(
            model_name="inbound",
            name="kind",
            field=models.CharField(
                help_text="opt_out, message, status, health; of calls bridge, press, lead, caller, dial, amd; "
                "of e-mail mail, tracking; unreadable, ignored",
                max_length=12,
            ),
        ),
        migrations.RunSQL(UNDERWAY, migrations.RunSQL.noop),
    ]
