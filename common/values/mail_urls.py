"""Addresses of mail servers and providers, as the environment has them: CAMPAIGN_EMAIL_URL and IMAP_URL. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

# Providers that anymail speaks to by HTTP, so that it is known whether a byte has left. Amazon SES has its own library:
# it is reached by its SMTP interface.
PROVIDERS = frozenset({
    "brevo", "mailersend", "mailgun", "mailjet", "mailtrap", "mandrill", "postal", "postmark", "resend", "sendgrid",
    "sparkpost",
})  # fmt: skip
NEEDS_HOST = {"mailgun": "the sending domain", "postal": "its host"}
NEEDS_PASSWORD = {"mailjet": "the secret key"}
_SMTP = {"smtp": ("", 25), "smtp+tls": ("starttls", 587), "smtp+ssl": ("ssl", 465)}
_IMAP = {"imap": ("", 143), "imap+ssl": ("ssl", 993)}
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class BadMailUrl(ValueError):
    """The address cannot be used; the words say why, and hold nothing of it."""


@dataclass(frozen=True, slots=True)
class MailPlace:
    """Where e-mails are handed over. kind: smtp, console, file, or a provider of PROVIDERS.

    tls: starttls, ssl, "" (of smtp). api_url: another address of the provider's API; "": its own. directory: of file.
    """

    kind: str
    host: str = ""
    port: int = 0
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    tls: str = ""
    api_url: str = ""
    directory: str = ""

    @property
    def shown(self) -> str:
        """Without a secret."""
        if self.kind == "smtp":
            return f"smtp{'+tls' if self.tls == 'starttls' else '+ssl' if self.tls else ''}://{self.host}:{self.port}"
        if self.kind == "file":
            return f"file:{self.directory}"
        return f"{self.kind}:{self.api_url or self.host}".rstrip(":")

    @property
    def leaves(self) -> bool:
        """Whether what is handed over can reach people: not where it stays on this machine."""
        if self.kind in ("console", "file"):
            return False
        return (urlsplit(self.api_url).hostname if self.api_url else self.host or None) not in _LOOPBACK


@dataclass(frozen=True, slots=True)
class ImapPlace:
    """A mailbox that replies and bounces come to."""

    host: str
    port: int
    user: str = field(repr=False)
    password: str = field(repr=False)
    ssl: bool
    mailbox: str = "INBOX"


def read_mail_url(url: str) -> MailPlace:
    """smtp[+tls|+ssl]://user:password@host:port, provider://KEY@[domain][?api_url=…], console:, file:/path.

    Percent signs and what a URL gives a meaning to are written %25 and so on. Raises BadMailUrl.
    """
    parts = _split(url)
    kind = parts.scheme
    if kind == "console":
        return MailPlace("console")
    if kind == "file":
        path = unquote(parts.path)
        if not Path(path).is_absolute():
            raise BadMailUrl("names no absolute directory")
        return MailPlace("file", directory=path)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if kind in _SMTP:
        tls, port = _SMTP[kind]
        host = parts.hostname or ""
        if not host:
            raise BadMailUrl("names no host")
        if bool(user) != bool(password):
            raise BadMailUrl("has a user without a password, or a password without a user")
        if not tls and host not in _LOOPBACK and user:
            raise BadMailUrl("would send its password in clear: begin it with smtp+tls:// or smtp+ssl://")
        return MailPlace("smtp", host, _port(parts.port, port), user, password, tls)
    if kind not in PROVIDERS:
        raise BadMailUrl(f"begins with none of smtp, smtp+tls, smtp+ssl, {', '.join(sorted(PROVIDERS))}, file, console")
    return _provider(kind, user, password, parts.hostname or "", dict(parse_qsl(parts.query)))


def _provider(kind: str, user: str, password: str, host: str, options: dict[str, str]) -> MailPlace:
    api_url = options.pop("api_url", "")
    if options:
        raise BadMailUrl("has an option that is not api_url")
    if not user:
        raise BadMailUrl("has no key before its @")
    if kind in NEEDS_HOST and not host:
        raise BadMailUrl(f"lacks {NEEDS_HOST[kind]} behind its @")
    if kind in NEEDS_PASSWORD and not password:
        raise BadMailUrl(f"lacks {NEEDS_PASSWORD[kind]} behind the key and a colon")
    if kind == "postal" and not api_url:
        api_url = f"https://{host}"
    api = urlsplit(api_url)
    if api_url and not (
        api.hostname and (api.scheme == "https" or (api.scheme, api.hostname in _LOOPBACK) == ("http", True))
    ):
        raise BadMailUrl("has an api_url that is no https address")
    return MailPlace(kind, host=host, user=user, password=password, api_url=api_url)


def read_imap_url(url: str) -> ImapPlace:
    """imap+ssl://user:password@host[:port][/mailbox]; imap:// to this machine alone. Raises BadMailUrl."""
    parts = _split(url)
    if parts.scheme not in _IMAP:
        raise BadMailUrl("begins with neither imap+ssl nor imap")
    tls, port = _IMAP[parts.scheme]
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not parts.hostname or not user or not password:
        raise BadMailUrl("lacks a user, a password or a host")
    if not tls and parts.hostname not in _LOOPBACK:
        raise BadMailUrl("would send its password in clear: begin it with imap+ssl://")
    mailbox = unquote(parts.path.strip("/")) or "INBOX"
    if any(ord(letter) < 32 or letter in '"\\' for letter in mailbox):
        raise BadMailUrl("names a mailbox with a letter that none may have")
    return ImapPlace(parts.hostname, _port(parts.port, port), user, password, bool(tls), mailbox)


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  # a port that is none raises here
    except ValueError:
        raise BadMailUrl("is no address") from None
    return parts


def _port(given: int | None, default: int) -> int:
    return given or default
