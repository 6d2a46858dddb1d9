"""Runs and their items, and what the pages of buckets, leads and users gain up here."""

from enrichment.admin import runs, schedules

__all__ = ["runs", "schedules"]
