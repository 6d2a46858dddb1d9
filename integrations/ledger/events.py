"""What webhooks are told of vendors."""

from __future__ import annotations

from accounts.webhooks import emit_to_every_team
from integrations.models import Vendor


def tell_paused(vendor_name: str) -> None:
    """Called right before the vendor is paused, in that transaction: of one that is paused already nothing is told."""
    if Vendor.objects.filter(pk=vendor_name, enabled=True, paused_reason="").exists():
        data = {"vendor": vendor_name, "status": "paused"}
        emit_to_every_team("vendor.paused", object_id=vendor_name, data=data)
