"""A person's own views of the list of leads: filters with a name."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from django.db import connection
from django.utils import timezone

from accounts.models import User
from common.db.ids import uuid7
from leads.models import SavedView
from leads.selection.filters import BadFilter, understood

NAME_MAX, QUERY_MAX = 50, 1000  # the columns' lengths
VIEWS_AT_MOST = 30  # of one person: they stand side by side above the list
BESIDE = ("q", "bucket")  # what the list takes beside the filters: a search, a bucket


class ViewRefused(ValueError):
    """The view cannot be saved; the words say why."""


def save_view(*, by: User, name: str, query: str) -> SavedView:
    """Keeps the filters in this query string under a name; a name the person has already is given the new filters.

    Raises ViewRefused. One statement decides between new and known, so that a button pressed twice makes one view.
    """
    name = " ".join(name.split())
    if not name or len(name) > NAME_MAX or "\x00" in name:
        raise ViewRefused(f"Give the view a name of at most {NAME_MAX} characters.")
    kept = _checked(query)
    if SavedView.objects.owned_by(by).exclude(name__iexact=name).count() >= VIEWS_AT_MOST:
        raise ViewRefused(f"You have {VIEWS_AT_MOST} views, the most there can be: delete one first.")
    now = timezone.now()
    with connection.cursor() as cursor:  # Django's upsert takes no index on an expression
        cursor.execute(
            """
            INSERT INTO leads_savedview (id, owner_id, name, query, created_at, updated_at)
            VALUES (%s, %s, %s, %s, %s, %s)
            ON CONFLICT (owner_id, lower(name)) DO UPDATE
               SET name = excluded.name, query = excluded.query, updated_at = excluded.updated_at
            RETURNING id
            """,
            [uuid7(), by.pk, name, kept, now, now],
        )
        (pk,) = cursor.fetchone()
    return SavedView.objects.get(pk=pk)


def _checked(query: str) -> str:
    """The filters of a query string that the list knows, in one order. Raises ViewRefused."""
    if "\x00" in query or "%00" in query:
        raise ViewRefused("These filters cannot be read.")
    given: dict[str, list[str]] = {}
    for name, value in parse_qsl(query.removeprefix("?")):
        if value.strip():  # an empty box of the filters' form asks nothing
            given.setdefault(name, []).append(value.strip())
    if len(given.get("q", [])) > 1:
        raise ViewRefused("q: search for one text.")
    filters = {name: values for name, values in given.items() if name not in BESIDE}
    try:
        understood({name: values if len(values) > 1 else values[0] for name, values in filters.items()})
        for bucket in given.get("bucket", []):
            UUID(bucket)
    except BadFilter as error:
        raise ViewRefused(f"These filters cannot be read: {error}") from error
    except ValueError as error:
        raise ViewRefused("bucket: this is no bucket's id.") from error
    kept = urlencode(sorted(given.items()), doseq=True)
    if not kept:
        raise ViewRefused("Choose a filter or search for something first: a view is a set of filters.")
    if len(kept) > QUERY_MAX:
        raise ViewRefused("These filters are too long to be kept.")
    return kept
