"""What a job did, does and would undo, as pages, the API's readers and the command put it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leads.bulk.kinds import kind_of
from leads.fields.values import shown
from leads.models import BulkJob, Lead

Kind = BulkJob.Kind
_DOES = {
    Kind.TAG: "tagged {tag}",
    Kind.UNTAG: "untagged {tag}",
    Kind.STATUS: "changed to {status}",
    Kind.FIELD: "changed: {field}",
    Kind.ASSIGN: "newly assigned to {names}",
    Kind.ACTIVITY: "logged: {kind}",
    Kind.MOVE: "moved to {bucket}",
    Kind.COPY: "copied to {bucket}",
    Kind.EXPORT: "in the file",
    Kind.ENRICH: "being enriched",
    Kind.DELETE: "deleted",
    Kind.DO_NOT_CONTACT: "not contacted any more",
}
_UNDOES = {
    Kind.TAG: "Takes the tag {tag} off the leads that it was put on.",
    Kind.UNTAG: "Puts the tag {tag} back on the leads that it was taken off.",
    Kind.STATUS: "Changes each lead that still is {status} back to what it was; its history shows both.",
    Kind.FIELD: "Puts back what stood in each lead that still has {field}.",
    Kind.ASSIGN: "Gives each lead back to whom it was assigned before, unless it was given to somebody else since.",
    Kind.MOVE: "Moves each lead that still is in {bucket} back to the bucket that it came from.",
    Kind.COPY: "Deletes the copies in {bucket} that nobody has worked on since.",
}


def said(job: BulkJob) -> str:
    """What is done, with what: Add a tag: Hot."""
    label, named = str(job.get_kind_display()), _named(job)
    about = next((named[name] for name in ("tag", "status", "field", "names", "bucket", "kind") if named.get(name)), "")
    return f"{label}: {about}" if about else label


def came_of(job: BulkJob) -> str:
    """2 of 3 leads changed to Lost."""
    leads = f"{job.changed:,} of {job.leads:,} {'lead' if job.leads == 1 else 'leads'}"
    if job.kind == Kind.EXPORT:
        return f"{job.leads:,} {'lead' if job.leads == 1 else 'leads'} in the file."
    if job.kind == Kind.ASSIGN and not job.arguments.get("names"):
        return f"{leads} taken back: assigned to nobody."
    turn = " in turn" if job.kind == Kind.ASSIGN and len(job.arguments["names"]) > 1 else ""
    return f"{leads} {_DOES[Kind(job.kind)].format(**_named(job))}{turn}."


def left_out(job: BulkJob) -> list[str]:
    """1 had this status already."""
    return [f"{many:,} {words}" for words, many in sorted(job.left_out.items()) if many]


def undoing(job: BulkJob) -> str:
    """What undoing it would do; empty where it cannot be undone."""
    if kind_of(job.kind).undo is None:
        return ""
    return _UNDOES[Kind(job.kind)].format(**_named(job)) + " What was changed since stays as it is."


def _stage(given: Mapping[str, Any]) -> str:
    """Lost, or Warm (Contacted)."""
    status = given.get("status")
    words = str(Lead.Status(status).label) if status in Lead.Status.values else ""
    return f"{given['label']} ({words})" if given.get("label") else words


def _named(job: BulkJob) -> dict[str, str]:
    given = job.arguments
    return {
        "tag": str(given.get("tag", "")),
        "status": _stage(given),
        "names": ", ".join(given.get("names", ())) or ("nobody" if job.kind == Kind.ASSIGN else ""),
        "bucket": str(given.get("bucket", "")),
        "field": f"{given['name']}: {shown('number', given['value']) or 'empty'}" if job.kind == Kind.FIELD else "",
        "kind": str(given.get("kind", "")).capitalize() if job.kind == Kind.ACTIVITY else "",
    }
