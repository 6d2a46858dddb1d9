import logging

from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    name = "integrations"

    def ready(self) -> None:
        """Look-ups follow the calls that buy them. No log shows a token of the webhook: it is a push's only proof."""
        from accounts.models import User
        from accounts.webhooks.registries import register_event
        from common.admin_extensions import Extension, extend
        from common.needs import needs_attention
        from integrations.admin.money import month, today, with_spent
        from integrations.ledger import dependents
        from integrations.lookups import answers
        from integrations.operating.needs import billing_checks, caps_nearly_used, vendors_down
        from integrations.vendors.apollo.webhook import HideTokens

        dependents.register(freed=answers.free, doubted=answers.doubt)
        for name in ("gunicorn.access", "django.request", "django.server", "urllib3.connectionpool"):
            logging.getLogger(name).addFilter(HideTokens())
        extend(User, Extension(columns=(month, today), rows=with_spent))
        needs_attention(20, vendors_down)
        needs_attention(30, billing_checks)
        needs_attention(70, caps_nearly_used)
        register_event("budget.nearly_used", "80% or 100% of a person's, a team's or a job's limit is used.")
        register_event("vendor.paused", "Nothing more is bought from a vendor until an operator resumes it.")
