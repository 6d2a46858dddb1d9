from functools import partial

from django.apps import AppConfig
from django.urls import reverse


class LeadsConfig(AppConfig):
    name = "leads"

    def ready(self) -> None:
        from django.core.checks import Tags, register

        from accounts.models import IdempotentRequest, Notification
        from accounts.notices.registries import leads_to
        from accounts.webhooks.registries import register_event
        from common.commands.base import REFUSE_FIRST
        from common.needs import needs_attention
        from integrations.lookups import forgotten
        from integrations.models import PhoneReveal, UnreadableAnswer
        from leads.bulk import kinds as bulk
        from leads.bulk.assigning import ASSIGN
        from leads.bulk.noting import ACTIVITY, EXPORT
        from leads.bulk.statuses import STATUS
        from leads.bulk.suppressing import DO_NOT_CONTACT
        from leads.bulk.tagging import TAG, UNTAG
        from leads.calendar import forgetting as calendars
        from leads.keys.key_secrets import check_database, refuse_wrong
        from leads.models import Activity, BulkJob, CustomField, Event, Merge, SavedView, StatusLabel, Tag, Upload
        from leads.privacy import blanking, reporting, telling
        from leads.privacy.filtering import cleaned
        from leads.privacy.places import in_answers, in_bodies, in_texts, search_in, tell_also
        from leads.selectors import callbacks_due, events_due

        forgotten.clean_with(cleaned)
        leads_to("leads.event", lambda event_id: reverse("calendar_event", args=[event_id]))
        search_in("leads", blanking.in_leads, reporting.leads)
        search_in("purchased data", blanking.in_lookups, reporting.purchased)
        search_in("leads again", blanking.in_new_leads, "The same rows as leads.")
        search_in("keys", blanking.in_keys, "Hashes and last digits of what leads hold, and told with them.")
        search_in("activities", in_texts(Activity, ("text",)), reporting.activities)
        search_in(
            "saved views",
            blanking.in_views,
            telling.in_texts(SavedView, ("name", "query"), what="Saved view", team="team", by_name=True),
        )
        search_in("tags", blanking.in_tags, telling.in_texts(Tag, ("name",), what="Tag", team="team", by_name=True))
        search_in(
            "notifications",
            in_texts(Notification, ("words",)),
            telling.in_texts(Notification, ("words",), what="Notification", team="team"),
        )
        search_in(
            "status labels",
            blanking.in_named(StatusLabel),
            telling.in_texts(StatusLabel, ("name",), what="Status label", team="team", by_name=True),
        )
        search_in(
            "custom fields",
            blanking.in_named(CustomField),
            telling.in_texts(CustomField, ("name", "choices"), what="Custom field", team="team", by_name=True),
        )
        both, changed = ("older", "younger"), ("before", "after")
        search_in(
            "merges",
            in_texts(Merge, changed),
            telling.in_texts(Merge, changed, what="Two leads merged", team="older__team", leads=both, at="merged_at"),
        )
        phones, unreadable = "Phones that a vendor delivered", "Answer of a vendor that cannot be read"
        search_in("phones delivered", in_bodies(PhoneReveal, "raw"), telling.in_bodies(PhoneReveal, "raw", what=phones))
        search_in(
            "unreadable answers",
            in_bodies(UnreadableAnswer, "raw"),
            telling.in_bodies(UnreadableAnswer, "raw", what=unreadable),
        )
        search_in(
            "repeated requests",
            in_answers(IdempotentRequest, "body"),
            telling.in_bodies(IdempotentRequest, "body", what="Answer kept for a repeated request"),
        )
        search_in("evidence", blanking.in_evidence, reporting.evidence)
        search_in(
            "waiting lists",
            blanking.in_upload_pieces,
            "Files of phones and e-mails alone, told as suppressions and consents.",
        )
        search_in(
            "lists",
            in_texts(Upload, ("file_name", "options", "error")),
            telling.in_texts(Upload, ("file_name", "options", "error"), what="Uploaded list", team="team"),
        )
        for kind in (TAG, UNTAG, STATUS, ASSIGN, ACTIVITY, EXPORT, DO_NOT_CONTACT):
            bulk.register(kind)
        of_job = ("arguments", "error")
        search_in(
            "bulk jobs", in_texts(BulkJob, of_job), telling.in_texts(BulkJob, of_job, what="Bulk job", team="team")
        )
        said = (*calendars.TEXTS, *calendars.GUEST)
        search_in(
            "calendars",
            calendars.in_events,
            telling.in_texts(
                Event, said, what="In a calendar", team="team", beside=("kind", "starts_at"), leads=("lead",)
            ),
        )
        tell_also("contact access log", reporting.shown)
        tell_also("suppressions", reporting.suppressions)
        tell_also("users", reporting.users)
        needs_attention(40, callbacks_due)
        needs_attention(41, events_due)
        register_event("bulk.finished", "A bulk job is done, undone or stopped.")
        register_event("lead.status_changed", "A lead has moved to another status.")
        register_event("callback.due", "The time to call an owner back has come.")
        register_event("appointment.booked", "An appointment stands: a guest has confirmed it, or a person planned it.")
        register_event("contact.opted_out", "An owner has asked not to be contacted, or the carrier says so.")
        REFUSE_FIRST.append(partial(refuse_wrong, logged=False))
        register(check_database, Tags.database)
