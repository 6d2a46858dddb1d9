from django.urls import path

from buckets.api.algebra import BucketDuplicateView
from buckets.api.by_hand import TeamLeadsView
from buckets.api.imports import (
    ImportFailedView,
    ImportStartView,
    ImportsView,
    ImportUndoView,
    ImportView,
    NewImportView,
)
from buckets.api.leads import BucketExportView, BucketLeadsView
from buckets.api.left_out import LeftOutView
from buckets.api.shares import SharesView, ShareView
from buckets.api.views import BucketFillView, BucketIdsView, BucketsView, BucketView

urlpatterns = [
    path("leads", TeamLeadsView.as_view(), name="leads"),
    path("property/bucket", BucketsView.as_view(), name="buckets"),
    path("property/bucket/leads", BucketLeadsView.as_view(), name="bucket-leads"),
    path("property/bucket/left-out", LeftOutView.as_view(), name="left-out"),
    path("property/bucket/import", NewImportView.as_view(), name="import-new"),
    path("property/bucket/<uuid:bucket_id>", BucketView.as_view(), name="bucket"),
    path("property/bucket/<uuid:bucket_id>/duplicate", BucketDuplicateView.as_view(), name="bucket-duplicate"),
    path("property/bucket/<uuid:bucket_id>/ids", BucketIdsView.as_view(), name="bucket-ids"),
    path("property/bucket/<uuid:bucket_id>/fill", BucketFillView.as_view(), name="bucket-fill"),
    path("property/bucket/<uuid:bucket_id>/shares", SharesView.as_view(), name="bucket-shares"),
    path("property/bucket/<uuid:bucket_id>/shares/<int:team_id>", ShareView.as_view(), name="bucket-share"),
    path("property/bucket/<uuid:bucket_id>/import", ImportsView.as_view(), name="bucket-imports"),
    path("property/bucket/<uuid:bucket_id>/import/<uuid:import_id>", ImportView.as_view(), name="bucket-import"),
    path(
        "property/bucket/<uuid:bucket_id>/import/<uuid:import_id>/start",
        ImportStartView.as_view(),
        name="bucket-import-start",
    ),
    path(
        "property/bucket/<uuid:bucket_id>/import/<uuid:import_id>/undo",
        ImportUndoView.as_view(),
        name="bucket-import-undo",
    ),
    path(
        "property/bucket/<uuid:bucket_id>/import/<uuid:import_id>/failed",
        ImportFailedView.as_view(),
        name="bucket-import-failed",
    ),
    path("property/bucket/<uuid:bucket_id>/export", BucketExportView.as_view(), name="bucket-export"),
]
