"""The look of the operators' desk and its side bar: django-unfold's settings."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.text import format_lazy


def _entry(
    title: str, icon: str, address: str, *, query: str = "", scope: str = "", callers: bool | None = None
) -> dict[str, Any]:
    """A line of the side bar, for who may open its page. `address`: what `admin:` is followed by in a URL's name.

    scope: what it needs beside. callers: only for them, or only for all others.
    """

    def permitted(request: HttpRequest) -> bool:
        from common.admin_teams import access_of, may  # noqa: PLC0415  # settings read this before there are apps

        if scope and not may(request, scope):
            return False
        if callers is not None and access_of(request).only_assigned is not callers:
            return False
        return _opens(request, address)

    link = format_lazy("{}{}", reverse_lazy(f"admin:{address}"), query)
    return {"title": title, "icon": icon, "link": link, "permission": permitted}


def _opens(request: HttpRequest, address: str) -> bool:
    """As the page's own admin says."""
    model_admin = _admin_of(address)
    return True if model_admin is None else bool(model_admin.has_module_permission(request))


@cache
def _admin_of(address: str) -> Any:
    """Whose page it is; None: Home."""
    from django.contrib import admin  # noqa: PLC0415  # as above

    for model, model_admin in admin.site._registry.items():  # noqa: SLF001
        if address.startswith(f"{model._meta.app_label}_{model._meta.model_name}_"):
            return model_admin
    return None


def _in_buckets(request: HttpRequest) -> bool:
    """Finding properties has an entry of its own, below the buckets' address."""
    return "/buckets/bucket/" in request.path and not any(
        f"/buckets/bucket/{own}/" in request.path for own in ("find", "by-hand")
    )


def _in_find(request: HttpRequest) -> bool:
    """Looking up an address stands below it, and has an entry of its own."""
    return "/buckets/bucket/find/" in request.path and "/buckets/bucket/find/address/" not in request.path


def _in_leads(request: HttpRequest) -> bool:
    return "/leads/lead/" in request.path and not any(is_in(request) for is_in in (_in_callbacks, _in_board, _in_map))


def _in_board(request: HttpRequest) -> bool:
    """It stands below the leads' address."""
    return "/leads/lead/board/" in request.path


def _in_map(request: HttpRequest) -> bool:
    """So does it."""
    return "/leads/lead/map/" in request.path


def _in_callbacks(request: HttpRequest) -> bool:
    """The list of leads, filtered by when their owners are to be called back."""
    return "/leads/lead/" in request.path and bool(request.GET.get("callback"))


def _in_audit(request: HttpRequest) -> bool:
    return "/accounts/auditevent/" in request.path and not _in_contacts(request)


def _in_contacts(request: HttpRequest) -> bool:
    """The audit, filtered by who has seen or taken contacts."""
    return "/accounts/auditevent/" in request.path and request.GET.get("about") == "contacts"


def _in_calls(request: HttpRequest) -> bool:
    """The dialer, who calls now and the scorecard stand below the calls' address."""
    path = request.path.partition("/campaigns/callattempt/")[2]
    return "/campaigns/callattempt/" in request.path and not path.startswith(("dialer/", "live/", "scorecard/"))


def _in_calendar(request: HttpRequest) -> bool:
    """Its events, and what belongs to it: hours, booking page, feeds."""
    return request.path.startswith("/admin/calendar/")


def _in_reports(request: HttpRequest) -> bool:
    return request.path.startswith("/admin/reports/")


def _in_imports(request: HttpRequest) -> bool:
    """The entry leads to the upload; the list and each import belong to it too."""
    return "/buckets/import/" in request.path


