"""Where leads hold personal data: called once, from `LeadsConfig.ready`."""

from __future__ import annotations

from accounts.models import IdempotentRequest, Notification
from integrations.lookups import forgotten
from integrations.models import PhoneReveal, UnreadableAnswer
from leads.calendar import forgetting as calendars
from leads.models import Activity, BulkJob, CustomField, Event, Merge, SavedView, StatusLabel, Tag, Upload
from leads.privacy import blanking, reporting, telling
from leads.privacy.filtering import cleaned
from leads.privacy.places import in_answers, in_bodies, in_texts, search_in, search_with_lead, tell_also


def register() -> None:
    forgotten.clean_with(cleaned)
    _leads()
    _what_people_type()
    _what_was_kept()
    _lists()
    tell_also("contact access log", reporting.shown)
    tell_also("suppressions", reporting.suppressions)
    tell_also("users", reporting.users)


def _leads() -> None:
    search_in("leads", blanking.in_leads, reporting.leads)
    search_in("purchased data", blanking.in_lookups, reporting.purchased)
    search_in("leads again", blanking.in_new_leads, "The same rows as leads.")
    search_in("keys", blanking.in_keys, "Hashes and last digits of what leads hold, and told with them.")


def _what_people_type() -> None:
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


def _what_was_kept() -> None:
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


def _lists() -> None:
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
    of_job = ("arguments", "error")
    search_in("bulk jobs", in_texts(BulkJob, of_job), telling.in_texts(BulkJob, of_job, what="Bulk job", team="team"))
    search_in(
        "bulk changes",
        blanking.in_bulk_changes,
        "What stood in a custom field before a bulk job, for 30 days: what stands there now is told with the lead.",
    )
    search_with_lead(blanking.bulk_changes_of)
    said = (*calendars.TEXTS, *calendars.GUEST)
    search_in(
        "calendars",
        calendars.in_events,
        telling.in_texts(Event, said, what="In a calendar", team="team", beside=("kind", "starts_at"), leads=("lead",)),
    )
