"""My API tokens."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from knox.models import AuthToken
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Scope
from accounts.api.base import idempotent
from accounts.tokens import NAME_MAX, TokenRefused, TooManyTokens, change_token, end_tokens, issue_token, tokens_of
from common.api.base import ApiView, Problem, invalid, not_found, ok, translates
from common.api.lists import ListOf
from common.api.schema import answer
from common.api.serializers import MomentField, StrictSerializer, WholeField


@translates(TokenRefused)
def _refused(error: TokenRefused) -> Problem:
    return invalid(error.field, str(error))


@translates(TooManyTokens)
def _too_many(error: TooManyTokens) -> Problem:
    return Problem("TOO_MANY", str(error), status=409)


_SCOPES = "Those of your role in the team, or fewer; null: whatever your role has"


class _TokenFields(StrictSerializer):
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=[(scope.value, scope.value) for scope in Scope]),
        allow_null=True,
        required=False,
        max_length=len(Scope),
        help_text=_SCOPES,
    )
    addresses = serializers.ListField(
        child=serializers.CharField(max_length=50),
        required=False,
        max_length=20,
        help_text="IP addresses or networks it works from; none: any",
    )
    days = WholeField(required=False, min_value=1, max_value=3650, help_text="Days from now it lives")


class TokenCreate(_TokenFields):
    name = serializers.CharField(max_length=NAME_MAX, help_text="What it is for")
    teamId = WholeField(
        source="team_id", required=False, allow_null=True, help_text="One of your teams; by default your own"
    )


class TokenEdit(_TokenFields):
    name = serializers.CharField(max_length=NAME_MAX, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError(f"Give one of {', '.join(self.fields)}.")
        return attrs


class TokenRow(serializers.Serializer[AuthToken]):
    key = serializers.CharField(source="token_key", help_text="Its beginning, by which it is named")
    name = serializers.CharField(source="grant.name")
    teamId = serializers.IntegerField(source="grant.team_id", allow_null=True)
    scopes = serializers.ListField(child=serializers.CharField(), source="grant.scopes", allow_null=True)
    addresses = serializers.ListField(child=serializers.CharField(), source="grant.addresses")
    createdAt = MomentField(source="created")
    expiresAt = MomentField(source="expiry", allow_null=True)
    lastUsedAt = MomentField(source="grant.last_used_at", allow_null=True)


def _full(request: Request) -> None:
    """Tokens are made and changed by a person who is signed in, or by a token that may do all its user may."""
    if isinstance(request.auth, AuthToken) and (request.auth.grant.scopes is not None or request.auth.grant.addresses):
        raise Problem("FORBIDDEN", "A token that is limited makes, changes and ends no tokens.", status=403)


TOKENS = ListOf(
    "tokens", TokenRow, sorts={"createdAt": "created", "name": "grant__name", "lastUsedAt": "grant__last_used_at"}
)


class TokensView(ApiView):
    teamless = True
    needs_proof = ("POST",)

    @extend_schema(
        operation_id="listTokens",
        summary="My API tokens",
        parameters=[TOKENS.query],
        responses=TOKENS.answer("Tokens"),
    )
    def get(self, _request: Request) -> Response:
        return TOKENS.respond(self, list(tokens_of(self.user)))

    @extend_schema(
        operation_id="createToken",
        summary="Make an API token",
        description="The token is shown in this answer alone.",
        request=TokenCreate,
        responses={201: answer("TokenMade", token=serializers.CharField(), details=TokenRow())},
    )
    @idempotent(shows_secret=True)
    def post(self, request: Request) -> Response:
        _full(request)
        row, token = issue_token(user=self.user, by=self.user, **self.body(TokenCreate))
        return ok(201, token=token, details=TokenRow(row).data, headers={"Cache-Control": "no-store"})


class OneTokenView(ApiView):
    teamless = True
    needs_proof = ("PATCH", "DELETE")

    def _token(self, token_key: str) -> AuthToken:
        found = tokens_of(self.user).filter(token_key=token_key).first()
        if found is None:
            raise not_found("token")
        return found

    @extend_schema(
        operation_id="changeToken",
        summary="Change a token's name, scopes, addresses or life",
        request=TokenEdit,
        responses=answer("TokenChanged", details=TokenRow()),
    )
    def patch(self, request: Request, token_key: str) -> Response:
        _full(request)
        row = change_token(token=self._token(token_key), by=self.user, changes=self.body(TokenEdit))
        return ok(details=TokenRow(row).data)

    @extend_schema(operation_id="endToken", summary="End a token", responses={200: answer("TokenEnded")})
    def delete(self, request: Request, token_key: str) -> Response:
        _full(request)
        end_tokens(tokens=[self._token(token_key)], by=self.user)
        return ok()
