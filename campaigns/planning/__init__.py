"""Drafts of campaigns: whom, in which steps, with which texts."""
