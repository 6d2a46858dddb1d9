"""A run as it goes on, as server-sent events."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from common.api.renderer import JSONRenderer
from common.contact_access import masked_answer, sees_contacts
from common.server.threads import NoRoom, aside, stopping
from enrichment.api.runs import RunBase
from enrichment.api.views import run_json
from enrichment.models import Run

LOOK = 1.0  # seconds between two looks at the run
QUIET = 5.0  # seconds without news after which a comment finds out whether anybody still reads
LONGEST = 60.0  # seconds of a stream; the browser then comes back by itself
COME_BACK = 1000  # milliseconds
LATER = 10_000  # milliseconds: where too many wait already


class EventStream(BaseRenderer):
    """Lets a client ask for `text/event-stream`. The stream itself is written below."""

    media_type = "text/event-stream"
    format = "events"

    def render(self, data: object, accepted_media_type: str | None = None, renderer_context: object = None) -> bytes:
        raise NotImplementedError("Events are streamed; refusals are JSON.")


class RunEventsView(RunBase):
    renderer_classes = [JSONRenderer, EventStream]

    @extend_schema(
        operation_id="watchRun",
        summary="An enrichment job as it moves: an event `run` at every change, for at most a minute",
        responses={
            (200, "text/event-stream"): OpenApiResponse(OpenApiTypes.STR, description="`event: run`, `data: {…}`")
        },
    )
    def get(self, request: Request, run_id: UUID) -> StreamingHttpResponse:
        run = self.run(run_id)
        return StreamingHttpResponse(
            run_events(run.pk, contacts=sees_contacts(request)),
            content_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )


def run_events(run_id: UUID, *, contacts: bool = True) -> Iterator[bytes]:
    """The run's JSON now and whenever it has changed. Holds no database connection between two looks, and nobody up.

    contacts: whether its reader may see those that people typed into names.
    """
    try:
        with aside():
            yield f"retry: {COME_BACK}\n\n".encode()
            yield from _changes(run_id, contacts=contacts)
    except NoRoom:
        yield f"retry: {LATER}\n\n".encode()


def _changes(run_id: UUID, *, contacts: bool) -> Iterator[bytes]:
    ends = time.monotonic() + LONGEST
    told, told_at = b"", time.monotonic()
    while time.monotonic() < ends and not stopping.is_set():
        over, event = _look(run_id, contacts=contacts)
        if event != told:
            told, told_at = event, time.monotonic()
            yield event
        elif time.monotonic() - told_at > QUIET:
            told_at = time.monotonic()
            yield b": still here\n\n"
        if over:
            return
        time.sleep(LOOK)


def _look(run_id: UUID, *, contacts: bool) -> tuple[bool, bytes]:
    try:
        run, facts = run_json(run_id)
    except Run.DoesNotExist:
        return True, b"event: gone\ndata: {}\n\n"
    finally:
        if not connection.in_atomic_block:
            connection.close()
    facts = facts if contacts else masked_answer(facts)
    return not run.is_open, f"event: run\ndata: {json.dumps(facts, cls=DjangoJSONEncoder)}\n\n".encode()
