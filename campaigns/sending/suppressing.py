"""A vendor's no that is about the person suppresses her: she has told the vendor to stop, her number takes no texts,
her e-mail address does not exist or its mailbox is full time and again, or she has reported an e-mail as spam.

After the message's own commit, and again by a sweep until it is done: the suppression's source names the message, so it
is written once.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Value
from django.db.models.fields import CharField
from django.db.models.functions import Cast, Concat, Replace

from campaigns import clock
from campaigns.models import Delivery
from campaigns.sending.states import HARD, SOFT
from common.db.clock import database_now
from common.db.ids import uuid7_floor
from common.logs import safe_traceback
from integrations.vendors.messages import Kind
from leads.models import Suppression
from leads.permission.suppressing import Source, suppress_keys

log = logging.getLogger(__name__)
Reason, Scope = Suppression.Reason, Suppression.Scope
LOOK_BACK = timedelta(days=14)  # a carrier's report comes within three days
# By `Delivery.refusal`: what is suppressed, for which channel, and whether it is about the person and so about her
# other numbers.
MEANS = {
    str(Kind.OPTED_OUT): (Reason.VENDOR_OPT_OUT, Scope.ANY, True),
    str(Kind.BAD_NUMBER): (Reason.WRONG_NUMBER, Scope.SMS, False),
    str(Kind.LANDLINE): (Reason.WRONG_NUMBER, Scope.SMS, False),
    HARD: (Reason.HARD_BOUNCE, Scope.EMAIL, False),
}
SOFT_WITHIN, SOFT_MOST, SOFT_CAMPAIGNS = timedelta(days=14), 3, 2  # so many soft bounces in so many campaigns (house)
SOFT_FOR = timedelta(days=90)  # that the address is left alone then


def after_no(delivery_id: UUID) -> None:
    """Suppresses whom this message's vendor has said no for. A fault is left to the sweep."""
    try:
        suppress_for(delivery_id)
    except Exception as error:
        log.error("Suppressing after message %s broke: %s", delivery_id, safe_traceback(error))


def suppress_for(delivery_id: UUID) -> bool:
    """The same in a transaction of its own. False: there was nothing to suppress, or it was done."""
    row = Delivery.objects.filter(pk=delivery_id).only("refusal", "key_id", "error_words", "team_id").first()
    if row is not None and row.refusal == SOFT:
        return _suppress_soft(row)
    means = MEANS.get(row.refusal) if row is not None else None
    if row is None or means is None:
        return False
    reason, scope, spread = means
    with transaction.atomic():
        done = suppress_keys(
            [row.key_id], reason=reason, scope=scope, source=Source.delivery(row.pk), words=row.error_words,
            spread=spread,
        )  # fmt: skip
    return bool(done.added)


def _suppress_soft(row: Delivery) -> bool:
    """Three soft bounces within 14 days, of two campaigns at least: the address is left alone for 90 days."""
    now = clock.now()
    soft = Delivery.objects.filter(key=row.key_id, refusal=SOFT, bounced_at__gt=now - SOFT_WITHIN)
    campaigns = list(soft.order_by("pk").values_list("campaign_id", flat=True)[:100])
    if len(campaigns) < SOFT_MOST or len({*campaigns}) < SOFT_CAMPAIGNS:
        return False
    with transaction.atomic():
        done = suppress_keys(
            [row.key_id], reason=Reason.SOFT_BOUNCES, scope=Scope.EMAIL, source=Source.delivery(row.pk),
            expires_at=now + SOFT_FOR,
        )  # fmt: skip
    return bool(done.added)


def after_complaint(delivery_id: UUID) -> None:
    """Suppresses who has reported this e-mail as spam, on every channel. A fault is left to the sweep."""
    try:
        suppress_complaint(delivery_id)
    except Exception as error:
        log.error("Suppressing after the complaint about %s broke: %s", delivery_id, safe_traceback(error))


def suppress_complaint(delivery_id: UUID) -> bool:
    """The same in a transaction of its own. False: it was done."""
    row = Delivery.objects.only("key_id").get(pk=delivery_id)
    with transaction.atomic():
        done = suppress_keys(
            [row.key_id], reason=Reason.COMPLAINT, scope=Scope.ANY, source=Source.delivery(row.pk), spread=True
        )
    return bool(done.added)


def sweep() -> int:
    """Those whose worker died in between. Returns how many were suppressed now."""
    source = Concat(
        Value("delivery:"), Replace(Cast(OuterRef("pk"), CharField()), Value("-"), Value("")), output_field=CharField()
    )
    since = uuid7_floor(database_now() - LOOK_BACK)
    done = Suppression.objects.filter(source=source)
    no = Delivery.objects.filter(refusal__in=list(MEANS), pk__gte=since)
    no = no.exclude(Exists(done.exclude(reason=Reason.COMPLAINT)))
    spam = Delivery.objects.filter(complained_at__isnull=False, pk__gte=since)
    spam = spam.exclude(Exists(done.filter(reason=Reason.COMPLAINT)))
    left = sum(suppress_for(pk) for pk in no.order_by("pk").values_list("pk", flat=True)[:100])
    return left + sum(suppress_complaint(pk) for pk in spam.order_by("pk").values_list("pk", flat=True)[:100])
