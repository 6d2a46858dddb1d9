"""What an outcome suppresses, and the lead's status after it, written ten seconds after the key: until then its caller
may take it back, and the gate counts it already (`gate.people.pending`).
"""

from __future__ import annotations

import logging
from uuid import UUID

from django.db import transaction

from campaigns.dialing.dispositions import status_after
from campaigns.locks import lock_attempt
from campaigns.models import CallAttempt, Disposition
from common.db.clock import database_now
from common.logs import safe_traceback
from leads.calendar import callbacks
from leads.calendar.table import Event
from leads.locks import lock_leads
from leads.models import Suppression
from leads.permission.suppressing import Source, suppress_keys, suppress_wrong_number
from leads.services import move_status

log = logging.getLogger(__name__)
PIECE = 200
Scope, Reason, Suppress = Suppression.Scope, Suppression.Reason, Disposition.Suppress
SCOPES: dict[str, tuple[str, ...]] = {
    Suppress.CALL: (Scope.CALL,), Suppress.SMS: (Scope.SMS,), Suppress.CALL_SMS: (Scope.SMS, Scope.CALL),
    Suppress.ANY: (Scope.ANY,),
}  # fmt: skip


class _TakenBack(Exception):
    """The caller was faster: nothing of it is written."""


def write_due(by: int | None = None) -> int:
    """Writes what is due, of one caller's calls or of all. One that breaks holds up no other. Returns how many."""
    rows = CallAttempt.objects.filter(suppress_at__lte=database_now(), suppressed_at__isnull=True)
    rows = rows.filter(by=by) if by is not None else rows
    written = 0
    for pk in list(rows.order_by("suppress_at").values_list("pk", flat=True)[:PIECE]):
        try:
            written += write(pk)
        except Exception as error:
            log.error("What call %s suppresses could not be written: %s", pk, safe_traceback(error))
    return written


def write(attempt_id: UUID) -> bool:
    """Keys, members, messages first, as every suppression; the call last: where it was taken back or written meanwhile,
    nothing of this stands. False: there was nothing to write.
    """
    rows = CallAttempt.objects.select_related("disposition", "by").filter(suppressed_at__isnull=True)
    attempt = rows.filter(pk=attempt_id, suppress_at__lte=database_now()).first()
    if attempt is None or attempt.disposition is None:
        return False
    try:
        with transaction.atomic():
            _suppress(attempt, attempt.disposition)
            now = lock_attempt(attempt_id)
            still = now is not None and now.suppress_at == attempt.suppress_at and now.suppressed_at is None
            if now is None or not still or now.disposition_id != attempt.disposition_id:
                raise _TakenBack
            CallAttempt.objects.filter(pk=attempt_id).update(suppressed_at=database_now())
            if attempt.disposition.outcome == Disposition.Outcome.DNC:
                _call_off(now.lead_id)
            if now.lead_id is not None and (status := status_after(attempt.disposition)):
                move_status(now.lead_id, by=attempt.by, status=status, never_back=True)
    except _TakenBack:
        return False
    return True


def _call_off(lead_id: UUID | None) -> None:
    """Whoever asked not to be called is nobody's callback any more."""
    if lead_id is not None and next(iter(lock_leads([lead_id])), None) is not None:
        callbacks.end([lead_id], Event.Status.CANCELLED)


def _suppress(attempt: CallAttempt, outcome: Disposition) -> None:
    """A bad number binds its owner, and two owners everybody; what the person has said binds all of her numbers."""
    scopes, source = SCOPES.get(outcome.suppress, ()), Source.call(attempt.pk)
    if outcome.outcome == Disposition.Outcome.BAD_NUMBER:
        leads = [attempt.lead_id] if attempt.lead_id else []
        suppress_wrong_number(attempt.key_id, leads, source=source, scopes=scopes, by=attempt.by)
        return
    for scope in scopes:
        suppress_keys(
            [attempt.key_id], reason=Reason.DNC_REQUEST, source=source, scope=scope, words=attempt.note, by=attempt.by,
            spread=True, team_id=attempt.team_id,
        )  # fmt: skip
