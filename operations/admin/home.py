"""The first page: what there is to do today, what needs somebody, money; and the operators' page of vendors."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.access import Access
from accounts.access import access as access_of
from accounts.models import Team
from accounts.profile.services import hide_first_steps
from accounts.selectors import user_of
from campaigns.models import Conversation
from common.admin import sees_all
from common.admin_teams import may
from common.charts import chart
from common.db.clock import database_now
from common.needs import operates
from enrichment.models import Run
from enrichment.selectors import moves
from integrations.models import PhoneReveal, VendorCall
from leads.models import Event, Lead
from operations import home
from operations.admin.badge import needs
from operations.home.stock import Stock
from operations.reports.spend import spend_by_day

DAYS = 30  # of the chart
_FILTERS: dict[Any, str] = {Run: "", Lead: "?callback=due", Conversation: ""}  # of the lists


def context(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What `templates/admin/index.html` shows beside Django's own.

    While a run is open the page asks for its moving part (`?moving=1`) every three seconds and puts that in place.
    Server-sent events would hold a thread of the 32 that the web server has for every run on every open window.
    """
    access = access_of(request)
    runs, looks = home.open_runs(access), access.can("read") and not access.only_assigned
    told = context | {
        "title": "Home",
        "needs": [
            (need, _address(request, need.row), [(words, _address(request, row)) for words, row in need.parts])
            for need in needs(request)
        ],
        "open_runs": runs,
        "moves": any(moves(run) for run in runs),
        "everybody": operates(access),
        "access": access,
        "looks": looks,
        "only_moving": "moving" in request.GET,
    }
    return told if told["only_moving"] else told | _whole(access) | {"may_manage": may(request, "manage")}


def _whole(access: Access) -> dict[str, Any]:
    """All that does not move by itself."""
    stock, steps = home.stock(access), home.first_steps(access)
    return {
        "steps": steps,
        "steps_done": sum(step.is_done for step in steps),
        "today": home.today(access),
        "month": home.month(access),
        "money": home.money(access) if stock.buckets else [],
        "leads_today": home.leads_today(access) if stock.buckets else [],
        "pipeline": home.pipeline(access),
        "stock": stock,
        "came_of": _came_of(access, stock),
        **_charts(access, stock),
    }


def _charts(access: Access, stock: Stock) -> dict[str, Any]:
    """The two, with the figures of their tables; empty lists where nothing was spent, or nobody contacted."""
    if access.team_id is None or not stock.buckets:
        return {}
    zone = access.user.time_zone
    days = spend_by_day(access, DAYS)
    weeks = home.contacts_by_week(access.team_id, zone)
    spent, made = sum(cost for _, cost in days), sum(week.all for week in weeks)
    by_day = chart([f"{day:%b} {day.day}" for day, _ in days], [float(cost) for _, cost in days], "US dollars")
    by_week = chart([f"{week.begins:%b} {week.begins.day}" for week in weeks], [week.all for week in weeks], "Contacts")
    return {
        "spend_days": [(day, cost) for day, cost in reversed(days) if cost],
        "spend_total": spent,
        "spend_chart": by_day if spent else "",
        "contact_weeks": list(reversed(weeks)),
        "contact_chart": by_week if made else "",
    }


def _came_of(access: Access, stock: Stock) -> dict[str, Any] | None:
    if not access.can("read") or access.only_assigned or (found := home.came_of(access, stock)) is None:
        return None
    told = [(words, many, each, many > home.COUNTED_AT_MOST) for words, many, each in found.stages]
    return {"spent": found.spent, "stages": told, "most": home.COUNTED_AT_MOST}


@login_required
@require_POST
def hide_steps(request: HttpRequest) -> HttpResponse:
    """Puts the first steps away, for this person in this team."""
    hide_first_steps(user=user_of(request), team_id=access_of(request).team_id)
    return redirect("admin:index")


@login_required
@require_safe
def spending(request: HttpRequest) -> HttpResponse:
    """What all teams spend with each vendor, against the limits of a day: for operators and superusers."""
    if not operates(access_of(request)):
        raise PermissionDenied
    rows = home.vendor_money(database_now())
    told = admin.site.each_context(request) | {"title": "Vendor spending", "money": rows}
    return TemplateResponse(request, "admin/vendor_spending.html", told)


def opens_spending(request: HttpRequest) -> bool:
    """The side bar asks too."""
    return operates(access_of(request))


def _address(request: HttpRequest, row: Model | type[Model]) -> str:
    """Where it is decided: a run on its bucket's page, which has the buttons. Empty: nowhere for this person."""
    if isinstance(row, Run) and row.bucket_id:
        return reverse("admin:buckets_bucket_change", args=[row.bucket_id])
    if isinstance(row, get_user_model()) and not sees_all(request):
        return ""
    if isinstance(row, Team) and not (sees_all(request) or may(request, "manage", row.pk)):
        return ""
    if isinstance(row, Event):
        return reverse("calendar_event", args=[row.pk])
    if row is Event:
        return reverse("calendar")
    if row is VendorCall or row is PhoneReveal:
        return reverse("admin:integrations_vendorcall_decide")
    page = f"admin:{row._meta.app_label}_{row._meta.model_name}"
    if not isinstance(row, type):
        return reverse(f"{page}_change", args=[row.pk])
    return reverse(f"{page}_changelist") + _FILTERS.get(row, "?state__exact=in_doubt")
