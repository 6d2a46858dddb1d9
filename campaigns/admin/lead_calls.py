"""Calling from a lead's page: the press that asks the gate, how the call ended by one press, and taking that back."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from accounts.access import Access, Scope, access
from campaigns.admin.dialer import REFUSED, SHOWN_FOR_TAKING_BACK, dial, may_dial
from campaigns.dialing import disposing
from campaigns.dialing.before import undisposed
from campaigns.dialing.dispositions import of_team
from campaigns.dialing.sight import zones_of
from campaigns.models import CallAttempt
from campaigns.planning.refusals import CampaignError
from common.admin_extensions import Done
from common.admin_teams import refuse
from common.db.clock import database_now
from leads.admin.base import spaced
from leads.calendar import clock
from leads.calendar.words import read_when
from leads.models import Lead


def context(request: HttpRequest, lead: Lead, person: Access) -> dict[str, Any]:
    """What the page shows of calling: her open call, how it may have ended, the last outcome she may take back."""
    if not may_dial(request) or person.team_id is None:
        return {}
    attempt = undisposed(person)
    mine = attempt if attempt is not None and attempt.lead_id == lead.pk else None
    return {
        "may_call": True,
        "open_call": _told(mine) if mine else None,
        "other_call": attempt if attempt is not None and mine is None else None,
        "outcomes": of_team(person.team_id),
        "call_note": request.POST.get("note", "")[: disposing.NOTE_MOST],
        "call_when": request.POST.get("when", "")[:100],
        "taking_back": _taken_back(request, person),
    }


def _told(attempt: CallAttempt) -> dict[str, Any]:
    is_tel, is_open = attempt.mode == CallAttempt.Mode.TEL, attempt.ended_at is None
    dial_by = f"tel:{attempt.number}" if is_tel and is_open and attempt.number else ""
    return {"attempt": attempt, "dial": dial_by, "called": spaced(attempt.number or "number unknown")}


def _taken_back(request: HttpRequest, person: Access) -> CallAttempt | None:
    """Her last outcome, while it may be taken back."""
    kept = request.session.get(SHOWN_FOR_TAKING_BACK, "")
    if not kept:
        return None
    rows = CallAttempt.objects.filter(pk=kept, by=person.user, team=person.team_id, suppressed_at__isnull=True)
    rows = rows.filter(suppress_at__gt=database_now())
    return rows.select_related("disposition", "lead").first()


def _person(request: HttpRequest) -> Access:
    for scope in (Scope.CONTACTS, Scope.WRITE):
        if not access(request).can(scope):
            raise refuse(scope)
    return access(request)


def call(_model_admin: Any, request: HttpRequest, lead: Lead) -> Done | HttpResponse:
    """The gate answers, and only then is there something to dial. A vendor's call is followed on the dialer's page."""
    try:
        attempt = dial(_person(request), lead.pk, None, request.POST.get("number", ""))
    except CampaignError as error:
        return Done(trouble=str(error))
    if attempt.ended_at is not None and attempt.error_words:
        return Done(trouble=f"Nobody was called: {attempt.error_words}")
    return Done() if attempt.mode == CallAttempt.Mode.TEL else redirect("admin:campaigns_callattempt_dialer")


def outcome(_model_admin: Any, request: HttpRequest, lead: Lead) -> Done:
    """How the call ended: the one that is open here, else one that she made on her own phone."""
    person, given = _person(request), request.POST
    open_call, code, note = undisposed(person), given.get("code", "").replace("\0", ""), given.get("note", "").strip()
    try:
        if open_call is not None and open_call.lead_id == lead.pk:
            ended = disposing.dispose(
                person, open_call.pk, code=code, note=note, at=_when(request, lead, person, open_call.number)
            )
            request.session[SHOWN_FOR_TAKING_BACK] = str(ended.pk) if ended.suppress_at else ""
            label = ended.disposition.label if ended.disposition else ""
        else:
            at, seen = _when(request, lead, person, lead.phone), given.get("seen", "")
            said = disposing.log_call(
                person, lead, code=code, note=note, at=at, seen=int(seen) if _is_count(seen) else None
            )
            label = said.label
    except REFUSED as error:
        return Done(trouble=str(error))
    return Done(words=f"{label}: saved.", goes_on=not given.get("stay"))


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def _when(request: HttpRequest, lead: Lead, person: Access, number: str | None) -> datetime | None:
    """The time in words, by the lead's clock; of several zones the one where it is earliest. Raises BadTime."""
    text, now = request.POST.get("when", "").strip()[:100], clock.now()
    if not text:
        return None
    zones = zones_of(lead, number) or [person.user.time_zone]
    zone = min(zones, key=lambda one: timezone.localtime(now, ZoneInfo(one)).replace(tzinfo=None))
    return read_when(text, zone, now)


def take_back(_model_admin: Any, request: HttpRequest, lead: Lead) -> Done | HttpResponse:
    """The key was a slip: the lead it was about comes again, with its call to be told anew."""
    person = _person(request)
    row = _taken_back(request, person)
    try:
        if row is None:
            raise CampaignError("TOO_LATE", "It is too late to take this back.")
        disposing.take_back(person, row.pk)
    except CampaignError as error:
        return Done(trouble=str(error))
    request.session[SHOWN_FOR_TAKING_BACK] = ""
    return redirect("admin:leads_lead_change", row.lead_id or lead.pk)


ACTS = {"call": call, "outcome": outcome, "take-back": take_back}
