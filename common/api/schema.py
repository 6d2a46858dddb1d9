"""The OpenAPI description: what every operation may answer beside its success, said once."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry, ResolvedComponent
from drf_spectacular.utils import OpenApiResponse, inline_serializer
from rest_framework import serializers

from common.api.serializers import StrictSerializer

ERROR: dict[str, Any] = {
    "type": "object",
    "required": ["success", "error"],
    "properties": {
        "success": {"type": "boolean", "description": "Always false", "example": False},
        "error": {
            "type": "object",
            "required": ["code", "message", "fields", "requestId"],
            "properties": {
                "code": {"type": "string", "example": "INVALID"},
                "message": {"type": "string", "example": "limit: Ensure this value is less than or equal to 500."},
                "fields": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
                "requestId": {"type": "string", "description": "As `X-Request-Id`: name it when you ask about it"},
            },
        },
    },
}
# By reference: what one description does to a dictionary that stands in this module would be in the next one.
_ERROR_REF = {"$ref": "#/components/schemas/Error"}
# What any operation may answer. 401 is left out where no token is asked for.
REFUSALS = {
    "400": "The request cannot be meant: `fields` says why",
    "401": "No token, or one that is wrong, revoked or expired",
    "403": "Your user may not do this",
    "404": "It does not exist, or it is somebody else's",
    "405": "This address does not take this method",
    "406": "The answer cannot be had in the form that `Accept` asks for",
    "409": "Something else is in the way: `code` says what",
    "413": "The body is larger than this server takes",
    "415": "The body is in no form that is read here",
    "429": "Too many requests: `Retry-After` says when to try again",
    "503": "The database cannot do it at this moment: `Retry-After` says when to try again",
}


KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "schema": {"type": "string", "maxLength": 200, "pattern": "^[!-~]([ -~]*[!-~])?$"},
    "description": "A repeat of the request under the same key, within 24 hours, does nothing again and gets the first "
    "answer, with `Idempotent-Replay: true`. The key with another request is a 409",
}
KEY_OF_SECRET = KEY | {
    "description": "A repeat of the request under the same key, within 24 hours, does nothing again and is a 409, "
    "ALREADY_MADE: the secret is in the first answer alone. The key with another request is a 409 too"
}


class Schema(AutoSchema):
    """drf-spectacular's, with the refusals."""

    def get_description(self) -> str:  # type: ignore[override]  # the stubs know DRF's own generator only
        """The operation's own words. A view's docstring is for us."""
        return ""

    def _get_format_parameters(self) -> list[Any]:
        """None: forms are asked for by `Accept`, and `?format=` is an unknown name."""
        return []

    def _map_basic_serializer(self, serializer: object, direction: str) -> Any:
        """With the rule of StrictSerializer: a name that is not known is refused."""
        schema = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]
        if isinstance(serializer, StrictSerializer) and not serializer.takes_others:
            schema["additionalProperties"] = False
        if getattr(serializer, "is_cut", False):  # a list's row: `fields` may leave any of it out
            schema.pop("required", None)
        return schema

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: ComponentRegistry
    ) -> Any:
        operation = super().get_operation(path, path_regex, path_prefix, method, registry)
        if operation is None:
            return None
        handler = getattr(self.view, self.method.lower())
        if getattr(handler, "takes_key", False):
            operation.setdefault("parameters", []).append(deepcopy(KEY_OF_SECRET if handler.shows_secret else KEY))
        error = ResolvedComponent(name="Error", type=ResolvedComponent.SCHEMA, object="Error", schema=deepcopy(ERROR))  # type: ignore[no-untyped-call]
        self.registry.register_on_missing(error)
        for status, description in REFUSALS.items():
            if status == "401" and {} in operation.get("security", [{}]):
                continue
            content = {"application/json": {"schema": error.ref}}
            operation["responses"].setdefault(status, {"content": content, "description": description})
        return operation


def answer(name: str, **content: serializers.Field[Any, Any, Any, Any]) -> Any:
    """The serializer of `{"success": true, …content}`."""
    return inline_serializer(name, {"success": serializers.BooleanField(default=True), **content})


def listing(name: str, **rows: serializers.Field[Any, Any, Any, Any]) -> Any:
    """The serializer of a page."""
    return answer(name, **rows, count=serializers.IntegerField(), nextCursor=serializers.CharField(allow_null=True))


def refusal(description: str) -> OpenApiResponse:
    """An error answer that only some operations give."""
    return OpenApiResponse(response=dict(_ERROR_REF), description=description)
