"""Snippets: words of a company that many texts have in common. A template that is saved keeps what they said then."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from django.db import IntegrityError, transaction

from accounts.audit import record
from accounts.models import User
from campaigns.models import Snippet
from campaigns.planning.refusals import CampaignError
from campaigns.rules.mail_html import addresses_in
from campaigns.rules.templates import BadTemplate, parse
from leads.models import Seller
from leads.permission.selling import active_seller

NAME_MAX, TEXT_MAX, MANY = 40, 2_000, 100  # characters; snippets of a company
_NAME: Final = re.compile(rf"[a-z][a-z0-9-]{{0,{NAME_MAX - 1}}}")


def snippets_of(team_id: int | None) -> Mapping[str, str]:
    """Texts by name, of the team's company; none before its profile is begun."""
    return snippets_of_seller(active_seller(team_id))


def snippets_of_seller(seller: Seller | None) -> Mapping[str, str]:
    """As `snippets_of`."""
    return dict(Snippet.objects.filter(seller=seller).values_list("name", "text")) if seller else {}


def add_snippet(*, by: User, seller: Seller, name: str, text: str) -> Snippet:
    """Raises CampaignError: `name` (taken, or none that a template can write), `text` (position)."""
    snippet = Snippet(seller=seller, name=_name(name), text=_text(text), by_id=by.pk)
    if Snippet.objects.filter(seller=seller).count() >= MANY:
        raise CampaignError("TOO_MANY_SNIPPETS", f"A company has at most {MANY} snippets: delete one first.")
    with _once():
        snippet.save(force_insert=True)
        record("snippet.created", by=by, team_id=seller.team_id, about=snippet, name=snippet.name)
    return snippet


def change_snippet(*, snippet: Snippet, by: User, name: str | None = None, text: str | None = None) -> Snippet:
    """Templates that were saved keep what it said. Raises CampaignError."""
    said = {"name": _name(name) if name is not None else None, "text": _text(text) if text is not None else None}
    changed = {field: value for field, value in said.items() if value is not None and value != getattr(snippet, field)}
    if not changed:
        return snippet
    with _once():
        if not Snippet.objects.filter(pk=snippet.pk).update(**changed, by_id=by.pk):
            raise CampaignError("NOT_FOUND", "The snippet is gone.")
        snippet.refresh_from_db()
        after = {"fields": sorted(changed)}
        record("snippet.changed", by=by, team_id=snippet.seller.team_id, about=snippet, name=snippet.name, after=after)
    return snippet


def delete_snippet(*, snippet: Snippet, by: User) -> None:
    """Templates that were saved keep what it said; who saves one again must write another."""
    about, team_id = ("snippet", snippet.pk), snippet.seller.team_id
    with transaction.atomic():
        if snippet.delete()[0]:  # by two at once: once
            record("snippet.deleted", by=by, team_id=team_id, about=about, name=snippet.name)


def _name(name: str) -> str:
    name = name.strip()
    if not _NAME.fullmatch(name):
        words = f"A name has 1 to {NAME_MAX} small letters, digits and hyphens and begins with a letter: signature."
        raise CampaignError("INVALID", words, "name")
    return name


def _text(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    if not text.strip():
        raise CampaignError("INVALID", "Write a text.", "text")
    if len(text) > TEXT_MAX:
        raise CampaignError("INVALID", f"A snippet has at most {TEXT_MAX:,} characters.", "text")
    try:
        addresses_in(text)
        return parse(text).text
    except BadTemplate as error:
        raise CampaignError("INVALID", error.words, "text", more={"position": error.position}) from error


@contextmanager
def _once() -> Iterator[None]:
    """A transaction; that the company has a snippet of this name already is said in words."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if "snippet_once" not in str(error):
            raise
        raise CampaignError("INVALID", "Your company has a snippet of this name.", "name") from error
