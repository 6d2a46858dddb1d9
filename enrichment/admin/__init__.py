"""Runs and their items, and what buckets gain up here: buying, with the price first."""

from enrichment.admin import buckets, periodic, runs, schedules, users

__all__ = ["buckets", "periodic", "runs", "schedules", "users"]
