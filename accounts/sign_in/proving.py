"""Whether a user's e-mail is hers: one that she typed is, once she has pressed a link that was mailed there.

An e-mail that was typed and not yet confirmed has a row of allauth's EmailAddress; one that whoever made the account
gave, or to which an invitation was sent, has none. Only a confirmed one says who somebody is: to an invitation, and to
an OpenID Connect provider at her first sign-in.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core import signing
from django.core.mail import send_mail
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse

from accounts.models import User
from accounts.sign_in import limits
from accounts.sign_in.notices import MAIL_TROUBLE
from common.client_address import client_address
from common.public_address import public_address

log = logging.getLogger(__name__)
LIVES = timedelta(days=3)
SALT = "accounts.sign_in.proving"


class NotSent(Exception):
    """The words say why."""


class LinkOver(Exception):
    """The link is older than three days, was sent to another e-mail than she has now, or is another person's."""

    def __init__(self) -> None:
        super().__init__("This link no longer works, or is another person's. Send a new one from your profile.")


def typed(user: User, *, before: str) -> None:
    """She has typed an e-mail in the place of `before`: nothing says yet that it is hers. In a transaction."""
    if before.lower() == user.email.lower():
        return
    EmailAddress.objects.filter(user=user).delete()
    if user.email:
        EmailAddress.objects.create(user=user, email=user.email.lower(), verified=False)


def vouched(user: User) -> None:
    """A superuser says that it is hers."""
    EmailAddress.objects.filter(user=user).delete()


def is_proved(user: User) -> bool:
    return bool(user.email) and people_with(user.email).filter(pk=user.pk).exists()


def people_with(email: str) -> QuerySet[User]:
    """The users whose e-mail this is, in any capitals, and not only by their own word."""
    unproved = EmailAddress.objects.filter(email=email.lower(), verified=False)
    return User.objects.filter(email__iexact=email).exclude(pk__in=unproved.values("user"))


def send_link(*, request: HttpRequest, user: User) -> None:
    """Mails the link that confirms her e-mail. Counted as an attempt to sign in is: nobody's mailbox is filled from
    here. Never in a transaction. Raises NotSent.
    """
    if not settings.MAIL_IS_SET_UP:
        raise NotSent("No mail server is set up here. Ask a superuser to enter your e-mail.")
    try:
        limits.begin(name=f"mail:{user.email.lower()}", address=client_address(request))
    except limits.SignInLocked as locked:
        raise NotSent(str(locked)) from None
    link = signing.dumps([user.pk, user.email.lower()], salt=SALT)
    address = f"{public_address(request)}{reverse('profile_email', args=[link])}"
    words = render_to_string("account/email/confirm.txt", {"user": user, "link": address})
    try:
        send_mail("Confirm your e-mail at Bucket System", words, None, [user.email])
    except MAIL_TROUBLE as error:
        log.error("A mail about an account could not be sent: %s", type(error).__name__)
        raise NotSent("The mail server did not take the mail. Try again later.") from None


def prove(*, user: User, link: str) -> None:
    """She is signed in, and has pressed the link. Raises LinkOver."""
    try:
        pk, email = signing.loads(link, salt=SALT, max_age=LIVES)
    except (signing.BadSignature, TypeError, ValueError):
        raise LinkOver from None
    if pk != user.pk or email != user.email.lower():
        raise LinkOver
    EmailAddress.objects.filter(user=user, email=email).delete()
