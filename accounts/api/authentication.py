"""API tokens: who a request is from, and for the audit by which token.

Django REST framework imports this while it is itself being imported, so nothing of `common.api` may be imported here.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from hmac import compare_digest
from typing import Any

from django.utils import timezone
from knox.auth import TokenAuthentication as KnoxAuthentication
from knox.crypto import hash_token
from knox.models import AuthToken
from knox.settings import CONSTANTS
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.access import with_teams
from accounts.models import Membership, Team, TokenGrant, User
from accounts.origin import origin
from accounts.tokens import came_from
from common.client_address import client_address
from common.db.direct import columns, rows

_OF_A_TOKEN = (AuthToken, User, TokenGrant, Membership, Team)


@cache
def _tokens() -> str:
    read = ", ".join(columns(model, alias) for model, alias in zip(_OF_A_TOKEN, "tugmw", strict=True))
    return f"""
        SELECT {read} FROM knox_authtoken t JOIN accounts_user u ON u.id = t.user_id
          LEFT JOIN accounts_tokengrant g ON g.token_id = t.digest
          LEFT JOIN (accounts_membership m JOIN accounts_team w ON w.id = m.team_id) ON m.user_id = u.id
         WHERE t.token_key = %(key)s ORDER BY t.digest, m.id"""  # noqa: S608  # our own columns


class TokenAuthentication(KnoxAuthentication):  # type: ignore[misc]  # knox has no types
    def authenticate(self, request: Request) -> Any:
        """(user, token), or None where the request carries no token. What is done from here on names the token."""
        found = super().authenticate(request)
        if found is not None:
            if not came_from(found[1], client_address(request)):
                raise AuthenticationFailed
            origin.set(replace(origin.get(), token_key=found[1].token_key[:8]))
        return found

    def authenticate_credentials(self, token: bytes) -> Any:
        """As knox does, with what the token may do, and `members` its user's teams, in the same statement."""
        text = token.decode()
        digest = hash_token(text)
        read = rows(_tokens(), {"key": text[: CONSTANTS.TOKEN_KEY_LENGTH]}, *_OF_A_TOKEN, keeps_plan=True)
        hers = [found for found in read if compare_digest(digest, found[0].digest)]
        if not hers or self._cleanup_token(hers[0][0]):
            raise AuthenticationFailed
        row, row.user, grant = hers[0][:3]
        if grant is not None:
            row.grant = grant
        row.members = with_teams((member, team) for *_, member, team in hers if member is not None)
        return self.validate_user(row)

    def _cleanup_token(self, auth_token: AuthToken) -> bool:
        """Whether it has expired. Knox would look through all of the user's tokens: `accounts.forget_expired` does."""
        return auth_token.expiry is not None and bool(auth_token.expiry <= timezone.now())
