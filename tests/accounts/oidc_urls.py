"""The product's addresses as they are with OIDC_URL set."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from accounts.sign_in.urls import by_provider
from config.urls import handler400 as handler400
from config.urls import handler500 as handler500
from config.urls import urlpatterns as others

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", include(by_provider)),
    *others,
]
