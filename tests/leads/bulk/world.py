"""Leads and jobs over them, for the tests of bulk jobs."""

from __future__ import annotations

from typing import Any

from accounts.access import Access, own_access
from accounts.models import Membership, Role, User
from leads.bulk import services, working
from leads.models import BulkJob, Lead
from tests.leads.samples import make_leads

Status = BulkJob.Status


def hers(user: User) -> Access:
    return own_access(user)


def member(of: User, name: str, role: str = Role.BUYER) -> tuple[User, Access]:
    """Another person of this one's team."""
    from accounts.access import access_of

    user = User.objects.create_user(name)
    team_id = own_access(of).team_id
    assert team_id is not None
    Membership.objects.create(team_id=team_id, user=user, role=role)
    return user, access_of(user, team_id)


def start(
    access: Access, kind: str, leads: Any = None, /, expect: int | None = None, press: str = "", **said: Any
) -> BulkJob:
    rows = Lead.objects.all() if leads is None else leads
    rows = Lead.objects.filter(pk__in=[one.pk for one in rows]) if isinstance(rows, list) else rows
    asked: dict[str, Any] = {"access": access, "kind": kind, "arguments": said, "expect": expect, "press": press}
    return services.start_bulk(leads=lambda: rows, **asked)[0]


def work(job: BulkJob) -> BulkJob:
    """As workers would, until there is nothing to do."""
    while working.continue_job(job.pk):
        pass
    job.refresh_from_db()
    return job


def undo(job: BulkJob, by: User | None = None) -> BulkJob:
    user = by or job.by
    assert user is not None
    return work(services.undo_bulk(job=job, by=user))


def told(job: BulkJob) -> tuple[Any, ...]:
    """How it stands: status, leads, looked at, changed, left out."""
    return job.status, job.leads, job.done, job.changed, job.left_out


__all__ = ["hers", "make_leads", "member", "start", "told", "undo", "work"]
