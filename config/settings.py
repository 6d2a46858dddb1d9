"""The one settings file. Everything that differs between places comes from the environment: see `.env.example`.

A missing or bad value stops start-up and says which, what for, and gives an example.
"""

from __future__ import annotations

import re
import sys
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import environ
from celery.schedules import crontab
from django.core.exceptions import ImproperlyConfigured

from common.values.bounds import BATCH, CAP, FRESH_DAYS, PACE, PRICE, Bounds, bounds, whole
from common.values.mail_urls import BadMailUrl, ImapPlace, MailPlace, read_imap_url, read_mail_url
from common.values.secrets import BadSecret, from_files, weakness
from config.admin_site import UNFOLD as UNFOLD  # a setting

COUNT_MAX = 2_147_483_647  # what PostgreSQL's integer holds
HOUR = 3600  # seconds
CONTACT_SECRET_LEAST = 32  # characters: as much as the digest has bytes
METRICS_TOKEN_LEAST = 20  # characters
MAIL_SECRET_LEAST = 20  # characters
_SECONDS = bounds("0.1", "3600", 3)  # of one request

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
env.read_env(BASE_DIR / env.str("ENV_FILE", default=".env"), overwrite=False)
try:
    env.ENVIRON = from_files(env.ENVIRON)  # not os.environ: a child process would find both NAME and NAME_FILE
except BadSecret as error:
    raise ImproperlyConfigured(str(error)) from None


def _need(name: str, what_for: str, example: str) -> str:
    value: str = env.str(name, default="")
    if not value:
        raise ImproperlyConfigured(f"{name} is not set. It is needed for {what_for}. Example: {name}={example}")
    return value


def _number(name: str, default: str, what_for: str, allowed: Bounds) -> Decimal:
    text: str = env.str(name, default=default)
    value = allowed.read(text)
    if value is None:
        raise ImproperlyConfigured(f"{name}={text!r} is not {allowed}. It sets {what_for}. Example: {name}={default}")
    return value


def _whole(name: str, default: int, what_for: str, *, least: int = 1, most: int = COUNT_MAX) -> int:
    return int(_number(name, str(default), what_for, whole(least, most)))


# --- The place -------------------------------------------------------------------------------------------------------

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = _need("SECRET_KEY", "signing sessions and tokens", "<50 random characters>")
# Keys of before: what they signed stays good while a new one takes over. They sign nothing.
SECRET_KEY_FALLBACKS = [key for key in env.list("SECRET_KEY_FALLBACKS", default=[]) if key]
for _name, _key in [
    ("SECRET_KEY", SECRET_KEY),
    *(("A key of SECRET_KEY_FALLBACKS", key) for key in SECRET_KEY_FALLBACKS),
]:
    if not DEBUG and (_why := weakness(_key)):
        raise ImproperlyConfigured(
            f"{_name} {_why}. It signs sessions and tokens: whoever guesses it is anybody. "
            f"Example: {_name.split()[-1]}=<50 random characters>"
        )


def _contact_key_secrets() -> list[str]:
    """Secrets of their own: a new SECRET_KEY must not make every phone, e-mail and owner a new one."""
    secrets = [secret for secret in env.list("CONTACT_KEY_SECRETS", default=[]) if secret]
    what_for = "telling phones, e-mails and owners apart; the first writes, all are looked up"
    example = "CONTACT_KEY_SECRETS=<50 random characters>[,<the one before>]"
    if not secrets and not DEBUG:
        raise ImproperlyConfigured(f"CONTACT_KEY_SECRETS is not set. It is needed for {what_for}. Example: {example}")
    if any(len(secret) < CONTACT_SECRET_LEAST or secret == SECRET_KEY for secret in secrets):
        raise ImproperlyConfigured(
            f"A secret of CONTACT_KEY_SECRETS is shorter than {CONTACT_SECRET_LEAST} characters, or is SECRET_KEY. "
            f"They are needed for {what_for}. Example: {example}"
        )
    if not DEBUG and (why := weakness(secrets[0], CONTACT_SECRET_LEAST)):  # those of before stay: they have written
        raise ImproperlyConfigured(f"The first of CONTACT_KEY_SECRETS {why}. It is for {what_for}. Example: {example}")
    return secrets


CONTACT_KEY_SECRETS = _contact_key_secrets()
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"] if DEBUG else [])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
DATABASE_URL = _need("DATABASE_URL", "PostgreSQL, where everything is kept", "postgres://user:pass@host:5432/buckets")
REDIS_URL = _need("REDIS_URL", "the Celery broker and the cache", "redis://host:6379/0")

try:
    _database: dict[str, Any] = env.db_url_config(DATABASE_URL)
except Exception as error:
    raise ImproperlyConfigured(
        "DATABASE_URL cannot be read. It names PostgreSQL. Example: DATABASE_URL=postgres://user:pass@host:5432/buckets"
    ) from error
if _database.get("ENGINE") != "django.db.backends.postgresql":
    raise ImproperlyConfigured(
        "DATABASE_URL must be a PostgreSQL address. Example: DATABASE_URL=postgres://user:pass@host:5432/buckets"
    )
if not REDIS_URL.startswith(("redis://", "rediss://", "unix://")):
    raise ImproperlyConfigured("REDIS_URL must start with redis://. Example: REDIS_URL=redis://host:6379/0")

INSTALLED_APPS = [
    "config.desk.DeskConfig",  # unfold, before the admin, whose look it is
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "pgtrigger",
    "rest_framework",
    "knox",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "accounts",
    "integrations",
    "leads",
    "buckets",
    "enrichment",
    "campaigns",
    "operations",
]
if DEBUG:
    INSTALLED_APPS.append("devtools")  # demo, sandbox and local servers: never in production

MIDDLEWARE = [
    "common.middleware.Heads",
    "accounts.middleware.Origins",  # before whoever may refuse: a refusal has the request's name too
    "common.policies.Policies",  # before whoever may refuse
    "common.middleware.OwnHosts",
    "django.middleware.security.SecurityMiddleware",
    "common.compression.Compressed",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "common.middleware.NoStore",
    "common.middleware.RequestLimits",
    "accounts.sign_in.sessions.Sessions",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.ActingTeam",
    "operations.admin.badge.CountedAnew",
    "allauth.account.middleware.AccountMiddleware",
    "common.middleware.OwnTimeZone",
    "django.contrib.messages.middleware.MessageMiddleware",
    "accounts.sign_in.sessions.SessionLimits",
    "accounts.sign_in.gate.FactorGate",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "common.middleware.HeldAnswers",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.sign_in.pages.desk",
                "accounts.notices.page.unread_here",
                "campaigns.clock.shown",
            ],
            "builtins": ["common.dates", "common.contact_access"],
        },
    }
]

