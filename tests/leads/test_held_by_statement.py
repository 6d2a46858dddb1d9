"""Names, keys and what imports added are held to their leads by triggers, as foreign keys would hold them."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import Model

from buckets.models import Bucket, Import, ImportedLead
from leads.models import ContactKey, Lead, LeadKey, LeadName
from tests.leads.samples import make_leads, together

pytestmark = pytest.mark.django_db(transaction=True)


def name(lead_id: UUID, exact: int = 1) -> LeadName:
    return LeadName(lead_id=lead_id, bucket_id=uuid4(), exact=exact, loose=exact, source="file")


def key(lead_id: UUID, key_id: int) -> LeadKey:
    return LeadKey(lead_id=lead_id, key_id=key_id, role=1, position=0)


def own_key() -> ContactKey:
    return ContactKey.objects.create(kind=1, digest=uuid4().bytes)


def job_of(bucket: Bucket) -> Import:
    columns: dict[str, Any] = {"file_name": "a.csv", "size": 1, "encoding": "utf-8", "delimiter": ","}
    return Import.objects.create(bucket=bucket, columns=["APN"], mapping={}, constants={}, total=1, **columns)


def refused(rows: list[Any], constraint: str) -> None:
    model: type[Model] = type(rows[0])
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        model._default_manager.bulk_create(rows)
    assert error.value.__cause__.diag.constraint_name == constraint  # type: ignore[union-attr]
    assert not model._default_manager.exists()


def test_one_row_of_no_lead_is_refused_with_all_others_of_its_statement() -> None:
    bucket, leads = make_leads(2)
    shared = own_key()
    job = job_of(bucket)
    refused([name(leads[0].pk), name(uuid4()), name(leads[1].pk)], "leads_leadname_lead_id_known")
    refused([key(leads[0].pk, shared.pk), key(uuid4(), shared.pk)], "leads_leadkey_lead_id_known")
    refused([key(leads[0].pk, shared.pk), key(leads[1].pk, shared.pk + 1)], "leads_leadkey_key_id_known")
    refused([ImportedLead(lead=leads[0], job=job), ImportedLead(lead_id=uuid4(), job=job)],
            "buckets_importedlead_lead_id_known")  # fmt: skip
    refused([ImportedLead(lead=leads[0], job=job), ImportedLead(lead=leads[1], job_id=uuid4())],
            "buckets_importedlead_job_id_known")  # fmt: skip


def filled() -> tuple[Bucket, list[Lead], ContactKey, Import]:
    """Two leads, each with a name and a key, both added by an import."""
    bucket, leads = make_leads(2)
    shared, job = own_key(), job_of(bucket)
    LeadName.objects.bulk_create([name(lead.pk) for lead in leads])
    LeadKey.objects.bulk_create([key(lead.pk, shared.pk) for lead in leads])
    ImportedLead.objects.bulk_create([ImportedLead(lead=lead, job=job) for lead in leads])
    return bucket, leads, shared, job


def sql(statement: str, *params: UUID | int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


def left() -> list[int]:
    return [model.objects.count() for model in (LeadName, LeadKey, ImportedLead)]


def test_a_lead_that_is_deleted_takes_its_names_its_keys_and_its_import_s_note_along() -> None:
    _, (first, second), _, _ = filled()
    sql("DELETE FROM leads_lead WHERE id = %s", first.pk)
    assert left() == [1, 1, 1]
    assert LeadName.objects.get().lead_id == LeadKey.objects.get().lead_id == second.pk
    assert ImportedLead.objects.get().lead_id == second.pk


def test_leads_that_go_with_their_bucket_take_theirs_along() -> None:
    bucket, _, _, _ = filled()
    sql("DELETE FROM buckets_bucket WHERE id = %s", bucket.pk)
    assert left() == [0, 0, 0]


def test_an_import_that_is_deleted_takes_only_its_notes_along() -> None:
    _, _, _, job = filled()
    sql("DELETE FROM buckets_import WHERE id = %s", job.pk)
    assert left() == [2, 2, 0]
    assert Lead.objects.count() == 2


def test_a_key_that_leads_have_is_not_deleted_and_one_of_none_is() -> None:
    _, _, shared, _ = filled()
    own_key()
    with pytest.raises(IntegrityError, match="leads have a key"), transaction.atomic():
        sql("DELETE FROM leads_contactkey")
    sql("DELETE FROM leads_contactkey WHERE id <> %s", shared.pk)
    assert [ContactKey.objects.get(), left()] == [shared, [2, 2, 2]]


@pytest.mark.parametrize(
    "change",
    [
        "leads_lead SET id = uuidv7()",
        "leads_contactkey SET id = id + 1000",
        "leads_leadname SET lead_id = uuidv7()",
        "leads_leadkey SET lead_id = uuidv7()",
        "leads_leadkey SET key_id = key_id + 1000",
        "buckets_import SET id = uuidv7()",
        "buckets_importedlead SET lead_id = uuidv7()",
        "buckets_importedlead SET job_id = uuidv7()",
    ],
)
def test_an_id_that_rows_are_held_by_never_changes(change: str) -> None:
    filled()
    with pytest.raises(IntegrityError, match="is never changed"), transaction.atomic():
        sql(f"UPDATE {change}")
    assert left() == [2, 2, 2]


def delete_at_once(table: str, id: UUID | int) -> None:
    with transaction.atomic():
        sql("SET LOCAL lock_timeout = '300ms'")
        sql(f"DELETE FROM {table} WHERE id = %s", id)


def test_a_lead_and_a_key_stay_while_somebody_writes_rows_of_theirs() -> None:
    _, (lead, _) = make_leads(2)
    shared = own_key()
    with transaction.atomic():
        LeadKey.objects.bulk_create([key(lead.pk, shared.pk)])
        found = together(
            partial(delete_at_once, "leads_lead", lead.pk), partial(delete_at_once, "leads_contactkey", shared.pk)
        )
        assert [type(one) for one in found] == [OperationalError, OperationalError]
    assert [Lead.objects.count(), LeadKey.objects.count(), ContactKey.objects.count()] == [2, 1, 1]


def test_a_row_of_a_lead_that_is_being_deleted_waits_and_is_refused() -> None:
    _, (lead, _) = make_leads(2)
    with transaction.atomic():
        sql("DELETE FROM leads_lead WHERE id = %s", lead.pk)
        (found,) = together(partial(write_briefly, lead.pk))
        assert isinstance(found, OperationalError)
    refused([name(lead.pk)], "leads_leadname_lead_id_known")


def write_briefly(lead_id: UUID) -> None:
    with transaction.atomic():
        sql("SET LOCAL lock_timeout = '300ms'")
        LeadName.objects.bulk_create([name(lead_id)])
