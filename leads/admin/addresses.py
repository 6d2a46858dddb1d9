"""The address of a lead's page, from a list of leads or from elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode
from uuid import UUID

from django.urls import reverse

from leads.models import Lead

FROM, AT = "from", "at"  # of the page's address: see `link`
_ANY = UUID(int=0)
LIST = "desk_list"  # of a request: the class of list that is read by it


def link(lead: Lead, query: str | None = None, at: str = "") -> str:
    """A lead's page. query: the query string of the list it is opened from ("": the list without a filter), by which
    the page finds the next and the previous lead and the way back; None: it is opened from elsewhere. at: the lead's
    place in that list, where its order may change while it is worked on.
    """
    address = reverse("admin:leads_lead_change", args=[lead.pk])
    if query is None:
        return address
    said = {FROM: query.lstrip("?"), **({AT: at} if at else {})}
    return f"{address}?{urlencode(said)}"


def links(query: str) -> Callable[[Lead], str]:
    """`link` for each lead of a page: made anew for each, addresses were a twentieth of the list's time."""
    before, _, after = link(Lead(pk=_ANY), query).partition(str(_ANY))
    return lambda lead: f"{before}{lead.pk}{after}"
