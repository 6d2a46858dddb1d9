"""The one settings file. Everything that differs between places comes from the environment: see `.env.example`.

A missing or bad value stops start-up and says which, what for, and gives an example.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import environ
from celery.schedules import crontab
from django.core.exceptions import ImproperlyConfigured

from common.values.bounds import BATCH, CAP, FRESH_DAYS, PACE, PRICE, Bounds, bounds, whole
from config.admin_site import UNFOLD as UNFOLD  # a setting

COUNT_MAX = 2_147_483_647  # what PostgreSQL's integer holds
HOUR = 3600  # seconds
_SECONDS = bounds("0.1", "3600", 3)  # of one request

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
env.read_env(BASE_DIR / env.str("ENV_FILE", default=".env"), overwrite=False)


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
    "unfold",  # before the admin, whose look it is
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "rest_framework",
    "knox",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
    "accounts",
    "integrations",
    "leads",
    "buckets",
    "enrichment",
    "operations",
]
if DEBUG:
    INSTALLED_APPS.append("devtools")  # demo, sandbox and local servers: never in production

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "common.middleware.RequestLimits",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "common.middleware.OwnTimeZone",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
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
            ],
            "builtins": ["common.dates"],
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
_database["OPTIONS"].setdefault("options", f"-c idle_in_transaction_session_timeout={_idle}s")
_database["ENGINE"] = "common.db.postgres"
_database["CONN_HEALTH_CHECKS"] = False  # it checks by itself, all at once
_database["ATOMIC_REQUESTS"] = False
DATABASES = {"default": _database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 2},
    }
}

CELERY_BROKER_URL = REDIS_URL
CELERY_RESULT_BACKEND = None  # a backend made .delay() hang 19 s when Redis was away, 0.7 s without
CELERY_TASK_IGNORE_RESULT = True
# Early: a message is a wake-up, and beat sends it again. With late ones a broker that went away under a running pump
# ended the worker: kombu 5.7.0 gives unacknowledged messages back over the connection that is gone (`make chaos`).
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_REJECT_ON_WORKER_LOST = False  # tasks are wake-ups; beat sends them again, and no message can loop
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_DISABLE_PREFETCH = True
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
# Periodic work stands here and nowhere else. Messages expire, so that no more than nine pile up while no worker runs;
# not sooner, because a worker's clock may be a minute fast, and it would throw away every one.
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
    "forget-expired-tokens": {
        "task": "accounts.forget_expired",
        "schedule": crontab(hour="4", minute="10"),
        "options": {"expire_seconds": 3600},
    },
}

# --- Vendors: where, with which key, how fast, for how much ----------------------------------------------------------

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
}
SKIP_TRACE_VENDOR = env.str("SKIP_TRACE_VENDOR", default="").strip() or "realestateapi"
if SKIP_TRACE_VENDOR not in ("realestateapi", "signalhouse"):
    raise ImproperlyConfigured(
        f"SKIP_TRACE_VENDOR={SKIP_TRACE_VENDOR!r} is neither realestateapi nor signalhouse. It says who is asked for "
        "phones and e-mails. Example: SKIP_TRACE_VENDOR=realestateapi"
    )
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
REQUEST_BYTES_MAX = _whole("REQUEST_BYTES_MAX", 8 * 1024 * 1024, "bytes of one request body")
IMPORT_BYTES_MAX = _whole("IMPORT_BYTES_MAX", 512 * 1024 * 1024, "bytes of one uploaded file of leads")
IMPORT_PATHS = (
    r"/api/property/bucket/(?:[0-9a-f-]{36}/)?import|/admin/buckets/import/add/"  # where such a file may come in
)
PUMP_SECONDS = _whole("PUMP_SECONDS", 30, "seconds one pump works before it wakes the next", most=HOUR)
PUMP_LEASE_SECONDS = _whole(
    "PUMP_LEASE_SECONDS", 15, "seconds after which a silent pump is taken for dead", least=5, most=HOUR
)

# --- People, sessions, API -------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "knox.auth.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_THROTTLE_CLASSES": ["common.api.throttles.UserThrottle"],
    "DEFAULT_THROTTLE_RATES": {"user": env.str("THROTTLE_USER", default="600/min")},
    "DEFAULT_SCHEMA_CLASS": "common.api.schema.Schema",
    "EXCEPTION_HANDLER": "common.api.base.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
REST_KNOX = {
    "TOKEN_TTL": timedelta(days=_whole("TOKEN_DAYS", 90, "days an API token lives", most=36_500)),
    "AUTH_HEADER_PREFIX": "Token",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Bucket System",
    "VERSION": "1",
    "DESCRIPTION": "Save property ids for nothing; buy data only for the leads you choose.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "LeadStatus": "leads.models.Lead.Status",
        "LeadEnrichment": "leads.models.Lead.Enrichment",
        "ActivityKind": "leads.models.Activity.Kind",
        "BucketEnrichment": "buckets.models.Bucket.Enrichment",
        "FillStatus": "buckets.models.Fill.Status",
        "ImportStatus": "buckets.models.Import.Status",
        "RunKind": "enrichment.models.Run.Kind",
        "RunStatus": "enrichment.models.Run.Status",
        "ScheduleKind": "enrichment.models.Schedule.Kind",
    },
}
DATA_UPLOAD_MAX_MEMORY_SIZE = REQUEST_BYTES_MAX

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

# --- The operators' desk ---------------------------------------------------------------------------------------------

# Where maps get their pictures: {z}, {x} and {y} stand for the tile. Empty: pins on a plain grid, nothing is fetched.
MAP_TILES_URL = env.str("MAP_TILES_URL", default="")
MAP_TILES_CREDIT = env.str("MAP_TILES_CREDIT", default="")

# --- Security: production unless DEBUG -------------------------------------------------------------------------------

HTTPS = env.bool("HTTPS", default=not DEBUG)
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_PROXY", default=False) else None
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "stream": sys.stderr, "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
}