# --- PostgreSQL, Redis, Celery ---------------------------------------------------------------------------------------

_database.setdefault("OPTIONS", {})["pool"] = {
    "min_size": 1,
    "max_size": _whole("DATABASE_POOL", 40, "PostgreSQL connections per process"),
    "timeout": 10,
    # It waits 1, 2, 4, … s between two tries to connect: left alone it would notice a PostgreSQL that was away for a
    # minute a minute late. When it gives up, the next request tries at once.
    "reconnect_timeout": 2,
}
# A process that stops in the middle of a transaction (a paused machine, a cut network) would hold its locks for ever.
_idle = _whole("DATABASE_IDLE_SECONDS", 30, "seconds a transaction may stand idle before PostgreSQL ends it")
# A page read out of order costs about as much as one in order, as on every disk without arms. With PostgreSQL's 4 a few
# hundred keys or names of a request were looked for by reading their whole table: 20 ms instead of 2.
_database["OPTIONS"].setdefault("options", f"-c idle_in_transaction_session_timeout={_idle}s -c random_page_cost=1.1")
# A PostgreSQL whose machine or cable is gone says nothing: its end is noticed within a minute, not within two hours.
for _name, _value in {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}.items():
    _database["OPTIONS"].setdefault(_name, _value)
_database["OPTIONS"].setdefault("tcp_user_timeout", 60_000)  # milliseconds
_database["ENGINE"] = "common.db.postgres"
_database["CONN_HEALTH_CHECKS"] = False  # it checks by itself, all at once
_database["ATOMIC_REQUESTS"] = False
DATABASES = {"default": _database}
# Who owns the tables, for what the application's own role may not: dropping months of the audit.
OWNER_DATABASE_URL = env.str("OWNER_DATABASE_URL", default="").strip() or DATABASE_URL
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {
            "socket_connect_timeout": 1,
            "socket_timeout": 2,
            "serializer": "common.json_cache.JsonSerializer",  # Django's own is pickle: writing to Redis would be code
        },
        "VERSION": 2,  # 1 was pickled, and is not read
    }
}

CELERY_BROKER_URL = REDIS_URL
CELERY_ACCEPT_CONTENT = CELERY_RESULT_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = CELERY_RESULT_SERIALIZER = CELERY_EVENT_SERIALIZER = "json"
CELERY_RESULT_BACKEND = None  # a backend made .delay() hang 19 s when Redis was away, 0.7 s without
CELERY_TASK_IGNORE_RESULT = True
# Early: a message is a wake-up, and beat sends it again. With late ones a broker that went away under a running pump
# ended the worker: kombu 5.7.0 gives unacknowledged messages back over the connection that is gone (`make chaos`).
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_REJECT_ON_WORKER_LOST = False  # tasks are wake-ups; beat sends them again, and no message can loop
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_DISABLE_PREFETCH = True
CELERY_WORKER_DIRECT = True  # each worker hears messages to it alone as well: pumps start on the host that lacks one
CELERY_TASK_TIME_LIMIT = 120
CELERY_TASK_SOFT_TIME_LIMIT = 90
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 90.0  # a pump's slice and its last request: a stop leaves nothing in doubt
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 300,
    "socket_timeout": 10,
    "socket_connect_timeout": 2,
    "health_check_interval": 25,
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
}
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.2}
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_TIMEZONE = "UTC"
# Periodic work stands here and nowhere else. Messages expire, so that no more than eighteen pile up while no worker
# runs; not sooner, because a worker's clock may be a minute fast, and it would throw away every one.
_KEEP = 90  # seconds
CELERY_BEAT_SCHEDULE = {
    "ring-pumps": {"task": "enrichment.ring", "schedule": 10.0, "options": {"expire_seconds": _KEEP}},
    "reap-expired-leases": {"task": "enrichment.reap", "schedule": 10.0, "options": {"expire_seconds": _KEEP}},
    "sweep-phones": {"task": "enrichment.sweep_phones", "schedule": 10.0, "options": {"expire_seconds": _KEEP}},
    "tick-schedules": {"task": "enrichment.tick", "schedule": 30.0, "options": {"expire_seconds": _KEEP}},
    "reconcile": {"task": "enrichment.reconcile", "schedule": 3600.0, "options": {"expire_seconds": 3500}},
    "continue-fills": {
        "task": "buckets.continue_fills",
        "schedule": 10.0,
        "options": {"expire_seconds": _KEEP},
    },
    "continue-imports": {
        "task": "buckets.continue_imports",
        "schedule": 10.0,
        "options": {"expire_seconds": _KEEP},
    },
    "continue-deletions": {
        "task": "buckets.continue_deletions",
        "schedule": 10.0,
        "options": {"expire_seconds": _KEEP},
    },
    "continue-uploads": {"task": "leads.continue_uploads", "schedule": 10.0, "options": {"expire_seconds": _KEEP}},
    "continue-bulk": {"task": "leads.continue_bulk", "schedule": 10.0, "options": {"expire_seconds": _KEEP}},
    "forget-bulk": {
        "task": "leads.forget_bulk",
        "schedule": crontab(minute="45"),
        "options": {"expire_seconds": 3500},
    },
    "refresh-owner-keys": {"task": "leads.refresh_owner_keys", "schedule": 30.0, "options": {"expire_seconds": _KEEP}},
    "merge-leads": {"task": "leads.merge", "schedule": 60.0, "options": {"expire_seconds": _KEEP}},
    "retention": {
        "task": "operations.retention",
        "schedule": crontab(hour="3", minute="40"),
        "options": {"expire_seconds": 3600},
    },
    "continue-forgetting": {
        "task": "leads.continue_forgetting",
        "schedule": 30.0,
        "options": {"expire_seconds": _KEEP},
    },
    "send-messages": {"task": "campaigns.send", "schedule": 5.0, "options": {"expire_seconds": _KEEP}},
    "reap-messages": {"task": "campaigns.reap", "schedule": 10.0, "options": {"expire_seconds": _KEEP}},
    "reap-calls": {"task": "campaigns.reap_calls", "schedule": 10.0, "options": {"expire_seconds": _KEEP}},
    "reconcile-messages": {"task": "campaigns.reconcile", "schedule": 300.0, "options": {"expire_seconds": 290}},
    "make-previews": {"task": "campaigns.previews", "schedule": 10.0, "options": {"expire_seconds": _KEEP}},
    "fill-call-lists": {"task": "campaigns.fill_lists", "schedule": 10.0, "options": {"expire_seconds": _KEEP}},
    "deliver-webhooks": {"task": "accounts.deliver_webhooks", "schedule": 10.0, "options": {"expire_seconds": _KEEP}},
    "mail-notices": {"task": "accounts.mail_notices", "schedule": 60.0, "options": {"expire_seconds": _KEEP}},
    "tell-callbacks": {"task": "leads.tell_callbacks", "schedule": 30.0, "options": {"expire_seconds": _KEEP}},
    "remind": {"task": "leads.remind", "schedule": 60.0, "options": {"expire_seconds": _KEEP}},
    "mail-guests": {"task": "campaigns.mail_guests", "schedule": 60.0, "options": {"expire_seconds": _KEEP}},
    "forget-bookings": {
        "task": "campaigns.forget_bookings",
        "schedule": crontab(minute="25"),
        "options": {"expire_seconds": 3500},
    },
    "tell-clicks": {"task": "campaigns.tell_clicks", "schedule": 10.0, "options": {"expire_seconds": _KEEP}},
    "forget-networks": {
        "task": "campaigns.forget_networks",
        "schedule": crontab(minute="35"),
        "options": {"expire_seconds": 3500},
    },
    "tell-limits": {"task": "enrichment.tell_limits", "schedule": 60.0, "options": {"expire_seconds": _KEEP}},
    "look-after-webhooks": {
        "task": "accounts.look_after_webhooks",
        "schedule": 300.0,
        "options": {"expire_seconds": 290},
    },
    "forget-expired-tokens": {
        "task": "accounts.forget_expired",
        "schedule": crontab(hour="4", minute="10"),
        "options": {"expire_seconds": 3600},
    },
    "read-inbound": {"task": "campaigns.read_inbound", "schedule": 10.0, "options": {"expire_seconds": _KEEP}},
    "fetch-posts": {"task": "campaigns.fetch_posts", "schedule": 300.0, "options": {"expire_seconds": 290}},
    "fetch-mail": {"task": "campaigns.fetch_mail", "schedule": 30.0, "options": {"expire_seconds": _KEEP}},
    "vendor-opt-outs": {
        "task": "campaigns.vendor_opt_outs",
        "schedule": crontab(hour="5", minute="10"),
        "options": {"expire_seconds": 3600},
    },
    "decide-undecided": {
        "task": "campaigns.decide_undecided",
        "schedule": 600.0,
        "options": {"expire_seconds": 590},
    },
    "audit-months": {
        "task": "accounts.audit_months",
        "schedule": crontab(hour="4", minute="20"),
        "options": {"expire_seconds": 3600},
    },
}

