from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('leads', '0005_callbacks'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='lead',
            name='lead_by_enrichment',
        ),
        migrations.AddField(
            model_name='lead',
            name='contact_is_other',
            field=models.BooleanField(blank=True, help_text="The skip trace's phones and e-mail are another person's, not the owner's", null=True),
        ),
        migrations.AddField(
            model_name='lead',
            name='contact_name',
            field=models.CharField(blank=True, help_text='Whose phones and e-mail the skip trace brought', max_length=200, null=True),
        ),
        migrations.AddField(
            model_name='lead',
            name='fact_sources',
            field=models.JSONField(blank=True, help_text='Where a value is not from the usual source: {column: {source, at}}, see leads.sources', null=True),
        ),
        migrations.AddField(
            model_name='lead',
            name='other_facts',
            field=models.JSONField(blank=True, help_text='Values that are not shown: {column: [{value, source, at}]}, the newest first', null=True),
        ),
        migrations.AddField(
            model_name='lead',
            name='traced_address',
            field=models.CharField(blank=True, help_text='Where the skip trace says the person gets mail: street line', max_length=200, null=True),
        ),
        migrations.AddField(
            model_name='lead',
            name='traced_city',
            field=models.CharField(blank=True, help_text='Where the skip trace says the person gets mail: city', max_length=200, null=True),
        ),
        migrations.AddField(
            model_name='lead',
            name='traced_state',
            field=models.CharField(blank=True, help_text='Where the skip trace says the person gets mail: state', max_length=2, null=True),
        ),
        migrations.AddField(
            model_name='lead',
            name='traced_zip',
            field=models.CharField(blank=True, help_text='Where the skip trace says the person gets mail: ZIP', max_length=10, null=True),
        ),
        migrations.AlterField(
            model_name='lead',
            name='enrichment_status',
            field=models.CharField(choices=[('pending', 'Not enriched'), ('completed', 'Has a phone'), ('partial', 'No phone found'), ('failed', 'Failed')], db_default='pending', default='pending', help_text='How far buying facts has come', max_length=10),
        ),
        migrations.AddIndex(
            model_name='lead',
            index=models.Index(condition=models.Q(models.Q(('enrichment_status', 'pending'), _negated=True), ('enriched_at__isnull', False), _connector='OR'), fields=['bucket', 'enrichment_status', 'id'], name='lead_by_enrichment'),
        ),
    ]
