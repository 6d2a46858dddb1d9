"""The vendor's call is ended from the page."""

from __future__ import annotations

import logging
from uuid import UUID

from campaigns.models import CallAttempt
from campaigns.voice import phones
from integrations.vendors import voice
from integrations.vendors.errors import VendorFailure

log = logging.getLogger(__name__)


def hang_up(attempt_id: UUID) -> None:
    """See `registering.hang_up`."""
    rows = CallAttempt.objects.filter(pk=attempt_id).values_list("mode", "agent_vendor_id")
    mode, vendor_id = rows.first() or ("", None)
    vendor = phones.VENDORS.get(mode)
    if vendor is None or not vendor_id:
        return
    try:
        voice.hang_up(vendor, vendor_id)
    except VendorFailure as failure:  # it has ended already, mostly
        log.info("Call %s could not be hung up: %s", attempt_id, failure.reason)
