"""Every address, by room."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from accounts.profile.page import browser_zone, profile
from common.api.base import JsonRefusals, unknown_address
from operations.health import healthz, metrics, readyz


class SchemaView(JsonRefusals, SpectacularAPIView):
    """The OpenAPI description."""

    undeclared = frozenset({"format"})


class DocsView(JsonRefusals, SpectacularSwaggerView):
    """The same to read and try out."""


api: list[URLPattern | URLResolver] = [
    path("", include("accounts.api.urls")),
    path("", include("integrations.api.urls")),
    path("", include("leads.api.urls")),
    path("", include("buckets.api.urls")),
    path("", include("enrichment.api.urls")),
    path("schema", SchemaView.as_view(), name="schema"),
    path("docs", DocsView.as_view(url_name="schema"), name="docs"),
    re_path(r"", unknown_address),
]
# Pages that were renamed in 0.2.0, by their old addresses for one more release.
moved: list[URLPattern | URLResolver] = [
    re_path(rf"^{old}/(?P<rest>.*)$", RedirectView.as_view(url=f"/admin/{new}/%(rest)s", query_string=True))
    for old, new in {"integrations/purse": "integrations/budget", "enrichment/lane": "enrichment/pumplease"}.items()
]
urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="root"),
    path("admin/profile/", profile, name="profile"),
    path("admin/profile/time-zone/", browser_zone, name="profile_time_zone"),
    path("admin/", include(moved)),
    path("admin/", admin.site.urls),
    path("api/", include(api)),
    path("api", include([path("", unknown_address)])),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
]
handler400 = "common.api.base.bad_request"
handler500 = "common.api.base.server_error"
