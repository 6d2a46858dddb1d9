"""Items that follow a purchase, by the run and stage they are asked for by, and no more by a lease nobody reads."""

from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import migrations, models

from common.db.migrations import AddIndexOnce


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("enrichment", "0016_pumps_by_host")]
    operations = [
        AddIndexOnce(
            model_name='runitem',
            index=models.Index(condition=models.Q(('token__isnull', False)), fields=['run', 'stage'], name='item_bought'),
        ),
        RemoveIndexConcurrently(
            model_name='runitem',
            name='item_taken',
        ),
    ]
