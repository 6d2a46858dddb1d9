"""What the API of every app shares: `@idempotent`, a POST that may be repeated under its key and is done once.

{"error": {"code": "IDEMPOTENCY_CONFLICT", …}} with 409: the key came with another request. ALREADY_MADE: it was done,
and its answer showed a secret, which is not kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from enum import Enum
from functools import wraps
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import NoSuchTeam, TeamRequired
from accounts.api.permissions import HEADER
from accounts.fresh import ProofNeeded
from accounts.locks import hold_key
from accounts.services import Asked, Given, KeyConflict, claim_key, give_up_key, keep_answer
from common.api.base import Problem, translates
from common.api.headers import idempotency_key
from common.api.renderer import JSONRenderer

Post = Callable[..., Response]
Once = Callable[..., HttpResponseBase]
REPLAYED = {"Idempotent-Replay": "true"}


class How(Enum):
    """WITH_WORK: key, work and answer are one transaction: a process killed in it has done nothing, and of two at the
    same moment the second waits for the first.

    BESIDE_WORK: for work that asks a vendor or waits, which no transaction may span. A repeat waits for one that is at
    work and gives its answer. The work must be harmless to do twice: a repeat of one whose process was killed does it
    too.

    BY_WORK: the same, but the work itself knows the key, compares what is asked, and finds what it made: it answers as
    things are now, and says so with REPLAYED.
    """

    WITH_WORK = 1
    BESIDE_WORK = 2
    BY_WORK = 3


@translates(KeyConflict)
def _conflict(_error: KeyConflict) -> Problem:
    words = "This Idempotency-Key was used for another request."
    fields = {"Idempotency-Key": [words]}
    return Problem("IDEMPOTENCY_CONFLICT", f"Idempotency-Key: {words}", status=409, fields=fields)


def idempotent(
    how: How = How.WITH_WORK, *, first: Callable[[Request], None] | None = None, shows_secret: bool = False
) -> Callable[[Post], Once]:
    """A refusal is not kept: nothing was done, and the same key may come again with the mistake mended.

    first: raises for a user who may not even be given an answer again. shows_secret: the answer is not kept; a repeat
    is told that it was done.
    """

    def decorate(post: Post) -> Once:
        @wraps(post)
        def once(view: APIView, request: Request, *args: object, **kwargs: object) -> HttpResponseBase:
            if first is not None:
                first(request)
            key = idempotency_key(request)
            if key is None:
                return post(view, request, *args, **kwargs)
            user: Any = request.user  # signed in, as permissions have seen to
            asked = Asked(user.pk, key, _fingerprint(request, how))
            with _span(how, asked):
                given = claim_key(asked)
                if given is not None and how != How.BY_WORK:
                    if shows_secret:
                        raise _already_made()
                    return _again(given)
                try:
                    response = post(view, request, *args, **kwargs)
                except Exception:
                    if how != How.WITH_WORK:  # else the transaction takes the key with it
                        give_up_key(asked)
                    raise
                return _kept(response, asked, keeps_body=how != How.BY_WORK and not shows_secret)

        once.takes_key = True  # type: ignore[attr-defined]  # common.api.schema describes the header
        once.shows_secret = shows_secret  # type: ignore[attr-defined]
        return once

    return decorate


def _span(how: How, asked: Asked) -> AbstractContextManager[Any]:
    if how == How.WITH_WORK:
        return transaction.atomic()
    return hold_key(asked.user_id, asked.key) if how == How.BESIDE_WORK else nullcontext()


def _kept(response: Response, asked: Asked, *, keeps_body: bool) -> HttpResponseBase:
    body = JSONRenderer().render(response.data).decode() if keeps_body else ""
    given = keep_answer(asked, status=response.status_code, body=body)
    return response if given.body == body else _again(given)


def _already_made() -> Problem:
    words = "This was done under this key. Its secret was in the first answer alone: the list shows what was made."
    fields = {"Idempotency-Key": [words]}
    return Problem("ALREADY_MADE", f"Idempotency-Key: {words}", status=409, fields=fields)


def _again(given: Given) -> HttpResponse:
    return HttpResponse(given.body, status=given.status, content_type="application/json", headers=REPLAYED)


def _fingerprint(request: Request, how: How) -> str:
    """Of the request and its team, however its JSON is spelled; of the address alone where the work compares them."""
    team = getattr(getattr(request._request, "access", None), "team_id", None)  # noqa: SLF001
    digest = hashlib.sha256(f"{request.method} {request.get_full_path()} of team {team}\n".encode())
    if how != How.BY_WORK:
        for part in _parts(request.data):
            digest.update(part)
    return digest.hexdigest()


def _parts(data: object) -> Iterator[bytes]:
    """The body in pieces: a JSON object, or a form with its files."""
    if not hasattr(data, "lists"):
        yield json.dumps(data, sort_keys=True).encode()
        return
    for name, values in sorted(data.lists()):
        for value in values:
            if not isinstance(value, UploadedFile):
                yield json.dumps([name, str(value)]).encode()
                continue
            yield json.dumps([name, value.name, value.size]).encode()
            yield from value.chunks()
            value.seek(0)


class TokenScheme(KnoxTokenScheme):  # type: ignore[no-untyped-call]
    """How the API's description puts our tokens."""

    target_class = "accounts.api.authentication.TokenAuthentication"


# --- Teams ------------------------------------------------------------------------------------------------------------


@translates(TeamRequired)
def _team_required(_error: TeamRequired) -> Problem:
    words = "You are in several teams: name one by its id. GET /api/teams lists them."
    return Problem("TEAM_REQUIRED", f"{HEADER}: {words}", fields={HEADER: [words]})


@translates(NoSuchTeam)
def _no_such_team(_error: NoSuchTeam) -> Problem:
    words = "You are in no such team. GET /api/teams lists yours."
    return Problem("NOT_FOUND", f"{HEADER}: {words}", status=404, fields={HEADER: [words]})


@translates(ProofNeeded)
def _proof_needed(error: ProofNeeded) -> Problem:
    return Problem("FRESH_PROOF_REQUIRED", str(error), status=403)
