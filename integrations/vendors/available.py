"""Whether a vendor can be asked at all: it has a key and an address in this process's environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.conf import settings

from integrations.vendors.apollo import client as apollo
from integrations.vendors.credentials import Account
from integrations.vendors.mail import account as mail
from integrations.vendors.realestateapi import client as realestateapi
from integrations.vendors.signalhouse import client as signalhouse
from integrations.vendors.signalhouse_messaging import client as signalhouse_messaging
from integrations.vendors.twilio import client as twilio

_ACCOUNTS: Mapping[str, Callable[[], Account]] = {
    "realestateapi": realestateapi.config,
    "signalhouse": signalhouse.config,
    "apollo": apollo.config,
    "twilio": twilio.config,
    "signalhouse_messaging": signalhouse_messaging.config,
    "mail": mail.config,
}


def account(vendor: str) -> Account:
    """The vendor's account in the settings of this moment. Raises KeyError for a vendor there is none of."""
    return _ACCOUNTS[vendor]()


def lack(vendor: str) -> str:
    """Why this vendor is not available, in words without a period; empty where it can be asked."""
    if vendor not in settings.VENDORS:
        return ""
    asked = account(vendor)
    if asked.lacks is None:
        return ""
    what, variable = asked.lacks
    return f"{asked.title} is not available: {what} ({variable} is not set)"
