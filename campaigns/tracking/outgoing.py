"""What leaves of an e-mail: its own links, pixel and way out put into the parts that its row keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings

from campaigns.models import Delivery, MailSender
from campaigns.texts.mail import UNSUBSCRIBE
from campaigns.tracking import tokens
from integrations.vendors.errors import Misconfigured


@dataclass(frozen=True, slots=True)
class Outgoing:
    """headers: of RFC 8058 and RFC 2919, Feedback-ID; Auto-Submitted of confirmations. Not From, To, Message-ID, …"""

    text: str
    html: str
    headers: Mapping[str, str]


def finish(delivery: Delivery, sender: MailSender) -> Outgoing:
    """The parts of this message as its recipient gets them, and the headers that belong to its way out.

    delivery: with its campaign, step and variant. Raises Misconfigured: there is no PUBLIC_URL for links to begin with.
    """
    if not settings.PUBLIC_URL:
        raise Misconfigured("PUBLIC_URL is not set: an e-mail needs its unsubscribe link.")
    token = tokens.unsubscribe(delivery.pk, delivery.key_id)
    way_out = f"{settings.PUBLIC_URL}/u/{token}"
    text = (delivery.body or "").replace(UNSUBSCRIBE, way_out)
    html = (delivery.html or "").replace(UNSUBSCRIBE, way_out)
    return Outgoing(text, html, _headers(delivery, sender, token, way_out))


def _headers(delivery: Delivery, sender: MailSender, token: str, way_out: str) -> dict[str, str]:
    ways, inbound = [f"<{way_out}>"], getattr(settings, "INBOUND_MAIL_DOMAIN", "")
    if inbound:
        ways.append(f"<mailto:u+{token}@{inbound}?subject=unsubscribe>")
    campaign, step = delivery.campaign_id or delivery.pk, delivery.step.position if delivery.step else 0
    return {
        "List-Unsubscribe": ", ".join(ways),
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "List-Id": f"<{campaign}.{sender.domain}>",
        "Feedback-ID": f"{campaign}:{step}:{sender.seller_id}:bucket",
    }
