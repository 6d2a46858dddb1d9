"""Where what is being done comes from: the audit and the logs name it. Set once a request, by middleware."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """address: the client's. request_id: as in the access log. token_key: the beginning of an API token.

    unnamed: a command that was told no `--user`. It works for the owner of a row, who pays, and who did not do it.
    """

    address: str = ""
    request_id: str = ""
    token_key: str = ""
    unnamed: bool = False


NOWHERE = Origin()  # a command or a worker
UNNAMED = Origin(unnamed=True)
origin: ContextVar[Origin] = ContextVar("origin", default=NOWHERE)
