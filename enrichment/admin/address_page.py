"""The page that looks up one address: finding it is free, its data and its owner's phones are bought by a press each,
and saved into a bucket or not.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_GET

from accounts.access import Scope, access
from accounts.audit import record
from accounts.selectors import user_of
from buckets.models import Bucket
from buckets.services import TeamFull, add_ids
from common.admin import dressed, page
from common.admin_teams import demand, may
from common.api.throttles import UserThrottle
from common.db.ids import uuid7
from enrichment.options import RunOptions
from enrichment.services import RunError, enrich_leads
from enrichment.worker.questions import about_owner
from integrations import services as vendors
from integrations.ledger import catalogue
from integrations.lookups import gate
from integrations.lookups.answers import Owned
from integrations.vendors import normalise
from integrations.vendors.contract import Query
from integrations.vendors.queries import detail_query
from leads.admin.base import groups, place, signals, spaced
from leads.facts.sources import SLOTS
from leads.models import Lead
from leads.permission.adding import kept_from_calls
from leads.permission.scrubbing import checked_numbers

LETTERS, LONGEST = 3, 200  # of what is typed: the least AutoComplete takes (docs/vendors/realestateapi.md 1.5)
LATEST_BUCKETS = 100
SERVED = Decimal("0.0001")  # the least spending limit: what is owned costs nothing, and nothing else fits under it
HERE = "admin:buckets_bucket_address"


class SaveForm(forms.Form):
    """Where it goes, if anywhere."""

    bucket = forms.ModelChoiceField(
        queryset=Bucket.objects.none(),
        required=False,
        label="Save to bucket",
        empty_label="Do not save it",
        error_messages={"invalid_choice": "Choose one of your team’s buckets."},
    )
    once = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, request: HttpRequest, data: Any = None) -> None:
        super().__init__(data, initial={"once": uuid7()}, auto_id="save_%s")
        own = Bucket.objects.worked_by(access(request)).order_by("-pk")
        field: Any = self.fields["bucket"]
        field.queryset = own  # any of the team's is valid; the latest are offered
        latest = [(str(bucket.pk), str(bucket)) for bucket in own.only("name")[:LATEST_BUCKETS]]
        field.widget.choices = [("", field.empty_label), *latest]


def urls(model_admin: admin.ModelAdmin[Any]) -> list[URLPattern]:
    """`model_admin` is the bucket's."""
    desk, inside = _Desk(model_admin), model_admin.admin_site.admin_view

    def view(route: str, name: str, of: Callable[..., HttpResponse]) -> URLPattern:
        def permitted(request: HttpRequest) -> HttpResponse:
            demand(request, Scope.WRITE)
            return of(request)

        return path(route, inside(permitted), name=name)

    return [
        view("find/address/", "buckets_bucket_address", desk.whole),
        view("find/address/places/", "buckets_bucket_address_places", require_GET(desk.places)),
    ]


