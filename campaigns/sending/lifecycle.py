"""What starting, stopping and ending a campaign means for its people and messages."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q

from accounts.models import NoticeKind
from accounts.notices import notify
from campaigns import clock
from campaigns.locks import hold_campaign, lock_campaign
from campaigns.models import Campaign, Delivery, ListFill, Member, Step
from campaigns.sending import events
from campaigns.sending.states import BLOCKED
from campaigns.sending.stopping import OPTED_OUT, stop_all
from common.db.clock import database_now
from common.enqueue import enqueue_on_commit
from integrations.models import Operation, Vendor
from integrations.naming import vendors as vendor_names

State, Status = Delivery.State, Member.Status
TASK = "campaigns.send"
MAIL = "mail"  # the vendor of e-mails
# Thresholds. The carriers watch a sender's failures and opt-outs; a campaign that goes wrong stops before they stop it.
FEW = 50  # messages handed over: fewer say nothing
ERRORS = 0.10  # of those handed over have failed: a list of bad numbers, or a filtered text (house)
COMPLAINTS = 0.05  # of those taken were answered by an opt-out: carriers question senders from 3 to 5 % on [K] (house)
BOUNCES = 0.05  # of the e-mails came back: mail providers take such a sender for one with a bought list (house)
# Of the e-mails were reported as spam: Google and Yahoo want less than 0.3 % (their sender guidelines, February 2024).
SPAM, SPAM_FEW, SPAM_LEAST = 0.003, 100, 2  # of so many e-mails at least, and so many reports: one alone says nothing
BLOCKED_IN_A_ROW = 3  # e-mails that a server refused for what they say


def wake() -> None:
    """Asks a worker to send, once the transaction is committed; without a broker beat does it within 5 s."""
    enqueue_on_commit(TASK)


def activate_members(campaign_id: UUID, at: datetime) -> int:
    """Launch: waiting members become active, their first step due at `at` (campaigns' clock). In the caller's
    transaction, which holds the campaign (`locks.hold_campaign`). Returns how many.
    """
    made = Delivery.objects.filter(member=OuterRef("pk"))
    waiting = Member.objects.filter(campaign=campaign_id, status=Status.WAITING).exclude(Exists(made))
    return waiting.update(status=Status.ACTIVE, next_at=at)


def cancel_waiting(campaign_id: UUID, why: str = "cancelled") -> int:
    """Cancel: members stop, waiting messages are cancelled, counters follow. In the caller's transaction, which holds
    the campaign and has not locked its row. Returns how many messages. Those intended leave.
    """
    return stop_all(campaign_id, why)


# --- Stopping by itself -----------------------------------------------------------------------------------------------


def pause_campaign(campaign_id: UUID, cause: Campaign.Pause, reason: str) -> bool:
    """Pauses a running campaign by another cause than a person (vendor, cap, errors, complaints, health, fault, gate).
    A transaction of its own, or the caller's, which has locked no lead. Tells webhooks, and of a limit its maker.
    False: it was not running.
    """
    with transaction.atomic():
        campaign = lock_campaign(campaign_id)
        if campaign is None or campaign.status != Campaign.Status.RUNNING:
            return False
        campaign.status, campaign.paused_by, campaign.reason = Campaign.Status.PAUSED, cause, reason[:300]
        campaign.save(update_fields=["status", "paused_by", "reason", "updated_at"])
        events.tell_campaign(events.PAUSED, campaign)
        if cause == Campaign.Pause.CAP:
            words = f"Campaign {campaign.name} paused: {reason}."
            notify(
                team_id=campaign.team_id, kind=NoticeKind.CAP_HIT, about=campaign, words=words, to=[campaign.owner_id]
            )
    return True


def pause_all(vendor: str, reason: str) -> int:
    """Pauses every campaign that this vendor carries messages of: it takes nothing until an operator acts. Returns how
    many. One that has steps of another vendor as well pauses whole; one that has none of this one goes on.
    """
    running = Campaign.objects.filter(status=Campaign.Status.RUNNING)
    if vendor == MAIL:
        mine = running.filter(has_steps("email"))
    else:
        mine = running.filter(has_steps("sms"), sender__vendor=vendor)
    ids = list(mine.order_by("pk").values_list("pk", flat=True))
    return sum(pause_campaign(pk, Campaign.Pause.VENDOR, reason) for pk in ids)


def pause_broken_vendor(operation: Operation) -> int:
    """Where the vendor has failed so often that the ledger's breaker is open, or was paused: its campaigns pause."""
    now = database_now()
    row = Operation.objects.select_related("vendor").get(pk=operation.pk)
    vendor: Vendor = row.vendor
    if vendor.paused_reason:
        return pause_all(vendor.name, vendor.paused_reason)
    if row.breaker_open_until is not None and row.breaker_open_until > now:
        words = f"{vendor_names.title(vendor.name)} failed repeatedly. Resume when it works again: {vendor.last_error}"
        return pause_all(vendor.name, words)
    return 0


def pause_by_health(vendor: str, ours: str, words: str) -> int:
    """The vendor or a carrier warns of one of our numbers or registrations: campaigns that send from it pause.

    ours: +1…, or the registration's id, as the vendor names it. Returns how many.
    """
    running = Campaign.objects.filter(status=Campaign.Status.RUNNING, sender__vendor=vendor)
    of = running.filter(sender__number=ours) | running.filter(sender__registration_id=ours)
    ids = list(of.order_by("pk").values_list("pk", flat=True))
    return sum(pause_campaign(pk, Campaign.Pause.HEALTH, words) for pk in ids)


def pause_misset() -> int:
    """Campaigns whose sender is not of the vendor that carries texts here, or whose e-mails nobody carries, or whose
    e-mail address is not used any more. Returns how many were paused.
    """
    running = Campaign.objects.filter(status=Campaign.Status.RUNNING).order_by("pk")
    texts = running.filter(has_steps("sms")).exclude(sender__vendor=settings.SMS_VENDOR or "")
    mails = running.filter(has_steps("email"))
    retired = mails.filter(Q(mail_sender=None) | Q(mail_sender__retired_at__isnull=False))
    causes = [
        (texts, "Its number is not of the vendor that carries text messages here (SMS_VENDOR)."),
        (mails if not settings.MAIL_VENDOR else mails.none(), "Nobody carries e-mails here (CAMPAIGN_EMAIL_URL)."),
        (retired, "The address that its e-mails leave from is not used any more."),
    ]
    return sum(
        pause_campaign(pk, Campaign.Pause.GATE, words)
        for rows, words in causes
        for pk in list(rows.values_list("pk", flat=True))
    )


def pause_blocked(campaign_ids: Collection[UUID | None]) -> int:
    """Of these campaigns those whose last three e-mails were all refused for what they say, since their state was last
    changed. In a transaction of its own. Returns how many.
    """
    paused = 0
    for campaign in Campaign.objects.filter(pk__in=[pk for pk in campaign_ids if pk is not None]):
        left = Delivery.objects.filter(campaign=campaign, channel="email", updated_at__gte=campaign.updated_at)
        over = (State.ACCEPTED, State.DELIVERED, State.FAILED)
        ended = left.filter(state__in=over, intended_at__isnull=False).order_by("-intended_at", "-pk")
        last = list(ended.values_list("state", "refusal", "error_words")[:BLOCKED_IN_A_ROW])
        if len(last) < BLOCKED_IN_A_ROW or any((state, no) != (State.FAILED, BLOCKED) for state, no, _ in last):
            continue
        words = f"Mail servers refuse what its e-mails say, {BLOCKED_IN_A_ROW} in a row: {last[0][2]}"
        paused += pause_campaign(campaign.pk, Campaign.Pause.ERRORS, words)
    return paused


def has_steps(channel: str) -> Exists:
    """Of a campaign."""
    return Exists(Step.objects.filter(campaign=OuterRef("pk"), channel=channel))


def watch_thresholds() -> int:
    """Pauses campaigns too many of whose messages fail, come back, are reported as spam or answered by an opt-out.
    Returns how many.

    Only messages since its state was last changed count: what a person has resumed all the same goes on.
    """
    paused = 0
    for one in Campaign.objects.filter(status=Campaign.Status.RUNNING, sent__gte=FEW).order_by("pk"):
        since = Delivery.objects.filter(campaign=one, state__in=Delivery.LEFT, updated_at__gte=one.updated_at)
        failed = Count("pk", filter=Q(state=State.FAILED))
        out = Count("pk", filter=Q(member__why=OPTED_OUT, member__status=Status.STOPPED))
        mails = Count("pk", filter=Q(channel="email"))
        told = since.aggregate(
            all=Count("pk"), failed=failed, out=out, mails=mails, bounced=Count("bounced_at"),
            spam=Count("complained_at"),
        )  # fmt: skip
        if told["mails"] >= SPAM_FEW and told["spam"] >= SPAM_LEAST and told["spam"] > told["mails"] * SPAM:
            words = f"{told['spam']} of {told['mails']} e-mails were reported as spam. Look at whom you write to first."
            paused += pause_campaign(one.pk, Campaign.Pause.COMPLAINTS, words)
            continue
        if told["all"] < FEW:
            continue
        if told["mails"] >= FEW and told["bounced"] > told["mails"] * BOUNCES:
            words = (
                f"{told['bounced']} of {told['mails']} e-mails came back. Look at the addresses before you resume it."
            )
            paused += pause_campaign(one.pk, Campaign.Pause.ERRORS, words)
        elif told["failed"] > told["all"] * ERRORS:
            words = f"{told['failed']} of {told['all']} messages failed. Look at why before you resume it."
            paused += pause_campaign(one.pk, Campaign.Pause.ERRORS, words)
        elif told["out"] > told["all"] * COMPLAINTS:
            words = f"{told['out']} of {told['all']} people opted out. Look at whom you text before you resume it."
            paused += pause_campaign(one.pk, Campaign.Pause.COMPLAINTS, words)
    return paused


# --- The end ----------------------------------------------------------------------------------------------------------


def complete_campaigns() -> int:
    """Ends running campaigns whose members are all done or stopped, to which nobody is being added, and none of whose
    messages waits or is under way. Returns how many. A message in doubt does not keep its campaign open.
    """
    open_member = Member.objects.filter(campaign=OuterRef("pk"), status__in=Member.OPEN)
    waiting = Delivery.objects.filter(campaign=OuterRef("pk"), state__in=(*Delivery.WAITING, State.INTENDED))
    filling = ListFill.objects.filter(ListFill.AT_WORK, campaign=OuterRef("pk"))
    over = Campaign.objects.filter(
        ~Exists(open_member), ~Exists(waiting), ~Exists(filling), status=Campaign.Status.RUNNING
    )
    ended = 0
    for campaign_id in list(over.order_by("pk").values_list("pk", flat=True)):
        with transaction.atomic():
            hold_campaign(campaign_id)
            if not over.filter(pk=campaign_id).exists():
                continue
            campaign = lock_campaign(campaign_id)
            if campaign is None or campaign.status != Campaign.Status.RUNNING:
                continue
            campaign.status, campaign.paused_by, campaign.reason = Campaign.Status.COMPLETED, "", ""
            campaign.finished_at = clock.now()
            campaign.save(update_fields=["status", "paused_by", "reason", "finished_at", "updated_at"])
            events.tell_campaign(events.COMPLETED, campaign)
            ended += 1
    return ended


def cancel_leftovers() -> int:
    """Waiting messages of campaigns that are over: made in the moment of the cancel. Returns how many."""
    over = Campaign.objects.filter(status__in=(Campaign.Status.CANCELLED, Campaign.Status.COMPLETED))
    left = Delivery.objects.filter(campaign__in=over, state__in=Delivery.WAITING)
    count = 0
    for campaign_id in list(left.order_by().values_list("campaign_id", flat=True).distinct()):
        with transaction.atomic():
            hold_campaign(campaign_id)
            count += cancel_waiting(campaign_id)
    return count
