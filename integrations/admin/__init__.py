"""Vendors, what they sell, and the money. No key is shown."""

from integrations.admin import money, vendor_requests, vendors

__all__ = ["money", "vendor_requests", "vendors"]
