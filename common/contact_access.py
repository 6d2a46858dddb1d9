"""Who may see how a person is reached, and what everybody else sees of it.

People write phones and e-mails into names, tags, notes and searches as well: what shows such a text shows it as `told`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from django import template
from django.db.models import Q, QuerySet

from common.values.contacts import EMAIL, with_contacts

Rows = TypeVar("Rows", bound=QuerySet[Any])
register = template.Library()
_answered: ContextVar[Any] = ContextVar("answered", default=None)  # the request
_TEAMS = "_teams_read"  # on the request: whose rows its answer is made of
# What people type, as columns and as the API calls them. Ids, addresses of houses and numbers are none of it.
TYPED = frozenset(
    {
        "name", "bucket_name", "bucketName", "description", "file_name", "fileName", "tags", "text", "query", "search",
        "filters", "criteria", "options", "columns", "constants", "reason", "error", "last_result", "lastResult",
        "result", "warnings", "message", "waiting", "words", "arguments",
        "ownerName", "firstName", "lastName", "owner1FirstName", "owner1LastName", "secondOwnerName", "contactName",
        "person", "mailingAddress", "mailingCity", "tracedAddress", "tracedCity", "propertyAddress", "propertyCity",
        "propertyCounty", "propertyType",
    }
)  # fmt: skip
_IDS = frozenset({"id", "ids", "leadIds", "lead_ids", "apn", "fips", "parcel_account_number", "propertyId"})

DOTS = "••••"
PEOPLE = ("owner_name", "first_name", "last_name", "second_owner_name", "contact_name")  # columns of a lead
# Columns of a lead that hold anybody's words: typed by a person, of a file, or bought.
ANYBODYS = (
    *PEOPLE, "mailing_address", "mailing_city",
    "traced_address", "traced_city", "property_address", "property_city", "property_county", "property_type",
    "apollo_title", "apollo_company", "apollo_industry",
)  # fmt: skip
MASKED = ("phone", "secondary_phone", "email")  # the names these facts go by, on a lead and in an answer


def sees_contacts(request: Any) -> bool:
    """Whether a request may learn phones and e-mails, and what follows from them: who shares one.

    By the role and the token's scopes (`accounts.access.Access`, which this room does not know).
    """
    return bool(getattr(request, "_request", request).access.can("contacts"))


def masked_phone(phone: str) -> str:
    """The last four digits: enough to tell two numbers of one person apart, too few to call."""
    return f"{DOTS} {phone[-4:]}"


def masked_email(email: str) -> str:
    """The first letter and the domain."""
    name, at, domain = email.partition("@")
    return f"{name[:1]}{DOTS}{at}{domain}"


def masked(name: str, value: object) -> Any:
    """A fact as who may not see contacts sees it: phones and e-mails behind dots, everything else as it is."""
    if not value or name not in MASKED:
        return value
    return masked_email(str(value)) if name == "email" else masked_phone(str(value))


@register.filter
def masked_text(text: str) -> str:
    """Anybody's words with the phones and e-mails in them behind dots: notes, names, columns of a file.

    A date, an id, and a number that is no phone stay as they are.
    """
    return with_contacts(text, _behind_dots)


def _behind_dots(kind: int, value: str) -> str:
    return masked_email(value) if kind == EMAIL else masked_phone(value)


def masked_data(data: Mapping[str, str]) -> dict[str, str]:
    """A file's further columns, by name, for who may not see contacts."""
    return {name: masked_text(text) for name, text in data.items()}


@contextmanager
def answering(request: Any) -> Iterator[None]:
    """While a request is answered, `told` tells what its person may see."""
    token = _answered.set(request)
    try:
        yield
    finally:
        _answered.reset(token)


def note_team(team_id: int | None) -> None:
    """A row of this team was read for the answer, or its list is of this team; None: of all."""
    request = _answered.get()
    if request is not None:
        request.__dict__.setdefault(_TEAMS, set()).add(team_id)


def is_told_contacts(team_id: int | None = None) -> bool:
    """Whether what is shown now is shown to somebody who may see phones and e-mails; a command's reader may.

    A superuser looks at other teams' rows: in an answer with any of them she is told what her role in that team tells,
    which is nothing. (Whom a team shares a bucket with sees its contacts.) team_id: of one row more.
    """
    request = _answered.get()
    if request is None:
        return True
    if not sees_contacts(request):
        return False
    access = getattr(request, "_request", request).access
    teams = request.__dict__.get(_TEAMS, set()) | ({team_id} if team_id is not None else set())
    return not access.user.is_superuser or teams <= {access.team_id}


@register.filter
def told(text: Any, team_id: int | None = None) -> Any:
    """What somebody typed, for whoever reads the answer: with phones and e-mails behind dots where they see none.

    team_id: whose words they are, where no row says that.
    """
    return masked_text(text) if isinstance(text, str) and text and not is_told_contacts(team_id) else text


def told_data(value: Any) -> Any:
    """The same of every text within JSON; numbers and ids stay."""
    return _typed(value) if value and not is_told_contacts() else value


def told_answer(content: Any) -> Any:
    """An answer of the API with what people typed into it (TYPED) as `told`."""
    return content if is_told_contacts() else masked_answer(content)


def masked_answer(content: Any) -> Any:
    """The same for somebody who sees no contacts."""
    if isinstance(content, Mapping):
        return {name: (_typed if name in TYPED else masked_answer)(value) for name, value in content.items()}
    return [masked_answer(one) for one in content] if isinstance(content, list | tuple) else content


def _typed(value: Any) -> Any:
    if isinstance(value, str):
        return masked_text(value)
    if isinstance(value, Mapping):
        return {name: one if name in _IDS else _typed(one) for name, one in value.items()}
    return [_typed(one) for one in value] if isinstance(value, list | tuple) else value


def holds_contact(*texts: str) -> bool:
    """Whether there is anything to mask in one of these texts."""
    return any(masked_text(text) != text for text in texts)


# Texts that may hold a phone or an e-mail, for PostgreSQL: an @, three digits, or letters that may be read as either.
MAY_HOLD = "@|[0-9].*[0-9].*[0-9]|[^ -~]"
LOOKED_AT = 2000  # such rows of one search that are looked at one by one; beyond them all are left out


def found_as_told(rows: Rows, names: Sequence[str], words: Sequence[str]) -> Rows:
    """The rows that a search for these words found, for whoever reads the answer: without those in whose texts
    (`names`) a word is only behind the dots. Else a hidden phone could be found digit by digit.
    """
    if is_told_contacts() or not names or not words:
        return rows
    doubtful = rows.filter(Q(*(Q(**{f"{name}__regex": MAY_HOLD}) for name in names), _connector=Q.OR))
    found = list(doubtful.order_by().values_list("pk", *names)[: LOOKED_AT + 1])
    if len(found) > LOOKED_AT:
        return rows.exclude(pk__in=doubtful.order_by().values("pk"))
    hidden = [pk for pk, *texts in found if not _are_told(words, str(pk), [text or "" for text in texts])]
    return rows.exclude(pk__in=hidden) if hidden else rows


def _are_told(words: Sequence[str], pk: str, texts: Sequence[str]) -> bool:
    """Whether each word is in what is shown of a row, or is its id."""
    shown = [masked_text(text).casefold() for text in texts]
    return all(word == pk or any(word in text for text in shown) for word in map(str.casefold, words))