_CONTACTS = "?about=contacts"
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
            {"title": "What I am notified of", "link": reverse_lazy("notices_settings")},
            {"title": "Change password", "link": reverse_lazy("admin:password_change")},
            {"title": "Second factor and passkeys", "link": reverse_lazy("mfa_index")},
            {"title": "Where you are signed in", "link": reverse_lazy("account_sessions")},
        ]
    },
    "DASHBOARD_CALLBACK": "operations.admin.home.context",
    "STYLES": [lambda _request: static("desk/desk.css")],
    "SCRIPTS": [lambda _request: static("desk/desk.js"), lambda _request: static("desk/search.js")],
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
                    _entry("Home", "home", "index") | {"badge": "operations.admin.badge.badge"},
                    _entry("Find properties", "travel_explore", "buckets_bucket_find", scope="write")
                    | {"active": _in_find},
                    _entry("Look up an address", "map", "buckets_bucket_address", scope="write"),
                    _entry("Add a lead", "person_add", "buckets_bucket_by_hand", scope="write"),
                    _entry("Import leads", "upload_file", "buckets_import_add", scope="write")
                    | {"active": _in_imports},
                    _entry("Buckets", "inventory_2", "buckets_bucket_changelist") | {"active": _in_buckets},
                    _entry("Leads", "contacts", "leads_lead_changelist", callers=False) | {"active": _in_leads},
                    _entry("My leads", "contacts", "leads_lead_changelist", callers=True) | {"active": _in_leads},
                    _entry("Board", "view_kanban", "leads_lead_board") | {"active": _in_board},
                    _entry("Map", "location_on", "leads_lead_map") | {"active": _in_map},
                    _entry("Callbacks", "phone_callback", "leads_lead_changelist", query="?callback=today")
                    | {"active": _in_callbacks},
                    {
                        "title": "Calendar",
                        "icon": "calendar_month",
                        "link": reverse_lazy("calendar"),
                        "permission": "campaigns.admin.calendar.opens_calendar",
                        "active": _in_calendar,
                    },
                    _entry("Dialer", "call", "campaigns_callattempt_dialer")
                    | {"permission": "campaigns.admin.dialer.may_dial"},
                    _entry("My calls", "call_log", "campaigns_callattempt_changelist", callers=True)
                    | {"active": _in_calls},
                    _entry("Calls", "call_log", "campaigns_callattempt_changelist", callers=False)
                    | {"active": _in_calls},
                    _entry("Call lists", "playlist_play", "campaigns_calllist_changelist"),
                    _entry("Calls live", "headset_mic", "campaigns_callattempt_live")
                    | {"permission": "campaigns.admin.live.leads_callers"},
                    _entry("Scorecard", "leaderboard", "campaigns_callattempt_scorecard")
                    | {"permission": "campaigns.admin.live.leads_callers"},
                    _entry("Call outcomes", "keyboard", "campaigns_disposition_changelist"),
                    _entry("Campaigns", "campaign", "campaigns_campaign_changelist"),
                    _entry("Templates", "sms", "campaigns_template_changelist"),
                    _entry("Snippets", "short_text", "campaigns_snippet_changelist"),
                    _entry("Enrichment jobs", "play_circle", "enrichment_run_changelist"),
                    _entry("Schedules", "event_repeat", "enrichment_schedule_changelist"),
                    {
                        "title": "Reports",
                        "icon": "receipt_long",
                        "link": reverse_lazy("report_spend"),
                        "permission": "operations.admin.reports.opens_reports",
                        "active": _in_reports,
                    },
                    _entry("Tags", "sell", "leads_tag_changelist"),
                    _entry("Bulk jobs", "playlist_add_check", "leads_bulkjob_changelist"),
                    _entry("Status labels", "label", "leads_statuslabel_changelist"),
                    _entry("Custom fields", "edit_note", "leads_customfield_changelist"),
                    _entry("Activities", "history", "leads_activity_changelist"),
                    _entry("Inbox", "forum", "campaigns_conversation_changelist"),
                    _entry("Suppressions", "do_not_disturb_on", "leads_suppression_changelist"),
                    _entry("Consents", "handshake", "leads_consent_changelist"),
                    _entry("Lists", "playlist_add_check", "leads_upload_changelist"),
                    _entry("Seller profiles", "storefront", "leads_seller_changelist"),
                    _entry("Numbers", "dialpad", "campaigns_sender_changelist"),
                    _entry("E-mail addresses", "alternate_email", "campaigns_mailsender_changelist"),
                    _entry("Recordings", "voicemail", "campaigns_recording_changelist"),
                    _entry("States", "map", "campaigns_stateanswer_changelist"),
                    _entry("Team", "groups", "accounts_team_changelist"),
                ]
            },
            {
                "title": "Contact rules",
                "separator": True,
                "items": [
                    _entry("Rules", "gavel", "campaigns_contactrule_changelist"),
                    _entry("Holidays", "event_busy", "campaigns_ruleholiday_changelist"),
                    _entry("Emergencies", "emergency_home", "campaigns_emergency_changelist"),
                ],
            },
            {
                "title": "Operations",
                "separator": True,
                "items": [
                    _entry("Vendors", "storefront", "integrations_vendor_changelist"),
                    {
                        "title": "Vendor spending",
                        "icon": "payments",
                        "link": reverse_lazy("vendor_spending"),
                        "permission": "operations.admin.home.opens_spending",
                    },
                    _entry("Vendor requests", "receipt_long", "integrations_vendorcall_changelist"),
                    _entry("Vendor posts", "move_to_inbox", "campaigns_inbound_changelist"),
                    _entry("Purchased data", "fact_check", "integrations_lookup_changelist"),
                    _entry("Audit log", "policy", "accounts_auditevent_changelist")
                    | {"active": _in_audit, "permission": "operations.admin.audit.reads_audit"},
                    _entry("Contact access log", "visibility", "accounts_auditevent_changelist", query=_CONTACTS)
                    | {"active": _in_contacts, "permission": "operations.admin.audit.reads_audit"},
                    _entry("Budgets", "account_balance_wallet", "integrations_budget_changelist"),
                    _entry("Workers", "conveyor_belt", "enrichment_pumplease_changelist"),
                    {
                        "title": "Privacy",
                        "icon": "person_off",
                        "link": reverse_lazy("privacy"),
                        "permission": "operations.admin.privacy.opens_privacy",
                    },
                    _entry("Users", "group", "accounts_user_changelist"),
                    {
                        "title": "Invite people",
                        "icon": "person_add",
                        "link": reverse_lazy("account_invitations"),
                        "permission": "accounts.sign_in.join.may_invite",
                    },
                    {
                        "title": "Locked sign-ins",
                        "icon": "lock",
                        "link": reverse_lazy("account_locked"),
                        "permission": "common.admin.sees_all",
                    },
                    _entry("API tokens", "key", "knox_authtoken_changelist", scope="read"),
                    _entry("Webhooks", "webhook", "accounts_webhookendpoint_changelist", scope="manage"),
                    _entry("Background jobs", "schedule", "django_celery_beat_periodictask_changelist"),
                ],
            },
        ],
    },
}
