"""Who must have a second factor, and has none, gets only the pages that set one up."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import resolve, reverse
from django.urls.exceptions import Resolver404

from accounts.selectors import user_of
from accounts.sign_in.factors import lacks_factor
from accounts.sign_in.sessions import FACTOR_BY_PROVIDER
from common.refusals import error_body

OPEN = ("mfa_", "account_reauthenticate", "account_login", "logout", "profile_time_zone", "jsi18n")
MUST = "Your team requires a second factor: set up an authenticator app or a passkey to go on."


class FactorGate:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not settings.FACTOR_REQUIRED_FOR or settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return self.get_response(request)
        if not request.path.startswith(("/admin/", "/api/")) or self._is_open(request):
            return self.get_response(request)
        if not request.user.is_authenticated or self._may_pass(request):
            return self.get_response(request)
        if request.path.startswith("/api/"):
            return JsonResponse(error_body("FACTOR_REQUIRED", MUST), status=403)
        if request.method == "GET":
            messages.warning(request, MUST)
        return HttpResponseRedirect(reverse("mfa_index"))

    def _may_pass(self, request: HttpRequest) -> bool:
        return bool(request.session.get(FACTOR_BY_PROVIDER)) or not lacks_factor(user_of(request))

    def _is_open(self, request: HttpRequest) -> bool:
        try:
            name = resolve(request.path).url_name or ""
        except Resolver404:
            return False
        return name.startswith(OPEN)
