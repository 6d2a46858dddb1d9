from django.apps import AppConfig


class BucketsConfig(AppConfig):
    name = "buckets"

    def ready(self) -> None:
        from buckets.selectors import buckets_seen_by
        from buckets.services import add_to_counters
        from leads import registries

        registries.write_counters_with(add_to_counters)
        registries.find_buckets_with(buckets_seen_by)
