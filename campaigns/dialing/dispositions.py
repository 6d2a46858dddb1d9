"""How a team's calls can end: ten shipped outcomes at first use, which its managers may change."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Case, IntegerField, Value, When
from django.db.models.functions import Cast
from django.utils import timezone

from accounts.access import Access, Scope
from accounts.audit import record
from campaigns.models import Disposition
from campaigns.planning.refusals import CampaignError
from leads.models import Lead

Outcome, Suppress = Disposition.Outcome, Disposition.Suppress
DAY = 1440  # minutes
LABEL_MAX, ATTEMPTS_MAX, RECYCLE_MAX = 40, 20, 90 * DAY
NEEDS = ("", "time", "note")
_STATUS = {Outcome.LOST: Lead.Status.LOST, Outcome.WON: Lead.Status.CLOSED}
_CODE = re.compile(r"[a-z][a-z0-9_]{0,19}")
# What may be said of an outcome; `code` when it is made alone.
FIELDS = ("label", "hotkey", "outcome", "recycle_minutes", "max_attempts", "next_number", "suppress", "lead_status",
          "needs")  # fmt: skip
_API = {
    "recycle_minutes": "recycleMinutes", "max_attempts": "maxAttempts", "next_number": "nextNumber",
    "lead_status": "leadStatus",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Seed:
    hotkey: str
    code: str
    label: str
    outcome: str
    recycle: int | None = None
    most: int = 1
    next_number: bool = False
    suppress: str = ""
    lead_status: str = ""
    needs: str = ""


SEEDS = (
    _Seed("1", "no_answer", "No answer", Outcome.NO_CONTACT, 240, 4, next_number=True),
    _Seed("2", "busy", "Busy", Outcome.NO_CONTACT, 30, 4),
    _Seed("3", "voicemail", "Left voicemail", Outcome.NO_CONTACT, 2 * DAY, 2),
    _Seed("4", "callback", "Call back", Outcome.CALLBACK, most=20, needs="time"),
    _Seed("5", "not_interested", "Not interested", Outcome.LOST, lead_status="lost"),
    _Seed("6", "wrong_number", "Wrong number", Outcome.BAD_NUMBER, most=20, suppress="call_sms"),
    _Seed("7", "disconnected", "Disconnected", Outcome.BAD_NUMBER, most=20, suppress="call_sms"),
    _Seed("8", "do_not_call", "Do not call", Outcome.DNC, suppress="any"),
    _Seed("9", "appointment", "Appointment", Outcome.APPOINTMENT, lead_status="qualified", needs="time"),
    _Seed("0", "interested", "Interested", Outcome.CONTACT, lead_status="qualified"),
)


def of_team(team_id: int, *, retired: bool = False) -> list[Disposition]:
    """The outcomes of a team, by their keys 1 to 9, then 0. retired: those that are offered no more, too."""
    rows = Disposition.objects.filter(team_id=team_id)
    if not rows.exists():
        Disposition.objects.bulk_create([_seeded(seed, team_id) for seed in SEEDS], ignore_conflicts=True)
    if not retired:
        rows = rows.filter(retired_at__isnull=True)
    place = Case(When(hotkey="0", then=Value(10)), default=Cast("hotkey", IntegerField()))
    return list(rows.order_by(place, "pk"))


def _seeded(seed: _Seed, team_id: int) -> Disposition:
    return Disposition(
        team_id=team_id, code=seed.code, label=seed.label, hotkey=seed.hotkey, outcome=seed.outcome,
        recycle_minutes=seed.recycle, max_attempts=seed.most, next_number=seed.next_number, suppress=seed.suppress,
        lead_status=seed.lead_status, needs=seed.needs,
    )  # fmt: skip


def of_code(team_id: int, code: str) -> Disposition:
    """One that is offered. Raises CampaignError INVALID `code`."""
    found = Disposition.objects.filter(team_id=team_id, code=code[:20], retired_at__isnull=True)
    if known := next(iter(found), None):
        return known
    for one in of_team(team_id):  # which may be its first use of them
        if one.code == code:
            return one
    raise CampaignError("INVALID", "There is no such outcome.", "code")


def status_after(outcome: Disposition) -> str:
    """The status that it gives the lead; '': none of its own."""
    return str(outcome.lead_status or _STATUS.get(Outcome(outcome.outcome), ""))


def make(access: Access, values: Mapping[str, Any]) -> Disposition:
    """A new outcome, of Disposition's fields. Raises CampaignError FORBIDDEN, INVALID naming the field."""
    team_id = _manages(access)
    of_team(team_id)
    made = Disposition(team_id=team_id)
    code = str(values.get("code", "")) or re.sub(r"[^a-z0-9]+", "_", str(values.get("label", "")).lower()).strip("_")
    made.code = code[:20]
    if not _CODE.fullmatch(made.code):
        raise CampaignError("INVALID", "A code is lowercase letters, digits and _, 20 at most.", "code")
    for name in ("label", "hotkey", "outcome"):
        if not values.get(name):
            raise CampaignError("INVALID", "Required.", name)
    _fill(made, values)
    return _saved(made, access, "call_outcome.created")