# --- Vendors: where, with which key, how fast, for how much ----------------------------------------------------------


def _is_private(url: str) -> bool:
    """Whether nobody between us and this address can read along: TLS, or this machine itself."""
    address = urlsplit(url)
    return address.scheme == "https" or address.hostname in ("127.0.0.1", "::1", "localhost")


VENDORS = {
    "realestateapi": {
        "base_url": env.str("REALESTATEAPI_BASE_URL", default="").strip() or "https://api.realestateapi.com",
        "key": env.str("REALESTATEAPI_KEY", default="").strip(),
    },
    "signalhouse": {
        "base_url": env.str("SIGNALHOUSE_BASE_URL", default="").strip(),
        "key": env.str("SIGNALHOUSE_API_KEY", default="").strip(),
    },
    "apollo": {
        "base_url": env.str("APOLLO_BASE_URL", default="").strip() or "https://api.apollo.io/api/v1",
        "key": env.str("APOLLO_API_KEY", default="").strip(),
    },
    "twilio": {
        "base_url": env.str("TWILIO_BASE_URL", default="").strip() or "https://api.twilio.com",
        "account": env.str("TWILIO_ACCOUNT_SID", default="").strip(),
        "key": env.str("TWILIO_AUTH_TOKEN", default="").strip(),
    },
    "signalhouse_messaging": {  # another API than the skip trace's
        "base_url": env.str("SIGNALHOUSE_MESSAGING_URL", default="").strip(),
        "key": env.str("SIGNALHOUSE_MESSAGING_KEY", default="").strip(),
        "group": env.str("SIGNALHOUSE_MESSAGING_GROUP", default="").strip(),
    },
}


def _campaign_mail() -> MailPlace | None:
    """Where campaigns' e-mails are handed over; with DEBUG, without an address, they lie in files. None: nowhere."""
    url = env.str("CAMPAIGN_EMAIL_URL", default="").strip()
    if not url:
        return MailPlace("file", directory=str(BASE_DIR / ".local" / "mail" / "campaigns")) if DEBUG else None
    why = ""
    try:
        place = read_mail_url(url)
        if not DEBUG and place.kind in ("console", "file"):
            why = "writes e-mails on this machine, which only development (DEBUG) may do"
        elif not DEBUG and place.kind == "smtp" and not place.tls and place.leaves:
            why = "would send e-mails in clear: begin it with smtp+tls:// or smtp+ssl://"
    except BadMailUrl as error:
        why = str(error)
    if why:
        raise ImproperlyConfigured(
            f"CAMPAIGN_EMAIL_URL {why}. It names the mail server or provider that campaigns' e-mails leave by. "
            "Examples: CAMPAIGN_EMAIL_URL=smtp+tls://user:password@mail.example.com:587, "
            "CAMPAIGN_EMAIL_URL=postmark://TOKEN@"
        )
    return place


