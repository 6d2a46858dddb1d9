"""The vendors and what they sell; every fact ever bought, every call, and the money. No key is kept here."""

from integrations.models.billed_day import BilledDay
from integrations.models.budget import Balance, Budget, BudgetChange
from integrations.models.lookup import Lookup
from integrations.models.operation import MONEY, Operation
from integrations.models.phone_reveal import PhoneReveal
from integrations.models.property_name import NameRefresh, PropertyName
from integrations.models.retention import Dropped, SpentBefore
from integrations.models.unreadable_answer import UnreadableAnswer
from integrations.models.vendor import Vendor
from integrations.models.vendor_call import VendorCall

__all__ = [
    "MONEY",
    "Balance",
    "BilledDay",
    "Budget",
    "BudgetChange",
    "Dropped",
    "Lookup",
    "NameRefresh",
    "Operation",
    "PhoneReveal",
    "PropertyName",
    "SpentBefore",
    "UnreadableAnswer",
    "Vendor",
    "VendorCall",
]
