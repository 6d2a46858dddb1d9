"""What pages call it. No SQL: names and help texts stand in the state alone."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('buckets', '0007_true_counters'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='fill',
            options={'verbose_name': 'source', 'verbose_name_plural': 'sources'},
        ),
        migrations.AlterField(
            model_name='bucket',
            name='contacted_leads',
            field=models.PositiveIntegerField(default=0, help_text='Leads somebody contacted', verbose_name='contacted'),
        ),
        migrations.AlterField(
            model_name='bucket',
            name='description',
            field=models.CharField(blank=True, help_text='Your own notes', max_length=2000, verbose_name='notes'),
        ),
        migrations.AlterField(
            model_name='bucket',
            name='detailed_leads',
            field=models.PositiveIntegerField(db_default=0, default=0, help_text='Leads whose property data was purchased', verbose_name='with property data'),
        ),
        migrations.AlterField(
            model_name='bucket',
            name='enrichment_progress',
            field=models.JSONField(blank=True, default=dict, help_text='The latest enrichment job: {total, processed, successful}', verbose_name='progress'),
        ),
        migrations.AlterField(
            model_name='bucket',
            name='enrichment_status',
            field=models.CharField(choices=[('pending', 'Not started'), ('processing', 'Processing'), ('completed', 'Completed')], default='pending', help_text='Whether an enrichment job is running', max_length=12, verbose_name='enrichment'),
        ),
        migrations.AlterField(
            model_name='bucket',
            name='name',
            field=models.CharField(help_text='What you call it', max_length=200),
        ),
        migrations.AlterField(
            model_name='bucket',
            name='phone_leads',
            field=models.PositiveIntegerField(db_default=0, default=0, help_text='Leads with a phone, wherever it is from', verbose_name='with a phone'),
        ),
        migrations.AlterField(
            model_name='bucket',
            name='queued_leads',
            field=models.PositiveIntegerField(default=0, help_text='Leads waiting in an enrichment job', verbose_name='waiting in a job'),
        ),
        migrations.AlterField(
            model_name='bucket',
            name='total_leads',
            field=models.PositiveIntegerField(default=0, help_text='Leads in it', verbose_name='leads'),
        ),
        migrations.AlterField(
            model_name='fill',
            name='attempts',
            field=models.PositiveSmallIntegerField(default=0, help_text='Failures in a row', verbose_name='failures in a row'),
        ),
        migrations.AlterField(
            model_name='fill',
            name='criteria',
            field=models.JSONField(blank=True, default=dict, help_text="The search, in the vendor's own filter names", verbose_name='search'),
        ),
        migrations.AlterField(
            model_name='fill',
            name='error',
            field=models.CharField(blank=True, help_text='Why it failed or waits', max_length=300, verbose_name='problem'),
        ),
        migrations.AlterField(
            model_name='fill',
            name='fetched',
            field=models.PositiveIntegerField(default=0, help_text='Ids read so far', verbose_name='read'),
        ),
        migrations.AlterField(
            model_name='fill',
            name='found',
            field=models.PositiveIntegerField(blank=True, help_text='Ids the search has', null=True, verbose_name='found'),
        ),
        migrations.AlterField(
            model_name='fill',
            name='lease_until',
            field=models.DateTimeField(blank=True, help_text='A worker has it until', null=True, verbose_name='worker until'),
        ),
        migrations.AlterField(
            model_name='fill',
            name='limit',
            field=models.PositiveIntegerField(blank=True, help_text='Most ids to save; empty: all', null=True, verbose_name='limit'),
        ),
        migrations.AlterField(
            model_name='fill',
            name='not_before',
            field=models.DateTimeField(blank=True, help_text='When it is tried again', null=True, verbose_name='next try'),
        ),
        migrations.AlterField(
            model_name='fill',
            name='saved',
            field=models.PositiveIntegerField(default=0, help_text='Ids that were new to the bucket', verbose_name='new'),
        ),
        migrations.AlterField(
            model_name='fill',
            name='sets',
            field=models.JSONField(blank=True, help_text='Instead of a search: the buckets it copies, {allOf, anyOf, noneOf}', null=True, verbose_name='combination'),
        ),
        migrations.AlterField(
            model_name='import',
            name='removed',
            field=models.PositiveIntegerField(default=0, help_text='Leads that undoing it deleted', verbose_name='undone'),
        ),
        migrations.AlterField(
            model_name='import',
            name='status',
            field=models.CharField(choices=[('uploaded', 'Waiting for you to confirm its columns'), ('queued', 'Queued'), ('running', 'Running'), ('completed', 'Completed'), ('failed', 'Failed'), ('undoing', 'Being undone'), ('undone', 'Undone')], default='uploaded', help_text='How far it is', max_length=10),
        ),
    ]
