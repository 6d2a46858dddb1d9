"""The index by which a bucket's leads are sorted by their last touch, while people work. It has touched leads alone."""

from django.db import migrations, models

from common.db.migrations import AddIndexOnce


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("leads", "0053_rows_of_a_page")]
    operations = [
        AddIndexOnce(
            model_name='lead',
            index=models.Index(condition=models.Q(('last_activity_at__isnull', False)), fields=['bucket', 'last_activity_at', 'id'], name='lead_by_last_touch'),
        ),
    ]
