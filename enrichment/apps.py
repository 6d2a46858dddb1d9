from django.apps import AppConfig


class EnrichmentConfig(AppConfig):
    name = "enrichment"

    def ready(self) -> None:
        from enrichment.selectors import leads_waiting_for
        from integrations.ledger import waiting

        waiting.count_with(leads_waiting_for)
