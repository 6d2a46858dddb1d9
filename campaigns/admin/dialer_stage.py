"""What the dialer shows of the lead that is before a caller, in words: no query but those of `campaigns.dialing`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from accounts.access import Access, access
from campaigns import clock
from campaigns.dialing import dispositions
from campaigns.dialing.offering import Nobody, Number
from campaigns.dialing.sight import Due, Sight, callbacks_due, today_of
from campaigns.models import CallAttempt, Campaign, Disposition
from campaigns.texts.scripts import script_for
from campaigns.voice import phones
from campaigns.voice import registering as voice
from common import dates
from leads.admin.base import DO_NOT_CALL, groups, map_address, place, signals, spaced
from leads.facts.sources import name_of
from leads.models import Lead

_GROUPS = {"Money": "Value and equity", "Property": "Property", "Owner": "Owner", "Mailing address": "Mailing address"}
_OFF = {"APN", "County FIPS"}  # nobody reads them out
_LOOKS = {"dnc": "danger", "bad_number": "danger", "lost": "warning", "won": "success", "appointment": "success"}
_RINGS = {CallAttempt.Mode.TWILIO: "Your phone", CallAttempt.Mode.SIGNALHOUSE: "Your softphone"}
_ENDED = {"busy": "Busy", "no_answer": "No answer", "failed": "Could not be reached", "canceled": "Hung up unanswered"}
MINUTES = 30  # an appointment's, unless she says another length


def stage(
    request: HttpRequest,
    *,
    sight: Sight | None = None,
    nobody: Nobody | None = None,
    lists: Sequence[Campaign] = (),
    said: str = "",
    trouble: str = "",
    receipt: Any = None,
    undo: CallAttempt | None = None,
) -> dict[str, Any]:
    """The moving piece of the page. said, trouble: what became of her press. receipt: of a refusal, (lead, receipt).

    undo: her last call, whose outcome may be taken back for some seconds yet.
    """
    person = access(request)
    calls, contacts = today_of(person)
    told: dict[str, Any] = {
        "state": "nobody" if nobody else "start" if sight is None else "call" if sight.attempt else "offer",
        "nobody": nobody, "said": said, "trouble": trouble, "receipt": receipt, "undo": _undo(undo),
        "calls_today": calls, "contacts_today": contacts, "lists": lists, "due": _due(callbacks_due(person), person),
        "now": clock.now(), "zone": person.user.time_zone,
    }  # fmt: skip
    if sight is not None:
        told |= {"sight": sight, **_of_lead(sight, person), **_of_call(sight, person)}
    return told


def _undo(attempt: CallAttempt | None) -> dict[str, Any] | None:
    """The outcome that can be taken back, and for how long yet."""
    if attempt is None or attempt.suppress_at is None or attempt.suppressed_at or attempt.disposition is None:
        return None
    seconds = int((attempt.suppress_at - timezone.now()).total_seconds())
    return {"attempt": attempt.pk, "words": attempt.disposition.label, "seconds": seconds} if seconds > 0 else None


def _due(due: Due, person: Access) -> dict[str, Any]:
    """Her callbacks; whom they are about only where she may see that lead."""
    mine = [
        (
            dates.moment(one.starts_at),
            one.lead if one.lead and (not person.only_assigned or one.lead.assigned_to_id == person.user.pk) else None,
        )
        for one in due.mine
    ]
    return {"mine": mine, "many": due.many, "more": due.many - len(mine), "anyones": due.anyones}


# --- The lead ---------------------------------------------------------------------------------------------------------


def _of_lead(sight: Sight, person: Access) -> dict[str, Any]:
    lead, user = sight.lead, person.user
    if sight.is_gone:
        return {"name": "Lead deleted", "my_time": _time_in(user.time_zone)}
    return {
        "name": name_of(vars(lead)) or "Owner unknown",
        "second": lead.second_owner_name,
        "street": str(lead),
        "place": place(lead),
        "signals": signals(lead),
        "links": list(_links(lead)),
        "groups": [
            (_GROUPS[one.title], rows)
            for one in groups(lead)
            if one.title in _GROUPS and (rows := [(name, text) for name, text in one.rows if name not in _OFF])
        ],
        "clocks": [(zone, _time_in(zone)) for zone in sight.zones],
        "my_time": _time_in(user.time_zone),
        "script": script_for(sight.campaign, lead, user) if sight.campaign and sight.campaign.script else "",
        "others": sight.others,
        "timeline": sight.timeline,
    }


def _time_in(zone: str) -> str:
    """2:14 PM EDT."""
    local = timezone.localtime(clock.now(), ZoneInfo(zone))
    return f"{dates.clock(local.time())} {dates.zone_of(local)}"


def _links(lead: Lead) -> Any:
    """Of other sites: only a click asks for them."""
    if shown := map_address(lead):
        yield "Map", shown
    if lead.latitude is not None and lead.longitude is not None:
        point = f"{lead.latitude:.5f},{lead.longitude:.5f}"
        yield "Street view", f"https://www.google.com/maps/@?api=1&map_action=pano&viewpoint={point}"
    elif lead.property_address:
        yield "Map", f"https://www.openstreetmap.org/search?query={quote_plus(f'{lead}, {place(lead)}')}"
    if photo := _photo(lead.data or {}):
        yield "Photo", photo


def _photo(data: Mapping[str, str]) -> str:
    """A picture's address among a file's other columns."""
    named = (value for name, value in data.items() if any(word in name.lower() for word in ("photo", "image")))
    return next((str(one) for one in named if str(one).startswith("https://")), "")


# --- The call ---------------------------------------------------------------------------------------------------------


def _of_call(sight: Sight, person: Access) -> dict[str, Any]:
    attempt, team_id = sight.attempt, sight.lead.team_id
    mode = voice.mode()
    why = "" if mode == CallAttempt.Mode.TEL else voice.why_not(person)
    outcomes, likely = (
        [_outcome(one) for one in dispositions.of_team(team_id)],
        voice.suggested(attempt) if attempt else "",
    )
    return {
        "numbers": [_number(one, sight) for one in sight.numbers],
        "mode": CallAttempt.Mode.TEL if why else mode,
        "own_phone": why,
        "rings": "" if why else _rings_first(mode, person),
        "outcomes": outcomes,
        "suggested": next((one for one in outcomes if one["code"] == likely), None) if likely else None,
        "minutes": MINUTES,
        "may_skip": sight.member_id is not None and attempt is None,
        **(_dialed(attempt, person) if attempt else {}),
    }


def _number(one: Number, sight: Sight) -> dict[str, Any]:
    mark, look = DO_NOT_CALL[one.do_not_call]
    if one.do_not_call is False and one.fetched_at:
        mark = f"{mark} (checked {_day(one.fetched_at)})"
    return {
        "number": one.number, "text": spaced(one.number), "kind": one.kind, "mark": mark, "look": look,
        "age": f"from {dates.day(one.fetched_at)}" if one.fetched_at else "", "last": one.last_outcome,
        "may_call": one.may_call, "words": one.words, "is_chosen": one.position == sight.chosen,
        "is_called": sight.attempt is not None and sight.attempt.number == one.number,
    }  # fmt: skip


def _day(at: datetime) -> str:
    return dates.day(at).rpartition(",")[0]


def _outcome(one: Disposition) -> dict[str, Any]:
    return {"code": one.code, "label": one.label, "key": one.hotkey, "needs": one.needs, "outcome": one.outcome,
            "look": _LOOKS.get(one.outcome, ""), "suppresses": bool(one.suppress)}  # fmt: skip


def _rings_first(mode: str, person: Access) -> str:
    """Which phone of hers rings at the press; one that she dials on needs no word."""
    if mode == CallAttempt.Mode.SIGNALHOUSE:
        return f"Your softphone rings first: {phones.agent_of(person.user, mode)} at SignalHouse."
    if mode == CallAttempt.Mode.TWILIO:
        return f"Your own phone rings first: {spaced(person.user.agent_phone)}{_key(mode)}."
    return ""


def _key(mode: str) -> str:
    return ", and you press a key" if mode == CallAttempt.Mode.TWILIO and settings.VOICE_CONFIRM else ""


def state_in_words(attempt: CallAttempt) -> str:
    """What is known of her call at this moment, without a period."""
    if attempt.error_words:
        return attempt.error_words.removesuffix(".")
    is_over = attempt.ended_at is not None or attempt.state == CallAttempt.State.ENDED
    if attempt.mode == CallAttempt.Mode.TEL:
        return "Ended" if is_over else "Dialed on your phone"
    if is_over:
        lasted = f", {attempt.seconds // 60} min {attempt.seconds % 60} s" if attempt.seconds else ""
        return _ENDED.get(attempt.dial_status, "Ended") + lasted
    if attempt.state == CallAttempt.State.INTENDED:
        phone, key = _RINGS[CallAttempt.Mode(attempt.mode)], _key(attempt.mode)
        return f"{phone} rings first: pick it up{key and ' and press any key'}, then theirs rings"
    machine = attempt.answered_by.startswith("machine") or attempt.answered_by == "fax"
    return str(attempt.get_state_display()) + (", a machine picked up" if machine else "")


def seen_of(attempt: CallAttempt) -> str:
    """What the page has seen of a call that its vendor may move yet; "": nothing more comes."""
    is_still = attempt.ended_at is not None or attempt.mode == CallAttempt.Mode.TEL
    return "" if is_still else f"{attempt.pk}:{attempt.state}:{attempt.answered_by}"


def _dialed(attempt: CallAttempt, person: Access) -> dict[str, Any]:
    """Of the call that is open, or whose outcome is to be said. dial: a link while it is open, on her own phone."""
    is_tel, is_open = attempt.mode == CallAttempt.Mode.TEL, attempt.ended_at is None
    return {
        "attempt": attempt,
        "attempt_state": state_in_words(attempt),
        "seen": seen_of(attempt),
        "is_open": is_open,
        "is_tel": is_tel,
        "dial": f"tel:{attempt.number}" if is_tel and is_open and attempt.number else "",
        "called": spaced(attempt.number or "number unknown"),
        "recordings": [] if is_tel else list(voice.recordings(person)),
        "no_voicemail": voice.why_no_voicemail(attempt),
    }
