"""Suppressions, consents, their lists, and the team's company."""

from leads.admin.permission.consents import ConsentAdmin
from leads.admin.permission.lists import UploadAdmin
from leads.admin.permission.sellers import SellerAdmin
from leads.admin.permission.suppressions import SuppressionAdmin

__all__ = ["ConsentAdmin", "SellerAdmin", "SuppressionAdmin", "UploadAdmin"]
