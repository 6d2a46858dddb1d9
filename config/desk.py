"""The admin's site. Its side bar is `config/admin_site.py`'s."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.contrib import admin
from django.contrib.admin import sites
from django.http import HttpRequest
from django.utils.module_loading import import_string
from unfold.apps import DefaultAppConfig
from unfold.sites import UnfoldAdminSite


class Desk(UnfoldAdminSite):  # type: ignore[misc]  # unfold has no types
    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Of one app, for its page. Django lists all of them for every page, and ours show none of it."""
        return super().get_app_list(request, app_label) if app_label else []

    def get_sidebar_list(self, request: HttpRequest) -> list[dict[str, Any]]:
        """The groups with the lines that she may open. The theme works out the lines that she may not as well, and each
        address several times: with its template, a sixth of a page's time.
        """
        groups = self._get_config("SIDEBAR", request)["navigation"]
        shown = [{**group, "items": self._lines(request, group["items"])} for group in groups]
        return [group for group in shown if group["items"]]

    def _lines(self, request: HttpRequest, entries: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
        lines = []
        for entry in entries:
            if not _called(entry["permission"])(request):
                continue
            address = str(entry["link"])
            is_active = entry["active"](request) if "active" in entry else self._get_is_active(request, address)
            badge = partial(_called(entry["badge"]), request) if "badge" in entry else ""  # the template calls it
            lines.append({**entry, "link": address, "active": is_active, "badge": badge})
        return lines


def _called(given: Any) -> Any:
    """A function, or the one that a path names."""
    return import_string(given) if isinstance(given, str) else given


class DeskConfig(DefaultAppConfig):  # type: ignore[misc]  # unfold has no types
    default = False

    def ready(self) -> None:
        admin.site = sites.site = Desk()
