"""Runs and their items, and what buckets gain up here: buying, with the price first."""

from enrichment.admin import buckets, leads, runs, schedules, users

__all__ = ["buckets", "leads", "runs", "schedules", "users"]
