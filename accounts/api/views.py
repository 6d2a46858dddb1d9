"""Tokens: made for a password, ended at once. And one's own profile."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle

from accounts.api.serializers import ProfileEdit, ProfileSerializer, SignIn
from accounts.services import WrongPassword, change_profile, revoke_all_tokens, revoke_token, sign_in
from common.api.base import ApiView, Problem, ok, translates
from common.api.schema import answer
from common.api.serializers import MomentField, Nothing
from common.api.throttles import GuessingThrottle


@translates(WrongPassword)
def _wrong_password(_error: WrongPassword) -> Problem:
    return Problem("WRONG_PASSWORD", "The user name or the password is wrong.", status=401)


class TokenView(ApiView):
    def get_permissions(self) -> Any:
        return [AllowAny()] if self.request.method == "POST" else super().get_permissions()

    def get_throttles(self) -> list[BaseThrottle]:
        return [GuessingThrottle()] if self.request.method == "POST" else super().get_throttles()

    def perform_authentication(self, request: Request) -> None:
        """A client that signs in may still send an old token along: it is not looked at."""
        if request.method != "POST":
            super().perform_authentication(request)

    @extend_schema(
        operation_id="signIn",
        summary="A token for a user name and password",
        auth=[{}],  # type: ignore[list-item]  # OpenAPI's "no security"
        request=SignIn,
        responses=answer("Token", token=serializers.CharField(), expiresAt=MomentField()),
    )
    def post(self, _request: Request) -> Response:
        given = self.body(SignIn)
        token, expires_at = sign_in(username=given["username"], password=given["password"])
        return ok(token=token, expiresAt=expires_at, headers={"Cache-Control": "no-store"})

    @extend_schema(
        operation_id="revokeAllTokens",
        summary="End all my tokens",
        responses={200: answer("TokensRevoked", revoked=serializers.IntegerField())},
    )
    def delete(self, _request: Request) -> Response:
        return ok(revoked=revoke_all_tokens(user=self.user))


class LogoutView(ApiView):
    @extend_schema(
        operation_id="signOut", summary="End the token of this request", request=None, responses=answer("SignedOut")
    )
    def post(self, request: Request) -> Response:
        self.body(Nothing)
        if request.auth is None:
            raise Problem("NO_TOKEN", "This request came with a session, not with a token.")
        revoke_token(token=request.auth)
        return ok()


class ProfileView(ApiView):
    @extend_schema(
        operation_id="getProfile", summary="My profile", responses=answer("ProfileAnswer", profile=ProfileSerializer())
    )
    def get(self, _request: Request) -> Response:
        return ok(profile=ProfileSerializer(self.user).data)

    @extend_schema(
        operation_id="editProfile",
        summary="Change my name, e-mail or time zone",
        description="Answers give times in UTC, ending in Z, whatever the zone. Requests may give any offset; a time "
        "without one is read in this time zone.",
        request=ProfileEdit,
        responses=answer("ProfileEdited", profile=ProfileSerializer()),
    )
    def patch(self, _request: Request) -> Response:
        return ok(profile=ProfileSerializer(change_profile(user=self.user, changes=self.body(ProfileEdit))).data)
