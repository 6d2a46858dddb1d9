"""Where vendors of texts, calls and e-mails post to. Nobody signs in: posts are signed. Stored first, then read."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest as DjangoRequest
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from campaigns.inbound import mail_posts, posts
from campaigns.inbound.addresses import VENDORS, called_url
from campaigns.inbound.reading import handle_at_once
from campaigns.voice.addresses import BRIDGE, KINDS, PRESS
from campaigns.voice.bridging import answer, ask_for_key
from common.api.base import ApiView, Problem, not_found, ok
from common.api.throttles import VendorPostThrottle
from common.enqueue import enqueue_soon
from common.public_address import public_address
from integrations.vendors import mail, messaging, voice

POST_BYTES_MAX = 256 * 1024
NOTHING = '<?xml version="1.0" encoding="UTF-8"?><Response/>'  # to Twilio: we answer by messages of our own


class SignedPostView(ApiView):
    """What a vendor posts, or asks: nobody signs in, the bytes are signed."""

    authentication_classes = []
    permission_classes = []
    throttle_classes = [VendorPostThrottle]
    undeclared = None  # a vendor adds parameters at any time; it has signed them

    def perform_content_negotiation(self, request: Request, *_: object, **__: object) -> Any:
        """A post is taken with any Accept header."""
        return super().perform_content_negotiation(request, force=True)

    def signed(self, request: Request, vendor: str) -> DjangoRequest:
        """The request as it came. Too large: 413. Not signed: 403, and only counted."""
        plain = request._request  # noqa: SLF001  # the raw bytes are what is signed
        body = self.short(request, POST_BYTES_MAX)
        url = called_url(plain.get_full_path(), public_address(plain))
        if not messaging.is_signed(vendor, url=url, headers=plain.headers, body=body):
            raise self.unsigned(vendor)
        return plain

    @staticmethod
    def short(request: Request, most: int) -> bytes:
        """The body, if it is no longer than this: 413."""
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isdecimal() or int(length) > most:
            raise Problem("TOO_LARGE", f"At most {most:,} bytes are taken.", status=413)
        plain = request._request  # noqa: SLF001
        return plain.read() if int(length) > POST_BYTES_MAX else plain.body

    @staticmethod
    def unsigned(vendor: str) -> Problem:
        """What a post that is not signed gets; it is counted."""
        posts.count_unsigned(vendor)
        return Problem("NOT_SIGNED", "This post is not signed as it should be.", status=403)


class VendorPostView(SignedPostView):
    """200 for whatever is signed and stored, known before or not; what it says can wait."""

    @extend_schema(exclude=True)
    def post(self, request: Request, slug: str, token: UUID | None = None) -> Any:
        """1. Signed, or refused. 2. Stored, committed. 3. An opt-out is tried."""
        vendor = VENDORS.get(slug)
        if vendor is None:
            raise not_found("thing")
        plain = self.signed(request, vendor)
        kept = posts.keep(vendor, plain.headers, plain.body, token=token)
        if kept is not None and not (kept.kind == posts.URGENT and handle_at_once(kept.id)):
            enqueue_soon("campaigns.read_inbound")
        return HttpResponse(NOTHING, content_type="text/xml") if slug == "twilio" else ok()


class MailPostView(SignedPostView):
    """What a provider of e-mail posts: what became of ours (tracking), and e-mails that came in (inbound)."""

    door = ""

    @extend_schema(exclude=True)
    def post(self, request: Request, provider: str) -> Any:
        """As `VendorPostView`. The provider is one that is known, or 404."""
        if provider not in mail.providers() or (self.door == mail_posts.TRACKING and provider == mail_posts.RAW):
            raise not_found("thing")
        body = self.short(request, settings.MAIL_BYTES_MAX if self.door == mail_posts.INBOUND else POST_BYTES_MAX)
        headers = request._request.headers  # noqa: SLF001
        if not mail.is_signed(provider, headers=headers, body=body):
            raise self.unsigned(mail_posts.VENDOR)
        kept = mail_posts.keep(provider, self.door, {name.lower(): value for name, value in headers.items()}, body)
        if kept is not None and not (kept.kind == posts.URGENT and handle_at_once(kept.id)):
            enqueue_soon("campaigns.read_inbound")
        return ok()


class CallPostView(SignedPostView):
    """What Twilio posts of a call, at call, caller, dial and amd; and asks: at bridge once her phone was picked up, at
    press once she has pressed a key.
    """

    door = ""

    @extend_schema(exclude=True)
    def post(self, request: Request, token: UUID) -> HttpResponse:
        """1. Signed, or refused. 2. Stored, committed. 3. Heard; what cannot be at once, a worker hears. 4. The
        answer: dial the owner, or not now; with VOICE_CONFIRM wait for a key at bridge, and that at press. A token of
        no call: nothing is done.
        """
        plain = self.signed(request, "twilio")
        named = voice.dedupe_of(plain.headers, plain.body)
        kept = posts.keep(
            "twilio", plain.headers, plain.body, token=token, dedupe=f"{self.door}:{named}"[:128],
            kind=KINDS[self.door],
        )  # fmt: skip
        if kept is not None and not handle_at_once(kept.id):
            enqueue_soon("campaigns.read_inbound")
        words, leg = NOTHING, voice.leg_of(plain.headers, plain.body)
        if self.door == BRIDGE:
            words = (ask_for_key if settings.VOICE_CONFIRM else answer)(token, leg)
        elif self.door == PRESS:
            has_pressed = voice.has_pressed(plain.headers, plain.body)
            words = answer(token, leg) if has_pressed else voice.end_of_line()
        return HttpResponse(words, content_type="text/xml")
