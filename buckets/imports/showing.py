"""The record of whom a file's first rows are shown to, before it is started: any of its cells may hold a contact."""

from __future__ import annotations

from accounts.models import User
from buckets.imports.preview import SHOWN
from buckets.models import Import
from leads.selection.disclosures import record_rows


def record_shown_rows(job: Import, *, by: User, via: str) -> None:
    """Once an answer, before it is made: what cannot be recorded is not shown."""
    rows = min(job.total, SHOWN)
    record_rows(job, by=by, via=via, page="import-preview", rows=rows, team_id=job.bucket.team_id)
