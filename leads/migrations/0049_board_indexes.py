"""Indexes of the board and of custom fields, while people work. None has a lead that is an id and nothing else."""

from django.db import migrations, models

from common.db.migrations import AddIndexOnce


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("leads", "0047_custom_fields")]
    operations = [
        AddIndexOnce(
            model_name='lead',
            index=models.Index(condition=models.Q(('last_activity_at__isnull', False), ('status_label__isnull', True)), fields=['team', 'status', 'last_activity_at', 'id'], name='lead_of_team_on_board'),
        ),
        AddIndexOnce(
            model_name='lead',
            index=models.Index(condition=models.Q(('status_label__isnull', False)), fields=['status_label', 'last_activity_at', 'id'], name='lead_by_label'),
        ),
        AddIndexOnce(
            model_name='lead',
            index=models.Index(condition=models.Q(('custom__isnull', False)), fields=['team', 'id'], name='lead_of_team_with_custom'),
        ),
    ]
