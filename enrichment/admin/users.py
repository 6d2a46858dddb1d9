"""Users, where their runs are known: the runs of one who is switched off pause at once, and go on once that is over."""

from __future__ import annotations

from collections.abc import Sequence

from accounts.models import User
from common.admin_extensions import Extension
from enrichment.worker.sweeps import hold_runs_of_inactive_users


def _saved(_: User, changed: Sequence[str]) -> None:
    if "is_active" in changed:
        hold_runs_of_inactive_users()


EXTENSION = Extension(saved=_saved)
