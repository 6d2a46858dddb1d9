"""The page that finds properties: the free count while typing, a sample at its price, saving to a bucket.

What is saved, sampled or shared is the search whose number stands on the page: the count brings it along as the end of
an address, and the buttons send that back.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_GET, require_POST

from accounts.access import Scope, access
from accounts.selectors import user_of
from buckets.admin.search_form import SaveForm, SearchForm, search_of
from buckets.filling.fills import retry_fill, save_search
from buckets.filling.places import spot_of
from buckets.models import Fill
from buckets.selectors import progress
from buckets.services import BucketGone
from common.admin import is_id, page
from common.admin_teams import demand, may
from common.api.base import money
from common.api.throttles import UserThrottle
from integrations import services as vendors
from integrations.vendors.errors import Category
from integrations.vendors.queries import search_query

SAMPLE = 10  # rows
FLAGS = {  # of a row, in the words of the filters
    "absentee_owner": "absentee",
    "vacant": "vacant",
    "pre_foreclosure": "pre-foreclosure",
    "foreclosure": "foreclosure",
    "tax_lien": "tax lien",
    "bankruptcy": "bankruptcy",
    "free_clear": "free and clear",
}


def urls(model_admin: admin.ModelAdmin[Any]) -> list[URLPattern]:
    """The page, its count, its sample, and the progress of what it saves. `model_admin` is the bucket's."""
    desk, inside = Desk(model_admin), model_admin.admin_site.admin_view

    def view(route: str, name: str, of: Callable[..., HttpResponse], scope: str = Scope.WRITE) -> URLPattern:
        def permitted(request: HttpRequest, **ids: Any) -> HttpResponse:
            demand(request, scope)
            return of(request, **ids)

        return path(route, inside(permitted), name=name)

    return [
        view("find/", "buckets_bucket_find", desk.find),
        view("find/count/", "buckets_bucket_count", require_GET(desk.count)),
        view("find/sample/", "buckets_bucket_sample", require_POST(desk.sample), Scope.BUY),
        view("find/fill/<uuid:fill_id>/", "buckets_bucket_filling", desk.filling),
    ]


class Desk:
    """The page's views."""

    def __init__(self, model_admin: admin.ModelAdmin[Any]) -> None:
        self.model_admin = model_admin

    # --- The page and saving --------------------------------------------------------------------------------------

    def find(self, request: HttpRequest) -> HttpResponse:
        if request.method == "POST":
            return self._save(request)
        return self._page(request, SearchForm(request.GET), SaveForm(by=access(request)))

    def _save(self, request: HttpRequest) -> HttpResponse:
        search, save = search_of(request.POST.get("search", "")), SaveForm(request.POST, by=access(request))
        good = save.is_valid()
        if not search.is_valid() or not search.criteria:
            save.add_error(None, "Choose a place or a filter first.")
        elif good:
            wishes = save.cleaned_data
            try:
                fill = save_search(
                    by=user_of(request),
                    team_id=access(request).team_id,
                    criteria=search.criteria,
                    press=wishes["once"],
                    bucket=wishes["bucket"],
                    name=wishes["name"] or search.words[:200],
                    limit=wishes["limit"],
                )
            except BucketGone:
                save.add_error("bucket", "This bucket was just deleted. Choose another.")
            else:
                return redirect(f"{reverse('admin:buckets_bucket_find')}?{search.query()}&fill={fill.pk}")
        return self._page(request, search, save)

    def _page(self, request: HttpRequest, search: SearchForm, save: SaveForm, **more: object) -> TemplateResponse:
        search.is_valid()
        fill = _fill(request, request.GET.get("fill", ""))  # an address may be shared: others see the search alone
        return page(
            self.model_admin,
            request,
            "admin/find.html",
            "Find properties",
            opts=None,  # it has an entry of its own in the side bar, and the path above it would say "Buckets" twice
            search=search,
            save=save,
            may_buy=may(request, Scope.BUY),
            progress=fill and progress(fill),
            spot=spot_of(search),
            tiles=settings.MAP_TILES_URL,
            tiles_credit=settings.MAP_TILES_CREDIT,
            **{"state": _offer(search)} | more,
        )

    @staticmethod
    def _piece(request: HttpRequest, name: str, **context: object) -> TemplateResponse:
        return TemplateResponse(request, f"admin/{name}.html", context)

    # --- The count ------------------------------------------------------------------------------------------------

    def count(self, request: HttpRequest) -> HttpResponse:
        """The number of properties, with what can be done with them, as a piece of the page. Free."""
        search = SearchForm(request.GET)
        search.is_valid()
        offer = _offer(search)
        if search.criteria:
            offer |= self._count(request, search)
        shown = {"search": search, "state": offer, "may_buy": may(request, Scope.BUY), "spot": spot_of(search)}
        return self._piece(request, "find_count", **shown)

    @staticmethod
    def _count(request: HttpRequest, search: SearchForm) -> dict[str, Any]:
        throttle = UserThrottle()
        if not throttle.allow_request(request, None):
            return {"trouble": f"Too many counts. Try again in {throttle.wait() or 1:.0f} s."}
        try:
            return {"count": vendors.count_properties(search.criteria, user_id=user_of(request).pk)}
        except vendors.NotNow as refusal:
            return {"trouble": trouble(refusal)}

    # --- The sample -----------------------------------------------------------------------------------------------

    def sample(self, request: HttpRequest) -> HttpResponse:
        """Buys a few rows for at most the price on the button. The same search again is owned and costs nothing."""
        search = search_of(request.POST.get("search", ""))
        if not search.is_valid() or not search.criteria:
            raise SuspiciousOperation("search: the button is only there below a search that was counted")
        most = _price(request.POST.get("most", ""))
        shown: dict[str, Any]
        try:
            bought = vendors.buy("property_search", _sample_query(search), **_payer(request), max_cost=most)
        except vendors.NotNow as refusal:
            shown = {"trouble": trouble(refusal), "pins": []}
        else:
            rows = [_row(row) for row in bought.answer.facts.get("rows", ())]
            pins = [row["pin"] for row in rows if row["pin"]]
            shown = {"rows": rows, "cost": bought.cost, "paid": money(bought.cost), "pins": pins}
            if not bought.answer.found:
                shown["trouble"] = "The vendor’s answer cannot be read. It is kept and not bought again."
        if request.headers.get("HX-Request"):
            return self._piece(request, "find_rows", sample=shown)
        return self._page(request, search, SaveForm(by=access(request)), sample=shown)

    # --- The progress ---------------------------------------------------------------------------------------------

    def filling(self, request: HttpRequest, fill_id: UUID) -> HttpResponse:
        """How far a fill has come, as a piece of a page that asks again until it is done. POST: goes on with it."""
        fill = _fill(request, str(fill_id))
        if fill is None:
            raise Http404("There is no such search.")
        if request.method == "POST":
            fill = retry_fill(fill=fill)
        return self._piece(request, "fill", progress=progress(fill))


