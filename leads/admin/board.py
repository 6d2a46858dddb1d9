"""The board of leads: a column for each status and label; a lead is moved by dragging, by keys or by its menu."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

from accounts.access import Scope, access
from accounts.selectors import user_of
from common.admin import is_id, page
from common.admin_teams import refuse
from common.contact_access import masked_text
from common.dates import moment
from leads.admin.filters import FILTERS
from leads.admin.lead_page import link
from leads.facts.sources import name_of
from leads.models import Lead
from leads.pipeline.board import Column, Heading, Place, board_of, column_of, headings
from leads.pipeline.moving import BadStage, MovedMeanwhile, move_lead, stage_at, words_of
from leads.selection.asked import BUCKET, SEARCH, filters_in, leads_asked
from leads.selection.filters import BadFilter

COLUMN, AFTER = "column", "after"
_YES_NO = {"true": "Yes", "false": "No"}
UNDO = ("undo", "undo_to", "undo_was")  # a lead, where it was, where it is: what a page without a script offers


def urls(model_admin: admin.ModelAdmin[Any]) -> list[URLPattern]:
    """To stand before the list's own addresses."""

    def inside(view: Callable[..., HttpResponse]) -> Any:
        return model_admin.admin_site.admin_view(view)

    return [
        path("board/", inside(partial(_board, model_admin)), name="leads_lead_board"),
        path("board/move/", inside(require_POST(partial(_move, model_admin))), name="leads_lead_board_move"),
    ]


@dataclass(frozen=True, slots=True)
class Card:
    """What a card tells: names as everybody may read them."""

    lead: Lead
    address: str
    key: str
    title: str
    owner: str
    equity: str
    touched: str
    assignee: str


@dataclass(frozen=True, slots=True)
class Shown:
    column: Column
    cards: list[Card]
    more: str  # the address of its next page


def _board(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """The board; with `column` that column alone, from behind `after`."""
    if not model_admin.has_view_permission(request):
        raise refuse(Scope.READ)
    person, asked = access(request), filters_in(request.GET)
    query = urlencode(asked, doseq=True)
    try:
        columns = _columns(request, asked)
    except BadFilter as error:
        messages.error(request, f"These filters cannot be read, so no lead is shown. {error}")
        columns = []
    shown = [_shown(request, one, query) for one in columns]
    return page(
        model_admin, request, "admin/leads/lead/board.html", "Board",
        opts=None,  # an entry of its own in the side bar: the path above it is its name
        columns=shown,
        offered=[one for one in headings(person.team_id) if one.offered],
        may_move=person.can(Scope.WRITE),
        may_label=person.can(Scope.MANAGE),
        query=query,
        search=(asked.get(SEARCH) or [""])[-1],
        hidden=[(name, value) for name, values in asked.items() if name != SEARCH for value in values],
        filters=_words(asked),
        undo=_undo(request),
        only_column=COLUMN in request.GET,
        is_empty=not any(one.cards for one in shown),
    )  # fmt: skip


def _columns(request: HttpRequest, asked: dict[str, list[str]]) -> list[Column]:
    """Raises BadFilter, Http404 where the column or the place is none."""
    team_id = access(request).team_id
    leads = leads_asked(access(request), asked)
    if COLUMN not in request.GET:
        return list(board_of(leads, team_id))
    wanted = next((one for one in headings(team_id) if one.key == request.GET[COLUMN]), None)
    text = request.GET.get(AFTER, "")
    try:
        at = Place.read(text) if text else None
    except ValueError as error:
        raise Http404("There is no such place on the board.") from error
    if wanted is None:
        raise Http404("There is no such column.")
    return [column_of(leads, wanted, at=at)]


def _shown(request: HttpRequest, column: Column, query: str) -> Shown:
    more = ""
    if column.after is not None:
        said = urlencode({COLUMN: column.heading.key, AFTER: str(column.after)})
        more = f"?{query}&{said}" if query else f"?{said}"
    return Shown(column, [_card(request, lead, column.heading, query) for lead in column.leads], more)


def _card(request: HttpRequest, lead: Lead, heading: Heading, query: str) -> Card:
    place = ", ".join(filter(None, (str(lead), lead.property_city)))
    equity = f"${lead.estimated_equity:,} equity" if lead.estimated_equity is not None else ""
    touched = moment(lead.last_activity_at, user_of(request).time_zone) if lead.last_activity_at else ""
    assignee = lead.assigned_to.get_username() if lead.assigned_to else ""
    owner = masked_text(name_of(vars(lead)) or "")
    return Card(lead, link(lead, query), heading.key, masked_text(place), owner, equity, touched, assignee)


def _words(asked: dict[str, list[str]]) -> str:
    """Which filters are on, for the line above the board."""
    names = {BUCKET: "one bucket" if len(asked.get(BUCKET, [])) == 1 else "some buckets"}
    titles = {str(one.parameter_name): str(one.title) for one in FILTERS}

    def words(name: str, values: list[str]) -> str:
        return f"{titles.get(name, name)}: {', '.join(_YES_NO.get(value, value) for value in values)}"

    told = [names.get(name) or words(name, values) for name, values in asked.items() if name != SEARCH]
    return masked_text("; ".join(told))


def _undo(request: HttpRequest) -> dict[str, str] | None:
    given = [request.GET.get(name, "") for name in UNDO]
    return {"lead": given[0], "to": given[1], "was": given[2]} if all(given) and is_id(given[0]) else None


def _move(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """Moves one lead: JSON for the board's script, else back to the board."""
    if not access(request).can(Scope.WRITE):
        raise refuse(Scope.WRITE)
    key = request.POST.get("lead", "")
    lead = Lead.objects.worked_by(access(request)).filter(pk=UUID(key)).first() if is_id(key) else None
    if lead is None:
        raise Http404("There is no such lead.")
    try:
        to = stage_at(request.POST.get("to", ""), lead.team_id)
        was = _known(request.POST.get("was", ""), lead.team_id)
        moved = move_lead(lead.pk, by=user_of(request), to=to, was=was)
    except MovedMeanwhile as error:
        return _answer(model_admin, request, 409, str(error), now=error.now.key)
    except BadStage as error:
        return _answer(model_admin, request, 400, str(error))
    if moved is None:
        raise Http404("There is no such lead.")
    words = f"{masked_text(str(lead))}: moved to {words_of(moved.after)}."
    said = {"lead": str(moved.lead_id), "now": moved.after.key, "before": moved.before.key}
    return _answer(model_admin, request, 200, words, **said)


def _known(key: str, team_id: int) -> Any:
    """Where the page showed it: a label that was retired since is one all the same. Raises BadStage."""
    found = next((one.stage for one in headings(team_id) if one.key == key), None)
    if found is None:
        raise BadStage("This page is too old: load it again.")
    return found


def _answer(model_admin: Any, request: HttpRequest, status: int, words: str, **said: str) -> HttpResponse:
    if request.headers.get("Accept") == "application/json":
        return JsonResponse({"words": words, **said}, status=status)
    model_admin.message_user(request, words, messages.SUCCESS if status == 200 else messages.ERROR)
    query = filters_in(QueryDict(request.POST.get("query", "")[:4000]))
    back = {"undo": said["lead"], "undo_to": said["before"], "undo_was": said["now"]} if status == 200 else {}
    text = urlencode({**query, **back}, doseq=True)
    return redirect(f"{reverse('admin:leads_lead_board')}?{text}" if text else reverse("admin:leads_lead_board"))
