"""Fetching what lies in the mailbox that e-mails come to. Each e-mail is stored before it is marked there."""

from __future__ import annotations

import logging

from django.conf import settings

from campaigns import clock
from campaigns.inbound import mail_posts
from campaigns.models import VendorPoll
from integrations.vendors.errors import VendorFailure
from integrations.vendors.mail import imap

log = logging.getLogger(__name__)
NAME = "mailbox"  # of its VendorPoll


def fetch() -> int:
    """Stores what is new. Returns how many e-mails are; of a mailbox that goes away meanwhile, those that it told. Two
    who fetch at once store each e-mail once. In no transaction: the network is waited for.
    """
    if settings.IMAP is None:
        return 0
    new: list[bool] = []
    try:
        imap.each_new(settings.IMAP, lambda raw: new.append(mail_posts.keep_raw(raw) is not None))
    except VendorFailure as error:
        log.warning("The mailbox cannot be read: %s", error)  # its words name nobody
    else:
        VendorPoll.objects.update_or_create(vendor=NAME, defaults={"heard_until": clock.now()})
    return sum(new)
