"""Which rows stand for which operation. Made on first use, so that a new operation needs no migration."""

from __future__ import annotations

from django.conf import settings

from integrations.locks import with_vendor
from integrations.models import Operation, Vendor


def operation(name: str) -> Operation:
    """The row of the operation as the environment routes it (skip trace goes to SKIP_TRACE_VENDOR), with its vendor.

    Raises KeyError for a name that is not in `settings.OPERATIONS`.
    """
    seller = settings.OPERATIONS[name]["vendor"]
    row = with_vendor("WHERE o.vendor_id = %(vendor)s AND o.name = %(name)s", vendor=seller, name=name)
    if row is None:
        Operation.objects.bulk_create([Operation(vendor=vendor(seller), name=name)], ignore_conflicts=True)
        row = Operation.objects.select_related("vendor").get(vendor_id=seller, name=name)
    return row


def vendor(name: str) -> Vendor:
    """The vendor's row. Raises KeyError for a vendor that is not in `settings.VENDORS`."""
    settings.VENDORS[name]
    return Vendor.objects.get_or_create(name=name)[0]
