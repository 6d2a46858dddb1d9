"""What pages call it. No SQL: names and help texts stand in the state alone."""

import accounts.models
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_sane_settings'),
    ]

    operations = [
        migrations.AlterField(
            model_name='user',
            name='daily_lead_limit',
            field=models.PositiveIntegerField(default=accounts.models.default_daily_lead_limit, help_text='Leads a day (UTC) this user may buy data for'),
        ),
    ]
