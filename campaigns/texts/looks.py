"""What a template of either channel looks like while it is written: to a lead, or to a made-up owner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accounts.models import User
from campaigns.rules.mail_warnings import warnings_of
from campaigns.rules.templates import Missing, render
from campaigns.texts.mail import check_mail
from campaigns.texts.samples import Shown, show, values_for
from campaigns.texts.snippets import snippets_of_seller
from campaigns.texts.templates import EMAIL, checked
from leads.models import Lead, Seller


def look(
    channel: str, parts: Mapping[Any, str], *, lead: Lead | None, seller: Seller | None, agent: User | None = None
) -> Shown:
    """With the lead's values; lead None: with sample values. parts: subject, text, html, as far as given. It stores
    nothing. Raises CampaignError: `subject`, `text`, `html` cannot be saved so.
    """
    snippets = snippets_of_seller(seller)
    if channel != EMAIL:
        return show(checked(parts.get("text", ""), snippets=snippets), lead=lead, seller=seller, agent=agent)
    mail = check_mail(parts.get("subject", ""), parts.get("text", ""), parts.get("html", ""), snippets)
    values = values_for(lead, seller, agent)
    subject, text = render(mail.subject, values), render(mail.text, values)
    html = render(mail.html, values, html=True)
    if isinstance(subject, Missing) or isinstance(text, Missing) or isinstance(html, Missing):
        missing = {name for part in (subject, text, html) if isinstance(part, Missing) for name in part.names}
        return Shown("", mail.variables, sorted(missing), 0, "", "", ())
    size = len(html.encode())
    said = warnings_of(subject, text, mail.page, size, mail.links)
    return Shown(text, mail.variables, (), 0, "", "", said, subject, html, size)
