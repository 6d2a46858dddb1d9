"""For who leads callers: who is on which lead now, how far the lists are, and how good the numbers are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import Scope, access
from accounts.audit import record
from accounts.fresh import requires_fresh
from accounts.selectors import user_of
from campaigns import clock
from campaigns.admin.words import dollars, path_to
from campaigns.dialing import scorecard
from campaigns.dialing.lists import call_lists
from campaigns.dialing.live import callers
from campaigns.dialing.progress import progress
from campaigns.models import Campaign
from common.admin import page
from common.admin_teams import demand
from common.downloads import file_answer
from leads.selection.export import Format, Layout

LISTS_SHOWN = 20  # open ones, the newest
HOUR = 60  # minutes


def urls(model_admin: Any) -> list[URLPattern]:
    """`model_admin` is the calls'."""

    def own(route: str, view: Callable[..., HttpResponseBase], name: str) -> URLPattern:
        def inside(request: HttpRequest) -> HttpResponseBase:
            return view(model_admin, request)

        guarded: Any = model_admin.admin_site.admin_view(require_safe(inside))
        found: URLPattern = path(route, guarded, name=f"campaigns_callattempt_{name}")
        return found

    return [
        own("live/", _live, "live"),
        own("live/now/", _live_now, "live_now"),
        own("scorecard/", _scorecard, "scorecard"),
        own("scorecard/bad-numbers.csv", _bad_numbers, "bad_numbers"),
    ]


def leads_callers(request: HttpRequest) -> bool:
    """Managers, in their team."""
    person = access(request)
    return person.can(Scope.MANAGE) and not person.only_assigned


# --- Now --------------------------------------------------------------------------------------------------------------


def _live(model_admin: Any, request: HttpRequest) -> HttpResponse:
    return page(
        model_admin,
        request,
        "admin/campaigns/dialer/live.html",
        "Calls live",
        **_told(request),
        **path_to(model_admin, "calls live"),
    )


def _live_now(model_admin: Any, request: HttpRequest) -> HttpResponse:
    return TemplateResponse(request, "admin/campaigns/dialer/live_now.html", _told(request))


def _told(request: HttpRequest) -> dict[str, Any]:
    """Nobody is ranked unless she asks for it."""
    demand(request, Scope.MANAGE)
    person, ranked = access(request), request.GET.get("rank") == "1"
    assert person.team_id is not None  # demanded
    open_ones = call_lists(person).filter(status__in=(Campaign.Status.RUNNING, Campaign.Status.PAUSED))
    people = callers(person.team_id, ranked=ranked)
    return {
        "people": [(one, _since(one.since)) for one in people],
        "lists": [(one, progress(one.pk)) for one in open_ones.order_by("-pk")[:LISTS_SHOWN]],
        "ranked": ranked,
        "calls": sum(one.calls for one in people),
        "reached": sum(one.reached for one in people),
        "minutes": sum(one.minutes for one in people),
        "sees": person.can(Scope.CONTACTS),
    }


def _since(at: datetime | None) -> str:
    """2:13, in minutes and seconds; 26 h 5 min."""
    if at is None:
        return ""
    minutes, seconds = divmod(max(0, int((clock.now() - at).total_seconds())), 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= HOUR else f"{minutes}:{seconds:02}"


# --- The scorecard ----------------------------------------------------------------------------------------------------


def _span(request: HttpRequest) -> tuple[datetime, datetime, str]:
    """The days that were asked for, by her clock; else the latest 90. In words where they cannot be read."""
    today = timezone.localtime(clock.now()).date()
    first, last, trouble = today - timedelta(days=scorecard.DAYS), today, ""
    try:
        first = date.fromisoformat(request.GET.get("from") or first.isoformat())
        last = date.fromisoformat(request.GET.get("to") or last.isoformat())
    except ValueError:
        trouble = "Enter days such as 2026-11-30. These are the latest 90."
    if last < first or first.year < 2000 or last.year > 2100:
        first, last, trouble = today - timedelta(days=scorecard.DAYS), today, "The first day comes before the last."
    zone = timezone.get_current_timezone()
    since = datetime.combine(first, time(), zone)
    return since, datetime.combine(last + timedelta(days=1), time(), zone), trouble


def _scorecard(model_admin: Any, request: HttpRequest) -> HttpResponse:
    demand(request, Scope.MANAGE)
    team_id = access(request).team_id
    assert team_id is not None  # demanded
    since, until, trouble = _span(request)
    found = scorecard.scorecard(team_id, since=since, until=until)
    return page(
        model_admin, request, "admin/campaigns/dialer/scorecard.html", "Scorecard",
        card=found, trouble=trouble, first=since.date().isoformat(),
        last=(until - timedelta(days=1)).date().isoformat(), may_export=access(request).can(Scope.EXPORT),
        total=_money(found.total), vendors=[(one, _money(one)) for one in found.vendors],
        others=[("By type", "Type", found.kinds), ("By age of the number", "Age", found.ages)],
        bad=scorecard.bad_numbers(team_id, since=since, until=until).count(), **path_to(model_admin, "scorecard"),
    )  # fmt: skip


def _money(line: scorecard.Line) -> tuple[str, str]:
    """What it cost, and each conversation."""
    cost = dollars(line.cost) if line.cost is not None else "–"
    return cost, dollars(line.cost_each) if line.cost_each is not None else "–"


@requires_fresh
def _bad_numbers(model_admin: Any, request: HttpRequest) -> HttpResponseBase:
    """What to claim from who sold them, as a file, recorded."""
    demand(request, Scope.MANAGE)
    demand(request, Scope.EXPORT)
    if not access(request).can(Scope.CONTACTS):
        raise PermissionDenied("Your role does not let you see phones: ask a manager of the team.")
    team_id = access(request).team_id
    assert team_id is not None  # demanded
    since, until, _ = _span(request)
    rows = scorecard.bad_numbers(team_id, since=since, until=until, vendor=request.GET.get("vendor", "")[:20])
    after = {"via": "admin", "format": "csv", "columns": list(scorecard.COLUMNS), "leads": rows.count()}
    record("export.taken", by=user_of(request), team_id=team_id, about=("team", team_id), after=after)
    name = Layout(format=Format.CSV).file_name("bad numbers")
    return file_answer(scorecard.bad_numbers_csv(rows), name=name, content_type=Format.CSV.content_type)
