"""What can be done to leads. Each verb is one transaction, or joins the caller's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import F, Value
from django.db.models.functions import Greatest, Lower
from django.utils import timezone

from accounts.access import team_of
from accounts.audit import record
from accounts.models import User
from accounts.webhooks import emit
from accounts.webhooks.selectors import teams_that_want
from common.dates import iso
from common.db.ids import uuid7s
from leads.calendar import callbacks, clock, planning
from leads.counters import change_counters
from leads.facts import columns
from leads.facts.sources import NAMES, TYPED
from leads.facts.typed import rest_of_name, typed
from leads.fields.setting import set_fields
from leads.keys import contact_keys
from leads.locks import hold_bucket, lock_leads, lock_shown
from leads.models import Activity, Lead, Tag
from leads.pipeline.moving import Stage, move_lead
from leads.privacy.filtering import kept_in, refuse_forgotten
from leads.privacy.person import TEXTS
from leads.rules import BadTime, moment_of

# what COPY's text format writes otherwise (PostgreSQL's manual, COPY, "File Formats")
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_UNLIKE_TEXT = re.compile(r"[\\\t\n\r]")


class TagExists(Exception):
    """The team has a tag of this name; case does not tell tags apart."""


@dataclass(frozen=True, slots=True)
class Finish:
    """How buying facts for a lead ended. error: "CATEGORY: words", or None where it went well."""

    lead_id: UUID
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    has_phone: bool
    has_email: bool


def insert_ids(*, bucket_id: UUID, owner_id: int, team_id: int, property_ids: Iterable[str], source: str) -> int:
    """Saves property ids as new leads of a bucket and counts them; ids that are there already are left alone, as are
    those of a property that a lead of the bucket is by its address or APN.

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
        _leave_out_named(cursor, bucket_id)
        cursor.execute(
            """
            INSERT INTO leads_lead (id, bucket_id, owner_id, team_id, source, property_id, created_at, updated_at)
            SELECT id, %s, %s, %s, %s, property_id, now(), now() FROM incoming
            ON CONFLICT (bucket_id, property_id) DO NOTHING
            """,
            [bucket_id, owner_id, team_id, source],
        )
        inserted = int(cursor.rowcount)
        cursor.execute("DROP TABLE incoming")
    change_counters(bucket_id, total_leads=inserted)
    return inserted


def _leave_out_named(cursor: CursorWrapper, bucket_id: UUID) -> None:
    """Takes those ids out of `incoming` whose property a lead of the bucket without an id is, as bought answers say."""
    cursor.execute("SELECT EXISTS (SELECT FROM leads_leadname WHERE bucket_id = %s)", [bucket_id])
    if not (cursor.fetchone() or (False,))[0]:
        return
    cursor.execute(
        """
        DELETE FROM incoming i
         WHERE EXISTS (SELECT FROM integrations_propertyname p
                         JOIN leads_leadname n ON n.bucket_id = %s AND n.loose = p.loose AND n.exact = p.exact
                         JOIN leads_lead l ON l.id = n.lead_id AND strpos(l.property_id, ':') > 0
                        WHERE p.property_id = i.property_id)
        """,
        [bucket_id],
    )


