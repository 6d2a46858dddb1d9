"""What pages call it. No SQL: names and help texts stand in the state alone."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('leads', '0008_alter_disclosure_via'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='disclosure',
            options={'verbose_name': 'contact access log entry', 'verbose_name_plural': 'contact access log'},
        ),
        migrations.AlterField(
            model_name='activity',
            name='by',
            field=models.ForeignKey(help_text='Who did it', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='user'),
        ),
        migrations.AlterField(
            model_name='activity',
            name='due_at',
            field=models.DateTimeField(blank=True, help_text='When to call back', null=True, verbose_name='call back at'),
        ),
        migrations.AlterField(
            model_name='activity',
            name='kind',
            field=models.CharField(choices=[('note', 'Note'), ('status', 'Status changed'), ('call', 'Call'), ('sms', 'SMS'), ('email', 'E-mail'), ('callback', 'Callback')], default='note', help_text='Call, SMS, e-mail, note or callback', max_length=10, verbose_name='activity type'),
        ),
        migrations.AlterField(
            model_name='activity',
            name='text',
            field=models.CharField(blank=True, help_text='What was said or done', max_length=2000, verbose_name='notes'),
        ),
        migrations.AlterField(
            model_name='disclosure',
            name='bucket_id',
            field=models.UUIDField(blank=True, help_text='If it was one bucket', null=True, verbose_name='bucket id'),
        ),
        migrations.AlterField(
            model_name='disclosure',
            name='by',
            field=models.ForeignKey(db_index=False, help_text='Who', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='user'),
        ),
        migrations.AlterField(
            model_name='disclosure',
            name='lead_id',
            field=models.UUIDField(blank=True, help_text='If it was one lead', null=True, verbose_name='lead id'),
        ),
        migrations.AlterField(
            model_name='disclosure',
            name='leads',
            field=models.PositiveIntegerField(blank=True, help_text='How many leads; empty: an export that did not start or was stopped', null=True, verbose_name='leads'),
        ),
        migrations.AlterField(
            model_name='disclosure',
            name='via',
            field=models.CharField(choices=[('admin', 'Admin'), ('api', 'API'), ('command', 'Command')], help_text='Admin, API or command', max_length=7, verbose_name='through'),
        ),
        migrations.AlterField(
            model_name='disclosure',
            name='what',
            field=models.CharField(choices=[('unmask', 'Shown'), ('export', 'Exported')], help_text='Shown, or exported as a file', max_length=6, verbose_name='access'),
        ),
        migrations.AlterField(
            model_name='lead',
            name='apollo_enriched_at',
            field=models.DateTimeField(blank=True, help_text="When Apollo's data was purchased", null=True),
        ),
        migrations.AlterField(
            model_name='lead',
            name='enriched_at',
            field=models.DateTimeField(blank=True, help_text='When the property data was purchased', null=True),
        ),
        migrations.AlterField(
            model_name='lead',
            name='enrichment_status',
            field=models.CharField(choices=[('pending', 'Not enriched'), ('completed', 'Has a phone'), ('partial', 'No phone found'), ('failed', 'Failed')], db_default='pending', default='pending', help_text='How far enrichment has come', max_length=10),
        ),
        migrations.AlterField(
            model_name='lead',
            name='high_equity',
            field=models.BooleanField(blank=True, help_text='50% equity or more', null=True),
        ),
        migrations.AlterField(
            model_name='lead',
            name='skip_traced_at',
            field=models.DateTimeField(blank=True, help_text="When the owner's contacts were purchased", null=True),
        ),
    ]
