"""The addresses that a company's e-mails leave from."""

from __future__ import annotations

from campaigns.models import MailSender


def lack(sender: MailSender) -> str:
    """Why no campaign may send from this address, in words without a period; "": it may."""
    raise NotImplementedError
