from django.apps import AppConfig


class BucketsConfig(AppConfig):
    name = "buckets"

    def ready(self) -> None:
        from accounts.webhooks.registries import register_event
        from buckets.bulk.copying import COPY
        from buckets.bulk.moving import MOVE
        from buckets.imports import forgetting
        from buckets.models import Bucket, Fill, Import, ImportedChange
        from buckets.selectors import buckets_seen_by, failed_imports, stopped_fills
        from buckets.services import add_to_counters
        from common.needs import needs_attention
        from leads import registries
        from leads.bulk import kinds as bulk
        from leads.privacy import telling
        from leads.privacy.places import in_texts, search_in, search_with_lead

        registries.write_counters_with(add_to_counters)
        registries.find_buckets_with(buckets_seen_by)
        bulk.register(MOVE)
        bulk.register(COPY)
        needs_attention(90, stopped_fills)
        needs_attention(100, failed_imports)
        search_with_lead(forgetting.with_lead)
        changed, change = ("before", "after"), "Changed by an import"
        search_in(
            "import changes",
            in_texts(ImportedChange, changed),
            telling.in_texts(ImportedChange, changed, what=change, team="lead__team", leads=("lead",), at=""),
        )
        search_in("failed rows", forgetting.in_failures, forgetting.tell_failures)
        search_in("waiting files", forgetting.in_pieces, forgetting.tell_pieces)
        for place, model, columns, what in (
            ("imports", Import, ("file_name", "columns", "constants", "error"), "Import of a file"),
            ("buckets", Bucket, ("name", "description", "filters"), "Bucket"),
            ("fills", Fill, ("criteria", "pending_slices", "error"), "Search that fills a bucket"),
        ):
            team = "team" if model is Bucket else "bucket__team"
            search_in(place, in_texts(model, columns), telling.in_texts(model, columns, what=what, team=team))
        register_event("bucket.filled", "A search, a combination or a copy has been saved into a bucket to its end.")
        register_event("import.completed", "A file has been imported to its end.")
