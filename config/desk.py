"""The admin's site. Its side bar is `config/admin_site.py`'s."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin import sites
from django.http import HttpRequest
from unfold.apps import DefaultAppConfig
from unfold.sites import UnfoldAdminSite


class Desk(UnfoldAdminSite):  # type: ignore[misc]  # unfold has no types
    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Of one app, for its page. Django lists all of them for every page, and ours show none of it."""
        return super().get_app_list(request, app_label) if app_label else []


class DeskConfig(DefaultAppConfig):  # type: ignore[misc]  # unfold has no types
    default = False

    def ready(self) -> None:
        admin.site = sites.site = Desk()