def change(access: Access, disposition_id: UUID, values: Mapping[str, Any]) -> Disposition:
    """Raises as `make`; NOT_FOUND. What `dnc` and `bad_number` do stays: their outcome and what they suppress."""
    team_id = _manages(access)
    row = _own(team_id, disposition_id)
    if row.outcome in (Outcome.DNC, Outcome.BAD_NUMBER):
        for name in ("outcome", "suppress"):
            if name in values and values[name] != getattr(row, name):
                words = f"“{row.label}” keeps what it does: change its name or its key."
                raise CampaignError("INVALID", words, _API.get(name, name))
    _fill(row, values)
    return _saved(row, access, "call_outcome.changed")


def retire(access: Access, disposition_id: UUID) -> Disposition:
    """It is offered no more; calls still tell of it. Raises CampaignError FORBIDDEN, NOT_FOUND, INVALID."""
    team_id = _manages(access)
    row = _own(team_id, disposition_id)
    if row.outcome == Outcome.DNC:
        others = Disposition.objects.filter(team_id=team_id, outcome=Outcome.DNC, retired_at__isnull=True)
        if not others.exclude(pk=row.pk).exists():
            raise CampaignError("INVALID", "Callers must always be able to say “do not call”.", "outcome")
    if row.retired_at is None:
        row.retired_at = timezone.now()
        _saved(row, access, "call_outcome.retired")
    return row


def _manages(access: Access) -> int:
    if access.team_id is None or not access.can(Scope.CAMPAIGN):
        raise CampaignError("FORBIDDEN", "A manager changes how calls can end.")
    return access.team_id


def _own(team_id: int, disposition_id: UUID) -> Disposition:
    found = Disposition.objects.filter(team_id=team_id, pk=disposition_id).first()
    if found is None:
        raise CampaignError("NOT_FOUND", "There is no such outcome.")
    return found


def _fill(row: Disposition, values: Mapping[str, Any]) -> None:
    """Only what is named changes. Raises CampaignError naming the field."""
    for name in FIELDS:
        if name in values:
            setattr(row, name, values[name])
    row.label = str(row.label).strip()
    if not 1 <= len(row.label) <= LABEL_MAX:
        raise CampaignError("INVALID", f"A name is 1 to {LABEL_MAX} characters.", "label")
    if not re.fullmatch(r"[0-9]", str(row.hotkey)):
        raise CampaignError("INVALID", "A key is one digit, 0 to 9.", "hotkey")
    _among("outcome", row.outcome, Outcome.values)
    _among("suppress", row.suppress, Suppress.values)
    _among("needs", row.needs, NEEDS)
    _among("lead_status", row.lead_status, ["", *Lead.Status.values])
    if row.recycle_minutes is not None and not 1 <= row.recycle_minutes <= RECYCLE_MAX:
        words = "Call again after 1 minute to 90 days; leave it out for never."
        raise CampaignError("INVALID", words, "recycleMinutes")
    if not 1 <= row.max_attempts <= ATTEMPTS_MAX:
        raise CampaignError("INVALID", f"1 to {ATTEMPTS_MAX} calls.", "maxAttempts")
    if row.outcome == Outcome.DNC and row.suppress != Suppress.ANY:
        raise CampaignError("INVALID", "“Do not call” stops calls, texts and e-mails.", "suppress")
    if row.outcome == Outcome.BAD_NUMBER and row.suppress not in (Suppress.CALL, Suppress.CALL_SMS):
        raise CampaignError("INVALID", "A bad number is not called again, by call or call_sms.", "suppress")
    if row.outcome in (Outcome.CALLBACK, Outcome.APPOINTMENT) and row.needs != "time":
        raise CampaignError("INVALID", "A callback or an appointment needs a time.", "needs")


def _among(name: str, value: object, allowed: Any) -> None:
    if value not in allowed:
        told = ", ".join(str(one) for one in allowed if one)
        raise CampaignError("INVALID", f"One of {told}, or nothing.", _API.get(name, name))


def _saved(row: Disposition, access: Access, action: str) -> Disposition:
    try:
        with transaction.atomic():
            row.save()
            after = {"code": row.code, "hotkey": row.hotkey, "outcome": row.outcome, "suppress": row.suppress}
            record(action, by=access.user, team_id=row.team_id, about=row, name=row.label, after=after)
    except IntegrityError as error:
        if "disposition_key_once" in str(error):
            raise CampaignError("INVALID", "Another outcome has this key.", "hotkey") from error
        if "disposition_code_once" in str(error):
            raise CampaignError("INVALID", "Another outcome has this code.", "code") from error
        raise
    return row
