"""What pages call it. No SQL: names and help texts stand in the state alone."""

import django.core.validators
import django.db.models.deletion
from decimal import Decimal
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('integrations', '0012_budget'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='phonereveal',
            options={'verbose_name': 'mobile number request', 'verbose_name_plural': 'mobile number requests'},
        ),
        migrations.AlterModelOptions(
            name='vendorcall',
            options={'verbose_name': 'vendor request', 'verbose_name_plural': 'vendor requests'},
        ),
        migrations.AlterField(
            model_name='budget',
            name='reserved',
            field=models.DecimalField(decimal_places=4, default=0, help_text='Reserved for requests not settled yet', max_digits=14, verbose_name='reserved'),
        ),
        migrations.AlterField(
            model_name='budget',
            name='scope',
            field=models.CharField(help_text='Whose limit, and in which period', max_length=100, primary_key=True, serialize=False, verbose_name='limit and period'),
        ),
        migrations.AlterField(
            model_name='budget',
            name='spent',
            field=models.DecimalField(decimal_places=4, default=0, help_text='Settled', max_digits=14, verbose_name='spent'),
        ),
        migrations.AlterField(
            model_name='lookup',
            name='call',
            field=models.ForeignKey(help_text='The last request that asked for it', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='lookups', to='integrations.vendorcall', verbose_name='vendor request'),
        ),
        migrations.AlterField(
            model_name='lookup',
            name='category',
            field=models.CharField(blank=True, help_text='Why there is no data', max_length=20, verbose_name='reason'),
        ),
        migrations.AlterField(
            model_name='lookup',
            name='facts',
            field=models.JSONField(blank=True, help_text='The answer, allow-listed; {} is a known no-match', null=True, verbose_name='data'),
        ),
        migrations.AlterField(
            model_name='lookup',
            name='fetched_at',
            field=models.DateTimeField(blank=True, help_text='When the answer came', null=True, verbose_name='purchased at'),
        ),
        migrations.AlterField(
            model_name='lookup',
            name='key',
            field=models.CharField(help_text='What was asked, such as a property id', max_length=200),
        ),
        migrations.AlterField(
            model_name='lookup',
            name='state',
            field=models.CharField(choices=[('free', 'Not owned'), ('buying', 'Being bought'), ('answered', 'Owned'), ('garbage', 'Paid, unreadable'), ('in_doubt', 'Needs billing check')], default='free', help_text='Owned, or on the way', max_length=10),
        ),
        migrations.AlterField(
            model_name='operation',
            name='batch',
            field=models.PositiveIntegerField(blank=True, help_text='Empty: default', null=True, validators=[django.core.validators.MinValueValidator(Decimal('1'), 'Enter 1 input a request or more.'), django.core.validators.MaxValueValidator(Decimal('1000'), 'Enter 1,000 inputs a request or less.')], verbose_name='records a request'),
        ),
        migrations.AlterField(
            model_name='operation',
            name='batch_refused_at',
            field=models.DateTimeField(blank=True, help_text='When the key was refused for batch requests: since then one record a request', null=True, verbose_name='batch refused at'),
        ),
        migrations.AlterField(
            model_name='operation',
            name='doubts',
            field=models.PositiveSmallIntegerField(default=0, help_text='Requests in a row that need a billing check: after one, one record a request'),
        ),
        migrations.AlterField(
            model_name='operation',
            name='fresh_days',
            field=models.PositiveIntegerField(blank=True, help_text='Reused for $0; empty: default', null=True, validators=[django.core.validators.MinValueValidator(Decimal('0'), 'Enter 0 days or more.'), django.core.validators.MaxValueValidator(Decimal('3650'), 'Enter 3,650 days or less.')], verbose_name='reuse purchased data for (days)'),
        ),
        migrations.AlterField(
            model_name='operation',
            name='next_slot_at',
            field=models.DateTimeField(blank=True, help_text='When the next request may be sent', null=True, verbose_name='next request at'),
        ),
        migrations.AlterField(
            model_name='operation',
            name='pace',
            field=models.DecimalField(blank=True, decimal_places=2, help_text='0: no limit; empty: default', max_digits=9, null=True, validators=[django.core.validators.MinValueValidator(Decimal('0'), 'Enter a pace of 0 (no pace) or more.'), django.core.validators.MaxValueValidator(Decimal('100000'), 'Enter a pace of 100,000 a minute or less.')], verbose_name='requests a minute'),
        ),
        migrations.AlterField(
            model_name='operation',
            name='price',
            field=models.DecimalField(blank=True, decimal_places=4, help_text='Per unit; empty: default', max_digits=9, null=True, validators=[django.core.validators.MinValueValidator(Decimal('0'), 'Enter a price of $0 or more.'), django.core.validators.MaxValueValidator(Decimal('99999'), 'Enter a price of $99,999 or less.')], verbose_name='price ($)'),
        ),
        migrations.AlterField(
            model_name='phonereveal',
            name='ask_at',
            field=models.DateTimeField(blank=True, help_text='When it is asked for next', null=True, verbose_name='next check'),
        ),
        migrations.AlterField(
            model_name='phonereveal',
            name='asked',
            field=models.PositiveSmallIntegerField(default=0, help_text='Times the result was asked for', verbose_name='checks'),
        ),
        migrations.AlterField(
            model_name='phonereveal',
            name='call',
            field=models.OneToOneField(help_text='Of which request', on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='reveal', serialize=False, to='integrations.vendorcall', verbose_name='vendor request'),
        ),
        migrations.AlterField(
            model_name='phonereveal',
            name='deadline',
            field=models.DateTimeField(blank=True, help_text='Without a result by then it needs a billing check', null=True),
        ),
        migrations.AlterField(
            model_name='phonereveal',
            name='found',
            field=models.PositiveIntegerField(default=0, help_text='Phones that came', verbose_name='phones'),
        ),
        migrations.AlterField(
            model_name='phonereveal',
            name='pushed_at',
            field=models.DateTimeField(blank=True, help_text='When Apollo sent it to us', null=True, verbose_name='delivered at'),
        ),
        migrations.AlterField(
            model_name='phonereveal',
            name='state',
            field=models.CharField(choices=[('early', 'Delivered before its request was settled'), ('waiting', 'Waiting for phones'), ('arrived', 'Answered'), ('in_doubt', 'Needs billing check'), ('released', 'Not billed'), ('written_off', 'Billed, nothing received')], default='early', help_text='How far it is', max_length=12),
        ),
        migrations.AlterField(
            model_name='phonereveal',
            name='unreadable',
            field=models.BooleanField(default=False, help_text='What was delivered cannot be read; the result is asked for'),
        ),
        migrations.AlterField(
            model_name='vendor',
            name='daily_cap',
            field=models.DecimalField(blank=True, decimal_places=2, help_text='Per day (UTC); empty: default', max_digits=12, null=True, validators=[django.core.validators.MinValueValidator(Decimal('0'), 'Enter a limit of $0 or more.'), django.core.validators.MaxValueValidator(Decimal('999999999'), 'Enter a limit of $999,999,999 or less.')], verbose_name='daily spending limit ($)'),
        ),
        migrations.AlterField(
            model_name='vendor',
            name='enabled',
            field=models.BooleanField(default=True, help_text="The operator's switch", verbose_name='on'),
        ),
        migrations.AlterField(
            model_name='vendor',
            name='server_error_policy',
            field=models.CharField(choices=[('doubt', 'Unknown: needs a billing check'), ('not_billed', 'Not billed: try again'), ('billed', 'Billed: count the cost')], default='doubt', help_text='What a server error in answer to a paid request means', max_length=10, verbose_name='after a server error'),
        ),
        migrations.AlterField(
            model_name='vendorcall',
            name='category',
            field=models.CharField(blank=True, help_text='What kind of failure', max_length=20, verbose_name='result'),
        ),
        migrations.AlterField(
            model_name='vendorcall',
            name='found',
            field=models.PositiveIntegerField(default=0, help_text='Records the vendor knew', verbose_name='found'),
        ),
        migrations.AlterField(
            model_name='vendorcall',
            name='inputs',
            field=models.PositiveIntegerField(help_text='Records asked for', verbose_name='records'),
        ),
        migrations.AlterField(
            model_name='vendorcall',
            name='latency_ms',
            field=models.PositiveIntegerField(blank=True, help_text='From sending to the whole answer', null=True, verbose_name='answer time (ms)'),
        ),
        migrations.AlterField(
            model_name='vendorcall',
            name='reason',
            field=models.CharField(blank=True, help_text='What went wrong, in words', max_length=300, verbose_name='reason'),
        ),
        migrations.AlterField(
            model_name='vendorcall',
            name='request_id',
            field=models.CharField(blank=True, help_text="The vendor's own id of the request", max_length=64, verbose_name='vendor’s request id'),
        ),
        migrations.AlterField(
            model_name='vendorcall',
            name='reserved',
            field=models.DecimalField(decimal_places=4, help_text='US dollars reserved before it was sent', max_digits=12, verbose_name='reserved'),
        ),
        migrations.AlterField(
            model_name='vendorcall',
            name='run_id',
            field=models.UUIDField(blank=True, help_text='For which enrichment job; empty: a single request', null=True, verbose_name='enrichment job'),
        ),
        migrations.AlterField(
            model_name='vendorcall',
            name='slot_at',
            field=models.DateTimeField(help_text='When it may leave', verbose_name='planned for'),
        ),
    ]
