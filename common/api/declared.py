"""What a request may carry in its address: the query parameters that its operation's description declares, no others.

A misspelt parameter is refused: ignored, `?maxCots=5` would be "no cap", and `?dry_run=1` a purchase.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.views import APIView

NAME_MAX, NAMES_MAX = 100, 20  # of what is told back
_WITHOUT_BODY = ("GET", "HEAD", "DELETE")


class DeclaredRequest(APIView):
    """Refuses query parameters that `@extend_schema(parameters=…)` of the method does not declare (400, by name).

    undeclared: names that are taken beside those; None: any, where a stranger decides what stands in the address.
    begins: how names begin that a team makes itself; whoever reads them refuses those that nobody has made.
    """

    undeclared: ClassVar[frozenset[str] | None] = frozenset()
    begins: ClassVar[tuple[str, ...]] = ()

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        """As DRF does: who asks, may they; then this. Nothing has been read or done yet."""
        super().initial(request, *args, **kwargs)
        handler = getattr(self, str(request.method).lower(), None)
        if handler is None or self.undeclared is None:
            return
        known = declared(getattr(handler, "__func__", handler)) | self.undeclared
        asked = (str(name) for name in request.query_params if name not in known)
        unknown = sorted(name[:NAME_MAX] for name in asked if not name.startswith(self.begins or ("\x00",)))
        if unknown:
            raise ValidationError({name: ["There is no such parameter here."] for name in unknown[:NAMES_MAX]})
        if request.method in _WITHOUT_BODY and request.data:
            words = f"{request.method} takes no body: what is asked stands in the address."
            raise ValidationError({str(name)[:NAME_MAX]: [words] for name in list(request.data)[:NAMES_MAX]})


@cache
def declared(handler: Callable[..., Any]) -> frozenset[str]:
    """The names of the query parameters that a view's method declares."""
    schema = getattr(handler, "kwargs", {}).get("schema")
    if schema is None:
        return frozenset()
    description = schema()
    description.view = APIView()  # drf-spectacular asks it for a version; we have one
    description.view.request, description.view.kwargs = None, {}
    names: set[str] = set()
    for parameter in description.get_override_parameters():
        if not isinstance(parameter, OpenApiParameter):
            names |= set(parameter().fields)
        elif parameter.location == OpenApiParameter.QUERY:
            names.add(parameter.name)
    return frozenset(names)
