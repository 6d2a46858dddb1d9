"""API tokens: who a request is from, and for the audit by which token.

Django REST framework imports this while it is itself being imported, so nothing of `common.api` may be imported here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.utils import timezone
from knox.auth import TokenAuthentication as KnoxAuthentication
from knox.models import AuthToken
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.origin import origin
from accounts.tokens import came_from
from common.client_address import client_address


class TokenAuthentication(KnoxAuthentication):  # type: ignore[misc]  # knox has no types
    def authenticate(self, request: Request) -> Any:
        """(user, token), or None where the request carries no token. What is done from here on names the token."""
        found = super().authenticate(request)
        if found is not None:
            if not came_from(found[1], client_address(request)):
                raise AuthenticationFailed
            origin.set(replace(origin.get(), token_key=found[1].token_key[:8]))
        return found

    def _cleanup_token(self, auth_token: AuthToken) -> bool:
        """Whether it has expired. Knox would look through all of the user's tokens: `accounts.forget_expired` does."""
        return auth_token.expiry is not None and bool(auth_token.expiry <= timezone.now())
