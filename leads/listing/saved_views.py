"""Views of the list of leads that a person makes, for the team or for herself: filters, an order and columns."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from urllib.parse import parse_qsl, unquote_plus, urlencode
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.access import Access, Scope, team_of
from accounts.audit import record
from accounts.models import User
from common.contact_access import holds_contact
from common.db.ids import uuid7
from leads.models import ColumnChoice, SavedView
from leads.privacy.filtering import WORDS, names_forgotten
from leads.selection.filters import BadFilter, understood
from leads.selection.sorting import BadSort, sort_of

NAME_MAX, QUERY_MAX = 50, 1000  # the columns' lengths
VIEWS_AT_MOST = 30  # of one team: they stand side by side above the list
COLUMNS_AT_MOST = 60  # of one view
_KEY = re.compile(r"[a-z][A-Za-z_.]{0,29}[A-Za-z0-9_.]{0,30}", re.ASCII)  # of a column: no place for a phone
BESIDE = ("q", "bucket", "sort")  # what the list takes beside the filters: a search, a bucket, an order


class ViewRefused(ValueError):
    """The view cannot be saved; the words say why. field: which of what was given is wrong."""

    def __init__(self, words: str, field: str = "query") -> None:
        super().__init__(words)
        self.field = field


class ViewExists(ViewRefused):
    """There is a view of this name with other filters, which she may replace."""

    def __init__(self, view: SavedView) -> None:
        super().__init__(f"There is a view “{view}” already.", "name")
        self.view = view


def save_view(
    *,
    by: User,
    name: str,
    query: str,
    team_id: int | None = None,
    overrules: bool = False,
    shared: bool = True,
    columns: Sequence[str] | None = None,
    replaces: bool = False,
) -> SavedView:
    """Keeps the filters in this query string under a name.

    team_id: whose view it is; None: her own team's. shared: the team sees it. replaces: a view of hers that has this
    name is given these filters; overrules: a colleague's is, too. One statement decides between new and known, so that
    a button pressed twice makes one view; it keeps its columns where none are given. Raises ViewRefused, ViewExists.
    """
    team_id = team_id if team_id is not None else team_of(by)
    name, kept, chosen = _named(name), _checked(query, team_id), _columns(columns)
    if SavedView.objects.filter(team_id=team_id).exclude(name__iexact=name).count() >= VIEWS_AT_MOST:
        raise ViewRefused(f"Your team has {VIEWS_AT_MOST} views, the most there can be: delete one first.", "name")
    now = timezone.now()
    known = "(team_id, lower(name)) WHERE shared" if shared else "(team_id, owner_id, lower(name)) WHERE NOT shared"
    with transaction.atomic():
        _check_nobody_forgotten(name, kept)
        with connection.cursor() as cursor:  # Django's upsert takes no index on an expression
            cursor.execute(
                f"""
                INSERT INTO leads_savedview
                       (id, owner_id, team_id, name, query, shared, columns, position, created_at, updated_at)
                SELECT %s, %s, %s, %s, %s, %s, %s::jsonb,
                       coalesce((SELECT max(position) + 1 FROM leads_savedview WHERE team_id = %s), 0), %s, %s
                ON CONFLICT {known} DO UPDATE
                   SET name = excluded.name, query = excluded.query, updated_at = excluded.updated_at,
                       columns = coalesce(excluded.columns, leads_savedview.columns)
                 WHERE (leads_savedview.owner_id = excluded.owner_id OR %s)
                   AND (leads_savedview.query = excluded.query OR %s)
                RETURNING id
                """,  # noqa: S608  # constants
                [uuid7(), by.pk, team_id, name, kept, shared, _json(chosen), team_id, now, now, overrules, replaces],
            )
            row = cursor.fetchone()
    if row is None:
        own = {} if shared else {"owner": by}
        there = SavedView.objects.filter(team_id=team_id, name__iexact=name, shared=shared, **own).first()
        if there is not None and (overrules or there.owner_id == by.pk):
            raise ViewExists(there)
        raise ViewRefused("A colleague’s view has this name: choose another.", "name")
    return SavedView.objects.get(pk=row[0])


def change_view(
    *,
    view: SavedView,
    by: User,
    name: str | None = None,
    query: str | None = None,
    shared: bool | None = None,
    columns: Sequence[str] | None = None,
    usual_columns: bool = False,
) -> SavedView:
    """Renames a view, gives it other filters or columns, or shares it with the team; what is None stays.

    usual_columns: it has none of its own any more. Raises ViewRefused.
    """
    values: dict[str, object] = {}
    if name is not None:
        values["name"] = _named(name)
    if query is not None:
        values["query"] = _checked(query, view.team_id)
    if shared is not None:
        values["shared"] = shared
    if columns is not None or usual_columns:
        values["columns"] = None if usual_columns else _columns(columns)
    try:
        with transaction.atomic():
            _check_nobody_forgotten(str(values.get("name", "")), str(values.get("query", "")))
            found = SavedView.objects.filter(pk=view.pk)
            if not found.update(**values, updated_at=timezone.now()):
                raise ViewRefused("This view was deleted meanwhile.", "name")
            record(
                "view.changed", by=by, team_id=view.team_id, about=("savedview", view.pk), after={"fields": [*values]}
            )
    except IntegrityError as error:
        raise ViewRefused("There is a view of this name already: choose another.", "name") from error
    view.refresh_from_db()
    return view


def order_views(*, access: Access, ids: Sequence[UUID]) -> None:
    """Puts the views that she may change in this order, before those that are not named. Raises ViewRefused."""
    rows = {view.pk: view for view in SavedView.objects.worked_by(access)}
    if unknown := [str(pk) for pk in ids if pk not in rows]:
        raise ViewRefused(f"There is no such view: {unknown[0]}.", "order")
    first = list(dict.fromkeys(ids))
    others = sorted((view for view in rows.values() if view.pk not in first), key=lambda v: (v.position, v.name))
    with connection.cursor() as cursor:  # one statement: of two at once the later one holds
        cursor.execute(
            """
            UPDATE leads_savedview v SET position = o.place - 1 FROM unnest(%s::uuid[]) WITH ORDINALITY AS o(id, place)
             WHERE v.id = o.id AND v.position <> o.place - 1
            """,
            [[*first, *(view.pk for view in others)]],
        )


def views_of(access: Access) -> list[SavedView]:
    """Those above her list, in their order. Their filters stand in links: none of somebody else's that has a contact in
    it for who sees none.
    """
    views = SavedView.objects.seen_by(access).order_by("position", "name")
    hides = not access.can(Scope.CONTACTS)
    return [v for v in views if not (hides and v.owner_id != access.user.pk and holds_contact(unquote_plus(v.query)))]


def delete_view(*, view: SavedView, by: User) -> None:
    about = ("savedview", view.pk)
    with transaction.atomic():
        if view.delete()[0]:  # by two at once: once
            ColumnChoice.objects.filter(preset=str(about[1])).delete()
            record("view.deleted", by=by, team_id=view.team_id, about=about, name=view.name)


def params_of(query: str) -> dict[str, list[str]]:
    """The parameters of a query string, each with its values."""
    given: dict[str, list[str]] = {}
    for name, value in parse_qsl(query.removeprefix("?")):
        given.setdefault(name, []).append(value)
    return given


def _named(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > NAME_MAX or "\x00" in name:
        raise ViewRefused(f"Give the view a name of at most {NAME_MAX} characters.", "name")
    return name


def _columns(columns: Sequence[str] | None) -> list[str] | None:
    """Keys of columns, each once. Which there are, the list knows: one that is gone is left out there."""
    if columns is None:
        return None
    kept = list(dict.fromkeys(columns))
    if not kept or len(kept) > COLUMNS_AT_MOST or not all(map(_KEY.fullmatch, kept)):
        raise ViewRefused(f"Choose 1 to {COLUMNS_AT_MOST} columns, by their keys.", "columns")
    return kept


def _json(columns: Sequence[str] | None) -> str | None:
    return None if columns is None else json.dumps(list(columns))


def _check_nobody_forgotten(name: str, kept: str) -> None:
    if names_forgotten(name, *(value for _, value in parse_qsl(kept))):
        raise ViewRefused(WORDS)


def _checked(query: str, team_id: int | None) -> str:
    """The filters of a query string that this team's list knows, in one order. Raises ViewRefused."""
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
        asked = {name: values if len(values) > 1 else values[0] for name, values in filters.items()}
        understood(asked, team_id=team_id)
        for bucket in given.get("bucket", []):
            UUID(bucket)
        for sort in given.get("sort", []):
            sort_of(sort, team_id=team_id)
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
