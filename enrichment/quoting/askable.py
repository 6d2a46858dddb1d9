"""Which leads Apollo cannot be asked about, before anything is started. Reads only."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from enrichment.models import RunItem
from enrichment.options import RunOptions
from enrichment.worker import stages
from enrichment.worker.questions import Waiting
from leads.models import Lead


def unaskable(*, among: QuerySet[Lead], options: RunOptions) -> dict[UUID, str]:
    """Those of `options.lead_ids` that lack what Apollo is asked with, and what that is, in words.

    They are found by the questions that the run itself would ask. among: the leads that the person works.
    """
    leads = among.filter(pk__in=list(options.lead_ids or ())).order_by("pk")
    waiting = [Waiting(number, pk, 0) for number, pk in enumerate(leads.values_list("pk", flat=True))]
    about = stages.STAGES[RunItem.Stage.APOLLO].questions
    reasons: dict[int, str] = {}
    while waiting:  # one request asks with phones or without them: two rounds see all
        asked = about(options, waiting)
        reasons |= asked.unaskable
        seen = {*asked.queries, *asked.owned, *asked.unaskable, *asked.guarded}
        left = [item for item in waiting if item.id not in seen]
        if len(left) == len(waiting):
            break
        waiting = left
    ids = list(leads.values_list("pk", flat=True))
    return {ids[number]: words for number, words in sorted(reasons.items())}
