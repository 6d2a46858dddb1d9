"""Django's error page with settings and local variables, which only DEBUG shows: what it leaves out."""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter

SHOWN = SafeExceptionReporterFilter.cleansed_substitute
_PASSWORDS = re.compile(r"(?<=://)[^/@\s]*(?=@)|(?<=password=)\S+", re.IGNORECASE)  # in an address, in a DSN


class NoSecrets(SafeExceptionReporterFilter):
    """Servers' addresses have passwords in them, by whatever name; local variables have what settings have."""

    hidden_settings = re.compile(
        "API|AUTH|TOKEN|KEY|SECRET|PASS|SIGNATURE|HTTP_COOKIE|DATABASE|REDIS|BROKER|CACHES|DSN|EMAIL|VENDORS", re.I
    )

    def cleanse_setting(self, key: Any, value: Any) -> Any:
        cleansed = super().cleanse_setting(key, value)
        return _PASSWORDS.sub(SHOWN, cleansed) if isinstance(cleansed, str) else cleansed

    def get_traceback_frame_variables(self, request: HttpRequest | None, tb_frame: Any) -> Any:
        variables = super().get_traceback_frame_variables(request, tb_frame)
        return [(name, self.cleanse_setting(name, value)) for name, value in variables]
