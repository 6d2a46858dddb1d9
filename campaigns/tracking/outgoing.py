"""What leaves of an e-mail: its own links, pixel and way out put into the parts that its row keeps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import escape, unescape
from typing import Final
from uuid import UUID

from django.conf import settings

from campaigns.models import Delivery, Link, MailSender
from campaigns.rules.mail_html import ADDRESS, whole
from campaigns.texts.mail import HIDDEN, UNSUBSCRIBE
from campaigns.tracking import tokens
from integrations.vendors.errors import Misconfigured

_HREF: Final = re.compile(r'(?<=\shref=")[^"]*(?=")')  # as the HTML was written when it was saved
_UNSEEN: Final = "display: none; max-height: 0; overflow: hidden;"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """headers: of RFC 8058 and RFC 2919, Feedback-ID; Auto-Submitted of confirmations. Not From, To, Message-ID, …"""

    text: str
    html: str
    headers: Mapping[str, str]


def finish(delivery: Delivery, sender: MailSender) -> Outgoing:
    """The parts of this message as its recipient gets them, and the headers that belong to its way out.

    delivery: with its campaign, step and variant; one of no campaign is not tracked. Links that the template has, and
    no others, lead through us where the campaign counts clicks; then there is a link, too, that no person sees. Raises
    Misconfigured: there is no PUBLIC_URL for links to begin with.
    """
    if not settings.PUBLIC_URL:
        raise Misconfigured("PUBLIC_URL is not set: an e-mail needs its unsubscribe link.")
    token = tokens.unsubscribe(delivery.pk, delivery.key_id)
    way_out = f"{settings.PUBLIC_URL}/u/{token}"
    text, html = delivery.body or "", delivery.html or ""
    campaign, variant = delivery.campaign, delivery.variant
    if campaign is not None and campaign.track_clicks and variant is not None:
        text, html = _through_us(text, html, delivery.pk, _links(variant.version_id))
    if campaign is not None and campaign.track_opens and html:
        address = f"{settings.PUBLIC_URL}/o/{tokens.opened(delivery.pk)}.gif"
        html = _at_its_end(html, f'<img src="{address}" width="1" height="1" alt="" style="border: 0;">')
    return Outgoing(
        text.replace(UNSUBSCRIBE, way_out), html.replace(UNSUBSCRIBE, way_out),
        _headers(delivery, sender, way_out),
    )  # fmt: skip


@lru_cache(maxsize=256)
def _links(version_id: UUID) -> Mapping[str, UUID]:
    """Ids by address. A version's never change."""
    return dict(Link.objects.filter(version=version_id).values_list("url", "pk"))


def _through_us(text: str, html: str, delivery_id: UUID, links: Mapping[str, UUID]) -> tuple[str, str]:
    def own(url: str) -> str | None:
        link_id = links.get(url)
        return f"{settings.PUBLIC_URL}/l/{tokens.click(delivery_id, link_id)}" if link_id else None

    def in_text(found: re.Match[str]) -> str:
        url = whole(found[0])
        return (own(url) or url) + found[0][len(url) :]

    def in_html(found: re.Match[str]) -> str:
        return escape(own(unescape(found[0]).strip()) or "") or found[0]

    text, html = ADDRESS.sub(in_text, text), _HREF.sub(in_html, html)
    if html and (hidden := own(HIDDEN)):
        html = _at_its_end(html, f'<a href="{hidden}" style="{_UNSEEN}" tabindex="-1" aria-hidden="true"></a>')
    return text, html


def _at_its_end(html: str, more: str) -> str:
    before, end, after = html.rpartition("</body>")
    return f"{before}{more}{end}{after}" if end else html + more


def _headers(delivery: Delivery, sender: MailSender, way_out: str) -> dict[str, str]:
    ways, inbound = [f"<{way_out}>"], settings.INBOUND_MAIL_DOMAIN
    if inbound:
        # No signed token: mail servers lowercase what stands before the @, and take no more than 64 characters there
        ways.append(f"<mailto:u+{delivery.callback_token.hex}@{inbound}?subject=unsubscribe>")
    campaign, step = delivery.campaign_id or delivery.pk, delivery.step.position if delivery.step else 0
    headers = {
        "List-Unsubscribe": ", ".join(ways),
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "List-Id": f"<{campaign}.{sender.domain}>",
        "Feedback-ID": f"{campaign}:{step}:{sender.seller_id}:bucket",
    }
    if delivery.purpose == Delivery.Purpose.CONFIRM:
        headers |= {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}
    return headers
