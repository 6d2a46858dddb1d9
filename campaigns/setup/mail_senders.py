"""The addresses that a company's e-mails leave from."""

from __future__ import annotations

from campaigns.models import MailSender


def lack(sender: MailSender) -> str:
    """Why no campaign may send from this address, in words without a period; "": it may."""
    wrong = [name.upper() for name in ("spf", "dkim", "dmarc") if sender.checks.get(name) != "ok"]
    return f"its domain’s {', '.join(wrong)} {'is' if len(wrong) == 1 else 'are'} not in order" if wrong else ""