def finish_leads(finishes: Sequence[Finish]) -> tuple[dict[UUID, Finished], int]:
    """Writes how buying ended to the leads, where that is news.

    Returns who can be reached, by lead, and by how many the leads with a phone grew. A failure does not take away what
    an earlier run brought. Joins the caller's transaction.
    """
    wanted = {finish.lead_id: finish for finish in finishes}
    found, changed, grown = {}, [], 0
    rows = lock_leads(wanted).values_list("pk", "phone", "email", "enrichment_status", "enrichment_error")
    for pk, phone, email, status_before, error_before in rows:
        error = wanted[pk].error
        status = Lead.Enrichment.COMPLETED if phone else Lead.Enrichment.PARTIAL
        if error is not None and status_before not in (Lead.Enrichment.COMPLETED, Lead.Enrichment.PARTIAL):
            status = Lead.Enrichment.FAILED
        elif error is not None:
            status = Lead.Enrichment(status_before)
        found[pk] = Finished(has_phone=bool(phone), has_email=bool(email))
        if (status_before, error_before) != (status, error):
            grown += (status == Lead.Enrichment.COMPLETED) - (status_before == Lead.Enrichment.COMPLETED)
            changed.append((pk, status.value, error and error[:300]))
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
    *,
    lead: Lead,
    by: User,
    kind: str,
    text: str = "",
    due_at: datetime | None = None,
    seen: int | None = None,
    ref: UUID | None = None,
) -> Activity:
    """Notes that a person did something about a lead. A call, SMS or e-mail answers a callback that is due.

    due_at: when to call back, of a callback; a time without a zone is by this person's clock. The lead's one open
    callback is moved to it; a callback without one is noted and no more. Raises BadTime.
    seen: how many activities the lead had on the page this comes from. A button pressed twice sends the same words with
    the same number: the second time they are the latest there is, and are not noted again.
    ref: the call that it tells of, once a lead.
    """
    due_at = moment_of(due_at, by.time_zone) if due_at else None
    with transaction.atomic():
        text = kept_in(Activity(), "text", text)
        locked = lock_shown(lead.pk, "pk", "activity_count", "callback_at", "team_id")
        if locked is None:
            raise Lead.DoesNotExist
        if seen is not None and locked.activity_count > seen:
            latest = Activity.objects.filter(lead=locked).order_by("-pk").first()
            if latest and (latest.by_id, latest.kind, latest.text, latest.due_at) == (by.pk, kind, text, due_at):
                return latest
        now = clock.now()
        if due_at:
            _check_due(kind, due_at, now)
        activity = Activity.objects.create(lead=locked, by=by, kind=kind, text=text, due_at=due_at, ref=ref)
        is_contact = kind in Activity.ANSWERS
        latest_contact = Greatest("last_contact_at", Value(activity.created_at))  # never backwards
        contact = {"last_contact_at": latest_contact} if is_contact else {}
        is_answered = is_contact and locked.callback_at is not None and locked.callback_at < now
        if due_at:
            planning.plan_callback(lead=locked, by=by, at=due_at, note=text)
        elif is_answered:
            callbacks.end([locked.pk])
        Lead.objects.filter(pk=locked.pk).update(
            activity_count=F("activity_count") + 1,
            last_activity_at=activity.created_at,
            **contact,
            updated_at=timezone.now(),
        )
    return activity


def note_received(*, lead_id: UUID, kind: str, text: str, ref: UUID) -> None:
    """Notes what the owner said or did, once for each `ref`. It answers no callback: only a person does."""
    with transaction.atomic():
        lead = lock_shown(lead_id, "pk")
        if lead is None or Activity.objects.filter(lead=lead, ref=ref).exists():
            return
        activity = Activity.objects.create(lead=lead, kind=kind, text=kept_in(Activity(), "text", text), ref=ref)
        Lead.objects.filter(pk=lead.pk).update(
            activity_count=F("activity_count") + 1, last_activity_at=activity.created_at, updated_at=timezone.now()
        )


def _check_due(kind: str, due_at: datetime, now: datetime) -> None:
    if kind != Activity.Kind.CALLBACK:
        raise BadTime("Only a callback has a time to call back at.")
    planning.check_ahead(due_at, now)


def finish_callback(*, lead: Lead, by: User) -> bool:
    """Closes the callback that `lead` shows, and notes it.

    False, and nothing is changed: there is none, or it was finished or moved meanwhile.
    """
    with transaction.atomic():
        locked = lock_shown(lead.pk, "pk", "callback_at")
        if locked is None or locked.callback_at is None or locked.callback_at != lead.callback_at:
            return False
        callbacks.end([locked.pk])
        add_activity(lead=locked, by=by, kind=Activity.Kind.CALLBACK, text="Done")
    return True


