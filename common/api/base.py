"""What every endpoint shares: the view, the answer, and the one shape of an error.

{"success": true, …}
{"success": false, "error": {"code": "INVALID", "message": "limit: …", "fields": {"limit": ["…"]}, "requestId": "…"}}
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar

from django.core.exceptions import ObjectDoesNotExist, SuspiciousOperation
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.db import IntegrityError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.defaults import bad_request as django_bad_request
from django.views.defaults import server_error as django_server_error
from psycopg.errors import DeadlockDetected, SerializationFailure
from psycopg_pool import PoolTimeout
from rest_framework import exceptions
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from common.api import deprecation, limits
from common.api.declared import DeclaredRequest
from common.api.parser import StrictJSONParser
from common.api.renderer import JSONRenderer
from common.contact_access import sees_contacts, told_answer
from common.dates import use_zone_of
from common.refusals import error_body

log = logging.getLogger(__name__)
NEEDS_ADMINISTRATOR = "This needs an administrator: ask one to do it, or for the permission."
E = TypeVar("E", bound=Exception)
T = TypeVar("T")
MESSAGE_MAX = 500  # characters
RETRY_LATER = 10  # seconds: after "too many" of those who know no better, such as jobs at work
RETRY_DATABASE = 2  # seconds: a PostgreSQL that restarts is back in about as long
BAD_TOKEN = "This token is wrong, has been revoked or has expired. POST /api/auth/token gives a new one."  # noqa: S105


class Problem(exceptions.APIException):
    """An expected refusal, ready to be answered. `fields`: {name of the input: what is wrong with it}."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int = 400,
        fields: Mapping[str, list[str]] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, code)
        self.status_code, self.code, self.message = status, code, message
        self.fields, self.retry_after = dict(fields or {}), retry_after


def invalid(field: str, message: str) -> Problem:
    """A 400 that names the field."""
    return Problem("INVALID", f"{field}: {message}", fields={field: [message]})


def not_found(what: str, field: str = "") -> Problem:
    """A 404: it does not exist, or it is somebody else's. Nobody is told which."""
    message = f"There is no such {what}."
    if not field:
        return Problem("NOT_FOUND", message, status=404)
    return Problem("NOT_FOUND", f"{field}: {message}", status=404, fields={field: [message]})


def see_contacts(request: Request) -> None:
    """Raises a Problem unless this request may have phones and e-mails: by the role, and by the token's scopes."""
    if not sees_contacts(request):
        words = "Phones and e-mails need the scope 'contacts', which this role or token does not have."
        raise Problem("FORBIDDEN", words, status=403)


# --- Views ------------------------------------------------------------------------------------------------------------


class JsonRefusals(DeclaredRequest):
    """A refusal is JSON, whatever else this address may answer. No OPTIONS: what there is stands in the schema."""

    http_method_names = ["get", "head", "post", "put", "patch", "delete"]

    def finalize_response(self, request: Request, response: Response, *args: object, **kwargs: object) -> Response:
        if getattr(response, "exception", False):
            request.accepted_renderer, request.accepted_media_type = JSONRenderer(), JSONRenderer.media_type
        final = super().finalize_response(request, response, *args, **kwargs)
        method = getattr(self, str(request.method).lower(), None)
        for name, value in (limits.headers_of(request) | deprecation.headers_of(method)).items():
            final.headers[name] = value
        if isinstance(final, Response):
            final.add_post_render_callback(_part)
        return final


def _part(response: Response) -> None:
    """View, request and answer name each other. Left so, an answer's rows stay until Python's garbage collector looks
    for them, which it did in the middle of about each page of leads.
    """
    context: Any = response.renderer_context  # type: ignore[attr-defined]  # set as DRF finalizes
    context["request"].parser_context.clear()
    vars(context["view"]).clear()
    context.clear()


