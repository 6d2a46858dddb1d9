"""Asking vendors one question at a time: free ones at the vendor's pace, paid ones through the gate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Scope, access
from accounts.api.base import How, idempotent
from accounts.audit import record
from accounts.selectors import user_of
from common.api.base import ApiView, Problem, not_found, ok, see_contacts, translates
from common.api.schema import answer, refusal
from common.api.serializers import MoneyField, ObjectField, camel
from common.values.numbers import plain
from integrations import services
from integrations.api.serializers import (
    AutocompleteInput,
    DetailQuery,
    PlaceSerializer,
    SearchInput,
    SkipTraceInput,
)
from integrations.ledger.budgets import ZERO
from integrations.services import Bought, NotNow, TooManyAtOnce
from integrations.vendors.errors import Category
from integrations.vendors.realestateapi.client import IdPage

_STATUSES = {
    Category.BUDGET_EXHAUSTED: 402,
    Category.IN_DOUBT: 409,
    Category.RATE_LIMITED: 503,
    Category.AUTH_ERROR: 503,
    Category.NETWORK_ERROR: 502,
    Category.NOT_FOUND: 404,
    Category.INVALID_DATA: 502,
}
IDS_MAX = 10_000  # of one answer: "Returns up to 10,000 property IDs" (docs/vendors/realestateapi.md 1.2)
_PAUSE = 10.0  # seconds to try again in, where nobody knows better
REFUSALS = {
    402: refusal("A spending limit does not allow it; nothing was bought"),
    409: refusal("An earlier purchase of the same needs a billing check"),
    502: refusal("The vendor could not be reached, or its answer cannot be used"),
    503: refusal("The vendor refuses our key, or has us wait: `Retry-After`"),
}
LOOKUP: dict[str, serializers.Field[Any, Any, Any, Any]] = {
    "cost": MoneyField(),
    "owned": serializers.BooleanField(help_text="Bought before, by whomever: $0"),
}


@translates(NotNow)
def not_now(error: NotNow) -> Problem:
    """The status and words for the client. A question that the vendor calls bad is the client's mistake."""
    status = 429 if isinstance(error, TooManyAtOnce) else _STATUSES.get(error.category, 502)
    if error.category == Category.INVALID_DATA and error.status in (400, 422):
        status = 400
    message = (
        f"vendor key missing or refused: {error.reason}" if error.category == Category.AUTH_ERROR else error.reason
    )
    wait = (error.retry_in or _PAUSE) if error.category == Category.RATE_LIMITED else None
    code = "TOO_MANY_REQUESTS" if status == 429 else str(error.category)
    return Problem(code, message, status=status, retry_after=wait)


def _bought(bought: Bought) -> dict[str, Any]:
    return {"cost": plain(bought.cost), "owned": bought.owned}


_DECIMALS = frozenset({"bathrooms", "equity_percent", "latitude", "longitude"})  # kept as text, so that none is rounded