CAMPAIGN_MAIL = _campaign_mail()
CAMPAIGN_EMAIL_URL = CAMPAIGN_MAIL.shown if CAMPAIGN_MAIL else ""  # without its secrets
MAIL_VENDOR = "mail" if CAMPAIGN_MAIL else ""
# base_url and key are what pages show, and what they never show; CAMPAIGN_MAIL is what is used
VENDORS["mail"] = {
    "base_url": CAMPAIGN_EMAIL_URL,
    "key": (CAMPAIGN_MAIL.password or CAMPAIGN_MAIL.user or "none") if CAMPAIGN_MAIL else "",
}
for _name, _vendor in VENDORS.items():
    if not DEBUG and _name != "mail" and _vendor["base_url"] and not _is_private(_vendor["base_url"]):
        _variable = "SIGNALHOUSE_MESSAGING_URL" if _name == "signalhouse_messaging" else f"{_name.upper()}_BASE_URL"
        raise ImproperlyConfigured(
            f"{_variable} is no https address. Keys, addresses and phones go there. "
            f"Example: {_variable}=https://vendor.example.com"
        )
SKIP_TRACE_VENDOR = env.str("SKIP_TRACE_VENDOR", default="").strip() or "realestateapi"
if SKIP_TRACE_VENDOR not in ("realestateapi", "signalhouse"):
    raise ImproperlyConfigured(
        f"SKIP_TRACE_VENDOR={SKIP_TRACE_VENDOR!r} is neither realestateapi nor signalhouse. It says who is asked for "
        "phones and e-mails. Example: SKIP_TRACE_VENDOR=realestateapi"
    )
_SMS_VENDORS = {"": "", "twilio": "twilio", "signalhouse": "signalhouse_messaging"}
_sms_vendor = env.str("SMS_VENDOR", default="").strip().lower()
if _sms_vendor not in _SMS_VENDORS:
    raise ImproperlyConfigured(
        "SMS_VENDOR is neither twilio nor signalhouse. It says who carries text messages; empty: nobody. "
        "Example: SMS_VENDOR=twilio"
    )
SMS_VENDOR = _SMS_VENDORS[_sms_vendor]
_voice_vendor = env.str("VOICE_VENDOR", default="").strip().lower()
if _voice_vendor not in _SMS_VENDORS:
    raise ImproperlyConfigured(
        "VOICE_VENDOR is neither twilio nor signalhouse. It says who places calls; empty: callers dial on their own "
        "phones. Example: VOICE_VENDOR=twilio"
    )
VOICE_VENDOR = _SMS_VENDORS[_voice_vendor]
VOICE_AMD = env.bool("VOICE_AMD", default=False)  # whether Twilio listens if a machine has picked up
VOICE_CONFIRM = env.bool("VOICE_CONFIRM", default=False)  # whether a caller presses a key before the owner is dialed
# Secrets that Twilio's newer signatures name. Of SignalHouse's webhooks: the new and the old one count.
TWILIO_SIGNING_KEYS: dict[str, str] = {}
for _pair in filter(None, env.list("TWILIO_SIGNING_KEYS", default=[])):
    _key, _, _secret = (_part.strip() for _part in _pair.partition("="))
    if not _key or not _secret:
        raise ImproperlyConfigured(
            "TWILIO_SIGNING_KEYS is no list of KEY=SECRET by commas. Its webhooks are checked with them. "
            "Example: TWILIO_SIGNING_KEYS=webhooks_sharedkey_1=secret"
        )
    TWILIO_SIGNING_KEYS[_key] = _secret
SIGNALHOUSE_WEBHOOK_SECRETS = [one for one in env.list("SIGNALHOUSE_WEBHOOK_SECRETS", default=[]) if one]
# Replies and bounces come to r+…@ and b+…@ this domain. What its provider posts is checked with the secrets:
# USER:PASSWORD of HTTP Basic, or a signing key
INBOUND_MAIL_DOMAIN = env.str("INBOUND_MAIL_DOMAIN", default="").strip().lower().rstrip(".")
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
if INBOUND_MAIL_DOMAIN and not _DOMAIN.fullmatch(INBOUND_MAIL_DOMAIN):
    raise ImproperlyConfigured(
        f"INBOUND_MAIL_DOMAIN={INBOUND_MAIL_DOMAIN!r} is no domain. Replies to campaigns' e-mails come to it. "
        "Example: INBOUND_MAIL_DOMAIN=in.example.com"
    )


def _mail_paces() -> dict[str, int]:
    """MAIL_DOMAIN_PACE: e-mails a minute from one address to one mail provider; * for all that are not named."""
    paces = {}
    for pair in filter(None, env.list("MAIL_DOMAIN_PACE", default=["*=60"])):
        name, _, number = (part.strip().lower() for part in pair.partition("="))
        if not (name == "*" or _DOMAIN.fullmatch(name)) or not number.isdigit() or int(number) > 100_000:
            raise ImproperlyConfigured(
                f"MAIL_DOMAIN_PACE={pair!r} is no domain and number. So many e-mails a minute go from one address to "
                "one mail provider (0: any number). Example: MAIL_DOMAIN_PACE=gmail.com=30,*=60"
            )
        paces[name] = int(number)
    return paces


MAIL_DOMAIN_PACE = _mail_paces()
MAIL_WEBHOOK_SECRET = [one.strip() for one in env.list("MAIL_WEBHOOK_SECRET", default=[]) if one.strip()]
for _secret in MAIL_WEBHOOK_SECRET:
    if not DEBUG and len(_secret) < MAIL_SECRET_LEAST:
        raise ImproperlyConfigured(
            f"A secret of MAIL_WEBHOOK_SECRET is shorter than {MAIL_SECRET_LEAST} characters. Posts about e-mails are "
            "checked with it: who guesses it can stop or suppress anybody. "
            "Example: MAIL_WEBHOOK_SECRET=hooks:<30 random characters>"
        )


def _imap() -> ImapPlace | None:
    """The mailbox that replies and bounces are fetched from; None: they are posted, or do not come."""
    url = env.str("IMAP_URL", default="").strip()
    try:
        return read_imap_url(url) if url else None
    except BadMailUrl as error:
        raise ImproperlyConfigured(
            f"IMAP_URL {error}. It names the mailbox that replies and bounces come to. "
            "Example: IMAP_URL=imap+ssl://user:password@mail.example.com/INBOX"
        ) from None


IMAP = _imap()
IMAP_URL = f"imap{'+ssl' if IMAP.ssl else ''}://{IMAP.host}:{IMAP.port}/{IMAP.mailbox}" if IMAP else ""  # no secrets
# Who is asked about senders' domains (SPF, DKIM, DMARC): HOST or HOST:PORT; empty: the system's own
DNS_SERVER = env.str("DNS_SERVER", default="").strip()
if DNS_SERVER and not re.fullmatch(r"[0-9.]+(?::\d{1,5})?|[0-9a-fA-F:]+|\[[0-9a-fA-F:]+\]:\d{1,5}", DNS_SERVER):
    raise ImproperlyConfigured(
        f"DNS_SERVER={DNS_SERVER!r} is no IP address, with or without a port. It is asked about the domains that "
        "e-mails leave from; empty: the system's. Example: DNS_SERVER=192.0.2.53"
    )


