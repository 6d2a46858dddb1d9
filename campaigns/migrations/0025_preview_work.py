from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0012_names_of_rules'),
    ]

    operations = [
        migrations.AddField(
            model_name='preview',
            name='by_id',
            field=models.BigIntegerField(blank=True, help_text="Who asked for it: a user's id", null=True),
        ),
        migrations.AddField(
            model_name='preview',
            name='leads',
            field=models.PositiveIntegerField(default=0, help_text='Leads of the audience'),
        ),
        migrations.AddField(
            model_name='preview',
            name='lease_until',
            field=models.DateTimeField(blank=True, help_text='A worker has it until', null=True, verbose_name='worker until'),
        ),
        migrations.AddField(
            model_name='preview',
            name='needs',
            field=models.JSONField(blank=True, default=list, help_text='What must be acknowledged: codes of `approval`'),
        ),
        migrations.AddField(
            model_name='preview',
            name='tries',
            field=models.PositiveSmallIntegerField(default=0, help_text='Times a worker began it'),
        ),
        migrations.AlterField(
            model_name='preview',
            name='by_state',
            field=models.JSONField(default=dict, help_text='By states: [people it would contact, left out]'),
        ),
        migrations.AlterField(
            model_name='preview',
            name='by_zone',
            field=models.JSONField(default=dict, help_text='By time zones: [people it would contact, left out]'),
        ),
        migrations.AddIndex(
            model_name='previewline',
            index=models.Index(condition=models.Q(('text', ''), _negated=True), fields=['lead_id'], name='preview_line_by_lead'),
        ),
        migrations.AddConstraint(
            model_name='preview',
            constraint=models.UniqueConstraint(condition=models.Q(('error', ''), ('made_at__isnull', True)), fields=('campaign',), name='preview_one_at_work'),
        ),
        migrations.AddConstraint(
            model_name='preview',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('digest', ''), ('made_at__isnull', True)), models.Q(models.Q(('made_at__isnull', True), _negated=True), models.Q(('digest', ''), _negated=True)), _connector='OR'), name='preview_made_has_digest'),
        ),
        migrations.AlterField(
            model_name='sender',
            name='voice',
            field=models.BooleanField(default=False, help_text='Whether calls can be placed from it'),
        ),
    ]
