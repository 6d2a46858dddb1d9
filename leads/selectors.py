"""Finding leads by what a person types, and what is told of one lead. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import User
from common.dates import moment
from common.needs import SHOWN, Need
from integrations.vendors import normalise
from leads.models import Lead

CALLBACKS_SHOWN = 3  # those that wait longest; the list has them all
FOUND_AT_MOST = 500  # leads one search finds by each column: more letters narrow the rest
SHORTEST = 2  # letters: with one, a tenth of all leads would begin like it
_CAPITALS = ("property_address", "apn", "owner_name", "last_name")


def search_ids(leads: QuerySet[Any], text: str, *, contacts: bool) -> tuple[list[UUID], bool]:
    """The ids of those of `leads` whose address, APN, owner's name or owner's last name begins with this text, in any
    case, or whose property id is this text; with `contacts` also by phone (in any spelling) and e-mail.

    Says also whether there are more. `leads` must be narrowed to their owners: every index begins with the owner. One
    statement of index scans that each stop at FOUND_AT_MOST; an OR of the same conditions in the page's own query
    might be answered by reading all of a user's leads.
    """
    text = text.strip()
    if len(text) < SHORTEST or "\x00" in text:
        return [], False
    if "@" in text:
        conditions = [{"email__startswith": text.lower()}] if contacts else []
    else:
        conditions = [{f"{column}__istartswith": text} for column in _CAPITALS]
        conditions += _phones(text) if contacts else []
    rows = [leads.filter(**{_column(one): False}, **one) for one in conditions]
    if not rows:
        return [], False
    first, *rest = (row.order_by().values_list("pk")[: FOUND_AT_MOST + 1] for row in rows)
    found = [pk for (pk,) in first.union(*rest, all=True)]
    ids = list(dict.fromkeys(found))
    return ids, len(found) > FOUND_AT_MOST


def _column(condition: dict[str, Any]) -> str:
    """The condition's column is not null: what its partial index asks for."""
    return f"{next(iter(condition)).split('__')[0]}__isnull"


def _phones(text: str) -> list[dict[str, Any]]:
    """A number in any spelling, or the beginning of one as we write it: +1206."""
    number = normalise.phone(text)
    if number is None and not (text.startswith("+") and text[1:].isdigit()):
        return []
    return [{f"{column}__startswith": number or text} for column in ("phone", "secondary_phone")]


def tag_names(leads: Iterable[Lead]) -> dict[UUID, list[str]]:
    """The names of their tags by lead, in alphabetical order; a lead without any is left out. One statement."""
    names: dict[UUID, list[str]] = {}
    links = Lead.tags.through.objects.filter(lead__in=[lead.pk for lead in leads]).order_by("tag__name")
    for lead_id, name in links.values_list("lead_id", "tag__name"):
        names.setdefault(lead_id, []).append(name)
    return names


def callbacks_due(user: User, now: datetime) -> Iterable[Need]:
    """One's own, for superusers too: a lead's owner calls, and their own callbacks would be lost among everybody's."""
    due = Lead.objects.owned_by(user).to_call_back(before=now)
    first = due.only("callback_at", "owner_name", "property_address", "property_city", "property_id")
    parts = [(_whom(lead, user.time_zone), lead) for lead in first.order_by("callback_at", "pk")[:CALLBACKS_SHOWN]]
    if parts:
        many = due.order_by()[: SHOWN * 10].count()
        count = f"{many}{' or more' if many == SHOWN * 10 else ''}"
        yield Need(f"{count} callback{'s' if many > 1 else ''} due", "", Lead, parts)


def _whom(lead: Lead, time_zone: str) -> str:
    """When, who and where: Wed, Nov 25, 2:30 PM MST: Jo Smith, 12 Main St, Seattle."""
    who = ", ".join(filter(None, (lead.owner_name, str(lead), lead.property_city)))
    return f"{moment(lead.callback_at, time_zone)}: {who}"
