"""Every constraint the models declare stands in PostgreSQL and refuses what it is there to refuse, each shown once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from keyword import iskeyword
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, models, transaction

from accounts.models import IdempotentRequest, User
from buckets.models import Bucket, Fill, Import, ImportFailure, ImportPiece
from enrichment.models import FairShare, Run, RunItem, Schedule
from integrations.models import BilledDay, Budget, Lookup, Operation, PhoneReveal, UnreadableAnswer, Vendor, VendorCall
from leads.models import Activity, Disclosure, Lead, SavedView, Tag

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
OURS = ("accounts", "integrations", "leads", "buckets", "enrichment", "campaigns")
MODELS = [model for model in apps.get_models(include_auto_created=True) if model._meta.app_label in OURS]


@dataclass(frozen=True)
class Place:
    """One valid row of each model."""

    user: User
    idempotentrequest: IdempotentRequest
    vendor: Vendor
    operation: Operation
    budget: Budget
    vendorcall: VendorCall
    lookup: Lookup
    phonereveal: PhoneReveal
    unreadableanswer: UnreadableAnswer
    billedday: BilledDay
    bucket: Bucket
    fill: Fill
    import_: Import
    importpiece: ImportPiece
    importfailure: ImportFailure
    lead: Lead
    tag: Tag
    activity: Activity
    savedview: SavedView
    disclosure: Disclosure
    run: Run
    runitem: RunItem
    fairshare: FairShare
    schedule: Schedule


@pytest.fixture
def place() -> Place:
    user = User.objects.create_user("ann")
    vendor = Vendor.objects.create(name="acme")
    operation = Operation.objects.create(vendor=vendor, name="lookup")
    call = VendorCall.objects.create(
        operation=operation, user=user, inputs=1, reserved=1, created_at=NOON, slot_at=NOON, lease_until=NOON
    )
    bucket = Bucket.objects.create(owner=user, name="King County")
    lead = Lead.objects.create(bucket=bucket, owner=user, property_id="1")
    run = Run.objects.create(bucket=bucket, bucket_name="King County", owner=user, idempotency_key="k", total=1)
    job = Import.objects.create(
        bucket=bucket, file_name="list.csv", size=1, encoding="utf-8", delimiter=",", columns=["a"], total=9
    )
    return Place(
        user=user,
        idempotentrequest=IdempotentRequest.objects.create(user=user, key="k", created_at=NOON),
        vendor=vendor,
        operation=operation,
        budget=Budget.objects.create(scope="run:1"),
        vendorcall=call,
        lookup=Lookup.objects.create(operation=operation, key="1", call=call),
        phonereveal=PhoneReveal.objects.create(call=call, created_at=NOON),
        unreadableanswer=UnreadableAnswer.objects.create(call=call, length=1, created_at=NOON),
        billedday=BilledDay.objects.create(vendor=vendor, day=NOON.date(), amount=1, uploaded_at=NOON),
        bucket=bucket,
        fill=Fill.objects.create(bucket=bucket, criteria={"state": "WA"}),
        import_=job,
        importpiece=ImportPiece.objects.create(job=job, number=0, first_line=2, content=b""),
        importfailure=ImportFailure.objects.create(job=job, line=2, reason="no address", cells=[]),
        lead=lead,
        tag=Tag.objects.create(owner=user, name="Absentee"),
        activity=Activity.objects.create(lead=lead, by=user, kind="note"),
        savedview=SavedView.objects.create(owner=user, name="Mine", query="status=new"),
        disclosure=Disclosure.objects.create(by=user, what="unmask", via="admin", leads=1),
        run=run,
        runitem=RunItem.objects.create(run=run, lead=lead, stage=1),
        fairshare=FairShare.objects.create(run=run, owner=user, stage=1),
        schedule=Schedule.objects.create(
            owner=user, bucket=bucket, kind="enrich", max_cost=1, cadence="0 2 * * *", time_zone="UTC", next_at=NOON
        ),
    )


def _set(**values: Any) -> Callable[[models.Model], Any]:
    return lambda row: type(row)._base_manager.filter(pk=row.pk).update(**values)


def _again(**values: Any) -> Callable[[models.Model], Any]:
    """The same row once more, with another key and these values."""

    def copy(row: models.Model) -> None:
        row.pk = uuid4() if isinstance(row._meta.pk, models.UUIDField) else None
        row._state.adding = True
        for name, value in values.items():
            setattr(row, name, value)
        row.save(force_insert=True)

    return copy


# constraint: what breaks it and nothing else, done to the valid row of its model
BREAKS: dict[str, Callable[[Any], Any]] = {
    "user_monthly_budget_not_negative": _set(monthly_budget=Decimal("-0.01")),
    "idempotent_request_once": _again(),
    "vendor_daily_cap_sane": _set(daily_cap=Decimal("-0.01")),
    "vendor_policy_known": _set(server_error_policy="maybe"),
    "operation_once_per_vendor": _again(),
    "operation_pace_sane": _set(pace=Decimal("-1")),
    "operation_price_sane": _set(price=Decimal("-0.0001")),
    "operation_batch_sane": _set(batch=0),
    "operation_fresh_days_sane": _set(fresh_days=3651),
    "budget_reserved_not_negative": _set(reserved=Decimal("-0.0001")),
    "budget_spent_not_negative": _set(spent=Decimal("-0.0001")),
    "call_state_known": _set(state="lost", sent_at=NOON),
    "call_has_inputs": _set(inputs=0),
    "call_money_not_negative": _set(cost=Decimal("-0.0001")),
    "call_sent_has_time": _set(state="sent", sent_at=None),
    "lookup_once": _again(),
    "lookup_state_known": _set(state="rumoured"),
    "lookup_answered_has_answer": _set(state="answered", facts=None, fetched_at=NOON),
    "lookup_cost_not_negative": _set(cost=Decimal("-0.0001")),
    "reveal_state_known": _set(state="lost"),
    "reveal_money_not_negative": _set(cost=Decimal("-0.0001")),
    "reveal_waiting_is_asked_for": _set(state="waiting", ask_at=None, deadline=NOON),
    "billed_day_once_per_vendor": _again(),
    "bucket_has_name": _set(name=""),
    "bucket_source_known": _set(source="hearsay"),
    "bucket_enrichment_status_known": _set(enrichment_status="done"),
    "bucket_counts_within_total": _set(total_leads=1, contacted_leads=2),
    "fill_status_known": _set(status="paused"),
    "fill_saved_within_fetched": _set(fetched=1, saved=2),
    "import_status_known": _set(status="paused"),
    "import_adds_up": _set(read=2, new=1),
    "import_read_within_total": _set(read=10, new=10),
    "import_removed_within_new": _set(removed=1),
    "import_piece_once": _again(),
    "import_failure_once": _again(),
    "lead_once_per_bucket": _again(),
    "lead_has_property_id": _set(property_id=""),
    "lead_status_known": _set(status="hot"),
    "lead_enrichment_status_known": _set(enrichment_status="done"),
    "lead_completed_has_phone": _set(enrichment_status="completed", phone=None),
    "tag_once_per_owner": _again(name="ABSENTEE"),
    "tag_has_name": _set(name=""),
    "tag_color_is_hex": _set(color="#12345g"),
    "activity_kind_known": _set(kind="fax"),
    "activity_due_is_callback": _set(due_at=NOON),
    "view_once_per_owner": _again(name="MINE"),
    "view_has_name": _set(name=""),
    "disclosure_what_known": _set(what="heard"),
    "disclosure_via_known": _set(via="mail"),
    "disclosure_unmask_has_count": _set(leads=None),
    "run_once_per_idempotency_key": _again(),
    "run_status_known": _set(status="stuck"),
    "run_kind_known": _set(kind="owner"),
    "run_cap_positive": _set(max_cost=Decimal(0)),
    "run_done_within_total": _set(enriched=1, failed=1),
    "run_paused_has_cause": _set(status="paused", paused_by=""),
    "item_once_per_run": _again(),
    "item_stage_known": _set(stage=4),
    "item_outcome_known": _set(stage=0, outcome=5),
    "item_done_has_outcome": _set(stage=0, outcome=0),
    "item_taken_has_lease": _set(token=uuid4(), lease_until=None),
    "fair_share_once_per_stage": _again(),
    "schedule_kind_known": _set(kind="wish"),
    "schedule_cap_positive": _set(max_cost=Decimal(0)),
    "schedule_that_spends_has_cap": _set(max_cost=None),
    "schedule_on_has_next": _set(next_at=None),
}
# the other half of constraints that say two things
HALVES = [
    ("vendor_daily_cap_sane", _set(daily_cap=Decimal("1000000000"))),
    ("operation_pace_sane", _set(pace=Decimal("100000.01"))),
    ("operation_price_sane", _set(price=Decimal("99999.0001"))),
    ("operation_batch_sane", _set(batch=1001)),
    ("call_money_not_negative", _set(reserved=Decimal("-0.0001"))),
    ("lookup_answered_has_answer", _set(state="answered", facts={}, fetched_at=None)),
    ("reveal_money_not_negative", _set(reserved=Decimal("-0.0001"))),
    ("reveal_waiting_is_asked_for", _set(state="waiting", ask_at=NOON, deadline=None)),
    ("bucket_counts_within_total", _set(total_leads=1, enriched_leads=2)),
    ("bucket_counts_within_total", _set(total_leads=1, queued_leads=2)),
    ("bucket_counts_within_total", _set(total_leads=1, detailed_leads=2)),
    ("bucket_counts_within_total", _set(total_leads=1, phone_leads=2)),
    ("item_done_has_outcome", _set(outcome=1)),
    ("schedule_on_has_next", _set(enabled=False)),
]
DECLARED = {c.name: model for model in MODELS for c in model._meta.constraints}
COUNTS = [(m, f.column) for m in MODELS for f in m._meta.local_fields if f.get_internal_type().startswith("Positive")]


def _row(place: Place, model: type[models.Model]) -> Any:
    name = str(model._meta.model_name)
    return getattr(place, f"{name}_" if iskeyword(name) else name)


def _refuses(name: str, act: Callable[[], Any]) -> None:
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        act()
    assert refused.value.__cause__.diag.constraint_name == name  # type: ignore[union-attr]


@pytest.mark.parametrize("name", DECLARED)
def test_a_constraint_refuses_what_breaks_it(place: Place, name: str) -> None:
    row = _row(place, DECLARED[name])
    _refuses(name, lambda: BREAKS[name](row))


@pytest.mark.parametrize(("name", "act"), HALVES)
def test_a_constraint_refuses_its_other_half_too(place: Place, name: str, act: Callable[[Any], Any]) -> None:
    _refuses(name, lambda: act(_row(place, DECLARED[name])))


def test_the_list_of_breaks_names_no_constraint_that_is_gone() -> None:
    assert set(BREAKS) == set(DECLARED)


@pytest.mark.parametrize(("model", "column"), COUNTS, ids=lambda v: v if isinstance(v, str) else v.__name__)
def test_a_count_is_never_negative(place: Place, model: type[models.Model], column: str) -> None:
    row = _row(place, model)
    with pytest.raises(IntegrityError), transaction.atomic():
        _set(**{column: -1})(row)


def test_every_declared_constraint_stands_in_the_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT conname FROM pg_constraint WHERE contype IN ('c', 'u') AND convalidated
            UNION SELECT relname FROM pg_class JOIN pg_index ON indexrelid = oid WHERE indisunique AND indisvalid
            """
        )
        there = {name for (name,) in cursor.fetchall()}
    assert set(DECLARED) <= there


def test_only_a_lead_with_a_bucket_can_exist(place: Place) -> None:
    _refuses_null(lambda: _set(bucket_id=None)(place.lead))
    place.lead.bucket_id = uuid4()
    with pytest.raises(IntegrityError), transaction.atomic():
        place.lead.save()
        connection.check_constraints()


def _refuses_null(act: Callable[[], Any]) -> None:
    with pytest.raises(IntegrityError, match="null value"), transaction.atomic():
        act()
