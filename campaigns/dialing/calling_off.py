"""Callbacks of owners who are not to be called any more are cancelled, with a line in the lead's history."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from campaigns.gate.predicates import callback_is_off
from leads.calendar import callbacks
from leads.calendar.planning import note_on_lead
from leads.locks import lock_leads
from leads.models import Activity, Event, Lead, LeadKey

CALLED_OFF = "Cancelled: the owner is not to be called any more"


def on_suppressed(key_ids: Collection[int], _reason: str) -> None:
    """Registered in `leads.registries.on_suppressed`. After the commit: leads are locked after all that is locked for
    an opt-out. What a process that was killed in between left, `call_off` of the hourly sweep cancels.
    """
    hers = Exists(LeadKey.objects.filter(lead=OuterRef("pk"), key__in=list(key_ids)))
    transaction.on_commit(partial(call_off, Q(hers)), robust=True)


def call_off(leads: Q | None = None) -> int:
    """Of these leads, or all. What was planned after it stays: the calendar marks it. Returns how many."""
    off = Lead.objects.filter(leads or Q(), callback_is_off()).order_by("pk")
    cancelled = 0
    for pk in list(off.values_list("pk", flat=True)):
        with transaction.atomic():
            list(lock_leads([pk]).only("pk"))
            if off.filter(pk=pk).exists() and callbacks.end([pk], Event.Status.CANCELLED):
                note_on_lead(pk, None, Activity.Kind.CALLBACK, CALLED_OFF)
                cancelled += 1
    return cancelled
