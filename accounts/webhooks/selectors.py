"""Whose webhooks are whose, and which of them ask for a person."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import QuerySet

from accounts.access import Access, Scope
from accounts.models import WebhookEndpoint
from common.needs import SHOWN, Need


def webhooks_of(access: Access) -> QuerySet[WebhookEndpoint]:
    """A team's webhooks, for who may manage it; nobody else sees them."""
    rows = WebhookEndpoint.objects.order_by("pk")
    return rows.filter(team=access.team_id) if access.can(Scope.MANAGE) and access.team_id is not None else rows.none()


def turned_off(access: Access, _now: datetime) -> Iterable[Need]:
    """Webhooks that were turned off by themselves, for the managers of their team."""
    managed = access.team_id if access.can(Scope.MANAGE) else None
    for endpoint in WebhookEndpoint.objects.filter(team=managed, is_on=False).exclude(reason="")[:SHOWN]:
        yield Need("Webhook turned off", f"{endpoint.reason} Turn it on once the address works again.", endpoint)


def teams_that_want(event: str) -> QuerySet[WebhookEndpoint, int]:
    """Ids of the teams that want this event: a sweep looks at no other's rows."""
    return WebhookEndpoint.objects.filter(is_on=True, events__contains=[event]).values_list("team", flat=True)
