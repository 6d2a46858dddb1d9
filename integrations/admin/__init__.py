"""Vendors, what they sell, and the money. No key is shown."""

from integrations.admin import money, vendors

__all__ = ["money", "vendors"]
