"""Before what cannot be undone, a person proves anew that it is she: by her password, a code or a passkey."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import get_authentication_records
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.selectors import user_of

SIGNED_IN_AT = "signed_in_at"  # in the session: seconds since 1970
View = TypeVar("View", bound=Callable[..., Any])


class ProofNeeded(Exception):
    """This session has not proved in the last FRESH_MINUTES who sits there."""

    def __str__(self) -> str:
        return f"Confirm first that it is you, at {reverse('account_reauthenticate')}, then send this again."


def is_fresh(request: HttpRequest) -> bool:
    """Whether this session has signed in, or proved it is still the same person, in the last FRESH_MINUTES."""
    proofs = [float(record["at"]) for record in get_authentication_records(request, user_of(request))]
    latest = max([*proofs, float(request.session.get(SIGNED_IN_AT, 0))])
    return time.time() - latest < settings.FRESH_MINUTES * 60


def confirm_first(request: HttpRequest, *, back: str = "") -> HttpResponse:
    """Sends her to "Confirm it's you", and from there back. What she sent is not kept: it may hold a password."""
    if request.method == "POST":
        messages.info(request, "Nothing was done yet: confirm it’s you, then try again.")
    back = back or (request.META.get("HTTP_REFERER", "") if request.method == "POST" else request.get_full_path())
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure()):
        back = request.path
    return HttpResponseRedirect(_way(request, back))


def _way(request: HttpRequest, back: str) -> str:
    """Her password, code or passkey; who has none of them signs in anew at the provider."""
    if methods := get_adapter(request).get_reauthentication_methods(user_of(request)):
        return f"{methods[0]['url']}?{urlencode({'next': back})}"
    if not settings.OIDC_URL:
        raise PermissionDenied("You have no password here to confirm it’s you with. Ask a superuser for one.")
    asked = urlencode({"next": back, "auth_params": "prompt=login"})
    return f"{reverse('openid_connect_login', args=['oidc'])}?{asked}"


def requires_fresh(view: View) -> View:
    """A view, or a method of a ModelAdmin, that is done only with a fresh proof; else she confirms it's her first."""

    @wraps(view)
    def confirmed(*args: Any, **kwargs: Any) -> Any:
        request = next(argument for argument in args if isinstance(argument, HttpRequest))
        if request.user.is_authenticated and not is_fresh(request):
            return confirm_first(request)
        return view(*args, **kwargs)

    return confirmed  # type: ignore[return-value]


def requires_fresh_to_change(view: View) -> View:
    """The same of a page that anybody who may see it may look at: what is posted needs the proof."""
    asking = requires_fresh(view)

    @wraps(view)
    def confirmed(*args: Any, **kwargs: Any) -> Any:
        request = next(argument for argument in args if isinstance(argument, HttpRequest))
        return (asking if request.method == "POST" else view)(*args, **kwargs)

    return confirmed  # type: ignore[return-value]
