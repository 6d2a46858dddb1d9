"""The page "Reports": what was spent and what came of it, with charts; lists compared. Read by whoever reads lists."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.access import Access, access
from buckets.models import Bucket
from common.admin import is_id
from common.charts import chart
from common.downloads import file_answer
from leads.selection.export import Format, Layout
from operations.reports.lists import NoSuchList, overlap, reach_by_list
from operations.reports.span import Span, span_of
from operations.reports.spend import GROUPS, may_see, spend
from operations.reports.told import reach_csv, report_csv

BARS = 12  # of a chart by line; the table has all
DAYS = 90
OFFERED = 500  # lists to choose two of


def opens_reports(request: HttpRequest) -> bool:
    """The side bar asks too."""
    return bool(request.user.is_authenticated and may_see(access(request)))


def _person(request: HttpRequest) -> Access:
    if not opens_reports(request):
        raise PermissionDenied("Your role does not let you look at this: ask a manager of the team.")
    return access(request)


def _page(request: HttpRequest, template: str, title: str, **context: object) -> TemplateResponse:
    shared = admin.site.each_context(request)
    return TemplateResponse(request, template, {**shared, "title": title, **context})


def _span(request: HttpRequest) -> tuple[Span, str]:
    """The days that were asked for, by her clock; else the latest 90. In words where they cannot be read."""
    try:
        first, last = (
            date.fromisoformat(request.GET[name]) if request.GET.get(name) else None for name in ("from", "to")
        )
        return span_of(first, last, days=DAYS), ""
    except ValueError:
        words = "Enter a first and a last day such as 2026-11-30, the first before the last. These are the latest 90."
        return span_of(None, None, days=DAYS), words


@never_cache
@login_required
@require_safe
def spend_page(request: HttpRequest) -> HttpResponseBase:
    person = _person(request)
    group = request.GET.get("group", "vendor")
    span, trouble = _span(request)
    if group not in GROUPS:
        group, trouble = "vendor", "There is no such grouping: this is by vendor."
    report = spend(person, group=group, span=span)
    if request.GET.get("format") == "csv" and not trouble:
        name = Layout(format=Format.CSV).file_name(f"spend by {GROUPS[group].lower()}")
        return file_answer(report_csv(report), name=name, content_type=Format.CSV.content_type)
    lines = report.lines[-BARS:] if group in ("month", "day") else report.lines[:BARS]
    return _page(
        request,
        "admin/reports/spend.html",
        "Reports",
        report=report,
        group=group,
        groups=GROUPS.items(),
        heading=GROUPS[group],
        trouble=trouble,
        first=span.first.isoformat(),
        last=span.last.isoformat(),
        by_line=chart([line.name[:40] for line in lines], [float(line.spent) for line in lines], "US dollars"),
        by_day=chart(
            [f"{day:%b} {day.day}" for day, _ in report.days], [float(d) for _, d in report.days], "US dollars"
        ),
        rates=chart(
            [line.name[:40] for line in lines if line.hit_rate is not None],
            [round(100 * float(line.hit_rate), 1) for line in lines if line.hit_rate is not None],
            "Phone hit rate, %",
        ),
        has_rates=any(line.hit_rate is not None for line in lines),
        days=[(day, dollars) for day, dollars in report.days if dollars],
    )


@never_cache
@login_required
@require_safe
def lists_page(request: HttpRequest) -> HttpResponseBase:
    """Cost per reachable owner by list, and what two lists share."""
    person = _person(request)
    rows = reach_by_list(person)
    if request.GET.get("format") == "csv":
        name = Layout(format=Format.CSV).file_name("cost per reachable owner")
        return file_answer(reach_csv(rows), name=name, content_type=Format.CSV.content_type)
    buckets = Bucket.objects.filter(team=person.team_id or 0).order_by("-pk")[:OFFERED]
    a, b = request.GET.get("a", ""), request.GET.get("b", "")
    found, trouble = None, ""
    if a or b:
        try:
            found = overlap(person, *(_id(text, side) for text, side in ((a, "a"), (b, "b"))))
        except NoSuchList as refusal:
            trouble = str(refusal)
    told = [one for one in rows if one.per_owner is not None][:BARS]
    return _page(
        request,
        "admin/reports/lists.html",
        "Buckets compared",
        rows=rows,
        buckets=buckets,
        a=a,
        b=b,
        found=found,
        shares=[(of, found.share(of)) for of in (found.a, found.b)] if found else [],
        trouble=trouble,
        drawn=chart([one.name[:40] for one in told], [float(one.per_owner or 0) for one in told], "US dollars"),
        has_chart=bool(told),
    )


def _id(text: str, side: str) -> UUID:
    if not is_id(text):
        raise NoSuchList(side, "Choose two buckets.")
    return UUID(text)
