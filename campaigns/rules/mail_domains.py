"""Whether mail of a domain is believed: SPF (RFC 7208), DKIM (RFC 6376), DMARC (RFC 7489), by its TXT records. Pure.

Gmail and Yahoo ask bulk senders for all three since February 2024 (their sender guidelines).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

OK = "ok"
NAMES = {"spf": "SPF", "dkim": "DKIM", "dmarc": "DMARC"}  # in the order in which they are set up
_SELECTOR = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
# Their owners let nobody else send for them: by DMARC such mail is refused everywhere
FREE_MAIL = frozenset({
    "gmail.com", "googlemail.com", "yahoo.com", "ymail.com", "aol.com", "outlook.com", "hotmail.com", "live.com",
    "msn.com", "icloud.com", "me.com", "mac.com", "proton.me", "protonmail.com", "gmx.com", "gmx.de", "mail.com",
    "comcast.net", "att.net", "verizon.net",
})  # fmt: skip


def is_selector(text: str) -> bool:
    """Whether it may be a DKIM selector."""
    return bool(_SELECTOR.fullmatch(text)) and ".." not in text


def spf(domain: str, texts: Sequence[str]) -> str:
    """OK, or what is wrong and the record to add. texts: of the domain."""
    records = [text for text in texts if re.match(r"v=spf1(?:\s|$)", text, re.IGNORECASE)]
    if not records:
        return (
            f"The domain does not say which servers may send its mail. Add a TXT record at {domain}: "
            "v=spf1 include:(your mail provider's name) ~all"
        )
    if len(records) > 1:
        many = len(records)
        return f"The domain has {many} SPF records, and mail servers then believe none. Join them into one at {domain}."
    if re.search(r"(?:^|\s)\+?all(?:\s|$)", records[0], re.IGNORECASE):
        return f"The SPF record lets anybody send as {domain}. End it with ~all."
    return OK


def dkim_name(domain: str, selector: str) -> str:
    """Where the key stands."""
    return f"{selector}._domainkey.{domain}"


def dkim(domain: str, selector: str, texts: Sequence[str]) -> str:
    """As `spf`. texts: of `dkim_name`."""
    if not selector:
        return "Enter the DKIM selector that your mail provider shows for this domain, such as pm or s1."
    keys = [found[1] for text in texts if (found := re.search(r"(?:^|;)\s*p=([^;]*)", text))]
    name = dkim_name(domain, selector)
    if not keys:
        return f"There is no signing key. Add the TXT or CNAME record that your mail provider shows, at {name}"
    if not any(re.sub(r"\s", "", key) for key in keys):
        return f"The signing key at {name} was withdrawn. Add the record that your mail provider shows now."
    return OK


def dmarc_names(domain: str) -> list[str]:
    """Where a policy may stand, the nearest first: of the domain, else of one above it (RFC 9989's walk)."""
    labels = domain.split(".")
    return [f"_dmarc.{'.'.join(labels[start:])}" for start in range(max(1, len(labels) - 1))][:5]


def dmarc(domain: str, found: Sequence[Sequence[str]]) -> str:
    """As `spf`. found: the texts of each of `dmarc_names`."""
    for texts in found:
        records = [text for text in texts if re.match(r"v=DMARC1\s*(?:;|$)", text, re.IGNORECASE)]
        if len(records) > 1:
            return "The domain has more than one DMARC record, and mail servers then believe none. Keep one."
        if records:
            policy = re.search(r";\s*p\s*=\s*(none|quarantine|reject)\b", records[0], re.IGNORECASE)
            if policy:
                return OK
            return "The DMARC record names no policy. Begin it with: v=DMARC1; p=none"
    return (
        "The domain does not say what becomes of forged mail. Add a TXT record at "
        f"_dmarc.{domain}: v=DMARC1; p=none; rua=mailto:(where reports go)"
    )
