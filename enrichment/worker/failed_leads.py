"""What has become of the leads that failed in a run: which a retry would ask for, and why it leaves out the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from enrichment.models import Run, RunItem
from enrichment.worker import stages
from enrichment.worker.questions import Waiting

Outcome = RunItem.Outcome
_ENDED_WELL = (Outcome.ENRICHED, Outcome.PARTIAL)


@dataclass(frozen=True, slots=True)
class FailedLeads:
    """Of a run. again: what a retry asks for. in_doubt: wait for a billing check, of this run's or another request.
    done: completed since by a later job. waiting: in a later job that is open. gone: deleted or merged into another.
    """

    again: Sequence[UUID]
    in_doubt: int
    done: int
    waiting: int
    gone: int

    @property
    def words(self) -> str:
        """What a retry leaves out, and why; empty: nothing."""
        parts = (
            (self.in_doubt, "needs a billing check and is left out", "need a billing check and are left out"),
            (self.done, "was completed by a later job", "were completed by a later job"),
            (self.waiting, "is in a job in progress", "are in a job in progress"),
            (self.gone, "is gone", "are gone"),
        )
        return "; ".join(f"{many:,} {one if many == 1 else several}" for many, one, several in parts if many)


def _later(run: Run) -> QuerySet[RunItem]:
    """The same lead in a later job of the same kind."""
    return RunItem.objects.filter(lead=OuterRef("lead"), pk__gt=OuterRef("pk"), run__kind=run.kind)


def failed_leads(run: Run) -> FailedLeads:
    """Reads the failed items of the run, and looks for doubts among those that a retry would ask for."""
    failed = run.items.filter(outcome=Outcome.FAILED, lead__merged_into__isnull=True)
    done = Exists(_later(run).filter(outcome__in=_ENDED_WELL))
    waiting = Exists(RunItem.objects.filter(lead=OuterRef("lead")).exclude(stage=RunItem.Stage.DONE))
    rows = list(failed.annotate(is_done=done, waits=waiting).order_by("pk"))
    open_ = [item for item in rows if not item.is_done and not item.waits]
    doubtful = stages.leads_in_doubt(run.asked, [Waiting(item.pk, item.lead_id, 0) for item in open_])
    return FailedLeads(
        again=[item.lead_id for item in open_ if item.lead_id not in doubtful],
        in_doubt=len(doubtful) + run.in_doubt,
        done=sum(item.is_done for item in rows),
        waiting=sum(item.waits and not item.is_done for item in rows),
        gone=max(run.failed - len(rows), 0),
    )


def may_be_retried(run: Run) -> bool:
    """Whether a lead that failed in it may still be asked for again: what its button hangs on. One statement."""
    if not run.failed or run.is_open or run.bucket_id is None:
        return False
    failed = run.items.filter(outcome=Outcome.FAILED, lead__merged_into__isnull=True)
    done = Exists(_later(run).filter(outcome__in=_ENDED_WELL))
    waiting = Exists(RunItem.objects.filter(lead=OuterRef("lead")).exclude(stage=RunItem.Stage.DONE))
    return failed.filter(~done, ~waiting).exists()