class _Desk:
    def __init__(self, model_admin: admin.ModelAdmin[Any]) -> None:
        self.model_admin = model_admin

    def whole(self, request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            return self._page(request, _asked(request.GET.get("id", "")))
        demand(request, Scope.BUY)
        query = _asked(request.POST.get("id", ""))
        if query is None:
            raise SuspiciousOperation("id: the button is only there below an address that was chosen")
        if request.POST.get("do") == "trace":
            return self._trace(request, query)
        form = SaveForm(request, request.POST)
        if not form.is_valid():
            return self._page(request, query, save=form)
        try:
            bought = vendors.buy("property_detail", query, **_payer(request), max_cost=_price(request))
        except vendors.NotNow as refusal:
            return self._page(request, query, save=form, trouble=f"Nothing was bought: {refusal.reason.rstrip('.')}.")
        if not bought.answer.found:
            return self._page(request, query, save=form, trouble="RealEstateAPI does not know this property.")
        if bucket := form.cleaned_data["bucket"]:
            return self._save(request, bucket, query, form)
        return redirect(f"{reverse(HERE)}?{urlencode({'id': query.key, 'q': _text(request.POST)})}")

    def _save(self, request: HttpRequest, bucket: Bucket, query: Query, form: SaveForm) -> HttpResponse:
        """The lead, with its data and the contacts that were found, which are owned by now and cost $0."""
        try:
            add_ids(bucket=bucket, property_ids=[query.key])
            lead = Lead.objects.filter(bucket=bucket, property_id=query.key).first()
            if lead is None:
                return self._page(request, query, save=form, trouble="The bucket has this property by its address.")
            options = RunOptions(lead_ids=[lead.pk], skip_trace=_is_traced(query), max_cost=SERVED)
            key = f"admin:address:{form.cleaned_data['once']}"
            enrich_leads(by=user_of(request), options=options, idempotency_key=key, team_id=bucket.team_id)
        except (TeamFull, RunError) as refusal:
            return self._page(request, query, save=form, trouble=str(refusal))
        self.model_admin.message_user(request, f"Saved to {bucket}.", messages.SUCCESS)
        return redirect("admin:leads_lead_change", lead.pk)

    def _trace(self, request: HttpRequest, query: Query) -> HttpResponse:
        demand(request, Scope.CONTACTS)
        trace = _trace_query(_owned(query))
        if trace is None:
            return self._page(request, query, trouble="Get the property data first.")
        after = {"via": "admin", "page": "address", "leads": 1}
        record("contacts.shown", by=user_of(request), team_id=access(request).team_id, after=after)
        try:
            bought = vendors.buy("skip_trace", trace, **_payer(request), max_cost=_price(request))
        except vendors.NotNow as refusal:
            return self._page(request, query, trouble=f"Nothing was bought: {refusal.reason.rstrip('.')}.")
        contact = _contact(bought.answer.facts, access(request).team_id) if bought.answer.found else []
        return self._page(request, query, contact=contact, traced=True)

    def places(self, request: HttpRequest) -> HttpResponse:
        """What begins like the text: a piece of the page. Free."""
        return TemplateResponse(request, "admin/address_places.html", _places(request))

    def _page(
        self, request: HttpRequest, query: Query | None, save: SaveForm | None = None, **more: object
    ) -> TemplateResponse:
        may_buy = may(request, Scope.BUY)
        shown: dict[str, Any] = {"id": "", "may_buy": may_buy, "q": _text(request.GET or request.POST)}
        if query is not None:
            owned = _owned(query) if may_buy else None
            lead = _as_lead(query, owned) if owned is not None else None
            price = vendors.asking_price("property_detail", query)
            shown |= {"id": query.key, "price": price, "known": lead, "save": dressed(save or SaveForm(request))}
            if lead is not None:
                trace = _trace_query(owned) if may(request, Scope.CONTACTS) else None
                shown |= {
                    "groups": groups(lead, shown=False), "place": place(lead), "signals": signals(lead),
                    "trace_price": vendors.asking_price("skip_trace", trace) if trace else None,
                }  # fmt: skip
        elif shown["q"]:
            shown |= _places(request)
        return page(self.model_admin, request, "admin/address.html", "Look up an address", opts=None, **shown | more)


def _asked(property_id: str) -> Query | None:
    try:
        return detail_query(property_id) if property_id else None
    except ValueError as error:
        raise SuspiciousOperation(f"id: {error}") from error


def _text(data: Any) -> str:
    return (normalise.text(data.get("q", "")[:LONGEST]) or "") if data.get("q") else ""


def _places(request: HttpRequest) -> dict[str, Any]:
    """Addresses that the vendor knows by its own id; in words why there are none."""
    text = _text(request.GET)
    if len(text) < LETTERS:
        return {"q": text, "places": [], "words": f"Type at least {LETTERS} characters." if text else ""}
    throttle = UserThrottle()
    if not throttle.allow_request(request, None):
        return {"q": text, "places": [], "words": f"Too many searches. Try again in {throttle.wait() or 1:.0f} s."}
    try:
        found = vendors.autocomplete(text, ["A"], user_id=user_of(request).pk)
    except vendors.NotNow as refusal:
        return {"q": text, "places": [], "words": f"The vendor gave no answer: {refusal.reason.rstrip('.')}."}
    known = [one for one in found if one.property_id]
    return {"q": text, "places": known, "words": "" if known else "No address begins like this."}


def _payer(request: HttpRequest) -> dict[str, Any]:
    """Whose budgets count."""
    return {"user_id": user_of(request).pk, "team_id": access(request).team_id}


def _price(request: HttpRequest) -> Decimal:
    """The price on the button that was pressed."""
    try:
        price = Decimal(request.POST.get("most", ""))
    except ArithmeticError as error:
        raise SuspiciousOperation("most: not a price") from error
    if not price.is_finite():
        raise SuspiciousOperation("most: not a price")
    return price


def _owned(query: Query) -> Owned | None:
    """What was bought of it; None: nothing was, or it is not known."""
    owned = gate.owned(catalogue.operation("property_detail"), query)
    return owned if owned is not None and owned.answer.found else None


def _as_lead(query: Query, owned: Owned) -> Lead:
    """The same as a lead that is nowhere stored."""
    columns = {field.name: field for field in Lead._meta.concrete_fields}
    facts = {name: columns[name].to_python(value) for name, value in owned.answer.facts.items() if name in columns}
    facts.pop("property_id", None)
    return Lead(property_id=query.key, enriched_at=owned.fetched_at, **facts)


def _trace_query(owned: Owned | None) -> Query | None:
    """What a run would ask about this owner, so that what is bought here serves the lead; None: nothing can be."""
    try:
        return about_owner(owned.answer.facts) if owned is not None else None
    except ValueError:
        return None


def _is_traced(query: Query) -> bool:
    """Whether the owner's contacts are owned."""
    trace = _trace_query(_owned(query))
    return trace is not None and vendors.asking_price("skip_trace", trace) == 0


def _contact(facts: Any, team_id: int | None) -> list[tuple[str, str]]:
    """What a skip trace found, in words. A number that the team has suppressed, or found in the national registry, is
    marked whatever the vendor says of it.
    """
    numbers = [facts[slot] for slot in SLOTS if facts.get(slot)]
    kept = kept_from_calls(numbers, team_id=team_id) if team_id else set()
    checks = checked_numbers(team_id, numbers) if team_id else {}
    name = facts.get("contact_name") or " ".join(filter(None, (facts.get("first_name"), facts.get("last_name"))))
    rows = [("Name", name or "")]
    for label, slot in zip(("Phone", "Second phone"), SLOTS, strict=True):
        if number := facts.get(slot):
            flag, check = facts.get(f"{slot}_do_not_call"), checks.get(number)
            if number in kept:
                flag = True
            elif check and (check.listed or flag is None):
                flag = check.listed
            mark = {True: "do not call", False: "not on DNC", None: "DNC unknown"}[flag]
            kind = f", {facts[f'{slot}_type']}" if facts.get(f"{slot}_type") else ""
            rows.append((label, f"{spaced(number)}{kind}, {mark}"))
    rows.append(("E-mail", facts.get("email") or ""))
    return [(label, text) for label, text in rows if text]
