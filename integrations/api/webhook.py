"""Where Apollo pushes phones to: unsigned, so the address is the secret. The body is stored first and read later."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from common.api.base import ApiView, Problem, not_found, ok
from common.api.throttles import PushThrottle
from integrations.lookups import reveals
from integrations.vendors.apollo import webhook

# Ten people with a dozen phones each are 70 KB. A larger body is no push of Apollo's; its result can be asked for.
PUSH_BYTES_MAX = 256 * 1024


class ApolloWebhookView(ApiView):
    """Nobody signs in here, and no answer of ours depends on what the body says."""

    authentication_classes = []
    permission_classes = []
    throttle_classes = [PushThrottle]
    undeclared = None  # Apollo's push was paid for: it is taken with any query string

    def perform_content_negotiation(self, request: Request, *_: object, **__: object) -> Any:
        """A push is taken with any Accept header."""
        return super().perform_content_negotiation(request, force=True)

    @extend_schema(exclude=True)
    def post(self, request: Request, token: str) -> Response:
        call_id = webhook.call_of(token)
        if call_id is None:
            raise not_found("thing")
        if int(request.META.get("CONTENT_LENGTH") or 0) > PUSH_BYTES_MAX:
            raise Problem("TOO_LARGE", f"At most {PUSH_BYTES_MAX:,} bytes are taken.", status=413)
        if not reveals.keep_push(call_id, request.body):
            raise not_found("thing")
        return ok()
