"""Which leads Apollo cannot be asked about, before anything is started. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from enrichment.models import Run, RunItem
from enrichment.services import RunError, RunOptions
from enrichment.worker import stages
from enrichment.worker.stages import Waiting
from leads.models import Lead


def unaskable(*, by: object, options: RunOptions) -> dict[UUID, str]:
    """Those of `options.lead_ids` that lack what Apollo is asked with, and what that is, in words.

    They are found by the questions that the run itself would ask. Leads that are somebody else's are not in it.
    """
    leads = Lead.objects.owned_by(by).filter(pk__in=list(options.lead_ids or ())).order_by("pk")
    waiting = [Waiting(number, pk, 0) for number, pk in enumerate(leads.values_list("pk", flat=True))]
    run = Run(kind=Run.Kind.APOLLO, options=options.as_json())  # never saved
    reasons: dict[int, str] = {}
    while waiting:  # one request asks with phones or without them: two rounds see all
        asked = stages.questions(RunItem.Stage.APOLLO, run, waiting)
        reasons |= asked.unaskable
        seen = {*asked.queries, *asked.owned, *asked.unaskable, *asked.guarded}
        left = [item for item in waiting if item.id not in seen]
        if len(left) == len(waiting):
            break
        waiting = left
    ids = list(leads.values_list("pk", flat=True))
    return {ids[number]: words for number, words in sorted(reasons.items())}


def refuse_unaskable(reasons: dict[UUID, str], lead_ids: Sequence[UUID]) -> None:
    """Raises RunError NO_FACTS where Apollo could be asked about none of them: no run is started for nothing."""
    if not reasons or len(reasons) < len(set(lead_ids)):
        return
    leads = "This lead has" if len(reasons) == 1 else f"None of these {len(reasons):,} leads has"
    no = "no" if len(reasons) == 1 else "the"
    words = "; ".join(sorted(set(reasons.values()))).replace(".; ", ". ")
    raise RunError("NO_FACTS", f"{leads} {no} data that Apollo is asked with. {words} Enrich them first.", "leadIds")
