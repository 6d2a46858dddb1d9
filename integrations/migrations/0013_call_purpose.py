"""A request says what it was paid for: the run it has, else a single look-up."""

from django.db import migrations, models


def fill(apps, schema_editor):
    """Requests made before this column existed."""
    schema_editor.execute(
        """
        UPDATE integrations_vendorcall
           SET purpose = CASE WHEN run_id IS NULL THEN 'lookup' ELSE 'run:' || run_id::text END
         WHERE purpose = ''
        """
    )


class Migration(migrations.Migration):
    dependencies = [("integrations", "0012_budget")]

    operations = [
        migrations.AddField(
            model_name='vendorcall',
            name='purpose',
            field=models.CharField(blank=True, db_default='', default='', help_text='What it was paid for: an enrichment job, or a single request', max_length=100),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AlterField(
            model_name='propertyname',
            name='name',
            field=models.CharField(help_text='As `stand_in_ids.by_apn` or `by_address`', max_length=64, primary_key=True, serialize=False),
        ),
    ]