def _fill(request: HttpRequest, fill_id: str) -> Fill | None:
    """A fill that this person may see."""
    seen = Fill.objects.select_related("bucket").filter(bucket__team=access(request).team_id)
    return seen.filter(pk=fill_id).first() if is_id(fill_id) else None


def _payer(request: HttpRequest) -> dict[str, Any]:
    """Whose budgets count."""
    return {"user_id": user_of(request).pk, "team_id": access(request).team_id}


def _sample_query(search: SearchForm) -> Any:
    return search_query(search.criteria, size=SAMPLE)


def _offer(search: SearchForm) -> dict[str, Any]:
    """What can be done with this search, and the price of a sample of it."""
    if not search.criteria:
        return {}
    price = vendors.asking_price("property_search", _sample_query(search))
    words = f"for at most ${money(price)}" if price else "for $0: already purchased"
    return {"query": search.query(), "price": str(price), "button": f"Show {SAMPLE} rows {words}"}


def _price(text: str) -> Decimal:
    """The price on the button that was pressed."""
    try:
        price = Decimal(text)
    except ArithmeticError as error:
        raise SuspiciousOperation("most: not a price") from error
    if not price.is_finite():
        raise SuspiciousOperation("most: not a price")
    return price


def trouble(refusal: vendors.NotNow) -> str:
    """Why a vendor gives no answer, for the person at the page."""
    reason = refusal.reason.rstrip(".")
    if isinstance(refusal, vendors.TooManyAtOnce):
        return f"{reason}."
    if refusal.category == Category.AUTH_ERROR:
        return f"The vendor cannot be asked until an operator acts: {reason}."
    if refusal.category == Category.RATE_LIMITED and refusal.retry_in:
        return f"The vendor cannot be asked right now: {reason}. Try again in {refusal.retry_in:.0f} s."
    if refusal.category == Category.BUDGET_EXHAUSTED:
        return f"Nothing was bought: {reason}."
    return f"The vendor gave no answer: {reason}."


def _row(facts: dict[str, Any]) -> dict[str, Any]:
    """A row of the sample, with its pin where the vendor says where it is."""
    address = facts["property_address"] or f"Property {facts['property_id']}"
    town = ", ".join(filter(None, (facts["property_city"], facts["property_state"])))
    pin = None
    if facts["latitude"] is not None and facts["longitude"] is not None:
        pin = {"at": [float(facts["latitude"]), float(facts["longitude"])], "words": address}
    flags = [word for flag, word in FLAGS.items() if facts[flag]]
    return facts | {"address": address, "town": f"{town} {facts['property_zip'] or ''}", "flags": flags, "pin": pin}
