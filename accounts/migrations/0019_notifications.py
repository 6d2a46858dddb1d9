
import common.db.ids
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0018_first_steps'),
    ]

    operations = [
        migrations.CreateModel(
            name='NoticeMailbox',
            fields=[
                ('lease_until', models.DateTimeField(blank=True, help_text='A worker has it until', null=True, verbose_name='worker until')),
                ('token', models.UUIDField(blank=True, help_text='Who has it', null=True, verbose_name='worker')),
                ('not_before', models.DateTimeField(blank=True, help_text='Not to be tried again before', null=True, verbose_name='next try')),
                ('user', models.OneToOneField(help_text='Whose', on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='+', serialize=False, to=settings.AUTH_USER_MODEL)),
                ('digest_hour', models.PositiveSmallIntegerField(db_default=8, default=8, help_text='From which hour the digest comes, by her clock')),
                ('mailed_at', models.DateTimeField(blank=True, help_text='When an e-mail last left', null=True)),
                ('tries', models.PositiveSmallIntegerField(db_default=0, default=0, help_text='Tries that failed since then')),
            ],
            options={
                'verbose_name_plural': 'notice mailboxes',
                'constraints': [models.CheckConstraint(condition=models.Q(('digest_hour__lte', 23)), name='mailbox_hour_of_a_day'), models.CheckConstraint(condition=models.Q(('token__isnull', True), ('lease_until__isnull', False), _connector='OR'), name='mailbox_taken_has_lease')],
            },
        ),
        migrations.CreateModel(
            name='NoticeChoice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('runDone', 'Enrichment job done'), ('capHit', 'Spending limit reached'), ('importDone', 'Import done'), ('reply', 'Reply from an owner'), ('callback', 'Callback or event in my calendar'), ('bulkDone', 'Bulk change done')], help_text='Of what', max_length=10)),
                ('on_pages', models.BooleanField(help_text='In the list of notifications')),
                ('mail', models.CharField(choices=[('off', 'No e-mail'), ('soon', 'Within minutes'), ('digest', 'In the daily digest')], help_text='No e-mail, within minutes, digest', max_length=6, verbose_name='e-mail')),
                ('user', models.ForeignKey(db_index=False, help_text='Who', on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'choice of notifications',
                'constraints': [models.UniqueConstraint(fields=('user', 'kind'), name='notice_choice_once'), models.CheckConstraint(condition=models.Q(('kind__in', ['runDone', 'capHit', 'importDone', 'reply', 'callback', 'bulkDone'])), name='notice_choice_kind_known'), models.CheckConstraint(condition=models.Q(('mail__in', ['off', 'soon', 'digest'])), name='notice_choice_mail_known')],
            },
        ),
        migrations.CreateModel(
            name='Notification',
            fields=[
                ('id', models.UUIDField(default=common.db.ids.uuid7, editable=False, help_text='UUIDv7: id order is age order', primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('runDone', 'Enrichment job done'), ('capHit', 'Spending limit reached'), ('importDone', 'Import done'), ('reply', 'Reply from an owner'), ('callback', 'Callback or event in my calendar'), ('bulkDone', 'Bulk change done')], help_text='What happened', max_length=10)),
                ('about', models.CharField(help_text='What it is about: enrichment.run, leads.lead, …', max_length=60)),
                ('about_id', models.CharField(help_text='Its id', max_length=64)),
                ('words', models.CharField(help_text='What happened, in words: names a job, a file or a time', max_length=300)),
                ('created_at', models.DateTimeField(help_text='When it happened')),
                ('is_shown', models.BooleanField(db_default=True, default=True, help_text='Whether her list has it')),
                ('read_at', models.DateTimeField(blank=True, help_text='When she has read it', null=True, verbose_name='read')),
                ('mail', models.CharField(choices=[('none', 'No e-mail'), ('soon', 'Waits for an e-mail'), ('digest', 'Waits for the digest'), ('sent', 'Sent'), ('failed', 'Not sent')], default='none', help_text='How far its e-mail is', max_length=6, verbose_name='e-mail')),
                ('batch', models.UUIDField(blank=True, help_text='Which e-mail it goes with', null=True)),
                ('team', models.ForeignKey(db_index=False, help_text='In which team', on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.team')),
                ('user', models.ForeignKey(db_index=False, help_text='Who is told', on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('is_shown', True)), fields=['user', 'team', '-id'], name='notification_by_user'), models.Index(condition=models.Q(('mail__in', ['soon', 'digest'])), fields=['user', 'id'], name='notification_to_mail')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('read_at__isnull', True)), fields=('user', 'kind', 'about_id'), name='notification_once_unread'), models.CheckConstraint(condition=models.Q(('kind__in', ['runDone', 'capHit', 'importDone', 'reply', 'callback', 'bulkDone'])), name='notification_kind_known'), models.CheckConstraint(condition=models.Q(('mail__in', ['none', 'soon', 'digest', 'sent', 'failed'])), name='notification_mail_known'), models.CheckConstraint(condition=models.Q(('words', ''), _negated=True), name='notification_has_words'), models.CheckConstraint(condition=models.Q(('is_shown', True), ('read_at__isnull', False), _connector='OR'), name='notification_hidden_is_read')],
            },
        ),
    ]
