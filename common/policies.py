"""What a page may load, run and ask of the browser, said in headers."""

from __future__ import annotations

from dataclasses import asdict
from http import HTTPStatus

from csp.constants import HEADER, UNSAFE_EVAL
from csp.middleware import CSPMiddleware, PolicyParts
from csp.utils import build_policy
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase


class Policies(CSPMiddleware):
    """Content-Security-Policy by settings.CONTENT_SECURITY_POLICY, and Permissions-Policy."""

    def get_policy_parts(
        self,
        request: HttpRequest,
        response: HttpResponseBase,
        report_only: bool = False,  # noqa: FBT001, FBT002
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        if not report_only and request.path_info.startswith(settings.CSP_EVAL_PATHS):
            parts.update = {**(parts.update or {}), "script-src": [UNSAFE_EVAL]}
        return parts

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        response.headers.setdefault("Permissions-Policy", settings.PERMISSIONS_POLICY)
        if (
            settings.DEBUG and response.status_code == HTTPStatus.NOT_FOUND
        ):  # theirs leaves these out, as it does Django's
            parts = self.get_policy_parts(request, response)  # page of an error, which has a script in it
            response.headers.setdefault(HEADER, build_policy(**asdict(parts)) or "")
        return super().process_response(request, response)
