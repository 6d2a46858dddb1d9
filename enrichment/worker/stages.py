"""The stages of a run, one row of a table each: which vendor is asked what, and how the answer moves a lead on.

Another stage is another row of `STAGES` and a value of `RunItem.Stage`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings

from enrichment.models import Run, RunItem
from enrichment.options import Kind, RunOptions
from enrichment.worker import questions
from enrichment.worker.questions import Questions, Waiting
from integrations.ledger import catalogue
from integrations.ledger.admission import is_fragile
from integrations.lookups.answers import Owned
from integrations.models import Lookup, Operation
from integrations.vendors import adapters
from integrations.vendors.errors import Category
from leads.facts import saving as facts
from leads.facts.incoming import take_vendor_ids
from leads.facts.names import vendor_ids
from leads.facts.saving import FactRow
from leads.models import Lead

Outcome = RunItem.Outcome
DOUBTS_AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class StageRow:
    """What one stage of a run does. kind: of the runs that have it.

    next: where a lead goes that the vendor knew, if the run asks for that stage. asked_for: whether a run does.
    operations: the one bought, by `RunOptions.type`; under None where that does not matter. questions: those that a
    batch asks. source: what an answer is to the lead's facts. stamps: the empty answers that are noted on the lead
    too. outcome: how a lead ends that cannot be asked about. Where it is FAILED, a lead that the vendor does
    not know fails as well; else that one ends by whether it has a phone. names_leads: an answer may tell the vendor's
    id of a lead that lacks it.
    bought_again: `RunOptions.fresh_after` goes for it. phones_follow: an answer's phones may come after it.
    """

    stage: RunItem.Stage
    kind: Kind
    next: RunItem.Stage | None
    operations: Mapping[str | None, str]
    questions: Callable[[RunOptions, Sequence[Waiting]], Questions]
    source: facts.Source
    outcome: RunItem.Outcome
    stamps: tuple[Category, ...] = ()
    asked_for: Callable[[RunOptions], bool] = lambda _: True
    names_leads: bool = False
    bought_again: bool = False
    phones_follow: bool = False

    def operation_name(self, options: RunOptions) -> str:
        """The operation that a run buys at this stage."""
        return self.operations.get(options.type) or self.operations[None]

    def type_of(self, operation_name: str) -> str | None:
        """The type of the runs that an operation serves; None: it serves all of them."""
        return next(type for type, name in self.operations.items() if name == operation_name)

    def onward(self, options: RunOptions) -> RunItem.Stage | None:
        """The stage after this one in such a run; None: it is the last."""
        return self.next if self.next is not None and STAGES[self.next].asked_for(options) else None

    def fresh_after(self, options: RunOptions) -> datetime | None:
        """Since when an owned answer must be to serve this run. Only details are bought again: their owner's contacts
        follow by the usual rule, anew where the owner is another."""
        return options.fresh_after if self.bought_again else None


STAGES: Mapping[int, StageRow] = {
    row.stage: row
    for row in (
        StageRow(
            stage=RunItem.Stage.DETAIL,
            kind=Kind.PROPERTY,
            next=RunItem.Stage.SKIP_TRACE,
            operations={None: "property_detail"},
            questions=questions.about_properties,
            source=facts.PROPERTY,
            outcome=Outcome.FAILED,
            names_leads=True,
            bought_again=True,
        ),
        StageRow(
            stage=RunItem.Stage.SKIP_TRACE,
            kind=Kind.PROPERTY,
            next=None,
            operations={None: "skip_trace"},
            questions=questions.about_owners,
            source=facts.CONTACT,
            outcome=Outcome.PARTIAL,
            stamps=(Category.SKIP_TRACE_EMPTY,),
            asked_for=lambda options: options.skip_trace,
        ),
        StageRow(
            stage=RunItem.Stage.APOLLO,
            kind=Kind.APOLLO,
            next=None,
            operations=questions.APOLLO_OPERATIONS,
            questions=questions.about_businesses,
            source=facts.APOLLO,
            outcome=Outcome.PARTIAL,
            stamps=(Category.NOT_FOUND,),
            phones_follow=True,
        ),
    )
}


def stages_of(kind: str) -> tuple[StageRow, ...]:
    """The stages of such a run, in order."""
    return tuple(row for row in STAGES.values() if row.kind == kind)


def operations_of(options: RunOptions) -> list[Operation]:
    """What such a run buys, stage by stage, whether or not it asks for every stage."""
    return [catalogue.operation(row.operation_name(options)) for row in stages_of(options.kind)]


def largest_batch(operation: Operation) -> int:
    """How many items one request of this operation takes right now."""
    if operation.batch_refused_at is not None or is_fragile(operation):
        return 1
    return whole_batch(operation)


def whole_batch(operation: Operation) -> int:
    """How many items one request of this operation takes when all is well."""
    return min(int(operation.setting("batch")), adapters.adapter_for(operation.name).largest_batch)


def pump_threads() -> int:
    return int(settings.VENDOR_IN_FLIGHT)


def leads_in_doubt(options: RunOptions, items: Sequence[Waiting]) -> set[UUID]:
    """The leads among these whose purchase, by the questions of such a run, needs a billing check."""
    found: set[UUID] = set()
    for row in stages_of(options.kind):
        operation = catalogue.operation(row.operation_name(options))
        waiting = list(items)
        while waiting:
            part = waiting[:DOUBTS_AT_ONCE]
            asked = row.questions(options, part)
            keys = {
                key: query.key
                for item in part
                if (query := asked.queries.get(item.id)) is not None
                for key in (query.key, *query.names)
            }
            rows = Lookup.objects.filter(operation=operation, key__in=keys, state=Lookup.State.IN_DOUBT)
            doubtful = {keys[key] for key in rows.values_list("key", flat=True)}
            found |= {i.lead_id for i in part if i.id in asked.queries and asked.queries[i.id].key in doubtful}
            left = [i for i in part if not asked.has(i.id)]  # one request has one flag: the next round has them
            waiting = waiting[DOUBTS_AT_ONCE:] + (left if len(left) < len(part) else [])
    return found


# --- Answers ---------------------------------------------------------------------------------------------------------


def write_facts(
    stage: int, run: Run, answers: Sequence[tuple[UUID, Owned]], *, ended: Collection[UUID] = ()
) -> Mapping[UUID, Mapping[str, int]]:
    """Puts a batch of answers on its leads. "No match" leaves the skip trace's and Apollo's stamp too: it was asked.

    ended: the leads that nothing more is bought for, unless they failed: how they end is written in the same UPDATE.
    Returns by how much the buckets' counters grow, for `leads.counters.count_facts`.
    """
    at = STAGES[stage]
    if not run.asked.update_db:
        return {}
    rows = [
        FactRow(lead_id, owned.answer.facts, owned.fetched_at, ends=lead_id in ended)
        for lead_id, owned in answers
        if owned.answer.found or owned.answer.category in at.stamps
    ]
    saved = facts.save_facts(at.source, rows)
    if at.names_leads:
        given = {row.lead_id: row.facts["property_id"] for row in rows if "property_id" in row.facts}
        _take_vendor_ids(_joined_leads([row.lead_id for row in rows if row.lead_id not in given]) | given)
    return saved.grown


def _joined_leads(lead_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Those of these leads that are still called by an address or APN, and were asked for by their vendor's id."""
    rows = Lead.objects.filter(pk__among=lead_ids, property_id__contains=":").values_list("pk", "property_id")
    return vendor_ids(dict(rows))


def _take_vendor_ids(given: Mapping[UUID, str]) -> None:
    """Leads that were asked for by address or APN are called by the vendor's id from now on, if that is owned too."""
    if not given:
        return
    details = Lookup.objects.filter(operation=catalogue.operation("property_detail"), key__in=list(given.values()))
    owned = set(details.filter(state=Lookup.State.ANSWERED, category="").values_list("key", flat=True))
    take_vendor_ids({lead_id: property_id for lead_id, property_id in given.items() if property_id in owned})
