"""The addresses that a company's e-mails leave from, and whether their domains are believed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from email_validator import EmailNotValidError, validate_email

from accounts.audit import record
from accounts.models import User
from campaigns.locks import lock_mail_sender
from campaigns.models import Campaign, MailSender
from campaigns.planning.refusals import CampaignError
from campaigns.rules import mail_domains
from campaigns.rules.mail_domains import NAMES, OK
from common.dates import moment
from integrations.vendors import dns
from integrations.vendors.dns import NoDns, Texts
from leads.models import Seller

NAME_MAX, ADDRESS_MAX = 100, 254
DAILY_MOST = 1_000_000
CHANGEABLE = ("name", "dkim_selector", "warm_up_from", "daily_limit")


def add_mail_sender(
    *,
    by: User,
    seller: Seller,
    name: str,
    address: str,
    dkim_selector: str = "",
    warm_up_from: date | None = None,
    daily_limit: int | None = None,
) -> MailSender:
    """Raises CampaignError: `name`, `address` (none, a free mail host's, another active sender's), `dkimSelector`,
    `dailyLimit`."""
    sender = MailSender(seller=seller, name=_name(name), address=_address(address))
    sender.dkim_selector, sender.daily_limit = _selector(dkim_selector), _limit(daily_limit)
    sender.warm_up_from = warm_up_from
    with _address_once():
        sender.save(force_insert=True)
        after = {"domain": sender.domain, "dailyLimit": daily_limit, "warmUp": warm_up_from is not None}
        _told("mail_sender.added", sender, by, after=after)
    return sender


def change_mail_sender(*, sender: MailSender, by: User, changes: Mapping[str, Any]) -> MailSender:
    """changes: name, dkim_selector, warm_up_from, daily_limit. Another selector has to be checked. Raises
    CampaignError."""
    cleaned: dict[str, Callable[[Any], Any]] = {"name": _name, "dkim_selector": _selector, "daily_limit": _limit}
    given = {name: changes[name] for name in CHANGEABLE if name in changes}
    values = {name: cleaned[name](value) if name in cleaned else value for name, value in given.items()}
    with transaction.atomic():
        locked = lock_mail_sender(sender.pk)
        changed = {name: value for name, value in values.items() if locked and getattr(locked, name) != value}
        if changed:
            if "dkim_selector" in changed:
                changed |= {"checks": {}, "checked_at": None}
            MailSender.objects.filter(pk=sender.pk).update(**changed, updated_at=timezone.now())
            fields = sorted(set(changed) & set(CHANGEABLE))
            _told("mail_sender.changed", sender, by, after={"fields": fields})
    sender.refresh_from_db()
    return sender


def retire_mail_sender(*, sender: MailSender, by: User) -> MailSender:
    """It is used no more; its address may be added anew. Raises CampaignError IN_USE where an open campaign uses it."""
    with transaction.atomic():
        if Campaign.objects.filter(mail_sender=sender, status__in=Campaign.OPEN).exists():
            raise CampaignError("IN_USE", "A campaign that is not over sends from this address.")
        mine = MailSender.objects.filter(pk=sender.pk, retired_at__isnull=True)
        if mine.update(retired_at=timezone.now(), updated_at=timezone.now()):
            _told("mail_sender.retired", sender, by)
    sender.refresh_from_db()
    return sender


def check_mail_sender(*, sender: MailSender, by: User, texts: Texts = dns.texts) -> MailSender:
    """Asks the DNS about its domain, outside a transaction, and keeps what it says. Raises CampaignError NO_ANSWER.

    A selector that is changed meanwhile leaves it unchecked.
    """
    domain, own = sender.domain, sender.dkim_selector
    selector = own or sender.seller.dkim_selector
    try:
        checks = {
            "spf": mail_domains.spf(domain, texts(domain)),
            "dkim": mail_domains.dkim(
                domain, selector, texts(mail_domains.dkim_name(domain, selector)) if selector else []
            ),
            "dmarc": mail_domains.dmarc(domain, [texts(name) for name in mail_domains.dmarc_names(domain)]),
        }
    except NoDns:
        words = f"The name servers of {domain} did not answer. Nothing was changed: try again in a minute."
        raise CampaignError("NO_ANSWER", words) from None
    now = timezone.now()
    with transaction.atomic():
        mine = MailSender.objects.filter(pk=sender.pk, dkim_selector=own, retired_at__isnull=True)
        if mine.update(checks=checks, checked_at=now, updated_at=now):
            right = {name: words == OK for name, words in checks.items()}
            _told("mail_sender.checked", sender, by, after=right)
    sender.refresh_from_db()
    return sender


def lack(sender: MailSender) -> str:
    """Why no campaign may send from this address, in words without a period; "": it may. Where e-mails only lie in
    files its domain does not matter."""
    if sender.retired_at is not None:
        return f"{sender.address} is retired"
    if settings.CAMPAIGN_MAIL is not None and settings.CAMPAIGN_MAIL.kind in ("console", "file"):
        return ""
    if sender.checked_at is None:
        return (
            f"The domain of {sender.address} is not checked yet: open it under E-mail addresses and press Check domain"
        )
    for name, title in NAMES.items():
        words = sender.checks.get(name, "")
        if words != OK:
            return f"{title} of {sender.domain} is not right. {words}".rstrip(".")
    return ""


def check_lines(sender: MailSender) -> list[tuple[str, bool, str]]:
    """SPF, DKIM, DMARC: its title, whether it is right, and words for a person. Empty before the first check."""
    if sender.checked_at is None:
        return []
    when = f"as the DNS said on {moment(sender.checked_at)}"
    told = [(title, sender.checks.get(name, "")) for name, title in NAMES.items()]
    return [(title, words == OK, f"right, {when}" if words == OK else words) for title, words in told]


# --- Checks of what is given ------------------------------------------------------------------------------------------


def _name(text: str) -> str:
    text = " ".join(text.split())
    if not text or len(text) > NAME_MAX or not text.isprintable():
        raise CampaignError("INVALID", f"Enter who writes, in at most {NAME_MAX} characters.", "name")
    return text


def _address(text: str) -> str:
    try:
        found = validate_email(text.strip()[:ADDRESS_MAX], check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError:
        raise CampaignError("INVALID", "This is no e-mail address, such as jane@mail.example.com.", "address") from None
    if found.ascii_domain.lower() in mail_domains.FREE_MAIL:
        words = f"Mail servers refuse mail of {found.ascii_domain} that comes from elsewhere: use a domain of your own."
        raise CampaignError("INVALID", words, "address")
    return f"{found.local_part}@{found.ascii_domain.lower()}"


def _selector(text: str) -> str:
    text = text.strip()
    if text and not mail_domains.is_selector(text):
        words = "A DKIM selector has letters, digits, - and ., such as s1."
        raise CampaignError("INVALID", words, "dkimSelector")
    return text


def _limit(daily: int | None) -> int | None:
    if daily is not None and not 1 <= daily <= DAILY_MOST:
        raise CampaignError("INVALID", f"E-mails a day are from 1 to {DAILY_MOST:,}.", "dailyLimit")
    return daily


@contextmanager
def _address_once() -> Iterator[None]:
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if "mail_sender_address_once" not in str(error):
            raise
        raise CampaignError("INVALID", "This address is in use here already.", "address") from error


def _told(action: str, sender: MailSender, by: User, *, after: Mapping[str, Any] | None = None) -> None:
    """Its address is the company's own, and the audit masks addresses: its domain tells it apart."""
    record(action, by=by, team_id=sender.seller.team_id, about=sender, name=sender.domain, after=after)