def _campaign_clock() -> tuple[datetime, int] | None:
    """CAMPAIGN_CLOCK=start/speed: what time campaigns take it to be. Development alone, where no message leaves."""
    text = env.str("CAMPAIGN_CLOCK", default="").strip()
    if not text:
        return None
    start, _, speed = text.partition("/")
    try:
        moment = datetime.fromisoformat(start.replace("Z", "+00:00"))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or not (speed or "1").isdigit() or not 1 <= int(speed or "1") <= 20:
        raise ImproperlyConfigured(
            f"CAMPAIGN_CLOCK={text!r} is no moment and speed. It sets the time of campaigns in development. "
            "Example: CAMPAIGN_CLOCK=2026-09-15T15:00Z/20"
        )
    messaging = [VENDORS[name] for name in ("twilio", "signalhouse_messaging")]
    hosts = {urlsplit(vendor["base_url"]).hostname for vendor in messaging if vendor["key"]}  # no key: none can leave
    mail_leaves = CAMPAIGN_MAIL is not None and CAMPAIGN_MAIL.leaves
    if not DEBUG or mail_leaves or not hosts <= {"127.0.0.1", "::1", "localhost", None}:
        raise ImproperlyConfigured(
            "CAMPAIGN_CLOCK is set where messages could reach people: only development may set it, with every "
            "messaging vendor and the mail server on this machine."
        )
    return moment, int(speed or "1")


CAMPAIGN_CLOCK = _campaign_clock()
APOLLO_WEBHOOK_URL = env.str("APOLLO_WEBHOOK_URL", default="")
if APOLLO_WEBHOOK_URL and not APOLLO_WEBHOOK_URL.startswith(("https://", "http://") if DEBUG else "https://"):
    raise ImproperlyConfigured(
        f"APOLLO_WEBHOOK_URL={APOLLO_WEBHOOK_URL!r} is no https address. Apollo pushes phones to it. "
        "Example: APOLLO_WEBHOOK_URL=https://buckets.example.com/api/apollo/webhook"
    )
VENDOR_CONNECT_TIMEOUT = float(_number("VENDOR_CONNECT_TIMEOUT", "3.05", "seconds to reach a vendor", _SECONDS))
VENDOR_READ_TIMEOUT = float(_number("VENDOR_READ_TIMEOUT", "30", "seconds a vendor may be silent", _SECONDS))
VENDOR_DEADLINE = float(_number("VENDOR_DEADLINE", "45", "seconds a whole vendor answer may take", _SECONDS))
CALL_GRACE_SECONDS = _whole(
    "CALL_GRACE_SECONDS", 60, "seconds a lease outlasts the longest request", least=0, most=HOUR
)
VENDOR_MAX_BYTES = _whole("VENDOR_MAX_BYTES", 64 * 1024 * 1024, "bytes of the longest vendor answer")
VENDOR_IN_FLIGHT = _whole("VENDOR_IN_FLIGHT", 10, "requests in flight per vendor, over all hosts")

# operation: (vendor, requests a minute, US dollars a unit, inputs a request, days an answer stays fresh).
# Pace and batch: docs/requirements.md 3; 0 requests a minute means no pace.
_OPERATIONS = {
    "property_search": ("realestateapi", 300, "0.05", 1, 1),
    "autocomplete": ("realestateapi", 300, "0", 1, 1),
    "property_detail": ("realestateapi", 100, "0.05", 250, 90),
    "skip_trace": (SKIP_TRACE_VENDOR, 50, "0.05", 100, 90),
    "apollo_people": ("apollo", 100, "0.02", 10, 90),
    "apollo_organizations": ("apollo", 100, "0.02", 10, 90),
    "sms": (SMS_VENDOR or "twilio", 600, "0.0083", 1, 0),  # a unit: a segment
    "call": (VOICE_VENDOR or "twilio", 60, "0.05", 1, 0),  # a unit: a call; Twilio takes one new call a second
    "email": ("mail", 600, "0", 1, 0),  # a unit: an e-mail
}
OPERATIONS: dict[str, dict[str, Any]] = {
    name: {
        "vendor": vendor,
        "pace": _number(f"PACE_{name.upper()}", str(pace), f"requests a minute of {name} (0: no pace)", PACE),
        "price": _number(f"PRICE_{name.upper()}", price, f"US dollars a unit of {name}", PRICE),
        "batch": int(_number(f"BATCH_{name.upper()}", str(batch), f"inputs of one {name} request", BATCH)),
        "fresh_days": int(
            _number(f"FRESH_{name.upper()}", str(fresh), f"days a {name} answer is served again", FRESH_DAYS)
        ),
    }
    for name, (vendor, pace, price, batch, fresh) in _OPERATIONS.items()
}
VENDOR_DAILY_CAP = {
    name: _number(f"DAILY_CAP_{name.upper()}", "1000", f"US dollars a day with {name}", CAP) for name in VENDORS
}

