from django.urls import path

from buckets.api.leads import BucketExportView, BucketLeadsView
from buckets.api.views import BucketFillView, BucketIdsView, BucketsView, BucketView

urlpatterns = [
    path("property/bucket", BucketsView.as_view(), name="buckets"),
    path("property/bucket/leads", BucketLeadsView.as_view(), name="bucket-leads"),
    path("property/bucket/<uuid:bucket_id>", BucketView.as_view(), name="bucket"),
    path("property/bucket/<uuid:bucket_id>/ids", BucketIdsView.as_view(), name="bucket-ids"),
    path("property/bucket/<uuid:bucket_id>/fill", BucketFillView.as_view(), name="bucket-fill"),
    path("property/bucket/<uuid:bucket_id>/export", BucketExportView.as_view(), name="bucket-export"),
]
