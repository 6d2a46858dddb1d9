"""Twilio's error codes that mean something to us (docs/vendors/twilio.md 4). Others are of this message alone."""

from __future__ import annotations

from integrations.vendors.messages import Kind

KINDS = {
    "20003": Kind.CONFIGURATION,  # the key
    "20005": Kind.CONFIGURATION,  # the account is not active
    "30002": Kind.BALANCE,  # the account is suspended, mostly for its balance
    "21211": Kind.BAD_NUMBER,
    "21210": Kind.CONFIGURATION,  # the number to call from is not ours
    "21213": Kind.CONFIGURATION,
    "21214": Kind.BAD_NUMBER,
    "21215": Kind.CONFIGURATION,  # calls to this region are off
    "21216": Kind.BAD_NUMBER,  # blocked
    "21217": Kind.BAD_NUMBER,
    "21265": Kind.BAD_NUMBER,  # a short code
    "21612": Kind.BAD_NUMBER,  # not reachable from this sender
    "21614": Kind.LANDLINE,
    "21635": Kind.LANDLINE,
    "21610": Kind.OPTED_OUT,
    "21408": Kind.CONFIGURATION,  # the region is off
    "21603": Kind.CONFIGURATION,
    "21606": Kind.CONFIGURATION,  # the sender is not ours, or sends no texts
    "21659": Kind.CONFIGURATION,
    "21660": Kind.CONFIGURATION,
    "21661": Kind.CONFIGURATION,
    "21701": Kind.CONFIGURATION,  # no such messaging service
    "21703": Kind.CONFIGURATION,  # a messaging service without a number
    "30032": Kind.UNREGISTERED,  # toll-free, not verified
    "30034": Kind.UNREGISTERED,  # 10DLC, not registered
    "30035": Kind.UNREGISTERED,  # 10DLC, being registered
    "30003": Kind.CARRIER,  # unreachable
    "30004": Kind.OPTED_OUT,  # blocked by the person or her carrier
    "30005": Kind.BAD_NUMBER,  # nobody has it
    "30006": Kind.LANDLINE,
    "30007": Kind.CARRIER,  # filtered
    "30008": Kind.CARRIER,
    "30036": Kind.CARRIER,  # its validity was over
}
# Nothing can be sent before an operator acts.
OF_THE_ACCOUNT = frozenset({"20003", "20005", "30002"})


def kind_of(code: str) -> Kind | None:
    """What a code means; None where we do not know."""
    return KINDS.get(code)
