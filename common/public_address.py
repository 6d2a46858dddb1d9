"""Where people open this installation: what mailed links begin with."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.http.request import split_domain_port


def public_address(request: HttpRequest) -> str:
    """PUBLIC_URL; without it the request's own host, one of ALLOWED_HOSTS. Its port is anybody's word, so it is left
    out but for DEBUG.
    """
    if settings.PUBLIC_URL:
        return str(settings.PUBLIC_URL)
    host = request.get_host()
    return f"{request.scheme}://{host if settings.DEBUG else split_domain_port(host)[0]}"
