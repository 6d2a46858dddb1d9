"""For which team a page is, and where a request came from."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject
from rest_framework.request import Request

from accounts.access import Access, NoSuchTeam, access_of, own_access
from accounts.origin import Origin, origin
from accounts.selectors import user_of
from common.client_address import client_address
from common.contact_access import answering
from common.logs import discreet_path
from common.request_id import HEADER, named, request_id

log = logging.getLogger(__name__)
TEAM = "team"  # in the session: the id of the team that was chosen on the page
REFUSALS = {400, 401, 403, 405, 413, 429}  # that are logged with who asked: what somebody tries who may not


class Origins:
    """Says for the audit and the log where a request came from, and what it is called; the answer says it too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        called = named(request.headers.get(HEADER))
        token, name = origin.set(Origin(client_address(request), called)), request_id.set(called)
        try:
            answer = self.get_response(request)
            answer.headers[HEADER] = called
            self._log(request, answer, called)
        finally:
            origin.reset(token)
            request_id.reset(name)
        return answer

    @staticmethod
    def _log(request: HttpRequest, answer: HttpResponse, called: str) -> None:
        if answer.status_code in REFUSALS:
            asked = request.method, discreet_path(request.path), _who(request), client_address(request), called
            log.warning("Refused with %s: %s %s by %s from %s (request %s)", answer.status_code, *asked)


def _who(request: HttpRequest) -> str:
    """Who asked, where somebody has looked: nothing is read for a line of the log."""
    user = getattr(request, "_cached_user", None) or request.__dict__.get("user")
    return "unknown" if type(user) is SimpleLazyObject else f"user {getattr(user, 'pk', None) or 'nobody'}"


class ActingTeam:
    """Sets `request.access` on pages: for the team of the session, else her own. Nothing is read before it is asked.

    What is shown of people's words goes by it (`common.contact_access.told`).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.access = SimpleLazyObject(lambda: page_access(request))  # type: ignore[attr-defined]
        with answering(request):
            return self.get_response(request)


def page_access(request: HttpRequest | Request) -> Access:
    """A signed-in person's access; nobody's, where nobody is signed in. A team she has left is forgotten."""
    user = user_of(request)
    if not user.is_authenticated:
        return Access(user, None)
    try:
        chosen = request.session.get(TEAM)
        return access_of(user, chosen) if chosen is not None else own_access(user)
    except NoSuchTeam:
        del request.session[TEAM]
        return own_access(user)
