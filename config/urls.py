"""Every address, by room."""

from typing import Any, cast

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.settings import APISettings

from accounts.notices import page as notices
from accounts.profile.page import browser_zone, confirm_email, profile, send_proof
from accounts.sign_in.join import follow, join
from accounts.sign_in.urls import entrance, of_ones_own
from accounts.teams.switch import switch
from campaigns.admin import booking as booking_desk
from campaigns.admin import calendar
from campaigns.admin.own_phone import own_phone
from campaigns.booking import views as booking
from campaigns.tracking import views as tracking
from common.api.addresses import Addresses
from common.api.base import JsonRefusals, unknown_address
from common.map_tiles import tiles
from operations.admin.home import hide_steps, spending
from operations.admin.privacy import privacy
from operations.admin.reports import lists_page, spend_page
from operations.admin.search import search
from operations.health import healthz, metrics, readyz


class ByFormat(DefaultContentNegotiation):
    """Elsewhere `format` is a parameter like any other (settings.REST_FRAMEWORK); of the schema, `?format=json`."""

    settings = cast("Any", APISettings({"URL_FORMAT_OVERRIDE": "format"}))  # the stubs have a class of their own


class SchemaView(JsonRefusals, SpectacularAPIView):
    """The OpenAPI description."""

    undeclared = frozenset({"format"})
    content_negotiation_class = ByFormat


class DocsView(JsonRefusals, SpectacularSwaggerSplitView):
    """The same to read and try out. Its script is a request of its own (`?script`): none stands in the page."""

    undeclared = frozenset({"script"})


api: list[URLPattern | URLResolver] = [
    path("", include("accounts.api.urls")),
    path("", include("integrations.api.urls")),
    path("", include("leads.api.urls")),
    path("", include("buckets.api.urls")),
    path("", include("enrichment.api.urls")),
    path("", include("campaigns.api.urls")),
    path("", include("operations.api.urls")),
    path("schema", SchemaView.as_view(), name="schema"),
    path("docs", DocsView.as_view(url_name="schema"), name="docs"),
    re_path(r"", unknown_address),
]
# Pages that were renamed in 0.2.0, by their old addresses for one more release.
moved: list[URLPattern | URLResolver] = [
    re_path(rf"^{old}/(?P<rest>.*)$", RedirectView.as_view(url=f"/admin/{new}/%(rest)s", query_string=True))
    for old, new in {"integrations/purse": "integrations/budget", "enrichment/lane": "enrichment/pumplease"}.items()
]
moved.append(re_path(r"^leads/disclosure/", RedirectView.as_view(url="/admin/accounts/auditevent/?about=contacts")))
urlpatterns: list[URLPattern | URLResolver] = [
    Addresses("api/", api),  # first: most requests are the API's
    path("", RedirectView.as_view(pattern_name="admin:index"), name="root"),
    path("admin/", include(entrance)),  # before the admin's own
    path("admin/account/", include(of_ones_own)),
    path("map/tiles.pmtiles", tiles, name="map_tiles"),
    path("join/", join, name="join"),
    path("join/<str:secret>/", follow, name="join_link"),
    path("admin/profile/", profile, name="profile"),
    path("admin/profile/time-zone/", browser_zone, name="profile_time_zone"),
    path("admin/profile/phone/", own_phone, name="profile_phone"),
    path("admin/profile/email/", send_proof, name="profile_email_send"),
    path("admin/profile/email/<str:link>/", confirm_email, name="profile_email"),
    path("admin/notifications/", notices.listed, name="notices"),
    path("admin/notifications/read/", notices.read_all, name="notices_read"),
    path("admin/notifications/settings/", notices.settings_page, name="notices_settings"),
    path("admin/notifications/<uuid:notice_id>/", notices.follow, name="notice"),
    path("admin/team/switch/", switch, name="team_switch"),
    path("admin/privacy/", privacy, name="privacy"),
    path("admin/search/", search, name="search"),
    path("admin/reports/spend/", spend_page, name="report_spend"),
    path("admin/reports/lists/", lists_page, name="report_lists"),
    path("admin/home/hide-steps/", hide_steps, name="home_hide_steps"),
    path("admin/vendor-spending/", spending, name="vendor_spending"),
    path("admin/calendar/", calendar.calendar, name="calendar"),
    path("admin/calendar/new/", calendar.plan, name="calendar_plan"),
    path("admin/calendar/booking/", booking_desk.settings_page, name="calendar_booking"),
    path("admin/calendar/<uuid:event_id>/", calendar.event_page, name="calendar_event"),
    path("admin/calendar/<uuid:event_id>/move/", calendar.move, name="calendar_move"),
    path("admin/calendar/<uuid:event_id>/end/", calendar.end, name="calendar_end"),
    path("admin/", include(moved)),
    path("admin/", admin.site.urls),
    path("book/<slug:slug>", booking.book, name="book"),
    path("book/<slug:slug>/<str:token>", booking.link, name="book_link"),
    path("calendar/<str:token>.ics", booking.feed, name="feed"),
    path("u/<str:token>", tracking.way_out, name="way_out"),
    path("l/<str:token>", tracking.link, name="mail_link"),
    path("o/<str:token>.gif", tracking.picture, name="mail_picture"),
    path("api", include([path("", unknown_address)])),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
]
handler400 = "common.api.base.bad_request"
handler500 = "common.api.base.server_error"
