"""What the first page shows. From counters, budgets, indexes and counts with an end: over a million leads the same."""

from operations.home.charts import contacts_by_week
from operations.home.checklist import first_steps
from operations.home.money import leads_today, money, month, vendor_money
from operations.home.pipeline import pipeline
from operations.home.stock import came_of, open_runs, stock
from operations.home.talks import COUNTED_AT_MOST
from operations.home.today import needs, today

__all__ = [
    "COUNTED_AT_MOST",
    "came_of",
    "contacts_by_week",
    "first_steps",
    "leads_today",
    "money",
    "month",
    "needs",
    "open_runs",
    "pipeline",
    "stock",
    "today",
    "vendor_money",
]
