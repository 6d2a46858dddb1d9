import django.core.validators
from decimal import Decimal
from django.db import migrations, models


# The bounds of `common/values/bounds.py` as they were when this was written: column, least, most
OPERATION = [("pace", 0, 100_000), ("price", 0, 99_999), ("batch", 1, 1000), ("fresh_days", 0, 3650)]
VENDOR = [("daily_cap", 0, 999_999_999)]


def bring_into_bounds(apps, schema_editor):
    """What an operator has set beyond the bounds becomes the nearest bound: a million days of freshness is ten years."""
    for name, columns in (("Operation", OPERATION), ("Vendor", VENDOR)):
        rows = apps.get_model("integrations", name).objects
        for column, least, most in columns:
            rows.filter(**{f"{column}__lt": least}).update(**{column: least})
            rows.filter(**{f"{column}__gt": most}).update(**{column: most})


class Migration(migrations.Migration):

    dependencies = [
        ('integrations', '0009_trace_keys'),
    ]

    operations = [
        migrations.RunPython(bring_into_bounds, migrations.RunPython.noop),
        migrations.RemoveConstraint(
            model_name='operation',
            name='operation_pace_not_negative',
        ),
        migrations.RemoveConstraint(
            model_name='operation',
            name='operation_price_not_negative',
        ),
        migrations.RemoveConstraint(
            model_name='operation',
            name='operation_batch_positive',
        ),
        migrations.RemoveConstraint(
            model_name='vendor',
            name='vendor_daily_cap_not_negative',
        ),
        migrations.AlterField(
            model_name='operation',
            name='batch',
            field=models.PositiveIntegerField(blank=True, help_text='Inputs of one request; empty: BATCH_…', null=True, validators=[django.core.validators.MinValueValidator(Decimal('1'), 'Enter 1 input a request or more.'), django.core.validators.MaxValueValidator(Decimal('1000'), 'Enter 1,000 inputs a request or less.')]),
        ),
        migrations.AlterField(
            model_name='operation',
            name='fresh_days',
            field=models.PositiveIntegerField(blank=True, help_text='Days an answer is served again for nothing; empty: FRESH_…', null=True, validators=[django.core.validators.MinValueValidator(Decimal('0'), 'Enter 0 days or more.'), django.core.validators.MaxValueValidator(Decimal('3650'), 'Enter 3,650 days or less.')]),
        ),
        migrations.AlterField(
            model_name='operation',
            name='pace',
            field=models.DecimalField(blank=True, decimal_places=2, help_text='Requests a minute, 0: no pace; empty: PACE_…', max_digits=9, null=True, validators=[django.core.validators.MinValueValidator(Decimal('0'), 'Enter a pace of 0 (no pace) or more.'), django.core.validators.MaxValueValidator(Decimal('100000'), 'Enter a pace of 100,000 a minute or less.')]),
        ),
        migrations.AlterField(
            model_name='operation',
            name='price',
            field=models.DecimalField(blank=True, decimal_places=4, help_text='US dollars a unit; empty: PRICE_…', max_digits=9, null=True, validators=[django.core.validators.MinValueValidator(Decimal('0'), 'Enter a price of $0 or more.'), django.core.validators.MaxValueValidator(Decimal('99999'), 'Enter a price of $99,999 or less.')]),
        ),
        migrations.AlterField(
            model_name='vendor',
            name='daily_cap',
            field=models.DecimalField(blank=True, decimal_places=2, help_text='US dollars a day (UTC); empty: DAILY_CAP_…', max_digits=12, null=True, validators=[django.core.validators.MinValueValidator(Decimal('0'), 'Enter a limit of $0 or more.'), django.core.validators.MaxValueValidator(Decimal('999999999'), 'Enter a limit of $999,999,999 or less.')]),
        ),
        migrations.AddConstraint(
            model_name='operation',
            constraint=models.CheckConstraint(condition=models.Q(('pace__isnull', True), models.Q(('pace__gte', Decimal('0')), ('pace__lte', Decimal('100000'))), _connector='OR'), name='operation_pace_sane', violation_error_message='Enter a pace of 0 (no pace) or more. Enter a pace of 100,000 a minute or less.'),
        ),
        migrations.AddConstraint(
            model_name='operation',
            constraint=models.CheckConstraint(condition=models.Q(('price__isnull', True), models.Q(('price__gte', Decimal('0')), ('price__lte', Decimal('99999'))), _connector='OR'), name='operation_price_sane', violation_error_message='Enter a price of $0 or more. Enter a price of $99,999 or less.'),
        ),
        migrations.AddConstraint(
            model_name='operation',
            constraint=models.CheckConstraint(condition=models.Q(('batch__isnull', True), models.Q(('batch__gte', Decimal('1')), ('batch__lte', Decimal('1000'))), _connector='OR'), name='operation_batch_sane', violation_error_message='Enter 1 input a request or more. Enter 1,000 inputs a request or less.'),
        ),
        migrations.AddConstraint(
            model_name='operation',
            constraint=models.CheckConstraint(condition=models.Q(('fresh_days__isnull', True), models.Q(('fresh_days__gte', Decimal('0')), ('fresh_days__lte', Decimal('3650'))), _connector='OR'), name='operation_fresh_days_sane', violation_error_message='Enter 0 days or more. Enter 3,650 days or less.'),
        ),
        migrations.AddConstraint(
            model_name='vendor',
            constraint=models.CheckConstraint(condition=models.Q(('daily_cap__isnull', True), models.Q(('daily_cap__gte', Decimal('0')), ('daily_cap__lte', Decimal('999999999'))), _connector='OR'), name='vendor_daily_cap_sane', violation_error_message='Enter a limit of $0 or more. Enter a limit of $999,999,999 or less.'),
        ),
    ]