def _facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts as they are told: by their names in JSON, numbers as numbers."""
    return {camel(name): float(value) if name in _DECIMALS and value else value for name, value in facts.items()}


def _truncation(found: IdPage) -> dict[str, Any]:
    """Whether these are all ids there are, and if not, what gets all of them."""
    given, total = len(found.ids), found.total
    truncated = given < total if total is not None else given >= IDS_MAX
    note = None
    if truncated:
        of = f"of {total:,} " if total is not None else ""
        note = (
            f"These are the first {given:,} {of}ids: one search gives {IDS_MAX:,} at most. "
            "POST /api/property/bucket with this search saves all of them, for nothing."
        )
    return {"total": total, "truncated": truncated, "note": note}


def _readable(bought: Bought) -> None:
    if bought.answer.category == Category.INVALID_DATA:
        raise Problem(
            "INVALID_DATA", "The vendor's answer could not be read. It is kept; nothing is bought again.", status=502
        )


class PayingView(ApiView):
    @property
    def _payer(self) -> dict[str, Any]:
        """Whose budgets count."""
        return {"user_id": self.user.pk, "team_id": self.access.team_id}


class SearchView(PayingView):
    scopes = {"POST": Scope.READ}  # counts and ids are free

    @extend_schema(
        operation_id="searchProperties",
        summary="Count, ids (both free) or full rows of the properties that match",
        request=SearchInput,
        responses={
            200: answer(
                "SearchAnswer",
                mode=serializers.CharField(),
                count=serializers.IntegerField(
                    help_text="count: how many match; ids, full: how many are in this answer"
                ),
                total=serializers.IntegerField(allow_null=True, help_text="How many match"),
                ids=serializers.ListField(child=serializers.CharField(), required=False, help_text="At most 10,000"),
                properties=serializers.ListField(child=ObjectField(), required=False),
                truncated=serializers.BooleanField(required=False, help_text="ids: more match than are given"),
                note=serializers.CharField(
                    required=False, allow_null=True, help_text="ids: how many are given of how many, where not all are"
                ),
                nextIndex=serializers.IntegerField(required=False, allow_null=True),
                cost=MoneyField(),
                owned=serializers.BooleanField(required=False, help_text="full: bought before, by whomever: $0"),
            ),
            **REFUSALS,
        },
    )
    @idempotent(How.BESIDE_WORK)
    def post(self, _request: Request) -> Response:
        given = self.body(SearchInput)
        mode, free = given["mode"], plain(ZERO)
        if mode == "count":
            count = services.count_properties(given["search"], user_id=self.user.pk)
            return ok(mode=mode, count=count, total=count, cost=free)
        if mode == "ids":
            found = services.property_ids(given["search"], user_id=self.user.pk)
            return ok(mode=mode, ids=found.ids, count=len(found.ids), cost=free, **_truncation(found))
        if not self.access.can(Scope.BUY):
            raise Problem("FORBIDDEN", "mode: full rows cost money: this needs the scope 'buy'.", status=403)
        bought = services.buy("property_search", given["query"], max_cost=given.get("maxCost"), **self._payer)
        _readable(bought)
        facts = bought.answer.facts
        rows = [_facts(row) for row in facts["rows"]]
        whole = {"properties": rows, "count": len(rows), "total": facts["total"], "nextIndex": facts["next_index"]}
        return ok(mode=mode, **whole, **_bought(bought))


class DetailView(PayingView):
    scopes = {"GET": Scope.BUY}

    @extend_schema(
        operation_id="getPropertyDetail",
        summary="The data of one property",
        parameters=[DetailQuery],
        responses={200: answer("DetailAnswer", property=ObjectField(), **LOOKUP), **REFUSALS},
    )
    def get(self, _request: Request) -> Response:
        query = self.query(DetailQuery)["id"]
        bought = services.buy("property_detail", query, **self._payer)
        _readable(bought)
        if not bought.answer.found:
            raise not_found("property", "id")
        return ok(property={"id": query.key, **_facts(bought.answer.facts)}, **_bought(bought))


class AutocompleteView(ApiView):
    scopes = {"POST": Scope.READ}

    @extend_schema(
        operation_id="suggestPlaces",
        summary="Counties, cities and addresses that begin like this; free",
        request=AutocompleteInput,
        responses={
            200: answer("PlacesAnswer", places=PlaceSerializer(many=True), count=serializers.IntegerField()),
            **REFUSALS,
        },
    )
    def post(self, _request: Request) -> Response:
        given = self.body(AutocompleteInput)
        places = services.autocomplete(given["search"], given.get("searchTypes"), user_id=self.user.pk)
        return ok(places=PlaceSerializer(places, many=True).data, count=len(places))


def _seen(request: Request) -> None:
    """Records that contacts are asked for; before the answer, which a repeat under the same key is given again."""
    see_contacts(request)
    after = {"via": "api", "page": "skip-trace", "leads": 1}
    record("contacts.shown", by=user_of(request), team_id=access(request).team_id, after=after)


class SkipTraceView(PayingView):
    scopes = {"POST": Scope.BUY}

    @extend_schema(
        operation_id="skipTrace",
        summary="Phones and e-mail of an owner",
        request=SkipTraceInput,
        responses={
            200: answer(
                "SkipTraceAnswer", found=serializers.BooleanField(), contact=ObjectField(allow_null=True), **LOOKUP
            ),
            **REFUSALS,
        },
    )
    @idempotent(How.BESIDE_WORK, first=_seen)
    def post(self, _request: Request) -> Response:
        bought = services.buy("skip_trace", self.body(SkipTraceInput)["query"], **self._payer)
        _readable(bought)
        contact = _facts(bought.answer.facts) if bought.answer.found else None
        return ok(found=bought.answer.found, contact=contact, **_bought(bought))
