"""A person's own views of the list of leads: filters with a name."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote_plus, urlencode
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from accounts.access import Access, Scope, team_of
from accounts.audit import record
from accounts.models import User
from common.contact_access import holds_contact
from common.db.ids import uuid7
from leads.models import SavedView
from leads.privacy.filtering import WORDS, names_forgotten
from leads.selection.filters import BadFilter, understood
from leads.selection.sorting import BadSort, sort_of

NAME_MAX, QUERY_MAX = 50, 1000  # the columns' lengths
VIEWS_AT_MOST = 30  # of one team: they stand side by side above the list
BESIDE = ("q", "bucket", "sort")  # what the list takes beside the filters: a search, a bucket, an order


class ViewRefused(ValueError):
    """The view cannot be saved; the words say why."""


def save_view(*, by: User, name: str, query: str, team_id: int | None = None, overrules: bool = False) -> SavedView:
    """Keeps the filters in this query string under a name; a name she has already is given the new filters.

    team_id: whose view it is; None: her own. overrules: also a colleague's view of this name is given them. One
    statement decides between new and known, so that a button pressed twice makes one view. Raises ViewRefused.
    """
    name = " ".join(name.split())
    if not name or len(name) > NAME_MAX or "\x00" in name:
        raise ViewRefused(f"Give the view a name of at most {NAME_MAX} characters.")
    kept = _checked(query)
    team_id = team_id if team_id is not None else team_of(by)
    if SavedView.objects.filter(team_id=team_id).exclude(name__iexact=name).count() >= VIEWS_AT_MOST:
        raise ViewRefused(f"Your team has {VIEWS_AT_MOST} views, the most there can be: delete one first.")
    now = timezone.now()
    with transaction.atomic(), connection.cursor() as cursor:  # Django's upsert takes no index on an expression
        if names_forgotten(name, *(value for _, value in parse_qsl(kept))):
            raise ViewRefused(WORDS)
        cursor.execute(
            """
            INSERT INTO leads_savedview (id, owner_id, team_id, name, query, created_at, updated_at)
            VALUES (%s, %s, %s, %s, %s, %s, %s)
            ON CONFLICT (team_id, lower(name)) DO UPDATE
               SET name = excluded.name, query = excluded.query, updated_at = excluded.updated_at
             WHERE leads_savedview.owner_id = excluded.owner_id OR %s
            RETURNING id
            """,
            [uuid7(), by.pk, team_id, name, kept, now, now, overrules],
        )
        row = cursor.fetchone()
    if row is None:
        raise ViewRefused("A colleague’s view has this name: choose another.")
    return SavedView.objects.get(pk=row[0])


def views_of(access: Access) -> list[SavedView]:
    """Those above her list, by name. Their filters stand in links: none of somebody else's that has a contact in it for
    who sees none.
    """
    views = SavedView.objects.seen_by(access).order_by("name")
    hides = not access.can(Scope.CONTACTS)
    return [v for v in views if not (hides and v.owner_id != access.user.pk and holds_contact(unquote_plus(v.query)))]


def delete_view(*, view: SavedView, by: User) -> None:
    about = ("savedview", view.pk)
    with transaction.atomic():
        if view.delete()[0]:  # by two at once: once
            record("view.deleted", by=by, team_id=view.team_id, about=about, name=view.name)


def _checked(query: str) -> str:
    """The filters of a query string that the list knows, in one order. Raises ViewRefused."""
    if "\x00" in query or "%00" in query:
        raise ViewRefused("These filters cannot be read.")
    given: dict[str, list[str]] = {}
    for name, value in parse_qsl(query.removeprefix("?")):
        if value.strip():  # an empty box of the filters' form asks nothing
            given.setdefault(name, []).append(value.strip())
    for name, words in (("q", "search for one text."), ("sort", "choose one order.")):
        if len(given.get(name, [])) > 1:
            raise ViewRefused(f"{name}: {words}")
    filters = {name: values for name, values in given.items() if name not in BESIDE}
    try:
        understood({name: values if len(values) > 1 else values[0] for name, values in filters.items()})
        for bucket in given.get("bucket", []):
            UUID(bucket)
        for sort in given.get("sort", []):
            sort_of(sort)
    except BadSort as error:
        raise ViewRefused(f"sort: {error}") from error
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
