import logging

from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    name = "integrations"

    def ready(self) -> None:
        """Look-ups follow the calls that buy them. No log shows a token of the webhook: it is a push's only proof."""
        from integrations.ledger import dependents
        from integrations.lookups import answers
        from integrations.vendors.apollo.webhook import HideTokens

        dependents.register(freed=answers.free, doubted=answers.doubt)

        for name in ("gunicorn.access", "django.request", "django.server", "urllib3.connectionpool"):
            logging.getLogger(name).addFilter(HideTokens())
