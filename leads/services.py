"""What can be done to leads. Each verb is one transaction, or joins the caller's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Value
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.models import User
from common.db.ids import uuid7s
from leads.counters import change_counters
from leads.facts import columns
from leads.facts.sources import TYPED
from leads.facts.typed import typed
from leads.locks import hold_bucket, lock_leads
from leads.models import Activity, Lead, Tag
from leads.rules import BadTime, moment_of

# what COPY's text format writes otherwise (PostgreSQL's manual, COPY, "File Formats")
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_UNLIKE_TEXT = re.compile(r"[\\\t\n\r]")
CALLBACK_AHEAD = timedelta(days=731)  # two years: what is further ahead is a slip of the finger


class TagExists(Exception):
    """The user has a tag of this name; case does not tell tags apart."""


@dataclass(frozen=True, slots=True)
class Finish:
    """How buying facts for a lead ended. error: "CATEGORY: words", or None where it went well."""

    lead_id: UUID
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    has_phone: bool
    has_email: bool


def insert_ids(*, bucket_id: UUID, owner_id: int, property_ids: Iterable[str], source: str) -> int:
    """Saves property ids as new leads of a bucket and counts them; ids that are there already are left alone.

    Returns how many were new. COPY into a temporary table, then one INSERT: 6 to 7 times bulk_create (measured).
    The order given is the order of the leads. Must be inside a transaction.
    """
    wanted = list(property_ids)
    if _UNLIKE_TEXT.search("".join(wanted)):
        wanted = [property_id.translate(_ESCAPES) for property_id in wanted]
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE incoming (id uuid, property_id text) ON COMMIT DROP")
        with cursor.copy("COPY incoming (id, property_id) FROM STDIN") as copy:
            copy.write("".join([f"{one}\t{name}\n" for one, name in zip(uuid7s(len(wanted)), wanted, strict=True)]))
        hold_bucket(bucket_id)  # two that bring the same ids in another order would wait for each other in a circle
        cursor.execute(
            """
            INSERT INTO leads_lead (id, bucket_id, owner_id, source, property_id, created_at, updated_at)
            SELECT id, %s, %s, %s, property_id, now(), now() FROM incoming
            ON CONFLICT (bucket_id, property_id) DO NOTHING
            """,
            [bucket_id, owner_id, source],
        )
        inserted = int(cursor.rowcount)
        cursor.execute("DROP TABLE incoming")
    change_counters(bucket_id, total_leads=inserted)
    return inserted


def finish_leads(finishes: Sequence[Finish]) -> tuple[dict[UUID, Finished], int]:
    """Writes how buying ended to the leads, where that is news.

    Returns who can be reached, by lead, and by how many the leads with a phone grew. A failure does not take away what
    an earlier run brought. Joins the caller's transaction.
    """
    wanted = {finish.lead_id: finish for finish in finishes}
    found, changed, grown = {}, [], 0
    for lead in lock_leads(wanted).only("pk", "phone", "email", "enrichment_status", "enrichment_error"):
        error = wanted[lead.pk].error
        status = Lead.Enrichment.COMPLETED if lead.phone else Lead.Enrichment.PARTIAL
        if error is not None and lead.enrichment_status not in (Lead.Enrichment.COMPLETED, Lead.Enrichment.PARTIAL):
            status = Lead.Enrichment.FAILED
        elif error is not None:
            status = Lead.Enrichment(lead.enrichment_status)
        found[lead.pk] = Finished(has_phone=bool(lead.phone), has_email=bool(lead.email))
        if (lead.enrichment_status, lead.enrichment_error) != (status, error):
            grown += (status == Lead.Enrichment.COMPLETED) - (lead.enrichment_status == Lead.Enrichment.COMPLETED)
            changed.append((lead.pk, status.value, error and error[:300]))
    if changed:
        with connection.cursor() as cursor:
            cursor.execute(
                """
                UPDATE leads_lead l SET enrichment_status = f.status, enrichment_error = f.error, updated_at = now()
                  FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS f(id, status, error) WHERE l.id = f.id
                """,
                [list(column) for column in zip(*changed, strict=True)],
            )
    return found, grown


def add_activity(
    *, lead: Lead, by: User, kind: str, text: str = "", due_at: datetime | None = None, seen: int | None = None
) -> Activity:
    """Notes that a person did something about a lead. A call, SMS or e-mail answers a callback that is due.

    due_at: when to call back, of a callback; a time without a zone is by this person's clock. The lead's one open
    callback is moved to it; a callback without one is noted and no more. Raises BadTime.
    seen: how many activities the lead had on the page this comes from. A button pressed twice sends the same words with
    the same number: the second time they are the latest there is, and are not noted again.
    """
    due_at = moment_of(due_at, by.time_zone) if due_at else None
    with transaction.atomic():
        locked = lock_leads([lead.pk]).only("pk", "activity_count", "callback_at").get()
        if seen is not None and locked.activity_count > seen:
            latest = Activity.objects.filter(lead=lead).order_by("-pk").first()
            if latest and (latest.by_id, latest.kind, latest.text, latest.due_at) == (by.pk, kind, text, due_at):
                return latest
        now = timezone.now()
        if due_at:
            _check_due(kind, due_at, now)
        activity = Activity.objects.create(lead=lead, by=by, kind=kind, text=text, due_at=due_at)
        is_answered = kind in Activity.ANSWERS and locked.callback_at is not None and locked.callback_at < now
        Lead.objects.filter(pk=lead.pk).update(
            callback_at=None if is_answered else due_at or locked.callback_at,
            activity_count=F("activity_count") + 1,
            last_activity_at=activity.created_at,
            updated_at=timezone.now(),
        )
    return activity


def _check_due(kind: str, due_at: datetime, now: datetime) -> None:
    if kind != Activity.Kind.CALLBACK:
        raise BadTime("Only a callback has a time to call back at.")
    if due_at <= now:
        raise BadTime("This time is past.")
    if due_at > now + CALLBACK_AHEAD:
        raise BadTime("This is more than two years ahead.")


def finish_callback(*, lead: Lead, by: User) -> bool:
    """Closes the callback that `lead` shows, and notes it.

    False, and nothing is changed: there is none, or it was finished or moved meanwhile.
    """
    with transaction.atomic():
        locked = lock_leads([lead.pk]).only("pk", "callback_at").get()
        if locked.callback_at is None or locked.callback_at != lead.callback_at:
            return False
        Lead.objects.filter(pk=lead.pk).update(callback_at=None)
        add_activity(lead=lead, by=by, kind=Activity.Kind.CALLBACK, text="Done")
    return True


def change_status(*, lead: Lead, by: User, status: str) -> Lead:
    """Moves a lead on; counts it in its bucket and notes it in its history. The same status again changes nothing."""
    with transaction.atomic():
        locked = lock_leads([lead.pk]).get()
        if locked.status == status:
            return locked
        before, after = (s in Lead.CONTACTED_STATUSES for s in (locked.status, status))
        text = f"{locked.status} → {status}"
        Lead.objects.filter(pk=lead.pk).update(status=status, updated_at=timezone.now())
        add_activity(lead=locked, by=by, kind=Activity.Kind.STATUS, text=text)
        change_counters(locked.bucket_id, contacted_leads=after - before)
    locked.refresh_from_db()
    return locked


def set_tags(*, lead: Lead, names: Sequence[str]) -> list[Tag]:
    """Makes these the lead's tags; tags the owner does not have yet are made. Case does not tell tags apart."""
    with transaction.atomic():
        tags = _tags_named(lead.owner_id, names)
        lead.tags.set(tags)
    return tags