def change_status(*, lead: Lead, by: User, status: str) -> Lead:
    """Moves a lead on; counts it in its bucket and notes it in its history. The same status again changes nothing.

    Returns the lead that is shown: another one where it was merged meanwhile.
    """
    moved = move_lead(lead.pk, by=by, to=Stage(status), keeps=True)
    return Lead.objects.get(pk=moved.lead_id if moved else lead.pk)


def move_status(lead_id: UUID, *, by: User, status: str, never_back: bool = False) -> bool:
    """As `change_status`; whether it changed. never_back: to new or contacted only a new lead is moved. A lead that is
    gone is not changed, nor one that has this status: its label stays.
    """
    moved = move_lead(lead_id, by=by, to=Stage(status), never_back=never_back, keeps=True)
    return moved is not None and moved.is_new


def tell_callbacks_due() -> None:
    """Tells the webhooks of their teams once of each callback whose time has come within the last day."""
    now = clock.now()
    due = Lead.objects.filter(callback_at__gt=now - timedelta(days=1), callback_at__lte=now)
    due = due.filter(team__in=teams_that_want("callback.due")).only("bucket", "team", "callback_at", "assigned_to")
    for lead in due.order_by("callback_at", "pk").iterator():
        at = iso(lead.callback_at)  # type: ignore[arg-type]  # it is due
        told = {"leadId": str(lead.pk), "bucketId": str(lead.bucket_id), "at": at, "assignedTo": lead.assigned_to_id}
        emit("callback.due", team_id=lead.team_id, object_id=lead.pk, data=told, once=f"callback {lead.pk} {at}")


def set_tags(*, lead: Lead, names: Sequence[str]) -> list[Tag]:
    """Makes these the lead's tags; tags its team does not have yet are made. Case does not tell tags apart."""
    with transaction.atomic():
        tags = _tags_named(lead, names)
        lead.tags.set(tags)
    return tags


def _tags_named(lead: Lead, names: Sequence[str]) -> list[Tag]:
    """The tags of these names of the lead's team; those there are not yet are made. In the caller's transaction."""
    told = [kept_in(Tag(), "name", name.strip()) for name in names]
    wanted = {name.lower(): name for name in told}
    made = {"owner_id": lead.owner_id, "team_id": lead.team_id}
    new = [Tag(**made, name=name) for _, name in sorted(wanted.items())]  # one order: no deadlock
    Tag.objects.bulk_create(new, ignore_conflicts=True)
    same = Tag.objects.alias(folded=Lower("name")).filter(folded__in=[Lower(Value(tag.name)) for tag in new])
    return list(same.filter(team_id=lead.team_id))


def tag_named(name: str, *, by: User, team_id: int) -> Tag:
    """The team's tag of this name, made where there is none. Case does not tell tags apart."""
    return _tags_named(Lead(owner=by, team_id=team_id), [name])[0]


def add_activities(*, lead_ids: Sequence[UUID], by: User, kind: str, text: str) -> int:
    """As `add_activity` of each of these leads, in the caller's transaction. Returns how many there were."""
    text, now, is_contact = kept_in(Activity(), "text", text), clock.now(), kind in Activity.ANSWERS
    leads = list(lock_leads(lead_ids).only("pk", "callback_at"))
    at = timezone.now()
    Activity.objects.bulk_create([Activity(lead=lead, by=by, kind=kind, text=text, created_at=at) for lead in leads])
    if is_contact:
        callbacks.end([lead.pk for lead in leads if lead.callback_at is not None and lead.callback_at < now])
    contact = {"last_contact_at": Greatest("last_contact_at", Value(at))} if is_contact else {}
    Lead.objects.filter(pk__in=[lead.pk for lead in leads]).update(
        activity_count=F("activity_count") + 1, last_activity_at=at, **contact, updated_at=at
    )
    return len(leads)


def add_tag(*, leads: Iterable[Lead], name: str) -> int:
    """Puts a tag on these leads, each its own team's; returns on how many it was not yet."""
    through: Any = Lead.tags.through
    rows = list(leads)
    with transaction.atomic():
        teams = {lead.team_id: lead for lead in reversed(rows)}
        tags = {team: _tags_named(teams[team], [name])[0] for team in sorted(teams)}
        links = [through(lead_id=lead.pk, tag_id=tags[lead.team_id].pk) for lead in rows]
        mine = through.objects.filter(tag__in=tags.values())
        before = mine.filter(lead__in=rows).count()
        through.objects.bulk_create(links, ignore_conflicts=True)
        return int(mine.filter(lead__in=rows).count() - before)


