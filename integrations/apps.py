import logging

from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    name = "integrations"

    def ready(self) -> None:
        """Whatever logs an address, no token of the webhook is read there: it is all that a push is known by."""
        from integrations.vendors.apollo.webhook import HideTokens

        for name in ("gunicorn.access", "django.request", "django.server", "urllib3.connectionpool"):
            logging.getLogger(name).addFilter(HideTokens())
