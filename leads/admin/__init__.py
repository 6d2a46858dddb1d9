"""Leads, their tags and history, and the record of who saw whose contacts."""

from leads.admin.leads import LeadAdmin
from leads.admin.tags_and_logs import ActivityAdmin, DisclosureAdmin, TagAdmin

__all__ = ["ActivityAdmin", "DisclosureAdmin", "LeadAdmin", "TagAdmin"]
