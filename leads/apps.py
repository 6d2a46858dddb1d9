from django.apps import AppConfig


class LeadsConfig(AppConfig):
    name = "leads"

    def ready(self) -> None:
        from common.needs import needs_attention
        from leads.selectors import callbacks_due

        needs_attention(40, callbacks_due)
