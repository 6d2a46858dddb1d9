from django.urls import path

from enrichment.api import runs
from enrichment.api.apollo import ApolloView
from enrichment.api.bulk import BulkQuoteView, BulkStartView
from enrichment.api.combining import CombineView
from enrichment.api.events import RunEventsView
from enrichment.api.leads import LeadOfRunsView
from enrichment.api.schedules import RunScheduleView, SchedulesView, ScheduleView
from enrichment.api.views import ProcessView, QuoteView, UsageView

urlpatterns = [
    path("property/bucket/combine", CombineView.as_view(), name="combine"),
    path("property/bucket/process", ProcessView.as_view(), name="process"),
    path("property/bucket/<uuid:bucket_id>/quote", QuoteView.as_view(), name="quote"),
    path("leads/<uuid:lead_id>", LeadOfRunsView.as_view(), name="lead"),
    path("leads/bulk/<uuid:job_id>/quote", BulkQuoteView.as_view(), name="leads-bulk-quote"),
    path("leads/bulk/<uuid:job_id>/start", BulkStartView.as_view(), name="leads-bulk-start"),
    path("runs", runs.RunsView.as_view(), name="runs"),
    path("runs/<uuid:run_id>", runs.RunView.as_view(), name="run"),
    path("runs/<uuid:run_id>/items", runs.RunItemsView.as_view(), name="run-items"),
    path("runs/<uuid:run_id>/calls", runs.RunCallsView.as_view(), name="run-calls"),
    path("runs/<uuid:run_id>/events", RunEventsView.as_view(), name="run-events"),
    path("runs/<uuid:run_id>/pause", runs.PauseView.as_view(), name="run-pause"),
    path("runs/<uuid:run_id>/resume", runs.ResumeView.as_view(), name="run-resume"),
    path("runs/<uuid:run_id>/cancel", runs.CancelView.as_view(), name="run-cancel"),
    path("runs/<uuid:run_id>/retry-failed", runs.RetryFailedView.as_view(), name="run-retry-failed"),
    path("schedules", SchedulesView.as_view(), name="schedules"),
    path("schedules/<uuid:schedule_id>", ScheduleView.as_view(), name="schedule"),
    path("schedules/<uuid:schedule_id>/run", RunScheduleView.as_view(), name="schedule-run"),
    path("apollo/enrich", ApolloView.as_view(), name="apollo"),
    path("usage", UsageView.as_view(), name="usage"),
]
