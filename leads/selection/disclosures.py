"""The record of whose phones and e-mails were seen or taken away. What is not recorded is not given out."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from enum import StrEnum
from functools import partial
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from rest_framework.request import Request

from accounts.access import access
from accounts.audit import About, record
from accounts.models import User
from accounts.origin import origin
from accounts.selectors import user_of
from common.contact_access import ANYBODYS, MASKED, holds_contact, sees_contacts
from leads.models import Lead
from leads.selection.export import PLAIN, Format, Layout, Pieces, csv_pieces
from leads.selection.workbook import workbook_pieces

_anybodys = attrgetter(*ANYBODYS)


class Via(StrEnum):
    """By which way they left."""

    ADMIN = "admin"
    API = "api"
    COMMAND = "command"


def record_unmasking(
    *, leads: Sequence[Lead], by: User, via: str, page: str = "lead", notes: Iterable[str] = ()
) -> None:
    """Notes that this person is being shown the contacts of these leads, in one event; nothing where not one has any.

    page: which of the product's answers shows them. notes: what it shows of what was noted about them.
    """
    reachable = [lead for lead in leads if _has_contact(lead)]
    if reachable or holds_contact(*notes):
        _tell(reachable or leads, by=by, via=via, page=page)


def _has_contact(lead: Lead) -> bool:
    """In the columns for it, among the values that are not shown, or anywhere in what a person's file had besides."""
    others = lead.other_facts
    if lead.phone or lead.secondary_phone or lead.email or (others and any(others.get(name) for name in MASKED)):
        return True
    texts = names_in(lead)
    if lead.data:
        texts += map(str, lead.data.values())
    return bool(texts) and holds_contact(*texts)


def names_in(lead: Lead) -> list[str]:
    """Its people, addresses and whatever else a file or a person may have written a phone or an e-mail into."""
    own = [text for text in lead.custom.values() if isinstance(text, str)] if lead.custom else []
    return [*map(str, filter(None, _anybodys(lead))), *own]


def _tell(reachable: Sequence[Lead], *, by: User, via: str, page: str) -> None:
    buckets = {lead.bucket_id for lead in reachable}
    teams = {lead.team_id for lead in reachable}
    about: About | None = ("bucket", min(buckets)) if len(buckets) == 1 else None
    if len(reachable) == 1:
        about = reachable[0]
    after: dict[str, Any] = {"via": via, "page": page, "leads": len(reachable)}
    if len(buckets) == 1:
        after["bucket"] = min(buckets)
    record("contacts.shown", by=by, team_id=min(teams) if len(teams) == 1 else None, about=about, after=after)


def record_rows(about: About, *, by: User, via: str, page: str, rows: int, team_id: int | None) -> None:
    """Notes that this person is given rows of their own file, which may hold contacts; nothing of no row."""
    if not rows:
        return
    record("contacts.shown", by=by, team_id=team_id, about=about, after={"via": via, "page": page, "leads": rows})


def are_masked(request: Request, leads: Sequence[Lead]) -> bool:
    """Whether an API answer hides these leads' contacts: another team's, in a bucket that it shares, always. Where it
    shows them, by session or token, that is recorded.
    """
    if not sees_contacts(request) or {lead.team_id for lead in leads} - {access(request).team_id}:
        return True
    record_unmasking(leads=leads, by=user_of(request), via=Via.API, page=page_of_api(request))
    return False


def are_notes_masked(request: Request, lead: Lead, texts: Sequence[str]) -> bool:
    """The same of what was noted about a lead, where people write phones and e-mails too."""
    if not sees_contacts(request):
        return True
    if holds_contact(*texts):
        _tell([lead], by=user_of(request), via=Via.API, page=page_of_api(request))
    return False


def page_of_api(request: Request) -> str:
    """What an address of the API is called in the record: its route's name."""
    match = request.resolver_match
    return match.view_name if match is not None else ""


def export_counted(
    leads: QuerySet[Lead],
    *,
    by: User,
    via: str,
    bucket_id: UUID | None = None,
    layout: Layout = PLAIN,
    team_id: int | None = None,
    filters: Iterable[str] = (),
) -> Pieces:
    """These leads as a file of this layout, recorded: before the first row leaves, and how many had left at the end.

    The first record is made at once, not with the first piece: if it cannot be made, nothing is sent. filters: by which
    the leads were chosen, by name: a value may be somebody's phone. team_id: whose leads; None: the first one's.
    """
    if team_id is None:
        rows = Lead.objects.filter(bucket=bucket_id) if bucket_id else leads
        team_id = rows.order_by().values_list("team_id", flat=True).first()
    tell = partial(
        record,
        by=by,
        team_id=team_id,
        about=("bucket", bucket_id) if bucket_id else None,
        came=origin.get(),  # rows leave when the request is over
    )
    told = {"via": via, "format": layout.format.value, "columns": len(layout.columns), "filters": sorted(filters)}
    tell("export.taken", after=told)
    return _counted(leads, partial(tell, "export.finished"), layout, via)


def _counted(leads: QuerySet[Lead], tell: partial[None], layout: Layout, via: str) -> Pieces:
    count, made = 0, workbook_pieces if layout.format is Format.XLSX else csv_pieces
    try:
        with closing(made(leads, layout)) as pieces:
            for piece, brought in pieces:
                count += brought
                yield piece, brought
    finally:  # also where the reader goes away
        tell(after={"via": via, "leads": count})


def export_pieces(leads: QuerySet[Lead], **recorded: Any) -> Generator[bytes, None, None]:
    """`export_counted` for a web server."""
    return _bytes_of(export_counted(leads, **recorded))


def _bytes_of(counted: Pieces) -> Generator[bytes, None, None]:
    with closing(counted) as pieces:
        for piece, _ in pieces:
            yield piece
