"""What a team may play to a voicemail: uploaded, listened to, versioned, retired. Never deleted: calls tell of it."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import PurePath
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.access import Access
from accounts.audit import record
from accounts.models import User
from campaigns.models import CallAttempt, Recording, RecordingFile
from campaigns.planning.refusals import CampaignError
from campaigns.voice.audio import BadAudio, inspect
from common.db.ids import uuid7

NAME_MAX, MOST = 100, 200  # characters; recordings and versions of a team
LISTEN_FOR = timedelta(minutes=10)  # that Twilio may fetch one
_SALT = "campaigns.voice.recordings"
_TRIES = 5  # of a version's number, which another upload may take


def upload(*, by: User, team_id: int, name: str, content: bytes, file_name: str = "") -> Recording:
    """A new recording, or the next version of the one of this name. Raises CampaignError: `name`, `file`, TOO_MANY."""
    name = " ".join(name.split())
    if not name or len(name) > NAME_MAX or "\x00" in name:
        raise CampaignError("INVALID", f"Give it a name of at most {NAME_MAX} characters.", "name")
    try:
        audio = inspect(content)
    except BadAudio as error:
        raise CampaignError("INVALID", str(error), "file") from error
    mine = Recording.objects.filter(team_id=team_id)
    if mine.count() >= MOST:
        raise CampaignError("TOO_MANY", f"A team has at most {MOST} recordings, all versions counted.")
    for _ in range(_TRIES):
        before = mine.filter(name__iexact=name).order_by("-version").first()
        made = Recording(
            id=uuid7(), team_id=team_id, name=before.name if before else name, by_id=by.pk, kind=audio.kind,
            version=before.version + 1 if before else 1, file=PurePath(file_name).name[-100:], seconds=audio.seconds,
            sha256=hashlib.sha256(content).hexdigest(),
        )  # fmt: skip
        try:
            with transaction.atomic():
                made.save(force_insert=True)
                RecordingFile.objects.create(recording=made, content=content)
                after = {"version": made.version, "seconds": made.seconds}
                record("recording.uploaded", by=by, team_id=team_id, about=made, name=made.name, after=after)
        except IntegrityError as error:
            if "recording_version_once" not in str(error):
                raise
            continue
        return made
    raise CampaignError("CONFLICT", "Others upload a version of it at this moment: try again.")


def retire(*, recording: Recording, by: User) -> Recording:
    """It is offered no more, and neither are its older versions."""
    with transaction.atomic():
        same = Recording.objects.filter(team_id=recording.team_id, name__iexact=recording.name)
        if same.filter(retired_at__isnull=True, version__lte=recording.version).update(retired_at=timezone.now()):
            record("recording.retired", by=by, team_id=recording.team_id, about=recording, name=recording.name)
    recording.refresh_from_db()
    return recording


def offered(access: Access) -> list[Recording]:
    """The newest version of each that is not retired, by name."""
    return list(newest(Recording.objects.seen_by(access).filter(retired_at__isnull=True)))


def newest(rows: QuerySet[Recording]) -> QuerySet[Recording]:
    return rows.order_by("name", "-version").distinct("name")


def content_of(recording_id: UUID) -> bytes:
    """Raises RecordingFile.DoesNotExist."""
    return bytes(RecordingFile.objects.values_list("content", flat=True).get(pk=recording_id))


# --- The address that the vendor fetches ------------------------------------------------------------------------------


def signed_url(attempt: CallAttempt, recording: Recording) -> str:
    """Of this recording for this call, for ten minutes. It names nobody."""
    name = signing.TimestampSigner(salt=_SALT).sign(f"{recording.pk.hex}.{attempt.pk.hex}")
    return f"{settings.PUBLIC_URL}/api/recordings/play/{name}"


def of_signature(name: str) -> Recording | None:
    """The recording that a signed address is of; None: it was never signed here, or is too old."""
    try:
        told = signing.TimestampSigner(salt=_SALT).unsign(name, max_age=LISTEN_FOR)
        recording_id = UUID(told.partition(".")[0])
    except (signing.BadSignature, ValueError):
        return None
    return Recording.objects.filter(pk=recording_id).first()
