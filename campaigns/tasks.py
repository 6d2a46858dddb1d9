"""What workers do for campaigns: each task wakes work that lies in rows, and none carries a time of its own."""

from __future__ import annotations

import logging
from uuid import UUID

from celery import shared_task

from campaigns.booking import booking, counts, mails
from campaigns.dialing import calling_off, filling, reaping, suppressing
from campaigns.inbound import mailbox, polling, reading, talks
from campaigns.previews import making
from campaigns.sending import sweeps
from campaigns.sending.pump import work
from campaigns.sending.reconciling import reconcile as reconcile_messages
from campaigns.tracking import touching
from campaigns.voice.reconciling import reconcile as reconcile_calls
from common.enqueue import enqueue_on_commit
from integrations.vendors.errors import VendorFailure

log = logging.getLogger(__name__)


@shared_task(name="campaigns.preview")
def preview(preview_id: str) -> None:
    making.make_preview(UUID(preview_id))


@shared_task(name="campaigns.previews")
def previews() -> None:
    for preview_id in making.waiting():
        enqueue_on_commit("campaigns.preview", preview_id=str(preview_id))


@shared_task(name=filling.TASK)
def fill_list(fill_id: str) -> None:
    if filling.continue_fill(UUID(fill_id)):
        enqueue_on_commit(filling.TASK, fill_id=fill_id)


@shared_task(name="campaigns.fill_lists")
def fill_lists() -> None:
    for fill_id in filling.waiting():
        enqueue_on_commit(filling.TASK, fill_id=str(fill_id))


# A pump ends itself; a hard limit would kill it while it keeps answers for a PostgreSQL that is away.
@shared_task(name="campaigns.send", time_limit=86_400, soft_time_limit=86_400)
def send() -> None:
    work()


@shared_task(name="campaigns.reap")
def reap() -> None:
    sweeps.sweep()


@shared_task(name="campaigns.reap_calls")
def reap_calls() -> None:
    suppressing.write_due()
    reaping.reap()


@shared_task(name="campaigns.reconcile", time_limit=600, soft_time_limit=540)
def reconcile() -> None:
    reconcile_messages()
    reconcile_calls()


@shared_task(name="campaigns.read_inbound")
def read_inbound() -> None:
    reading.handle_open()


@shared_task(name="campaigns.fetch_posts")
def fetch_posts() -> None:
    if sum(polling.fetch(vendor) for vendor in polling.vendors()):
        reading.handle_open()


@shared_task(name="campaigns.fetch_mail", time_limit=300, soft_time_limit=240)
def fetch_mail() -> None:
    if mailbox.fetch():
        reading.handle_open()


@shared_task(name="campaigns.vendor_opt_outs")
def vendor_opt_outs() -> None:
    for vendor in polling.vendors():
        try:
            polling.fetch_opt_outs(vendor)
        except VendorFailure as error:
            log.warning("%s cannot be asked who has opted out: %s", vendor, type(error).__name__)


@shared_task(name="campaigns.decide_undecided")
def decide_undecided() -> None:
    talks.decide_overdue()
    talks.close_silent()
    calling_off.call_off()


@shared_task(name="campaigns.mail_guests")
def mail_guests() -> None:
    mails.send_due()


@shared_task(name="campaigns.forget_bookings")
def forget_bookings() -> None:
    booking.forget_unconfirmed()
    counts.forget_old()


@shared_task(name="campaigns.tell_clicks")
def tell_clicks() -> None:
    touching.tell_people()


@shared_task(name="campaigns.forget_networks")
def forget_networks() -> None:
    touching.forget_networks()
