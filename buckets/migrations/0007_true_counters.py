from django.db import migrations, models

COUNT = """
    UPDATE buckets_bucket b SET detailed_leads = n.detailed, phone_leads = n.phoned
      FROM (SELECT bucket_id, count(enriched_at) AS detailed, count(phone) AS phoned
              FROM leads_lead GROUP BY bucket_id) n
     WHERE b.id = n.bucket_id"""


class Migration(migrations.Migration):

    dependencies = [
        ('buckets', '0006_fill_sets'),
        ('leads', '0005_callbacks'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='bucket',
            name='bucket_counts_within_total',
        ),
        migrations.AddField(
            model_name='bucket',
            name='detailed_leads',
            field=models.PositiveIntegerField(db_default=0, default=0, help_text='Leads whose property detail was bought'),
        ),
        migrations.AddField(
            model_name='bucket',
            name='phone_leads',
            field=models.PositiveIntegerField(db_default=0, default=0, help_text='Leads with a phone, wherever it is from'),
        ),
        migrations.AlterField(
            model_name='bucket',
            name='enriched_leads',
            field=models.PositiveIntegerField(default=0, help_text='Leads with a phone whose enrichment is complete'),
        ),
        migrations.RunSQL(COUNT, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name='bucket',
            constraint=models.CheckConstraint(condition=models.Q(('enriched_leads__lte', models.F('total_leads')), ('queued_leads__lte', models.F('total_leads')), ('contacted_leads__lte', models.F('total_leads')), ('detailed_leads__lte', models.F('total_leads')), ('phone_leads__lte', models.F('total_leads'))), name='bucket_counts_within_total'),
        ),
    ]
