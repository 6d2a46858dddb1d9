import common.db.ids
import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
from django.conf import settings
from django.contrib.postgres.operations import BtreeGistExtension
from django.db import migrations, models

from common.db.migrations import OnDeleteInDatabase


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0017_agent_phone'),
        ('leads', '0035_source_of_a_message'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        BtreeGistExtension(),
        migrations.CreateModel(
            name='Event',
            fields=[
                ('id', models.UUIDField(default=common.db.ids.uuid7, editable=False, help_text='UUIDv7: id order is age order', primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('callback', 'Callback'), ('reminder', 'Reminder'), ('appointment', 'Appointment')], help_text='Callback, reminder or appointment', max_length=11)),
                ('title', models.CharField(blank=True, help_text='What it is about', max_length=200)),
                ('note', models.CharField(blank=True, help_text='What to know beforehand', max_length=2000)),
                ('starts_at', models.DateTimeField(help_text='From when')),
                ('ends_at', models.DateTimeField(help_text='Until when, exclusive')),
                ('zone', models.CharField(default='UTC', help_text='By whose clock it was planned', max_length=64)),
                ('status', models.CharField(choices=[('held', 'Waits for the guest'), ('planned', 'Planned'), ('done', 'Done'), ('missed', 'Missed'), ('cancelled', 'Cancelled')], default='planned', help_text='How far', max_length=9)),
                ('held_until', models.DateTimeField(blank=True, help_text='Held: free again after this', null=True)),
                ('anyone', models.BooleanField(default=False, help_text='Any caller may make this callback')),
                ('place', models.CharField(blank=True, help_text='Where, or by which phone', max_length=200)),
                ('guest_name', models.CharField(blank=True, help_text='Who comes; empty: forgotten', max_length=100, null=True)),
                ('guest_email', models.CharField(blank=True, help_text='Where the invitation goes', max_length=254, null=True)),
                ('guest_phone', models.CharField(blank=True, help_text='+1…', max_length=16, null=True)),
                ('guest_zone', models.CharField(blank=True, help_text="The guest's time zone", max_length=64)),
                ('page_id', models.UUIDField(blank=True, help_text='By which booking page', null=True)),
                ('confirm_digest', models.BinaryField(blank=True, help_text="Of the mailed link's token", max_length=32, null=True)),
                ('sequence', models.PositiveIntegerField(default=0, help_text='How often it was moved or cancelled')),
                ('remind_minutes', models.PositiveIntegerField(blank=True, help_text='Minutes before; empty: no reminder', null=True)),
                ('reminded_at', models.DateTimeField(blank=True, help_text='When its owner was reminded', null=True)),
                ('source', models.CharField(choices=[('person', 'A person'), ('dialer', 'Dialer'), ('booking', 'Booking page'), ('import', 'Before there was a calendar')], default='person', help_text='Who made it', max_length=7)),
                ('by_id', models.BigIntegerField(blank=True, help_text="Who planned it: a user's id", null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True, help_text='When it was made')),
                ('changed_at', models.DateTimeField(help_text='When it was last changed')),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='activity',
            name='activity_kind_known',
        ),
        migrations.AlterField(
            model_name='activity',
            name='kind',
            field=models.CharField(choices=[('note', 'Note'), ('status', 'Status changed'), ('call', 'Call'), ('sms', 'SMS'), ('email', 'E-mail'), ('callback', 'Callback'), ('voicemail', 'Voicemail'), ('appointment', 'Appointment')], default='note', help_text='Call, SMS, e-mail, note, callback, voicemail or appointment', max_length=11, verbose_name='activity type'),
        ),
        migrations.AddConstraint(
            model_name='activity',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['note', 'status', 'call', 'sms', 'email', 'callback', 'voicemail', 'appointment'])), name='activity_kind_known'),
        ),
        migrations.AddField(
            model_name='event',
            name='lead',
            field=models.ForeignKey(blank=True, db_index=False, help_text='About which lead; empty: none, or it was deleted', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='leads.lead'),
        ),
        migrations.AddField(
            model_name='event',
            name='owner',
            field=models.ForeignKey(db_index=False, help_text='In whose calendar', on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='event',
            name='team',
            field=models.ForeignKey(db_index=False, help_text='Whose it is', on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.team'),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(fields=['owner', 'starts_at'], name='event_by_owner'),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(condition=models.Q(('status', 'planned')), fields=['team', 'starts_at'], name='event_planned_by_team'),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(condition=models.Q(('lead__isnull', False)), fields=['lead'], name='event_by_lead'),
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(condition=models.Q(('remind_minutes__isnull', False), ('reminded_at__isnull', True), ('status', 'planned')), fields=['starts_at'], name='event_to_remind'),
        ),
        migrations.AddConstraint(
            model_name='event',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['callback', 'reminder', 'appointment'])), name='event_kind_known'),
        ),
        migrations.AddConstraint(
            model_name='event',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['held', 'planned', 'done', 'missed', 'cancelled'])), name='event_status_known'),
        ),
        migrations.AddConstraint(
            model_name='event',
            constraint=models.CheckConstraint(condition=models.Q(('source__in', ['person', 'dialer', 'booking', 'import'])), name='event_source_known'),
        ),
        migrations.AddConstraint(
            model_name='event',
            constraint=models.CheckConstraint(condition=models.Q(('ends_at__gt', models.F('starts_at'))), name='event_ends_after_it_starts'),
        ),
        migrations.AddConstraint(
            model_name='event',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'callback'), ('status', 'planned'), _negated=True), ('lead__isnull', False), _connector='OR'), name='event_callback_has_lead'),
        ),
        migrations.AddConstraint(
            model_name='event',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('held_until__isnull', False), ('kind', 'appointment'), ('status', 'held')), models.Q(models.Q(('status', 'held'), _negated=True), ('held_until__isnull', True)), _connector='OR'), name='event_held_has_time'),
        ),
        migrations.AddConstraint(
            model_name='event',
            constraint=models.CheckConstraint(condition=models.Q(('anyone', False), ('kind', 'callback'), _connector='OR'), name='event_anyone_is_callback'),
        ),
        migrations.AddConstraint(
            model_name='event',
            constraint=models.UniqueConstraint(condition=models.Q(('kind', 'callback'), ('status', 'planned')), fields=('lead',), name='event_one_callback_a_lead'),
        ),
        migrations.AddConstraint(
            model_name='event',
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(condition=models.Q(('kind', 'appointment'), ('status__in', ['planned', 'held'])), expressions=[('owner', '='), (models.Func('starts_at', 'ends_at', django.contrib.postgres.fields.ranges.RangeBoundary(), function='tstzrange', output_field=django.contrib.postgres.fields.ranges.DateTimeRangeField()), '&&')], name='event_one_appointment_at_a_time'),
        ),
        OnDeleteInDatabase("event", "lead", "SET NULL"),
    ]
