"""Leads of a bucket that was deleted: they are nobody's at once, and are deleted by pieces."""
