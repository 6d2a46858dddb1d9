"""What pages call it. No SQL: names and help texts stand in the state alone."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('buckets', '0008_words'),
        ('enrichment', '0011_pump_lease_fair_share'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='pumplease',
            options={'verbose_name': 'worker', 'verbose_name_plural': 'workers'},
        ),
        migrations.AlterModelOptions(
            name='run',
            options={'verbose_name': 'enrichment job', 'verbose_name_plural': 'enrichment jobs'},
        ),
        migrations.AlterModelOptions(
            name='runitem',
            options={'verbose_name': 'lead of an enrichment job', 'verbose_name_plural': 'leads of enrichment jobs'},
        ),
        migrations.AlterField(
            model_name='pumplease',
            name='beat_at',
            field=models.DateTimeField(blank=True, help_text='When it last said that it is running', null=True, verbose_name='last sign of life'),
        ),
        migrations.AlterField(
            model_name='pumplease',
            name='lease_until',
            field=models.DateTimeField(blank=True, help_text='It is taken for stopped after this', null=True, verbose_name='lease until'),
        ),
        migrations.AlterField(
            model_name='pumplease',
            name='stage',
            field=models.SmallIntegerField(choices=[(0, 'Done'), (1, 'Property detail'), (2, 'Skip trace'), (3, 'Apollo')], help_text='Which step of enrichment', primary_key=True, serialize=False, verbose_name='works on'),
        ),
        migrations.AlterField(
            model_name='pumplease',
            name='token',
            field=models.UUIDField(blank=True, help_text='Which worker', null=True, verbose_name='worker'),
        ),
        migrations.AlterField(
            model_name='run',
            name='beat_at',
            field=models.DateTimeField(blank=True, help_text='When a worker last moved it', null=True, verbose_name='last sign of life'),
        ),
        migrations.AlterField(
            model_name='run',
            name='bucket_name',
            field=models.CharField(help_text="The bucket's name when it started", max_length=200, verbose_name='bucket'),
        ),
        migrations.AlterField(
            model_name='run',
            name='enriched',
            field=models.PositiveIntegerField(default=0, help_text='Leads that have a phone', verbose_name='has a phone'),
        ),
        migrations.AlterField(
            model_name='run',
            name='kind',
            field=models.CharField(choices=[('property', 'Property detail and skip trace'), ('apollo', 'Apollo')], default='property', help_text='What is bought', max_length=10, verbose_name='type'),
        ),
        migrations.AlterField(
            model_name='run',
            name='max_cost',
            field=models.DecimalField(blank=True, decimal_places=4, help_text='US dollars it may spend; empty: no limit of its own', max_digits=12, null=True, verbose_name='spending limit'),
        ),
        migrations.AlterField(
            model_name='run',
            name='partial',
            field=models.PositiveIntegerField(default=0, help_text='Leads without a phone', verbose_name='no phone found'),
        ),
        migrations.AlterField(
            model_name='run',
            name='paused_by',
            field=models.CharField(blank=True, choices=[('person', 'By a person'), ('cap', 'Spending limit reached'), ('vendor', 'Vendor not available'), ('fault', 'System error'), ('canary', 'Stopped after sample'), ('doubt', 'Needs billing check'), ('inactive', 'User turned off')], help_text='Who or what stopped it', max_length=10, verbose_name='paused because'),
        ),
        migrations.AlterField(
            model_name='run',
            name='reason',
            field=models.CharField(blank=True, help_text='Why it is paused, in words', max_length=300, verbose_name='reason'),
        ),
        migrations.AlterField(
            model_name='run',
            name='resume_from',
            field=models.UUIDField(blank=True, help_text='A later job can start after it', null=True, verbose_name='last lead taken'),
        ),
        migrations.AlterField(
            model_name='run',
            name='skipped',
            field=models.PositiveIntegerField(default=0, help_text='Leads left out by the conditions or a cancel', verbose_name='skipped'),
        ),
        migrations.AlterField(
            model_name='run',
            name='total',
            field=models.PositiveIntegerField(default=0, help_text='Leads in it', verbose_name='leads'),
        ),
        migrations.AlterField(
            model_name='run',
            name='two_names',
            field=models.PositiveIntegerField(default=0, help_text='Details bought although the property was owned under another name', verbose_name='bought twice'),
        ),
        migrations.AlterField(
            model_name='run',
            name='with_emails',
            field=models.PositiveIntegerField(default=0, help_text='Leads with an e-mail', verbose_name='leads with an e-mail'),
        ),
        migrations.AlterField(
            model_name='run',
            name='with_phones',
            field=models.PositiveIntegerField(default=0, help_text='Leads with a phone', verbose_name='leads with a phone'),
        ),
        migrations.AlterField(
            model_name='runitem',
            name='attempts',
            field=models.SmallIntegerField(db_default=0, default=0, help_text='Tries of this step that failed', verbose_name='failed tries'),
        ),
        migrations.AlterField(
            model_name='runitem',
            name='lease_until',
            field=models.DateTimeField(blank=True, help_text='Until when', null=True, verbose_name='worker until'),
        ),
        migrations.AlterField(
            model_name='runitem',
            name='losses',
            field=models.SmallIntegerField(db_default=0, default=0, help_text='Workers that stopped while they had it', verbose_name='workers lost'),
        ),
        migrations.AlterField(
            model_name='runitem',
            name='not_before',
            field=models.DateTimeField(blank=True, help_text='When it is tried again', null=True, verbose_name='next try'),
        ),
        migrations.AlterField(
            model_name='runitem',
            name='outcome',
            field=models.SmallIntegerField(choices=[(0, 'Open'), (1, 'Has a phone'), (2, 'No phone found'), (3, 'Failed'), (4, 'Skipped')], db_default=0, default=0, help_text='How it ended', verbose_name='result'),
        ),
        migrations.AlterField(
            model_name='runitem',
            name='run',
            field=models.ForeignKey(db_index=False, help_text='Of which enrichment job', on_delete=django.db.models.deletion.CASCADE, related_name='items', to='enrichment.run', verbose_name='enrichment job'),
        ),
        migrations.AlterField(
            model_name='runitem',
            name='stage',
            field=models.SmallIntegerField(choices=[(0, 'Done'), (1, 'Property detail'), (2, 'Skip trace'), (3, 'Apollo')], help_text='What it waits for', verbose_name='step'),
        ),
        migrations.AlterField(
            model_name='runitem',
            name='token',
            field=models.UUIDField(blank=True, help_text='Who has it', null=True, verbose_name='worker'),
        ),
        migrations.AlterField(
            model_name='schedule',
            name='bucket_name',
            field=models.CharField(help_text="The bucket's name when the schedule was made", max_length=200, verbose_name='bucket'),
        ),
        migrations.AlterField(
            model_name='schedule',
            name='cadence',
            field=models.CharField(help_text='Five cron fields, such as 30 2 * * 1-5; at most once an hour', max_length=100, verbose_name='when'),
        ),
        migrations.AlterField(
            model_name='schedule',
            name='enabled',
            field=models.BooleanField(default=True, help_text='Turns itself off after failures in a row', verbose_name='turned on'),
        ),
        migrations.AlterField(
            model_name='schedule',
            name='kind',
            field=models.CharField(choices=[('enrich', 'Enrich the next leads'), ('refresh', 'Add new matches'), ('rebuy', 'Refresh changed properties')], help_text='What is done', max_length=10, verbose_name='type'),
        ),
        migrations.AlterField(
            model_name='schedule',
            name='last_at',
            field=models.DateTimeField(blank=True, help_text='When it was last done, skipped or failed', null=True, verbose_name='last'),
        ),
        migrations.AlterField(
            model_name='schedule',
            name='last_fill',
            field=models.ForeignKey(blank=True, help_text='The last search it repeated', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='buckets.fill', verbose_name='last search'),
        ),
        migrations.AlterField(
            model_name='schedule',
            name='last_result',
            field=models.CharField(blank=True, help_text='What came of that, in words', max_length=300, verbose_name='last result'),
        ),
        migrations.AlterField(
            model_name='schedule',
            name='last_run',
            field=models.ForeignKey(blank=True, help_text='The last enrichment job it started', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='enrichment.run', verbose_name='last enrichment job'),
        ),
        migrations.AlterField(
            model_name='schedule',
            name='max_cost',
            field=models.DecimalField(blank=True, decimal_places=4, help_text='US dollars it may spend each time', max_digits=12, null=True, verbose_name='spending limit'),
        ),
        migrations.AlterField(
            model_name='schedule',
            name='next_at',
            field=models.DateTimeField(blank=True, help_text='When it is due next; empty: it is off', null=True, verbose_name='next'),
        ),
    ]
