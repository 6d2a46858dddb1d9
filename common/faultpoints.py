"""Places where a chaos test may have this process die: before and after each commit that moves money or leads.

Armed by the environment, in development only (DEBUG): `FAULT_POINT=gate.settle.before_commit:2` kills the second time
that place is reached, by SIGKILL and once a run: the file named by `FAULT_POINT_ONCE` says that it has happened.
Unarmed a place costs one comparison with None.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import transaction

COMMITS = (
    *("gate.begin", "gate.intend", "gate.settle", "gate.fail", "fill.store", "leads.merge", "leads.separate"),
    *("preview.store", "list.fill", "campaign.launch", "sms.take", "sms.intend", "sms.settle"),
    *("bulk.piece", "bulk.undo", "bucket.delete"),
)
NAMES = tuple(f"{name}.{side}_commit" for name in COMMITS for side in ("before", "after"))


class _Trap:
    """Shared by the threads of a process; two at the same place count as they come, which is near enough."""

    def __init__(self, order: str, once: str) -> None:
        self.name, _, nth = order.partition(":")
        self.left = int(nth or 1)
        self.marker = Path(once) if once else None
        if self.name not in NAMES:
            raise ValueError(f"FAULT_POINT={order}: there is no such place, only {', '.join(NAMES)}")

    def reached(self, name: str) -> None:
        if name != self.name or (self.marker is not None and self.marker.exists()):
            return
        self.left -= 1
        if self.left == 0:
            if self.marker is not None:
                self.marker.write_text(name)
            os.kill(os.getpid(), signal.SIGKILL)


def _armed() -> _Trap | None:
    order = os.environ.get("FAULT_POINT", "")
    return _Trap(order, os.environ.get("FAULT_POINT_ONCE", "")) if order and settings.DEBUG else None


_trap = _armed()


def reach(name: str) -> None:
    """This process is at the place of this name."""
    if _trap is not None:
        _trap.reached(name)


@contextmanager
def commit(name: str) -> Iterator[None]:
    """`transaction.atomic()` with a place right before its commit and one right after."""
    with transaction.atomic():
        yield
        reach(f"{name}.before_commit")
    reach(f"{name}.after_commit")
