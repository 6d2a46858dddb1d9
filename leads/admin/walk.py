"""From lead to lead within the list that a person came from: the next, the previous, how far she is, and the way back.

The list is read by its own address (`from`), with its own filters, search and order; a neighbour is one row by key, and
what is counted is counted to a bound and for a moment only.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.messages.storage.base import BaseStorage
from django.core.exceptions import SuspiciousOperation
from django.db import OperationalError, connection, transaction
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from psycopg.errors import QueryCanceled

from leads.admin.addresses import AT, FROM, LIST, link
from leads.admin.keyset_list import KeysetList, Unread
from leads.admin.orders import Order
from leads.models import Lead
from leads.selection.sorting import BadSort

LONGEST = 4_000  # characters of a list's address that are read
BEFORE_MOST = 1_000  # leads that are counted before this one
TOTAL_MOST = 10_000  # leads that are counted of the list
COUNTING_MS = 300  # for both counts: a filter that one lead in a million passes is not counted to its end


class _Unsaid(BaseStorage):
    """What the list would complain of is said there, not on a lead's page."""

    def _get(self, *_args: Any, **_options: Any) -> Any:
        return [], True

    def _store(self, messages: Any, *_args: Any, **_options: Any) -> Any:
        return messages


@dataclass(frozen=True, slots=True)
class Walk:
    """Where a lead stands in the list it was opened from. Addresses are empty where there is nobody.

    words: "12 of 165". kept: this page's own query, by which a form leads back to the same place in the list.
    """

    back: str
    kept: str
    previous: str = ""
    next: str = ""
    words: str = ""


def came_from(request: HttpRequest) -> str | None:
    """The query of the list that this page was opened from; None: it was opened from elsewhere."""
    query = request.GET.get(FROM)
    return None if query is None else query.replace("\x00", "")[:LONGEST]


def kept_query(model_admin: Any, request: HttpRequest, lead: Lead) -> str:
    """This page's own query with the lead's place as it is before anything changes; "" where it is of no list."""
    query = came_from(request)
    if query is None:
        return ""
    at = request.GET.get(AT, "")
    if not at and (order := _order_of(model_admin, request, query)) is not None:
        at = order.kept(lead)
    return link(lead, query, at).partition("?")[2]


def walk_of(model_admin: Any, request: HttpRequest, lead: Lead) -> Walk | None:
    """None: the page was not opened from a list."""
    query = came_from(request)
    if query is None:
        return None
    back = f"{reverse('admin:leads_lead_changelist')}{f'?{query}' if query else ''}"
    order = _order_of(model_admin, request, query)
    if order is None:
        return Walk(back, link(lead, query).partition("?")[2])
    at = request.GET.get(AT, "") or order.kept(lead)
    place = order.read(at) if at else None
    place = order.place(lead) if place is None else place
    kept = link(lead, query, at).partition("?")[2]
    if place is None:
        return Walk(back, kept)

    def beside(*, before: bool) -> str:
        found = [one for one in order.page(place, back=before, limit=2) if one.pk != lead.pk]
        return link(found[0], query) if found else ""

    try:
        return Walk(back, kept, beside(before=True), beside(before=False), _position(order, place, lead))
    except BadSort:
        return Walk(back, kept)


def next_of(model_admin: Any, request: HttpRequest, lead: Lead) -> str:
    """The address of the next lead of the list; "" where there is none."""
    walk = walk_of(model_admin, request, lead)
    return walk.next if walk else ""


def _order_of(model_admin: Any, request: HttpRequest, query: str) -> Order | None:
    """The order of the list at this address; None where it cannot be read."""
    asked = copy(request)
    vars(asked).pop("desk_shared_bucket", None)  # what the admin has found out about the other address
    asked.method, asked.GET = "GET", QueryDict(query)
    vars(asked)["_messages"] = _Unsaid(asked)
    vars(asked)[LIST] = Unread
    try:
        found = model_admin.get_changelist_instance(asked)
        return found.order(asked) if isinstance(found, KeysetList) else None
    except (IncorrectLookupParameters, DisallowedModelAdminLookup, SuspiciousOperation, ValueError):
        return None


def _position(order: Order, place: Any, lead: Lead) -> str:
    """12 of 165; over 1,000 of 10,000+; "" where counting takes too long."""
    counted = _counted(lambda: (order.holds(lead), order.before(place, BEFORE_MOST + 1), order.total(TOTAL_MOST + 1)))
    if counted is None:
        return ""
    holds, before, total = counted
    of = f"{min(total, TOTAL_MOST):,}{'+' if total > TOTAL_MOST else ''}"
    if not holds:
        return f"No longer in this list of {of}"
    return f"over {BEFORE_MOST:,} of {of}" if before >= BEFORE_MOST else f"{before + 1:,} of {of}"


def _counted(count: Callable[[], tuple[bool, int, int]]) -> tuple[bool, int, int] | None:
    set_timeout = "SELECT set_config('statement_timeout', %s, true)"
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('statement_timeout')")
            (before,) = cursor.fetchone()
            cursor.execute(set_timeout, [f"{COUNTING_MS}ms"])
            counted = count()
            cursor.execute(set_timeout, [before])
            return counted
    except OperationalError as error:
        if not isinstance(error.__cause__, QueryCanceled):
            raise
        return None
