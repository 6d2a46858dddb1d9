"""What a manager does with webhooks, and what is done without her: turning off, clearing away."""

from __future__ import annotations

import logging
import smtplib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.core.mail import send_mail
from django.db import IntegrityError, transaction
from django.db.models import Max, Q

from accounts.audit import record
from accounts.locks import lock_team
from accounts.models import Role, User, WebhookDelivery, WebhookEndpoint
from accounts.webhooks import queue
from accounts.webhooks.addresses import BadAddress, target_of
from accounts.webhooks.registries import TEST, events
from accounts.webhooks.secrets import encrypted, new_secret
from common.db.clock import CLOCK, database_now
from common.db.ids import uuid7_floor

log = logging.getLogger(__name__)
Status = WebhookDelivery.Status
PER_TEAM = 10
QUEUED_MAX = 100_000  # events that wait for one address: more would take it days to read
FIRST = datetime(2000, 1, 1, tzinfo=UTC)  # nothing is older
BOTH_SIGN_FOR = timedelta(hours=24)  # after a rotation
ONCE_FOR = timedelta(days=45)  # what is sent once is known longer than a month, of which budgets are
CLEARED_AT_ONCE = 10_000  # rows of one transaction
OFF = "The webhook was turned off."


class WebhookRefused(ValueError):
    """What was asked for cannot be. field: as the API calls it; empty: it is about no field."""

    def __init__(self, words: str, field: str = "") -> None:
        super().__init__(words)
        self.field = field


# --- A manager's ------------------------------------------------------------------------------------------------------


def create_endpoint(*, by: User, team_id: int, url: str, events: Sequence[str]) -> tuple[WebhookEndpoint, str]:
    """A new webhook of this team, and its secret, which is never shown again. Raises WebhookRefused."""
    secret = new_secret()
    endpoint = WebhookEndpoint(team_id=team_id, url=_url(url), events=_events(events), secret=encrypted(secret))
    with _once(), transaction.atomic():
        lock_team(team_id)
        if WebhookEndpoint.objects.filter(team=team_id).count() >= PER_TEAM:
            raise WebhookRefused(f"A team has at most {PER_TEAM} webhooks: delete one first.")
        endpoint.save(force_insert=True)
        after = {"host": _host(endpoint), "events": endpoint.events}
        record("webhook.created", by=by, team_id=team_id, about=endpoint, name=_host(endpoint), after=after)
    return endpoint, secret


def change_endpoint(*, endpoint: WebhookEndpoint, by: User, changes: Mapping[str, Any]) -> WebhookEndpoint:
    """Changes its url, events or is_on. Turned off, it is sent nothing: what waits has failed, and can be replayed.

    Raises WebhookRefused.
    """
    wanted = dict(changes)
    if "url" in wanted:
        wanted["url"] = _url(wanted["url"])
    if "events" in wanted:
        wanted["events"] = _events(wanted["events"])
    before = {name: getattr(endpoint, name) for name in wanted if getattr(endpoint, name) != wanted[name]}
    if not before:
        return endpoint
    with _once(), transaction.atomic():
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(**wanted, updated_at=CLOCK)
        if "is_on" in before:
            WebhookEndpoint.objects.filter(pk=endpoint.pk).update(reason="")
            _fail_waiting(endpoint) if not wanted["is_on"] else None
        told = [{n: _host_of(v) if n == "url" else v for n, v in r.items() if n in before} for r in (before, wanted)]
        record(
            "webhook.changed", by=by, team_id=endpoint.team_id, about=endpoint, name=_host(endpoint), before=told[0],
            after=told[1],
        )  # fmt: skip
        queue.wake()
    endpoint.refresh_from_db()
    return endpoint


def rotate_secret(*, endpoint: WebhookEndpoint, by: User) -> str:
    """A new secret, which is never shown again. For a day events are signed with the one before as well."""
    secret = new_secret()
    with transaction.atomic():
        current = WebhookEndpoint.objects.get(pk=endpoint.pk)
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(
            secret=encrypted(secret),
            old_secret=current.secret,
            old_secret_until=database_now() + BOTH_SIGN_FOR,
            updated_at=CLOCK,
        )
        after = {"secret": "rotated"}
        record("webhook.changed", by=by, team_id=endpoint.team_id, about=endpoint, name=_host(endpoint), after=after)
    return secret


def delete_endpoint(*, endpoint: WebhookEndpoint, by: User) -> None:
    """Deletes a webhook with its deliveries. What is under way to it arrives."""
    with transaction.atomic():
        record("webhook.deleted", by=by, team_id=endpoint.team_id, about=endpoint, name=_host(endpoint))
        rows = WebhookEndpoint.objects.filter(pk=endpoint.pk)
        rows._raw_delete(rows.db)  # noqa: SLF001  # PostgreSQL deletes the deliveries, those of this moment too


def send_test(*, endpoint: WebhookEndpoint) -> WebhookDelivery:
    """Queues the event webhook.test for this webhook alone. Raises WebhookRefused."""
    _must_be_on(endpoint)
    with transaction.atomic():
        queue.write([endpoint.pk], TEST, endpoint.pk, {})
        queue.wake()
    return WebhookDelivery.objects.filter(endpoint=endpoint.pk, event=TEST).latest("pk")


