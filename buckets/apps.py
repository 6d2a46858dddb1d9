from django.apps import AppConfig


class BucketsConfig(AppConfig):
    name = "buckets"

    def ready(self) -> None:
        from buckets.selectors import buckets_seen_by, failed_imports, stopped_fills
        from buckets.services import add_to_counters
        from common.needs import needs_attention
        from leads import registries

        registries.write_counters_with(add_to_counters)
        registries.find_buckets_with(buckets_seen_by)
        needs_attention(90, stopped_fills)
        needs_attention(100, failed_imports)
