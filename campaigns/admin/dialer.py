"""The dialer: one lead at a time before a caller, every act a key, every call a press that asked the gate.

Each act answers with the moving piece of the page, which `desk/dialer.js` puts in place. `_ANSWERS` marks those, so
that the script tells them from a sign-in page or an error of the way there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.access import Access, Scope, access
from accounts.selectors import user_of
from campaigns.admin.dialer_stage import seen_of, stage
from campaigns.admin.start_calling import start
from campaigns.admin.words import path_to
from campaigns.dialing import calling, disposing, offering
from campaigns.dialing.lists import worked_by
from campaigns.dialing.offering import Nobody
from campaigns.dialing.sight import Sight, by_hand, sight_by_hand, sight_of, zones_of
from campaigns.models import CallAttempt
from campaigns.planning.refusals import CampaignError
from campaigns.voice import registering as voice
from common import dates
from common.admin import is_id, page
from common.admin_teams import refuse
from leads.calendar import clock
from leads.calendar.planning import SlotTaken
from leads.calendar.words import read_when
from leads.models import Lead
from leads.rules import BadTime
from leads.selection.disclosures import Via, record_unmasking

_ANSWERS = "X-Dialer"
SHOWN_FOR_TAKING_BACK = "dialer_undo"  # in the session: her last call whose outcome may be taken back
REFUSED = (CampaignError, BadTime, SlotTaken)


def may_dial(request: HttpRequest) -> bool:
    """Callers and above: who may see phones and log what was said. Readers may not."""
    person = access(request)
    return person.can(Scope.CONTACTS) and person.can(Scope.WRITE)


def urls(model_admin: Any) -> list[URLPattern]:
    """`model_admin` is the calls'."""

    def own(route: str, view: Callable[..., HttpResponseBase], name: str, *, reads: bool = False) -> URLPattern:
        def inside(request: HttpRequest) -> HttpResponseBase:
            for scope in (Scope.CONTACTS, Scope.WRITE):
                if not access(request).can(scope):
                    raise refuse(scope)
            return view(model_admin, request)

        limited = require_safe(inside) if reads else require_POST(inside)
        guarded: Any = model_admin.admin_site.admin_view(limited)
        found: URLPattern = path(f"dialer/{route}", guarded, name=f"campaigns_callattempt_{name}")
        return found

    acts = {
        "next": _next, "renew": _renew, "release": _release, "skip": _skip, "call": _call, "hang-up": _hang_up,
        "dispose": _dispose, "take-back": _take_back, "drop": _drop, "by-hand": _by_hand, "start": start,
    }  # fmt: skip
    return [
        own("", _whole, "dialer", reads=True),
        own("now/", _now, "dialer_now", reads=True),
        own("when/", _when, "dialer_when", reads=True),
        *(own(f"{name}/", act, f"dialer_{name}") for name, act in acts.items()),
    ]


# --- The page ---------------------------------------------------------------------------------------------------------


def _whole(model_admin: Any, request: HttpRequest) -> HttpResponse:
    told = _before_her(request, chosen=_lists(request))
    if "sight" in told and not told["sight"].is_gone:
        _record(request, told["sight"])
    return page(
        model_admin, request, "admin/campaigns/dialer/page.html", "Dialer", **told, **path_to(model_admin, "dialer")
    )


def _before_her(request: HttpRequest, chosen: Sequence[UUID] = (), **more: Any) -> dict[str, Any]:
    """What is before her, on whichever page she took it."""
    person = access(request)
    sight = _sight(person)
    told = stage(
        request, sight=sight, lists=list(worked_by(person).order_by("name", "pk")), undo=_last(request), **more
    )
    return told | {"chosen": {str(pk) for pk in chosen}}


def _sight(person: Access) -> Sight | None:
    """A call whose end she has not told comes first."""
    offer = offering.offered(person)
    if offer is not None and offer.attempt is not None:
        return sight_of(offer, person)
    attempt = by_hand(person)
    if attempt is not None:
        return sight_by_hand(attempt, person)
    return sight_of(offer, person) if offer else None


def _record(request: HttpRequest, sight: Sight) -> None:
    """What is before her shows her its phones: once an offer, and once a load of the page."""
    notes = [one.text for one in sight.timeline]
    record_unmasking(leads=[sight.lead], by=user_of(request), via=Via.ADMIN, page="dialer", notes=notes)


def _piece(request: HttpRequest, told: dict[str, Any], *, status: int = 200) -> HttpResponse:
    answer = TemplateResponse(request, "admin/campaigns/dialer/stage.html", told, status=status)
    answer[_ANSWERS] = "1"
    answer["Cache-Control"] = "no-store"
    return answer


def _again(request: HttpRequest, **more: Any) -> HttpResponse:
    """What is before her now."""
    return _piece(request, _before_her(request, _lists(request), **more))


def _lists(request: HttpRequest) -> list[UUID]:
    given = request.POST if request.method == "POST" else request.GET
    return [UUID(one) for one in given.getlist("list") if is_id(one)]


