"""Buckets, the searches that fill them, and the page that finds properties for them, imports."""

from buckets.admin.buckets import BucketAdmin
from buckets.admin.fills import FillAdmin
from buckets.admin.imports import ImportAdmin

__all__ = ["BucketAdmin", "FillAdmin", "ImportAdmin"]
