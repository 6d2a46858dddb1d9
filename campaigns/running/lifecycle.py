"""Launch, pause, resume, cancel."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from accounts.access import Access
from accounts.audit import record
from accounts.models import User
from campaigns import clock
from campaigns.locks import hold_campaign, lock_campaign
from campaigns.models import Campaign, Preview, PreviewLine, Step
from campaigns.planning.campaigns import back_to_draft
from campaigns.planning.refusals import CampaignError
from campaigns.previews.reading import labels_of
from campaigns.running.looking import may_run
from campaigns.running.vendor import check_senders
from campaigns.sending import events
from campaigns.sending import lifecycle as sending
from common.faultpoints import commit
from leads.locks import lock_leads
from leads.models import Activity

Status = Campaign.Status


def launch(*, campaign: Campaign, access: Access) -> Campaign:
    """Makes its members and lets it run, in one transaction.

    Raises CampaignError: NOT_APPROVED, ALREADY_RUNNING, NO_VENDOR (names the variable), NO_SELLER, NO_SENDER, NOBODY.
    """
    may_run(access, campaign)
    with commit("campaign.launch"):
        hold_campaign(campaign.pk)
        joined = Campaign.objects.select_related("seller", "sender", "mail_sender", "preview")
        now = joined.filter(pk=campaign.pk).first()
        if now is None:
            raise CampaignError("NOT_FOUND", "The campaign is gone.")
        if now.status in (Status.RUNNING, Status.PAUSED, Status.COMPLETED):
            raise CampaignError("ALREADY_RUNNING", f"The campaign was launched already: it is {now.is_now}.")
        preview = now.preview
        if now.status != Status.APPROVED or preview is None or preview.digest != now.approved_digest:
            words = f"The campaign is {now.is_now}: a manager approves its dry run first."
            raise CampaignError("NOT_APPROVED", words)
        if now.seller is None or now.seller.replaced_at is not None:
            words = "The company profile is another than the one it was approved with: make a new dry run."
            raise CampaignError("NO_SELLER", words)
        check_senders(now)
        members = _make_members(now, preview)
        if not members:
            raise CampaignError("NOBODY", "Everybody of it is gone, or in another part of the split.")
        locked = lock_campaign(now.pk)
        assert locked is not None  # held: nobody deletes it
        locked.status, locked.started_at, locked.members = Status.RUNNING, clock.now(), members
        locked.save()
        _tell("campaign.launched", locked, access.user, people=members, cost_max=preview.cost_max)
        events.tell_campaign("campaign.started", locked)
        _note_same_owners(locked, preview, access.user)
        sending.wake()
    return locked


def _make_members(campaign: Campaign, preview: Preview) -> int:
    """The people of the approved dry run, but those whose lead is gone and those that another part of the split has by
    now. Each is due at the minute that was planned for her. Returns how many.
    """
    group = campaign.split_group or campaign.pk
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO campaigns_member
                   (id, campaign_id, lead_id, split_group, key_id, mail_key_id, owner_key_id, status, why, step,
                    next_at, zones, states, calls, priority, attempts, skips, number, passed)
            SELECT uuidv7(), %(campaign)s, p.lead_id, %(group)s, coalesce(k.phone, k.mail), k.mail, p.owner_key_id, 2,
                   '', 1, greatest(p.first_at, %(now)s), p.zones, p.states, %(calls)s, 0, 0, 0, 0, k.passed
              FROM campaigns_previewline p
              JOIN leads_lead l ON l.id = p.lead_id AND l.team_id = %(team)s AND l.merged_into_id IS NULL
              CROSS JOIN LATERAL (
                   SELECT max(s.key_id) FILTER (WHERE s.channel <> 'email') AS phone,
                          max(s.key_id) FILTER (WHERE s.channel = 'email') AS mail,
                          coalesce(string_agg(DISTINCT s.channel, ' ') FILTER (WHERE s.verdict = 'no'), '') AS passed
                     FROM campaigns_previewline s WHERE s.preview_id = p.preview_id AND s.lead_id = p.lead_id) k
             WHERE p.preview_id = %(preview)s AND p.step = 1 AND p.verdict = 'yes' AND p.key_id IS NOT NULL
               AND NOT EXISTS (
                   SELECT FROM leads_leadkey mine
                     JOIN leads_contactkey c ON c.id = mine.key_id AND NOT c.crowded
                     JOIN leads_leadkey theirs ON theirs.key_id = mine.key_id
                     JOIN campaigns_member m ON m.lead_id = theirs.lead_id AND m.split_group = %(group)s
                    WHERE mine.lead_id = p.lead_id)
             ORDER BY p.id
            ON CONFLICT DO NOTHING
            """,
            {
                "campaign": campaign.pk,
                "group": group,
                "now": clock.now(),
                "team": campaign.team_id,
                "preview": preview.pk,
                "calls": Step.objects.filter(campaign=campaign, position=1, channel="call").exists(),
            },
        )
        return int(cursor.rowcount)