def replay(*, endpoint: WebhookEndpoint, delivery_id: UUID | None = None, since: datetime | None = None) -> int:
    """Sends again, under the same ids: one delivery, or all that failed since a time (None: all there are).

    Returns how many are queued. Raises WebhookRefused.
    """
    _must_be_on(endpoint)
    rows = WebhookDelivery.objects.filter(endpoint=endpoint.pk)
    if delivery_id is not None:
        rows = rows.filter(pk=delivery_id)
        if not rows.exists():
            raise WebhookRefused("There is no such delivery of this webhook.", "deliveryId")
    else:
        rows = rows.filter(status=Status.FAILED)
        rows = rows.filter(pk__gte=uuid7_floor(max(since, FIRST))) if since is not None else rows
    with transaction.atomic():
        again = {"status": Status.QUEUED, "attempts": 0, "not_before": CLOCK, "error": "", "response_status": None}
        count = rows.exclude(status=Status.QUEUED).update(**again, give_up_at=CLOCK + queue.RETRY_FOR)
        queue.wake()
    return count


def _must_be_on(endpoint: WebhookEndpoint) -> None:
    if not WebhookEndpoint.objects.filter(pk=endpoint.pk, is_on=True).exists():
        raise WebhookRefused("This webhook is turned off: turn it on first.")


class _once:
    """A team names an address once, whoever names it at the same moment."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, IntegrityError) and "webhook_once_per_team" in str(error):
            raise WebhookRefused("The team has a webhook with this URL.", "url") from None


def _url(url: str) -> str:
    try:
        target_of(url)
    except BadAddress as refusal:
        raise WebhookRefused(str(refusal), "url") from None
    return url


def _events(names: Sequence[str]) -> list[str]:
    known = events()
    if wrong := [name for name in names if name not in known]:
        raise WebhookRefused(f"There is no event {wrong[0][:40]!r}: only {', '.join(known)}.", "events")
    if not names:
        raise WebhookRefused("Choose at least one event.", "events")
    return sorted(set(names))


def _host(endpoint: WebhookEndpoint) -> str:
    return _host_of(endpoint.url)


def _host_of(url: str) -> str:
    """Of a URL the host alone is written down elsewhere: its path may be a secret."""
    return urlsplit(url).hostname or ""


# --- Without her ------------------------------------------------------------------------------------------------------


def turn_off(*, endpoint: WebhookEndpoint, reason: str) -> bool:
    """Turns a webhook off that does not work, and tells the team's managers by mail. False: it was off already."""
    with transaction.atomic():
        on = WebhookEndpoint.objects.filter(pk=endpoint.pk, is_on=True)
        if not on.update(is_on=False, reason=reason[:300], updated_at=CLOCK):
            return False
        _fail_waiting(endpoint)
        off = {"is_on": False, "reason": reason[:300]}
        record(
            "webhook.changed", by=None, team_id=endpoint.team_id, about=endpoint, name=_host(endpoint),
            before={"is_on": True}, after=off,
        )  # fmt: skip
        transaction.on_commit(lambda: _tell_managers(endpoint, reason))
    return True


def _fail_waiting(endpoint: WebhookEndpoint) -> None:
    WebhookDelivery.objects.filter(endpoint=endpoint.pk, status=Status.QUEUED).update(status=Status.FAILED, error=OFF)


def _tell_managers(endpoint: WebhookEndpoint, reason: str) -> None:
    """A mail that cannot be sent is logged: Home says the same."""
    managers = User.objects.filter(
        memberships__team=endpoint.team_id, memberships__role=Role.MANAGER, is_active=True
    ).exclude(email="")
    to = sorted(set(managers.values_list("email", flat=True)))
    words = (
        f"Your team's webhook to {_host(endpoint)} was turned off.\n\n{reason}\n\n"
        "Events are not kept for it meanwhile. Once the address works again, turn the webhook on at Webhooks, "
        "then replay what failed.\n"
    )
    try:
        for address in to:  # one each: managers' addresses are their own
            send_mail(f"Webhook turned off: {_host(endpoint)}", words, None, [address])
    except (OSError, smtplib.SMTPException) as error:
        log.warning("The mail on webhook %s was not sent: %s", endpoint.pk, type(error).__name__)


def turn_off_overfull() -> int:
    """Turns webhooks off for which too many events wait. Returns how many."""
    rows = WebhookEndpoint.objects.filter(is_on=True)
    waiting = WebhookDelivery.objects.filter(status=Status.QUEUED)
    over = [one for one in rows if waiting.filter(endpoint=one)[: QUEUED_MAX + 1].count() > QUEUED_MAX]
    return sum(turn_off(endpoint=one, reason=f"More than {QUEUED_MAX:,} events waited for it.") for one in over)


def clear_deliveries() -> int:
    """Deletes deliveries that are over and older than KEEP_WEBHOOKS_DAYS, a part at a time. Returns how many.

    The highest number that goes is kept with its endpoint: the numbers of an object never begin again.
    """
    now, keep, total = database_now(), timedelta(days=settings.KEEP_WEBHOOKS_DAYS), 0
    before, named_before = uuid7_floor(now - keep), uuid7_floor(now - max(keep, ONCE_FOR))
    over = WebhookDelivery.objects.filter(status__in=[Status.DELIVERED, Status.FAILED])
    while True:
        with transaction.atomic():
            old = over.filter(Q(once="") | Q(pk__lt=named_before), pk__lt=before)
            part = list(old.order_by("pk").values_list("pk", flat=True)[:CLEARED_AT_ONCE])
            going = WebhookDelivery.objects.filter(pk__in=part)
            highest = dict(going.values_list("endpoint").annotate(Max("sequence")).order_by("endpoint"))
            for endpoint_id, number in highest.items():
                WebhookEndpoint.objects.filter(pk=endpoint_id, forgotten_to__lt=number).update(forgotten_to=number)
            going._raw_delete(going.db)  # noqa: SLF001  # no row is read for it
            total += len(part)
        if len(part) < CLEARED_AT_ONCE:
            return total
