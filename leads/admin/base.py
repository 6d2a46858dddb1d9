"""What the pages of rooms above take from the leads': leads as a file, and what is said of one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone

from accounts.access import Scope, access
from accounts.selectors import user_of
from common.admin_teams import refuse
from common.downloads import file_answer
from leads.admin.lead_facts import DO_NOT_CALL, groups, map_address, place, signals, spaced
from leads.selection.disclosures import Via, export_pieces
from leads.selection.export import PLAIN, Layout

__all__ = [
    "DO_NOT_CALL", "export_answer", "groups", "map_address", "may_export", "place", "signals", "spaced",
]  # fmt: skip


def may_export(request: HttpRequest) -> bool:
    """Whether her role lets her take leads out. Only with their contacts: masked, a file is of no use."""
    person = access(request)
    return person.can(Scope.EXPORT) and person.can(Scope.CONTACTS)


def export_answer(
    request: HttpRequest,
    leads: QuerySet[Any],
    *,
    bucket_id: UUID | None = None,
    name: str = "leads",
    layout: Layout = PLAIN,
    filters: Iterable[str] = (),
) -> StreamingHttpResponse:
    """The leads as a file that is called by `name` and the time, recorded with the names of the filters.

    leads: of the team the person acts in. Raises PermissionDenied.
    """
    if not may_export(request):
        raise refuse(Scope.EXPORT)
    by = user_of(request)
    pieces = export_pieces(leads, by=by, via=Via.ADMIN, bucket_id=bucket_id, layout=layout, filters=filters)
    file_name = layout.file_name(name, at=f"{timezone.localtime():%Y-%m-%d-%H%M%S}")
    return file_answer(pieces, name=file_name, content_type=layout.format.content_type)
