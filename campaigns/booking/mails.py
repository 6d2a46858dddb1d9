"""What guests get by e-mail: the link that confirms, the invitation, its change and its cancellation.

What is still to be sent stands in the events' rows (`Event.mail`). A worker takes one by a conditional UPDATE, sends
it, and empties the column: killed in between, the guest gets the same invitation twice, with one UID and one SEQUENCE.

It leaves as the company's other e-mails do (`carrying`), where these are set up; else by EMAIL_URL.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.db.models import Q
from django.template.loader import render_to_string
from django.utils import timezone

from accounts.access import Scope, access_in
from accounts.sign_in.notices import MAIL_TROUBLE
from campaigns.booking import carrying, ics
from campaigns.booking.booking import token_of
from campaigns.booking.hours import name_of
from campaigns.gate.guests import may_mail
from campaigns.models import BookingPage, MailSender
from common.dates import moment
from common.db.clock import CLOCK, database_now
from integrations.vendors.mail import Mail
from leads.models import Event

log = logging.getLogger(__name__)
LEASE = timedelta(seconds=60)  # EMAIL_TIMEOUT is ten
GIVEN_UP_AFTER = timedelta(hours=12)  # a confirmation that comes a day late helps nobody
AT_ONCE = 50
Kind = Event.Mail
_METHODS = {Kind.REQUEST: "REQUEST", Kind.CANCEL: "CANCEL"}
_SUBJECTS = {
    Kind.CONFIRM: "Confirm your appointment: {when}",
    Kind.REQUEST: "Your appointment: {when}",
    Kind.CANCEL: "Cancelled: your appointment of {when}",
}


def send_due() -> int:
    """Sends what is to be sent now; returns how many mails left."""
    waiting = Event.objects.exclude(mail="").filter(Q(mail_until__isnull=True) | Q(mail_until__lte=CLOCK))
    sent = 0
    for event_id in list(waiting.order_by("changed_at").values_list("pk", flat=True)[:AT_ONCE]):
        if waiting.filter(pk=event_id).update(mail_until=database_now() + LEASE):
            sent += _send(Event.objects.select_related("owner").get(pk=event_id))
    return sent


def _send(event: Event) -> bool:
    mine = Event.objects.filter(pk=event.pk, mail=event.mail, sequence=event.sequence)
    page = BookingPage.objects.filter(pk=event.page_id).first() if event.page_id else None
    sender = carrying.sender_for(event)
    is_set_up = sender is not None or settings.MAIL_IS_SET_UP
    if page is None or event.changed_at < timezone.now() - GIVEN_UP_AFTER or not is_set_up:
        mine.update(mail="", mail_until=None)
        return False
    is_guests = bool(event.guest_email and _allowed(event))
    try:
        if is_guests and sender is not None:
            if carrying.hand_over(event, _carried(event, page, sender)) == carrying.Handed.LATER:
                return False  # again when the lease is over
        elif is_guests:
            _message(event, page).send()
    except MAIL_TROUBLE as error:
        log.error("A mail about an appointment could not be sent: %s", type(error).__name__)
        return False  # again when the lease is over
    if mine.update(mail="", mail_until=None):  # else it was moved meanwhile: the next mail tells both
        _tell_host(event)
    return is_guests


def _tell_host(event: Event) -> None:
    """Whose hour was booked, moved or cancelled gets a mail of her own. It names no guest: a mailbox is not ours to
    keep. Once at most: it is in her calendar here anyway.
    """
    host, is_new = event.owner, event.sequence == 0
    if event.mail not in _METHODS or not host.email or not access_in(host, event.team_id).can(Scope.READ):
        return
    what = "cancelled" if event.mail == Kind.CANCEL else "booked" if is_new else "moved"
    when, link = moment(event.starts_at, host.time_zone), f"{settings.PUBLIC_URL}/admin/calendar/{event.pk}/"
    about = {"host": name_of(host), "what": what, "when": when, "link": link}
    words = render_to_string("booking/email/host.txt", about)
    mail = EmailMultiAlternatives(
        f"Appointment {what}: {when}", words, None, [host.email], headers={"Auto-Submitted": "auto-generated"}
    )
    mail.attach_alternative(ics.notice(event).decode(), "text/calendar; method=PUBLISH")
    try:
        mail.send()
    except MAIL_TROUBLE as error:
        log.error("A host could not be told of an appointment: %s", type(error).__name__)


def _allowed(event: Event) -> bool:
    with transaction.atomic():
        return may_mail(event.guest_email or "", team_id=event.team_id)


def _message(event: Event, page: BookingPage) -> EmailMultiAlternatives:
    sender = settings.DEFAULT_FROM_EMAIL.rpartition("<")[2].rstrip(">")
    subject, words, calendar, method = _written(event, page, sender)
    headers = {"Auto-Submitted": "auto-generated"}
    mail = EmailMultiAlternatives(subject, words, None, [event.guest_email or ""], headers=headers)
    if calendar:
        mail.attach_alternative(calendar, f"text/calendar; method={method}")
    return mail


def _carried(event: Event, page: BookingPage, sender: MailSender) -> Mail:
    subject, words, calendar, _ = _written(event, page, sender.address)
    return carrying.mail_for(event, sender, subject=subject, text=words, calendar=calendar)


def _written(event: Event, page: BookingPage, sender: str) -> tuple[str, str, str, str]:
    """Subject, text, invitation ('': none) and its method. sender: the address it comes from."""
    host, guest = name_of(event.owner), (event.guest_name or "", event.guest_email or "")
    when = moment(event.starts_at, event.guest_zone or event.zone)
    link = f"{settings.PUBLIC_URL}/book/{page.slug}/{token_of(event)}"
    about = {"event": event, "page": page, "host": host, "guest": guest[0], "when": when, "link": link}
    words = render_to_string(f"booking/email/{event.mail}.txt", about)
    subject = " ".join(_SUBJECTS[Kind(event.mail)].format(when=when).split())
    method = _METHODS.get(Kind(event.mail), "")
    if not method:
        return subject, words, "", ""
    body = ics.invitation(event, method=method, summary=f"{page.title}: {host}", host=(host, sender), guest=guest)
    return subject, words, body.decode(), method