def remove_tag(*, leads: Iterable[Lead], name: str) -> int:
    """Takes a tag off these leads; returns off how many. The tag itself stays."""
    through: Any = Lead.tags.through
    tagged = through.objects.filter(lead__in=list(leads), tag__name__iexact=name.strip())
    return int(tagged.delete()[0])


def create_tag(*, by: User, name: str, color: str, team_id: int | None = None) -> Tag:
    """Makes a tag. team_id: whose it is; None: her own. Raises TagExists."""
    tag = Tag(owner=by, team_id=team_id if team_id is not None else team_of(by), color=color)
    with transaction.atomic():
        tag.name = kept_in(tag, "name", name)
        Tag.objects.bulk_create([tag], ignore_conflicts=True)
    if not Tag.objects.filter(pk=tag.pk).exists():
        raise TagExists(name)
    return tag


def delete_tag(*, tag: Tag, by: User | None = None) -> None:
    """Deletes a tag and takes it off its leads."""
    about = ("tag", tag.pk)
    with transaction.atomic():
        if tag.delete()[0]:  # by two at once: once
            record("tag.deleted", by=by, team_id=tag.team_id, about=about, name=tag.name)


class _Merged(Exception):
    """While the edit waited for the lead, it was merged into this one."""

    def __init__(self, into: Lead) -> None:
        super().__init__(str(into.pk))
        self.into = into


def _lock_unmerged(lead: Lead) -> None:
    """Raises _Merged, Lead.DoesNotExist."""
    locked = lock_shown(lead.pk, "pk")
    if locked is None:
        raise Lead.DoesNotExist
    if locked.pk != lead.pk:
        raise _Merged(Lead.objects.get(pk=locked.pk))


def edit_lead(*, lead: Lead, by: User, changes: Mapping[str, Any]) -> Lead:
    """A person's own word: `status`, or `stage` with a label, `custom` by key, and facts by `columns.TYPED`. What is
    typed outranks what is bought, now and later.

    Returns the lead that is shown: another one where it was merged meanwhile. Raises EditRefused, and then nothing is
    changed.
    """
    while True:
        try:
            return _edit(lead, by, changes)
        except _Merged as now:  # its keys come before it: the whole once more, of the lead that stands for it
            lead = now.into


def _edit(lead: Lead, by: User, changes: Mapping[str, Any]) -> Lead:
    said = {name: value for name, value in changes.items() if name in columns.TYPED}
    with transaction.atomic():
        said |= {name: kept_in(lead, name, said[name]) for name in said.keys() & TEXTS if said[name]}
        said |= rest_of_name({name: getattr(lead, name) for name in NAMES}, said)
        keys = contact_keys.prepare({lead.pk: said}) if said else {}
        _lock_unmerged(lead)
        if changes.get("custom"):
            set_fields(lead=lead, by=by, said=changes["custom"])
        if "stage" in changes:
            move_lead(lead.pk, by=by, to=changes["stage"])
        elif "status" in changes:
            change_status(lead=lead, by=by, status=changes["status"])
        if said:
            _write_typed(lead, by, said)
            record("lead.edited", by=by, team_id=lead.team_id, about=lead, after={"fields": sorted(said)})
            contact_keys.relink([lead.pk], keys)
    lead.refresh_from_db()
    return lead


def _write_typed(lead: Lead, by: User, said: Mapping[str, Any]) -> None:
    """The lead, and the counters of its bucket. A phone completes a lead that lacked nothing else, as a bought one."""
    now = timezone.now()
    locked = lock_leads([lead.pk]).get()
    new = {"source": TYPED, "at": now.isoformat(), "by": by.get_username()}
    refuse_forgotten(vars(locked), said)
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