# docs/requirements.md 3
RUN_LIMIT = _whole("RUN_LIMIT", 2000, "leads of one run where it names no limit")
RUN_LIMIT_MAX = _whole("RUN_LIMIT_MAX", 100_000, "the most leads of one run")
DAILY_LEAD_LIMIT = _whole("DAILY_LEAD_LIMIT", 5000, "leads a new user may buy facts for in a day", least=0)
MONTHLY_BUDGET = _number("MONTHLY_BUDGET", "1000", "US dollars a new user may spend in a month", CAP)
BUCKET_IDS_MAX = _whole("BUCKET_IDS_MAX", 100_000, "property ids of one request")
LEADS_MAX = _whole("LEADS_MAX", 5_000_000, "leads a team may hold, where it has no limit of its own")
TEAM_IMPORTS_MAX = _whole("TEAM_IMPORTS_MAX", 50, "imports of a team that are uploaded or at work")
TEAM_RUNS_MAX = _whole("TEAM_RUNS_MAX", 200, "enrichment jobs of a team that are in progress")
TEAM_CAMPAIGNS_MAX = _whole("TEAM_CAMPAIGNS_MAX", 200, "campaigns of a team that are not over")
TEAM_TEMPLATES_MAX = _whole("TEAM_TEMPLATES_MAX", 500, "templates of a team")
REQUEST_BYTES_MAX = _whole("REQUEST_BYTES_MAX", 8 * 1024 * 1024, "bytes of one request body")
IMPORT_BYTES_MAX = _whole("IMPORT_BYTES_MAX", 512 * 1024 * 1024, "bytes of one uploaded file of leads")
STREAMS_PER_USER = _whole(
    "STREAMS_PER_USER", 6, "event streams, held answers and downloads that a user may have at a time", most=1000
)
WAITING_THREADS = _whole(
    "WAITING_THREADS", 64, "requests a web process lets wait at a time; half as many slow readers besides", most=1000
)
IMPORT_PATHS = (
    r"/api/property/bucket/(?:[0-9a-f-]{36}/)?import|/api/(?:suppressions|consents|scrubs)/import"
    r"|/admin/buckets/import/add/|/admin/leads/upload/add/"  # where such a file may come in
)
MAIL_BYTES_MAX = 25 * 1024 * 1024  # what providers take as one e-mail; its words are kept, not what is attached
MAIL_PATHS = r"/api/webhooks/mail/[a-z]+/inbound"
PUMPS_PER_STAGE = _whole("PUMPS_PER_STAGE", 1, "pumps that each worker host has for a step of enrichment", most=16)
PUMP_SECONDS = _whole("PUMP_SECONDS", 30, "seconds one pump works before it wakes the next", most=HOUR)
PUMP_LEASE_SECONDS = _whole(
    "PUMP_LEASE_SECONDS", 15, "seconds after which a silent pump is taken for dead", least=5, most=HOUR
)

# --- People, sessions, API -------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.sign_in.backend.PasswordBackend", "accounts.backends.Operators"]
BEHIND_PROXY = env.bool("BEHIND_PROXY", default=False)
NUM_PROXIES = _whole("NUM_PROXIES", int(BEHIND_PROXY), "proxies in front that add to X-Forwarded-For", least=0, most=10)
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "accounts.sign_in.passwords.LongestPasswordValidator"},
    {"NAME": "accounts.sign_in.passwords.GuessedPasswordValidator"},
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.api.permissions.ByRole"],
    "DEFAULT_RENDERER_CLASSES": ["common.api.renderer.JSONRenderer"],
    "NUM_PROXIES": NUM_PROXIES,
    "URL_FORMAT_OVERRIDE": None,  # `format` is a parameter of the export, refused in words like any other
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_THROTTLE_CLASSES": ["common.api.throttles.UserThrottle"],
    "DEFAULT_THROTTLE_RATES": {"user": env.str("THROTTLE_USER", default="600/min")},
    "DEFAULT_SCHEMA_CLASS": "common.api.schema.Schema",
    "EXCEPTION_HANDLER": "common.api.base.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
TOKENS_A_PERSON = _whole("TOKENS_A_PERSON", 50, "API tokens of one person")
TOKENS_A_TEAM = _whole("TOKENS_A_TEAM", 500, "API tokens of one team")
KNOX_TOKEN_MODEL = "knox.AuthToken"  # noqa: S105
REST_KNOX = {
    "TOKEN_TTL": timedelta(days=_whole("TOKEN_DAYS", 90, "days an API token lives", most=36_500)),
    "AUTH_HEADER_PREFIX": "Token",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Bucket System",
    "VERSION": "1",
    "DESCRIPTION": "Save property ids for nothing; buy data only for the leads you choose.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api",  # operations are grouped by what follows
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "LeadStatus": "leads.models.Lead.Status",
        "LeadEnrichment": "leads.models.Lead.Enrichment",
        "ActivityKind": "leads.models.Activity.Kind",
        "ApolloKind": ["people", "organizations"],
        "ContactKind": ["phone", "email"],
        "BulkStatus": "leads.models.BulkJob.Status",
        "CustomFieldKind": "leads.models.CustomField.Kind",
        "EventKind": "leads.models.Event.Kind",
        "EventSource": "leads.models.Event.Source",
        "SourceEnum": "buckets.models.Bucket.Source",
        "EventStatus": "leads.models.Event.Status",
        "ConsentChannel": "leads.models.Consent.Channel",
        "BucketEnrichment": "buckets.models.Bucket.Enrichment",
        "FillStatus": "buckets.models.Fill.Status",
        "ImportStatus": "buckets.models.Import.Status",
        "RunKind": "enrichment.models.Run.Kind",
        "RunStatus": "enrichment.models.Run.Status",
        "ScheduleKind": "enrichment.models.Schedule.Kind",
        "RunPause": "enrichment.models.Run.Pause",
        "CampaignStatus": "campaigns.models.Campaign.Status",
        "CampaignPause": "campaigns.models.Campaign.Pause",
        "CampaignChannel": "campaigns.models.Campaign.Channel",
        "StepChannel": ["email", "sms", "call"],
        "TemplateChannel": "campaigns.texts.templates.CHANNELS",
        "MessageState": "campaigns.models.Delivery.State",
        "CallMode": "campaigns.models.CallAttempt.Mode",
        "CallOutcome": "campaigns.models.Disposition.Outcome",
        "CallSuppress": ["call", "sms", "call_sms", "any"],
        "NoticeKind": "accounts.models.NoticeKind",
        "CallState": "campaigns.models.CallAttempt.State",
        "ConversationState": "campaigns.models.Conversation.State",
        "ConsentHow": "leads.models.Consent.How",
        "UploadKind": "leads.models.Upload.Kind",
        "UploadStatus": "leads.models.Upload.Status",
        "WebhookDeliveryStatus": "accounts.models.WebhookDelivery.Status",
    },
}
DATA_UPLOAD_MAX_MEMORY_SIZE = REQUEST_BYTES_MAX
KEEP_WEBHOOKS_DAYS = _whole("KEEP_WEBHOOKS_DAYS", 30, "days a webhook's deliveries are kept", least=7, most=3650)

