import common.db.ids
import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

from common.db.migrations import OnDeleteInDatabase


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0017_agent_phone'),
        ('buckets', '0013_share_cascade'),
        ('campaigns', '0026_windows_whole'),
        ('integrations', '0020_messaging_catalogue'),
        ('leads', '0036_calendar'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='BookingPage',
            fields=[
                ('id', models.UUIDField(default=common.db.ids.uuid7, editable=False, help_text='UUIDv7: id order is age order', primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True, help_text='When the row was made')),
                ('updated_at', models.DateTimeField(auto_now=True, help_text='When the row was last changed')),
                ('slug', models.CharField(help_text='In its address', max_length=43, unique=True)),
                ('title', models.CharField(default='Talk about your property', help_text='What guests read', max_length=100)),
                ('minutes', models.PositiveSmallIntegerField(default=30, help_text='How long an appointment is')),
                ('buffer_minutes', models.PositiveSmallIntegerField(default=0, help_text='Kept free before and after one')),
                ('notice_hours', models.PositiveSmallIntegerField(default=4, help_text='Not sooner than this')),
                ('days_ahead', models.PositiveSmallIntegerField(default=14, help_text='Not later than this')),
                ('enabled', models.BooleanField(default=False, help_text='Whether guests can open it')),
            ],
        ),
        migrations.CreateModel(
            name='CallAttempt',
            fields=[
                ('id', models.UUIDField(default=common.db.ids.uuid7, editable=False, help_text='UUIDv7: id order is age order', primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True, help_text='When the row was made')),
                ('updated_at', models.DateTimeField(auto_now=True, help_text='When the row was last changed')),
                ('number', models.CharField(blank=True, help_text='+1…; empty: forgotten', max_length=16, null=True)),
                ('mode', models.CharField(choices=[('tel', 'Own phone'), ('twilio', 'Twilio'), ('signalhouse', 'SignalHouse')], default='tel', help_text='By which phone', max_length=11)),
                ('state', models.CharField(choices=[('intended', 'Dialing'), ('ringing', 'Ringing'), ('talking', 'On the call'), ('ended', 'Ended'), ('in_doubt', 'Needs a check')], default='intended', help_text='How far', max_length=8)),
                ('token', models.UUIDField(help_text='In the addresses that the vendor calls back', unique=True)),
                ('agent_vendor_id', models.CharField(blank=True, help_text="The vendor's id of the caller's leg", max_length=80, null=True)),
                ('vendor_id', models.CharField(blank=True, help_text="The vendor's id of the lead's leg", max_length=80, null=True)),
                ('sequence', models.IntegerField(default=-1, help_text="Of the vendor's last event that counted")),
                ('answered_by', models.CharField(blank=True, help_text='human, machine_…, fax, unknown', max_length=20)),
                ('receipt_id', models.UUIDField(blank=True, help_text='By which rules it was dialed', null=True)),
                ('disposed_at', models.DateTimeField(blank=True, help_text='When its caller said how it ended', null=True)),
                ('suppress_at', models.DateTimeField(blank=True, help_text='When what its outcome suppresses is written', null=True)),
                ('suppressed_at', models.DateTimeField(blank=True, help_text='When that was written', null=True)),
                ('note', models.CharField(blank=True, help_text='What was said', max_length=2000)),
                ('error', models.CharField(blank=True, help_text="The vendor's code", max_length=60)),
                ('error_words', models.CharField(blank=True, help_text='In words', max_length=300)),
                ('started_at', models.DateTimeField(help_text="When it was handed over, by the campaigns' clock")),
                ('answered_at', models.DateTimeField(blank=True, help_text='When somebody answered', null=True)),
                ('ended_at', models.DateTimeField(blank=True, help_text='When it ended', null=True)),
                ('seconds', models.PositiveIntegerField(blank=True, help_text='How long it took', null=True)),
            ],
            options={
                'verbose_name': 'call',
            },
        ),
        migrations.CreateModel(
            name='CampaignCaller',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
            ],
        ),
        migrations.CreateModel(
            name='Disposition',
            fields=[
                ('id', models.UUIDField(default=common.db.ids.uuid7, editable=False, help_text='UUIDv7: id order is age order', primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True, help_text='When the row was made')),
                ('updated_at', models.DateTimeField(auto_now=True, help_text='When the row was last changed')),
                ('code', models.CharField(help_text='What the API calls it', max_length=20)),
                ('label', models.CharField(help_text='What pages call it', max_length=40)),
                ('hotkey', models.CharField(help_text='0 to 9', max_length=1)),
                ('outcome', models.CharField(choices=[('no_contact', 'Nobody reached'), ('contact', 'Spoke with them'), ('bad_number', 'Bad number'), ('dnc', 'Do not call'), ('callback', 'Call back'), ('appointment', 'Appointment'), ('lost', 'Lost'), ('won', 'Won')], help_text='What it means', max_length=11)),
                ('recycle_minutes', models.PositiveIntegerField(blank=True, help_text='Call again after; empty: never', null=True)),
                ('max_attempts', models.PositiveSmallIntegerField(default=1, help_text='Calls that may end so')),
                ('next_number', models.BooleanField(default=False, help_text="The next call goes to the lead's next number")),
                ('suppress', models.CharField(blank=True, choices=[('', 'Nothing'), ('call', 'Calls'), ('sms', 'Texts'), ('call_sms', 'Calls and texts'), ('any', 'Everything')], help_text='What is never sent again', max_length=8)),
                ('lead_status', models.CharField(blank=True, help_text="The lead's status after it; empty: as it is", max_length=20)),
                ('needs', models.CharField(blank=True, help_text='time, note: what must be said with it', max_length=4)),
                ('retired_at', models.DateTimeField(blank=True, help_text='Since when it is not offered', null=True)),
            ],
            options={
                'verbose_name': 'call outcome',
            },
        ),
        migrations.CreateModel(
            name='Feed',
            fields=[
                ('id', models.UUIDField(default=common.db.ids.uuid7, editable=False, help_text='UUIDv7: id order is age order', primary_key=True, serialize=False)),
                ('name', models.CharField(blank=True, help_text='What you call it', max_length=50)),
                ('digest', models.BinaryField(help_text='Of the token in its address', max_length=32, unique=True)),
                ('kinds', models.JSONField(default=list, help_text='callback, reminder, appointment: which it shows')),
                ('with_names', models.BooleanField(default=False, help_text='Shows names and streets; otherwise neither')),
                ('created_at', models.DateTimeField(auto_now_add=True, help_text='When it was made')),
                ('revoked_at', models.DateTimeField(blank=True, help_text='Since when it answers nobody', null=True)),
                ('last_read_at', models.DateTimeField(blank=True, help_text='When it was last read', null=True)),
            ],
            options={
                'verbose_name': 'calendar feed',
            },
        ),
        migrations.CreateModel(
            name='Hours',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('weekday', models.PositiveSmallIntegerField(help_text='0 is Monday')),
                ('start', models.TimeField(help_text='From, by her own clock')),
                ('end', models.TimeField(help_text='Until, exclusive')),
            ],
            options={
                'verbose_name_plural': 'hours',
            },
        ),
        migrations.CreateModel(
            name='Recording',
            fields=[
                ('id', models.UUIDField(default=common.db.ids.uuid7, editable=False, help_text='UUIDv7: id order is age order', primary_key=True, serialize=False)),
                ('name', models.CharField(help_text='What you call it', max_length=100)),
                ('version', models.PositiveSmallIntegerField(default=1, help_text='From 1')),
                ('file', models.CharField(help_text="Its name on the uploads' volume", max_length=100)),
                ('kind', models.CharField(help_text='audio/mpeg, audio/wav', max_length=20)),
                ('seconds', models.PositiveSmallIntegerField(help_text='How long it is')),
                ('sha256', models.CharField(help_text='Of the file', max_length=64)),
                ('by_id', models.BigIntegerField(blank=True, help_text="Who uploaded it: a user's id", null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True, help_text='When')),
                ('retired_at', models.DateTimeField(blank=True, help_text='Since when it is not offered', null=True)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='campaign',
            name='campaign_approved_first',
        ),
        migrations.RemoveIndex(
            model_name='member',
            name='member_due',
        ),
        migrations.AddField(
            model_name='member',
            name='attempts',
            field=models.PositiveSmallIntegerField(default=0, help_text='Calls of this step'),
        ),
        migrations.AddField(
            model_name='member',
            name='calls',
            field=models.BooleanField(default=False, help_text='Its next step is a call: a caller takes it, no worker'),
        ),
        migrations.AddField(
            model_name='member',
            name='lease_until',
            field=models.DateTimeField(blank=True, help_text='Given back then, unless its page renews it', null=True),
        ),
        migrations.AddField(
            model_name='member',
            name='number',
            field=models.PositiveSmallIntegerField(default=0, help_text="Which of the lead's numbers is next, from 0"),
        ),
        migrations.AddField(
            model_name='member',
            name='priority',
            field=models.BigIntegerField(default=0, help_text='Called before those of a lower one'),
        ),
        migrations.AddField(
            model_name='member',
            name='skips',
            field=models.PositiveSmallIntegerField(default=0, help_text='Times it was skipped'),
        ),
        migrations.AddField(
            model_name='member',
            name='taken_at',
            field=models.DateTimeField(blank=True, help_text='Since when', null=True),
        ),
        migrations.AddField(
            model_name='member',
            name='taken_by',
            field=models.ForeignKey(db_index=False, help_text='Before whom', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddIndex(
            model_name='member',
            index=models.Index(condition=models.Q(('calls', False), ('status', 2)), fields=['campaign', 'next_at'], name='member_due'),
        ),
        migrations.AddIndex(
            model_name='member',
            index=models.Index(condition=models.Q(('calls', True), ('status', 2), ('taken_by__isnull', True)), fields=['campaign', 'zones', '-priority', 'attempts', 'next_at'], name='member_to_call'),
        ),
        migrations.AddIndex(
            model_name='member',
            index=models.Index(condition=models.Q(('taken_by__isnull', False)), fields=['lease_until'], name='member_taken'),
        ),
        migrations.AddConstraint(
            model_name='campaign',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status__in', ['approved', 'running', 'paused', 'completed']), _negated=True), ('channel', 'call'), models.Q(models.Q(('approved_digest', ''), _negated=True), ('approved_by_id__isnull', False)), _connector='OR'), name='campaign_approved_first'),
        ),
        migrations.AddConstraint(
            model_name='member',
            constraint=models.CheckConstraint(condition=models.Q(('taken_by__isnull', True), models.Q(('lease_until__isnull', False), ('taken_at__isnull', False)), _connector='OR'), name='member_taken_has_lease'),
        ),
        migrations.AddConstraint(
            model_name='member',
            constraint=models.UniqueConstraint(condition=models.Q(('taken_by__isnull', False)), fields=('key',), name='member_before_one_caller'),
        ),
        migrations.AddConstraint(
            model_name='member',
            constraint=models.UniqueConstraint(condition=models.Q(('owner_key__isnull', False), ('taken_by__isnull', False)), fields=('owner_key',), name='member_owner_before_one_caller'),
        ),
        migrations.AddConstraint(
            model_name='member',
            constraint=models.UniqueConstraint(condition=models.Q(('taken_by__isnull', False)), fields=('taken_by',), name='member_one_a_caller'),
        ),
        migrations.AddField(
            model_name='bookingpage',
            name='team',
            field=models.ForeignKey(db_index=False, help_text='Whose it is', on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.team'),
        ),
        migrations.AddField(
            model_name='bookingpage',
            name='user',
            field=models.ForeignKey(db_index=False, help_text='Who is booked', on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='callattempt',
            name='by',
            field=models.ForeignKey(db_index=False, help_text='Who', on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='callattempt',
            name='call',
            field=models.ForeignKey(db_index=False, help_text='Its money', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='integrations.vendorcall'),
        ),
        migrations.AddField(
            model_name='callattempt',
            name='campaign',
            field=models.ForeignKey(help_text='Of which list; empty: by hand', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='campaigns.campaign'),
        ),
        migrations.AddField(
            model_name='callattempt',
            name='key',
            field=models.ForeignKey(db_index=False, help_text='To which', on_delete=django.db.models.deletion.PROTECT, related_name='+', to='leads.contactkey'),
        ),
        migrations.AddField(
            model_name='callattempt',
            name='lead',
            field=models.ForeignKey(db_index=False, help_text='About which lead; empty once it was deleted', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='leads.lead'),
        ),
        migrations.AddField(
            model_name='callattempt',
            name='member',
            field=models.ForeignKey(help_text='Who of it', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='attempts_made', to='campaigns.member'),
        ),
        migrations.AddField(
            model_name='callattempt',
            name='sender',
            field=models.ForeignKey(help_text='From which', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='campaigns.sender'),
        ),
        migrations.AddField(
            model_name='callattempt',
            name='step',
            field=models.ForeignKey(help_text='Which step', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='campaigns.step'),
        ),
        migrations.AddField(
            model_name='callattempt',
            name='team',
            field=models.ForeignKey(db_index=False, help_text='Whose it is', on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.team'),
        ),
        migrations.AddField(
            model_name='campaigncaller',
            name='campaign',
            field=models.ForeignKey(db_index=False, help_text='Which call list', on_delete=django.db.models.deletion.CASCADE, related_name='callers', to='campaigns.campaign'),
        ),
        migrations.AddField(
            model_name='campaigncaller',
            name='user',
            field=models.ForeignKey(help_text='Who calls', on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='disposition',
            name='team',
            field=models.ForeignKey(db_index=False, help_text='Whose it is', on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.team'),
        ),
        migrations.AddField(
            model_name='callattempt',
            name='disposition',
            field=models.ForeignKey(help_text='How it ended', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='campaigns.disposition'),
        ),
        migrations.AddField(
            model_name='feed',
            name='team',
            field=models.ForeignKey(db_index=False, help_text='Whose it is', on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.team'),
        ),
        migrations.AddField(
            model_name='feed',
            name='user',
            field=models.ForeignKey(help_text='Whose calendar', on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='hours',
            name='user',
            field=models.ForeignKey(db_index=False, help_text='Whose hours', on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='recording',
            name='team',
            field=models.ForeignKey(db_index=False, help_text='Whose it is', on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.team'),
        ),
        migrations.AddConstraint(
            model_name='bookingpage',
            constraint=models.UniqueConstraint(fields=('team', 'user'), name='booking_page_one_a_person'),
        ),
        migrations.AddConstraint(
            model_name='bookingpage',
            constraint=models.CheckConstraint(condition=models.Q(('minutes__gte', 5), ('minutes__lte', 480)), name='booking_minutes_sane'),
        ),
        migrations.AddConstraint(
            model_name='bookingpage',
            constraint=models.CheckConstraint(condition=models.Q(('days_ahead__gte', 1), ('days_ahead__lte', 90)), name='booking_days_sane'),
        ),
        migrations.AddConstraint(
            model_name='bookingpage',
            constraint=models.CheckConstraint(condition=models.Q(('notice_hours__lte', 720)), name='booking_notice_sane'),
        ),
        migrations.AddConstraint(
            model_name='bookingpage',
            constraint=models.CheckConstraint(condition=models.Q(('buffer_minutes__lte', 240)), name='booking_buffer_sane'),
        ),
        migrations.AddConstraint(
            model_name='campaigncaller',
            constraint=models.UniqueConstraint(fields=('campaign', 'user'), name='campaign_caller_once'),
        ),
        migrations.AddConstraint(
            model_name='disposition',
            constraint=models.UniqueConstraint(fields=('team', 'code'), name='disposition_code_once'),
        ),
        migrations.AddConstraint(
            model_name='disposition',
            constraint=models.UniqueConstraint(condition=models.Q(('retired_at__isnull', True)), fields=('team', 'hotkey'), name='disposition_key_once'),
        ),
        migrations.AddConstraint(
            model_name='disposition',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('label', ''), _negated=True), models.Q(('code', ''), _negated=True)), name='disposition_has_words'),
        ),
        migrations.AddConstraint(
            model_name='disposition',
            constraint=models.CheckConstraint(condition=models.Q(('hotkey__regex', '^[0-9]$')), name='disposition_key_is_digit'),
        ),
        migrations.AddConstraint(
            model_name='disposition',
            constraint=models.CheckConstraint(condition=models.Q(('outcome__in', ['no_contact', 'contact', 'bad_number', 'dnc', 'callback', 'appointment', 'lost', 'won'])), name='disposition_outcome_known'),
        ),
        migrations.AddConstraint(
            model_name='disposition',
            constraint=models.CheckConstraint(condition=models.Q(('suppress__in', ['', 'call', 'sms', 'call_sms', 'any'])), name='disposition_suppress_known'),
        ),
        migrations.AddConstraint(
            model_name='disposition',
            constraint=models.CheckConstraint(condition=models.Q(('needs__in', ['', 'time', 'note'])), name='disposition_needs_known'),
        ),
        migrations.AddConstraint(
            model_name='disposition',
            constraint=models.CheckConstraint(condition=models.Q(('max_attempts__gte', 1), ('max_attempts__lte', 20)), name='disposition_attempts_sane'),
        ),
        migrations.AddConstraint(
            model_name='disposition',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('outcome', 'dnc'), _negated=True), ('suppress', 'any'), _connector='OR'), name='disposition_dnc_suppresses_all'),
        ),
        migrations.AddIndex(
            model_name='callattempt',
            index=models.Index(fields=['key', '-started_at'], name='attempt_by_key'),
        ),
        migrations.AddIndex(
            model_name='callattempt',
            index=models.Index(fields=['team', '-started_at'], name='attempt_by_team'),
        ),
        migrations.AddIndex(
            model_name='callattempt',
            index=models.Index(fields=['by', '-started_at'], name='attempt_by_caller'),
        ),
        migrations.AddIndex(
            model_name='callattempt',
            index=models.Index(condition=models.Q(('lead__isnull', False)), fields=['lead'], name='attempt_by_lead'),
        ),
        migrations.AddIndex(
            model_name='callattempt',
            index=models.Index(condition=models.Q(('suppress_at__isnull', False), ('suppressed_at__isnull', True)), fields=['suppress_at'], name='attempt_to_suppress'),
        ),
        migrations.AddIndex(
            model_name='callattempt',
            index=models.Index(condition=models.Q(('call__isnull', False)), fields=['call'], name='attempt_by_vendor_call'),
        ),
        migrations.AddConstraint(
            model_name='callattempt',
            constraint=models.CheckConstraint(condition=models.Q(('mode__in', ['tel', 'twilio', 'signalhouse'])), name='attempt_mode_known'),
        ),
        migrations.AddConstraint(
            model_name='callattempt',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['intended', 'ringing', 'talking', 'ended', 'in_doubt'])), name='attempt_state_known'),
        ),
        migrations.AddConstraint(
            model_name='callattempt',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'ended'), _negated=True), ('ended_at__isnull', False), _connector='OR'), name='attempt_ended_has_time'),
        ),
        migrations.AddConstraint(
            model_name='callattempt',
            constraint=models.CheckConstraint(condition=models.Q(('disposition__isnull', True), ('disposed_at__isnull', False), _connector='OR'), name='attempt_disposed_has_time'),
        ),
        migrations.AddConstraint(
            model_name='callattempt',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('by',), name='attempt_one_a_caller'),
        ),
        migrations.AddConstraint(
            model_name='callattempt',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('key',), name='attempt_one_a_number'),
        ),
        migrations.AddConstraint(
            model_name='callattempt',
            constraint=models.UniqueConstraint(condition=models.Q(('vendor_id__isnull', False)), fields=('mode', 'vendor_id'), name='attempt_vendor_id_once'),
        ),
        migrations.AddConstraint(
            model_name='callattempt',
            constraint=models.UniqueConstraint(condition=models.Q(('agent_vendor_id__isnull', False)), fields=('mode', 'agent_vendor_id'), name='attempt_agent_vendor_id_once'),
        ),
        migrations.AddConstraint(
            model_name='hours',
            constraint=models.UniqueConstraint(fields=('user', 'weekday', 'start'), name='hours_once'),
        ),
        migrations.AddConstraint(
            model_name='hours',
            constraint=models.CheckConstraint(condition=models.Q(('weekday__lte', 6)), name='hours_weekday_known'),
        ),
        migrations.AddConstraint(
            model_name='hours',
            constraint=models.CheckConstraint(condition=models.Q(('end__gt', models.F('start'))), name='hours_end_after_start'),
        ),
        migrations.AddConstraint(
            model_name='recording',
            constraint=models.UniqueConstraint(models.F('team'), django.db.models.functions.text.Lower('name'), models.F('version'), name='recording_version_once'),
        ),
        migrations.AddConstraint(
            model_name='recording',
            constraint=models.CheckConstraint(condition=models.Q(('name', ''), _negated=True), name='recording_has_name'),
        ),
        OnDeleteInDatabase("callattempt", "lead", "SET NULL"),
    ]
