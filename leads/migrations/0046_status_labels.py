import django.db.models.deletion
import django.db.models.functions.text
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

import common.db.ids

# A lead's label is of its team and under its status, whoever writes either. Every lead has none yet, so there is nothing
# to look through: NOT VALID holds for all that is written from now on. A label that goes leaves its leads their status.
LABEL = """
CREATE UNIQUE INDEX status_label_of_team ON leads_statuslabel (id, team_id, status);
ALTER TABLE leads_lead ADD CONSTRAINT lead_has_label_of_its_status
    FOREIGN KEY (status_label_id, team_id, status) REFERENCES leads_statuslabel (id, team_id, status)
    ON DELETE SET NULL (status_label_id) DEFERRABLE INITIALLY DEFERRED NOT VALID
"""
WITHOUT = """
ALTER TABLE leads_lead DROP CONSTRAINT lead_has_label_of_its_status;
DROP INDEX status_label_of_team;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0017_agent_phone'),
        ('leads', '0043_columns_cascade'),
    ]

    operations = [
        migrations.CreateModel(
            name='StatusLabel',
            fields=[
                ('id', models.UUIDField(default=common.db.ids.uuid7, editable=False, help_text='UUIDv7: id order is age order', primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True, help_text='When the row was made')),
                ('updated_at', models.DateTimeField(auto_now=True, help_text='When the row was last changed')),
                ('status', models.CharField(help_text='Under which of the five statuses', max_length=10)),
                ('name', models.CharField(help_text='What the team calls it', max_length=40)),
                ('color', models.CharField(default='#6b7280', help_text='#rrggbb', max_length=7)),
                ('position', models.PositiveSmallIntegerField(default=0, help_text='Its place among those of its status, from 0')),
                ('retired_at', models.DateTimeField(blank=True, help_text='Since when it is offered no more', null=True)),
                ('team', models.ForeignKey(db_index=False, help_text='Whose label it is', on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.team')),
            ],
            options={
                'verbose_name': 'status label',
            },
        ),
        migrations.AddConstraint(
            model_name='statuslabel',
            constraint=models.UniqueConstraint(models.F('team'), django.db.models.functions.text.Lower('name'), name='status_label_once_per_team'),
        ),
        migrations.AddConstraint(
            model_name='statuslabel',
            constraint=models.CheckConstraint(condition=models.Q(('name', ''), _negated=True), name='status_label_has_name'),
        ),
        migrations.AddConstraint(
            model_name='statuslabel',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ('new', 'contacted', 'qualified', 'closed', 'lost'))), name='status_label_status_known'),
        ),
        migrations.AddConstraint(
            model_name='statuslabel',
            constraint=models.CheckConstraint(condition=models.Q(('color__regex', '^#[0-9a-fA-F]{6}$')), name='status_label_color_is_hex'),
        ),
        migrations.AddField(
            model_name='lead',
            name='status_label',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, help_text="The team's own word for it, under this status", null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='leads.statuslabel'),
        ),
        migrations.RunSQL(LABEL, WITHOUT),
        pgtrigger.migrations.AddTrigger(
            model_name='lead',
            trigger=pgtrigger.compiler.Trigger(name='drop_label', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.status IS DISTINCT FROM NEW.status AND NEW.status_label_id IS NOT NULL AND NEW.status_label_id IS NOT DISTINCT FROM OLD.status_label_id)', func='NEW.status_label_id := NULL; RETURN NEW;', hash='e7e82c57223f2800f5bc865aee7f5d39ad1e8ead', operation='UPDATE OF "status"', pgid='pgtrigger_drop_label_48c18', table='leads_lead', when='BEFORE')),
        ),
    ]
