import django.db.models.deletion
import django.db.models.functions.text
from django.db import migrations, models

import common.db.ids


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0017_agent_phone'),
        ('leads', '0046_status_labels'),
    ]

    operations = [
        migrations.CreateModel(
            name='CustomField',
            fields=[
                ('id', models.UUIDField(default=common.db.ids.uuid7, editable=False, help_text='UUIDv7: id order is age order', primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True, help_text='When the row was made')),
                ('updated_at', models.DateTimeField(auto_now=True, help_text='When the row was last changed')),
                ('key', models.CharField(help_text='Its name in filters and in the API: askingPrice', max_length=40)),
                ('name', models.CharField(help_text='What the team calls it', max_length=50)),
                ('kind', models.CharField(choices=[('text', 'Text'), ('number', 'Number'), ('date', 'Date'), ('choice', 'Choice'), ('yesNo', 'Yes or no')], help_text='What it holds', max_length=6)),
                ('choices', models.JSONField(blank=True, default=list, help_text='Of a choice: what may be chosen, in this order')),
                ('position', models.PositiveSmallIntegerField(default=0, help_text="Its place on a lead's page, from 0")),
                ('retired_at', models.DateTimeField(blank=True, help_text='Since when it is offered no more', null=True)),
                ('team', models.ForeignKey(db_index=False, help_text='Whose field it is', on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.team')),
            ],
            options={
                'verbose_name': 'custom field',
            },
        ),
        migrations.AddConstraint(
            model_name='customfield',
            constraint=models.UniqueConstraint(fields=('team', 'key'), name='custom_field_key_once'),
        ),
        migrations.AddConstraint(
            model_name='customfield',
            constraint=models.UniqueConstraint(models.F('team'), django.db.models.functions.text.Lower('name'), name='custom_field_once_per_team'),
        ),
        migrations.AddConstraint(
            model_name='customfield',
            constraint=models.CheckConstraint(condition=models.Q(('name', ''), _negated=True), name='custom_field_has_name'),
        ),
        migrations.AddConstraint(
            model_name='customfield',
            constraint=models.CheckConstraint(condition=models.Q(('key__regex', '^[a-z][a-zA-Z0-9]*$')), name='custom_field_key_is_word'),
        ),
        migrations.AddConstraint(
            model_name='customfield',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['text', 'number', 'date', 'choice', 'yesNo'])), name='custom_field_kind_known'),
        ),
        migrations.AddField(
            model_name='lead',
            name='custom',
            field=models.JSONField(blank=True, help_text="The team's own fields: {key of its `CustomField`: value}", null=True),
        ),
    ]
