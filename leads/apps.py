from functools import partial

from django.apps import AppConfig
from django.urls import reverse


class LeadsConfig(AppConfig):
    name = "leads"

    def ready(self) -> None:
        from django.core.checks import Tags, register

        from accounts.notices.registries import leads_to
        from accounts.webhooks.registries import register_event
        from common.commands.base import REFUSE_FIRST
        from common.needs import needs_attention
        from leads.bulk import kinds as bulk
        from leads.bulk.assigning import ASSIGN
        from leads.bulk.fields import FIELD
        from leads.bulk.noting import ACTIVITY, EXPORT
        from leads.bulk.statuses import STATUS
        from leads.bulk.suppressing import DO_NOT_CONTACT
        from leads.bulk.tagging import TAG, UNTAG
        from leads.keys.key_secrets import check_database, refuse_wrong
        from leads.privacy import registering as privacy
        from leads.selectors import callbacks_due, events_due

        privacy.register()
        leads_to("leads.event", lambda event_id: reverse("calendar_event", args=[event_id]))
        for kind in (TAG, UNTAG, STATUS, FIELD, ASSIGN, ACTIVITY, EXPORT, DO_NOT_CONTACT):
            bulk.register(kind)
        needs_attention(40, callbacks_due)
        needs_attention(41, events_due)
        register_event("bulk.finished", "A bulk job is done, undone or stopped.")
        register_event("lead.status_changed", "A lead has moved to another status.")
        register_event("callback.due", "The time to call an owner back has come.")
        register_event("appointment.booked", "An appointment stands: a guest has confirmed it, or a person planned it.")
        register_event("contact.opted_out", "An owner has asked not to be contacted, or the carrier says so.")
        REFUSE_FIRST.append(partial(refuse_wrong, logged=False))
        register(check_database, Tags.database)
