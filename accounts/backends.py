"""What an operator may do beside their groups: look after vendors. Django asks each backend for permissions."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import BaseBackend

VENDORS = frozenset(
    f"integrations.{act}_{model}"
    for act in ("view", "change")
    for model in ("vendor", "operation", "vendorcall", "phonereveal", "budget", "billedday")
) | {"integrations.add_billedday"}


class Operators(BaseBackend):
    """No sign-in of its own, and no permission to see contacts."""

    def get_user_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """VENDORS, for operators."""
        return set(VENDORS) if obj is None and user_obj.is_active and user_obj.is_operator else set()

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        """Whether the administration shows them an app."""
        return any(name.startswith(f"{app_label}.") for name in self.get_user_permissions(user_obj))
