"""Booking's and calls' tables, made beside each other."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0036_booking_counts"), ("campaigns", "0040_voice")]

    operations: list[migrations.operations.base.Operation] = []
