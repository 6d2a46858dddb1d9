"""Leads as a file, for users who may see their contacts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone

from accounts.selectors import user_of
from common.contact_access import may_see_contacts
from leads.models import Disclosure
from leads.selection.disclosures import export_pieces


def csv_answer(request: HttpRequest, leads: QuerySet[Any], *, bucket_id: UUID | None = None) -> StreamingHttpResponse:
    """The leads as CSV, recorded. Raises PermissionDenied: a file cannot be masked and still be of use."""
    if not may_see_contacts(request.user):
        raise PermissionDenied(
            "Exports include phones and e-mails. Ask an administrator for the permission to see them."
        )
    name = f"leads-{timezone.now():%Y-%m-%d-%H%M%S}.csv"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    pieces = export_pieces(leads, by=user_of(request), via=Disclosure.Via.ADMIN, bucket_id=bucket_id)
    return StreamingHttpResponse(pieces, content_type="text/csv; charset=utf-8", headers=headers)
