"""The bucket that leads are moved or copied to, and what its counters count of a lead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from accounts.access import Access
from buckets.models import Bucket
from buckets.services import create_bucket
from common.enqueue import enqueue_on_commit
from leads.bulk.kinds import Arguments, BulkError, Stopped, id_in, said, text_in
from leads.models import BulkJob, Lead

ALREADY_THERE = "were in the bucket already"
COUNTED = ("status", "phone", "enriched_at", "enrichment_status")  # columns of a lead that `counted` reads


def read_target(access: Access, given: Mapping[str, Any]) -> Arguments:
    """bucketId: a bucket of her team; or bucketName: a new one, made in the transaction that begins the job."""
    said(given, "bucketId", "bucketName")
    if given.get("bucketName") is not None:
        if given.get("bucketId") is not None:
            raise BulkError("INVALID", "Give bucketId, or bucketName for a new bucket.", "arguments.bucketName")
        name = text_in(given, "bucketName", Bucket._meta.get_field("name").max_length or 0)
        made, _ = create_bucket(by=access.user, team_id=access.team_id, name=name)
        return {"bucketId": str(made.pk), "bucket": made.name}
    bucket = Bucket.objects.filter(pk=id_in(given, "bucketId"), team=access.team_id).first()
    if bucket is None:
        raise BulkError("NOT_FOUND", "There is no such bucket.", "arguments.bucketId")
    return {"bucketId": str(bucket.pk), "bucket": bucket.name}


def target_id(job: BulkJob) -> UUID:
    return UUID(job.arguments["bucketId"])


def target_of(job: BulkJob) -> Bucket:
    """Its bucket, which the transaction holds. Raises Stopped where it was deleted."""
    bucket = Bucket.objects.filter(pk=target_id(job), team=job.team_id).first()
    if bucket is None:
        raise Stopped("The bucket was deleted meanwhile.")
    return bucket


def counted(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """What a bucket's counters count of these leads, by the columns of COUNTED."""
    told = list(rows)
    return {
        "total_leads": len(told),
        "enriched_leads": sum(row["enrichment_status"] == Lead.Enrichment.COMPLETED for row in told),
        "contacted_leads": sum(row["status"] in Lead.CONTACTED_STATUSES for row in told),
        "detailed_leads": sum(row["enriched_at"] is not None for row in told),
        "phone_leads": sum(row["phone"] is not None for row in told),
    }


def merge_target(job: BulkJob) -> None:
    """Leads that the bucket had under another name, and those that came, become one."""
    enqueue_on_commit("leads.merge_bucket", bucket_id=str(target_id(job)))
