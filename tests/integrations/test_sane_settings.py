"""What operators had set beyond the bounds before there were any."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection

from common.values import bounds
from integrations import migrations
from integrations.ledger import catalogue
from integrations.models import Operation

MIGRATION = next(Path(str(migrations.__file__)).parent.glob("*_sane_settings.py")).stem
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.mark.django_db
def test_settings_beyond_the_bounds_become_the_nearest_bound() -> None:
    wild, empty = catalogue.operation("property_detail"), catalogue.operation("skip_trace")
    with connection.cursor() as cursor:
        for name in ("pace", "price", "batch", "fresh_days"):
            cursor.execute(f"ALTER TABLE integrations_operation DROP CONSTRAINT operation_{name}_sane")
    Operation.objects.filter(pk=wild.pk).update(pace=200_000, price="99999.5", batch=2_000_000, fresh_days=1_000_000)

    import_module(f"integrations.migrations.{MIGRATION}").bring_into_bounds(apps, None)

    wild.refresh_from_db()
    empty.refresh_from_db()
    assert (wild.pace, wild.price, wild.batch, wild.fresh_days) == (100_000, 99_999, 1000, 3650)
    assert (empty.pace, empty.price, empty.batch, empty.fresh_days) == (None, None, None, None)
    assert wild.fresh_since(NOW) == NOW - timedelta(days=3650)


def test_the_migration_knows_the_bounds_of_today() -> None:
    told = import_module(f"integrations.migrations.{MIGRATION}")
    allowed = {"pace": bounds.PACE, "price": bounds.PRICE, "batch": bounds.BATCH, "fresh_days": bounds.FRESH_DAYS}
    assert [(name, one.least, one.most) for name, one in allowed.items()] == told.OPERATION
    assert [("daily_cap", bounds.CAP.least, bounds.CAP.most)] == told.VENDOR
