"""Pages that ask before they act: a question has an address of its own, and its answer is a POST that leads away.

A list's action that asks comes as a POST with the chosen rows. It is sent on to a GET of the same list with `ask` and
the rows, where the question stands: Back and a reload bring the question again and do nothing. Only an action marked by
`asks` is run by such a GET, and it sees a request without `confirmed`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict

ASK, ROW, ROWS, ACROSS, AGAIN = "ask", "row", "rows", "across", "again"
OURS = (ASK, ROW, ROWS, ACROSS, AGAIN)
CONFIRMED = "confirmed"
ASKED_AT_MOST = 200  # rows: the largest page of a list
NAMED_AT_MOST = (
    25  # rows that an address names one by one; more are packed (`packed`), for gunicorn takes a line of 8 KB
)
ID_BYTES = 16

Act = TypeVar("Act", bound=Callable[..., Any])


def asks(action: Act) -> Act:
    """Of a list's action that shows a page before it acts: the page gets an address."""

    @wraps(action)
    def asked(model_admin: Any, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        if request.method == "POST" and CONFIRMED not in request.POST and action.__name__ == request.POST.get("action"):
            return asked_at(model_admin, request, queryset)
        answer: HttpResponse | None = action(model_admin, request, queryset)
        return answer

    asked.asks = True  # type: ignore[attr-defined]
    return asked  # type: ignore[return-value]


def may_ask(action: Act) -> Act:
    """Of a list's action that asks in some cases only, by `asked_at`: its question may be opened at its address."""
    action.asks = True  # type: ignore[attr-defined]
    return action


def asked_at(
    model_admin: Any, request: HttpRequest, queryset: QuerySet[Any], *, again: bool = False
) -> HttpResponse | None:
    """To the address of the question of the action that was posted. again: what cannot be undone is asked twice, and
    this is the second question. None, with words to the person: the rows are too many.
    """
    most = 1 if is_across(request) else ASKED_AT_MOST + 1
    ids = [str(pk) for pk in queryset.values_list("pk", flat=True)[:most]]
    if len(ids) > ASKED_AT_MOST:
        model_admin.message_user(request, f"Choose at most {ASKED_AT_MOST} at a time.", messages.ERROR)
        return None
    return HttpResponseRedirect(_address(request, chosen_action(request), ids, again=again))


def is_again(request: HttpRequest) -> bool:
    """Whether this is the second question, or its answer."""
    return "1" in (request.POST.get(AGAIN), request.GET.get(AGAIN) if is_question(request) else "")


def _address(request: HttpRequest, action: str, ids: list[str], *, again: bool = False) -> str:
    query = _plain(request)
    beside = [(name, "1") for name, is_so in ((ACROSS, is_across(request)), (AGAIN, again)) if is_so]
    pack = packed(ids) if len(ids) > NAMED_AT_MOST else ""
    rows = [(ROWS, pack)] if pack else [(ROW, one) for one in ids]
    more = urlencode([(ASK, action), *rows, *beside])
    return f"{request.path}?{query.urlencode()}&{more}" if query else f"{request.path}?{more}"


def packed(ids: Sequence[str]) -> str:
    """UUIDs in 22 characters each, and not in 36; "" where one is none."""
    try:
        raw = b"".join(UUID(one).bytes for one in ids)
    except ValueError:
        return ""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def unpacked(text: str) -> list[UUID]:
    """The UUIDs of `packed`. Raises ValueError: it is none of its texts."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("no packed ids") from error
    if len(raw) % ID_BYTES:
        raise ValueError("no whole ids")
    return [UUID(bytes=raw[at : at + ID_BYTES]) for at in range(0, len(raw), ID_BYTES)]


def place(request: HttpRequest) -> str:
    """The list with its filters, without a question: where a question's answer goes, and its Back leads."""
    query = _plain(request)
    return f"{request.path}?{query.urlencode()}" if query else request.path


def _plain(request: HttpRequest) -> QueryDict:
    """What the address asks besides a question, as it was sent: a list takes out of `request.GET` what is no filter."""
    query = QueryDict(request.META.get("QUERY_STRING", ""), mutable=True)
    for name in OURS:
        query.pop(name, None)
    return query


def is_across(request: HttpRequest) -> bool:
    """Whether all that the list's filters and search find are meant, and not the chosen rows alone."""
    return request.POST.get("select_across") == "1" or (is_question(request) and request.GET.get(ACROSS) == "1")


def is_question(request: HttpRequest) -> bool:
    """Whether this address is of a question of a list."""
    return ASK in request.GET


def question(model_admin: admin.ModelAdmin[Any], request: HttpRequest) -> HttpResponse:
    """The question that the address asks; the list, with words, where there is none or no row of it is left."""
    if request.method not in ("GET", "HEAD"):  # a form that was sent here belongs to the list
        return HttpResponseRedirect(place(request))
    found: Any = model_admin.get_actions(request).get(request.GET[ASK])
    act = found[0] if found else None
    answer: HttpResponse | None = None
    if act is None or not getattr(act, "asks", False):
        model_admin.message_user(request, "There is no such question here, or not for your role.", messages.WARNING)
    else:
        rows = _rows(model_admin, request)
        if rows is None:
            model_admin.message_user(request, "None of these rows is there any more.", messages.WARNING)
        else:
            answer = act(model_admin, request, rows)
    return answer if answer is not None else HttpResponseRedirect(place(request))


def _rows(model_admin: admin.ModelAdmin[Any], request: HttpRequest) -> QuerySet[Any] | None:
    """The rows of the address that this person sees, or all that its list finds; None: there are none."""
    if is_across(request):
        return _found(model_admin, request)
    try:
        ids = [*request.GET.getlist(ROW), *unpacked(request.GET.get(ROWS, ""))][:ASKED_AT_MOST]
        rows = model_admin.get_queryset(request).filter(pk__in=ids)
        return rows if rows.exists() else None
    except (ValidationError, ValueError, TypeError):
        return None


def _found(model_admin: admin.ModelAdmin[Any], request: HttpRequest) -> QuerySet[Any] | None:
    """What the list of this address finds, without the question in it."""
    whole = request.GET
    plain = whole.copy()
    for name in OURS:
        plain.pop(name, None)
    request.GET = plain  # type: ignore[assignment]  # as a list's own address
    try:
        rows: QuerySet[Any] = model_admin.get_changelist_instance(request).get_queryset(request)
        return rows if rows.exists() else None
    except IncorrectLookupParameters:
        return None
    finally:
        request.GET = whole


def chosen_action(request: HttpRequest) -> str:
    """Which action the page's button posts: of the address or of the form that led here."""
    return request.POST.get("action", "") or request.GET.get(ASK, "")
