"""OpenID Connect lets in whom we know by a verified e-mail; it makes nobody."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from allauth.account.internal.decorators import login_not_required
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal.deferred import jwt
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.internal import jwtkit
from allauth.socialaccount.models import SocialAccount, SocialApp
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from accounts.models import User
from accounts.sign_in.proving import people_with
from accounts.sign_in.sessions import FACTOR_BY_PROVIDER

UNKNOWN = "Nobody here has this e-mail. Ask whoever manages your team for an invitation."
UNVERIFIED = "Your provider has not verified your e-mail. Have it verified there, then try again."
NOT_OURS = "This answer is not from the provider that is set up here. Ask an administrator."
LINKED = "You have signed in here by another account of your provider. Ask a superuser to remove that link."


SIGNED_BY = [f"{kind}{bits}" for kind in ("RS", "PS", "ES") for bits in (256, 384, 512)] + ["EdDSA"]
_OF_KEY = {"EC": "ES256", "OKP": "EdDSA"}  # by `kty`, where a key names no algorithm: allauth would take it for RSA's


class _Provider(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]
    def _decode_id_token(self, app: SocialApp, id_token: str) -> dict[str, Any]:
        """allauth leaves the signature to TLS (OpenID Connect Core 3.1.3.7, 6); here it is verified as well."""
        try:
            if jwt.get_unverified_header(id_token)["alg"] not in SIGNED_BY:
                raise OAuth2Error("The ID token is not signed.")
            claims: dict[str, Any] = jwtkit.verify_and_decode(
                credential=id_token,
                keys_url=self.openid_config["jwks_uri"],
                issuer=self.openid_config["issuer"],
                audience=app.client_id,
                lookup_kid=_key,
            )
        except (KeyError, TypeError, ValueError, jwt.PyJWTError) as error:
            raise OAuth2Error("The ID token cannot be verified.") from error
        return claims


def _key(given: Mapping[str, Any], kid: str) -> Any:
    """The provider's key of this id."""
    named = [key for key in given["keys"] if key.get("kid")]
    return jwtkit.lookup_kid_jwk({"keys": [{"alg": _OF_KEY.get(key.get("kty"), "RS256"), **key} for key in named]}, kid)


@login_not_required  # type: ignore[untyped-decorator]  # allauth has no types
def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Where the provider sends the browser back to."""
    try:
        answer: HttpResponse = OAuth2CallbackView.adapter_view(_Provider(request, provider_id))(request)
    except SocialApp.DoesNotExist:
        raise Http404 from None
    return answer


class OidcAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(self, _request: HttpRequest, _sociallogin: Any) -> bool:
        return False

    def generate_state_param(self, _state: dict[str, Any]) -> str:
        return secrets.token_urlsafe(32)  # allauth's own has 95 bits

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Refuses in words, or lets allauth go on, which asks for the factor that is set here.

        1. The ID token is the configured issuer's, and the user info is about the same person (OpenID Connect Core
           5.3.2). allauth has read the token from the issuer itself, signed, for our client id.
        2. Known by the provider's own name of her (`sub`), or at first by an e-mail that it has verified.
        3. Whether the provider has seen a second factor: `mfa` in `amr` (RFC 8176).
        """
        claims = sociallogin.account.extra_data
        token, info = claims.get("id_token") or {}, claims.get("userinfo") or {}
        if str(token.get("iss", "")).rstrip("/") != settings.OIDC_URL or token.get("sub") != info.get("sub"):
            raise _refusal(request, NOT_OURS)
        if not sociallogin.is_existing:
            sociallogin.connect(request, _met_first(request, sociallogin))
        if not (sociallogin.user.is_active and sociallogin.user.is_staff):
            raise _refusal(request, UNKNOWN)
        amr = token.get("amr")
        setattr(request, FACTOR_BY_PROVIDER, isinstance(amr, list) and "mfa" in amr)


def _met_first(request: HttpRequest, sociallogin: Any) -> User:
    """The one active person with this e-mail, by more than her own word, who has no other account of the provider."""
    given = sociallogin.email_addresses
    if given and not given[0].verified:
        raise _refusal(request, UNVERIFIED)
    people = list(people_with(given[0].email).filter(is_active=True, is_staff=True)[:2]) if given else []
    if len(people) != 1:
        raise _refusal(request, UNKNOWN)
    if SocialAccount.objects.filter(user=people[0]).exists():  # her e-mail may be another person's by now
        raise _refusal(request, LINKED)
    return people[0]


def _refusal(request: HttpRequest, words: str) -> ImmediateHttpResponse:
    messages.error(request, words)
    return ImmediateHttpResponse(HttpResponseRedirect(reverse("account_login")))
