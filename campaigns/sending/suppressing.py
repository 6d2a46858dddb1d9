"""A vendor's no that is about the person suppresses her: she has told the vendor to stop, or her number takes no texts.

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

from campaigns.models import Delivery
from common.db.clock import database_now
from common.db.ids import uuid7_floor
from common.logs import safe_traceback
from integrations.vendors.messages import Kind
from leads.models import Suppression
from leads.permission.suppressing import Source, suppress_keys

log = logging.getLogger(__name__)
Reason, Scope = Suppression.Reason, Suppression.Scope
LOOK_BACK = timedelta(days=14)  # a carrier's report comes within three days
MEANS = {  # what is suppressed, for which channel, and whether it is about the person and so about her other numbers
    Kind.OPTED_OUT: (Reason.VENDOR_OPT_OUT, Scope.ANY, True),
    Kind.BAD_NUMBER: (Reason.WRONG_NUMBER, Scope.SMS, False),
    Kind.LANDLINE: (Reason.WRONG_NUMBER, Scope.SMS, False),
}


def after_no(delivery_id: UUID) -> None:
    """Suppresses whom this message's vendor has said no for. A fault is left to the sweep."""
    try:
        suppress_for(delivery_id)
    except Exception as error:
        log.error("Suppressing after message %s broke: %s", delivery_id, safe_traceback(error))


def suppress_for(delivery_id: UUID) -> bool:
    """The same in a transaction of its own. False: there was nothing to suppress, or it was done."""
    row = Delivery.objects.filter(pk=delivery_id).only("refusal", "key_id", "error_words", "team_id").first()
    means = MEANS.get(Kind(row.refusal)) if row is not None and row.refusal in [str(kind) for kind in MEANS] else None
    if row is None or means is None:
        return False
    reason, scope, spread = means
    with transaction.atomic():
        done = suppress_keys(
            [row.key_id], reason=reason, scope=scope, source=Source.delivery(row.pk), words=row.error_words,
            spread=spread,
        )  # fmt: skip
    return bool(done.added)


def sweep() -> int:
    """Those whose worker died in between. Returns how many were suppressed now."""
    source = Concat(
        Value("delivery:"), Replace(Cast(OuterRef("pk"), CharField()), Value("-"), Value("")), output_field=CharField()
    )
    since = uuid7_floor(database_now() - LOOK_BACK)
    rows = Delivery.objects.filter(refusal__in=[str(kind) for kind in MEANS], pk__gte=since)
    left = rows.exclude(Exists(Suppression.objects.filter(source=source)))
    return sum(suppress_for(pk) for pk in left.order_by("pk").values_list("pk", flat=True)[:100])
