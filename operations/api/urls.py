from django.urls import path

from operations.api import reports
from operations.api.audit import AuditView
from operations.api.search import SearchView

urlpatterns = [
    path("search", SearchView.as_view(), name="api-search"),
    path("audit", AuditView.as_view(), name="audit"),
    path("reports/spend", reports.SpendView.as_view(), name="report-spend"),
    path("reports/spend/csv", reports.SpendFileView.as_view(), name="report-spend-file"),
    path("reports/reachable-owners", reports.ReachView.as_view(), name="report-reachable-owners"),
    path("reports/overlap", reports.OverlapView.as_view(), name="report-overlap"),
]
