"""Changing the rule table: forward only, by superusers."""
