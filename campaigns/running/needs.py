"""What texts ask of a person, for Home: words that wait for a decision or a reader, campaigns that wait. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from accounts.access import Access, Scope
from campaigns import clock
from campaigns.inbound import history
from campaigns.models import Campaign, Conversation
from common.needs import SHOWN, Need, of_team

_GETS = {Campaign.Channel.SMS.value: "a text", Campaign.Channel.EMAIL.value: "an e-mail"}


def words_waiting(access: Access, _now: datetime) -> Iterable[Need]:
    """Of who may answer: what may be an opt-out, and counts as one after 24 hours; what nobody has read."""
    if access.team_id is None or not access.can(Scope.CONTACTS):
        return
    rows = Conversation.objects.seen_by(access).filter(team=access.team_id)
    many = history.waiting(rows)
    if not any(many.values()):
        return
    said, words, parts = [], "", []
    if many["held"]:
        said.append(f"{many['held']:,} to decide")
        words = "What nobody decides within 24 hours counts as an opt-out."
        held = rows.filter(state=Conversation.State.HELD).select_related("lead").order_by("decide_by")[:SHOWN]
        parts = [(f"May be an opt-out: {talk.lead or 'unknown number'}", talk) for talk in held]
    if many["unread"]:
        said.append(f"{many['unread']:,} not read")
    yield Need(f"Inbox: {', '.join(said)}", words, Conversation, parts)


def campaigns_waiting(access: Access, _now: datetime) -> Iterable[Need]:
    """Of who launches them: those that have paused by themselves, and those whose dry run waits for an approval."""
    if not access.can(Scope.CAMPAIGN):
        return
    mine = of_team(Campaign.objects.all(), access).order_by("-pk")
    by_itself = mine.filter(status=Campaign.Status.PAUSED).exclude(paused_by=Campaign.Pause.PERSON)
    for campaign in by_itself[:SHOWN]:
        yield Need(f"Paused: {campaign}", campaign.reason or campaign.get_paused_by_display(), campaign)
    valid = mine.filter(status=Campaign.Status.PREVIEWED, preview__expires_at__gt=clock.now(), preview__people__gt=0)
    for campaign in valid.select_related("preview")[:SHOWN]:
        people = campaign.preview.people if campaign.preview else 0
        gets = f"{people:,} {'person gets' if people == 1 else 'people get'}"
        words = f"{gets} {_GETS.get(campaign.channel, 'a message')} once it is approved and launched."
        yield Need(f"Waits for approval: {campaign}", words, campaign)