def _note_same_owners(campaign: Campaign, preview: Preview, by: User) -> None:
    """A line on each lead that was left out because another lead of its owner is contacted: once a campaign."""
    rows = PreviewLine.objects.filter(preview=preview, step=0, other_lead_id__isnull=False)
    other_of: dict[UUID, UUID] = dict(rows.values_list("lead_id", "other_lead_id"))  # type: ignore[arg-type]
    if not other_of:
        return
    there = {lead.pk for lead in lock_leads(other_of).only("pk")}
    names = labels_of(list(other_of.values()))
    known = set(Activity.objects.filter(lead__in=there, ref=campaign.pk).values_list("lead_id", flat=True))
    new = sorted(there - known)
    Activity.objects.bulk_create(
        [
            Activity(
                lead_id=lead_id,
                by=by,
                kind=Activity.Kind.NOTE,
                text=f"Campaign “{campaign.name}”: same owner as {names.get(other_of[lead_id], 'another lead')}, "
                f"which is contacted instead ({other_of[lead_id]}).",
                ref=campaign.pk,
            )
            for lead_id in new
        ]
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE leads_lead l SET activity_count = activity_count + 1, updated_at = now() WHERE l.id = ANY(%s)",
            [new],
        )


def pause(*, campaign: Campaign, access: Access) -> Campaign:
    """Nothing more is sent until a person resumes it. One that paused by itself stays paused until then, too.

    Raises CampaignError NOT_RUNNING.
    """
    may_run(access, campaign)
    with _held(campaign) as locked:
        if locked.status not in (Status.RUNNING, Status.PAUSED):
            raise CampaignError("NOT_RUNNING", f"The campaign is {locked.is_now}.")
        if locked.status == Status.RUNNING or locked.paused_by != Campaign.Pause.PERSON:
            locked.status, locked.paused_by, locked.reason = Status.PAUSED, Campaign.Pause.PERSON, "Paused by a person"
            locked.save()
            _tell("campaign.paused", locked, access.user, cause="person")
            events.tell_campaign(events.PAUSED, locked)
    return locked


def resume(*, campaign: Campaign, access: Access) -> Campaign:
    """The gate is asked again for every message. Raises CampaignError NOT_PAUSED, NO_VENDOR, NO_SENDER."""
    may_run(access, campaign)
    with _held(campaign) as locked:
        if locked.status != Status.PAUSED:
            raise CampaignError("NOT_PAUSED", f"The campaign is {locked.is_now}.")
        check_senders(locked)
        cause = locked.paused_by
        locked.status, locked.reason, locked.paused_by = Status.RUNNING, "", ""
        locked.save()
        _tell("campaign.resumed", locked, access.user, cause=cause)
        sending.wake()
    return locked


def cancel(*, campaign: Campaign, access: Access) -> Campaign:
    """Its members are stopped and its waiting messages cancelled; at most what is in flight leaves. For good.

    Raises CampaignError OVER.
    """
    may_run(access, campaign)
    with transaction.atomic():
        hold_campaign(campaign.pk)
        status = Campaign.objects.filter(pk=campaign.pk).values_list("status", flat=True).first()
        if status is None:
            raise CampaignError("NOT_FOUND", "The campaign is gone.")
        if status in (Status.COMPLETED, Status.CANCELLED):
            raise CampaignError("OVER", f"The campaign is {Status(status).label.lower()}.")
        taken_back = sending.cancel_waiting(campaign.pk) if status in (Status.RUNNING, Status.PAUSED) else 0
        locked = lock_campaign(campaign.pk)
        assert locked is not None  # held: nobody deletes it
        if status not in (Status.RUNNING, Status.PAUSED):
            back_to_draft(locked)
        locked.status, locked.paused_by, locked.reason = Status.CANCELLED, "", ""
        locked.finished_at = clock.now()
        locked.save()
        _tell("campaign.cancelled", locked, access.user, was=status, messages=taken_back)
        events.tell_campaign("campaign.cancelled", locked)
    return locked


@contextmanager
def _held(campaign: Campaign) -> Iterator[Campaign]:
    """The campaign, held and locked, in a transaction of its own."""
    with transaction.atomic():
        hold_campaign(campaign.pk)
        locked = lock_campaign(campaign.pk)
        if locked is None:
            raise CampaignError("NOT_FOUND", "The campaign is gone.")
        yield locked


def _tell(action: str, campaign: Campaign, by: User, **after: Any) -> None:
    record(action, by=by, team_id=campaign.team_id, about=campaign, name=campaign.name, after=after)
