"""What is read of files: which ones a person sees, and their refused rows. Reads only."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import QuerySet

from accounts.access import Access, Scope
from leads.models import Upload
from leads.selection.export import line_of


def uploads_seen_by(access: Access) -> QuerySet[Upload]:
    """Her team's; a caller's: her own. A superuser looks at all teams' on pages."""
    rows = Upload.objects.filter(team=access.team_id)
    return rows.filter(by_id=access.user.pk) if access.only_assigned else rows


def withdrawable_by(access: Access, job: Upload) -> bool:
    return access.user.is_superuser or access.can_in(job.team_id, Scope.MANAGE)


def refused_lines(job: Upload) -> Iterator[bytes]:
    """As CSV, in the file's order: line, reason."""
    yield line_of(["Line", "Reason"])
    for line, reason in job.refused_rows.order_by("pk").values_list("line", "reason").iterator(chunk_size=2000):
        yield line_of([str(line), reason])
