"""The record of whose phones and e-mails were seen or taken away. What is not recorded is not given out."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from uuid import UUID

from django.db.models import QuerySet
from rest_framework.request import Request

from accounts.models import User
from accounts.selectors import user_of
from common.contact_access import comes_with_token, may_see_contacts
from leads.models import Disclosure, Lead
from leads.selection.export import csv_pieces


def record_unmasking(*, leads: list[Lead], by: User, via: str) -> Disclosure | None:
    """Notes that this person is being shown the contacts of these leads; None where not one has any."""
    reachable = [lead for lead in leads if lead.phone or lead.secondary_phone or lead.email]
    if not reachable:
        return None
    buckets = {lead.bucket_id for lead in reachable}
    return Disclosure.objects.create(
        by=by,
        what=Disclosure.What.UNMASK,
        via=via,
        lead_id=reachable[0].pk if len(reachable) == 1 else None,
        bucket_id=buckets.pop() if len(buckets) == 1 else None,
        leads=len(reachable),
    )


def are_masked(request: Request, leads: list[Lead]) -> bool:
    """Whether an API answer hides these leads' contacts. Where a browser's session is shown them, that is recorded."""
    if comes_with_token(request):
        return False
    if not may_see_contacts(request.user):
        return True
    record_unmasking(leads=leads, by=user_of(request), via=Disclosure.Via.API)
    return False


def export_counted(
    leads: QuerySet[Lead], *, by: User, via: str, bucket_id: UUID | None = None
) -> Generator[tuple[bytes, int], None, None]:
    """`csv_pieces` of these leads, recorded: before the first row leaves, and how many had left when it ended.

    The record is made at once, not with the first piece: if it cannot be made, nothing is sent.
    """
    record = Disclosure.objects.create(by=by, what=Disclosure.What.EXPORT, via=via, bucket_id=bucket_id)
    return _counted(leads, record)


def _counted(leads: QuerySet[Lead], record: Disclosure) -> Generator[tuple[bytes, int], None, None]:
    count = 0
    try:
        with closing(csv_pieces(leads)) as pieces:
            for piece, brought in pieces:
                count += brought
                yield piece, brought
    finally:  # also where the reader goes away
        Disclosure.objects.filter(pk=record.pk).update(leads=count)


def export_pieces(
    leads: QuerySet[Lead], *, by: User, via: str, bucket_id: UUID | None = None
) -> Generator[bytes, None, None]:
    """`export_counted` for a web server."""
    return _bytes_of(export_counted(leads, by=by, via=via, bucket_id=bucket_id))


def _bytes_of(counted: Generator[tuple[bytes, int], None, None]) -> Generator[bytes, None, None]:
    with closing(counted) as pieces:
        for piece, _ in pieces:
            yield piece
