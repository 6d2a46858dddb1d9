"""A recording is played to whoever, or whatever, has picked up: a prerecorded call, so with signed consent alone.

Ringless or not, to a machine or a person: the consent is asked of the number, to the company, for this very channel
(47 CFR 64.1200(a)(3); FCC 22-85). A voicemail that the caller speaks herself is no drop and needs none of this.
"""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Any, cast
from uuid import UUID

from django.db import transaction

from accounts.access import Access
from accounts.audit import record
from campaigns import clock
from campaigns.dialing.offering import may_call
from campaigns.gate.people import digests_of
from campaigns.locks import lock_attempt, lock_keys
from campaigns.models import CallAttempt, Recording
from campaigns.planning.refusals import CampaignError
from campaigns.rules.consents import in_force
from campaigns.rules.facts import Consented
from campaigns.voice import phones
from campaigns.voice.recordings import signed_url
from integrations.naming import vendors as vendor_names
from integrations.vendors import voice
from integrations.vendors.errors import VendorFailure
from leads.keys import key_secrets
from leads.models import Consent
from leads.permission import suppressing
from leads.permission.consenting import consents_of
from leads.permission.selling import active_seller

CHANNEL = Consent.Channel.PRERECORDED
NO_CONSENT = "No signed consent to recorded messages is on record for this number. Speak the message yourself."


class CannotDrop(CampaignError):
    """It is not played; the words say why. code: NOT_ALLOWED."""

    def __init__(self, words: str) -> None:
        super().__init__("NOT_ALLOWED", words)


def why_not(attempt: CallAttempt) -> str:
    """Why no recording may be played to this call now, in words; "": it may."""
    return _why_not_now(attempt) or _consent(attempt, clock.now())[1]


def drop(access: Access, attempt_id: UUID, recording_id: UUID) -> CallAttempt:
    """Plays it to the lead's leg of her call, and hangs that up.

    1. One transaction: the number's key is locked as by an opt-out, then consent and call are looked at; the call
       remembers what is played and by which consent, before it is.
    2. The vendor is told, with an address that is good for ten minutes. Where it says no, the call forgets it again;
       where it does not answer, breaks (5xx, 408) or answers what cannot be read, it may have been played, and stays
       remembered.

    Raises CannotDrop; CampaignError NOT_FOUND.
    """
    team_id = may_call(access)
    recording = Recording.objects.filter(pk=recording_id, team_id=team_id, retired_at__isnull=True).first()
    if recording is None:
        raise CampaignError("NOT_FOUND", "There is no such recording.", "recordingId")
    with transaction.atomic():
        seen = CallAttempt.objects.filter(pk=attempt_id, by=access.user, team_id=team_id).first()
        if seen is None:
            raise CampaignError("NOT_FOUND", "There is no such call of yours.")
        lock_keys([seen.key_id])
        consent, words = _consent(seen, clock.now())
        attempt = lock_attempt(attempt_id)
        assert attempt is not None
        if refused := _why_not_now(attempt) or words:
            raise CannotDrop(refused)
        attempt.recording, attempt.recorded_consent_id = recording, consent
        attempt.save(update_fields=["recording", "recorded_consent_id", "updated_at"])
        after = {"recording": str(recording.pk), "consent": str(consent)}
        record("voicemail.dropped", by=access.user, team_id=access.team_id, about=attempt, after=after)
    try:
        voice.play(phones.VENDORS[attempt.mode], attempt.vendor_id or "", signed_url(attempt, recording))
    except VendorFailure as failure:
        if _is_refusal(failure.status):
            CallAttempt.objects.filter(pk=attempt_id).update(recording=None, recorded_consent_id=None)
            raise CannotDrop(f"It was not played: {failure.reason}") from failure
        raise CannotDrop("Twilio did not say whether it was played: it may have been played.") from failure
    return attempt


def _is_refusal(status: int | None) -> bool:
    return (
        status is not None
        and HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
        and status != HTTPStatus.REQUEST_TIMEOUT
    )


def _why_not_now(attempt: CallAttempt) -> str:
    """Of the call itself."""
    vendor = phones.VENDORS.get(attempt.mode)
    if vendor is None:
        return "A recording can be played only in calls that Twilio places, not from your own phone."
    if not voice.can_play(vendor):
        return f"{vendor_names.title(vendor)} plays no recordings: only calls that Twilio places can."
    if attempt.recording_id is not None:
        return "A recording was played already."
    if attempt.ended_at is not None or attempt.state == CallAttempt.State.ENDED:
        return "The call is over."
    if attempt.state != CallAttempt.State.TALKING or not attempt.vendor_id:
        return "Nobody has picked up yet."
    return ""


def _consent(attempt: CallAttempt, at: datetime) -> tuple[UUID | None, str]:
    """The signed consent by which it may be played, or why there is none."""
    seller = active_seller(attempt.team_id)
    if seller is None or not attempt.number:
        return None, NO_CONSENT
    digests = digests_of(attempt.number, key_secrets.for_reading()) | {(attempt.key.kind, bytes(attempt.key.digest))}
    if any(suppressing.in_force(digests, CHANNEL, seller_id=seller.pk, at=at).values()):
        return None, "This number has opted out."
    given = [one for rows in consents_of(seller.pk, digests, CHANNEL, at=at).values() for one in rows]
    known = [Consented(one.id, one.channel, one.kind, one.given_at, one.expires_at) for one in given]
    channel = cast("Any", str(CHANNEL))  # no channel of the gate's: it is asked here alone
    signed = [one for one in in_force(known, channel, at) if one.kind == Consent.Type.WRITTEN]
    return (signed[0].id, "") if signed else (None, NO_CONSENT)
