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
from accounts.profile.services import PasswordNeeded, change_profile_by_api
from accounts.services import (
    FactorRequired,
    WrongCode,
    WrongPassword,
    revoke_all_tokens,
    revoke_token,
    sign_in,
)
from accounts.sign_in.gate import MUST
from accounts.sign_in.limits import SignInLocked
from common.api.base import ApiView, Problem, invalid, ok, translates
from common.api.schema import answer
from common.api.serializers import MomentField, Nothing


@translates(WrongPassword)
def _wrong_password(_error: WrongPassword) -> Problem:
    return Problem("WRONG_PASSWORD", "The user name or the password is wrong.", status=401)


@translates(PasswordNeeded)
def _password_needed(error: PasswordNeeded) -> Problem:
    if error.is_wrong:
        words = "This is not your password."
        return Problem("WRONG_PASSWORD", f"currentPassword: {words}", status=401, fields={"currentPassword": [words]})
    return invalid("currentPassword", "Send it with a new e-mail: a forgotten password is replaced by a mail there.")


@translates(SignInLocked)
def _locked(error: SignInLocked) -> Problem:
    return Problem("TOO_MANY_REQUESTS", str(error), status=429, retry_after=error.seconds)


@translates(FactorRequired)
def _factor_required(error: FactorRequired) -> Problem:
    if not error.is_set:
        return Problem("FACTOR_REQUIRED", f"{MUST} Do it on the page /admin/account/factors/.", status=403)
    words = "Send the code of your authenticator app, or a recovery code."
    return Problem("FACTOR_REQUIRED", f"code: {words}", status=403, fields={"code": [words]})


@translates(WrongCode)
def _wrong_code(_error: WrongCode) -> Problem:
    words = "This code is wrong, was used before, or has expired."
    return Problem("WRONG_CODE", f"code: {words}", status=401, fields={"code": [words]})


class TokenView(ApiView):
    teamless = True
    needs_proof = ("DELETE",)

    def get_permissions(self) -> Any:
        return [AllowAny()] if self.request.method == "POST" else super().get_permissions()

    def get_throttles(self) -> list[BaseThrottle]:
        return [] if self.request.method == "POST" else super().get_throttles()

    def perform_authentication(self, request: Request) -> None:
        """A client that signs in may still send an old token along: it is not looked at."""
        if request.method != "POST":
            super().perform_authentication(request)

    @extend_schema(
        operation_id="signIn",
        summary="A token for a user name and password",
        description="Where a second factor is set, `code` is asked for too (403 FACTOR_REQUIRED, 401 WRONG_CODE). "
        "After 5 failures an hour of a name from an address, or 30 of an address: 429.",
        auth=[{}],  # type: ignore[list-item]  # OpenAPI's "no security"
        request=SignIn,
        responses=answer("Token", token=serializers.CharField(), expiresAt=MomentField()),
    )
    def post(self, request: Request) -> Response:
        token, expires_at = sign_in(request=request._request, **self.body(SignIn))  # noqa: SLF001  # Django's own
        return ok(token=token, expiresAt=expires_at, headers={"Cache-Control": "no-store"})

    @extend_schema(
        operation_id="revokeAllTokens",
        summary="End all my tokens",
        responses={200: answer("TokensRevoked", revoked=serializers.IntegerField())},
    )
    def delete(self, _request: Request) -> Response:
        return ok(revoked=revoke_all_tokens(user=self.user))


class LogoutView(ApiView):
    teamless = True
    ends_itself = True

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
    teamless = True

    @extend_schema(
        operation_id="getProfile", summary="My profile", responses=answer("ProfileAnswer", profile=ProfileSerializer())
    )
    def get(self, _request: Request) -> Response:
        return ok(profile=ProfileSerializer(self.user).data)

    @extend_schema(
        operation_id="editProfile",
        summary="Change my name, e-mail or time zone",
        description="Answers give times in UTC, ending in Z, whatever the zone. Requests may give any offset; a time "
        "without one is read in this time zone. A new e-mail needs `currentPassword` (400 without, 401 where it is "
        "wrong, counted as at sign-in), and a link is mailed to it that confirms it.",
        request=ProfileEdit,
        responses=answer("ProfileEdited", profile=ProfileSerializer()),
    )
    def patch(self, request: Request) -> Response:
        changes = dict(self.body(ProfileEdit))
        password = changes.pop("password", None)
        person = change_profile_by_api(
            request=request._request,  # noqa: SLF001  # Django's own
            user=self.user,
            changes=changes,
            password=password,
        )
        return ok(profile=ProfileSerializer(person).data)
