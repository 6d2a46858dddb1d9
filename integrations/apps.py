import logging

from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    name = "integrations"

    def ready(self) -> None:
        """Whatever logs an address, no token of the webhook is read there: it is all that a push is known by."""
        from accounts.models import User
        from common.admin_extensions import Extension, extend
        from common.needs import needs_attention
        from integrations.admin.money import month, today, with_spent
        from integrations.operating.needs import billing_checks, caps_nearly_used, vendors_down
        from integrations.vendors.apollo.webhook import HideTokens

        for name in ("gunicorn.access", "django.request", "django.server", "urllib3.connectionpool"):
            logging.getLogger(name).addFilter(HideTokens())
        extend(User, Extension(columns=(month, today), rows=with_spent))
        needs_attention(20, vendors_down)
        needs_attention(30, billing_checks)
        needs_attention(70, caps_nearly_used)