class ApiView(JsonRefusals):
    """Parse, permit, one service call, render."""

    parser_classes: list[type[BaseParser]] = [StrictJSONParser]

    def perform_authentication(self, request: Request) -> None:
        """As DRF does, but bytes that are no text in a token are a wrong token, not our fault. Then: whose clock."""
        try:
            super().perform_authentication(request)
        except UnicodeDecodeError as error:
            raise exceptions.AuthenticationFailed from error
        use_zone_of(request.user)

    @property
    def user(self) -> Any:
        """Who asks: a user of ours, as permissions have seen to. Which class that is, this room does not know."""
        return self.request.user

    @property
    def access(self) -> Any:
        """For which team she asks and what she may do there, as permissions have found: `accounts.access.Access`."""
        return self.request._request.access  # type: ignore[attr-defined]  # noqa: SLF001

    def body(self, serializer: type[BaseSerializer[Any]]) -> dict[str, Any]:
        """The checked request body."""
        return _checked(serializer, self.request.data)

    def query(self, serializer: type[BaseSerializer[Any]], *, also: frozenset[str] = frozenset()) -> dict[str, Any]:
        """The checked query string. A parameter given twice is refused. `also`: names that somebody else checks."""
        params = self.request.query_params
        given = {name: params.getlist(name) for name in params if name not in also}
        twice = {name: ["Give it once."] for name, values in given.items() if len(values) != 1}
        if twice:
            raise exceptions.ValidationError(twice)
        kind: Any = serializer
        asked: dict[str, Any] = _reader(kind).run_validation({name: one for name, (one,) in given.items()})
        return asked


