"""Where vendors of texts and calls post to. Nobody signs in: the post is signed. Stored first, read afterwards."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest as DjangoRequest
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from campaigns.inbound import posts
from campaigns.inbound.addresses import VENDORS, called_url
from campaigns.inbound.reading import handle_at_once
from campaigns.voice.addresses import BRIDGE, KINDS
from campaigns.voice.bridging import answer
from common.api.base import ApiView, Problem, not_found, ok
from common.api.throttles import VendorPostThrottle
from common.enqueue import enqueue_soon
from common.public_address import public_address
from integrations.vendors import messaging, voice

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
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isdecimal() or int(length) > POST_BYTES_MAX:
            raise Problem("TOO_LARGE", f"At most {POST_BYTES_MAX:,} bytes are taken.", status=413)
        body = plain.body
        url = called_url(plain.get_full_path(), public_address(plain))
        if not messaging.is_signed(vendor, url=url, headers=plain.headers, body=body):
            posts.count_unsigned(vendor)
            raise Problem("NOT_SIGNED", "This post is not signed as it should be.", status=403)
        return plain


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


class CallPostView(SignedPostView):
    """What Twilio posts of a call, at call, caller, dial and amd; and asks at bridge, once she has answered."""

    door = ""

    @extend_schema(exclude=True)
    def post(self, request: Request, token: UUID) -> HttpResponse:
        """1. Signed, or refused. 2. Stored, committed. 3. Heard; what cannot be at once, a worker hears. 4. At bridge
        the answer: dial the owner, or not now. A token of no call: nothing is done.
        """
        plain = self.signed(request, "twilio")
        named = voice.dedupe_of(plain.headers, plain.body)
        kept = posts.keep(
            "twilio", plain.headers, plain.body, token=token, dedupe=f"{self.door}:{named}"[:128],
            kind=KINDS[self.door],
        )  # fmt: skip
        if kept is not None and not handle_at_once(kept.id):
            enqueue_soon("campaigns.read_inbound")
        if self.door != BRIDGE:
            return HttpResponse(NOTHING, content_type="text/xml")
        return HttpResponse(answer(token, voice.leg_of(plain.headers, plain.body)), content_type="text/xml")