def _id(request: HttpRequest, name: str) -> UUID:
    """Of a hidden field. Raises CampaignError."""
    value = request.POST.get(name, "")
    if not is_id(value):
        raise CampaignError("NOT_FOUND", "This page is not up to date: load it again.")
    return UUID(value)


def _refused(request: HttpRequest, error: Exception) -> HttpResponse:
    """In words, beside what is before her now; of the gate with where its whole answer stands."""
    told = _before_her(request, _lists(request), trouble=str(error))
    if isinstance(error, calling.Refused) and "sight" in told:
        told["receipt"] = error.receipt_id
        again = error.again_at
        told["again"] = dates.moment(again) if again else ""
    return _piece(request, told)


# --- Acts -------------------------------------------------------------------------------------------------------------


def _next(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """The next lead; where nobody may be called, when the first may be."""
    return _following(request)


def _following(request: HttpRequest, **more: Any) -> HttpResponse:
    person, chosen = access(request), _lists(request)
    if _sight(person) is not None:
        return _again(request, **more)
    try:
        every = set(worked_by(person).values_list("pk", flat=True)) <= set(chosen)
        found = offering.next_lead(person, None if every else chosen or None)
    except CampaignError as error:
        return _refused(request, error)
    if isinstance(found, Nobody):
        return _piece(request, _before_her(request, chosen, nobody=found, **more))
    sight = sight_of(found, person)
    _record(request, sight)
    return _piece(request, stage(request, sight=sight, undo=_last(request), **more))


def _renew(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """Each minute, by the page: 204 while the lead is hers."""
    try:
        offering.renew(access(request), _id(request, "member"))
    except CampaignError as error:
        return _refused(request, error)
    return HttpResponse(status=204, headers={_ANSWERS: "1"})


def _now(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """Asked while a vendor places her call: 204, for one statement, while nothing has moved."""
    seen = request.GET.get("seen", "")
    known = seen.partition(":")[0]
    attempt = CallAttempt.objects.filter(pk=known, by=user_of(request)).first() if is_id(known) else None
    if attempt is not None and seen_of(attempt) == seen:
        return HttpResponse(status=204, headers={_ANSWERS: "1"})
    return _called(request, attempt)


def _line(told: dict[str, Any]) -> str:
    """What her call has come to, for who cannot see it; after it has ended with the outcome that is likely."""
    if "attempt" not in told:
        return ""
    likely = told["suggested"]
    return f"{told['attempt_state']}." + (f" Likely: {likely['key']}, {likely['label']}." if likely else "")


def _release(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """She stops for now, or her page is closed."""
    try:
        offering.hand_back(access(request), _id(request, "member"))
    except CampaignError as error:
        return _refused(request, error)
    return _again(request, said="The lead is back in its list.")


def _skip(model_admin: Any, request: HttpRequest) -> HttpResponse:
    try:
        offering.skip(access(request), _id(request, "member"), request.POST.get("reason", "").strip()[:200])
    except CampaignError as error:
        return _refused(request, error)
    return _following(request, said="Skipped.")


def _call(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """The press: the gate answers, and only then is there something to dial."""
    person, member = access(request), request.POST.get("member", "")
    try:
        member_id, number = UUID(member) if is_id(member) else None, request.POST.get("number", "")
        own_phone = request.POST.get("mode") == CallAttempt.Mode.TEL
        attempt = dial(person, _id(request, "lead"), member_id, number, own_phone=own_phone)
    except CampaignError as error:
        return _refused(request, error)
    return _called(request, attempt)


def _called(request: HttpRequest, attempt: CallAttempt | None) -> HttpResponse:
    """What her call has come to: one that rang nobody may be pressed again."""
    told = _before_her(request, _lists(request))
    if attempt is not None and "attempt" not in told and attempt.error_words:
        words = attempt.error_words.rstrip(".")
        return _piece(
            request, told | {"trouble": f"Nobody was called: {words}. Call again, or dial on your own phone."}
        )
    return _piece(request, told | {"said": _line(told)})


def dial(person: Access, lead_id: UUID, member_id: UUID | None, number: str, *, own_phone: bool = False) -> CallAttempt:
    """A press on Call, wherever it is. own_phone: she dials it herself, though a vendor could. Raises CampaignError."""
    mode = voice.mode()
    if own_phone or (mode != CallAttempt.Mode.TEL and voice.why_not(person)):
        mode = CallAttempt.Mode.TEL
    return calling.place_call(person, lead_id=lead_id, member_id=member_id, number=number, mode=mode)


def _by_hand(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """From a lead's page: the same gate, then the same page."""
    person, lead_id = access(request), _id_of_lead(request)
    lead = Lead.objects.seen_by(person).filter(pk=lead_id).first()
    if lead is None:
        raise refuse(Scope.CONTACTS)
    try:
        attempt = dial(person, lead.pk, None, request.POST.get("number", ""))
    except CampaignError as error:
        model_admin.message_user(request, str(error), messages.ERROR)
        return redirect("admin:leads_lead_change", lead.pk)
    if attempt.ended_at is not None and attempt.error_words:
        model_admin.message_user(request, f"Nobody was called: {attempt.error_words}", messages.ERROR)
        return redirect("admin:leads_lead_change", lead.pk)
    return redirect("admin:campaigns_callattempt_dialer")


def _id_of_lead(request: HttpRequest) -> str:
    value = request.POST.get("lead", "")
    return value if is_id(value) else str(UUID(int=0))


def _hang_up(model_admin: Any, request: HttpRequest) -> HttpResponse:
    seconds = request.POST.get("seconds", "")
    try:
        attempt = _id(request, "attempt")
        calling.hang_up(access(request), attempt, seconds=int(seconds) if _is_count(seconds) else None)
    except CampaignError as error:
        return _refused(request, error)
    return _again(request, said="The call is over. Say how it ended.")


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 6


def _dispose(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """How it ended; then the next lead."""
    person, given = access(request), request.POST
    try:
        attempt_id, when = _id(request, "attempt"), given.get("when", "").strip()
        at = _read(person, attempt_id, when) if when else None
        minutes = given.get("minutes", "").strip()
        long = (int(minutes) if _is_count(minutes) else 0) if minutes else None  # of 0 it says what is taken
        ended = disposing.dispose(
            person, attempt_id, code=given.get("code", ""), note=given.get("note", "").strip(), at=at,
            anyone=bool(given.get("anyone")), minutes=long,
        )  # fmt: skip
    except REFUSED as error:
        return _refused(request, error)
    request.session[SHOWN_FOR_TAKING_BACK] = str(attempt_id) if ended.suppress_at else ""
    label = ended.disposition.label if ended.disposition else ""
    if given.get("stay"):
        return _again(request, said=f"{label}: saved.")
    return _following(request, said=f"{label}: saved.")


def _last(request: HttpRequest) -> CallAttempt | None:
    """Her call whose outcome may be taken back yet."""
    kept = request.session.get(SHOWN_FOR_TAKING_BACK, "")
    rows = CallAttempt.objects.filter(by=user_of(request), suppressed_at__isnull=True).select_related("disposition")
    return rows.filter(pk=kept).first() if kept else None


def _take_back(model_admin: Any, request: HttpRequest) -> HttpResponse:
    try:
        disposing.take_back(access(request), _id(request, "attempt"))
    except CampaignError as error:
        return _refused(request, error)
    request.session[SHOWN_FOR_TAKING_BACK] = ""
    return _again(request, said="Taken back. Say how the call ended.")


def _drop(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """Plays a recording to the voicemail."""
    try:
        voice.drop_voicemail(access(request), _id(request, "attempt"), _id(request, "recording"))
    except CampaignError as error:
        return _refused(request, error)
    return _again(request, said="The recording is played, then the call ends.")


# --- A time in words --------------------------------------------------------------------------------------------------


def _read(person: Access, attempt_id: UUID, text: str) -> datetime:
    """By the clock of the lead she called. Raises BadTime, CampaignError."""
    attempt = CallAttempt.objects.select_related("lead").filter(pk=attempt_id, by=person.user).first()
    if attempt is None:
        raise CampaignError("NOT_FOUND", "There is no such call.")
    if attempt.lead is None:
        raise CampaignError("NOT_FOUND", "The lead was deleted: there is nobody to plan a time with.")
    return read_when(text[:100], _zone(attempt, person), clock.now())


def _zone(attempt: CallAttempt, person: Access) -> str:
    """The lead's; of several the one where it is earliest; hers where nobody knows."""
    assert attempt.lead is not None
    at = clock.now()
    zones = zones_of(attempt.lead, attempt.number) or [person.user.time_zone]
    return min(zones, key=lambda zone: timezone.localtime(at, ZoneInfo(zone)).replace(tzinfo=None))


def _when(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """What a time in words means, by their clock and by hers, as she types it."""
    person, text = access(request), request.GET.get("text", "").strip()[:100]
    asked = request.GET.get("attempt", "")
    attempt = (
        CallAttempt.objects.select_related("lead").filter(by=person.user, pk=asked).first() if is_id(asked) else None
    )
    if attempt is None or attempt.lead is None or not text:
        return JsonResponse({"words": "", "trouble": ""}, headers={_ANSWERS: "1"})
    zone = _zone(attempt, person)
    try:
        at = read_when(text, zone, clock.now())
    except BadTime as error:
        return JsonResponse({"words": "", "trouble": str(error)}, headers={_ANSWERS: "1"})
    theirs, mine = dates.moment(at, zone), dates.moment(at)
    words = f"{theirs} their time" + (f", {mine} yours" if theirs != mine else "")
    return JsonResponse({"words": words, "trouble": ""}, headers={_ANSWERS: "1"})
