"""One activity logged about many leads; and leads written down for a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accounts.access import Access, Scope
from leads.bulk.kinds import Arguments, Done, Kind, Work, choice_in, said, text_in
from leads.models import Activity
from leads.privacy.filtering import kept_in
from leads.services import add_activities

# What a person does to many at once: a callback has a time of its own, an appointment a place.
KINDS = [Activity.Kind.NOTE, Activity.Kind.CALL, Activity.Kind.SMS, Activity.Kind.EMAIL, Activity.Kind.VOICEMAIL]
TEXT_MAX = 2000


def _read_activity(_access: Access, given: Mapping[str, Any]) -> Arguments:
    said(given, "kind", "text")
    kind = choice_in(given, "kind", [one.value for one in KINDS], Activity.Kind.NOTE)
    text = text_in(given, "text", TEXT_MAX, needed=kind == Activity.Kind.NOTE)
    return {"kind": kind, "text": kept_in(Activity(), "text", text)}


def _note(work: Work) -> Done:
    given = work.job.arguments
    return Done(add_activities(lead_ids=work.lead_ids, by=work.access.user, kind=given["kind"], text=given["text"]))


def _read_export(_access: Access, given: Mapping[str, Any]) -> Arguments:
    said(given, "format")
    return {"format": choice_in(given, "format", ["csv", "xlsx"], "csv")}


ACTIVITY = Kind("activity", _read_activity, _note)
EXPORT = Kind("export", _read_export, None, (Scope.EXPORT, Scope.CONTACTS), at_once=True)