SESSION_IDLE_MINUTES = _whole("SESSION_IDLE_MINUTES", 2 * 60, "minutes without a click that end a session")
SESSION_ABSOLUTE_HOURS = _whole("SESSION_ABSOLUTE_HOURS", 24, "hours from sign-in that end a session", most=8760)
SESSION_COOKIE_AGE = SESSION_ABSOLUTE_HOURS * HOUR
FRESH_MINUTES = _whole("FRESH_MINUTES", 10, "minutes from a password or code to the next before exports, users, tokens")
PASSWORD_RESET_TIMEOUT = HOUR
_ROLES = ("all", "reader", "caller", "buyer", "manager", "operator", "superuser")
FACTOR_REQUIRED_FOR = [name.strip() for name in env.list("FACTOR_REQUIRED_FOR", default=[]) if name.strip()]
if _unknown := set(FACTOR_REQUIRED_FOR) - set(_ROLES):
    raise ImproperlyConfigured(
        f"FACTOR_REQUIRED_FOR: there is no {', '.join(sorted(_unknown))}. It says who must have a second factor: "
        f"{', '.join(_ROLES)}. Example: FACTOR_REQUIRED_FOR=manager,superuser"
    )
# django-allauth: its rate limits are off, because `accounts.sign_in.limits` counts in PostgreSQL
ACCOUNT_ADAPTER = "accounts.sign_in.adapters.AccountAdapter"
ACCOUNT_FORMS = {"reauthenticate": "accounts.sign_in.forms.ConfirmPasswordForm"}
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_RATE_LIMITS = False
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_REAUTHENTICATION_TIMEOUT = FRESH_MINUTES * 60
MFA_ADAPTER = "accounts.sign_in.adapters.FactorAdapter"
MFA_FORMS = {
    "authenticate": "accounts.sign_in.forms.CodeForm",
    "reauthenticate": "accounts.sign_in.forms.ConfirmCodeForm",
    "activate_totp": "accounts.sign_in.forms.SetUpAppForm",
    "add_webauthn": "accounts.sign_in.forms.AddPasskeyForm",
    "edit_webauthn": "accounts.sign_in.forms.RenamePasskeyForm",
    "login_webauthn": "accounts.sign_in.forms.PasskeySignInForm",
    "authenticate_webauthn": "accounts.sign_in.forms.PasskeySecondForm",
    "reauthenticate_webauthn": "accounts.sign_in.forms.ConfirmPasskeyForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_ISSUER = "Bucket System"
MFA_TOTP_TOLERANCE = 1  # periods: clocks differ
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = DEBUG  # http://localhost
SOCIALACCOUNT_ADAPTER = "accounts.sign_in.oidc.OidcAdapter"
SOCIALACCOUNT_QUERY_EMAIL = True
OIDC_URL = env.str("OIDC_URL", default="").strip().removesuffix("/.well-known/openid-configuration").rstrip("/")
if OIDC_URL and not OIDC_URL.startswith(("https://", "http://") if DEBUG else "https://"):
    raise ImproperlyConfigured(
        f"OIDC_URL={OIDC_URL!r} is no https address. It is the OpenID Connect provider's issuer. "
        "Example: OIDC_URL=https://login.example.com"
    )
# Where the browser is sent on to: browsers let no form lead to another origin that is not named
OIDC_ORIGINS = env.list("OIDC_ORIGINS", default=["/".join(OIDC_URL.split("/")[:3])]) if OIDC_URL else []
OIDC_NAME = env.str("OIDC_NAME", default="single sign-on") if OIDC_URL else ""
if OIDC_URL:
    _what_for = "signing in by OpenID Connect at OIDC_URL"
    SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {
            "OAUTH_PKCE_ENABLED": True,
            "APPS": [
                {
                    "provider_id": "oidc",
                    "name": OIDC_NAME,
                    "client_id": _need("OIDC_CLIENT_ID", _what_for, "bucket-system"),
                    "secret": _need("OIDC_CLIENT_SECRET", _what_for, "<what the provider gave>"),
                    "settings": {"server_url": OIDC_URL},
                }
            ],
        }
    }

# Mail: invitations, forgotten passwords. In development it lies in files
EMAIL_URL = env.str("EMAIL_URL", default="")
EMAIL_FILE_PATH = str(BASE_DIR / ".local" / "mail")
EMAIL_TIMEOUT = 10
if EMAIL_URL:
    try:
        globals().update(env.email_url("EMAIL_URL"))
    except Exception as error:
        raise ImproperlyConfigured(
            "EMAIL_URL cannot be read. It names the mail server. "
            "Example: EMAIL_URL=smtp+tls://user:password@mail.example.com:587"
        ) from error
elif DEBUG:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
MAIL_IS_SET_UP = bool(EMAIL_URL) or DEBUG
DEFAULT_FROM_EMAIL = env.str("MAIL_FROM", default=f"Bucket System <no-reply@{(ALLOWED_HOSTS or ['localhost'])[0]}>")

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True
FORMAT_MODULE_PATH = "common.formats"
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "common" / "static"]
STATIC_ROOT = BASE_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG

# --- The audit -------------------------------------------------------------------------------------------------------

KEEP_AUDIT_DAYS = _whole("KEEP_AUDIT_DAYS", 730, "days before `drop_audit` deletes a month of the audit", most=36_500)
AUDIT_LOG = env.str("AUDIT_LOG", default="").strip()  # lines of JSON, for a log collector; "-" is stdout

# --- The operators' desk ---------------------------------------------------------------------------------------------

# Where maps get their pictures: an address with {z}, {x} and {y} for the tile, or a PMTiles file's, or file:///… of one
# on this machine, which is served from here to whoever is signed in. Empty: outlines and a grid, nothing is fetched.
MAP_TILES_URL = env.str("MAP_TILES_URL", default="").strip()
MAP_TILES_FILE = ""
if MAP_TILES_URL.startswith("file:"):
    MAP_TILES_FILE, MAP_TILES_URL = unquote(urlsplit(MAP_TILES_URL).path), "/map/tiles.pmtiles"
    if not MAP_TILES_FILE.endswith(".pmtiles"):
        raise ImproperlyConfigured(
            f"MAP_TILES_URL names {MAP_TILES_FILE or 'no file'}, no .pmtiles file. It is what maps are drawn of. "
            "Example: MAP_TILES_URL=file:///srv/tiles/us.pmtiles"
        )
MAP_TILES_CREDIT = env.str("MAP_TILES_CREDIT", default="")

# --- Privacy ---------------------------------------------------------------------------------------------------------

