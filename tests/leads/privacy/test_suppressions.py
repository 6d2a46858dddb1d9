"""Who must not be contacted stays so: no connection changes, deletes or truncates it."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from leads.models import Suppression
from tests.accounts.test_audit import ANY_SETTING

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("before", ["", ANY_SETTING + ";"])
@pytest.mark.parametrize("change", ["UPDATE {} SET source = 'x'", "DELETE FROM {}", "TRUNCATE {}"])
def test_a_suppression_is_for_good(before, change):
    Suppression.objects.create(kind=1, digest=b"x" * 32, reason="stop", source="user:1", created_at=timezone.now())

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(before + change.format("leads_suppression"))

    assert Suppression.objects.get().source == "user:1"
