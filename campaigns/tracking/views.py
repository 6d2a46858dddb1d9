"""The addresses in e-mails: the way out, links, the picture. Nobody signs in; no cookie is set, nothing is cached."""

from __future__ import annotations

import logging
from typing import Final

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation, TooManyFieldsSent
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from campaigns.booking.throttle import too_fast
from campaigns.models import Delivery, Link
from campaigns.texts.mail import HIDDEN
from campaigns.tracking import tokens
from campaigns.tracking.touching import Visit, note_click, note_open, note_script
from campaigns.tracking.unsubscribing import Whose, unsubscribe, whose
from common.client_address import client_address

log = logging.getLogger(__name__)
# A transparent picture of 1 × 1.
PIXEL: Final = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00"
    b"\x01\x00\x00\x02\x02D\x01\x00;"
)
QUIET: Final = {"Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow"}


@csrf_exempt  # a mail provider posts here, with nothing of ours (RFC 8058)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def way_out(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows a page and does nothing: machines open every link. POST acts, from whoever has the token."""
    way = tokens.read_unsubscribe(token)
    if way is None:
        return _unknown(request)
    if request.method != "POST":
        if too_fast(request, "way_out"):
            return _page(request, "slow", status=429)
        return _page(request, "ask", of=whose(way), token=token)
    said = _by_page(request)
    for tries in (2, 1, 0):
        try:
            unsubscribe(way)
            break
        except OperationalError as error:  # a lock that was waited for too long, a deadlock: nothing was written
            if not tries:
                log.error("Unsubscribing from message %s failed: %s", way.delivery_id, type(error).__name__)
                return _page(request, "slow", status=503)
    return _page(request, "done", of=whose(way)) if said else HttpResponse(headers=QUIET)


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "OPTIONS", "POST"])
def link(request: HttpRequest, token: str) -> HttpResponse:
    """To where the template's link leads, and nowhere else. POST: the page there has run its script."""
    click = tokens.read_click(token)
    if click is None:
        return _unknown(request)
    found = Link.objects.filter(pk=click.link_id).values_list("url", "version_id").first()
    version = Delivery.objects.filter(pk=click.delivery_id).values_list("variant__version_id", flat=True).first()
    if found is None or version not in (None, found[1]):
        return _unknown(request)
    counts = not too_fast(request, "touch")  # whoever comes too often still gets there
    if request.method == "POST":
        if counts:
            note_script(click.delivery_id, click.link_id)
        return HttpResponse(status=204, headers=QUIET)
    hidden = found[0] == HIDDEN
    if counts:
        note_click(click.delivery_id, click.link_id, _visit(request), hidden=hidden)
    if hidden or request.method == "OPTIONS":
        return HttpResponse(status=204, headers={**QUIET, "Allow": "GET, HEAD, OPTIONS, POST"})
    return HttpResponseRedirect(_with_mark(found[0], token), headers=QUIET)


@never_cache
@require_safe
def picture(request: HttpRequest, token: str) -> HttpResponse:
    """The picture that says that an e-mail was opened."""
    delivery_id = tokens.read_opened(token)
    if delivery_id is None:
        return _unknown(request)
    if not too_fast(request, "touch"):
        note_open(delivery_id, _visit(request))
    return HttpResponse(PIXEL, content_type="image/gif", headers={**QUIET, "Cache-Control": "no-store"})


def _with_mark(url: str, token: str) -> str:
    """Our own page for appointments is told by which link its guest came: its script says so (`desk/booking.js`)."""
    is_ours = settings.PUBLIC_URL and url.startswith(f"{settings.PUBLIC_URL}/book/") and "#" not in url
    return f"{url}#l={token}" if is_ours else url


def _visit(request: HttpRequest) -> Visit:
    return Visit(request.method or "", request.headers.get("User-Agent", ""), client_address(request))


def _by_page(request: HttpRequest) -> bool:
    """Whether our own page's button was pressed. Whatever else is posted is a provider's one click, and read or not it
    counts.
    """
    try:
        return request.POST.get("from") == "page"
    except (MultiPartParserError, RequestDataTooBig, SuspiciousOperation, TooManyFieldsSent, UnreadablePostError):
        return False


def _unknown(request: HttpRequest) -> HttpResponse:
    """Not a word on whose it might be. Who guesses is slowed down."""
    if too_fast(request, "guess"):
        return _page(request, "slow", status=429)
    return _page(request, "unknown", status=404)


def _page(
    request: HttpRequest, name: str, *, of: Whose | None = None, token: str = "", status: int = 200
) -> HttpResponse:
    answer = render(request, f"tracking/{name}.html", {"of": of, "token": token}, status=status)
    for header, value in (*QUIET.items(), *([("Retry-After", "60")] if name == "slow" else [])):
        answer.headers[header] = value
    return answer
