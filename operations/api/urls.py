from django.urls import path

from operations.api.audit import AuditView
from operations.api.search import SearchView

urlpatterns = [
    path("search", SearchView.as_view(), name="api-search"),
    path("audit", AuditView.as_view(), name="audit"),
]
