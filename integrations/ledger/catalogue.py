"""Which rows stand for which operation. Made on first use, so that a new operation needs no migration."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from integrations.models import Operation, Vendor


def operation(name: str) -> Operation:
    """The row of the operation as the environment routes it (skip trace goes to SKIP_TRACE_VENDOR), with its vendor.

    Raises KeyError for a name that is not in `settings.OPERATIONS`.
    """
    seller = settings.OPERATIONS[name]["vendor"]
    rows = Operation.objects.select_related("vendor")
    row = rows.filter(vendor_id=seller, name=name).first()
    if row is None:
        make_rows(Vendor, Operation, [(seller, name)])
        row = rows.get(vendor_id=seller, name=name)
    return row


def vendor(name: str) -> Vendor:
    """The vendor's row. Raises KeyError for a vendor that is not in `settings.VENDORS`."""
    settings.VENDORS[name]
    return Vendor.objects.get_or_create(name=name)[0]


def make_rows(vendors: Any, operations: Any, pairs: list[tuple[str, str]]) -> None:
    """Makes the rows that are missing. Takes the model classes, so that a migration can call it with its own."""
    vendors.objects.bulk_create([vendors(name=v) for v in dict(pairs)], ignore_conflicts=True)
    operations.objects.bulk_create([operations(vendor_id=v, name=n) for v, n in pairs], ignore_conflicts=True)


def known_pairs() -> list[tuple[str, str]]:
    """Every vendor and operation there is, whichever the environment routes to."""
    pairs = {(str(o["vendor"]), name) for name, o in settings.OPERATIONS.items()}
    return sorted(pairs | {("realestateapi", "skip_trace"), ("signalhouse", "skip_trace")})
