from django.urls import path

from leads.api import board, fields, statuses
from leads.api.assigning import AssignView
from leads.api.bulk import BulkCancelView, BulkFileView, BulkJobsView, BulkJobView, BulkUndoView
from leads.api.changes import LeadChangesView
from leads.api.map import LeadsMapView
from leads.api.merging import MergedView, SeparateView
from leads.api.owners import OneOwnerView
from leads.api.permission import consents, sellers, suppressions, uploads
from leads.api.persons import ForgetView, ReportView
from leads.api.saved_views import SavedViewsView, SavedViewView
from leads.api.views import (
    ActivitiesView,
    CallbacksView,
    CallbackView,
    LeadTagsView,
    OwnerView,
    TagsView,
    TagView,
)

urlpatterns = [
    path("leads/board", board.BoardView.as_view(), name="board"),
    path("leads/<uuid:lead_id>/move", board.MoveView.as_view(), name="lead-move"),
    path("leads/statuses", statuses.LabelsView.as_view(), name="status-labels"),
    path("leads/statuses/<uuid:label_id>", statuses.LabelView.as_view(), name="status-label"),
    path("leads/statuses/<uuid:label_id>/restore", statuses.LabelRestoreView.as_view(), name="status-label-restore"),
    path("leads/fields", fields.FieldsView.as_view(), name="custom-fields"),
    path("leads/fields/<uuid:field_id>", fields.FieldView.as_view(), name="custom-field"),
    path("leads/fields/<uuid:field_id>/restore", fields.FieldRestoreView.as_view(), name="custom-field-restore"),
    path("leads/assign", AssignView.as_view(), name="leads-assign"),
    path("leads/bulk", BulkJobsView.as_view(), name="leads-bulk"),
    path("leads/bulk/<uuid:job_id>", BulkJobView.as_view(), name="leads-bulk-job"),
    path("leads/bulk/<uuid:job_id>/cancel", BulkCancelView.as_view(), name="leads-bulk-cancel"),
    path("leads/bulk/<uuid:job_id>/undo", BulkUndoView.as_view(), name="leads-bulk-undo"),
    path("leads/bulk/<uuid:job_id>/file", BulkFileView.as_view(), name="leads-bulk-file"),
    path("leads/changes", LeadChangesView.as_view(), name="lead-changes"),
    path("leads/views", SavedViewsView.as_view(), name="lead-views"),
    path("leads/views/<uuid:view_id>", SavedViewView.as_view(), name="lead-view"),
    path("leads/map", LeadsMapView.as_view(), name="leads-map"),
    path("leads/<uuid:lead_id>/activities", ActivitiesView.as_view(), name="lead-activities"),
    path("leads/<uuid:lead_id>/owner", OwnerView.as_view(), name="lead-owner"),
    path("leads/<uuid:lead_id>/callback", CallbackView.as_view(), name="lead-callback"),
    path("leads/<uuid:lead_id>/merged", MergedView.as_view(), name="lead-merged"),
    path("leads/<uuid:lead_id>/separate", SeparateView.as_view(), name="lead-separate"),
    path("leads/<uuid:lead_id>/tags", LeadTagsView.as_view(), name="lead-tags"),
    path("owners/<str:owner_key>", OneOwnerView.as_view(), name="owner"),
    path("persons/forget", ForgetView.as_view(), name="person-forget"),
    path("persons/report", ReportView.as_view(), name="person-report"),
    path("suppressions", suppressions.SuppressionsView.as_view(), name="suppressions"),
    path("suppressions/<uuid:suppression_id>", suppressions.SuppressionView.as_view(), name="suppression"),
    path("suppressions/check", suppressions.SuppressionCheckView.as_view(), name="suppressions-check"),
    path("suppressions/import", uploads.ImportSuppressionsView.as_view(), name="suppressions-import"),
    path("consents", consents.ConsentsView.as_view(), name="consents"),
    path("consents/import", uploads.ImportConsentsView.as_view(), name="consents-import"),
    path("scrubs/import", uploads.ImportScrubView.as_view(), name="scrubs-import"),
    path("uploads", uploads.UploadsView.as_view(), name="uploads"),
    path("uploads/<uuid:upload_id>", uploads.UploadView.as_view(), name="upload"),
    path("uploads/<uuid:upload_id>/start", uploads.UploadStartView.as_view(), name="upload-start"),
    path("uploads/<uuid:upload_id>/withdraw", uploads.UploadWithdrawView.as_view(), name="upload-withdraw"),
    path("uploads/<uuid:upload_id>/refused", uploads.UploadRefusedView.as_view(), name="upload-refused"),
    path("sellers", sellers.SellersView.as_view(), name="sellers"),
    path("callbacks", CallbacksView.as_view(), name="callbacks"),
    path("tags", TagsView.as_view(), name="tags"),
    path("tags/<uuid:tag_id>", TagView.as_view(), name="tag"),
]
