from django.apps import AppConfig


class EnrichmentConfig(AppConfig):
    name = "enrichment"

    def ready(self) -> None:
        from django.db.models import Exists, OuterRef

        from accounts.models import User
        from accounts.webhooks.registries import register_event
        from buckets.models import Bucket
        from buckets.registries import before_bucket_delete, before_bucket_piece, find_run_leads_with
        from common.admin_extensions import extend
        from common.needs import needs_attention
        from enrichment.admin import buckets, bulk_enrich, leads, users
        from enrichment.bulk.deleting import DELETE
        from enrichment.bulk.enriching import ENRICH
        from enrichment.models import Run, RunItem, Schedule
        from enrichment.reporting import needs
        from enrichment.selectors import leads_of_run, leads_waiting_for
        from enrichment.worker.lead_deletion import forget_places, lock_runs_of, stop_runs_of
        from integrations.ledger import waiting
        from integrations.models import PhoneReveal
        from leads.bulk import kinds as bulk
        from leads.models import BulkJob, Lead
        from leads.privacy import telling
        from leads.privacy.places import in_texts, search_in
        from leads.registries import before_leads_move, counts_as_queued, keeps_from_merging, keeps_lead

        waiting.count_with(leads_waiting_for)
        before_bucket_delete(stop_runs_of)
        before_bucket_piece(lock_runs_of)
        before_leads_move(forget_places)
        bulk.register(DELETE)
        bulk.register(ENRICH)
        find_run_leads_with(leads_of_run)
        in_run = RunItem.objects.filter(lead=OuterRef("pk"))
        keeps_lead("inRun", Exists(in_run))  # the run counts it
        counts_as_queued(Exists(in_run.exclude(stage=RunItem.Stage.DONE)))
        keeps_from_merging(Exists(in_run.exclude(stage=RunItem.Stage.DONE)))
        expected = PhoneReveal.objects.filter(state__in=(PhoneReveal.State.EARLY, *PhoneReveal.HOLDING))
        keeps_from_merging(Exists(in_run.filter(run_id__in=expected.values("call__run_id"))))  # phones are to come
        for model, extension in (
            (Bucket, buckets.EXTENSION),
            (Lead, leads.EXTENSION),
            (BulkJob, bulk_enrich.EXTENSION),
            (User, users.EXTENSION),
        ):
            extend(model, extension)
        needs_attention(10, needs.idle_workers)
        needs_attention(50, needs.paused_runs)
        needs_attention(60, needs.failed_schedules)
        needs_attention(80, needs.failed_runs)
        names, asked = ("bucket_name", "options", "reason"), ("bucket_name", "options")
        jobs = telling.in_texts(Run, names, what="Enrichment job", team="team")
        search_in("enrichment jobs", in_texts(Run, names), jobs)
        plans = telling.in_texts(Schedule, asked, what="Schedule", team="team")
        search_in("schedules", in_texts(Schedule, asked), plans)
        register_event("run.completed", "Every lead of an enrichment job is done.")
        register_event("run.paused", "An enrichment job has stopped until somebody acts.")
        register_event("leads.enriched", "Data has come for leads of an enrichment job, up to 500 ids an event.")
