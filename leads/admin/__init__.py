"""Leads, their tags and history, and the record of who saw whose contacts."""

from leads.admin.bulk_jobs import BulkJobAdmin
from leads.admin.leads import LeadAdmin
from leads.admin.own_lists import CustomFieldAdmin, StatusLabelAdmin
from leads.admin.permission import ConsentAdmin, SellerAdmin, SuppressionAdmin, UploadAdmin
from leads.admin.tags_and_logs import ActivityAdmin, TagAdmin

__all__ = [
    "ActivityAdmin", "BulkJobAdmin", "ConsentAdmin", "CustomFieldAdmin", "LeadAdmin", "SellerAdmin", "StatusLabelAdmin",
    "SuppressionAdmin", "TagAdmin", "UploadAdmin",
]  # fmt: skip