# Whom to forget again after a backup was restored: keyed hashes, outside the database, on a volume of its own.
FORGOTTEN_FILE = env.str("FORGOTTEN_FILE", default="") or str(
    BASE_DIR / (".local" if DEBUG else "kept") / "forgotten.jsonl"
)

# Days that rows are kept; 0: for ever. `operations.retention` says what is dropped.
_KEPT_MOST = 36_500
KEEP_LOOKUP_DAYS = _whole("KEEP_LOOKUP_DAYS", 0, "days purchased data is kept", least=0, most=_KEPT_MOST)
KEEP_RAW_DAYS = _whole("KEEP_RAW_DAYS", 0, "days vendors' unreadable answers are kept", least=0, most=_KEPT_MOST)
KEEP_INBOUND_DAYS = _whole(
    "KEEP_INBOUND_DAYS", 30, "days handled posts of message vendors are kept", least=0, most=_KEPT_MOST
)
KEEP_TOUCHES_DAYS = _whole(
    "KEEP_TOUCHES_DAYS", 365, "days it is kept who opened e-mails and clicked links", least=0, most=_KEPT_MOST
)
KEEP_NOTIFICATIONS_DAYS = _whole(
    "KEEP_NOTIFICATIONS_DAYS", 180, "days notifications are kept", least=0, most=_KEPT_MOST
)
KEEP_CHANGES_DAYS = _whole("KEEP_CHANGES_DAYS", 30, "days the changes of leads are told", least=1, most=_KEPT_MOST)
KEEP_GUESTS_DAYS = _whole("KEEP_GUESTS_DAYS", 0, "days guests of past appointments are kept", least=0, most=_KEPT_MOST)
KEEP_FAILED_ROWS_DAYS = _whole(
    "KEEP_FAILED_ROWS_DAYS", 0, "days a file's failed rows are kept", least=0, most=_KEPT_MOST
)
KEEP_UPLOADS_DAYS = _whole("KEEP_UPLOADS_DAYS", 0, "days what is left of a file is kept", least=0, most=_KEPT_MOST)
KEEP_CALLS_DAYS = _whole("KEEP_CALLS_DAYS", 0, "days vendor requests are kept", least=0, most=_KEPT_MOST)

# --- Security: production unless DEBUG -------------------------------------------------------------------------------

HTTPS = env.bool("HTTPS", default=not DEBUG)
PUBLIC_URL = env.str("PUBLIC_URL", default="").strip().rstrip("/")
_public = urlsplit(PUBLIC_URL)
if PUBLIC_URL and (
    f"{_public.scheme}://{_public.netloc}" != PUBLIC_URL
    or not (_public.hostname and _public.scheme in ("https", "https" if HTTPS else "http"))
):
    raise ImproperlyConfigured(
        f"PUBLIC_URL={PUBLIC_URL!r} is no https address without a path. Mailed links begin with it. "
        "Example: PUBLIC_URL=https://buckets.example.com"
    )
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^api(/|$)"]  # the API is refused in clear (RequestLimits)
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = env.bool("HSTS_PRELOAD", default=False)  # easy to enter, months to leave: only where it is asked
SILENCED_SYSTEM_CHECKS = ["security.W021"]  # preloading is for whoever owns the domain to ask for: HSTS_PRELOAD
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
_prefix = "__Host-" if HTTPS else ""  # browsers take these over TLS alone, from this host alone
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{_prefix}sessionid", f"{_prefix}csrftoken"
DEVICE_COOKIE_NAME = f"{_prefix}device"
X_FRAME_OPTIONS = "DENY"
# No inline script anywhere. Styles may be inline: widths of bars and the theme's colours are. Maps' pictures are the
# one thing that may come from elsewhere.
_TILES = urlsplit(MAP_TILES_URL.replace("{s}", "*"))
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'", "'unsafe-inline'"],
        "img-src": ["'self'", "data:", *([f"{_TILES.scheme}://{_TILES.netloc}"] if _TILES.netloc else [])],
        "connect-src": [
            "'self'",
            *([f"{_TILES.scheme}://{_TILES.netloc}"] if _TILES.netloc and ".pmtiles" in _TILES.path else []),
        ],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'", *OIDC_ORIGINS],
        "frame-ancestors": ["'none'"],
    }
}
# Alpine.js, which the admin's look is made with, compiles what its attributes say: needed there and nowhere else.
CSP_EVAL_PATHS = ("/admin/", "/join/")
PERMISSIONS_POLICY = (
    "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), "
    "midi=(), payment=(), publickey-credentials-create=(self), publickey-credentials-get=(self), screen-wake-lock=(), "
    "usb=(), xr-spatial-tracking=()"
)
# What Prometheus sends as `Authorization: Bearer …` for /metrics and for the details of /readyz.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="").strip()
if METRICS_TOKEN and len(METRICS_TOKEN) < METRICS_TOKEN_LEAST:
    raise ImproperlyConfigured(
        f"METRICS_TOKEN is shorter than {METRICS_TOKEN_LEAST} characters. It opens /metrics and the details of /readyz "
        "to whoever sends it. Example: METRICS_TOKEN=<50 random characters>"
    )
if METRICS_TOKEN and not DEBUG and (_why := weakness(METRICS_TOKEN, METRICS_TOKEN_LEAST)):
    raise ImproperlyConfigured(
        f"METRICS_TOKEN {_why}. It opens /metrics to whoever guesses it. Example: METRICS_TOKEN=<50 random characters>"
    )
DEFAULT_EXCEPTION_REPORTER_FILTER = "common.error_pages.NoSecrets"

_audit_to: dict[str, Any] = {"class": "logging.NullHandler"}
if AUDIT_LOG == "-":
    _audit_to = {"class": "logging.StreamHandler", "stream": sys.stdout, "formatter": "bare"}
elif AUDIT_LOG:
    _audit_to = {"class": "logging.handlers.WatchedFileHandler", "filename": AUDIT_LOG, "formatter": "bare"}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "common.logs.Discreet", "format": "{asctime} {levelname} {name} {message}", "style": "{"},
        "bare": {"format": "{message}", "style": "{"},
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "stream": sys.stderr, "formatter": "line"},
        "audit": _audit_to,
    },
    "loggers": {
        "audit": {"handlers": ["audit"], "level": "INFO" if AUDIT_LOG else "CRITICAL", "propagate": False},
        "django.server": {"handlers": [], "level": "INFO", "propagate": True},  # its own would write down queries
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
}
