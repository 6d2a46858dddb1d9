"""The look of the operators' desk and its side bar: django-unfold's settings."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.text import format_lazy


def _entry(title: str, icon: str, address: str, *, query: str = "", superusers: bool = False) -> dict[str, Any]:
    """A line of the side bar. `address`: what `admin:` is followed by in a URL's name."""
    entry = {"title": title, "icon": icon, "link": format_lazy("{}{}", reverse_lazy(f"admin:{address}"), query)}
    return entry | ({"permission": "common.admin.sees_all"} if superusers else {})


def _in_buckets(request: HttpRequest) -> bool:
    """Finding properties has an entry of its own, below the buckets' address."""
    return "/buckets/bucket/" in request.path and "/buckets/bucket/find/" not in request.path


def _in_leads(request: HttpRequest) -> bool:
    return "/leads/lead/" in request.path and not _in_callbacks(request)


def _in_callbacks(request: HttpRequest) -> bool:
    """The list of leads, filtered by when their owners are to be called back."""
    return "/leads/lead/" in request.path and bool(request.GET.get("callback"))


def _in_imports(request: HttpRequest) -> bool:
    """The entry leads to the upload; the list and each import belong to it too."""
    return "/buckets/import/" in request.path


UNFOLD = {
    "SITE_TITLE": "Bucket System",
    "SITE_HEADER": "Bucket System",
    "SITE_SYMBOL": "real_estate_agent",
    "SITE_URL": None,
    "SHOW_VIEW_ON_SITE": False,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("desk/icon.svg")}],
    "ACCOUNT": {
        "navigation": [
            {"title": "Profile and time zone", "link": reverse_lazy("profile")},
            {"title": "Change password", "link": reverse_lazy("admin:password_change")},
        ]
    },
    "LOGIN": {"form": "accounts.profile.sign_in.SignInForm"},
    "DASHBOARD_CALLBACK": "operations.admin.home.context",
    "STYLES": [lambda _request: static("desk/desk.css")],
    "SCRIPTS": [lambda _request: static("desk/desk.js")],
    "COLORS": {  # a green that is readable on white: 4.5 to 1 from 600 on
        "primary": {
            "50": "oklch(97.9% .021 166.1)",
            "100": "oklch(95% .052 163.1)",
            "200": "oklch(90.5% .093 164.2)",
            "300": "oklch(84.5% .143 164.9)",
            "400": "oklch(76.5% .177 163.2)",
            "500": "oklch(60% .13 163)",
            "600": "oklch(50.8% .118 165.6)",
            "700": "oklch(43.2% .095 166.9)",
            "800": "oklch(37.8% .077 168.9)",
            "900": "oklch(32% .065 169)",
            "950": "oklch(26.2% .051 172.6)",
        }
    },
    "SIDEBAR": {
        "show_search": False,
        "navigation": [
            {
                "items": [
                    _entry("Home", "home", "index") | {"badge": "operations.admin.home.badge"},
                    _entry("Find properties", "travel_explore", "buckets_bucket_find"),
                    _entry("Import leads", "upload_file", "buckets_import_add") | {"active": _in_imports},
                    _entry("Buckets", "inventory_2", "buckets_bucket_changelist") | {"active": _in_buckets},
                    _entry("Leads", "contacts", "leads_lead_changelist") | {"active": _in_leads},
                    _entry("Callbacks", "phone_callback", "leads_lead_changelist", query="?callback=today")
                    | {"active": _in_callbacks},
                    _entry("Enrichment jobs", "play_circle", "enrichment_run_changelist"),
                    _entry("Schedules", "event_repeat", "enrichment_schedule_changelist"),
                    _entry("Tags", "sell", "leads_tag_changelist"),
                    _entry("Activities", "history", "leads_activity_changelist"),
                ]
            },
            {
                "title": "Operations",
                "separator": True,
                "items": [
                    _entry("Vendors", "storefront", "integrations_vendor_changelist", superusers=True),
                    _entry("Vendor requests", "receipt_long", "integrations_vendorcall_changelist", superusers=True),
                    _entry("Purchased data", "fact_check", "integrations_lookup_changelist", superusers=True),
                    _entry("Contact access log", "visibility", "leads_disclosure_changelist", superusers=True),
                    _entry("Budgets", "account_balance_wallet", "integrations_budget_changelist", superusers=True),
                    _entry("Workers", "conveyor_belt", "enrichment_pumplease_changelist", superusers=True),
                    _entry("Users", "group", "accounts_user_changelist", superusers=True),
                    _entry("API tokens", "key", "knox_authtoken_changelist"),
                    _entry(
                        "Background jobs", "schedule", "django_celery_beat_periodictask_changelist", superusers=True
                    ),
                ],
            },
        ],
    },
}