class CsvRenderer(BaseRenderer):
    """Lets a client ask for `text/csv`. The file itself is streamed by the view."""

    media_type = "text/csv"
    format = "csv"

    def render(
        self, data: object, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        raise NotImplementedError("Files are streamed; refusals are JSON.")


class WorkbookRenderer(CsvRenderer):
    """The same of an Excel workbook."""

    media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    format = "xlsx"


@cache
def _reader(serializer: Any) -> Any:
    """One that reads the addresses of all requests, and keeps nothing of them: each made anew copies all its fields."""
    return serializer()


def _checked(serializer: type[BaseSerializer[Any]], data: object) -> dict[str, Any]:
    checked = serializer(data=data)
    checked.is_valid(raise_exception=True)
    result: dict[str, Any] = checked.validated_data
    return result


def ok(status: int = 200, /, *, headers: Mapping[str, str] | None = None, **content: object) -> Response:
    """`{"success": true, …}`, with what people typed as the reader may see it."""
    return Response({"success": True, **told_answer(content)}, status=status, headers=dict(headers or {}))


def money(amount: Decimal) -> str:
    """US dollars as text, two to four decimals: "0.05", "12.00", "0.0125"."""
    text = f"{amount:.4f}"
    return text[:-2] if text.endswith("00") else text.rstrip("0")


# --- Errors -----------------------------------------------------------------------------------------------------------

_TRANSLATORS: dict[type[Exception], Callable[[Any], Problem]] = {}


def translates(kind: type[E]) -> Callable[[Callable[[E], Problem]], Callable[[E], Problem]]:
    """Registers how an app's own exception is answered. Rooms above register theirs: this one knows no app."""

    def register(translate: Callable[[E], Problem]) -> Callable[[E], Problem]:
        _TRANSLATORS[kind] = translate
        return translate

    return register


def exception_handler(error: Exception, _context: Mapping[str, Any]) -> Response | None:
    """The answer to an exception, or None where it is a fault of ours (then it is logged, and a 500)."""
    problem = _problem(error)
    if problem is None:
        return None
    headers = {}
    challenge = getattr(error, "auth_header", None)
    if challenge:
        headers["WWW-Authenticate"] = challenge
    wait = RETRY_LATER if problem.retry_after is None and problem.status_code == 429 else problem.retry_after
    if wait is not None:
        headers["Retry-After"] = str(max(1, round(wait)))
    return Response(error_body(problem.code, problem.message, problem.fields), problem.status_code, headers=headers)


def joined(faults: Iterable[str]) -> str:
    """What is wrong, in one line: whole sentences follow each other, anything else is told apart by a semicolon."""
    return "; ".join(faults).replace(".; ", ". ")


def _problem(error: Exception) -> Problem | None:
    for kind in type(error).__mro__:
        if kind in _TRANSLATORS:
            return _TRANSLATORS[kind](error)
    if isinstance(error, Problem):
        return error
    if isinstance(error, exceptions.ValidationError):
        fields = _flat(error.detail)
        message = joined(f"{name}: {' '.join(words)}" if name else " ".join(words) for name, words in fields.items())
        return Problem("INVALID", message, fields=fields)
    if isinstance(error, exceptions.APIException):
        return _of_framework(error)
    if isinstance(error, Http404 | ObjectDoesNotExist):  # or it was deleted while we looked
        return not_found("thing")
    if isinstance(error, DjangoPermissionDenied):
        return Problem("FORBIDDEN", str(error) or NEEDS_ADMINISTRATOR, status=403)
    if isinstance(error, SuspiciousOperation):
        return Problem("INVALID", "The request cannot be read.")
    return _of_database(error)


_CODES = {400: "INVALID", 401: "NOT_AUTHENTICATED", 403: "FORBIDDEN", 404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}
_CODES |= {406: "NOT_ACCEPTABLE", 415: "UNSUPPORTED_MEDIA_TYPE", 429: "TOO_MANY_REQUESTS"}


def _of_framework(error: exceptions.APIException) -> Problem:
    message, wait = str(error.detail), None
    if isinstance(error, exceptions.AuthenticationFailed):
        message = BAD_TOKEN
    elif isinstance(error, exceptions.NotAuthenticated):
        message = "Send a token: `Authorization: Token …`. POST /api/auth/token gives one."
    elif isinstance(error, exceptions.PermissionDenied) and message == exceptions.PermissionDenied.default_detail:
        message = NEEDS_ADMINISTRATOR
    elif isinstance(error, exceptions.Throttled):
        wait = getattr(error, "wait", None) or 60.0
        message = f"Too many requests; try again in {round(wait)} seconds."
    status = error.status_code
    return Problem(_CODES.get(status, "ERROR"), message, status=status, retry_after=wait)


def _of_database(error: Exception) -> Problem | None:
    if isinstance(error.__cause__, DeadlockDetected | SerializationFailure):
        log.error("PostgreSQL gave a transaction up: %s", type(error.__cause__).__name__)
        words = "Others were changing the same rows at this moment; nothing was changed. Try again."
        return Problem("BUSY", words, status=503, retry_after=RETRY_DATABASE)
    if isinstance(error, OperationalError | InterfaceError | PoolTimeout):
        log.error("PostgreSQL is away: %s", type(error.__cause__ or error).__name__)
        words = "The database cannot be reached at this moment; nothing was changed. Try again."
        return Problem("DATABASE_AWAY", words, status=503, retry_after=RETRY_DATABASE)
    if isinstance(error, IntegrityError):
        log.warning("A constraint refused a write: %s", type(error.__cause__).__name__)
        return Problem("CONFLICT", "Somebody else changed this at the same moment; nothing was changed.", status=409)
    return None


def _flat(detail: object, path: str = "") -> dict[str, list[str]]:
    """Nested error details as {"signals.taxLien": ["…"]}; what belongs to no field stands under ""."""
    if isinstance(detail, Mapping):
        flat: dict[str, list[str]] = {}
        for name, inner in detail.items():
            here = path if name == "non_field_errors" else f"{path}.{name}".strip(".")
            flat |= _flat(inner, here)
        return flat
    if isinstance(detail, list) and any(isinstance(item, Mapping | list) for item in detail):
        flat = {}
        for index, inner in enumerate(detail):
            flat |= _flat(inner, f"{path}.{index}".strip(".")) if inner else {}
        return flat
    return {path: [_short(words) for words in detail] if isinstance(detail, list) else [_short(detail)]}


def _short(words: object) -> str:
    """A message that repeats what was sent does not repeat a megabyte of it."""
    text = str(words)
    return text if len(text) <= MESSAGE_MAX else f"{text[:MESSAGE_MAX]}…"


# --- What is outside every view --------------------------------------------------------------------------------------


@csrf_exempt  # nothing is here to be protected; refused as HTML a program would learn nothing
def unknown_address(request: HttpRequest, **_: str) -> JsonResponse:
    """404 in the API's own words."""
    words = "There is nothing at this address."
    if request.path.endswith("/"):
        words += " Addresses of the API end without a slash."
    return JsonResponse(error_body("NOT_FOUND", words), status=404)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400 of what Django refuses before a view reads it."""
    if not request.path.startswith("/api/"):
        return django_bad_request(request, exception)
    return JsonResponse(error_body("INVALID", "The request cannot be read."), status=400)


def server_error(request: HttpRequest) -> HttpResponse:
    """500, without a word on how we are built."""
    if not request.path.startswith("/api/"):
        return django_server_error(request)
    return JsonResponse(error_body("SERVER_ERROR", "Something went wrong on our side. It has been logged."), status=500)
