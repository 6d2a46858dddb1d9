"""The leads that a page's address asks for, by the filters of the list: for pages beside it, such as the board."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import QueryDict

from accounts.access import Access, Scope
from leads.fields.cells import PREFIX
from leads.models import Lead
from leads.querysets import own_callbacks
from leads.selection.filters import FILTERS, MATCH, BadFilter, matching
from leads.selection.search import sought

BUCKET, SEARCH = "bucket", "q"


def filters_in(query: QueryDict) -> dict[str, list[str]]:
    """What an address filters by, without what is empty: its names are those of the list."""
    given = {name: [value for value in query.getlist(name) if value.strip()] for name in query}
    return {name: values for name, values in given.items() if values and _is_filter(name)}


def _is_filter(name: str) -> bool:
    return name in FILTERS or name in (MATCH, BUCKET, SEARCH) or name.startswith(PREFIX)


def leads_asked(access: Access, asked: Mapping[str, list[str]]) -> QuerySet[Lead]:
    """Those of her team's leads (a caller's: of those assigned to her) that pass. Raises BadFilter."""
    leads: QuerySet[Any] = Lead.objects.seen_by(access)
    rest = dict(asked)
    contacts = access.can(Scope.CONTACTS)
    if buckets := rest.pop(BUCKET, None):
        try:
            leads = leads.filter(bucket__in=[UUID(one) for one in buckets])
        except ValueError as error:
            raise BadFilter({BUCKET: ["This is not a bucket’s id."]}) from error
    if texts := rest.pop(SEARCH, None):
        leads = leads.filter(sought(texts[-1], by=access, contacts=contacts).matches)
    if "callback" in rest:
        leads = own_callbacks(leads, access)
    params = {name: values if len(values) > 1 else values[0] for name, values in rest.items()}
    return matching(
        leads, params, time_zone=access.user.time_zone, contacts=contacts, me=access.user.pk, team_id=access.team_id
    )