def _tags_named(owner_id: int, names: Sequence[str]) -> list[Tag]:
    """This owner's tags of these names; those there are not yet are made. In the caller's transaction."""
    wanted = {name.strip().lower(): name.strip() for name in names}
    new = [Tag(owner_id=owner_id, name=name) for _, name in sorted(wanted.items())]  # one order: no deadlock
    Tag.objects.bulk_create(new, ignore_conflicts=True)
    same = Tag.objects.alias(folded=Lower("name")).filter(folded__in=[Lower(Value(tag.name)) for tag in new])
    return list(same.filter(owner_id=owner_id))


def add_tag(*, leads: Iterable[Lead], name: str) -> int:
    """Puts a tag on these leads, each its own owner's; returns on how many it was not yet."""
    through: Any = Lead.tags.through
    rows = list(leads)
    with transaction.atomic():
        tags = {owner: _tags_named(owner, [name])[0] for owner in sorted({lead.owner_id for lead in rows})}
        links = [through(lead_id=lead.pk, tag_id=tags[lead.owner_id].pk) for lead in rows]
        mine = through.objects.filter(tag__in=tags.values())
        before = mine.filter(lead__in=rows).count()
        through.objects.bulk_create(links, ignore_conflicts=True)
        return int(mine.filter(lead__in=rows).count() - before)


def remove_tag(*, leads: Iterable[Lead], name: str) -> int:
    """Takes a tag off these leads; returns off how many. The tag itself stays."""
    through: Any = Lead.tags.through
    tagged = through.objects.filter(lead__in=list(leads), tag__name__iexact=name.strip())
    return int(tagged.delete()[0])


def create_tag(*, by: User, name: str, color: str) -> Tag:
    """Makes a tag. Raises TagExists."""
    tag = Tag(owner=by, name=name, color=color)
    Tag.objects.bulk_create([tag], ignore_conflicts=True)
    if not Tag.objects.filter(pk=tag.pk).exists():
        raise TagExists(name)
    return tag


def delete_tag(*, tag: Tag) -> None:
    """Deletes a tag and takes it off its leads."""
    tag.delete()


def edit_lead(*, lead: Lead, by: User, changes: Mapping[str, Any]) -> Lead:
    """A person's own word: `status`, and facts by `columns.TYPED`. It outranks what is bought, now and later.

    Raises EditRefused, and then nothing is changed.
    """
    with transaction.atomic():
        if "status" in changes:
            change_status(lead=lead, by=by, status=changes["status"])
        said = {name: value for name, value in changes.items() if name in columns.TYPED}
        if said:
            _write_typed(lead, by, said)
    lead.refresh_from_db()
    return lead


def _write_typed(lead: Lead, by: User, said: Mapping[str, Any]) -> None:
    """The lead, and the counters of its bucket. A phone completes a lead that lacked nothing else, as a bought one."""
    now = timezone.now()
    locked = lock_leads([lead.pk]).get()
    new = {"source": TYPED, "at": now.isoformat(), "by": by.get_username()}
    values = typed(vars(locked), said, new)
    phone, status = values.get("phone", locked.phone), locked.enrichment_status
    if status in (Lead.Enrichment.COMPLETED, Lead.Enrichment.PARTIAL):
        status = Lead.Enrichment.COMPLETED if phone else Lead.Enrichment.PARTIAL
    Lead.objects.filter(pk=lead.pk).update(**values, enrichment_status=status, updated_at=now)
    completed = Lead.Enrichment.COMPLETED
    change_counters(
        locked.bucket_id,
        phone_leads=bool(phone) - bool(locked.phone),
        enriched_leads=(status == completed) - (locked.enrichment_status == completed),
    )
